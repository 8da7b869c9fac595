"""What a WebSocket stack lets through, and an application can still see and refuse, in the opening handshake."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from .denial import deny

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110 section 5.6.2."""
KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
"""The base64 form of 16 bytes, RFC 6455 section 4.1."""
AUTHORITY = re.compile(
    r"(?:\[(?P<literal>[^\]]*)\]|(?P<name>(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*))(?::\d*)?", re.ASCII
)
"""`uri-host [":" port]`, RFC 9110 section 7.2; what stands in brackets is looked at apart."""
FUTURE_LITERAL = re.compile(r"[Vv][0-9A-Fa-f]+\.[\w.~!$&'()*+,;=:-]+", re.ASCII)
"""IPvFuture, RFC 3986 section 3.2.2."""
ABSOLUTE_FORM = re.compile(rb"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)", re.IGNORECASE)
"""RFC 9112 section 3.2.2; the stack has cut the query off."""


@dataclass(frozen=True)
class Fault:
    """Why a request is refused: an HTTP status and one sentence."""

    status: int
    why: str


class HandshakeMiddleware:
    """ASGI middleware that refuses requests which depart from RFC 6455 section 4.2.1 or from HTTP.

    It also accepts the absolute-form of the request-target, as RFC 9112 section 3.2.2 demands: the target's authority
    takes the place of Host.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or hand it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif fault := next(faults(scope), None):
            await deny(scope, receive, send, fault.status, fault.why)
        else:
            await self.app(origin_form(scope), receive, send)


def faults(scope: Scope) -> Iterator[Fault]:
    """Yield what is wrong with the request of an ASGI scope, the gravest first."""
    fields = Fields(scope)
    http_version = scope.get("http_version", "1.1")  # ASGI lets a server leave it out of a websocket scope; daphne does
    yield from host_faults(fields, http_version)
    if scope["type"] == "websocket":
        yield from version_faults(http_version)
        yield from target_faults(scope)
        yield from content_faults(fields)
        yield from websocket_faults(fields, scope["subprotocols"])


class Fields:
    """The header fields of a request, each with all of its lines.

    White space after a value is no part of it (RFC 9112 section 5.1); the stacks leave it there.
    """

    def __init__(self, scope: Scope) -> None:
        self._lines = [(name.lower(), value.strip(b" \t")) for name, value in scope["headers"]]

    def lines(self, name: bytes) -> list[bytes]:
        """Return the value of each line of the field with this name (in lower case)."""
        return [value for line, value in self._lines if line == name]


def host_faults(fields: Fields, http_version: str) -> Iterator[Fault]:
    """Yield what is wrong with Host (RFC 9112 section 3.2)."""
    lines = fields.lines(b"host")
    if not lines and http_version != "1.0":
        yield Fault(400, "the Host field is missing")
    if len(lines) > 1:
        yield Fault(400, "there is more than one Host field")
    if not all(is_authority(line) for line in lines):
        yield Fault(400, "the value of Host is invalid")


def is_authority(value: bytes) -> bool:
    """Say whether a value is a host with or without a port (RFC 9110 section 7.2); an empty one is legal."""
    found = AUTHORITY.fullmatch(value.decode("latin-1"))
    if found is None:
        return False
    literal = found["literal"]
    if literal is None:
        return True
    try:
        ipaddress.IPv6Address(literal)
    except ValueError:
        return FUTURE_LITERAL.fullmatch(literal) is not None
    return True


def version_faults(http_version: str) -> Iterator[Fault]:
    """Yield what is wrong with the version of HTTP (RFC 6455 section 4.2.1): Upgrade is none of HTTP/1.0's."""
    if http_version in ("0.9", "1.0"):
        yield Fault(505, "an opening handshake needs HTTP/1.1")


def target_faults(scope: Scope) -> Iterator[Fault]:
    """Yield what is wrong with the request-target (RFC 6455 section 3, RFC 9112 section 3.2)."""
    target: bytes = _raw_target(scope)
    if b"#" in target or b"#" in scope["query_string"]:
        yield Fault(400, "the request-target has a fragment identifier")
    if found := ABSOLUTE_FORM.fullmatch(target):
        if not found["authority"] or not is_authority(found["authority"]):
            yield Fault(400, "the authority of the request-target is invalid")
        if found["scheme"].lower() == b"https" and scope.get("scheme", "ws") == "ws":
            yield Fault(421, "an https resource is not served over a clear connection")
    elif not target.startswith(b"/"):
        yield Fault(400, "the request-target is neither in origin-form nor in absolute-form")


def content_faults(fields: Fields) -> Iterator[Fault]:
    """Yield what is wrong with the framing of the request: its bytes would be taken for WebSocket frames."""
    if fields.lines(b"transfer-encoding"):
        yield Fault(400, "an opening handshake has no content to be coded")
    if any(line != b"0" for line in fields.lines(b"content-length")):
        yield Fault(400, "an opening handshake has no content")
    if fields.lines(b"expect"):
        # RFC 9110 section 7.8: a 100 would have to go before the 101, and no ASGI server sends one.
        yield Fault(417, "an opening handshake has no content to wait for")


def websocket_faults(fields: Fields, subprotocols: list[str]) -> Iterator[Fault]:
    """Yield what is wrong with the fields of RFC 6455; its section 11.3 says which may come once only."""
    for name in (b"sec-websocket-key", b"sec-websocket-version", b"origin"):
        if len(fields.lines(name)) > 1:
            yield Fault(400, f"there is more than one {name.decode()} field")
    if not all(KEY.fullmatch(line) for line in fields.lines(b"sec-websocket-key")):
        yield Fault(400, "Sec-WebSocket-Key is not the base64 form of 16 bytes")
    # RFC 9110 section 5.6.1.2: a recipient ignores empty elements of a list; but one element there must be.
    offered = [name for name in subprotocols if name]
    if (subprotocols and not offered) or not all(TOKEN.fullmatch(name) for name in offered):
        yield Fault(400, "Sec-WebSocket-Protocol is not a list of tokens")
    if any(count > 1 for count in Counter(offered).values()):
        yield Fault(400, "Sec-WebSocket-Protocol names a subprotocol twice")


def origin_form(scope: Scope) -> Scope:
    """Return the scope as if the request-target had been in origin-form, with the Host of the absolute-form."""
    if scope["type"] != "websocket" or not (found := ABSOLUTE_FORM.fullmatch(_raw_target(scope))):
        return scope
    root: str = scope.get("root_path", "")
    raw_path: bytes = found["path"] or b"/"
    headers = [(name, found["authority"] if name.lower() == b"host" else value) for name, value in scope["headers"]]
    return {
        **scope,
        "raw_path": root.encode() + raw_path,
        "path": root + unquote(raw_path.decode("latin-1")),
        "headers": headers,
    }


def _raw_target(scope: Scope) -> bytes:
    raw_path: bytes = scope["raw_path"]
    return raw_path.removeprefix(scope.get("root_path", "").encode())
