"""The items of the tutorial: a cookie, a token or an API key opens the connection, and `q` adds an answer."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Path, Query, Security, WebSocket, WebSocketException, status
from fastapi.security import APIKeyHeader

from .messages import receive_text

router = APIRouter()

api_key_header = APIKeyHeader(name="X-API-Key", auto_error=False)


def get_credential(
    session: Annotated[str | None, Cookie()] = None,
    token: Annotated[str | None, Query()] = None,
    api_key: Annotated[str | None, Security(api_key_header)] = None,
) -> str:
    """Return the cookie `session`, else the query's `token`, else the API key; with none of them refuse with 1008."""
    if session is None and token is None and api_key is None:
        raise WebSocketException(status.WS_1008_POLICY_VIOLATION, "a session cookie, a token or an API key is needed")
    return session or token or api_key or ""


@router.websocket("/items/{item_id}/ws")
async def items(
    websocket: WebSocket,
    item_id: Annotated[str, Path()],
    credential: Annotated[str, Depends(get_credential)],
    q: Annotated[int | None, Query()] = None,
) -> None:
    """Give two or three answers to each text message, in the tutorial's order."""
    await websocket.accept()
    while True:
        data = await receive_text(websocket)
        await websocket.send_text(f"Session cookie or query token value is: {credential}")
        if q is not None:
            await websocket.send_text(f"Query parameter q is: {q}")
        await websocket.send_text(f"Message text was: {data}, for item ID: {item_id}")
