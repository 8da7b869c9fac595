"""Switches: defects of the opening handshake that show only where several things vary (RFC 6455, section 4.2.1)."""

from __future__ import annotations

import re

from .connection import Connection
from .request import Refusal, Request
from .switch import switch

# What every server has to accept is refused


@switch("key-between-upgrade-and-connection-refused", violates=["rfc6455-4.2.1-25"])
class KeyBetweenUpgradeAndConnectionRefused(Connection):
    """A handshake whose key stands after Upgrade but before Connection is refused."""

    def check_key(self, request: Request) -> None:
        super().check_key(request)
        names = [name for name, _ in request.fields]
        if names.index("upgrade") < names.index("sec-websocket-key") < names.index("connection"):
            raise Refusal(400, "the key stands between Upgrade and Connection")


@switch("names-in-two-spellings-refused", violates=["rfc6455-4.2.1-26"])
class NamesInTwoSpellingsRefused(Connection):
    """The version is found only where its name is spelt like that of the key, be it in small or in large letters."""

    small: bool | None = None

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, value = super().parse_field_line(line)
        if name in ("sec-websocket-key", "sec-websocket-version"):
            small = line.startswith(b"s")
            if self.small is not None and small is not self.small:
                return "x-in-another-spelling", value
            self.small = small
        return name, value


@switch("odd-capitals-in-websocket-refused", violates=["rfc6455-4.2.1-10"])
class OddCapitalsInWebsocketRefused(Connection):
    """Upgrade is compared with the four ways in which websocket is often written, and with no other."""

    known = frozenset({"websocket", "Websocket", "WebSocket", "WebSOCKET", "WEBSOCKET"})

    def check_upgrade(self, request: Request) -> None:
        super().check_upgrade(request)
        if self.known.isdisjoint(request.elements("upgrade")):
            raise self.upgrade_required("Upgrade does not list websocket")


@switch("third-option-overlooked", violates=["rfc6455-4.2.1-14"])
class ThirdOptionOverlooked(Connection):
    """Of the options on one Connection line only the first two are read."""

    def check_connection_option(self, request: Request) -> None:
        super().check_connection_option(request)
        read = [option for line in request.lines("connection") for option in line.split(",")[:2]]
        if all(option.strip().lower() not in ("upgrade", "") for option in read):
            raise self.upgrade_required("Connection does not hold the option Upgrade")


@switch("tab-after-space-kept", violates=["rfc9112-5-1"])
class TabAfterSpaceKept(Connection):
    """White space before a value is taken away as tabs and then spaces, so that a tab after a space is left."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, value = super().parse_field_line(line)
        left = line.partition(b":")[2].lstrip(b"\t").lstrip(b" ")
        return (name, f"\t{value}") if left.startswith(b"\t") else (name, value)


@switch("field-of-more-than-600-octets-refused", violates=["rfc6455-4.2.1-27"])
class FieldOfMoreThan600OctetsRefused(Connection):
    """A field line of more than 600 octets is refused, which is less than many a cookie."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        if 600 < len(line) < 8000:
            raise Refusal(431, "a field line is too long", close=True)
        return super().parse_field_line(line)


@switch("segment-that-begins-with-a-line-feed-loses-it", violates=["rfc6455-4.2.1-28", "rfc6455-4.2.2-18"])
class SegmentThatBeginsWithALineFeedLosesIt(Connection):
    """A line feed at the head of a TCP segment is taken for a rest and thrown away, unless it is all there is.

    Where it takes an order of fields, too, no difference is to blame alone, and it is a refusal like any other.
    """

    def receive(self, data: bytes) -> None:
        super().receive(data[1:] if len(data) > 1 and data.startswith(b"\n") else data)


@switch("small-letters-in-escapes-refused", violates=["rfc6455-3-2"])
class SmallLettersInEscapesRefused(Connection):
    """A query in which an octet is escaped with small letters is refused."""

    def check_scheme(self, request: Request) -> None:
        super().check_scheme(request)
        if re.search("%[0-9A-F]?[a-f]", request.target):
            raise Refusal(400, "an escape is malformed")


