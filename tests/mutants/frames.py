"""Frames of RFC 6455 section 5.2, read and written by the mutant server's own codec.

Nothing here is shared with the suite, so that a misreading of the RFC cannot hide on both sides of a test.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

DATA_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY})
CONTROL_OPCODES: Final = frozenset({CLOSE, PING, PONG})

LONGEST_CONTROL_PAYLOAD: Final = 125


class Reaction(Enum):
    """What becomes of a frame after one rule has looked at it."""

    TAKE = auto()
    """The frame is taken as valid, as far as this rule goes."""
    DISCARD = auto()
    """The frame is read to its end and then dropped in silence. Only mutants do so."""
    FAILED = auto()
    """The connection has been failed: nothing more is read."""


@dataclass
class InFrame:
    """A frame on its way in: its header, and what its payload needs while it arrives.

    `length_code` is the 7-bit field of the second octet, `length` the payload length once it is known.
    """

    fin: bool
    rsv: int
    opcode: int
    masked: bool
    length_code: int
    length: int | None = None
    key: bytes | None = None
    taken: int = 0
    """Octets of the payload that have been unmasked so far."""
    discarded: bool = False

    @classmethod
    def from_first_octets(cls, first: int, second: int) -> InFrame:
        """The frame that starts with these two octets."""
        return cls(bool(first & 0x80), first >> 4 & 0x7, first & 0xF, bool(second & 0x80), second & 0x7F)

    @property
    def is_control(self) -> bool:
        """Whether the opcode is one of 8 to 15 (section 5.5), known or not."""
        return self.opcode >= 8

    @property
    def extended_length_size(self) -> int:
        """Octets of extended payload length that follow the second octet: 0, 2 or 8."""
        return {126: 2, 127: 8}.get(self.length_code, 0)

    @property
    def is_minimal(self) -> bool:
        """Whether the length is written in the fewest octets that can hold it."""
        assert self.length is not None
        shortest = 0 if self.length <= 125 else 2 if self.length <= 0xFFFF else 8
        return self.extended_length_size == shortest


def xor_mask(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """`data` masked or unmasked with the 4 octets of `key`; `offset` is the place of data[0] in the payload (5.3)."""
    shift = offset % 4
    rotated = key[shift:] + key[:shift]
    size = len(data)
    stream = (rotated * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def encode_frame(
    fin: bool,
    rsv: int,
    opcode: int,
    payload: bytes,
    *,
    masked: bool = False,
    length_form: int | None = None,
) -> bytes:
    """One frame. `length_form` (7, 16 or 64 bits) forces a longer form of the length than the minimal one."""
    size = len(payload)
    form = length_form or (7 if size <= 125 else 16 if size <= 0xFFFF else 64)
    mask_bit = 0x80 if masked else 0
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if form == 7:
        head = struct.pack("!BB", first, mask_bit | size)
    elif form == 16:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if masked:
        key = b"\x37\xfa\x21\x3d"
        return head + key + xor_mask(payload, key)
    return head + payload


def close_payload(code: int | None, reason: str = "") -> bytes:
    """The body of a Close frame (5.5.1): empty without a code; the reason is cut to 123 octets between characters."""
    if code is None:
        return b""
    return struct.pack("!H", code) + reason.encode()[:123].decode(errors="ignore").encode()
