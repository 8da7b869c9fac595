"""Servers whose HTTP is unusual but conformant: the chapters of the handshake find nothing to fail or to warn about.

Each is a small subclass of the conformant connection; its docstring says what it does otherwise.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from tests.mutants import Switch
from tests.mutants.connection import Connection, Phase
from tests.mutants.http_phase import ExtensionOffers, Fields
from tests.mutants.request import Refusal, Request
from tests.mutants.server import ServedStream
from wsproof.conformance.check import CATALOGUE

from .harness import PATIENCE, chapter_checks, load_checks, observe

CHAPTERS = ("opening-handshake", "http-message", "negotiation")


class ClosesAfterEachResponse(Connection):
    """Keeps no connection open after a refusal, and says so."""

    def closes_after(self, request: Request | None, refusal: Refusal) -> bool:
        return True


class EndsContentWithTcp(ClosesAfterEachResponse):
    """Sends no Content-Length: the end of TCP is the end of the content."""

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        fields = super().refusal_fields(request, refusal, close=close)
        return [field for field in fields if field[0] != "Content-Length"]


class EndsTcpLate(ClosesAfterEachResponse):
    """The end of TCP comes a while after the response that announces it."""

    def end_http(self) -> None:
        self.phase = Phase.ENDED
        self.buffer.clear()
        self.start_timer(PATIENCE / 4, self.stream.end)


class SendsInformationalFirst(Connection):
    """Before each final response to HTTP/1.1 come 102 and 103."""

    def inform(self, request: Request | None) -> None:
        if request is not None and not request.is_http_1_0:
            self.stream.write(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")

    def send_accept(self, request: Request, fields: Fields) -> None:
        self.inform(request)
        super().send_accept(request, fields)

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        self.inform(request)
        super().send_refusal(request, refusal)


class SpellsOtherwise(Connection):
    """Another reason phrase or none, names in lower case, white space, more fields, chunked content."""

    def status_line(self, status: int) -> bytes:
        return b"HTTP/1.1 %d %s\r\n" % (status, b"Web Socket Protocol Handshake" if status == 101 else b"")

    def encode_fields(self, fields: Fields) -> bytes:
        return b"".join(f"{name.lower()}:{value} \t\r\n".encode("latin-1") for name, value in fields) + b"\r\n"

    def upgrade_field(self) -> str:
        return "WebSocket"

    def connection_field(self) -> str:
        return "keep-alive, upgrade"

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        more = [("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Sec-WebSocket-Version", "13"), ("X-Name", "caf\xe9")]
        return [*more, *super().response_fields(request, extensions)]

    def is_chunked(self, request: Request | None) -> bool:
        """Whether the client can read chunks."""
        return request is not None and not request.is_http_1_0

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        fields = super().refusal_fields(request, refusal, close=close)
        if not self.is_chunked(request):
            return fields
        return [*(field for field in fields if field[0] != "Content-Length"), ("Transfer-Encoding", "chunked")]

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        content = super().refusal_content(request, refusal)
        if not content or not self.is_chunked(request):
            return content
        return b"%x;extension=1\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(content), content)


class SpeaksDrafts(Connection):
    """Takes drafts 0, 7 and 8 as well, the first with the 101 that it had, and names them in two lines."""

    def check_version(self, request: Request) -> None:
        if request.lines("sec-websocket-version") not in (["0"], ["7"], ["8"]):
            super().check_version(request)

    def upgrade_required(self, text: str) -> Refusal:
        return Refusal(400, text, fields=(("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "8, 7, 0")))

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        fields = super().response_fields(request, extensions)
        if request.lines("sec-websocket-version") != ["0"]:
            return fields
        return [*(field for field in fields if field[0] != "Sec-WebSocket-Accept"), ("Sec-WebSocket-Origin", "null")]


class StreamsEvents(Connection):
    """An ordinary GET of its paths gets a stream of events that does not end."""

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        if request is None or request.lines("upgrade") or request.is_http_1_0 or refusal.status != 426:
            super().send_refusal(request, refusal)
            return
        self.stream.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        self.fall_silent()


class QuotesWhatItRejects(Connection):
    """The text of a 400 holds the line that was rejected, octet for octet."""

    def on_bare_carriage_return(self, line: bytes) -> bytes:
        raise Refusal(400, line.decode("latin-1"), close=True)

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        try:
            return super().parse_field_line(line)
        except Refusal:
            raise Refusal(400, line.decode("latin-1"), close=True) from None

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        return super().refusal_content(request, refusal).decode().encode("latin-1")


class DropsEarlyFrames(Connection):
    """What came together with the handshake is gone after the 101."""

    def opened(self) -> None:
        self.buffer.clear()
        super().opened()


class TakesFewConnections(Connection):
    """More than four connections at a time are too many."""

    def check_policy(self, request: Request) -> None:
        super().check_policy(request)
        assert isinstance(self.stream, ServedStream)
        if sum(not stream.ended for stream in self.stream.server.streams) > 4:
            raise Refusal(503, "too busy", fields=(("Retry-After", "1"),))


class AnswersLate(Connection):
    """Takes its time before it answers a request."""

    def receive(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(PATIENCE / 10 if self.phase is Phase.HTTP else 0, super().receive, data)


class AgreesInOtherWords(Connection):
    """Agrees to permessage-deflate with all that may be said unasked, quoted values, white space, empty elements."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        for name, parameters in offers:
            if name != "permessage-deflate":
                continue
            bits = parameters.get("server_max_window_bits", "12")
            said = ["permessage-deflate", " client_no_context_takeover\t", "server_no_context_takeover "]
            said.append(f'server_max_window_bits = "{bits}"')
            if "client_max_window_bits" in parameters:
                said.append(f"client_max_window_bits={parameters['client_max_window_bits'] or 15}")
            return ";".join(said) + " , ,"
        return None


