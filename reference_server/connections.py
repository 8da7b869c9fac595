"""The open WebSocket connections of one application: what is known of each, and how they all are closed."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from .denial import closing, deny

logger = logging.getLogger(__name__)

ABNORMAL_CLOSURE = 1006
NO_STATUS_RECEIVED = 1005
CLOSE_PATIENCE = 10.0
"""Seconds; as long as uvicorn's stacks wait for the peer's Close."""


class Connection:
    """One connection between the application and the stack, seen from both sides."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.accepted = False
        self.ended = False
        """A Close was sent, or the peer is gone: nothing more can be sent."""

    @property
    def open(self) -> bool:
        """Whether the handshake is done and neither side has ended the connection."""
        return self.accepted and not self.ended

    async def receive(self) -> Message:
        """Receive one ASGI event, with the close code that RFC 6455 section 7.1.5 gives it."""
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            self.ended = True
            # uvicorn reports a TCP end without a Close as 1005 and without a reason, a Close without a code as 1005
            # and an empty reason. Section 7.1.5 calls the first 1006.
            if event.get("code", NO_STATUS_RECEIVED) == NO_STATUS_RECEIVED and "reason" not in event:
                event = {**event, "code": ABNORMAL_CLOSURE}
        return event

    async def send(self, message: Message) -> None:
        """Send one ASGI event.

        Raises OSError after a Close, as servers do when the peer is gone; Starlette makes a WebSocketDisconnect of it.
        """
        if self.ended:
            raise OSError("the WebSocket connection is closed")
        kind = message["type"]
        if kind == "websocket.close":
            self.ended = True
            if not self.accepted:
                await deny(self._scope, self._receive, self._send, 403, message.get("reason") or "refused")
                return
        if kind == "websocket.http.response.start":
            message = closing(message)
        try:
            await self._send(message)
        except RuntimeError as error:
            # Another task closed the connection while this one waited for room in the socket.
            if self.ended and kind != "websocket.close":
                raise OSError("the WebSocket connection is closed") from error
            raise
        if kind == "websocket.accept":
            self.accepted = True

    async def close(self, code: int, reason: str = "", timeout: float = CLOSE_PATIENCE) -> None:
        """Send a Close if the connection is open; return after `timeout` seconds at the latest.

        Some stacks wait here for the peer's Close too, and all for room in a full socket, even when they are cancelled.
        """
        if not self.open:
            return
        sending = asyncio.create_task(self.send({"type": "websocket.close", "code": code, "reason": reason}))
        sending.add_done_callback(_ended)
        await asyncio.wait({sending}, timeout=timeout)
        sending.cancel()


def _ended(sending: asyncio.Task[None]) -> None:
    if not sending.cancelled() and (error := sending.exception()):
        # The peer is gone, or does not read: websockets' legacy stack then fails an assertion of its own.
        logger.debug("no Close could be sent", exc_info=error)


class Connections:
    """All connections of one application."""

    def __init__(self) -> None:
        self._connections: set[Connection] = set()

    def __len__(self) -> int:
        return sum(connection.open for connection in self._connections)

    def add(self, connection: Connection) -> None:
        """Remember a connection."""
        self._connections.add(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection; it is no error if it is forgotten already."""
        self._connections.discard(connection)

    async def close_all(self, code: int, reason: str, timeout: float) -> None:
        """Send every peer a Close at the same time; return after `timeout` seconds at the latest."""
        await asyncio.gather(*(connection.close(code, reason, timeout) for connection in tuple(self._connections)))


class ConnectionMiddleware:
    """ASGI middleware that keeps count, and ends each connection with the Close that a handler has left out.

    A handler that returns closes with 1000, one that raises closes with 1011 (RFC 6455 section 7.4.1); a peer that
    leaves is no error.
    """

    def __init__(self, app: ASGIApp, connections: Connections) -> None:
        self.app = app
        self.connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one connection."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        connection = scope["wsproof.connection"] = Connection(scope, receive, send)
        self.connections.add(connection)
        try:
            await self.app(scope, connection.receive, connection.send)
            await connection.close(1000)
        except WebSocketDisconnect:
            logger.debug("the peer left")
        except Exception:
            if not connection.accepted:
                raise
            logger.exception("the handler of %s failed", scope["path"])
            await connection.close(1011, "internal error")
        finally:
            self.connections.remove(connection)
