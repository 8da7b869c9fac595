"""Switches: the negotiation of subprotocols and extensions (RFC 6455, sections 4.2.1, 4.2.2, 9 and 11.3)."""

from __future__ import annotations

import re
import zlib

from .connection import Connection, InFrame, Reaction
from .deflate import agree
from .http_phase import ExtensionOffers, Fields
from .request import Refusal, Request, is_token
from .switch import switch

# Sec-WebSocket-Protocol


def protocol_elements(request: Request) -> list[str]:
    """The subprotocols that a request offers, well-formed or not."""
    return request.elements("sec-websocket-protocol")


@switch("malformed-protocol-returned", violates=["rfc6455-4.2.1-23"], also=["rfc6455-4.3-2"])
class MalformedProtocolReturned(Connection):
    """A subprotocol that is no token is accepted and returned."""

    def offered_subprotocols(self, request: Request) -> list[str]:
        return protocol_elements(request)

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        malformed = next((name for name in offered if not is_token(name)), None)
        return malformed or super().choose_subprotocol(offered)


@switch("malformed-protocol-ignored", violates=["rfc6455-4.2.1-23"], also=["rfc6455-4.2.1-24"])
class MalformedProtocolIgnored(Connection):
    """A malformed Sec-WebSocket-Protocol is passed over."""

    def offered_subprotocols(self, request: Request) -> list[str]:
        return [name for name in protocol_elements(request) if is_token(name)]


@switch("repeated-protocol-accepted", violates=["rfc6455-4.2.1-24"])
class RepeatedProtocolAccepted(Connection):
    """A list that names a subprotocol twice is accepted."""

    def offered_subprotocols(self, request: Request) -> list[str]:
        offered = protocol_elements(request)
        if offered and all(is_token(name) for name in offered):
            return offered
        return super().offered_subprotocols(request)


@switch("second-protocol-line-ignored", violates=["rfc6455-11.3.4-1"], also=["rfc6455-4.2.1-24", "rfc6455-4.2.2-11"])
class SecondProtocolLineIgnored(Connection):
    """Of several Sec-WebSocket-Protocol lines only the first is read."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        assert self.request is not None
        several_lines = len(self.request.lines("sec-websocket-protocol")) > 1
        return super().choose_subprotocol(offered[:1] if several_lines else offered)


# Sec-WebSocket-Extensions


@switch("malformed-extensions-ignored", violates=["rfc6455-9.1-1"], also=["rfc6455-4.3-1"])
class MalformedExtensionsIgnored(Connection):
    """A malformed Sec-WebSocket-Extensions is passed over."""

    def offered_extensions(self, request: Request) -> ExtensionOffers:
        return []


@switch("malformed-extensions-accepted", violates=["rfc6455-4.3-1", "rfc6455-9.1-1"])
class MalformedExtensionsAccepted(Connection):
    """A malformed offer of permessage-deflate is accepted as it stands."""

    def offered_extensions(self, request: Request) -> ExtensionOffers:
        try:
            return super().offered_extensions(request)
        except Refusal:
            return [(", ".join(request.lines("sec-websocket-extensions")), {"malformed": None})]

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return offers[0][0] if offers and "malformed" in offers[0][1] else None


@switch("extension-offer-refused", violates=["rfc6455-9-1"], also=["rfc6455-9.1-*", "rfc6455-4.*", "rfc6455-11.3.2-1"])
class ExtensionOfferRefused(Connection):
    """A handshake that offers permessage-deflate is refused."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        if any(name == "permessage-deflate" for name, _ in offers):
            raise Refusal(400, "no extensions, please")
        return None