class WantsASubprotocol(Connection):
    """Refuses whoever offers subprotocols among which none is its own, and chooses the last that is."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        chosen = super().choose_subprotocol(offered[::-1])
        if offered and chosen is None:
            raise Refusal(400, "none of these subprotocols is spoken here")
        return chosen


class ServesOneAtATime(Connection):
    """Reads nothing of a connection before the one that came earlier has ended."""

    waiting: ClassVar[list[ServesOneAtATime]] = []
    unread = b""

    def receive(self, data: bytes) -> None:
        if self not in self.waiting:
            self.waiting.append(self)
        self.unread += data
        self.serve()

    def serve(self) -> None:
        """Read on, where it is this connection's turn."""
        while self.waiting and (self.waiting[0].stream.ended or self.waiting[0].stream.transport.is_closing()):
            del self.waiting[0]
        if not self.waiting or self not in self.waiting:
            return
        if self.waiting[0] is not self:
            asyncio.get_running_loop().call_later(PATIENCE / 100, self.serve)
        elif self.unread:
            data, self.unread = self.unread, b""
            super().receive(data)


BENIGN = (
    ClosesAfterEachResponse,
    EndsContentWithTcp,
    EndsTcpLate,
    SendsInformationalFirst,
    SpellsOtherwise,
    SpeaksDrafts,
    StreamsEvents,
    QuotesWhatItRejects,
    DropsEarlyFrames,
    TakesFewConnections,
    AnswersLate,
    AgreesInOtherWords,
    WantsASubprotocol,
)


@pytest.mark.parametrize("part", BENIGN, ids=lambda part: part.__name__)
async def test_nothing_is_held_against_it(part: type[Connection]) -> None:
    checks = [check for chapter in CHAPTERS for check in chapter_checks(chapter)]
    seen = await observe(Switch(part.__name__, part.__doc__ or "", ("-",), (), part, "-"), checks)
    assert seen.refused is None
    assert {key: seen.seen[key] for key in seen.bad()} == {}
    assert seen.errors == {}


async def test_nothing_is_held_against_a_server_of_one_connection_at_a_time() -> None:
    load_checks()
    ids = (
        "framing/endless-message",
        "http-message/waits-for-the-end-of-the-fields",
        "opening-handshake/authentication",
    )
    one = Switch("one-at-a-time", "", ("-",), (), ServesOneAtATime, "-")
    seen = await observe(one, [CATALOGUE[id] for id in ids])
    assert (seen.bad(), seen.errors) == (set(), {})
    assert seen.undetermined == {ids[0]: "the target serves one connection at a time"}