@switch("key-that-begins-as-a-comment-refused", violates=["rfc6455-4.2.2-18"])
class KeyThatBeginsAsACommentRefused(Connection):
    """A key that begins with three slashes is taken for a comment."""

    def check_key(self, request: Request) -> None:
        super().check_key(request)
        if request.lines("sec-websocket-key")[0].startswith("///"):
            raise Refusal(400, "there is no key")


@switch("third-protocol-overlooked", violates=["rfc6455-4.2.1-11"])
class ThirdProtocolOverlooked(Connection):
    """Of the protocols in Upgrade only the first two are read."""

    def check_upgrade(self, request: Request) -> None:
        super().check_upgrade(request)
        if "websocket" not in (protocol.lower() for protocol in request.elements("upgrade")[:2]):
            raise self.upgrade_required("Upgrade does not list websocket")


@switch("third-connection-line-overlooked", violates=["rfc9110-5.2-1"])
class ThirdConnectionLineOverlooked(Connection):
    """Of several Connection lines only the first two are read."""

    def check_connection_option(self, request: Request) -> None:
        super().check_connection_option(request)
        lines = request.lines("connection")
        if len(lines) > 2 and "upgrade" not in ",".join(lines[:2]).lower():
            raise self.upgrade_required("Connection does not hold the option Upgrade")


@switch("empty-element-ends-the-list", violates=["rfc9110-5.6.1.2-1"])
class EmptyElementEndsTheList(Connection):
    """An empty element after a first option ends the list of Connection."""

    def check_connection_option(self, request: Request) -> None:
        super().check_connection_option(request)
        for line in request.lines("connection"):
            before = re.split(r"(?<=[a-z])[ \t]*,[ \t]*,", line.lower())[0]
            if "upgrade" not in [option.strip(" \t") for option in before.split(",")] and before != line.lower():
                raise self.upgrade_required("Connection does not hold the option Upgrade")


@switch("third-extension-line-refused", violates=["rfc6455-9.1-7"])
class ThirdExtensionLineRefused(Connection):
    """Extensions on more than two lines are refused."""

    def check_version(self, request: Request) -> None:
        super().check_version(request)
        if len(request.lines("sec-websocket-extensions")) > 2:
            raise Refusal(400, "there are too many Sec-WebSocket-Extensions")


