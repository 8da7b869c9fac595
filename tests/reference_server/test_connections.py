"""The middleware ends what a handler has left open, and knows how a connection ended; seen at the ASGI seam."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from wsproof.reference_server.connections import Connection, ConnectionMiddleware, Connections

Message = dict[str, Any]
ACCEPT: Message = {"type": "websocket.accept"}
EXTENSIONS: Message = {"websocket.http.response": {}}


class Server:
    """The server's side of one ASGI connection."""

    def __init__(self, *events: Message) -> None:
        self.events = list(events)
        self.sent: list[Message] = []
        self.full = False

    async def receive(self) -> Message:
        """Give the next event."""
        return self.events.pop(0)

    async def send(self, message: Any) -> None:
        """Take a message; wait for ever if the socket is full."""
        if self.full:
            await asyncio.Event().wait()
        self.sent.append(dict(message))


Handler = Callable[[Any, Any, Any], Awaitable[None]]


async def serve(server: Server, handler: Handler, **scope: Any) -> Connections:
    """Run a handler behind the middleware."""
    connections = Connections()
    whole = {"type": "websocket", "path": "/x", "extensions": EXTENSIONS, **scope}
    await ConnectionMiddleware(handler, connections)(whole, server.receive, server.send)
    return connections


async def test_a_handler_that_returns_closes_with_1000() -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)

    server = Server()
    connections = await serve(server, handler)
    assert server.sent == [ACCEPT, {"type": "websocket.close", "code": 1000, "reason": ""}]
    assert len(connections) == 0


async def test_a_handler_that_fails_closes_with_1011_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        raise RuntimeError("broken")

    server = Server()
    await serve(server, handler)
    assert server.sent[-1] == {"type": "websocket.close", "code": 1011, "reason": "internal error"}
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "broken" in caplog.text


async def test_a_handler_that_fails_before_accept_is_the_servers_to_answer() -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await serve(Server(), handler)


async def test_that_the_peer_left_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        await receive()
        raise WebSocketDisconnect(1001)

    server = Server({"type": "websocket.disconnect", "code": 1001, "reason": ""})
    await serve(server, handler)
    assert server.sent == [ACCEPT]
    assert caplog.text == ""


async def test_nothing_is_sent_after_a_close() -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        await send({"type": "websocket.close", "code": 4000})
        with pytest.raises(OSError, match="closed"):
            await send({"type": "websocket.send", "text": "late"})

    server = Server()
    await serve(server, handler)
    assert [message["type"] for message in server.sent] == ["websocket.accept", "websocket.close"]


async def test_a_close_by_another_task_ends_a_send_that_waits() -> None:
    waiting, closed = asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            waiting.set()
            await closed.wait()
            raise RuntimeError("Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.")

    connection = Connection({"type": "websocket"}, Server().receive, send)
    await connection.send(ACCEPT)
    sending = asyncio.create_task(connection.send({"type": "websocket.send", "text": "x"}))
    await waiting.wait()
    await connection.close(1001)
    closed.set()
    with pytest.raises(OSError, match="closed"):
        await sending


async def test_a_wrong_message_is_the_handlers_error() -> None:
    async def send(message: Any) -> None:
        raise RuntimeError("Expected ASGI message 'websocket.accept'")

    with pytest.raises(RuntimeError, match="Expected"):
        await Connection({"type": "websocket"}, Server().receive, send).send({"type": "websocket.send", "text": "x"})


async def test_a_refusal_is_an_http_response_that_says_the_connection_closes() -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 1008, "reason": "no token"})

    server = Server()
    await serve(server, handler)
    start, body = server.sent
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert (b"connection", b"close") in start["headers"]
    assert body["body"] == b"no token\n"


async def test_a_server_without_denial_responses_refuses_in_its_own_way() -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 1008, "reason": "no token"})

    server = Server()
    await serve(server, handler, extensions={})
    assert server.sent == [{"type": "websocket.close", "code": 1008, "reason": "no token"}]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"code": 1005}, 1006),
        ({}, 1006),
        ({"code": 1005, "reason": ""}, 1005),
        ({"code": 1006}, 1006),
        ({"code": 1001, "reason": "bye"}, 1001),
    ],
)
async def test_the_close_code_is_that_of_rfc_6455(event: Message, code: int) -> None:
    seen: list[Message] = []

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        seen.append(await receive())

    await serve(Server({"type": "websocket.disconnect", **event}), handler)
    assert seen[0]["code"] == code


async def test_close_all_waits_for_nobody() -> None:
    connections = Connections()
    servers = [Server() for _ in range(3)]
    for server in servers:
        connection = Connection({"type": "websocket"}, server.receive, server.send)
        await connection.send(ACCEPT)
        connections.add(connection)
    unaccepted = Server()
    connections.add(Connection({"type": "websocket"}, unaccepted.receive, unaccepted.send))
    servers[1].full = True
    assert len(connections) == 3
    await connections.close_all(1001, "bye", 0.01)
    assert [server.sent[1:] for server in servers] == [
        [{"type": "websocket.close", "code": 1001, "reason": "bye"}],
        [],
        [{"type": "websocket.close", "code": 1001, "reason": "bye"}],
    ]
    assert unaccepted.sent == []
    assert len(connections) == 0
