"""Switches: the server's half of the opening handshake (RFC 6455, sections 4.2.2, 4.3 and 11.3)."""

from __future__ import annotations

import base64
import hashlib
import ssl

from .app import App
from .connection import PING, Connection
from .http_phase import GUID, Fields, Limits
from .request import Refusal, Request
from .stream import Stream, Tls
from .switch import switch

EVERYTHING = ("*",)
"""A strict client takes no handshake any more, so every other finding may change."""


# The 101


@switch(
    "status-line-without-last-space",
    violates=["rfc6455-4.2.2-18", "rfc6455-4.2.2-1", "rfc9112-4-1"],
    also=EVERYTHING,
)
class StatusLineWithoutLastSpace(Connection):
    """The status line of the 101 ends right after the code."""

    def status_line(self, status: int) -> bytes:
        return b"HTTP/1.1 101\r\n" if status == 101 else super().status_line(status)


@switch("status-line-of-http-1-0", violates=["rfc6455-4.2.2-18", "rfc6455-4.2.2-1", "rfc9110-6.2-1"], also=EVERYTHING)
class StatusLineOfHttp10(Connection):
    """Responses say that they are HTTP/1.0."""

    def status_line(self, status: int) -> bytes:
        return super().status_line(status).replace(b"HTTP/1.1", b"HTTP/1.0")


@switch("upgrade-missing-in-101", violates=["rfc6455-4.2.2-19", "rfc6455-4.1-11"], also=EVERYTHING)
class UpgradeMissingIn101(Connection):
    """The 101 has no Upgrade field."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        return [field for field in super().response_fields(request, extensions) if field[0] != "Upgrade"]


@switch(
    "upgrade-of-101-is-empty",
    violates=["rfc6455-4.1-11", "rfc6455-4.2.2-19", "rfc9110-7.8-3", "rfc9110-15.2.2-1"],
    also=EVERYTHING,
)
class UpgradeOf101IsEmpty(Connection):
    """The Upgrade field of the 101 names no protocol."""

    def upgrade_field(self) -> str:
        return ""


@switch("upgrade-of-101-names-another-protocol", violates=["rfc6455-4.1-11", "rfc6455-4.2.2-19"], also=EVERYTHING)
class UpgradeOf101NamesAnotherProtocol(Connection):
    """The Upgrade field of the 101 says WebSockets."""

    def upgrade_field(self) -> str:
        return "WebSockets"


@switch("connection-missing-in-101", violates=["rfc6455-4.1-12", "rfc6455-4.2.2-20", "rfc9110-7.8-8"], also=EVERYTHING)
class ConnectionMissingIn101(Connection):
    """The 101 has no Connection field."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        return [field for field in super().response_fields(request, extensions) if field[0] != "Connection"]


@switch("connection-of-101-is-keep-alive", violates=["rfc6455-4.1-12", "rfc6455-4.2.2-20"], also=EVERYTHING)
class ConnectionOf101IsKeepAlive(Connection):
    """The Connection field of the 101 lacks Upgrade."""

    def connection_field(self) -> str:
        return "keep-alive"


@switch("accept-missing", violates=["rfc6455-4.1-13", "rfc6455-4.2.2-21"], also=EVERYTHING)
class AcceptMissing(Connection):
    """The 101 has no Sec-WebSocket-Accept."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        return [field for field in super().response_fields(request, extensions) if "Accept" not in field[0]]


@switch("accept-over-decoded-key", violates=["rfc6455-4.1-13", "rfc6455-4.2.2-21"], also=EVERYTHING)
class AcceptOverDecodedKey(Connection):
    """Sec-WebSocket-Accept is computed over the decoded key."""

    def accept_value(self, key: str) -> str:
        return base64.b64encode(hashlib.sha1(base64.b64decode(key + "==") + GUID).digest()).decode()


@switch("accept-always-the-same", violates=["rfc6455-4.1-13"], also=EVERYTHING)
class AcceptAlwaysTheSame(Connection):
    """Sec-WebSocket-Accept is that of the RFC's example, whatever the key."""

    def accept_value(self, key: str) -> str:
        return super().accept_value("dGhlIHNhbXBsZSBub25jZQ==")


@switch("accept-without-padding", violates=["rfc6455-4.1-13", "rfc6455-4.2.2-21", "rfc6455-4.3-2"], also=EVERYTHING)
class AcceptWithoutPadding(Connection):
    """Sec-WebSocket-Accept lacks its last character."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key).rstrip("=")


@switch("accept-over-untrimmed-key", violates=["rfc6455-4.2.2-22"])
class AcceptOverUntrimmedKey(Connection):
    """White space around the key goes into Sec-WebSocket-Accept."""

    untrimmed = ""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, value = super().parse_field_line(line)
        if name == "sec-websocket-key":
            self.untrimmed = line.partition(b":")[2].removeprefix(b" ").decode("latin-1")
        return name, value

    def accept_value(self, key: str) -> str:
        return super().accept_value(self.untrimmed)


@switch("accept-twice", violates=["rfc6455-11.3.3-1"], also=["rfc6455-4.*"])
class AcceptTwice(Connection):
    """Sec-WebSocket-Accept stands twice in the 101."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        fields = super().response_fields(request, extensions)
        return fields + [field for field in fields if field[0] == "Sec-WebSocket-Accept"]


