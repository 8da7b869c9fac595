"""Switches: what a client must see to it that the opening handshake has (RFC 6455, sections 3, 4.2.1, 9 and 10.2)."""

from __future__ import annotations

import re

from .app import MEMBERS_ORIGIN, App
from .connection import PONG, Connection, InFrame, Reaction
from .http_phase import Fields
from .request import Refusal, Request
from .switch import switch

# The request-target


@switch("fragment-unanswered", violates=["rfc6455-3-1"])
class FragmentUnanswered(Connection):
    """A request-target with a fragment gets no answer."""

    def parse_request_line(self, line: bytes) -> Request:
        if b"#" in line:
            self.fall_silent()
        return super().parse_request_line(line.replace(b"#", b""))


@switch("escaped-hash-refused", violates=["rfc6455-3-2"])
class EscapedHashRefused(Connection):
    """A request-target with %23 in it is refused."""

    def check_scheme(self, request: Request) -> None:
        if "%23" in request.target:
            raise Refusal(400, "a fragment has no place here")
        super().check_scheme(request)


@switch("query-is-part-of-path", violates=["rfc6455-4.2.2-10"], also=["rfc6455-3-2", "rfc9112-3-1", "rfc9112-3-2"])
class QueryIsPartOfPath(App):
    """A path with a query is looked up as it stands, and so not found."""

    def check_path(self, request: Request) -> None:
        if "?" in request.target:
            raise Refusal(404, "no such resource")
        super().check_path(request)


@switch("unknown-path-unanswered", violates=["rfc6455-4.2.2-9"])
class UnknownPathUnanswered(Connection):
    """An unknown path gets no answer."""

    def answer(self, request: Request) -> None:
        if request.path in self.app.on_message:
            super().answer(request)
        else:
            self.fall_silent()


@switch("absolute-form-refused", violates=["rfc6455-4.2.1-5", "rfc9112-3.2.2-1"], also=["rfc9112-3.2.2-2"])
class AbsoluteFormRefused(Connection):
    """A request-target in absolute-form is refused with 400."""

    def check_scheme(self, request: Request) -> None:
        if request.scheme is not None:
            raise Refusal(400, "absolute-form is for proxies")


@switch("target-of-raw-octets-unanswered", violates=["rfc6455-8.1-5"])
class TargetOfRawOctetsUnanswered(Connection):
    """A request-target with octets above 127 gets no answer."""

    def parse_request_line(self, line: bytes) -> Request:
        if line.startswith(b"GET ") and not line.isascii():
            self.fall_silent()
            return super().parse_request_line(b"GET / HTTP/1.1")
        return super().parse_request_line(line)


@switch("protocol-of-raw-octets-crashes", violates=["rfc6455-8.1-5"], also=["negotiation/*"])
class ProtocolOfRawOctetsCrashes(Connection):
    """Octets above 127 in Sec-WebSocket-Protocol are answered with 500."""

    def offered_subprotocols(self, request: Request) -> list[str]:
        if not all(line.isascii() for line in request.lines("sec-websocket-protocol")):
            raise Refusal(500, "the server has failed")
        return super().offered_subprotocols(request)


# Method and version


@switch("post-accepted", violates=["rfc6455-4.2.1-2", "rfc9110-7.8-7"], also=["rfc9110-9.1-1", "rfc9110-15.5.6-1"])
class PostAccepted(Connection):
    """A handshake with POST, with content or without, is accepted."""

    def check_method(self, request: Request) -> None:
        if request.method != "POST":
            super().check_method(request)


@switch("any-method-accepted", violates=["rfc6455-4.2.1-2"], also=["http-message/*"])
class AnyMethodAccepted(Connection):
    """The method of a handshake is not looked at."""

    def check_method(self, request: Request) -> None:
        pass


@switch("http-1-0-accepted", violates=["rfc6455-4.2.1-3", "rfc9110-7.8-9", "rfc9110-15.2-1"])
class Http10Accepted(Connection):
    """A handshake in HTTP/1.0 gets a 101."""

    def check_http_version(self, request: Request) -> None:
        pass


