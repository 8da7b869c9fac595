"""The opening handshake (RFC 6455, section 4): any request can be built, the response is read strictly. Sans I/O.

HTTP framing of responses is read by h11; what h11 forgives or hides (grammar, order, repeated fields) is noted in
``ResponseHead.problems`` from the raw bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import h11

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
MAX_HEAD: Final = 256 * 1024
"""Bytes of a response head that are read before it counts as endless."""
MAX_BODY: Final = 1024 * 1024
"""Bytes of a response body that are read before the rest is given up."""

Field = tuple[bytes, bytes]


def to_bytes(value: str | bytes) -> bytes:
    """Header text as octets; str is taken as Latin-1, as HTTP has it."""
    return value if isinstance(value, bytes) else value.encode("latin-1")


def new_key() -> bytes:
    """A fresh Sec-WebSocket-Key: base64 of 16 random bytes (section 4.1)."""
    return base64.b64encode(os.urandom(16))


def accept_for(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept value that belongs to ``key`` (section 4.2.2, step 5.4)."""
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


@dataclass(frozen=True)
class Request:
    """A request head, legal or not. Every ``with_*`` and ``without`` returns a changed copy; names match in any case.

    ``body`` follows the head as it is. ``eol`` ends each line; ``request_line`` replaces the whole first line.
    """

    target: bytes
    fields: tuple[Field, ...]
    method: bytes = b"GET"
    version: bytes = b"HTTP/1.1"
    body: bytes = b""
    eol: bytes = b"\r\n"
    request_line: bytes | None = None
    prefix: bytes = b""
    raw_lines: tuple[bytes, ...] = ()
    """Lines put before the fields exactly as given (without the line end)."""

    def get(self, name: str | bytes) -> bytes | None:
        """The first value of that name."""
        wanted = to_bytes(name).lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)

    def all(self, name: str | bytes) -> list[bytes]:
        """All values of that name, a line each, in order; raw_lines are not looked at."""
        wanted = to_bytes(name).lower()
        return [value for key, value in self.fields if key.lower() == wanted]

    def tokens(self, name: str | bytes) -> list[bytes]:
        """The list elements of that field over all its lines, lower-cased."""
        return [part.lower() for part in split_list(self.all(name))]

    @property
    def key(self) -> bytes:
        """The Sec-WebSocket-Key as the server must take it: without surrounding whitespace; empty if there is none."""
        return (self.get("Sec-WebSocket-Key") or b"").strip(b" \t")

    def without(self, *names: str) -> Request:
        """Without any field of those names."""
        gone = {name.lower().encode() for name in names}
        return replace(self, fields=tuple(pair for pair in self.fields if pair[0].lower() not in gone))

    def with_field(self, name: str | bytes, *values: str | bytes) -> Request:
        """The field replaced, in its place, by one line for each value; added at the end where it was absent."""
        wanted = to_bytes(name)
        lines = [(wanted, to_bytes(value)) for value in values]
        fields: list[Field] = []
        placed = False
        for pair in self.fields:
            if pair[0].lower() != wanted.lower():
                fields.append(pair)
            elif not placed:
                fields += lines
                placed = True
        return replace(self, fields=tuple(fields if placed else fields + lines))

    def adding(self, *pairs: tuple[str | bytes, str | bytes]) -> Request:
        """With further lines at the end."""
        return replace(self, fields=self.fields + tuple((to_bytes(k), to_bytes(v)) for k, v in pairs))

    def fresh(self, key: bytes | None = None) -> Request:
        """The same with another Sec-WebSocket-Key (without ``key`` a random one), where it has one."""
        if self.get("Sec-WebSocket-Key") is None:
            return self
        return self.with_field("Sec-WebSocket-Key", new_key() if key is None else key)

    def changed(
        self,
        *,
        method: str | bytes | None = None,
        target: str | bytes | None = None,
        version: str | bytes | None = None,
        body: bytes | None = None,
        eol: bytes | None = None,
        request_line: bytes | None = None,
        prefix: bytes | None = None,
        raw_lines: Iterable[bytes] | None = None,
        fields: Iterable[Field] | None = None,
    ) -> Request:
        """A copy with those parts replaced."""
        return replace(
            self,
            method=self.method if method is None else to_bytes(method),
            target=self.target if target is None else to_bytes(target),
            version=self.version if version is None else to_bytes(version),
            body=self.body if body is None else body,
            eol=self.eol if eol is None else eol,
            request_line=self.request_line if request_line is None else request_line,
            prefix=self.prefix if prefix is None else prefix,
            raw_lines=self.raw_lines if raw_lines is None else tuple(raw_lines),
            fields=self.fields if fields is None else tuple(fields),
        )

    def head(self) -> bytes:
        """The head with the empty line that ends it."""
        first = self.request_line
        if first is None:
            first = b" ".join((self.method, self.target, self.version))
        lines = [first, *self.raw_lines, *(name + b": " + value for name, value in self.fields)]
        return self.prefix + self.eol.join([*lines, b"", b""])

    def encode(self) -> bytes:
        """Head and body."""
        return self.head() + self.body


