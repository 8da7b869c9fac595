"""Switches: HTTP messages (RFC 9110 and RFC 9112); more of them are in http_message_parsing.py."""

from __future__ import annotations

from .app import App
from .connection import Connection
from .http_phase import Fields
from .request import Refusal, Request, parse_request_line
from .switch import switch

# Request lines


@switch("http-version-unchecked", violates=["rfc9112-2.3-1"])
class HttpVersionUnchecked(Connection):
    """Whatever stands for the HTTP-version, and is none, passes for HTTP/1.1."""

    def parse_request_line(self, line: bytes) -> Request:
        before, _, version = line.rpartition(b" ")
        if version in (b"HTTP/11", b"HTTP/1.10", b"HTTP/2.0"):
            return super().parse_request_line(before + b" HTTP/1.1")
        return super().parse_request_line(line)


@switch("http-1-2-needs-an-upgrade", violates=["rfc9110-6.2-2"], also=["rfc6455-4.2.1-4"])
class Http12NeedsAnUpgrade(Connection):
    """HTTP/1.2 is refused with 426, as if it were HTTP/1.0."""

    def check_http_version(self, request: Request) -> None:
        if request.version == (1, 2):
            raise self.upgrade_required("WebSocket needs HTTP/1.1")
        super().check_http_version(request)


@switch("words-after-the-version-ignored", violates=["rfc9112-3.2-1"])
class WordsAfterTheVersionIgnored(Connection):
    """Of a request line only the first three words are read."""

    def parse_request_line(self, line: bytes) -> Request:
        return super().parse_request_line(b" ".join(line.split(b" ")[:3]))


@switch("missing-version-taken-for-http-1-1", violates=["rfc9112-3.2-1"])
class MissingVersionTakenForHttp11(Connection):
    """A request line without a version passes for one of HTTP/1.1."""

    def parse_request_line(self, line: bytes) -> Request:
        return super().parse_request_line(line + b" HTTP/1.1" if line.count(b" ") == 1 else line)


@switch("carriage-return-ends-the-request-line", violates=["rfc9112-2.2-3"])
class CarriageReturnEndsTheRequestLine(Connection):
    """A CR alone ends the request line, and what follows it is a field."""

    def on_bare_carriage_return(self, line: bytes) -> bytes:
        if self.request is not None:
            return super().on_bare_carriage_return(line)
        first, _, second = line.partition(b"\r")
        self.request = parse_request_line(first)
        return second


@switch("octets-that-are-no-http-keep-the-connection", violates=["rfc9112-2.2-6"], also=["rfc6455-7.2.2-1"])
class OctetsThatAreNoHttpKeepTheConnection(Connection):
    """What cannot begin a request line gets 400, and the connection stays open."""

    def check_first_octet(self) -> None:
        try:
            super().check_first_octet()
        except Refusal as refusal:
            text = refusal.text.encode() + b"\n"
            fields = self.encode_fields([("Content-Length", str(len(text)))])
            self.stream.write(self.status_line(refusal.status) + fields + text)
            self.fall_silent()


@switch("absolute-form-not-found", violates=["rfc9112-3.2.2-1"], also=["rfc9112-3.2.2-2", "rfc6455-4.2.1-5"])
class AbsoluteFormNotFound(Connection):
    """A request-target in absolute-form is looked up as a path, and not found."""

    def check_scheme(self, request: Request) -> None:
        super().check_scheme(request)
        if request.scheme is not None:
            raise Refusal(404, "no such resource")


@switch("post-opens-a-connection", violates=["rfc9110-7.8-7", "rfc9110-9.1-1"], also=["rfc6455-4.2.1-2"])
class PostOpensAConnection(Connection):
    """A handshake with the method POST is accepted, its content thrown away."""

    def check_method(self, request: Request) -> None:
        if request.method != "POST":
            super().check_method(request)


# Fields of requests


@switch("fields-of-other-protocols-refused", violates=["rfc9110-5.1-1"], also=["rfc6455-4.2.1-27"])
class FieldsOfOtherProtocolsRefused(Connection):
    """A Sec-WebSocket field that RFC 6455 does not define is refused."""

    defined = frozenset({"key", "version", "protocol", "extensions", "accept"})

    def check_version(self, request: Request) -> None:
        super().check_version(request)
        named = {name.removeprefix("sec-websocket-") for name, _ in request.fields if name.startswith("sec-websocket-")}
        if named - self.defined:
            raise Refusal(400, "that field is unknown here")


@switch("protocol-name-case-sensitive", violates=["rfc9110-7.8-2"], also=["rfc6455-4.2.1-10"])
class ProtocolNameCaseSensitive(Connection):
    """Upgrade has to say websocket in lower case."""

    def check_upgrade(self, request: Request) -> None:
        super().check_upgrade(request)
        if "websocket" not in request.elements("upgrade"):
            raise self.upgrade_required("Upgrade does not list websocket")


@switch("connection-option-in-small-letters-only", violates=["rfc9110-7.6.1-1"], also=["rfc6455-4.2.1-14"])
class ConnectionOptionInSmallLettersOnly(Connection):
    """The connection option is known as Upgrade and upgrade, and in no other case."""

    def check_connection_option(self, request: Request) -> None:
        super().check_connection_option(request)
        if not {"Upgrade", "upgrade"}.intersection(request.elements("connection")):
            raise self.upgrade_required("Connection does not hold the option Upgrade")


@switch("upgrade-lists-any-protocol", violates=["rfc9110-7.8-4", "rfc9110-7.8-1"], also=["rfc6455-4.2.1-9"])
class UpgradeListsAnyProtocol(Connection):
    """Whatever Upgrade asks for, the connection is switched to websocket."""

    def check_upgrade(self, request: Request) -> None:
        if not request.lines("upgrade"):
            super().check_upgrade(request)


@switch("64-fields-at-most", violates=["rfc9110-5.4-1"])
class SixtyFourFieldsAtMost(Connection):
    """A request with more than 64 fields gets no answer."""

    def take_line(self, line: bytes) -> bool:
        if self.request is not None and len(self.request.fields) > 64:
            self.fall_silent()
            return False
        return super().take_line(line)


# Responses


@switch("101-of-http-1-0", violates=["rfc9110-6.2-1"], also=["rfc6455-4.2.2-18", "rfc6455-4.2.2-1"])
class SwitchingOfHttp10(Connection):
    """The 101 says that it is HTTP/1.0."""

    def status_line(self, status: int) -> bytes:
        line = super().status_line(status)
        return line.replace(b"HTTP/1.1", b"HTTP/1.0") if status == 101 else line


@switch("errors-without-the-last-space", violates=["rfc9112-4-1"])
class ErrorsWithoutTheLastSpace(Connection):
    """The status line of an error ends right after the code."""

    def status_line(self, status: int) -> bytes:
        return super().status_line(status) if status < 400 else f"HTTP/1.1 {status}\r\n".encode()


@switch("upgrade-in-every-error", violates=["rfc9110-7.8-6"])
class UpgradeInEveryError(Connection):
    """Every error advertises websocket."""

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        if not any(name == "Upgrade" for name, _ in refusal.fields):
            refusal.fields += (("Upgrade", "websocket"),)
        return super().refusal_fields(request, refusal, close=close)


@switch("401-for-everybody", violates=["rfc9110-11.6.1-1"], also=["rfc6455-4.2.2-4"])
class Status401ForEverybody(App):
    """Where nobody is served the answer is 401, without a word on how to authenticate."""

    def check_policy(self, request: Request) -> None:
        if request.path == "/deny":
            raise Refusal(401, "nobody is served here")
        super().check_policy(request)
