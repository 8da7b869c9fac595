"""A URL and how to reach it: headers, cookies, TLS. No I/O."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from .errors import UsageError
from .wire.handshake import Request, is_token, opening_request

SECRET_FIELDS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token"}
)
SECRET_PARAMETERS: Final = frozenset(
    {"token", "access_token", "id_token", "auth", "key", "api_key", "apikey", "password", "secret", "sig", "signature"}
)
REDACTED: Final = "***"


class Redactor:
    """Replaces secrets by ``***``: the values of secret header fields and query parameters, and every literal given."""

    def __init__(self, secrets: Iterable[str] = (), carried: Iterable[str] = ()) -> None:
        """``carried``: names of the secret fields and query parameters that each request to the endpoint carries."""
        literals = {form for secret in secrets if len(secret) >= 3 for form in (secret, quote(secret, safe=""))}
        self._literals = [re.escape(form) for form in sorted(literals, key=len, reverse=True)]
        self._literal = re.compile("|".join(self._literals)) if self._literals else None
        self._bytes = re.compile("|".join(self._literals).encode("latin-1", "replace")) if self._literals else None
        names = "|".join(sorted(SECRET_FIELDS))
        self._field = re.compile(rf"(?im)^({names})([ \t]*:[ \t]*)[^\r\n]+")
        parameters = "|".join(sorted(SECRET_PARAMETERS))
        self._query = re.compile(rf"(?i)([?&](?:{parameters})=)[^&\s#]+")
        own = "|".join(re.escape(name) for name in sorted(carried))
        self._carried = re.compile(rf"(?im)(^(?:{own})[ \t]*:[ \t]*)[^\r\n]+|([?&](?:{own})=)[^&\s#]+") if own else None

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        text = self._field.sub(rf"\1\2{REDACTED}", text)
        text = self._query.sub(rf"\1{REDACTED}", text)
        return self._literal.sub(REDACTED, text) if self._literal else text

    def sent(self, text: str) -> str:
        """A request of ours without the secrets that were given; the credentials that a check makes up stay in it."""
        if self._carried is not None:
            text = self._carried.sub(lambda found: f"{found[1] or found[2]}{REDACTED}", text)
        return self._literal.sub(REDACTED, text) if self._literal else text

    def payload(self, payload: bytes) -> bytes:
        """``payload`` with each secret literal overwritten by asterisks of the same length."""
        return self._bytes.sub(lambda match: b"*" * len(match[0]), payload) if self._bytes else payload


@dataclass(frozen=True)
class Endpoint:
    """Where the target is and what every request to it carries.

    ``target`` is the request target (path and query). ``connect_to`` replaces the address that is dialled, not what
    the request says. ``tls`` is None for ws://.
    """

    url: str
    host: str
    port: int
    target: str
    tls: ssl.SSLContext | None = None
    fields: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()
    connect_to: tuple[str, int] | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def secure(self) -> bool:
        return self.tls is not None

    @property
    def address(self) -> tuple[str, int]:
        """What is dialled."""
        return self.connect_to or (self.host, self.port)

    @property
    def host_field(self) -> str:
        """The value of Host: the port only where it is not the scheme's own (RFC 6455, section 4.1)."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether what is dialled is certainly on this machine."""
        host = self.address[0]
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def at(self, target: str) -> Endpoint:
        """The same server with another path (and query)."""
        scheme = "wss" if self.secure else "ws"
        return replace(self, target=target, url=f"{scheme}://{self.host_field}{target}")

    def request(self, key: bytes | None = None) -> Request:
        """A valid opening handshake with a fresh key."""
        extra = list(self.fields)
        if self.subprotocols:
            extra.append(("Sec-WebSocket-Protocol", ", ".join(self.subprotocols)))
        return opening_request(self.host_field, self.target, extra=extra, key=key)

    def redactor(self) -> Redactor:
        """Knows this endpoint's secrets."""
        query = [pair for pair in parse_qsl(urlsplit(self.target).query) if pair[0].lower() in SECRET_PARAMETERS]
        carried = {name for name, _ in query} | {name for name, _ in self.fields if name.lower() in SECRET_FIELDS}
        return _redactor(self.secrets | {value for _, value in query}, frozenset(carried))


@lru_cache(maxsize=16)
def _redactor(secrets: frozenset[str], carried: frozenset[str]) -> Redactor:
    """Its patterns are compiled once, not for every check."""
    return Redactor(secrets, carried)


