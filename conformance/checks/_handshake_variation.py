"""Opening handshakes that differ from the plain one only in what the RFCs leave open: as plain data, and as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from typing import Final

from ..wire.handshake import Request, split_list

OWN: Final = ("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
"""The fields that every opening handshake has, in the order of the plain one."""
HOST, UPGRADE, CONNECTION, KEY, VERSION = range(len(OWN))
EMPTY_LINE: Final = len(OWN)
"""The place of the line that ends the head, for a Cut."""


class Aspect(Enum):
    """What a handshake may differ in."""

    NAMES = "the case of field names"
    ORDER = "the order of fields"
    PROTOCOL = "the case of websocket in Upgrade"
    OPTIONS = "further options in Connection"
    SPACE = "white space before values"
    FURTHER_FIELDS = "further fields"
    SEGMENTS = "TCP segments"
    QUERY = "a query"
    KEY = "the key"
    # What several known servers refuse is tried by itself, lest it hide the rest.
    PROTOCOLS = "further protocols in Upgrade"
    OPTION_LINES = "Connection on several lines"
    GAPS = "empty elements in Connection"
    SPACE_AFTER = "white space after values"
    EXTENSIONS = "unknown extensions"

    @property
    def requirement(self) -> str:
        """By which a handshake that differs in this has to be accepted."""
        return REQUIREMENTS[self]


REQUIREMENTS: Final = {
    Aspect.NAMES: "rfc6455-4.2.1-26",
    Aspect.ORDER: "rfc6455-4.2.1-25",
    Aspect.PROTOCOL: "rfc6455-4.2.1-10",
    Aspect.OPTIONS: "rfc6455-4.2.1-14",
    Aspect.SPACE: "rfc9112-5-1",
    Aspect.FURTHER_FIELDS: "rfc6455-4.2.1-27",
    Aspect.SEGMENTS: "rfc6455-4.2.1-28",
    Aspect.QUERY: "rfc6455-3-2",
    Aspect.KEY: "rfc6455-4.2.2-18",
    Aspect.PROTOCOLS: "rfc6455-4.2.1-11",
    Aspect.OPTION_LINES: "rfc9110-5.2-1",
    Aspect.GAPS: "rfc9110-5.6.1.2-1",
    Aspect.SPACE_AFTER: "rfc9112-5-1",
    Aspect.EXTENSIONS: "rfc6455-9.1-7",
}
_PARTS: Final[dict[Aspect, tuple[str, ...]]] = {
    Aspect.NAMES: ("names",),
    Aspect.ORDER: ("order",),
    Aspect.PROTOCOL: ("upgrade",),
    Aspect.OPTIONS: ("connection",),
    Aspect.SPACE: ("space",),
    Aspect.FURTHER_FIELDS: ("further", "cookies"),
    Aspect.SEGMENTS: ("cuts",),
    Aspect.QUERY: ("query",),
    Aspect.KEY: ("key",),
}
"""Which parts of a Variation make up an aspect that is tried among others."""
AMONG_OTHERS: Final = tuple(_PARTS)


class Spelling(Enum):
    """How a field name is written."""

    USUAL = "usual"
    LOWER = "lower"
    UPPER = "upper"
    SWAPPED = "swapped"

    def of(self, name: str) -> str:
        """That name in this spelling."""
        forms = {Spelling.LOWER: name.lower(), Spelling.UPPER: name.upper(), Spelling.SWAPPED: name.swapcase()}
        return forms.get(self, name)


class Place(Enum):
    """Where in a line TCP parts the handshake."""

    AFTER = "after"
    IN_LINE_END = "between CR and LF after"
    BEFORE_VALUE = "after the colon of"
    IN_NAME = "inside the name of"
    IN_VALUE = "inside the value of"


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of a TCP segment: at that place of the line ``OWN[line]``, or of the empty line (``EMPTY_LINE``)."""

    line: int
    place: Place

    def __str__(self) -> str:
        if self.line == EMPTY_LINE:
            where = "between the last CR and LF" if self.place is Place.IN_LINE_END else "before the empty line"
        else:
            where = f"{self.place.value} {OWN[self.line]}"
        return f"a TCP segment ends {where}"