def opening_request(
    host: str, target: str, *, extra: Iterable[tuple[str | bytes, str | bytes]] = (), key: bytes | None = None
) -> Request:
    """A valid opening handshake (section 4.1) with a fresh key and the ``extra`` fields at its end."""
    return Request(
        target.encode("ascii"),
        (
            (b"Host", host.encode("ascii")),
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Key", key or new_key()),
            (b"Sec-WebSocket-Version", b"13"),
        ),
    ).adding(*extra)


def split_list(values: Iterable[bytes]) -> list[bytes]:
    """The elements of a comma-separated list over all its field lines; empty ones are dropped (RFC 9110, 5.6.1.2)."""
    return [part for part in (part.strip(b" \t") for part in _ELEMENT.findall(b",".join(values))) if part]


# What stands between commas; a comma within a quoted-string, which may lack its end, parts nothing.
_ELEMENT: Final = re.compile(rb'(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^",])+', re.DOTALL)
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS_LINE: Final = re.compile(rb"(HTTP/\d\.\d) (\d{3}) ([\t \x21-\x7e\x80-\xff]*)")
_LOOSE_STATUS: Final = re.compile(rb"HTTP/[\d.]+\s+(\d{3})")


def is_token(value: bytes) -> bool:
    """Whether ``value`` is one RFC 9110 token (section 5.6.2)."""
    return _TOKEN.fullmatch(value) is not None


@dataclass(frozen=True)
class ResponseHead:
    """A response head. ``problems`` lists departures from the HTTP/1.1 grammar, empty where there are none."""

    status: int
    reason: bytes
    version: bytes
    fields: tuple[Field, ...]
    raw: bytes
    problems: tuple[str, ...] = ()

    def all(self, name: str) -> list[bytes]:
        """All values of that field, a line each, in order."""
        return self._by_name.get(name.lower().encode(), [])

    @cached_property
    def _by_name(self) -> dict[bytes, list[bytes]]:
        found: dict[bytes, list[bytes]] = {}
        for key, value in self.fields:
            found.setdefault(key.lower(), []).append(value)
        return found

    def get(self, name: str) -> bytes | None:
        """The first value of that field."""
        return next(iter(self.all(name)), None)

    def tokens(self, name: str) -> list[bytes]:
        """The list elements of that field over all its lines, lower-cased."""
        return [part.lower() for part in split_list(self.all(name))]

    @property
    def accepted(self) -> bool:
        """Whether the server switched protocols."""
        return self.status == 101


def read_head(raw: bytes) -> ResponseHead:
    """Read a response head strictly (RFC 9110 section 2.2, RFC 9112 sections 2 to 5).

    ``raw`` ends with the empty line. A head that is beyond reading has status 0 and says why in ``problems``.
    """
    problems: list[str] = []
    body = raw
    if b"\n" in raw.replace(b"\r\n", b""):
        problems.append("bare LF as a line end")
        body = re.sub(rb"(?<!\r)\n", b"\r\n", raw)
    lines = body.split(b"\r\n")
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    for line in lines:
        if b"\0" in line or b"\r" in line:
            problems.append("NUL or bare CR in the head")
            break
    match = _STATUS_LINE.fullmatch(lines[0])
    if match:
        version, status, reason = match[1], int(match[2]), match[3]
    else:
        loose = _LOOSE_STATUS.match(lines[0])
        version, reason = lines[0].split(b" ")[0][:16], b""
        status = int(loose[1]) if loose else 0
        problems.append(
            "no space after the status code" if loose and lines[0].endswith(loose[1]) else "malformed status line"
        )
    fields: list[Field] = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t"):
            problems.append("line folding in the head")
            continue
        name, colon, value = line.partition(b":")
        if not colon or not is_token(name):
            problems.append("a field line whose name is not a token directly followed by a colon")
            name = name.strip()
        fields.append((name, value.strip(b" \t")))
    return ResponseHead(status, reason, version, tuple(fields), raw, tuple(dict.fromkeys(problems)))


