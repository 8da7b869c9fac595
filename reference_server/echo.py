"""`/echo`, and the echo of the tutorial in its three forms: text, bytes, JSON."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from .dependencies import LastClosesOf
from .last_close import Ending
from .messages import receive_bytes, receive_json, receive_message, receive_text

router = APIRouter()


@router.websocket("/echo")
async def echo(
    websocket: WebSocket, last_closes: LastClosesOf, id: Annotated[str | None, Query(max_length=128)] = None
) -> None:
    """Send every message back as it came. With `id`, `/probe/last-close?id=` tells how the connection ended."""
    ending = last_closes.expect(id) if id is not None else None
    await websocket.accept()
    last = await _echo_until_the_end(websocket)
    if ending is not None:
        ending.set_result(last)


async def _echo_until_the_end(websocket: WebSocket) -> Ending:
    peer_reads = True
    while True:
        try:
            message = await receive_message(websocket)
        except WebSocketDisconnect as disconnect:
            return Ending(disconnect.code, disconnect.reason or "")
        if not peer_reads:
            continue
        try:
            if isinstance(message, str):
                await websocket.send_text(message)
            else:
                await websocket.send_bytes(message)
        except WebSocketDisconnect:
            # What the peer sent before it left is still to be received, and after it how it left.
            peer_reads = False


@router.websocket("/ws")
async def echo_text(websocket: WebSocket) -> None:
    """Answer each text message as the tutorial does."""
    await websocket.accept()
    while True:
        data = await receive_text(websocket)
        await websocket.send_text(f"Message text was: {data}")


@router.websocket("/ws/bytes")
async def echo_bytes(websocket: WebSocket) -> None:
    """Answer each binary message with `Message bytes were: ` and the message, in binary."""
    await websocket.accept()
    while True:
        data = await receive_bytes(websocket)
        await websocket.send_bytes(b"Message bytes were: " + data)


@router.websocket("/ws/json")
async def echo_json(websocket: WebSocket) -> None:
    """Answer each JSON value with the object `{"message": value}`."""
    await websocket.accept()
    while True:
        value = await receive_json(websocket)
        await websocket.send_text(json.dumps({"message": value}))