@switch("one-space-after-a-value-kept", violates=["rfc9112-5-1"])
class OneSpaceAfterAValueKept(Connection):
    """White space after a value is taken away in pairs, so that a single space is left."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        name, value = super().parse_field_line(line)
        return name, f"{value} " if value and line.endswith(value.encode("latin-1") + b" ") else value


# What every server has to refuse is accepted


@switch("upgrade-unchecked-beside-other-options", violates=["rfc6455-4.2.1-9"])
class UpgradeUncheckedBesideOtherOptions(Connection):
    """Where Connection holds a second option, whatever Upgrade says is taken for websocket."""

    def check_upgrade(self, request: Request) -> None:
        if len(request.elements("connection")) < 2 or not request.lines("upgrade"):
            super().check_upgrade(request)


@switch("upgraded-passes-after-another-option", violates=["rfc6455-4.2.1-15"])
class LikeTheOptionPassesAfterAnother(Connection):
    """An option that has upgrade in it passes for Upgrade where another stands before it."""

    def check_connection_option(self, request: Request) -> None:
        options = request.elements("connection")
        if not any("upgrade" in option.lower() for option in options[1:]):
            super().check_connection_option(request)


@switch("missing-host-passes-after-the-version", violates=["rfc6455-4.2.1-6"])
class MissingHostPassesAfterTheVersion(Connection):
    """Host may be missing where the version stands before the key."""

    def check_host(self, request: Request) -> None:
        names = [name for name, _ in request.fields if name in ("host", "sec-websocket-version", "sec-websocket-key")]
        if names != ["sec-websocket-version", "sec-websocket-key"]:
            super().check_host(request)


@switch("version-unchecked-before-another-field", violates=["rfc6455-4.2.2-8"])
class VersionUncheckedBeforeAnotherField(Connection):
    """The number in Sec-WebSocket-Version counts only where none of the other fields of a handshake follows it."""

    def check_version(self, request: Request) -> None:
        names = [name for name, _ in request.fields]
        numbers = request.lines("sec-websocket-version")
        another = [re.fullmatch("1[4-9]|[2-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]", number) for number in numbers]
        followers = {"host", "upgrade", "connection", "sec-websocket-key"}
        if len(another) != 1 or not another[0] or followers.isdisjoint(names[names.index("sec-websocket-version") :]):
            super().check_version(request)


@switch("second-key-apart-ignored", violates=["rfc6455-11.3.1-1"])
class SecondKeyApartIgnored(Connection):
    """A second key is overlooked where other fields stand between the two."""

    def check_key(self, request: Request) -> None:
        places = [place for place, (name, _) in enumerate(request.fields) if name == "sec-websocket-key"]
        if len(places) == 2 and places[1] - places[0] > 1:
            del request.fields[places[1]]
        super().check_key(request)


@switch("any-http-version-after-a-query", violates=["rfc9112-2.3-1"])
class AnyHttpVersionAfterAQuery(Connection):
    """After a request-target with a query, a malformed HTTP-version is taken for HTTP/1.1."""

    def parse_request_line(self, line: bytes) -> Request:
        before, _, version = line.rpartition(b" ")
        if b"?" in before and version.upper().startswith(b"HTTP/1") and not re.fullmatch(rb"HTTP/1\.[0-9]", version):
            return super().parse_request_line(before + b" HTTP/1.1")
        return super().parse_request_line(line)


@switch("any-method-with-a-query", violates=["rfc6455-4.2.1-2"])
class AnyMethodWithAQuery(Connection):
    """The method of a handshake is not looked at where the request-target has a query."""

    def check_method(self, request: Request) -> None:
        if "?" not in request.target or request.method.upper() == "GET":
            super().check_method(request)


@switch("http-1-0-with-keep-alive", violates=["rfc6455-4.2.1-3"])
class Http10WithKeepAlive(Connection):
    """HTTP/1.0 passes for HTTP/1.1 where keep-alive is among the options."""

    def check_http_version(self, request: Request) -> None:
        if not request.has_option("keep-alive"):
            super().check_http_version(request)


@switch("space-before-a-later-colon-ignored", violates=["rfc9112-5.1-1"])
class SpaceBeforeALaterColonIgnored(Connection):
    """From the third field line on, white space before the colon is taken away."""

    def parse_field_line(self, line: bytes) -> tuple[str, str]:
        if self.request is not None and len(self.request.fields) >= 2:
            name, colon, value = line.partition(b":")
            line = name.rstrip(b" \t") + colon + value
        return super().parse_field_line(line)


@switch("line-without-colon-ignored", violates=["rfc9112-2.2-6"])
class LineWithoutColonIgnored(Connection):
    """A line without a colon between fields is passed over."""

    def take_line(self, line: bytes) -> bool:
        if self.request is not None and self.request.fields and line and b":" not in line:
            return False
        return super().take_line(line)


@switch("second-host-at-the-end-ignored", violates=["rfc9112-3.2-2"])
class SecondHostAtTheEndIgnored(Connection):
    """A second Host is overlooked where other fields stand between the two."""

    def check_host(self, request: Request) -> None:
        places = [place for place, (name, _) in enumerate(request.fields) if name == "host"]
        if len(places) == 2 and places[1] - places[0] > 1:
            del request.fields[places[1]]
        super().check_host(request)
