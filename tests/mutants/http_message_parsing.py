"""Switches: HTTP around the opening handshake (RFC 9110 and RFC 9112)."""

from __future__ import annotations

import asyncio

from .connection import Connection, Phase
from .http_phase import Fields
from .request import Content, Refusal, Request, SizedContent, parse_field_line
from .switch import switch

# The request line


@switch("lower-case-method-accepted", violates=["rfc9110-9.1-2"])
class LowerCaseMethodAccepted(Connection):
    """The method get passes for GET."""

    def check_method(self, request: Request) -> None:
        if request.method != "get":
            super().check_method(request)


@switch("unknown-method-is-fine", violates=["rfc9110-9.1-1"], also=["rfc6455-4.2.1-2", "rfc9112-3-3"])
class UnknownMethodIsFine(Connection):
    """An unknown method is answered with 200."""

    def check_method(self, request: Request) -> None:
        try:
            super().check_method(request)
        except Refusal as refusal:
            raise Refusal(200 if refusal.status == 501 else refusal.status, "fine", fields=refusal.fields) from None


@switch("long-method-not-found", violates=["rfc9112-3-3"])
class LongMethodNotFound(Connection):
    """A method of 1000 characters is answered with 404."""

    def check_method(self, request: Request) -> None:
        if len(request.method) >= 100:
            raise Refusal(404, "no such resource")
        super().check_method(request)


@switch("405-without-allow", violates=["rfc9110-15.5.6-1"])
class Status405WithoutAllow(Connection):
    """A 405 does not say which methods are allowed."""

    def check_method(self, request: Request) -> None:
        try:
            super().check_method(request)
        except Refusal as refusal:
            raise Refusal(refusal.status, refusal.text) from None


@switch("version-case-insensitive", violates=["rfc9112-2.3-1"])
class VersionCaseInsensitive(Connection):
    """http/1.1 passes for HTTP/1.1."""

    def parse_request_line(self, line: bytes) -> Request:
        head, space, version = line.rpartition(b" ")
        return super().parse_request_line(head + space + version.upper())


@switch("space-in-target-accepted", violates=["rfc9112-3.2-1"])
class SpaceInTargetAccepted(Connection):
    """The request-target is whatever stands between the first and the last space."""

    def parse_request_line(self, line: bytes) -> Request:
        method, _, rest = line.partition(b" ")
        target, _, version = rest.rpartition(b" ")
        return super().parse_request_line(method + b" " + target.replace(b" ", b"%20") + b" " + version)

    def answer(self, request: Request) -> None:
        request.path = request.path.partition(" ")[0]
        super().answer(request)


@switch("long-request-line-refused", violates=["rfc9112-3-1"])
class LongRequestLineRefused(Connection):
    """A request line of more than 4000 octets is refused."""

    def check_line_size(self, line: bytes | bytearray) -> None:
        if self.request is None and len(line) > 4000:
            raise Refusal(414, "the request line is too long", close=True)
        super().check_line_size(line)


@switch("endless-request-line-unanswered", violates=["rfc9112-3-2"])
class EndlessRequestLineUnanswered(Connection):
    """Too long a request-target gets no answer."""

    def check_line_size(self, line: bytes | bytearray) -> None:
        try:
            super().check_line_size(line)
        except Refusal as refusal:
            if refusal.status != 414:
                raise
            self.fall_silent()


@switch("empty-line-first-refused", violates=["rfc9112-2.2-4"])
class EmptyLineFirstRefused(Connection):
    """An empty line before the request line is refused."""

    def on_empty_line_first(self) -> None:
        raise Refusal(400, "the request line is empty", close=True)


@switch("absolute-form-served-by-host", violates=["rfc9112-3.2.2-2"], also=["rfc6455-4.2.1-7"])
class AbsoluteFormServedByHost(Connection):
    """In absolute-form Host still decides which host is meant."""

    def effective_authority(self, request: Request) -> str:
        return next(iter(request.lines("host")), "")


@switch("https-resource-in-clear", violates=["rfc9110-7.4-1"])
class HttpsResourceInClear(Connection):
    """An https resource is served without TLS."""

    def check_scheme(self, request: Request) -> None:
        pass