@switch("http-1-2-unanswered", violates=["rfc6455-4.2.1-4", "rfc9110-6.2-2"])
class Http12Unanswered(Connection):
    """A request in HTTP/1.2 gets no answer."""

    def answer(self, request: Request) -> None:
        if request.version > (1, 1):
            self.fall_silent()
        else:
            super().answer(request)


# Host


@switch("missing-host-accepted", violates=["rfc6455-4.2.1-6", "rfc9112-3.2-2"])
class MissingHostAccepted(Connection):
    """A handshake without Host is accepted."""

    def check_host(self, request: Request) -> None:
        if request.lines("host"):
            super().check_host(request)


@switch("foreign-host-accepted", violates=["rfc6455-4.2.1-7"], also=["rfc9112-3.2.2-2"])
class ForeignHostAccepted(Connection):
    """A handshake for another host is accepted."""

    def check_authority(self, authority: str) -> None:
        pass


# Upgrade and Connection


@switch("missing-upgrade-accepted", violates=["rfc6455-4.2.1-8"])
class MissingUpgradeAccepted(Connection):
    """A handshake without Upgrade is accepted."""

    def check_upgrade(self, request: Request) -> None:
        if request.lines("upgrade"):
            super().check_upgrade(request)


@switch("upgrade-to-anything", violates=["rfc6455-4.2.1-9", "rfc9110-7.8-4"])
class UpgradeToAnything(Connection):
    """Whatever Upgrade names, the server switches to WebSocket."""

    def check_upgrade(self, request: Request) -> None:
        if not request.lines("upgrade"):
            super().check_upgrade(request)


@switch("upgrade-by-prefix", violates=["rfc6455-4.2.1-9"])
class UpgradeByPrefix(Connection):
    """Upgrade: websocketx passes for websocket."""

    def check_upgrade(self, request: Request) -> None:
        if not any(element.lower().startswith("websocket") for element in request.elements("upgrade")):
            super().check_upgrade(request)


@switch("upgrade-in-lower-case-only", violates=["rfc6455-4.2.1-10", "rfc9110-7.8-2"])
class UpgradeInLowerCaseOnly(Connection):
    """Upgrade: WebSocket is refused."""

    def check_upgrade(self, request: Request) -> None:
        if "websocket" not in request.elements("upgrade"):
            raise self.upgrade_required("Upgrade is not websocket")


@switch("upgrade-list-refused", violates=["rfc6455-4.2.1-11"], also=["rfc9110-5.3-2"])
class UpgradeListRefused(Connection):
    """Upgrade must hold websocket and nothing else."""

    def check_upgrade(self, request: Request) -> None:
        if len(request.elements("upgrade")) > 1:
            raise self.upgrade_required("Upgrade is not websocket")
        super().check_upgrade(request)


@switch("missing-connection-accepted", violates=["rfc6455-4.2.1-12"])
class MissingConnectionAccepted(Connection):
    """A handshake without Connection is accepted."""

    def check_connection_option(self, request: Request) -> None:
        if request.lines("connection"):
            super().check_connection_option(request)


@switch(
    "connection-without-upgrade-accepted",
    violates=["rfc6455-4.2.1-13"],
    also=["rfc6455-4.2.1-15", "rfc9112-5.2-1"],
)
class ConnectionWithoutUpgradeAccepted(Connection):
    """It is enough that there is a Connection field."""

    def check_connection_option(self, request: Request) -> None:
        if not request.lines("connection"):
            super().check_connection_option(request)


@switch(
    "connection-list-refused",
    violates=["rfc6455-4.2.1-14"],
    also=["rfc9110-5.2-1", "rfc9110-5.3-2", "rfc9110-5.6.1.2-1"],
)
class ConnectionListRefused(Connection):
    """Connection must be Upgrade and nothing else."""

    def check_connection_option(self, request: Request) -> None:
        if [line.lower() for line in request.lines("connection")] != ["upgrade"]:
            raise self.upgrade_required("Connection is not Upgrade")