def parse_endpoint(
    url: str,
    *,
    headers: Iterable[str] = (),
    cookies: Iterable[str] = (),
    subprotocols: Iterable[str] = (),
    insecure: bool = False,
    ca: str | None = None,
    connect_to: str | None = None,
) -> Endpoint:
    """An endpoint from the command line's words. Raises UsageError with one line."""
    host, port, target, secure = _split_url(url)
    fields = [_parse_header(line) for line in headers]
    pairs = [_parse_cookie(cookie) for cookie in cookies]
    if pairs:
        fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in pairs)))
    secrets = {value for name, value in fields if name.lower() in SECRET_FIELDS}
    secrets |= {value.split(" ", 1)[1] for name, value in fields if name.lower() == "authorization" and " " in value}
    secrets |= {value for _, value in pairs}
    for protocol in subprotocols:
        if not is_token(protocol.encode("latin-1", "replace")):
            raise UsageError(
                f"--subprotocol {protocol!r} is not a token (RFC 9110, 5.6.2); give one name, as in 'chat'"
            )
    return Endpoint(
        url=f"{'wss' if secure else 'ws'}://{url.split('://', 1)[1]}",
        host=host,
        port=port,
        target=target,
        tls=_tls(insecure, ca) if secure else None,
        fields=tuple(fields),
        subprotocols=tuple(subprotocols),
        connect_to=_parse_address(connect_to) if connect_to else None,
        secrets=frozenset(secrets),
    )


def _split_url(url: str) -> tuple[str, int, str, bool]:
    shape = "ws://HOST[:PORT][/PATH][?QUERY] or wss://..."
    if "://" not in url:
        raise UsageError(f"the URL {url!r} has no scheme; write {shape}")
    if any(ord(char) <= 0x20 or ord(char) >= 0x7F for char in url):
        raise UsageError(f"the URL {url!r} holds a character that a URL cannot; percent-encode it")
    if "#" in url:
        raise UsageError(f"the URL {url!r} carries a fragment, which a WebSocket URI must not (RFC 6455, section 3)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the URL {url!r} is wrong: {error}; write {shape}") from None
    if parts.scheme not in ("ws", "wss", "http", "https"):
        raise UsageError(f"the URL {url!r} has the scheme {parts.scheme!r}; it must be ws, wss, http or https")
    if not parts.hostname:
        raise UsageError(f"the URL {url!r} has no host; write {shape}")
    if parts.username is not None:
        raise UsageError("the URL carries a user name or password; use --header 'Authorization: ...' instead")
    secure = parts.scheme in ("wss", "https")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if port is None:
        port = 443 if secure else 80
    return parts.hostname, port, target, secure


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    shown = Redactor().text(line)
    if "\r" in line or "\n" in line or "\0" in line:
        raise UsageError(f"--header {name!r} holds CR, LF or NUL, which no header may")
    if not colon:
        raise UsageError(f"--header {shown!r} has no colon; write 'Name: value'")
    if not is_token(name.strip().encode("latin-1", "replace")):
        raise UsageError(f"--header {name!r} is no field name (RFC 9110, 5.1); write 'Name: value'")
    if (not value.isprintable() and "\t" not in value) or any(ord(char) > 0xFF for char in value):
        raise UsageError(f"--header {name!r} has a value beyond Latin-1 or a control character")
    return name.strip(), value.strip()


def _parse_cookie(cookie: str) -> tuple[str, str]:
    name, equals, value = cookie.partition("=")
    if not equals or not is_token(name.encode("latin-1", "replace")) or re.search(r"[;,\s\x00-\x1f]", value):
        raise UsageError(f"--cookie {name!r} is not of the form 'name=value' (without spaces, ';' or ',')")
    if any(ord(char) > 0xFF for char in value):
        raise UsageError(f"--cookie {name!r} has a value beyond Latin-1; percent-encode it")
    return name, value


def _parse_address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--connect-to {text!r} is not of the form HOST:PORT")
    return host, int(port)


def _tls(insecure: bool, ca: str | None) -> ssl.SSLContext:
    if ca is not None:
        try:
            context = ssl.create_default_context(cafile=ca)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"--ca {ca}: cannot be read as PEM certificates ({error})") from None
    else:
        context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
