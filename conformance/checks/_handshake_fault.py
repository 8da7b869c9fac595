"""The one thing that makes an opening handshake wrong: as plain data, and put into a head."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from ._handshake_variation import CONNECTION, HOST, KEY, OWN, UPGRADE, VERSION, Head, Line, Variation


class FaultKind(Enum):
    """What is wrong; the value says it in words, in which ``{}`` stands for the fault's text."""

    NO_UPGRADE = "no Upgrade"
    OTHER_PROTOCOL = "'Upgrade: {}'"
    NO_CONNECTION = "no Connection"
    OTHER_OPTION = "'Connection: {}'"
    LIKE_THE_OPTION = "an option that only looks like Upgrade, 'Connection: {}'"
    NO_KEY = "no Sec-WebSocket-Key"
    KEY_LENGTH = "a key of another length, '{}'"
    KEY_CHARACTERS = "a key that is no base64, '{}'"
    SECOND_KEY = "a second key, '{}'"
    NO_VERSION = "no Sec-WebSocket-Version"
    MALFORMED_VERSION = "'Sec-WebSocket-Version: {}'"
    OTHER_VERSION = "version {}"
    SECOND_VERSION = "a second version, '{}'"
    METHOD = "the method {}"
    METHOD_CASE = "the method in another case, {}"
    HTTP_1_0 = "{}"
    NO_HOST = "no Host"
    SECOND_HOST = "a second Host, '{}'"
    INVALID_HOST = "'Host: {}'"
    SPACE_BEFORE_COLON = "{} between name and colon"
    NO_COLON = "a line without a colon, '{}'"
    SPACE_FIRST = "white space at the head of the first line, which holds"
    REQUEST_LINE = "the request line '{}'"
    HTTP_VERSION = "the version '{}' in the request line"


FAULTS: Final[dict[str, dict[FaultKind, str]]] = {
    "upgrade": {
        FaultKind.NO_UPGRADE: "rfc6455-4.2.1-8",
        FaultKind.OTHER_PROTOCOL: "rfc6455-4.2.1-9",
    },
    "connection": {
        FaultKind.NO_CONNECTION: "rfc6455-4.2.1-12",
        FaultKind.OTHER_OPTION: "rfc6455-4.2.1-13",
        FaultKind.LIKE_THE_OPTION: "rfc6455-4.2.1-15",
    },
    "key": {
        FaultKind.NO_KEY: "rfc6455-4.2.1-16",
        FaultKind.KEY_LENGTH: "rfc6455-4.2.1-17",
        FaultKind.KEY_CHARACTERS: "rfc6455-4.2.1-18",
        FaultKind.SECOND_KEY: "rfc6455-11.3.1-1",
    },
    "version": {
        FaultKind.NO_VERSION: "rfc6455-4.2.1-20",
        FaultKind.MALFORMED_VERSION: "rfc6455-4.2.1-21",
        FaultKind.OTHER_VERSION: "rfc6455-4.2.2-8",
        FaultKind.SECOND_VERSION: "rfc6455-11.3.5-2",
    },
    "method": {
        FaultKind.METHOD: "rfc6455-4.2.1-2",
        FaultKind.METHOD_CASE: "rfc9110-9.1-2",
    },
    "http-1.0": {
        FaultKind.HTTP_1_0: "rfc6455-4.2.1-3",
    },
    "host": {
        FaultKind.NO_HOST: "rfc6455-4.2.1-6",
        FaultKind.SECOND_HOST: "rfc9112-3.2-2",
        FaultKind.INVALID_HOST: "rfc9112-3.2-2",
    },
    "field-line": {
        FaultKind.SPACE_BEFORE_COLON: "rfc9112-5.1-1",
        FaultKind.NO_COLON: "rfc9112-2.2-6",
        FaultKind.SPACE_FIRST: "rfc9112-2.2-5",
    },
    "request-line": {
        FaultKind.REQUEST_LINE: "rfc9112-3.2-1",
        FaultKind.HTTP_VERSION: "rfc9112-2.3-1",
    },
}
"""Groups of kinds, and the requirement by which each kind is refused."""

_ABSENT: Final = {
    FaultKind.NO_HOST: HOST,
    FaultKind.NO_UPGRADE: UPGRADE,
    FaultKind.NO_CONNECTION: CONNECTION,
    FaultKind.NO_KEY: KEY,
    FaultKind.NO_VERSION: VERSION,
}
_REPLACED: Final = {
    FaultKind.INVALID_HOST: HOST,
    FaultKind.OTHER_PROTOCOL: UPGRADE,
    FaultKind.OTHER_OPTION: CONNECTION,
    FaultKind.LIKE_THE_OPTION: CONNECTION,
    FaultKind.KEY_LENGTH: KEY,
    FaultKind.KEY_CHARACTERS: KEY,
    FaultKind.MALFORMED_VERSION: VERSION,
    FaultKind.OTHER_VERSION: VERSION,
}
_REPEATED: Final = {FaultKind.SECOND_HOST: HOST, FaultKind.SECOND_KEY: KEY, FaultKind.SECOND_VERSION: VERSION}
HARMLESS: Final = Line("X-Wsproof", "1")
"""The line in which SPACE_BEFORE_COLON stands where it stands in none of OWN."""