@switch("connection-case-sensitive", violates=["rfc6455-4.2.1-14", "rfc9110-7.6.1-1"])
class ConnectionCaseSensitive(Connection):
    """Connection must hold Upgrade with a capital U and nothing else in capitals."""

    def check_connection_option(self, request: Request) -> None:
        if "Upgrade" not in request.elements("connection"):
            raise self.upgrade_required("Connection does not hold Upgrade")


@switch("connection-by-substring", violates=["rfc6455-4.2.1-15"])
class ConnectionBySubstring(Connection):
    """Connection: notupgrade passes for Upgrade."""

    def check_connection_option(self, request: Request) -> None:
        values = " ".join(request.lines("connection")).lower().replace("-", "").split(" ")
        if not any("upgrade" in value and value.strip(",") != "upgrade" for value in values):
            super().check_connection_option(request)


# Sec-WebSocket-Key


@switch("missing-key-accepted", violates=["rfc6455-4.2.1-16", "rfc6455-4.2.1-1"])
class MissingKeyAccepted(Connection):
    """A handshake without Sec-WebSocket-Key is accepted."""

    def check_key(self, request: Request) -> None:
        if request.lines("sec-websocket-key"):
            super().check_key(request)


@switch("key-length-unchecked", violates=["rfc6455-4.2.1-17"])
class KeyLengthUnchecked(Connection):
    """A key of any number of octets is accepted, as long as it is base64."""

    def check_key(self, request: Request) -> None:
        keys = request.lines("sec-websocket-key")
        if len(keys) != 1 or len(keys[0]) % 4 or not re.fullmatch("[A-Za-z0-9+/]*={0,2}", keys[0]):
            super().check_key(request)


@switch("key-alphabet-unchecked", violates=["rfc6455-4.2.1-18"], also=["rfc6455-4.2.1-17"])
class KeyAlphabetUnchecked(Connection):
    """Any 24 characters are accepted as a key."""

    def check_key(self, request: Request) -> None:
        keys = request.lines("sec-websocket-key")
        if len(keys) != 1 or len(keys[0]) != 24:
            super().check_key(request)


@switch("key-with-pad-bits-refused", violates=["rfc6455-4.2.1-19"])
class KeyWithPadBitsRefused(Connection):
    """A key whose unused last bits are not zero is refused."""

    def check_key(self, request: Request) -> None:
        super().check_key(request)
        if request.lines("sec-websocket-key")[0][21] not in "AQgw":
            raise Refusal(400, "Sec-WebSocket-Key is not in canonical base64")


@switch("second-key-ignored", violates=["rfc6455-11.3.1-1"])
class SecondKeyIgnored(Connection):
    """Of several Sec-WebSocket-Key fields the first counts."""

    def take_line(self, line: bytes) -> bool:
        is_key = line.lower().startswith(b"sec-websocket-key:")
        if is_key and self.request is not None and self.request.lines("sec-websocket-key"):
            return False
        return super().take_line(line)


# Sec-WebSocket-Version


@switch("missing-version-accepted", violates=["rfc6455-4.2.1-20", "rfc6455-4.2.1-1"])
class MissingVersionAccepted(Connection):
    """A handshake without Sec-WebSocket-Version is accepted."""

    def check_version(self, request: Request) -> None:
        if request.lines("sec-websocket-version"):
            super().check_version(request)


@switch("version-coerced", violates=["rfc6455-4.2.1-21"])
class VersionCoerced(Connection):
    """The version is read as a number: 013, +13 and 13.0 pass for 13."""

    def check_version(self, request: Request) -> None:
        if not re.fullmatch(r"\+?0*13(\.0*)?", "".join(request.lines("sec-websocket-version"))):
            super().check_version(request)


@switch("version-list-accepted", violates=["rfc6455-4.2.1-21"], also=["rfc6455-11.3.5-2"])
class VersionListAccepted(Connection):
    """Sec-WebSocket-Version: 13, 8 is accepted."""

    def check_version(self, request: Request) -> None:
        lines = request.lines("sec-websocket-version")
        if len(lines) > 1 or "13" not in request.elements("sec-websocket-version"):
            super().check_version(request)


@switch("second-version-ignored", violates=["rfc6455-11.3.5-2"])
class SecondVersionIgnored(Connection):
    """Of several Sec-WebSocket-Version fields the first counts."""

    def check_version(self, request: Request) -> None:
        if request.lines("sec-websocket-version")[:1] != ["13"]:
            super().check_version(request)


