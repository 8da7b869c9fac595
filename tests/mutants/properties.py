"""Switches that take variety to be seen: the third message, a size, a place within a message, a cut of TCP.

They are for the properties of the frame chapters; fixed checks may see some of them by chance.
"""

from __future__ import annotations

import asyncio
from typing import Final

from .app import App
from .connection import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Connection, InFrame, Phase, Reaction
from .switch import switch

MOMENT: Final = 0.02
"""Seconds."""

# Messages in a row


@switch("third-message-dropped", violates=["rfc6455-6.1-8"])
class ThirdMessageDropped(Connection):
    """Of messages that come together the third is not answered."""

    count = 0

    def read_frames(self) -> None:
        self.count = 0
        super().read_frames()

    def deliver(self, opcode: int, message: bytes) -> None:
        self.count += 1
        if self.count != 3:
            super().deliver(opcode, message)


@switch("messages-swapped", violates=["rfc6455-6.1-8"])
class MessagesSwapped(Connection):
    """The second message is answered a moment later, after the third if that comes meanwhile."""

    count = 0

    def deliver(self, opcode: int, message: bytes) -> None:
        self.count += 1
        if self.count == 2:
            asyncio.get_running_loop().call_later(MOMENT, super().deliver, opcode, message)
        else:
            super().deliver(opcode, message)


@switch("fragmented-message-repeats-later", violates=["rfc6455-6.1-8"])
class FragmentedMessageRepeatsLater(Connection):
    """A message that came in fragments is answered once more with the message after it."""

    fragments = 0
    again: tuple[int, bytes] | None = None

    def on_fragment(self, frame: InFrame) -> None:
        self.fragments += 1

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, message)
        again, self.again = self.again, (opcode, message) if self.fragments else None
        self.fragments = 0
        if again is not None:
            super().deliver(*again)


@switch("next-message-joins-fragments", violates=["rfc6455-6.2-5"])
class NextMessageJoinsFragments(Connection):
    """The end of a message in three fragments or more is answered with the message after it."""

    fragments = 0
    rest = b""

    def on_fragment(self, frame: InFrame) -> None:
        self.fragments += 1

    def deliver(self, opcode: int, message: bytes) -> None:
        message, self.rest = self.rest + message, b""
        if self.fragments >= 2:
            message, self.rest = message[:-1], message[-1:]
        self.fragments = 0
        super().deliver(opcode, message)


