"""Frame programs: what a property sends, drawn whole before the first byte goes out (RFC 6455, sections 5.2 and 5.4).

Plain immutable data, so that an example can be written down, shown in words and run again. Sends and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar, Final

from pydantic import ConfigDict

from .wire.frames import Frame, LengthForm, Masking, Opcode, minimal_form, opcode_name

SHOWN: Final = 24
"""Bytes of a payload that the words show."""
HEX: Final = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


def in_words(payload: bytes) -> str:
    """A payload as hex between backticks; a long one is cut."""
    if len(payload) <= SHOWN:
        return f"`{payload.hex()}`"
    return f"`{payload[:SHOWN].hex()}...` ({len(payload)} bytes)"


def stretched(pattern: bytes, size: int) -> bytes:
    """``pattern`` over and over, cut to ``size`` bytes; nothing where the pattern is empty."""
    return (pattern * (size // len(pattern) + 1))[:size] if pattern else b""


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A frame to send, legal or not.

    ``size``: the payload is stretched to that many bytes, a recipe for long ones. ``key`` None: a fresh masking key of
    the connection's. ``form`` is the size of the extended length in bytes (0, 2, 8), None for the minimal one;
    ``announced`` the length that the header tells where it is not the payload's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = HEX

    opcode: int
    payload: bytes = b""
    fin: bool = True
    size: int | None = None
    rsv: int = 0
    masked: bool = True
    key: bytes | None = None
    form: int | None = None
    announced: int | None = None

    @property
    def content(self) -> bytes:
        """The whole payload."""
        return self.payload if self.size is None else stretched(self.payload, self.size)

    @property
    def is_control(self) -> bool:
        return self.opcode >= 8

    @property
    def header_size(self) -> int:
        """Bytes of the header, the masking key among them."""
        length = len(self.content) if self.announced is None else self.announced
        form = minimal_form(length).value if self.form is None else self.form
        return 2 + form + (4 if self.masked else 0)

    @property
    def wire_size(self) -> int:
        """Bytes on the wire."""
        return self.header_size + len(self.content)

    def frame(self) -> Frame:
        """The frame for :meth:`.peer.Peer.send`."""
        masking: Masking | bytes = Masking.NONE
        if self.masked:
            masking = Masking.RANDOM if self.key is None else self.key
        form = None if self.form is None else LengthForm(self.form)
        return Frame(self.opcode, self.content, self.fin, self.rsv, masking, form, self.announced)

    def __str__(self) -> str:
        words = [opcode_name(self.opcode)]
        if not self.fin or self.opcode == Opcode.CONTINUATION:
            words.append(f"FIN={int(self.fin)}")
        if self.rsv:
            words.append(f"RSV={self.rsv}")
        if not self.masked:
            words.append("MASK=0")
        if self.key is not None:
            words.append(f"key `{self.key.hex()}`")
        if self.form is not None:
            words.append(f"length in {self.form * 8 or 7} bits")
        if self.announced is not None:
            words.append(f"length {self.announced:#x}")
        payload = self.payload
        if self.opcode == Opcode.CLOSE and self.size is None and len(payload) >= 2:
            words.append(str(int.from_bytes(payload[:2], "big")))
            payload = payload[2:]
        if self.size is not None:
            words.append(f"{self.size} bytes of {in_words(payload)}")
        elif payload:
            words.append(in_words(payload))
        return ", ".join(words)


def in_order(frames: Sequence[PlannedFrame]) -> str:
    """Frames for people, in the order in which they are sent."""
    return "; ".join(map(str, frames))


@dataclass(frozen=True, slots=True)
class Segments:
    """Where TCP segments end, counted in bytes from the beginning of a program.

    ``ends``: after those bytes; ``chop``: after each so many bytes (0: not at all). None of either: one segment.
    """

    ends: tuple[int, ...] = ()
    chop: int = 0

    def __str__(self) -> str:
        if self.chop:
            return f"in TCP segments of {self.chop} byte{'s' if self.chop > 1 else ''}"
        return f"TCP segments end after byte {', '.join(map(str, self.ends))}" if self.ends else ""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """``data`` in those pieces, none of them empty."""
        ends = range(self.chop, len(data), self.chop) if self.chop else sorted(set(self.ends))
        places = [0, *(end for end in ends if 0 < end < len(data)), len(data)]
        for start, end in pairwise(places):
            if start < end:
                yield data[start:end]


@dataclass(frozen=True, slots=True)
class Whole:
    """A data message as it ought to arrive: its type and its content."""

    opcode: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Program:
    """Legal frames and the TCP segments in which they go out. The last message may be unfinished."""

    frames: tuple[PlannedFrame, ...] = ()
    segments: Segments = Segments()

    @property
    def messages(self) -> list[Whole]:
        """The complete messages, in order (section 5.4)."""
        return self._read()[0]

    @property
    def unfinished(self) -> Whole | None:
        """What has come of the message that is in progress at the end."""
        return self._read()[1]

    def _read(self) -> tuple[list[Whole], Whole | None]:
        whole: list[Whole] = []
        current: Whole | None = None
        for frame in self.frames:
            if frame.is_control:
                continue
            if current is None:
                current = Whole(frame.opcode, frame.content)
            else:
                current = Whole(current.opcode, current.payload + frame.content)
            if frame.fin:
                whole.append(current)
                current = None
        return whole, current

    @property
    def pings(self) -> list[bytes]:
        """The payloads of the Pings, in order."""
        return [frame.content for frame in self.frames if frame.opcode == Opcode.PING]

    @property
    def has_controls_inside(self) -> bool:
        """Whether a control frame stands between the fragments of a message."""
        inside = False
        for frame in self.frames:
            if frame.is_control:
                if inside:
                    return True
            else:
                inside = not frame.fin
        return False

    @property
    def wire_size(self) -> int:
        """Bytes on the wire."""
        return sum(frame.wire_size for frame in self.frames)

    def __str__(self) -> str:
        words = in_order(self.frames) or "nothing"
        return f"{words} ({self.segments})" if str(self.segments) else words


class Change(StrEnum):
    """The kinds of illegal change; the value says what is wrong."""

    RESERVED_BIT = "reserved bits"
    RESERVED_OPCODE = "reserved opcode"
    LONG_FORM = "a length in more bytes than it needs"
    TOP_BIT = "a 64-bit length with its top bit set"
    UNMASKED = "no masking"
    LONG_CONTROL = "a control frame of more than 125 bytes"
    FRAGMENTED_CONTROL = "a control frame with FIN=0"
    STRAY_CONTINUATION = "a continuation with no message in progress"
    NEW_MESSAGE_INSIDE = "a new message inside a fragmented one"
    IMPOSSIBLE_OCTET = "an octet that cannot stand there"
    CUT_CHARACTER = "a character that is cut off"
    OVERLONG = "a character in more octets than it needs"
    SURROGATE = "a surrogate"
    BEYOND_UNICODE = "a character beyond U+10FFFF"
    HALF_A_CODE = "a Close with half a code"
    REASON_NOT_UTF8 = "a Close whose reason is no UTF-8"
    CODE_BELOW_1000 = "a Close with a code below 1000"
    CODE_NEVER_SENT = "a Close with a code that is never sent"
    CODE_UNASSIGNED = "a Close with a code that is not assigned"


@dataclass(frozen=True, slots=True)
class BrokenProgram:
    """A legal program, one illegal change after it, and legal frames behind that.

    ``bad`` are the frames of the change: one, or all those of a text that is no UTF-8. ``segments`` are those of
    ``bad`` and ``after`` together.
    """

    change: Change
    bad: tuple[PlannedFrame, ...]
    before: Program = Program()
    after: tuple[PlannedFrame, ...] = ()
    segments: Segments = Segments()

    @property
    def bad_content(self) -> bytes:
        """The payloads of the illegal data frames joined, or that of the control frame."""
        frames = [frame for frame in self.bad if not frame.is_control] or self.bad
        return b"".join(frame.content for frame in frames)

    def __str__(self) -> str:
        words = f"{self.change.value}: {in_order(self.bad)}"
        if self.before.frames:
            words = f"{self.before}; then {words}"
        if self.after:
            words += f"; then {in_order(self.after)}"
        return f"{words} ({self.segments})" if str(self.segments) else words