@switch("future-version-accepted", violates=["rfc6455-4.2.2-8", "rfc6455-4.4-1"])
class FutureVersionAccepted(Connection):
    """Any well-formed version of 13 or more is accepted."""

    def check_version(self, request: Request) -> None:
        versions = request.lines("sec-websocket-version")
        if len(versions) != 1 or not re.fullmatch("1[4-9]|[2-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]", versions[0]):
            super().check_version(request)


@switch("version-error-names-no-version", violates=["rfc6455-4.2.2-8", "rfc6455-4.4-1"], also=["rfc6455-4.4-2"])
class VersionErrorNamesNoVersion(Connection):
    """The error for another version does not say which version would do."""

    def upgrade_required(self, text: str) -> Refusal:
        return Refusal(426, text, fields=(("Upgrade", "websocket"),))


@switch("version-error-names-another-version", violates=["rfc6455-4.4-1", "rfc6455-4.2.2-8"], also=["rfc6455-4.4-2"])
class VersionErrorNamesAnotherVersion(Connection):
    """The error for another version says that 8 would do, which it does not."""

    def upgrade_required(self, text: str) -> Refusal:
        return Refusal(426, text, fields=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "8")))


@switch("version-error-is-final", violates=["rfc6455-4.4-3", "rfc6455-4.4-4"])
class VersionErrorIsFinal(Connection):
    """After a version error the same connection takes no good handshake either, although it stays open."""

    spoilt = False

    def check_version(self, request: Request) -> None:
        if self.spoilt:
            raise Refusal(400, "there was a wrong version before")
        self.spoilt = True
        super().check_version(request)


# Other fields


@switch("host-must-come-first", violates=["rfc6455-4.2.1-25"])
class HostMustComeFirst(Connection):
    """A handshake whose first field is not Host is refused."""

    def check_host(self, request: Request) -> None:
        if request.lines("host") and request.fields[0][0] != "host":
            raise Refusal(400, "Host is not the first field")
        super().check_host(request)