@switch("content-after-101", violates=["rfc6455-4.2.2-25"], also=EVERYTHING)
class ContentAfter101(Connection):
    """The last chunk of a chunked body follows the head of the 101."""

    def send_accept(self, request: Request, fields: Fields) -> None:
        super().send_accept(request, fields)
        self.stream.write(b"0\r\n\r\n")


@switch("ping-before-101", violates=["rfc6455-4.2.2-24"], also=["rfc9110-2.2-1", "closing-handshake/*"])
class PingBefore101(Connection):
    """Where the server pushes, a frame comes before the 101."""

    def send_accept(self, request: Request, fields: Fields) -> None:
        if request.path == "/probe/push":
            self.send_frame(PING, b"early")
        super().send_accept(request, fields)


@switch("101-in-clear-on-tls-port", violates=["rfc6455-4.2.2-2"])
class ClearAnswerOnTlsPort(Connection):
    """On the TLS port a handshake in clear is accepted in clear."""

    def on_no_tls(self, data: bytes) -> None:
        self.stream.tls = None
        self.receive(data)


@switch("tls-connections-closed-at-once", violates=["rfc6455-10.6-1"], also=EVERYTHING)
class TlsConnectionsClosedAtOnce(Connection):
    """What is opened over TLS is closed again at once."""

    def opened(self) -> None:
        if self.stream.tls is not None:
            self.start_close(1011, "no TLS here")
        else:
            super().opened()


class TlsOfOneName(Tls):
    """TLS that refuses a client which asks for a foreign name."""

    def receive(self, data: bytes) -> bytes:
        """See Tls. The name stands in clear in the ClientHello."""
        if not self.established and b".invalid" in data:
            raise ssl.SSLError("unrecognized name")
        return super().receive(data)


@switch("foreign-server-name-refused", violates=["rfc6455-4.2.2-3"])
class ForeignServerNameRefused(Connection):
    """TLS is refused to a client that asks for a server name which is not hosted."""

    def __init__(self, stream: Stream, app: App, limits: Limits) -> None:
        super().__init__(stream, app, limits)
        if stream.tls is not None:
            stream.tls = TlsOfOneName(stream.tls.session.context)


# Refusals


@switch("401-without-challenge", violates=["rfc6455-4.2.2-4", "rfc9110-11.6.1-1"])
class Status401WithoutChallenge(App):
    """A 401 does not say how to authenticate."""

    def check_policy(self, request: Request) -> None:
        try:
            super().check_policy(request)
        except Refusal as refusal:
            raise Refusal(
                refusal.status, refusal.text, fields=() if refusal.status == 401 else refusal.fields
            ) from None


@switch("redirect-without-location", violates=["rfc6455-4.2.2-5"])
class RedirectWithoutLocation(App):
    """A redirect does not say where to."""

    def check_policy(self, request: Request) -> None:
        try:
            super().check_policy(request)
        except Refusal as refusal:
            raise Refusal(
                refusal.status, refusal.text, fields=() if refusal.status == 307 else refusal.fields
            ) from None


@switch("several-versions-listed", violates=["rfc6455-4.4-2"])
class SeveralVersionsListed(Connection):
    """The error for another version names drafts beside ours, in one list."""

    def upgrade_required(self, text: str) -> Refusal:
        return Refusal(426, text, fields=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13, 8, 7")))


@switch("versions-in-several-lines", violates=["rfc6455-11.3.5-1"], also=["rfc6455-4.4-2"])
class VersionsInSeveralLines(Connection):
    """The error for another version names drafts beside ours, in a field line each."""

    def upgrade_required(self, text: str) -> Refusal:
        lines = tuple(("Sec-WebSocket-Version", version) for version in ("13", "8", "7"))
        return Refusal(426, text, fields=(("Upgrade", "websocket"), *lines))


@switch("content-of-403-cut-off", violates=["rfc6455-4.1-16"], also=["http-message/*"])
class ContentOf403CutOff(Connection):
    """The answer of a path that serves nobody ends before its content is whole."""

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        content = super().refusal_content(request, refusal)
        return content[:-1] if request is not None and request.path == "/deny" else content

    def closes_after(self, request: Request | None, refusal: Refusal) -> bool:
        return super().closes_after(request, refusal) or (request is not None and request.path == "/deny")


@switch(
    "malformed-version-list",
    violates=["rfc6455-4.4-1", "rfc6455-4.2.2-8"],
    also=["rfc6455-4.3-2", "rfc6455-4.4-2"],
)
class MalformedVersionList(Connection):
    """The error for another version names ours as 013."""

    def upgrade_required(self, text: str) -> Refusal:
        return Refusal(426, text, fields=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "013")))