# Field lines


@switch("invalid-host-accepted", violates=["rfc9112-3.2-2"])
class InvalidHostAccepted(Connection):
    """The value of Host may be anything."""

    def check_host(self, request: Request) -> None:
        if len(request.lines("host")) != 1:
            super().check_host(request)


@switch("second-host-ignored", violates=["rfc9112-3.2-2"])
class SecondHostIgnored(Connection):
    """Of several Host fields the first counts."""

    def take_line(self, line: bytes) -> bool:
        if line.lower().startswith(b"host:") and self.request is not None and self.request.lines("host"):
            return False
        return super().take_line(line)


@switch("last-connection-line-counts", violates=["rfc9110-5.2-1", "rfc9110-5.3-2"])
class LastConnectionLineCounts(Connection):
    """Of several Connection lines only the last is read."""

    def take_line(self, line: bytes) -> bool:
        if line.lower().startswith(b"connection:") and self.request is not None:
            self.request.fields = [field for field in self.request.fields if field[0] != "connection"]
        return super().take_line(line)


@switch("empty-list-elements-refused", violates=["rfc9110-5.6.1.2-1"])
class EmptyListElementsRefused(Connection):
    """A list with an empty element is refused."""

    def check_connection_option(self, request: Request) -> None:
        values = [*request.lines("connection"), *request.lines("sec-websocket-protocol")]
        if any(not element.strip(" \t") for value in values for element in value.split(",")):
            raise Refusal(400, "a list has an empty element")
        super().check_connection_option(request)


@switch("space-after-field-name-accepted", violates=["rfc9112-5.1-1"])
class SpaceAfterFieldNameAccepted(Connection):
    """White space between a field name and its colon is overlooked."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, colon, value = line.partition(b":")
        return super().parse_field_line(name.rstrip(b" \t") + colon + value)


@switch("one-space-before-value", violates=["rfc9112-5-1"], also=["rfc6455-4.2.2-22"])
class OneSpaceBeforeValue(Connection):
    """A field value must be preceded by exactly one space."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, value = super().parse_field_line(line)
        if value and not line.endswith(f": {value}".encode("latin-1")):
            raise Refusal(400, "strange white space in a field line", close=True)
        return name, value


@switch("fold-dropped", violates=["rfc9112-5.2-1"], also=["rfc9112-2.2-5"])
class FoldDropped(Connection):
    """A folded line is dropped, and the beginning of its field taken alone."""

    def on_folded_line(self, line: bytes) -> None:
        pass


@switch("indented-first-field-used", violates=["rfc9112-2.2-5"])
class IndentedFirstFieldUsed(Connection):
    """An indented line right after the request line is taken for a field."""

    def on_folded_line(self, line: bytes) -> None:
        if self.request is None or self.request.fields:
            super().on_folded_line(line)
        else:
            self.request.fields.append(parse_field_line(line.lstrip(b" \t")))


@switch("bare-carriage-return-ends-line", violates=["rfc9112-2.2-3"])
class BareCarriageReturnEndsLine(Connection):
    """A CR alone ends a field line, and what follows it is a field of its own."""

    def on_bare_carriage_return(self, line: bytes) -> bytes:
        if self.request is None:
            return super().on_bare_carriage_return(line)
        first, _, second = line.partition(b"\r")
        self.take_line(second)
        return first


@switch("bare-line-feed-ends-line", violates=["rfc9112-2.2-2"])
class BareLineFeedEndsLine(Connection):
    """An LF alone ends a line."""

    def on_bare_line_feed(self, line: bytes) -> bytes:
        return line


@switch("control-characters-reflected", violates=["rfc9110-5.5-1"], also=["rfc9112-2.2-3", "rfc9110-2.2-1"])
class ControlCharactersReflected(Connection):
    """The error for a field value with a control character repeats that value."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        try:
            return super().parse_field_line(line)
        except Refusal as refusal:
            reflected = ("X-Refused", line.partition(b":")[2].decode("latin-1"))
            raise Refusal(refusal.status, refusal.text, fields=(reflected,), close=True) from None

    def on_bare_carriage_return(self, line: bytes) -> bytes:
        return line


@switch("latin-1-unanswered", violates=["rfc9112-2.2-1"], also=["rfc6455-8.1-5", "rfc6455-4.2.1-23"])
class Latin1Unanswered(Connection):
    """A field value with an octet above 127 stops the server from answering."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        if not line.isascii():
            self.fall_silent()
        return super().parse_field_line(line)


