"""WebSocket frames (RFC 6455, section 5.2), sans I/O and lenient: can build and read what is illegal."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

MAX_CONTROL_PAYLOAD: Final = 125  # section 5.5
RSV1: Final = 4
RSV2: Final = 2
RSV3: Final = 1


class Opcode(IntEnum):
    """The opcodes that RFC 6455 section 5.2 defines; 3-7 and 11-15 are reserved and travel as plain ints."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """Close codes of section 7.4.1 and those that IANA registered later."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    RESERVED_1004 = 1004
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


NEVER_ON_THE_WIRE: Final = frozenset({1005, 1006, 1015})  # section 7.4.1


def is_wire_legal(code: int) -> bool:
    """Whether an endpoint may put this close code into a Close frame (sections 7.4.1 and 7.4.2)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


class LengthForm(Enum):
    """How many bytes tell the payload length: the value is the size of the extended length in bytes."""

    BITS_7 = 0
    BITS_16 = 2
    BITS_64 = 8


_LONG_FORMS: Final = {126: LengthForm.BITS_16, 127: LengthForm.BITS_64}


class Masking(Enum):
    """RANDOM: a fresh key for each frame, as a client must. NONE: MASK=0 and no key."""

    RANDOM = "random"
    NONE = "none"


def minimal_form(length: int) -> LengthForm:
    """The shortest form that can tell ``length`` (section 5.2)."""
    if length <= 125:
        return LengthForm.BITS_7
    return LengthForm.BITS_16 if length <= 0xFFFF else LengthForm.BITS_64


def apply_mask(payload: bytes, key: bytes) -> bytes:
    """Octet i XOR key[i mod 4] (section 5.3); masks and unmasks."""
    if not payload or key == b"\0\0\0\0":
        return payload
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame to send. Any bit pattern can be asked for; the default is what a conformant client sends.

    ``rsv`` is 0-7, RSV1 being 4. ``announced`` is the payload length that the header tells when it is to differ
    from ``len(payload)``; ``length_form`` forces a form that need not be the minimal one.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    masking: Masking | bytes = Masking.RANDOM
    length_form: LengthForm | None = None
    announced: int | None = None

    def header(self, key: bytes) -> bytes:
        """The header with ``key`` as masking key (empty: unmasked)."""
        length = len(self.payload) if self.announced is None else self.announced
        form = self.length_form or minimal_form(length)
        first = self.fin << 7 | self.rsv << 4 | self.opcode
        mask_bit = 0x80 if key else 0
        if form is LengthForm.BITS_7:
            return struct.pack("!BB", first, mask_bit | (length & 0x7F)) + key
        if form is LengthForm.BITS_16:
            return struct.pack("!BBH", first, mask_bit | 126, length & 0xFFFF) + key
        return struct.pack("!BBQ", first, mask_bit | 127, length & 0xFFFF_FFFF_FFFF_FFFF) + key

    def encode(self, fresh: bytes | None = None) -> bytes:
        """The bytes on the wire; where the masking is RANDOM, ``fresh`` is the key, without it one that nobody knows.

        A check takes its keys from its source (:meth:`~..connection.Connection.encoded`), so that they can be repeated.
        """
        key = b""
        if isinstance(self.masking, bytes):
            key = self.masking
        elif self.masking is Masking.RANDOM:
            key = os.urandom(4) if fresh is None else fresh
        return self.header(key) + (apply_mask(self.payload, key) if key else self.payload)


def close_payload(code: int | None, reason: str | bytes = b"") -> bytes:
    """The body of a Close frame (section 5.5.1); no code: empty."""
    if code is None:
        return b""
    return struct.pack("!H", code) + (reason.encode() if isinstance(reason, str) else reason)


def close_frame(code: int | None = CloseCode.NORMAL_CLOSURE, reason: str | bytes = b"") -> Frame:
    """A Close frame with this code and reason."""
    return Frame(Opcode.CLOSE, close_payload(code, reason))


def fragments(opcode: int, *parts: bytes) -> list[Frame]:
    """One message in ``len(parts)`` frames (section 5.4)."""
    last = len(parts) - 1
    return [
        Frame(opcode if index == 0 else Opcode.CONTINUATION, part, fin=index == last)
        for index, part in enumerate(parts)
    ]


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """A frame as it came, the payload unmasked. ``cut`` says that the payload was longer than the parser keeps."""

    fin: bool
    rsv: int
    opcode: int
    payload: bytes
    masking_key: bytes
    length: int
    length_form: LengthForm
    cut: bool = False

    @property
    def masked(self) -> bool:
        return bool(self.masking_key)

    @property
    def is_control(self) -> bool:
        return self.opcode >= 8

    @property
    def close_code(self) -> int | None:
        """Of a Close frame: its code, None where the body is shorter than two bytes."""
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else None

    @property
    def close_reason(self) -> bytes:
        return self.payload[2:]

    @property
    def head(self) -> bytes:
        """The header as it came on the wire, without the masking key."""
        frame = Frame(self.opcode, b"", self.fin, self.rsv, Masking.NONE, self.length_form, self.length)
        header = bytearray(frame.header(b""))
        header[1] |= 0x80 if self.masked else 0
        return bytes(header)

    def __str__(self) -> str:
        return describe(self)


class FrameParser:
    """Splits a byte stream into frames without judging them.

    At most ``keep`` payload bytes of a frame are kept; the rest is counted, discarded, and the frame marked ``cut``.
    So the memory in use never depends on an announced length.
    """

    def __init__(self, keep: int = 32 * 1024 * 1024) -> None:
        self._keep = keep
        self._buffer = bytearray()
        self._header: tuple[int, int, LengthForm, int, bytes] | None = None  # first, length, form, offset, key
        self._dropped = 0

    @property
    def at_boundary(self) -> bool:
        """Whether the last byte fed ended a frame."""
        return not self._buffer and self._header is None

    @property
    def buffered(self) -> int:
        """Bytes held for a frame that is not complete yet."""
        return len(self._buffer)

    @property
    def announced(self) -> int | None:
        """The payload length that the header of the unfinished frame tells; None while there is no such header."""
        return self._header[1] if self._header else None

    @property
    def partial(self) -> bytes:
        """The start of what has come of the unfinished frame, its header included."""
        if self._header is None:
            return bytes(self._buffer[:64])
        first, length, form, _, key = self._header
        header = bytearray(Frame(0, length_form=form, announced=length).header(key))
        header[0] = first
        return bytes(header) + bytes(self._buffer[:64])

    def feed(self, data: bytes) -> Iterator[ReceivedFrame]:
        """Take bytes; yield each frame that they complete."""
        self._buffer += data
        while True:
            if self._header is None:
                self._header = self._read_header()
                if self._header is None:
                    return
            frame = self._read_payload(self._header)
            if frame is None:
                return
            self._header = None
            yield frame

    def _read_header(self) -> tuple[int, int, LengthForm, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        seven = buffer[1] & 0x7F
        form = _LONG_FORMS.get(seven, LengthForm.BITS_7)
        offset = 2 + form.value
        key_size = 4 if buffer[1] & 0x80 else 0
        if len(buffer) < offset + key_size:
            return None
        length = int.from_bytes(buffer[2:offset], "big") if form.value else seven
        header = (buffer[0], length, form, offset, bytes(buffer[offset : offset + key_size]))
        del buffer[: offset + key_size]
        return header

    def _read_payload(self, header: tuple[int, int, LengthForm, int, bytes]) -> ReceivedFrame | None:
        first, length, form, _, key = header
        buffer = self._buffer
        have = self._dropped + len(buffer)
        if have < length:
            if len(buffer) > self._keep:
                self._dropped += len(buffer) - self._keep
                del buffer[self._keep :]
            return None
        rest = have - length
        end = len(buffer) - rest
        payload = bytes(buffer[: min(end, self._keep)])
        cut = length > self._keep
        del buffer[:end]
        self._dropped = 0
        return ReceivedFrame(
            fin=bool(first & 0x80),
            rsv=first >> 4 & 7,
            opcode=first & 0x0F,
            payload=apply_mask(payload, key) if key else payload,
            masking_key=key,
            length=length,
            length_form=form,
            cut=cut,
        )


_NAMES: Final[dict[int, str]] = {int(op): op.name.capitalize() for op in Opcode}


def opcode_name(opcode: int) -> str:
    """``Text``, ``Ping`` ...; ``opcode 3`` for a reserved one."""
    return _NAMES.get(opcode, f"opcode {opcode}")


def describe(frame: Frame | ReceivedFrame, show: int = 40) -> str:
    """One line for people: ``Text FIN=0 RSV=2 len=5 'hello'``; the payload is cut after ``show`` bytes."""
    length = frame.length if isinstance(frame, ReceivedFrame) else frame.announced
    words = [opcode_name(frame.opcode)]
    if not frame.fin:
        words.append("FIN=0")
    if frame.rsv:
        words.append(f"RSV={frame.rsv}")
    if isinstance(frame, ReceivedFrame):
        if frame.masked:
            words.append("MASK=1")
    elif frame.masking is Masking.NONE:
        words.append("MASK=0")
    if frame.opcode == Opcode.CLOSE and len(frame.payload) >= 2:
        words.append(str(int.from_bytes(frame.payload[:2], "big")))
        if len(frame.payload) > 2:
            words.append(shown(frame.payload[2:], show))
        return " ".join(words)
    words.append(f"len={len(frame.payload) if length is None else length}")
    if frame.payload:
        words.append(shown(frame.payload, show))
    return " ".join(words)


def shown(payload: bytes, limit: int = 40) -> str:
    """A payload for people: text in quotes where it is printable ASCII, else hex; cut after ``limit`` bytes."""
    start = payload[:limit]
    dots = "..." if len(payload) > limit else ""
    if start.isascii() and (text := start.decode()).isprintable():
        return f"'{text}{dots}'"
    return f"0x{start.hex()}{dots}"
