"""The HTTP/1.1 request head and content (RFC 9110, RFC 9112), read in the strictest way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote

TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TOKEN: Final = re.compile(TOKEN)
_FIELD_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_REQUEST_LINE: Final = re.compile(rb"([^ ]+) ([^ ]+) ([^ ]+)")
_TARGET: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]]|%[0-9A-Fa-f]{2})+")
_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?]*)(/[^?]*)?(?:\?(.*))?")
_HOST: Final = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|\[v[0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+\]"
    r"|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::([0-9]*))?"
)
_EXTENSION: Final = re.compile(rf'({TOKEN})((?:[ \t]*;[ \t]*{TOKEN}(?:[ \t]*=[ \t]*(?:{TOKEN}|"(?:[^"\\]|\\.)*"))?)*)')
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*({TOKEN})(?:[ \t]*=[ \t]*(?:({TOKEN})|"((?:[^"\\]|\\.)*)"))?')
_LIST_ELEMENT: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")*')
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
KNOWN_TRANSFER_CODINGS: Final = frozenset({"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"})


class Refusal(Exception):
    """An HTTP error in answer to a request. `close` asks for the end of the connection after it."""

    def __init__(
        self, status: int, text: str, *, fields: tuple[tuple[str, str], ...] = (), close: bool = False
    ) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.fields = fields
        self.close = close


@dataclass
class Request:
    """A request head. Field names are lower case, values Latin-1 text without the white space around them."""

    method: str
    target: str
    version: tuple[int, int]
    scheme: str | None
    authority: str | None
    """The authority of an absolute-form target, else None."""
    path: str
    query: dict[str, str]
    fields: list[tuple[str, str]] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        """The values of every field line of that name, in order."""
        return [value for field_name, value in self.fields if field_name == name]

    def elements(self, name: str) -> list[str]:
        """The elements of a list-based field over all its lines; empty ones are ignored (RFC 9110, 5.6.1.2)."""
        return list_elements(",".join(self.lines(name)))

    def has_option(self, option: str) -> bool:
        """Whether Connection holds that option, in any case."""
        return option in (element.lower() for element in self.elements("connection"))

    @property
    def is_http_1_0(self) -> bool:
        """Whether the client is one of HTTP/1.0, to which no 1xx and no Upgrade may be given."""
        return self.version < (1, 1)


def is_token(text: str) -> bool:
    """Whether `text` is a token of RFC 9110, 5.6.2."""
    return _TOKEN.fullmatch(text) is not None


def list_elements(value: str) -> list[str]:
    """The non-empty elements of a comma-separated list; commas within quotes separate nothing."""
    elements = []
    position = 0
    while position <= len(value):
        match = _LIST_ELEMENT.match(value, position)
        end = match.end() if match else position
        if end < len(value) and value[end] != ",":  # a quote that is never closed: the rest is one element
            end = len(value)
        elements.append(value[position:end].strip(" \t"))
        position = end + 1
    return [element for element in elements if element]


def parse_request_line(line: bytes) -> Request:
    """The request of that line, without its CRLF. Refusal: 400 for what breaks the grammar, 505 for another major."""
    parts = _REQUEST_LINE.fullmatch(line)
    if parts is None:
        raise Refusal(400, "the request line is not method SP request-target SP HTTP-version", close=True)
    method, target, version = (part.decode("latin-1") for part in parts.groups())
    if not is_token(method):
        raise Refusal(400, "the method is no token", close=True)
    return build_request(method, target, parse_version(version))


def parse_version(text: str) -> tuple[int, int]:
    """(major, minor) of an HTTP-version (RFC 9112, 2.3)."""
    if not re.fullmatch(r"HTTP/[0-9]\.[0-9]", text, re.ASCII):
        raise Refusal(400, "the HTTP-version is malformed", close=True)
    if text[5] != "1":
        raise Refusal(505, "only HTTP/1.1 and HTTP/1.0 are served here", close=True)
    return 1, int(text[7])


def build_request(method: str, target: str, version: tuple[int, int]) -> Request:
    """A request without fields; the request-target is taken apart by its form (RFC 9112, 3.2)."""
    if _TARGET.fullmatch(target) is None:
        raise Refusal(400, "the request-target has characters that no URI may have", close=True)
    scheme = authority = None
    if target.startswith("/"):
        path, _, query = target.partition("?")
    elif absolute := _ABSOLUTE.fullmatch(target):
        scheme, authority = absolute[1].lower(), absolute[2]
        path, query = absolute[3] or "/", absolute[4] or ""
        if scheme not in ("http", "https") or not authority or split_authority(authority) is None:
            raise Refusal(400, "the absolute-form is no http or https URI", close=True)
    elif (method, target) == ("OPTIONS", "*") or (method == "CONNECT" and split_authority(target)):
        path, query = target, ""
    else:
        raise Refusal(400, "the request-target has no form that this method may have", close=True)
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method, target, version, scheme, authority, unquote(path), parameters)


def split_authority(text: str) -> tuple[str, str] | None:
    """(host, port) of `uri-host [":" port]`, the value of Host; None if it is neither that nor empty."""
    match = _HOST.fullmatch(text)
    return (match[1].lower(), match[2] or "") if match else None


def parse_field_line(line: bytes) -> tuple[str, str]:
    """(lower-case name, trimmed value) of a field line without its CRLF (RFC 9112, 5.1)."""
    name, colon, value = line.partition(b":")
    if not colon or not is_token(name.decode("latin-1")):
        raise Refusal(400, "a field line is not field-name ':' field-value", close=True)
    if _FIELD_VALUE.fullmatch(value) is None:
        raise Refusal(400, "a field value holds a control character", close=True)
    return name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")


def parse_extensions(elements: list[str]) -> list[tuple[str, dict[str, str | None]]]:
    """The extensions offered (RFC 6455, 9.1): names with their parameters, quoted values unescaped."""
    offers = []
    for element in elements:
        match = _EXTENSION.fullmatch(element)
        if match is None:
            raise Refusal(400, "Sec-WebSocket-Extensions is malformed")
        parameters: dict[str, str | None] = {}
        for parameter in _PARAMETER.finditer(match[2]):
            name, value, quoted = parameter.groups()
            if quoted is not None:
                value = re.sub(r"\\(.)", r"\1", quoted)
                if not is_token(value):
                    raise Refusal(400, "a quoted value in Sec-WebSocket-Extensions is no token")
            parameters[name] = value
        offers.append((match[1], parameters))
    return offers


class Content(Protocol):
    """A request's content while it arrives."""

    def read(self, buffer: bytearray) -> bool:
        """Take what belongs to the content from the front of `buffer`; True once it is complete."""


