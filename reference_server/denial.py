"""How a request or a handshake is refused with an HTTP response."""

from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send


def closing(message: Message) -> Message:
    """Return the start of a response with `Connection: close` (RFC 9112 section 9.6): servers close after a denial."""
    fields = [(name, value) for name, value in message.get("headers", ()) if name.lower() != b"connection"]
    return {**message, "headers": [*fields, (b"connection", b"close")]}


async def deny(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    """Refuse a request; a handshake by the ASGI extension for it, or with the server's own 403 where it has none."""
    if scope["type"] != "websocket" or "websocket.http.response" in scope.get("extensions", {}):
        response = PlainTextResponse(f"{why}\n", status, headers={"connection": "close"})
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": why})