@switch("large-fields-unanswered", violates=["rfc9110-5.4-1"])
class LargeFieldsUnanswered(Connection):
    """Too large a head gets no answer."""

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        if refusal.status == 431:
            self.fall_silent()
        else:
            super().send_refusal(request, refusal)


@switch("101-before-the-head-ends", violates=["rfc9110-5.3-1"])
class AcceptedBeforeTheHeadEnds(Connection):
    """The 101 goes out as soon as the needed fields are there, if the empty line keeps it waiting."""

    needed = frozenset({"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"})
    accepted = False

    def take_line(self, line: bytes) -> bool:
        ended = super().take_line(line)
        request = self.request
        if (
            not ended
            and request is not None
            and not self.accepted
            and not self.buffer
            and self.needed <= {name for name, _ in request.fields}
        ):
            try:
                self.check_request(request)
                super().send_accept(request, self.response_fields(request, None))
            except Refusal:
                return False
            self.accepted = True
        return ended

    def send_accept(self, request: Request, fields: Fields) -> None:
        if not self.accepted:
            super().send_accept(request, fields)


# Content


@switch("content-left-unread", violates=["rfc9110-9.3.1-1", "rfc9112-9.3-1"], also=["rfc9110-7.8-7"])
class ContentLeftUnread(Connection):
    """The content of a request is taken for what comes after it."""

    def frame_content(self, request: Request) -> Content:
        super().frame_content(request)
        return SizedContent(0)


@switch("ambiguous-framing-kept-open", violates=["rfc9112-6.1-2"])
class AmbiguousFramingKeptOpen(Connection):
    """After a request with both Transfer-Encoding and Content-Length the connection goes on."""

    def frame_content(self, request: Request) -> Content:
        if not (request.lines("content-length") and request.lines("transfer-encoding")):
            return super().frame_content(request)
        content = self.chunked_content(["chunked"])
        request.method = "POST"
        return content


@switch("unknown-transfer-coding-ignored", violates=["rfc9112-6.1-3"])
class UnknownTransferCodingIgnored(Connection):
    """An unknown transfer coding is taken for none."""

    def chunked_content(self, codings: list[str]) -> Content:
        return SizedContent(0) if codings == ["foo"] else super().chunked_content(codings)


@switch("unfinished-transfer-coding-ignored", violates=["rfc9112-6.3-1"])
class UnfinishedTransferCodingIgnored(Connection):
    """A transfer coding that does not end in chunked is taken for none."""

    def chunked_content(self, codings: list[str]) -> Content:
        return SizedContent(0) if codings[-1] in ("gzip", "deflate") else super().chunked_content(codings)


@switch("invalid-content-length-ignored", violates=["rfc9112-6.3-2"])
class InvalidContentLengthIgnored(Connection):
    """A Content-Length that is no number is taken for 0."""

    def on_invalid_content_length(self, lengths: list[str]) -> Content:
        return SizedContent(0)


@switch("no-100-before-101", violates=["rfc9110-7.8-10", "rfc9110-15.2-2"])
class No100Before101(Connection):
    """A client that waits for 100 gets the 101 without it."""

    def send_continue(self) -> None:
        pass


# Responses


@switch("426-without-upgrade", violates=["rfc9110-7.8-5", "rfc9110-15.5.22-1"], also=["rfc9110-7.8-8"])
class Status426WithoutUpgrade(Connection):
    """A 426 does not say what to upgrade to."""

    def upgrade_required(self, text: str) -> Refusal:
        return Refusal(426, text, fields=(("Sec-WebSocket-Version", "13"),))


