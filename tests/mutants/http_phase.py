"""The HTTP part of a connection: requests are read, answered in order, and a good opening handshake gets its 101."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from .deflate import agree
from .request import (
    KNOWN_METHODS,
    KNOWN_TRANSFER_CODINGS,
    ChunkedContent,
    Content,
    Refusal,
    Request,
    SizedContent,
    is_token,
    parse_extensions,
    parse_field_line,
    parse_request_line,
    split_authority,
)
from .stream import Stream

if TYPE_CHECKING:
    from .app import App

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OWN_HOSTS: Final = frozenset({"", "127.0.0.1", "[::1]", "localhost"})
Fields = list[tuple[str, str]]
ExtensionOffers = list[tuple[str, dict[str, str | None]]]


@dataclass(frozen=True)
class Limits:
    """What the server takes: sizes in octets, times in seconds. `hosts` are its own names; None takes any name."""

    message: int = 16 * 1024 * 1024
    request_line: int = 16 * 1024
    field_line: int = 16 * 1024
    head: int = 64 * 1024
    fields: int = 256
    content: int = 1024 * 1024
    head_time: float = 10.0
    close_time: float = 5.0
    hosts: frozenset[str] | None = OWN_HOSTS


class Phase(Enum):
    """Where a connection stands."""

    HTTP = auto()
    OPEN = auto()
    CLOSING = auto()
    """Our Close is sent, the client's has not come yet."""
    ENDED = auto()
    """Nothing more is read or sent."""


