"""The three pages of the tutorial, written anew: one script and one stylesheet for all, nothing inline."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter()

FOLDER = Path(__file__).with_name("pages")

FIELDS = {
    # connect-src 'self' is this host by ws and wss as well (CSP Level 3 section 6.7.2.8).
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def _page(name: str) -> FileResponse:
    return FileResponse(FOLDER / name, headers=FIELDS)


@router.get("/", response_class=HTMLResponse)
async def echo_page() -> FileResponse:
    """Serve the echo page, which talks to `/ws`."""
    return _page("echo.html")


@router.get("/items", response_class=HTMLResponse)
async def items_page() -> FileResponse:
    """Serve the items page, which talks to `/items/{item_id}/ws`."""
    return _page("items.html")


@router.get("/chat", response_class=HTMLResponse)
async def chat_page() -> FileResponse:
    """Serve the chat page, which talks to `/ws/{client_id}`."""
    return _page("chat.html")


@router.get("/page.js", response_class=FileResponse)
async def script() -> FileResponse:
    """Serve the script of all pages."""
    return _page("page.js")


@router.get("/page.css", response_class=FileResponse)
async def stylesheet() -> FileResponse:
    """Serve the stylesheet of all pages."""
    return _page("page.css")