def requirement_of(kind: FaultKind) -> str:
    """By which requirement a fault of that kind is refused."""
    return next(kinds[kind] for kinds in FAULTS.values() if kind in kinds)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault with its ``text`` (what replaces the value, or is added), and for some kinds a place.

    ``at`` is a line of OWN for SPACE_BEFORE_COLON (its length: a further line) and SPACE_FIRST; for NO_COLON and
    second fields how many lines come before the added one, at most. An empty text of a second field repeats the first.
    """

    kind: FaultKind
    text: str = ""
    at: int = 0

    def __str__(self) -> str:
        kind = self.kind
        words: str = kind.value
        if kind in _REPEATED:
            return f"{words.format(self.text or 'the same again')} as line {self.at + 1}"
        if kind is FaultKind.SPACE_BEFORE_COLON:
            return f"{words.format(_named(self.text))} in {self._line}"
        if kind is FaultKind.SPACE_FIRST:
            return f"{words} {self._line}"
        return words.format(self.text)

    @property
    def _line(self) -> str:
        return OWN[self.at] if self.at < len(OWN) else HARMLESS.name

    def put_into(self, head: Head) -> Head:
        """The same head with this fault."""
        kind = self.kind
        if kind in _ABSENT:
            return _without(head, _ABSENT[kind])
        if kind in _REPLACED:
            return self._replacing(head, _REPLACED[kind])
        if kind in _REPEATED:
            return self._repeating(head, _REPEATED[kind])
        match kind:
            case FaultKind.METHOD | FaultKind.METHOD_CASE:
                content = [Line("Content-Length", "0")] if self.text in ("POST", "PUT") else []
                return replace(head, method=self.text, lines=(*head.lines, *content))
            case FaultKind.HTTP_1_0 | FaultKind.HTTP_VERSION:
                return replace(head, version=self.text)
            case FaultKind.REQUEST_LINE:
                return replace(head, request_line=self.text.replace("TARGET", head.target))
            case FaultKind.SPACE_BEFORE_COLON:
                return self._with_space(head)
            case FaultKind.SPACE_FIRST:
                return self._with_space_first(head)
            case FaultKind.NO_COLON:
                return _inserted(head, Line("", self.text), self.at)
            case _:
                raise AssertionError(f"{kind} is not built")

    def control(self, head: Head) -> Head | None:
        """A head that the target must refuse for the fault to be told from another one; None where there is none."""
        return _without(head, self.at) if self.kind is FaultKind.SPACE_FIRST else None

    def _replacing(self, head: Head, own: int) -> Head:
        first = next(line for line in head.lines if line.own == own)
        lines: list[Line] = []
        for line in head.lines:
            if line is first:
                lines.append(replace(line, value=self.text))
            elif line.own != own:
                lines.append(line)
        return replace(head, lines=tuple(lines), key=self.text if own == KEY else head.key)

    def _repeating(self, head: Head, own: int) -> Head:
        first = next(line for line in head.lines if line.own == own)
        return _inserted(head, Line(first.name, self.text or first.value), self.at)

    def _with_space(self, head: Head) -> Head:
        colon = f"{self.text}:"
        if self.at == len(OWN):
            return _inserted(head, replace(HARMLESS, colon=colon), 0)
        return replace(
            head, lines=tuple(replace(line, colon=colon) if line.own == self.at else line for line in head.lines)
        )

    def _with_space_first(self, head: Head) -> Head:
        moved = next(line for line in head.lines if line.own == self.at)
        return _inserted(_without(head, self.at), replace(moved, name=self.text + moved.name), 0)


@dataclass(frozen=True, slots=True)
class FaultyHandshake:
    """A handshake that is wrong in one thing, and differs from the plain one in some that are right."""

    fault: Fault
    variation: Variation

    def __str__(self) -> str:
        return "; ".join([str(self.fault), *(words for _, words in self.variation.changes())])


def _named(space: str) -> str:
    return {" ": "a space", "\t": "a tab"}.get(space, "white space")


def _without(head: Head, own: int) -> Head:
    return replace(head, lines=tuple(line for line in head.lines if line.own != own))


def _inserted(head: Head, line: Line, at: int) -> Head:
    return replace(head, lines=(*head.lines[:at], line, *head.lines[at:]))


def key_of(octets: bytes) -> str:
    """Those octets as Sec-WebSocket-Key has them."""
    return base64.b64encode(octets).decode()


__all__ = ["FAULTS", "HARMLESS", "Fault", "FaultKind", "FaultyHandshake", "key_of", "requirement_of"]