@dataclass(frozen=True, slots=True)
class Further:
    """A further field of no meaning before the line at ``before`` in the order of OWN.

    ``text`` is its value, repeated where ``octets`` are more than it has.
    """

    name: str
    text: str
    octets: int
    before: int

    @property
    def value(self) -> str:
        text = self.text.strip()
        return ((text or "x") * self.octets)[: self.octets] if self.octets > len(text) else text

    def __str__(self) -> str:
        value = self.value if len(self.value) <= 40 else f"{self.value[:20]}... ({len(self.value)} octets)"
        place = f"before {OWN[self.before]}" if self.before < len(OWN) else "at the end"
        return f"'{self.name}: {value}' {place}"


@dataclass(frozen=True, slots=True)
class Variation:
    """What differs from the plain handshake; the defaults differ in nothing.

    No ``key``: one of the target's own. ``order`` and ``names`` speak of OWN; ``upgrade`` and ``connection`` are whole
    lines; ``space`` stands before and after each value of OWN.
    """

    key: str | None = None
    order: tuple[int, ...] = (0, 1, 2, 3, 4)
    names: tuple[Spelling, ...] = (Spelling.USUAL,) * 5
    upgrade: tuple[str, ...] = ("websocket",)
    connection: tuple[str, ...] = ("Upgrade",)
    space: tuple[tuple[str, str], ...] = ((" ", ""),) * 5
    further: tuple[Further, ...] = ()
    cookies: tuple[str, ...] = ()
    query: str = ""
    extensions: tuple[str, ...] = ()
    cuts: tuple[Cut, ...] = ()

    def changes(self) -> Iterator[tuple[Aspect, str]]:
        """What differs, in words."""
        respelled = [how.of(name) for name, how in zip(OWN, self.names, strict=True) if how is not Spelling.USUAL]
        if respelled:
            yield Aspect.NAMES, f"names {', '.join(respelled)}"
        if self.order != tuple(range(len(OWN))):
            yield Aspect.ORDER, f"order {', '.join(OWN[place] for place in self.order)}"
        if len(self.upgrade) > 1 or "," in self.upgrade[0]:
            yield Aspect.PROTOCOLS, _shown("Upgrade", self.upgrade)
        elif self.upgrade != ("websocket",):
            yield Aspect.PROTOCOL, _shown("Upgrade", self.upgrade)
        if len(self.connection) > 1:
            yield Aspect.OPTION_LINES, _shown("Connection", self.connection)
        elif not all(element.strip() for element in self.connection[0].split(",")):
            yield Aspect.GAPS, _shown("Connection", self.connection)
        elif self.connection != ("Upgrade",):
            yield Aspect.OPTIONS, _shown("Connection", self.connection)
        for name, (before, after) in zip(OWN, self.space, strict=True):
            if before != " ":
                yield Aspect.SPACE, f"{_space(before)} before the value of {name}"
            if after:
                yield Aspect.SPACE_AFTER, f"{_space(after)} after the value of {name}"
        for line in self.further:
            yield Aspect.FURTHER_FIELDS, str(line)
        if self.cookies:
            yield Aspect.FURTHER_FIELDS, f"'Cookie: {'; '.join(self.cookies)}'"
        if self.extensions:
            yield Aspect.EXTENSIONS, _shown("Sec-WebSocket-Extensions", self.extensions)
        for cut in self.cuts:
            yield Aspect.SEGMENTS, str(cut)
        if self.query:
            yield Aspect.QUERY, f"query '{self.query}'"
        if self.key is not None:
            yield Aspect.KEY, f"key '{self.key}'"

    def only(self, aspect: Aspect) -> Variation:
        """What differs in that aspect, and in no other."""
        return replace(Variation(), **{part: getattr(self, part) for part in _PARTS[aspect]})

    def tamed(self, focus: Aspect | None) -> Variation:
        """Without what ``focus`` names; None: the plain handshake, with a plain query if there is one."""
        match focus:
            case None:
                return Variation(query="wsproof=1" if self.query else "")
            case Aspect.PROTOCOLS:
                names = [name.strip() for line in self.upgrade for name in line.split(",")]
                return replace(self, upgrade=tuple(name for name in names if name.lower() == "websocket"))
            case Aspect.OPTION_LINES | Aspect.GAPS:
                elements = split_list(line.encode() for line in self.connection)
                return replace(self, connection=(", ".join(element.decode() for element in elements),))
            case Aspect.SPACE_AFTER:
                return replace(self, space=tuple((before, "") for before, _ in self.space))
            case Aspect.EXTENSIONS:
                return replace(self, extensions=())
            case _:
                raise ValueError(f"{focus} is tried among others")

    def __str__(self) -> str:
        return "; ".join(words for _, words in self.changes()) or "the plain handshake"


