"""What the server does with messages, by path. It knows of the protocol only what Connection offers."""

from __future__ import annotations

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from .chat_app import ANNOUNCED_CHAT, CHAT, ChatApp
from .contract_app import ITEM, ContractApp
from .frames import TEXT
from .request import Refusal, Request

if TYPE_CHECKING:
    from .connection import Connection

PUSH_INTERVAL: Final = 0.02
GREETINGS: Final = ("Good morning.", "The line is open.")
REFUSED_ORIGIN: Final = "evil.invalid"
MEMBERS_ORIGIN: Final = "http://friend.invalid"
"""The only site whose pages may connect to /members."""
REMEMBERED_ENDS: Final = 256

OnOpen = Callable[["Connection"], None]
OnMessage = Callable[["Connection", int, bytes], None]


class Pattern(NamedTuple):
    """A path with a parameter, and what is done there."""

    path: re.Pattern[str]
    on_message: OnMessage
    on_open: OnOpen


class App(ContractApp, ChatApp):
    """The application. One object serves all connections of a server."""

    subprotocols: frozenset[str] = frozenset({"chat", "superchat"})

    def __init__(self) -> None:
        super().__init__()
        self.on_open: dict[str, OnOpen] = {
            "/greet": self.greet,
            "/push": self.push,
            "/probe/push": self.probe_push,
            "/probe/close": self.probe_close,
            "/probe/last-close": self.probe_last_close,
        }
        self.on_message: dict[str, OnMessage] = {
            "/": self.echo,
            "/echo": self.echo,
            "/prefix": self.prefix,
            "/greet": self.echo,
            "/push": self.swallow,
            "/swallow": self.swallow,
            "/constant": self.constant,
            "/probe/subprotocol": self.echo,
            "/probe/close": self.echo,
            "/probe/push": self.swallow,
            "/probe/crash": self.crash,
            "/probe/headers": self.echo,
            "/probe/last-close": self.swallow,
            "/deny": self.swallow,
            "/auth": self.echo,
            "/redirect": self.swallow,
            "/members": self.echo,
            "/deflate": self.echo,
            "/ws": self.echo_text,
            "/ws/bytes": self.echo_binary,
            "/ws/json": self.echo_json,
        }
        self.patterns: list[Pattern] = [
            Pattern(ITEM, self.answer_item, self.open_item),
            Pattern(CHAT, self.chat, self.join_chat),
            Pattern(ANNOUNCED_CHAT, self.chat, self.join_chat),
        ]
        """The paths with a parameter in them, looked at after the exact ones."""
        self.ends: OrderedDict[str, asyncio.Future[tuple[int, str]]] = OrderedDict()
        """How the latest connection on /echo?id=ID ended, by that id; the future is done once it has ended."""
        self.die: Callable[[], None] = lambda: None
        """Ends the whole server, set by it. Only mutants use it."""
        self.watched: dict[Connection, asyncio.Future[tuple[int, str]]] = {}
        """The open connections among them."""

    # Before the 101

    def check_path(self, request: Request) -> None:
        """Raise 404 for a path that is not served."""
        if self.message_handler(request.path) is None:
            raise Refusal(404, "no such resource")

    def message_handler(self, path: str) -> OnMessage | None:
        """What answers the messages of that path; None for one that is not served."""
        found = self.pattern(path)
        return self.on_message.get(path) or (found.on_message if found else None)

    def pattern(self, path: str) -> Pattern | None:
        """The pattern that the path fits, unless it is served exactly."""
        return None if path in self.on_message else next((it for it in self.patterns if it.path.fullmatch(path)), None)

    def check_policy(self, request: Request) -> None:
        """Raise what the application has against an otherwise good handshake (RFC 6455, 4.2.2)."""
        self.check_origin(request)
        if request.path == "/deny":
            raise Refusal(403, "nobody is served here")
        if request.path == "/auth" and not request.lines("authorization"):
            raise Refusal(401, "credentials are needed", fields=(("WWW-Authenticate", 'Basic realm="mutants"'),))
        if request.path == "/redirect":
            raise Refusal(307, "the service has moved", fields=(("Location", "/echo"),))
        if request.path == "/probe/last-close" and request.query.get("id") not in self.ends:
            raise Refusal(404, "no connection had that id")

    def check_origin(self, request: Request) -> None:
        """One origin is known to be refused; others, and none, are welcome."""
        if any(origin_host(origin) == REFUSED_ORIGIN for origin in request.lines("origin")):
            raise Refusal(403, "that origin is not welcome")
        if request.path == "/members":
            self.check_membership(request)

    def check_membership(self, request: Request) -> None:
        """One site is served and no other (10.2)."""
        if request.lines("origin") != [MEMBERS_ORIGIN]:
            raise Refusal(403, "members only")

    def accept_fields(self, request: Request) -> list[tuple[str, str]]:
        """Fields that the application adds to the 101."""
        return [("X-Wsproof", "probe")] if request.path == "/probe/headers" else []

    def agrees_to_deflate(self, request: Request) -> bool:
        """Whether permessage-deflate is agreed to in the handshake; no message is ever compressed."""
        return request.path == "/deflate"

    # Events of a connection

    def opened(self, connection: Connection) -> None:
        """The connection is open."""
        request = connection.handshake
        if request.path == "/echo" and "id" in request.query:
            self.watch(connection, request.query["id"])
        found = self.pattern(request.path)
        self.on_open.get(request.path, found.on_open if found else self.wait)(connection)

    def message(self, connection: Connection, opcode: int, message: bytes) -> None:
        """A whole message has come; `opcode` is its type."""
        handler = self.message_handler(connection.handshake.path)
        assert handler is not None
        handler(connection, opcode, message)

    def ended(self, connection: Connection, code: int, reason: str) -> None:
        """The connection has ended, with the code and reason of section 7.1.5 and 7.1.6."""
        if connection in self.watched:
            self.watched.pop(connection).set_result((code, reason))
        self.leave_chat(connection, code)

    def pong(self, connection: Connection) -> None:
        """A Pong has come, asked for or not."""
        self.chat_pong(connection)

    def watch(self, connection: Connection, name: str) -> None:
        """Remember under `name` how this connection will end."""
        self.ends[name] = self.watched[connection] = asyncio.get_running_loop().create_future()
        self.ends.move_to_end(name)
        while len(self.ends) > REMEMBERED_ENDS:
            self.ends.popitem(last=False)

    # What each path does when it is opened

    def wait(self, connection: Connection) -> None:
        """Nothing."""

    def greet(self, connection: Connection) -> None:
        """Two greetings."""
        for greeting in GREETINGS:
            connection.send_message(TEXT, greeting.encode())

    def push(self, connection: Connection) -> None:
        """A message every PUSH_INTERVAL seconds, unless the client does not read."""
        if connection.is_open:
            if not connection.stream.is_congested:
                connection.send_message(TEXT, b"tick")
            asyncio.get_running_loop().call_later(PUSH_INTERVAL, self.push, connection)

    def probe_push(self, connection: Connection) -> None:
        """`n` numbered messages, `interval` seconds apart."""
        query = connection.handshake.query
        self.push_number(connection, 0, int(query.get("n", "1")), float(query.get("interval", "0")))

    def push_number(self, connection: Connection, number: int, end: int, interval: float) -> None:
        """The messages from `number` up to `end`."""
        while number < end and connection.is_open:
            connection.send_message(TEXT, str(number).encode())
            number += 1
            if interval > 0:
                loop = asyncio.get_running_loop()
                loop.call_later(interval, self.push_number, connection, number, end, interval)
                return

    def probe_close(self, connection: Connection) -> None:
        """The closing handshake, with the code and reason of the query."""
        query = connection.handshake.query
        connection.start_close(int(query.get("code", "1000")), query.get("reason", ""))

    def probe_last_close(self, connection: Connection) -> None:
        """How the connection of that id ended, once it has ended; then the closing handshake."""

        def tell(end: asyncio.Future[tuple[int, str]]) -> None:
            code, reason = end.result()
            connection.send_message(TEXT, json.dumps({"code": code, "reason": reason}).encode())
            connection.start_close(1000)

        self.ends[connection.handshake.query["id"]].add_done_callback(tell)

    # What each path does with a message

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        """The message itself."""
        connection.send_message(opcode, message)

    def prefix(self, connection: Connection, opcode: int, message: bytes) -> None:
        """The message after some words."""
        connection.send_message(opcode, b"Message text was: " + message)

    def swallow(self, connection: Connection, opcode: int, message: bytes) -> None:
        """No answer."""

    def constant(self, connection: Connection, opcode: int, message: bytes) -> None:
        """The same answer to everything."""
        connection.send_message(TEXT, b"ok")

    def crash(self, connection: Connection, opcode: int, message: bytes) -> None:
        """A fault of the application."""
        raise RuntimeError("the handler of /probe/crash always fails")


def origin_host(origin: str) -> str | None:
    """The host of an Origin value, None if it has none (`null`, say)."""
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None