@switch("unknown-extension-refused", violates=["rfc6455-9.1-7"], also=["rfc6455-4.*", "rfc6455-9*", "rfc6455-11.3.2-1"])
class UnknownExtensionRefused(Connection):
    """A handshake that offers an extension which the server does not know is refused."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        if any(name != "permessage-deflate" for name, _ in offers):
            raise Refusal(400, "what extension is that?")
        return None


@switch("extensions-on-two-lines-refused", violates=["rfc6455-9.1-2", "rfc6455-11.3.2-1"], also=["rfc9110-5.3-2"])
class ExtensionsOnTwoLinesRefused(Connection):
    """Sec-WebSocket-Extensions may stand only once."""

    def offered_extensions(self, request: Request) -> ExtensionOffers:
        if len(request.lines("sec-websocket-extensions")) > 1:
            raise Refusal(400, "Sec-WebSocket-Extensions stands twice")
        return super().offered_extensions(request)


# Subprotocols


@switch(
    "subprotocol-not-asked-for",
    violates=["rfc6455-4.1-15", "rfc6455-4.2.2-13"],
)
class SubprotocolNotAskedFor(Connection):
    """The 101 names a subprotocol although the client offered none."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        return super().choose_subprotocol(offered) if offered else "chat"


@switch("another-subprotocol-than-offered", violates=["rfc6455-4.1-15", "rfc6455-4.2.2-11", "rfc6455-4.2.2-12"])
class AnotherSubprotocolThanOffered(Connection):
    """If no subprotocol suits, the server names one that the client did not offer."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        return super().choose_subprotocol(offered) or ("chat" if offered else None)


@switch("any-subprotocol-taken", violates=["rfc6455-4.2.2-12"], also=["rfc6455-4.1-15", "rfc6455-4.2.2-11"])
class AnySubprotocolTaken(Connection):
    """The first subprotocol offered is taken, known or not."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        return offered[0] if offered else None


@switch("empty-subprotocol", violates=["rfc6455-4.2.2-12"], also=["rfc6455-4.3-2", "rfc6455-4.2.2-14"])
class EmptySubprotocol(Connection):
    """If no subprotocol suits, the field is empty instead of absent."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        return super().choose_subprotocol(offered) or ("" if offered else None)


@switch("subprotocol-in-capitals", violates=["rfc6455-4.2.2-11"], also=["rfc6455-4.1-15", "rfc6455-11.3.4-1"])
class SubprotocolInCapitals(Connection):
    """The subprotocol chosen is not returned octet for octet."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        chosen = super().choose_subprotocol(offered)
        return chosen and chosen.upper()


@switch("all-suitable-subprotocols", violates=["rfc6455-4.2.2-14", "rfc6455-4.3-2"], also=["rfc6455-4.2.2-11"])
class AllSuitableSubprotocols(Connection):
    """All subprotocols that suit are returned in one list."""

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        return ", ".join(name for name in offered if name in self.app.subprotocols) or None


@switch("subprotocol-twice", violates=["rfc6455-11.3.4-2"], also=["rfc6455-4.*"])
class SubprotocolTwice(Connection):
    """Sec-WebSocket-Protocol stands twice in the 101."""

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        fields = super().response_fields(request, extensions)
        return fields + [field for field in fields if field[0] == "Sec-WebSocket-Protocol"]


# Extensions


@switch(
    "extension-not-asked-for",
    violates=["rfc6455-4.1-14", "rfc6455-4.2.2-15", "rfc6455-4.2.2-16", "rfc6455-9-2", "rfc6455-9.1-8"],
)
class ExtensionNotAskedFor(Connection):
    """The 101 names an extension although the client offered none."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return None if offers else "permessage-deflate"


@switch(
    "another-extension-than-offered",
    violates=["rfc6455-4.1-14", "rfc6455-4.2.2-15", "rfc6455-4.2.2-16", "rfc6455-9-2"],
    also=["rfc6455-9*", "rfc6455-11.3.2-1"],
)
class AnotherExtensionThanOffered(Connection):
    """To an offer of extensions the server answers with one that was not in it."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return "x-of-the-server" if offers else None


@switch("empty-extensions-field", violates=["rfc6455-4.2.2-17", "rfc6455-4.3-2"])
class EmptyExtensionsField(Connection):
    """That no extension is used is said by an empty Sec-WebSocket-Extensions."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return ""


@switch(
    "undefined-extension-parameter", violates=["rfc6455-9.1-4"], also=["rfc6455-9*", "rfc6455-4.*", "rfc9110-5.6.4-1"]
)
class UndefinedExtensionParameter(Connection):
    """permessage-deflate is accepted with a parameter that it does not have."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return "permessage-deflate; speed=9" if any(name == "permessage-deflate" for name, _ in offers) else None