@switch("multiple-of-64-loses-its-end", violates=["rfc6455-5.2-15", "rfc6455-5.2-12"])
class MultipleOf64LosesItsEnd(App):
    """A message whose length is a multiple of 64 comes back without its last octet."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, message if len(message) % 64 else message[:-1])


# Fragments


@switch("third-fragment-decoded-apart", violates=["rfc6455-8.1-2", "rfc6455-5.6-2"])
class ThirdFragmentDecodedApart(Connection):
    """A character that goes over into the third fragment of a text is replaced."""

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.ends: list[int] = []

    def on_fragment(self, frame: InFrame) -> None:
        self.ends.append(len(self.message))

    def deliver(self, opcode: int, message: bytes) -> None:
        if opcode == TEXT and len(self.ends) >= 2:
            parts = message[: self.ends[1]], message[self.ends[1] :]
            message = "".join(part.decode(errors="replace") for part in parts).encode()
        super().deliver(opcode, message)


@switch("fragment-after-pong-lost", violates=["rfc6455-5.4-5"])
class FragmentAfterPongLost(Connection):
    """The fragment after a Pong within a message is lost."""

    loses = False

    def on_pong(self, payload: bytes) -> None:
        self.loses = self.message_opcode is not None

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        if not (self.loses and frame.opcode == CONTINUATION):
            super().take_payload(frame, chunk)

    def end_frame(self, frame: InFrame) -> None:
        if not frame.is_control:
            self.loses = False
        super().end_frame(frame)

    def check_text_end(self) -> None:
        """What is left of the text is taken for text."""


@switch("binary-fragments-in-segments-reversed", violates=["rfc6455-6.2-1"])
class BinaryFragmentsInSegmentsReversed(Connection):
    """A binary payload that comes in several pieces is put together in the wrong order."""

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        if self.message_opcode == BINARY and not frame.is_control and frame.taken > len(chunk) > 0:
            start = len(self.message) - (frame.taken - len(chunk))
            self.message[start:start] = chunk
        else:
            super().take_payload(frame, chunk)


# Masking


@switch("split-key-forgotten", violates=["rfc6455-6.2-1"])
class SplitKeyForgotten(Connection):
    """Where TCP cuts a masking key the payload is unmasked with the key of the frame before."""

    last_key = b"\0\0\0\0"

    def read_key(self, frame: InFrame) -> bool:
        split = 0 < len(self.buffer) < 4
        if split:
            self.split_frame = frame
        came = super().read_key(frame)
        if came and frame.key is not None:
            key = frame.key
            if getattr(self, "split_frame", None) is frame:
                frame.key = self.last_key
            self.last_key = key
        return came

    def check_text(self, chunk: bytes) -> None:
        """What is unmasked wrongly is taken for text."""

    def check_text_end(self) -> None:
        """As check_text."""


@switch("second-key-starts-where-the-first-ended", violates=["rfc6455-5.3-3"])
class SecondKeyStartsWhereTheFirstEnded(Connection):
    """In a continuation the key goes on at the place where that of the fragment before it ended, if that was odd."""

    place = 0

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        shift = self.place if self.frame is not None and self.frame.opcode == CONTINUATION else 0
        return super().unmask(chunk, key, offset + shift)

    def on_fragment(self, frame: InFrame) -> None:
        self.place = len(self.message) % 4 if len(self.message) % 2 else 0

    def end_message(self) -> None:
        self.place = 0
        super().end_message()

    def check_text(self, chunk: bytes) -> None:
        """What is unmasked wrongly is taken for text."""

    def check_text_end(self) -> None:
        """As check_text."""


@switch("unmasked-pong-within-message-taken", violates=["rfc6455-5.1-2"])
class UnmaskedPongWithinMessageTaken(Connection):
    """A Pong within a fragmented message needs no mask."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.opcode == PONG and self.message_opcode is not None else super().on_unmasked(frame)


# Control frames


@switch("ping-within-message-answered-twice", violates=["rfc6455-5.5.3-2"])
class PingWithinMessageAnsweredTwice(Connection):
    """A Ping within a fragmented message is answered twice."""

    def on_ping(self, payload: bytes) -> None:
        super().on_ping(payload)
        if self.message_opcode is not None:
            super().on_ping(payload)


@switch("ping-after-pong-unanswered", violates=["rfc6455-5.5.2-2"])
class PingAfterPongUnanswered(Connection):
    """A Ping right after a Pong with content is not answered."""

    last = b""

    def on_control_frame(self, frame: InFrame, payload: bytes) -> None:
        last, self.last = self.last, payload if frame.opcode == PONG else b""
        if not (frame.opcode == PING and last):
            super().on_control_frame(frame, payload)


@switch("fragmented-control-within-message-taken", violates=["rfc6455-5.5-3"])
class FragmentedControlWithinMessageTaken(Connection):
    """Within a fragmented message a control frame with FIN=0 is taken as any other."""

    def on_fragmented_control(self, frame: InFrame) -> Reaction:
        return super().on_fragmented_control(frame) if self.message_opcode is None else Reaction.TAKE


