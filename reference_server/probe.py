"""What a check needs in order to see a server choose, close first, push, fail, and send fields with its 101."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket
from pydantic import AfterValidator

from .close_codes import sendable_code, sendable_reason
from .dependencies import LastClosesOf
from .messages import receive_message

router = APIRouter(prefix="/probe")

SUBPROTOCOLS = ("chat", "superchat")
LAST_CLOSE_PATIENCE = 5.0
"""The longest wait, in seconds, for the end of the connection that `/probe/last-close` is asked about."""


@router.websocket("/subprotocol")
async def subprotocol(websocket: WebSocket) -> None:
    """Choose the first of the client's subprotocols that is known here, or none (RFC 6455 section 4.2.2)."""
    # Not the header field: some servers keep it to themselves.
    offered: list[str] = websocket.scope["subprotocols"]
    await websocket.accept(next((name for name in offered if name in SUBPROTOCOLS), None))
    await _ignore_messages(websocket)


@router.websocket("/close")
async def close(
    websocket: WebSocket,
    code: Annotated[int, Query(), AfterValidator(sendable_code)] = 1000,
    reason: Annotated[str, Query(), AfterValidator(sendable_reason)] = "",
) -> None:
    """Close at once, with this code and reason."""
    await websocket.accept()
    await websocket.close(code, reason)


@router.websocket("/push")
async def push(
    websocket: WebSocket,
    n: Annotated[int, Query(ge=0, le=100_000)] = 10,
    interval: Annotated[float, Query(ge=0, le=60)] = 0.0,
) -> None:
    """Send `push 1` to `push n` without being asked, `interval` seconds apart, and close with 1000."""
    await websocket.accept()

    async def pushing() -> None:
        for number in range(1, n + 1):
            await websocket.send_text(f"push {number}")
            await asyncio.sleep(interval)

    await _unless_the_peer_leaves(websocket, pushing())


@router.websocket("/crash")
async def crash(websocket: WebSocket) -> None:
    """Fail on the first message."""
    await websocket.accept()
    await receive_message(websocket)
    raise RuntimeError("/probe/crash was asked to fail")


@router.websocket("/headers")
async def headers(websocket: WebSocket) -> None:
    """Send the field `X-Wsproof: probe` with the 101."""
    await websocket.accept(headers=[(b"x-wsproof", b"probe")])
    await _ignore_messages(websocket)


@router.websocket("/last-close")
async def last_close(websocket: WebSocket, id: Annotated[str, Query(max_length=128)], endings: LastClosesOf) -> None:
    """Tell as JSON how the last connection on `/echo?id=` ended; the values are null if it is unknown or still open."""
    await websocket.accept()

    async def telling() -> None:
        ending = await endings.wait(id, LAST_CLOSE_PATIENCE)
        await websocket.send_json({"code": ending and ending.code, "reason": ending and ending.reason})

    await _unless_the_peer_leaves(websocket, telling())


async def _ignore_messages(websocket: WebSocket) -> None:
    while True:
        await receive_message(websocket)


async def _unless_the_peer_leaves(websocket: WebSocket, work: Coroutine[Any, Any, None]) -> None:
    # A server that receives nothing meanwhile would answer neither Ping nor Close.
    working = asyncio.create_task(work)
    ignoring = asyncio.create_task(_ignore_messages(websocket))
    try:
        done, _ = await asyncio.wait({working, ignoring}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        ignoring.cancel()
        await asyncio.gather(working, ignoring, return_exceptions=True)
    for task in done:
        task.result()