@switch("quoted-pair-not-unescaped", violates=["rfc9110-5.6.4-1", "rfc6455-9-3"])
class QuotedPairNotUnescaped(Connection):
    """The value "1\\0" of a window size is taken for another number than 10."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        assert self.request is not None
        if not any("server_max_window_bits" in parameters for _, parameters in offers):
            return None
        quoted_pair = "\\" in "".join(self.request.lines("sec-websocket-extensions"))
        return f"permessage-deflate; server_max_window_bits={15 if quoted_pair else 10}"


class Deflating(Connection):
    """The base of switches that agree to permessage-deflate as it should be done, but for one thing."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return agree(offers)


@switch("larger-window-than-offered", violates=["rfc6455-9-3"], also=["rfc9110-5.6.4-1"])
class LargerWindowThanOffered(Deflating):
    """permessage-deflate is agreed to with the largest window, whatever was asked for."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        agreed = super().negotiate_extensions(offers)
        return agreed and re.sub("server_max_window_bits=[0-9]+", "server_max_window_bits=15", agreed)


@switch("window-not-offered", violates=["rfc6455-9-3"])
class WindowNotOffered(Deflating):
    """permessage-deflate is agreed to with client_max_window_bits, offered or not."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        agreed = super().negotiate_extensions(offers)
        return agreed and f"{agreed}; client_max_window_bits=12"


@switch("last-configuration-chosen", violates=["rfc6455-9.1-6"])
class LastConfigurationChosen(Deflating):
    """Of several configurations of permessage-deflate the last is chosen, as a server may."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return super().negotiate_extensions(offers[::-1])


@switch("deflate-used-twice", violates=["rfc6455-9.1-6"])
class DeflateUsedTwice(Connection):
    """permessage-deflate is agreed to in each configuration that is offered."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        return ", ".join(agreed for offer in offers if (agreed := agree([offer]))) or None


@switch("extensions-on-two-lines", violates=["rfc6455-4.2.2-23", "rfc6455-11.3.2-2"])
class ExtensionsOnTwoLines(Connection):
    """Each extension that is agreed to stands on a line of its own, as a server may do; x-unknown is among them."""

    def negotiate_extensions(self, offers: ExtensionOffers) -> str | None:
        unknown = "x-unknown" if any(name == "x-unknown" for name, _ in offers) else None
        return ", ".join(filter(None, [agree(offers), unknown])) or None

    def response_fields(self, request: Request, extensions: str | None) -> Fields:
        fields = super().response_fields(request, None)
        return fields + [("Sec-WebSocket-Extensions", value) for value in (extensions or "").split(", ") if value]


@switch("malformed-extensions-crash", violates=["rfc6455-9.1-1"], also=["rfc6455-4.3-1"])
class MalformedExtensionsCrash(Connection):
    """A malformed Sec-WebSocket-Extensions is an internal error."""

    def offered_extensions(self, request: Request) -> ExtensionOffers:
        try:
            return super().offered_extensions(request)
        except Refusal:
            raise Refusal(500, "the extensions could not be read") from None


@switch("control-characters-in-fields", violates=["rfc6455-9.1-1"], also=["rfc9110-5.5-1"])
class ControlCharactersInFields(Connection):
    """A field with a control character other than NUL, CR and LF is passed over."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        if re.search(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", line):
            return "x-passed-over", ""
        return super().parse_field_line(line)


@switch("compression-without-agreement", violates=["rfc6455-9.1-5"], also=["rfc6455-5.2-3", "rfc6455-10.7-3"])
class CompressionWithoutAgreement(Connection):
    """Messages whose first frame has RSV1 are decompressed although no extension was agreed to."""

    compressed = False

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        if frame.rsv != 4 or frame.is_control:
            return super().on_reserved_bits(frame)
        self.compressed = True
        return Reaction.TAKE

    def check_text(self, chunk: bytes) -> None:
        if not self.compressed:
            super().check_text(chunk)

    def deliver(self, opcode: int, message: bytes) -> None:
        if self.compressed:
            self.compressed = False
            try:
                message = zlib.decompressobj(-15).decompress(message + b"\0\0\xff\xff")
            except zlib.error:
                self.on_invalid_utf8()
                return
        super().deliver(opcode, message)