@switch("long-control-after-message-dropped", violates=["rfc6455-5.5-2"])
class LongControlAfterMessageDropped(Connection):
    """After a message a control frame of more than 125 octets is passed over."""

    messages = 0

    def deliver(self, opcode: int, message: bytes) -> None:
        self.messages += 1
        super().deliver(opcode, message)

    def on_long_control(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD if self.messages else super().on_long_control(frame)


# Illegal frames that pass at one place


@switch("reserved-bits-on-continuation-taken", violates=["rfc6455-5.2-3"])
class ReservedBitsOnContinuationTaken(Connection):
    """Reserved bits are passed over in continuation frames."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.opcode == CONTINUATION else super().on_reserved_bits(frame)


@switch("reserved-control-within-message-dropped", violates=["rfc6455-5.2-4"])
class ReservedControlWithinMessageDropped(Connection):
    """Within a fragmented message the opcodes 11 to 15 are passed over."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        if frame.is_control and self.message_opcode is not None:
            return Reaction.DISCARD
        return super().on_unknown_opcode(frame)


@switch("top-bit-of-continuation-ignored", violates=["rfc6455-5.2-8"])
class TopBitOfContinuationIgnored(Connection):
    """In a continuation the top bit of a 64-bit length is ignored."""

    def on_length_beyond_63_bits(self, frame: InFrame) -> Reaction:
        if frame.opcode != CONTINUATION or frame.length is None:
            return super().on_length_beyond_63_bits(frame)
        frame.length &= (1 << 63) - 1
        return Reaction.TAKE


@switch("continuation-after-fragments-taken", violates=["rfc6455-5.4-14"])
class ContinuationAfterFragmentsTaken(Connection):
    """A continuation frame after a message that came in fragments begins another one."""

    fragments = 0
    in_fragments = False

    def on_fragment(self, frame: InFrame) -> None:
        self.fragments += 1

    def end_message(self) -> None:
        self.in_fragments, self.fragments = self.fragments > 0, 0
        super().end_message()

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        if not self.in_fragments:
            return super().on_unexpected_continuation(frame)
        frame.opcode = TEXT
        return Reaction.TAKE


@switch("empty-message-within-message-dropped", violates=["rfc6455-5.4-4"])
class EmptyMessageWithinMessageDropped(Connection):
    """An empty text or binary frame within a fragmented message is passed over."""

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        return super().on_interleaved_data(frame) if frame.length_code else Reaction.DISCARD


# Text


@switch("overlong-after-first-fragment-taken", violates=["rfc6455-8.1-1"])
class OverlongAfterFirstFragmentTaken(Connection):
    """A character in more octets than it needs is taken for text from the second fragment on."""

    def on_invalid_utf8(self) -> Reaction:
        octets = bytes(self.message)
        overlong = (b"\xc0", b"\xc1", b"\xe0\x80", b"\xe0\x9f", b"\xf0\x80", b"\xf0\x8f")
        within = self.frame is not None and self.frame.opcode == CONTINUATION
        if within and any(start in octets for start in overlong) and self.phase is not Phase.ENDED:
            self.utf8.reset()
            return Reaction.TAKE
        return super().on_invalid_utf8()


@switch("text-behind-control-unchecked", violates=["rfc6455-8.1-1", "rfc6455-8.1-4"])
class TextBehindControlUnchecked(Connection):
    """After a control frame within a text nothing of that text is checked any more."""

    unchecked = False

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.unchecked = False

    def on_control_frame(self, frame: InFrame, payload: bytes) -> None:
        self.unchecked = self.message_opcode is not None
        super().on_control_frame(frame, payload)

    def on_invalid_utf8(self) -> Reaction:
        return Reaction.TAKE if self.unchecked else super().on_invalid_utf8()


# Close


@switch("close-above-3000-answered-with-1002", violates=["rfc6455-7.4.2-3"])
class CloseAbove3000AnsweredWith1002(Connection):
    """A Close with a registered or private code other than 3000 is answered with 1002."""

    def is_legal_close_code(self, code: int) -> bool:
        return super().is_legal_close_code(code) and code <= 3000


@switch("long-close-reason-unanswered", violates=["rfc6455-5.5.1-8"])
class LongCloseReasonUnanswered(Connection):
    """A Close with a reason of more than 100 octets is not answered, only TCP ends."""

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        if len(reason) <= 100:
            super().reply_to_close(code, reason)


@switch("bad-close-within-message-taken", violates=["rfc6455-5.5.1-5"])
class BadCloseWithinMessageTaken(Connection):
    """The reason of a Close within a fragmented message may be anything."""

    def is_valid_reason(self, reason: bytes) -> bool:
        return self.message_opcode is not None or super().is_valid_reason(reason)

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        if opcode == CLOSE:
            payload = payload[:2]  # so that what is sent is legal
        super().send_frame(opcode, payload, fin=fin, rsv=rsv)