def _shown(name: str, lines: tuple[str, ...]) -> str:
    return " and ".join(f"'{name}: {line}'" for line in lines)


def _space(space: str) -> str:
    names = {"": "nothing", " ": "a space", "\t": "a tab", "  ": "two spaces"}
    return names.get(space, f"white space {space!r}")


@dataclass(frozen=True, slots=True)
class Line:
    """A field line, or with an empty name a line that is none. ``own`` is its place in OWN, if it has one."""

    name: str
    value: str
    own: int | None = None
    before: str = " "
    after: str = ""
    colon: str = ":"

    def encode(self) -> bytes:
        """The octets with CRLF."""
        text = f"{self.name}{self.colon}{self.before}{self.value}{self.after}" if self.name else self.value
        return text.encode("latin-1") + b"\r\n"

    def offset(self, place: Place) -> int:
        """How many octets of it come before that place."""
        value = len(self.name) + len(self.colon) + len(self.before)
        return {
            Place.IN_NAME: len(self.name) // 2,
            Place.BEFORE_VALUE: len(self.name) + len(self.colon),
            Place.IN_VALUE: value + len(self.value) // 2,
            Place.IN_LINE_END: len(self.encode()) - 1,
            Place.AFTER: len(self.encode()),
        }[place]


@dataclass(frozen=True)
class Head:
    """A request head that can be changed line by line before it is sent; ``key`` is what Sec-WebSocket-Key holds."""

    method: str
    target: str
    version: str
    lines: tuple[Line, ...]
    key: str
    cuts: tuple[Cut, ...] = field(default=())
    request_line: str | None = None

    def pieces(self) -> list[bytes]:
        """The octets, a piece for each TCP segment. Only lines of OWN are cut: no other secret is ever torn apart."""
        first = self.request_line
        if first is None:
            first = f"{self.method} {self.target} {self.version}"
        data = bytearray(first.encode("latin-1") + b"\r\n")
        ends: set[int] = set()
        for line in self.lines:
            ends.update(len(data) + line.offset(cut.place) for cut in self.cuts if cut.line == line.own)
            data += line.encode()
        for cut in self.cuts:
            if cut.line == EMPTY_LINE:
                ends.add(len(data) + (1 if cut.place is Place.IN_LINE_END else 0))
        data += b"\r\n"
        places = [0, *sorted(ends), len(data)]
        return [bytes(data[start:end]) for start, end in pairwise(places)]


def head_of(request: Request, variation: Variation) -> Head:
    """The plain handshake ``request`` of the target, varied. Fields of the user's own stand at the end, unchanged."""
    key = request.key.decode() if variation.key is None else variation.key
    values = {
        HOST: (request.fields[HOST][1].decode("latin-1"),),
        UPGRADE: variation.upgrade,
        CONNECTION: variation.connection,
        KEY: (key,),
        VERSION: ("13",),
    }
    own: dict[int, list[Line]] = {
        place: [Line(variation.names[place].of(name), value, place, *variation.space[place]) for value in values[place]]
        for place, name in enumerate(OWN)
    }
    lines: list[Line] = []
    for place in (*variation.order, EMPTY_LINE):
        lines += [Line(further.name, further.value) for further in variation.further if further.before == place]
        lines += own.get(place, [])
    users = [Line(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields[len(OWN) :]]
    lines += _with_cookies(users, variation.cookies)
    lines += [Line("Sec-WebSocket-Extensions", offer) for offer in variation.extensions]
    target = request.target.decode("latin-1")
    if variation.query:
        target += ("&" if "?" in target else "?") + variation.query
    return Head("GET", target, "HTTP/1.1", tuple(lines), key, variation.cuts)


def _with_cookies(lines: list[Line], cookies: tuple[str, ...]) -> list[Line]:
    """There is one Cookie line at most (RFC 6265, section 5.4), so the user's own gets longer."""
    if not cookies:
        return lines
    for place, line in enumerate(lines):
        if line.name.lower() == "cookie":
            return [*lines[:place], replace(line, value="; ".join([line.value, *cookies])), *lines[place + 1 :]]
    return [*lines, Line("Cookie", "; ".join(cookies))]


__all__ = [
    "AMONG_OTHERS", "CONNECTION", "EMPTY_LINE", "HOST", "KEY", "OWN", "UPGRADE", "VERSION", "Aspect",
    "Cut", "Further", "Head", "Line", "Place", "Spelling", "Variation", "head_of",
]  # fmt: skip