@switch("426-without-upgrade-option", violates=["rfc9110-7.8-8"])
class Status426WithoutUpgradeOption(Connection):
    """A 426 has Upgrade, but Connection does not name it."""

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        fields = super().refusal_fields(request, refusal, close=close)
        return [
            (name, "close" if close else "keep-alive") if name == "Connection" else (name, text)
            for name, text in fields
        ]


@switch("head-answered-with-content", violates=["rfc9110-9.3.2-1"])
class HeadAnsweredWithContent(Connection):
    """The answer to HEAD has content."""

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        return refusal.text.encode() + b"\n"


@switch("date-twice", violates=["rfc9110-5.3-3"])
class DateTwice(Connection):
    """Responses that are no 101 have two Date fields."""

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        fields = super().refusal_fields(request, refusal, close=close)
        return fields + [field for field in fields if field[0] == "Date"]


@switch("folded-response-field", violates=["rfc9110-2.2-1"])
class FoldedResponseField(Connection):
    """Responses that are no 101 have a folded field."""

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        return [*super().refusal_fields(request, refusal, close=close), ("X-Folded", "one\r\n two")]


@switch("line-feeds-in-response", violates=["rfc9110-2.2-1"], also=["*"])
class LineFeedsInResponse(Connection):
    """The fields of responses end in LF without CR."""

    def encode_fields(self, fields: Fields) -> bytes:
        return super().encode_fields(fields).replace(b"\r\n", b"\n")


@switch("chunked-response-to-http-1-0", violates=["rfc9112-6.1-4"])
class ChunkedResponseToHttp10(Connection):
    """A response to HTTP/1.0 comes in chunks."""

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        fields = super().refusal_fields(request, refusal, close=close)
        if request is None or not request.is_http_1_0:
            return fields
        return [field for field in fields if field[0] != "Content-Length"] + [("Transfer-Encoding", "chunked")]

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        content = super().refusal_content(request, refusal)
        if request is None or not request.is_http_1_0 or not content:
            return content
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)


@switch(
    "pipelined-out-of-order",
    violates=["rfc9112-9.3.2-1"],
    also=["rfc6455-5.2-2", "rfc6455-5.4-2", "rfc6455-5.8-1", "rfc6455-6.1-3", "rfc6455-7.4.2-5"],
)
class PipelinedOutOfOrder(Connection):
    """An HTTP error waits until the requests that came with it have been answered."""

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        if request is None or not self.buffer:
            super().send_refusal(request, refusal)
        else:
            asyncio.get_running_loop().call_soon(super().send_refusal, request, refusal)


@switch("close-option-ignored", violates=["rfc9112-9.6-1"])
class CloseOptionIgnored(Connection):
    """After an error the connection stays open, although the client asked for its end."""

    def closes_after(self, request: Request | None, refusal: Refusal) -> bool:
        return refusal.close or request is None or request.is_http_1_0


@switch(
    "closes-without-saying-so", violates=["rfc9112-9.6-2"], also=["rfc6455-4.4-4", "rfc9112-9.3-1", "rfc9112-9.3.2-1"]
)
class ClosesWithoutSayingSo(Connection):
    """Every error ends the connection, and the response does not say so."""

    def closes_after(self, request: Request | None, refusal: Refusal) -> bool:
        return True

    def refusal_fields(self, request: Request | None, refusal: Refusal, *, close: bool) -> Fields:
        return super().refusal_fields(request, refusal, close=False)


@switch("no-closure-alert", violates=["rfc9112-9.8-1"])
class NoClosureAlert(Connection):
    """TLS connections end without a closure alert."""

    def end_tcp(self) -> None:
        self.stream.end(closure_alert=False)

    def end_http(self) -> None:
        self.phase = Phase.ENDED
        self.stop_timer()
        self.stream.end(closure_alert=False)


@switch("content-length-in-101", violates=["rfc9110-8.6-1"])
class ContentLengthIn101(Connection):
    """The 101 has a Content-Length."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        return [*super().response_fields(request, extensions), ("Content-Length", "0")]


@switch("transfer-encoding-in-101", violates=["rfc9112-6.1-1"])
class TransferEncodingIn101(Connection):
    """The 101 has a Transfer-Encoding."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        return [*super().response_fields(request, extensions), ("Transfer-Encoding", "chunked")]
