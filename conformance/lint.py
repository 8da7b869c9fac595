"""What holds for every frame that a server sends, whatever the check: read along on each connection.

An observation made here is reported by the check that watches its requirement (``@check(..., watches=True)``), not
by the check during which it was seen, so that one defect is one failure.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from ..reports.model import Outcome, RawFinding
from .wire.frames import (
    MAX_CONTROL_PAYLOAD,
    NEVER_ON_THE_WIRE,
    Opcode,
    ReceivedFrame,
    is_wire_legal,
    minimal_form,
)

RESERVED_BITS = ("rfc6455-5.2-2", "rfc6455-5.8-1")
DEFINED_OPCODES = frozenset(Opcode)
UNDEFINED_CODE = ("rfc6455-7.4.2-5", "rfc6455-7.4.1-1")
NEVER_SENT = {1005: "rfc6455-7.4.1-3", 1006: "rfc6455-7.4.1-4", 1015: "rfc6455-7.4.1-5"}


def violated(requirement: str, expected: str, observed: str) -> RawFinding:
    """A violated requirement."""
    return RawFinding(requirement=requirement, outcome=Outcome.VIOLATED, expected=expected, observed=observed)


_Utf8 = codecs.getincrementaldecoder("utf-8")


class FrameLint:
    """Follows the frames of one connection in the direction from the target.

    ``rsv_allowed`` are the reserved bits to which a negotiated extension gives a meaning. ``repeated_codes`` are the
    close codes that we sent, which the target may repeat.
    """

    def __init__(self, rsv_allowed: int = 0) -> None:
        self.rsv_allowed = rsv_allowed
        self.repeated_codes: set[int] = set()
        self._in_message: int | None = None
        self._utf8: codecs.IncrementalDecoder | None = None
        self._closed = False
        self._endless = False

    def see(self, frame: ReceivedFrame) -> Iterator[RawFinding]:
        """Judge the next frame; yields what it violates."""
        if frame.masked:
            for requirement in ("rfc6455-5.1-4", "rfc6455-5.1-5", "rfc6455-5.2-13"):
                yield violated(requirement, "an unmasked frame", str(frame))
        if frame.rsv & ~self.rsv_allowed:
            for requirement in RESERVED_BITS:
                yield violated(requirement, "RSV1-3 are 0, no extension was negotiated", str(frame))
        if frame.opcode not in DEFINED_OPCODES:
            for requirement in ("rfc6455-5.8-1", "rfc6455-6.1-3"):
                yield violated(requirement, "an opcode that RFC 6455 defines", str(frame))
        if frame.length_form is not minimal_form(frame.length):
            form = f"{frame.length_form.value * 8}-bit length form for {frame.length} bytes"
            yield violated("rfc6455-5.2-9", "the shortest length form", form)
        if frame.is_control:
            yield from self._see_control(frame)
        else:
            yield from self._see_data(frame)

    def see_announced(self, length: int) -> Iterator[RawFinding]:
        """Judge the payload length of a frame that is still coming: one with the top bit set will never be whole."""
        if length >> 63 and not self._endless:
            self._endless = True
            yield violated("rfc6455-5.2-7", "the top bit of a 64-bit length is 0", f"a length of 0x{length:016x}")

    def _see_control(self, frame: ReceivedFrame) -> Iterator[RawFinding]:
        if not frame.fin:
            yield violated("rfc6455-5.4-2", "a control frame is not fragmented", str(frame))
        if frame.length > MAX_CONTROL_PAYLOAD:
            yield violated("rfc6455-5.5-1", "at most 125 bytes in a control frame", str(frame))
        if frame.opcode == Opcode.CLOSE:
            yield from self._see_close(frame)

    def _see_close(self, frame: ReceivedFrame) -> Iterator[RawFinding]:
        if self._closed:
            yield violated("rfc6455-5.5.1-16", "one Close frame", f"a second one: {frame}")
        self._closed = True
        if frame.length == 1:
            yield violated("rfc6455-5.5.1-2", "a Close body of 0 or at least 2 bytes", str(frame))
        code = frame.close_code
        if code is None:
            return
        if code in NEVER_ON_THE_WIRE:
            yield violated(NEVER_SENT[code], f"{code} is never sent in a Close frame", str(frame))
        elif not is_wire_legal(code) and code not in self.repeated_codes:
            for requirement in UNDEFINED_CODE:
                yield violated(requirement, "a close code that an endpoint may send", str(frame))
        if code == 1010 and code not in self.repeated_codes:
            yield violated("rfc6455-7.4.1-10", "1010 is not used by a server", str(frame))
        try:
            frame.close_reason.decode()
        except UnicodeDecodeError:
            yield violated("rfc6455-5.5.1-21", "a close reason in valid UTF-8", str(frame))

    def _see_data(self, frame: ReceivedFrame) -> Iterator[RawFinding]:
        if self._closed:
            yield violated("rfc6455-5.5.1-7", "no data frame after Close", str(frame))
        if frame.opcode == Opcode.CONTINUATION:
            if self._in_message is None:
                yield violated("rfc6455-5.4-13", "a continuation frame only within a message", str(frame))
                return
        elif self._in_message is not None:
            yield violated("rfc6455-5.4-13", "a continuation frame, the message before is unfinished", str(frame))
            self._utf8 = None
        if frame.opcode == Opcode.TEXT and not frame.rsv & self.rsv_allowed:
            self._utf8 = _Utf8()
        if self._utf8 is not None:
            if frame.cut:
                self._utf8 = None  # part of the text is not there to be judged
            else:
                try:
                    self._utf8.decode(frame.payload, frame.fin)
                except UnicodeDecodeError:
                    self._utf8 = None
                    yield violated("rfc6455-5.6-1", "a text message in valid UTF-8", str(frame))
        if frame.fin:
            self._in_message = self._utf8 = None
        elif frame.opcode != Opcode.CONTINUATION:
            self._in_message = frame.opcode