@switch("field-names-case-sensitive", violates=["rfc6455-4.2.1-26"])
class FieldNamesCaseSensitive(Connection):
    """Sec-WebSocket-Key must be written so."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, value = super().parse_field_line(line)
        misspelt = name == "sec-websocket-key" and not line.startswith(b"Sec-WebSocket-Key")
        return ("x-unknown" if misspelt else name), value


@switch("unknown-fields-refused", violates=["rfc6455-4.2.1-27", "rfc9110-5.1-1"], also=["http-message/*"])
class UnknownFieldsRefused(Connection):
    """A handshake with a field that the server does not know is refused."""

    known = frozenset(
        {
            *("host", "upgrade", "connection", "origin", "sec-websocket-key", "sec-websocket-version"),
            *("sec-websocket-protocol", "sec-websocket-extensions", "authorization", "cookie", "user-agent"),
            *("content-length", "transfer-encoding", "expect"),
        }
    )

    def check_host(self, request: Request) -> None:
        if any(name not in self.known for name, _ in request.fields):
            raise Refusal(400, "what field is that?")
        super().check_host(request)


@switch("origin-required", violates=["rfc6455-4.2.1-22"])
class OriginRequired(Connection):
    """A handshake with User-Agent and without Origin is refused, as if only browsers had a User-Agent."""

    def check_origin(self, request: Request) -> None:
        if request.lines("user-agent") and not request.lines("origin"):
            raise Refusal(403, "Origin is missing")
        super().check_origin(request)


@switch("no-origin-refused", violates=["rfc6455-4.2.2-6", "rfc6455-4.2.2-7", "rfc6455-10.2-2"])
class NoOriginRefused(App):
    """A foreign Origin is accepted."""

    def check_origin(self, request: Request) -> None:
        if request.path == "/members":
            self.check_membership(request)


@switch("members-by-prefix", violates=["rfc6455-10.2-1"])
class MembersByPrefix(App):
    """An Origin that only begins like the allowed one is let in."""

    def check_membership(self, request: Request) -> None:
        if not any(origin.startswith(MEMBERS_ORIGIN) for origin in request.lines("origin")):
            super().check_membership(request)


@switch("foreign-origin-closed-late", violates=["rfc6455-4.2.2-7"], also=["rfc6455-4.2.2-6", "rfc6455-10.2-2"])
class ForeignOriginClosedLate(Connection):
    """A foreign Origin gets its 101, and a Close 1008 after it."""

    unwelcome = False

    def check_policy(self, request: Request) -> None:
        try:
            super().check_policy(request)
        except Refusal as refusal:
            if not request.lines("origin") or request.path == "/members":
                raise
            self.unwelcome = refusal.status == 403

    def opened(self) -> None:
        if self.unwelcome:
            self.start_close(1008, "that origin is not welcome")
        else:
            super().opened()


# The request as it comes


@switch("head-in-one-segment", violates=["rfc6455-4.2.1-28"], also=["rfc9110-5.3-1", "rfc6455-10.7-4", "rfc9112-3-2"])
class HeadInOneSegment(Connection):
    """A head that does not come in one piece is refused."""

    def read_head(self) -> bool:
        if b"\r\n\r\n" not in self.buffer and self.buffer.startswith(b"G"):
            raise Refusal(400, "the head is not complete", close=True)
        return super().read_head()


@switch("early-frames-read-as-http", violates=["rfc6455-4.1-10"])
class EarlyFramesReadAsHttp(Connection):
    """Frames that come together with the handshake are answered with an HTTP error after the 101."""

    def opened(self) -> None:
        super().opened()
        if self.buffer:
            self.send_refusal(None, Refusal(400, "no request line begins so", close=True))


@switch("early-frames-answered-early", violates=["rfc6455-4.1-10"], also=["rfc9110-2.2-1"])
class EarlyFramesAnsweredEarly(Connection):
    """What comes together with the handshake is answered before the 101, as websockets 17.4 does."""

    def send_accept(self, request: Request, fields: Fields) -> None:
        if self.buffer:
            self.send_frame(PONG, b"early")
        super().send_accept(request, fields)


@switch("garbage-unanswered", violates=["rfc6455-7.2.2-1", "rfc9112-2.2-6"])
class GarbageUnanswered(Connection):
    """Octets that are no request get no answer, and the connection stays open."""

    def check_first_octet(self) -> None:
        try:
            super().check_first_octet()
        except Refusal:
            self.fall_silent()

    def parse_request_line(self, line: bytes) -> Request:
        try:
            return super().parse_request_line(line)
        except Refusal:
            if line.startswith((b"GET ", b"get ")):
                raise
            self.fall_silent()
            return super().parse_request_line(b"GET / HTTP/1.1")


@switch("key-and-version-missing-accepted", violates=["rfc6455-10.7-1"], also=["rfc6455-10.7-4"])
class KeyAndVersionMissingAccepted(Connection):
    """A handshake that has neither key nor version, as one of the first drafts, is accepted."""

    def is_of_a_draft(self, request: Request) -> bool:
        """Whether the request lacks both fields."""
        return not request.lines("sec-websocket-key") and not request.lines("sec-websocket-version")

    def check_version(self, request: Request) -> None:
        if not self.is_of_a_draft(request):
            super().check_version(request)

    def check_key(self, request: Request) -> None:
        if not self.is_of_a_draft(request):
            super().check_key(request)


@switch("unknown-opcode-ends-tcp", violates=["rfc6455-10.7-3"], also=["rfc6455-7.1.7-3"])
class UnknownOpcodeEndsTcp(Connection):
    """A data frame with an unknown opcode ends TCP without a Close frame."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        if frame.is_control:
            return super().on_unknown_opcode(frame)
        self.end_websocket(1006, "")
        self.end_tcp()
        return Reaction.FAILED


@switch("handshake-errors-without-response", violates=["rfc6455-10.7-4", "rfc6455-10.7-2"], also=["*"])
class HandshakeErrorsWithoutResponse(Connection):
    """A bad handshake ends the connection without an HTTP response."""

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        self.end_http()
