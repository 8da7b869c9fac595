"""`/echo`, and the echo of the tutorial in its three forms: text, bytes, JSON."""

import json
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect, WebSocketException, status

from .last_close import Ending, LastCloses

router = APIRouter()


async def receive_message(websocket: WebSocket) -> str | bytes:
    """Receive one whole message, text as str and binary as bytes; raise WebSocketDisconnect at the end."""
    event = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event["code"], event.get("reason"))
    text: str | None = event.get("text")
    data: bytes | None = event.get("bytes")
    return text if text is not None else data or b""


async def receive_text(websocket: WebSocket) -> str:
    """Receive one text message; a binary one ends the connection with 1003 (RFC 6455 section 7.4.1)."""
    message = await receive_message(websocket)
    if isinstance(message, bytes):
        raise WebSocketException(status.WS_1003_UNSUPPORTED_DATA, "only text messages are understood here")
    return message


async def receive_bytes(websocket: WebSocket) -> bytes:
    """Receive one binary message; a text one ends the connection with 1003."""
    message = await receive_message(websocket)
    if isinstance(message, str):
        raise WebSocketException(status.WS_1003_UNSUPPORTED_DATA, "only binary messages are understood here")
    return message


async def receive_json(websocket: WebSocket) -> Any:
    """Receive one JSON value (RFC 8259) in a text message; what is no JSON ends the connection with 1007."""
    message = await receive_text(websocket)
    try:
        return json.loads(message, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise WebSocketException(status.WS_1007_INVALID_FRAME_PAYLOAD_DATA, "the message is not JSON") from error


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@router.websocket("/echo")
async def echo(websocket: WebSocket, id: Annotated[str | None, Query(max_length=128)] = None) -> None:
    """Send every message back as it came. With `id`, `/probe/last-close?id=` tells how the connection ended."""
    last_closes: LastCloses = websocket.app.state.last_closes
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