class SizedContent:
    """Content framed by Content-Length, or no content at all. It is thrown away."""

    def __init__(self, length: int) -> None:
        self.missing = length

    def read(self, buffer: bytearray) -> bool:
        """See Content."""
        taken = min(self.missing, len(buffer))
        del buffer[:taken]
        self.missing -= taken
        return self.missing == 0


class ChunkedContent:
    """Content framed by the chunked coding (RFC 9112, 7.1), trailers included. It is thrown away."""

    def __init__(self, longest: int) -> None:
        self.budget = longest
        self.chunk: SizedContent | None = None
        self.expected = "size"

    def read(self, buffer: bytearray) -> bool:
        """See Content. Refusal: 400 for malformed chunks, 413 for more than the longest content."""
        while True:
            if self.chunk is not None:
                if not self.chunk.read(buffer):
                    return False
                self.chunk = None
                self.expected = "end of chunk"
            line = self.take_line(buffer)
            if line is None:
                return False
            if self.expected == "size":
                self.start_chunk(line)
            elif self.expected == "end of chunk":
                if line:
                    raise Refusal(400, "a chunk does not end where its size says", close=True)
                self.expected = "size"
            elif line:
                parse_field_line(line)
            else:
                return True

    def start_chunk(self, line: bytes) -> None:
        """Read the line of a chunk's size; the last one has size 0 and is followed by the trailers."""
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise Refusal(400, "a chunk size is malformed", close=True)
        size = int(match[1], 16)
        self.spend(size)
        if size:
            self.chunk = SizedContent(size)
        else:
            self.expected = "trailer"

    def take_line(self, buffer: bytearray) -> bytes | None:
        """The next line without its CRLF, or None if it has not arrived yet."""
        end = buffer.find(b"\n")
        if end < 0:
            if len(buffer) > self.budget:
                raise Refusal(413, "the content is too large", close=True)
            return None
        if end == 0 or buffer[end - 1] != 0x0D:
            raise Refusal(400, "a line of the chunked coding does not end in CRLF", close=True)
        self.spend(end)
        line = bytes(buffer[: end - 1])
        del buffer[: end + 1]
        return line

    def spend(self, size: int) -> None:
        """Count `size` octets against the longest content that is read."""
        self.budget -= size
        if self.budget < 0:
            raise Refusal(413, "the content is too large", close=True)