class HttpPhase:
    """A connection until its 101. Each rule has a method of its own, so that a mutant breaks one by overriding one."""

    def __init__(self, stream: Stream, app: App, limits: Limits) -> None:
        self.stream = stream
        self.app = app
        self.limits = limits
        self.phase = Phase.HTTP
        self.buffer = bytearray()
        self.searched = 0
        """Octets at the front of the buffer that are known to hold no line end."""
        self.head_size = 0
        self.request: Request | None = None
        """The request that is being read, and after the 101 the handshake itself."""
        self.content: Content | None = None
        self.subprotocol: str | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.start_timer(limits.head_time, self.on_head_timeout)

    # Octets in

    def receive(self, data: bytes) -> None:
        """Octets from the client; those after a 101 are frames, also when they came together with the request."""
        if self.phase is Phase.ENDED:
            return
        self.buffer += data
        if self.phase is Phase.HTTP:
            self.read_http()
        if self.phase in (Phase.OPEN, Phase.CLOSING):
            self.read_frames()

    def read_frames(self) -> None:
        """Read what the buffer holds of frames; see Connection."""
        raise NotImplementedError

    def opened(self) -> None:
        """The 101 is sent; see Connection."""
        raise NotImplementedError

    def read_http(self) -> None:
        """Read and answer the requests in the buffer, one after the other."""
        try:
            while self.phase is Phase.HTTP:
                if self.content is None:
                    if not self.read_head():
                        return
                    assert self.request is not None
                    self.content = self.frame_content(self.request)
                    if self.expects_continue(self.request):
                        self.send_continue()
                if not self.content.read(self.buffer):
                    return
                assert self.request is not None
                request, self.content, self.head_size = self.request, None, 0
                self.answer(request)
                if self.phase is Phase.HTTP:
                    self.request = None
                    self.start_timer(self.limits.head_time, self.on_head_timeout)
        except Refusal as refusal:
            self.send_refusal(self.request, refusal)

    # The head

    def read_head(self) -> bool:
        """Read lines into self.request; True once the empty line that ends the head has come (RFC 9112, 2.1)."""
        self.check_first_octet()
        while (end := self.buffer.find(b"\n", self.searched)) >= 0:
            line = bytes(self.buffer[: end + 1])
            del self.buffer[: end + 1]
            self.searched = 0
            self.check_line_size(line)
            self.head_size += len(line)
            if self.take_line(self.strip_line_end(line)):
                return True
        self.searched = len(self.buffer)
        self.check_line_size(self.buffer)
        return False

    def check_first_octet(self) -> None:
        """What cannot begin a request line is refused without waiting for a line end that may never come."""
        if self.request is None and self.buffer and not is_token(chr(self.buffer[0])) and self.buffer[0] not in b"\r\n":
            raise Refusal(400, "no request line begins so", close=True)

    def check_line_size(self, line: bytes | bytearray) -> None:
        """Too long a line, whole or not, is refused: 501 for an endless method, 414 for a target, 431 for fields."""
        if self.request is None:
            if len(line) > self.limits.request_line:
                status = 414 if b" " in line[: self.limits.request_line] else 501
                raise Refusal(status, "the request line is too long", close=True)
        elif len(line) > self.limits.field_line or self.head_size + len(line) > self.limits.head:
            raise Refusal(431, "the header fields are too large", close=True)

    def strip_line_end(self, line: bytes) -> bytes:
        """The line without its CRLF; a bare LF ends no line here, a CR elsewhere is no part of any element."""
        if not line.endswith(b"\r\n"):
            return self.on_bare_line_feed(line[:-1])
        if b"\r" in line[:-2]:
            return self.on_bare_carriage_return(line[:-2])
        return line[:-2]

    def on_bare_line_feed(self, line: bytes) -> bytes:
        """A line that ends in LF alone (RFC 9112, 2.2 lets a server take it)."""
        raise Refusal(400, "a line does not end in CRLF", close=True)

    def on_bare_carriage_return(self, line: bytes) -> bytes:
        """A CR that no LF follows (RFC 9112, 2.2)."""
        raise Refusal(400, "a line holds a bare CR", close=True)

    def take_line(self, line: bytes) -> bool:
        """One line of the head; True if it ends the head."""
        if self.request is None:
            if line:
                self.request = self.parse_request_line(line)
            else:
                self.on_empty_line_first()
            return False
        if not line:
            return True
        if line[:1] in b" \t":
            self.on_folded_line(line)
            return False
        if len(self.request.fields) >= self.limits.fields:
            raise Refusal(431, "too many header fields", close=True)
        self.request.fields.append(self.parse_field_line(line))
        return False

    def on_empty_line_first(self) -> None:
        """Empty lines before the request line are ignored, within reason (RFC 9112, 2.2)."""
        if self.head_size > 64:
            raise Refusal(400, "nothing but empty lines", close=True)

    def on_folded_line(self, line: bytes) -> None:
        """A line that begins with white space: obs-fold, or no field at all (RFC 9112, 2.2 and 5.2)."""
        raise Refusal(400, "a field line begins with white space", close=True)

    def parse_request_line(self, line: bytes) -> Request:
        """The request of its first line (RFC 9112, 3)."""
        return parse_request_line(line)

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        """(name, value) of a field line (RFC 9112, 5)."""
        return parse_field_line(line)

    def on_head_timeout(self) -> None:
        """The request did not come in time: 408 if a part of it has come, else the end."""
        if self.phase is not Phase.HTTP:
            return
        if self.request is not None or self.buffer:
            self.send_refusal(None, Refusal(408, "the request did not arrive in time", close=True))
        else:
            self.end_http()

    # The content

    def frame_content(self, request: Request) -> Content:
        """How much content follows the head (RFC 9112, 6.3). Where that is in doubt the connection ends."""
        lengths = request.lines("content-length")
        codings = [coding.lower() for coding in request.elements("transfer-encoding")]
        if request.lines("transfer-encoding"):
            if lengths or request.is_http_1_0 or not codings:
                raise Refusal(400, "the framing of the content is ambiguous", close=True)
            return self.chunked_content(codings)
        if not lengths:
            return SizedContent(0)
        if not re.fullmatch("[0-9]+", ",".join(lengths), re.ASCII):
            return self.on_invalid_content_length(lengths)
        if len(lengths[0]) > 18 or int(lengths[0]) > self.limits.content:
            raise Refusal(413, "the content is too large", close=True)
        return SizedContent(int(lengths[0]))

    def on_invalid_content_length(self, lengths: list[str]) -> Content:
        """Content-Length is not one number (RFC 9112, 6.3)."""
        raise Refusal(400, "Content-Length is not one number", close=True)

    def chunked_content(self, codings: list[str]) -> Content:
        """Content under Transfer-Encoding (RFC 9112, 6.1): chunked alone is understood."""
        if codings == ["chunked"]:
            return ChunkedContent(self.limits.content)
        if any(coding not in KNOWN_TRANSFER_CODINGS for coding in codings):
            raise Refusal(501, "unknown transfer coding", close=True)
        if codings[-1] != "chunked" or codings.count("chunked") > 1:
            raise Refusal(400, "chunked is not the one final transfer coding", close=True)
        raise Refusal(501, "no transfer coding but chunked is served", close=True)

    def expects_continue(self, request: Request) -> bool:
        """Whether the client waits for a 100 (RFC 9110, 10.1.1); HTTP/1.0 knows none."""
        return not request.is_http_1_0 and "100-continue" in (value.lower() for value in request.elements("expect"))

    def send_continue(self) -> None:
        """Send 100, which also precedes a 101 (RFC 9110, 7.8)."""
        self.stream.write(self.status_line(100) + b"\r\n")

    # The rules of the opening handshake (RFC 6455, 4.2.1)

    def answer(self, request: Request) -> None:
        """Answer a complete request."""
        try:
            self.check_request(request)
            extensions = self.negotiate_extensions(self.offered_extensions(request))
            self.subprotocol = self.choose_subprotocol(self.offered_subprotocols(request))
            self.check_policy(request)
        except Refusal as refusal:
            self.send_refusal(request, refusal)
            return
        self.stop_timer()
        self.send_accept(request, self.response_fields(request, extensions))
        self.phase = Phase.OPEN
        self.opened()

    def check_request(self, request: Request) -> None:
        """Raise the Refusal that this request deserves; none means that it is a good handshake."""
        self.check_method(request)
        self.check_host(request)
        self.check_scheme(request)
        self.app.check_path(request)
        self.check_http_version(request)
        self.check_upgrade(request)
        self.check_connection_option(request)
        self.check_version(request)
        self.check_key(request)
        self.check_origin(request)

    def check_method(self, request: Request) -> None:
        """Only GET, in capitals (4.2.1, RFC 9110, 9.1)."""
        if request.method not in KNOWN_METHODS:
            raise Refusal(501, "unknown method")
        if request.method != "GET":
            raise Refusal(405, "only GET is served here", fields=(("Allow", "GET"),))

    def check_host(self, request: Request) -> None:
        """Exactly one Host with a valid value (RFC 9112, 3.2), and the authority is ours."""
        hosts = request.lines("host")
        if len(hosts) > 1 or (not hosts and not request.is_http_1_0):
            raise Refusal(400, "there has to be exactly one Host")
        if hosts and split_authority(hosts[0]) is None:
            raise Refusal(400, "Host is malformed")
        self.check_authority(self.effective_authority(request))

    def effective_authority(self, request: Request) -> str:
        """The authority that the request is for: in absolute-form Host is ignored (RFC 9112, 3.2.2)."""
        return request.authority or next(iter(request.lines("host")), "")

    def check_authority(self, authority: str) -> None:
        """A foreign authority is not served (4.2.1 item 2)."""
        host, _ = split_authority(authority) or ("", "")
        if self.limits.hosts is not None and host not in self.limits.hosts:
            raise Refusal(421, "that authority is not served here")

    def check_scheme(self, request: Request) -> None:
        """An https resource is served over TLS only, and an http resource without (RFC 9110, 7.4)."""
        if request.scheme is not None and (request.scheme == "https") != (self.stream.tls is not None):
            raise Refusal(421, f"no {request.scheme} resources on this port")

    def upgrade_required(self, text: str) -> Refusal:
        """The 426 for a request that does not ask for WebSocket as it should (RFC 9110, 15.5.22)."""
        return Refusal(426, text, fields=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")))

    def check_http_version(self, request: Request) -> None:
        """In HTTP/1.0 Upgrade is ignored (RFC 9110, 7.8)."""
        if request.is_http_1_0:
            raise self.upgrade_required("WebSocket needs HTTP/1.1")

    def check_upgrade(self, request: Request) -> None:
        """Upgrade lists websocket, in any case."""
        if "websocket" not in (protocol.lower() for protocol in request.elements("upgrade")):
            raise self.upgrade_required("Upgrade does not list websocket")

    def check_connection_option(self, request: Request) -> None:
        """Connection holds the option Upgrade, in any case."""
        if not request.has_option("upgrade"):
            raise self.upgrade_required("Connection does not hold the option Upgrade")

    def check_version(self, request: Request) -> None:
        """One Sec-WebSocket-Version, well-formed and 13; for another number 426 names ours (4.2.2, 4.4)."""
        versions = request.lines("sec-websocket-version")
        if len(versions) != 1 or not re.fullmatch("[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]", versions[0]):
            raise Refusal(
                400, "there has to be one well-formed Sec-WebSocket-Version", fields=(("Sec-WebSocket-Version", "13"),)
            )
        if versions[0] != "13":
            raise self.upgrade_required("only WebSocket version 13 is spoken here")

    def check_key(self, request: Request) -> None:
        """One Sec-WebSocket-Key that is base64 of 16 octets."""
        keys = request.lines("sec-websocket-key")
        if len(keys) != 1 or not re.fullmatch("[A-Za-z0-9+/]{22}==", keys[0]):
            raise Refusal(400, "there has to be one Sec-WebSocket-Key with 16 octets in base64")

    def check_origin(self, request: Request) -> None:
        """At most one Origin (RFC 6454, 7.3)."""
        if len(request.lines("origin")) > 1:
            raise Refusal(400, "there is more than one Origin")

    def offered_subprotocols(self, request: Request) -> list[str]:
        """The subprotocols that the client offers: 1#token, each once, over all lines."""
        offered = request.elements("sec-websocket-protocol")
        if request.lines("sec-websocket-protocol") and not offered:
            raise Refusal(400, "Sec-WebSocket-Protocol is empty")
        if not all(is_token(name) for name in offered) or len(set(offered)) < len(offered):
            raise Refusal(400, "Sec-WebSocket-Protocol is no list of different tokens")
        return offered

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        """The first of the client's subprotocols that the application speaks."""
        return next((name for name in offered if name in self.app.subprotocols), None)

    def offered_extensions(self, request: Request) -> ExtensionOffers:
        """The extensions that the client offers (9.1)."""
        elements = request.elements("sec-websocket-extensions")
        if request.lines("sec-websocket-extensions") and not elements:
            raise Refusal(400, "Sec-WebSocket-Extensions is empty")
        return parse_extensions(elements)

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        """The value of Sec-WebSocket-Extensions in the 101: none, but where the application agrees to deflate."""
        assert self.request is not None
        return agree(offers) if self.app.agrees_to_deflate(self.request) else None

    def check_policy(self, request: Request) -> None:
        """Whether the application wants the connection (4.2.2)."""
        self.app.check_policy(request)

    # Octets out

    def status_line(self, status: int) -> bytes:
        """The first line of a response (RFC 9112, 4)."""
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()

    def encode_fields(self, fields: Fields) -> bytes:
        """Field lines and the empty line that ends them."""
        return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1") + b"\r\n"

    def accept_value(self, key: str) -> str:
        """Sec-WebSocket-Accept for that key (4.2.2)."""
        return base64.b64encode(hashlib.sha1(key.encode("latin-1") + GUID).digest()).decode()

    def upgrade_field(self) -> str:
        """The value of Upgrade in the 101."""
        return "websocket"

    def connection_field(self) -> str:
        """The value of Connection in the 101."""
        return "Upgrade"

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        """The fields of the 101."""
        fields = [
            ("Upgrade", self.upgrade_field()),
            ("Connection", self.connection_field()),
            ("Sec-WebSocket-Accept", self.accept_value("".join(request.lines("sec-websocket-key")))),
        ]
        if self.subprotocol is not None:
            fields.append(("Sec-WebSocket-Protocol", self.subprotocol))
        if extensions is not None:
            fields.append(("Sec-WebSocket-Extensions", extensions))
        return fields + self.app.accept_fields(request)

    def send_accept(self, request: Request, fields: Fields) -> None:
        """Send the 101."""
        self.stream.write(self.status_line(101) + self.encode_fields(fields))

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        """The fields of an HTTP error. A sender of Upgrade also names it in Connection (RFC 9110, 7.8)."""
        fields = [("Date", formatdate(usegmt=True)), *refusal.fields]
        options = ["Upgrade"] if any(name == "Upgrade" for name, _ in refusal.fields) else []
        if close:
            options.append("close")
        if options:
            fields.append(("Connection", ", ".join(options)))
        return [*fields, ("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(refusal.text) + 1))]

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        """The content of an HTTP error; HEAD gets none (RFC 9110, 9.3.2)."""
        return b"" if request is not None and request.method == "HEAD" else refusal.text.encode() + b"\n"

    def closes_after(self, request: Request | None, refusal: Refusal) -> bool:
        """Whether the connection ends after this error: when asked to, for HTTP/1.0, or when framing is lost (9.6)."""
        return refusal.close or request is None or request.is_http_1_0 or request.has_option("close")

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        """Send an HTTP error; then the connection goes on or ends."""
        close = self.closes_after(request, refusal)
        head = self.status_line(refusal.status) + self.encode_fields(self.refusal_fields(request, refusal, close=close))
        self.stream.write(head + self.refusal_content(request, refusal))
        if close:
            self.end_http()

    def end_http(self) -> None:
        """End the connection while it is still HTTP."""
        self.phase = Phase.ENDED
        self.buffer.clear()
        self.stop_timer()
        self.stream.end()

    def fall_silent(self) -> None:
        """Read and answer nothing more, and leave TCP as it is. Only mutants do so."""
        self.phase = Phase.ENDED
        self.buffer.clear()
        self.stop_timer()

    def on_no_tls(self, data: bytes) -> None:
        """What came on the TLS port is no TLS (RFC 6455, 4.2.2): the connection ends."""
        self.end_http()

    # Time

    def start_timer(self, seconds: float, callback: Callable[[], None]) -> None:
        """Start the one timer of this connection anew."""
        self.stop_timer()
        self.timer = asyncio.get_running_loop().call_later(seconds, callback)

    def stop_timer(self) -> None:
        """Stop the timer of this connection."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
