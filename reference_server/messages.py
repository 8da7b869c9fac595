"""Whole messages as a handler receives them; what it does not understand ends the connection as RFC 6455 says."""

import json
import math
from typing import Any, NoReturn

from fastapi import WebSocket, WebSocketDisconnect, WebSocketException, status


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
        return json.loads(message, parse_constant=_not_json, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise WebSocketException(status.WS_1007_INVALID_FRAME_PAYLOAD_DATA, "the message is not JSON") from error


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is out of range")
    return value