@dataclass
class Response:
    """A whole response: informational heads that came first, the final head, and its body as far as it was read."""

    head: ResponseHead
    informational: list[ResponseHead] = field(default_factory=list)
    body: bytes = b""
    complete: bool = True
    """Whether the end of the body has been seen."""
    reusable: bool = False
    """Whether HTTP lets a further request follow on the connection."""
    framed: bool = True
    """Whether the head lets tell where the body ends."""

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def accepted(self) -> bool:
        return self.head.accepted


class ResponseReader:
    """Reads responses to one request after the other from a byte stream; bounded in memory.

    ``feed`` takes bytes (empty: end of stream); ``response`` is set once a final response is whole; ``rest`` then
    holds what came after it (after a 101: frames). ``too_long`` says that the head or body passed its bound.
    """

    def __init__(self, method: bytes = b"GET") -> None:
        self.method = method
        self._buffer = bytearray()
        self._informational: list[ResponseHead] = []
        self._head: ResponseHead | None = None
        self._body = bytearray()
        self._h11: h11.Connection | None = None
        self.response: Response | None = None
        self.too_long = False
        self.started = False

    @property
    def rest(self) -> bytes:
        return bytes(self._buffer)

    @property
    def head(self) -> ResponseHead | None:
        """The final head, as soon as it has come."""
        return self._head

    @property
    def partial(self) -> bytes:
        """What has come of a head that is not whole."""
        return bytes(self._buffer[:4096]) if self._head is None else b""

    def feed(self, data: bytes) -> None:
        """Take what came; an empty ``data`` is the end of the stream."""
        if self.response is not None:
            self._buffer += data
            return
        self.started = self.started or bool(data)
        if self._head is None:
            self._buffer += data
            while self._head is None:
                end = _end_of_head(self._buffer)
                if end is None:
                    self.too_long = len(self._buffer) > MAX_HEAD
                    return
                raw = bytes(self._buffer[:end])
                del self._buffer[:end]
                head = read_head(raw)
                if 100 <= head.status < 200 and head.status != 101 and len(self._informational) < 16:
                    self._informational.append(head)
                    continue
                self._head = head
            if self._head.accepted or self._head.status == 0:
                self.response = Response(self._head, self._informational)
                return
            data, self._buffer = bytes(self._buffer), bytearray()
            self._h11 = _after_head(self.method, self._head)
            self._read_body(data, more=True)
        else:
            self._read_body(data, more=bool(data))

    def _read_body(self, data: bytes, *, more: bool) -> None:
        """``more``: the stream has not ended with ``data``."""
        assert self._head is not None
        if self._h11 is None:  # h11 cannot frame it: what follows counts as body until the stream ends
            self._body += data[: MAX_BODY - len(self._body)]
            self.too_long = len(self._body) >= MAX_BODY
            if not more:
                self._finish(complete=False)
            return
        try:
            if data or not more:  # to h11 no data is the end of the stream
                self._h11.receive_data(data)
            while True:
                event = self._h11.next_event()
                if isinstance(event, h11.Data):
                    self._body += bytes(event.data)[: MAX_BODY - len(self._body)]
                    self.too_long = self.too_long or len(self._body) >= MAX_BODY
                elif isinstance(event, h11.EndOfMessage):
                    self._buffer += self._h11.trailing_data[0]
                    self._finish(complete=True, reusable=more and self._h11.their_state is h11.DONE)
                    return
                elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                    return
        except h11.RemoteProtocolError:
            self._finish(complete=False)

    def _finish(self, *, complete: bool, reusable: bool = False) -> None:
        assert self._head is not None
        framed = self._h11 is not None
        self.response = Response(self._head, self._informational, bytes(self._body), complete, reusable, framed)

    def give_up(self) -> Response | None:
        """The response as far as it has come, None before a whole head."""
        if self.response is None and self._head is not None:
            self._finish(complete=False)
        return self.response


def _end_of_head(buffer: bytearray) -> int | None:
    ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if (at := buffer.find(mark)) >= 0]
    return min(ends) if ends else None


def _after_head(method: bytes, head: ResponseHead) -> h11.Connection | None:
    """An h11 connection that has read ``head``, ready for the body; None where h11 refuses the head."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    safe = method if method in (b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS") else b"GET"
    try:
        connection.send(h11.Request(method=safe, target=b"/", headers=[(b"Host", b"x")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(head.raw)
        event = connection.next_event()
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return None
    return connection if isinstance(event, h11.Response) else None
