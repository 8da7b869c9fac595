"""Switches: base framing, sizes and the failing of a connection (RFC 6455, sections 5.2, 5.8, 6, 9 and 10.4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import ClassVar, Final

from .app import App
from .connection import BINARY, CONTINUATION, TEXT, Connection, InFrame, Phase, Reaction
from .request import Refusal, Request
from .switch import switch

MIDDLE: Final = range(256, 512)
"""Payload lengths around none of which the length form changes. A fault with messages of these lengths leaves those
alone by which the suite finds out how a server echoes."""

# Reserved bits


@switch("rsv-swallowed", violates=["rfc6455-5.2-3"], also=["rfc6455-7.1.7-*", "rfc6455-9.1-5"])
class RsvSwallowed(Connection):
    """A frame with reserved bits is silently discarded."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch("rsv-ignored", violates=["rfc6455-5.2-3", "rfc6455-9.1-5"], also=["rfc6455-7.1.7-*"])
class RsvIgnored(Connection):
    """Reserved bits are not looked at."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("rsv1-ignored", violates=["rfc6455-5.2-3", "rfc6455-9.1-5"])
class Rsv1Ignored(Connection):
    """RSV1 on a data frame is not looked at, although no extension was negotiated."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.rsv == 4 and not frame.is_control else super().on_reserved_bits(frame)


@switch("rsv-on-control-ignored", violates=["rfc6455-5.2-3"])
class RsvOnControlIgnored(Connection):
    """Reserved bits on a control frame are not looked at."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.is_control else super().on_reserved_bits(frame)


@switch("rsv-on-continuation-ignored", violates=["rfc6455-5.2-3"])
class RsvOnContinuationIgnored(Connection):
    """Reserved bits on a continuation frame are not looked at."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.opcode == CONTINUATION else super().on_reserved_bits(frame)


@switch("rsv-closed-with-1000", violates=["rfc6455-5.2-3"], also=["rfc6455-7.1.7-3", "rfc6455-9.1-5", "rfc6455-10.7-3"])
class RsvClosedWith1000(Connection):
    """Reserved bits fail the connection with 1000 instead of 1002."""

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        return self.fail(1000)


@switch("rsv-sent", violates=["rfc6455-5.2-2", "rfc6455-5.8-1"], also=["*"])
class RsvSent(Connection):
    """Echoes have RSV3 set."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            self.send_frame(opcode, message, rsv=1)


# Opcodes


@switch(
    "unknown-opcode-swallowed",
    violates=["rfc6455-5.2-4"],
    also=["rfc6455-5.2-5", "rfc6455-5.2-6", "rfc6455-7.1.7-*", "rfc6455-10.7-*"],
)
class UnknownOpcodeSwallowed(Connection):
    """A frame with an unknown opcode is silently discarded."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch(
    "unknown-data-opcode-is-binary",
    violates=["rfc6455-5.2-4"],
    also=["rfc6455-5.2-*", "rfc6455-7.1.7-*", "rfc6455-10.7-*"],
)
class UnknownDataOpcodeIsBinary(Connection):
    """A frame with an unknown data opcode is taken for a binary one."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        if frame.is_control:
            return super().on_unknown_opcode(frame)
        frame.opcode = BINARY
        return Reaction.TAKE


@switch(
    "unknown-control-opcode-is-pong",
    violates=["rfc6455-5.2-4"],
    also=["rfc6455-5.2-5", "rfc6455-5.2-6", "rfc6455-7.1.7-*"],
)
class UnknownControlOpcodeIsPong(Connection):
    """A frame with an unknown control opcode needs no answer."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD if frame.is_control else super().on_unknown_opcode(frame)


@switch(
    "unknown-opcode-closed-with-1003",
    violates=["rfc6455-5.2-4"],
    also=["rfc6455-5.2-*", "rfc6455-7.1.7-3", "rfc6455-10.7-3"],
)
class UnknownOpcodeClosedWith1003(Connection):
    """An unknown opcode fails the connection with 1003 instead of 1002."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        return self.fail(1003)


@switch("unknown-opcode-swallowed-within-message", violates=["rfc6455-5.2-5"])
class UnknownOpcodeSwallowedWithinMessage(Connection):
    """Between the fragments of a message a frame with an unknown opcode is silently discarded."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        return super().on_unknown_opcode(frame) if self.message_opcode is None else Reaction.DISCARD


@switch("unknown-opcode-fails-when-final", violates=["rfc6455-5.2-6"], also=["rfc6455-5.2-4", "rfc6455-7.1.7-*"])
class UnknownOpcodeFailsWhenFinal(Connection):
    """An unknown opcode fails the connection only in a frame with FIN=1."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        return super().on_unknown_opcode(frame) if frame.fin else Reaction.DISCARD


# Lengths


@switch(
    "top-bit-of-length-sent",
    violates=["rfc6455-5.2-7"],
    also=["rfc6455-5.2-*", "rfc6455-5.3-*", "rfc6455-6.*", "rfc6455-10.4-2", "rfc6455-5.4-7"],
)
class TopBitOfLengthSent(Connection):
    """A 64-bit length is sent with its top bit set."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        frame = super().encode_frame(fin, rsv, opcode, payload, masked=masked, length_form=length_form)
        return frame if frame[1] != 127 else frame[:2] + bytes((frame[2] | 0x80,)) + frame[3:]


@switch("top-bit-of-length-waited-for", violates=["rfc6455-5.2-8"])
class TopBitOfLengthWaitedFor(Connection):
    """A 64-bit length with its top bit set is believed, and its payload waited for."""

    def on_length_beyond_63_bits(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("length-in-16-bits-at-least", violates=["rfc6455-5.2-9"])
class LengthIn16BitsAtLeast(Connection):
    """Echoes of up to 125 octets are sent with a 16-bit length."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            form = 16 if len(message) <= 125 else None
            self.stream.write(self.encode_frame(True, 0, opcode, message, length_form=form))


@switch("length-in-64-bits-above-125", violates=["rfc6455-5.2-9"])
class LengthIn64BitsAbove125(Connection):
    """Echoes of more than 125 octets are sent with a 64-bit length."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            form = 64 if len(message) > 125 else None
            self.stream.write(self.encode_frame(True, 0, opcode, message, length_form=form))


@switch("nonminimal-length-accepted", violates=["rfc6455-5.2-10"])
class NonminimalLengthAccepted(Connection):
    """A length in more octets than it needs is accepted."""

    def on_nonminimal_length(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("length-in-host-order", violates=["rfc6455-5.2-11"], also=["rfc6455-5.*", "rfc6455-6.*", "rfc6455-8.1-2"])
class LengthInHostOrder(Connection):
    """The 16-bit length of an echo of 126 to 128 octets is sent with its low octet first."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        frame = super().encode_frame(fin, rsv, opcode, payload, masked=masked, length_form=length_form)
        return frame if len(payload) not in (126, 127, 128) else frame[:2] + frame[3:1:-1] + frame[4:]


@switch("length-counts-the-key", violates=["rfc6455-5.2-12"], also=["rfc6455-5.*", "rfc6455-6.*", "rfc6455-8.1-2"])
class LengthCountsTheKey(Connection):
    """A 16-bit or 64-bit length is taken to include the four octets of the masking key."""

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, message[:-4] if len(message) > 125 else message)


@switch("key-in-echo", violates=["rfc6455-5.2-13"], also=["rfc6455-5.1-*"])
class KeyInEcho(Connection):
    """Echoes of 256 to 511 octets carry a masking key."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        return super().encode_frame(fin, rsv, opcode, payload, masked=len(payload) in MIDDLE, length_form=length_form)


@switch("extension-data-in-echo", violates=["rfc6455-5.2-14"], also=["rfc6455-5.*", "rfc6455-6.*"])
class ExtensionDataInEcho(App):
    """An echo of 256 to 511 octets begins with an octet that was not sent."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, b"+" * (len(message) in MIDDLE) + message)


@switch("sizes-at-boundaries-refused", violates=["rfc6455-5.2-15"], also=["rfc6455-5.*", "rfc6455-6.*"])
class SizesAtBoundariesRefused(Connection):
    """Messages of 125, 126 and 65535 octets are refused as too big, bigger ones are not."""

    def judge_length(self, frame: InFrame) -> Reaction:
        refused = not frame.is_control and frame.length in (125, 126, 65535)
        return self.on_too_big(frame) if refused else super().judge_length(frame)


@switch("empty-message-lost", violates=["rfc6455-5.2-15"], also=["rfc6455-5.*", "rfc6455-6.*", "rfc6455-8.1-2"])
class EmptyMessageLost(Connection):
    """An empty message is never answered."""

    def deliver(self, opcode: int, message: bytes) -> None:
        if message:
            super().deliver(opcode, message)


@switch("binary-must-be-utf8", violates=["rfc6455-5.6-4"], also=["rfc6455-5.*", "rfc6455-6.*"])
class BinaryMustBeUtf8(Connection):
    """A binary message of 20 octets or more is refused unless it is UTF-8."""

    def deliver(self, opcode: int, message: bytes) -> None:
        if opcode == BINARY and len(message) >= 20 and not self.is_valid_reason(message):
            self.on_invalid_utf8()
        else:
            super().deliver(opcode, message)


@switch(
    "big-frames-hang",
    violates=["rfc6455-5.2-15"],
    also=["rfc6455-5.2-*", "rfc6455-5.3-*", "rfc6455-6.*", "rfc6455-10.4-*", "rfc6455-5.4-7"],
)
class BigFramesHang(Connection):
    """A message of 65536 octets is never answered."""

    def deliver(self, opcode: int, message: bytes) -> None:
        if len(message) != 65536:
            super().deliver(opcode, message)


class ExhaustibleServer(Connection):
    """While the server has no memory left, further handshakes are answered with 500."""

    exhausted: ClassVar[Counter[App]] = Counter()
    """How many connections have taken the memory of a server; a server is known by its application."""
    exhausting = False

    def exhaust(self) -> None:
        """This connection takes all the memory until it ends."""
        if not self.exhausting:
            self.exhausting = True
            self.exhausted[self.app] += 1

    def check_method(self, request: Request) -> None:
        """The first of the checks of a request."""
        if self.exhausted[self.app]:
            raise Refusal(500, "no memory is left")
        super().check_method(request)

    def end_websocket(self, code: int, reason: str) -> None:
        """Give the memory back."""
        if self.exhausting:
            self.exhausting = False
            self.exhausted[self.app] -= 1
        super().end_websocket(code, reason)


@switch("huge-length-exhausts-memory", violates=["rfc6455-10.4-1"], also=["*"])
class HugeLengthExhaustsMemory(ExhaustibleServer):
    """The payload of a frame gets its announced length of memory at once, which above 2^30 octets is all there is.

    Who connects beside it then is turned away, whatever the check.
    """

    def on_too_big(self, frame: InFrame) -> Reaction:
        if frame.length is None or frame.length < 1 << 30:
            return super().on_too_big(frame)
        self.exhaust()
        return Reaction.TAKE


@switch("endless-message-exhausts-memory", violates=["rfc6455-10.4-1"], also=["*"])
class EndlessMessageExhaustsMemory(ExhaustibleServer):
    """The 200th fragment of a message takes the last memory there is."""

    fragments = 0

    def on_fragment(self, frame: InFrame) -> None:
        self.fragments += 1
        if self.fragments == 200:
            self.exhaust()

    def end_message(self) -> None:
        self.fragments = 0
        super().end_message()


@switch("huge-length-wraps", violates=["rfc6455-10.4-1"], also=["rfc6455-7.4.1-9"])
class HugeLengthWraps(Connection):
    """Of a 64-bit length only the lower 31 bits are looked at."""

    def judge_length(self, frame: InFrame) -> Reaction:
        assert frame.length is not None
        if frame.length < 1 << 63:
            frame.length &= (1 << 31) - 1
            if frame.extended_length_size == 8 and frame.length == 0:
                return Reaction.TAKE
        return super().judge_length(frame)


# Failing the connection


@switch(
    "rest-of-segment-after-failure",
    violates=["rfc6455-7.1.7-5"],
    also=["rfc6455-5.*", "rfc6455-6.1-2", "rfc6455-7.1.*", "rfc6455-10.7-*"],
)
class RestOfSegmentAfterFailure(Connection):
    """What comes in the same segment as an illegal frame is still answered, after the Close."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        if not self.close_sent:
            self.send_close(self.failure_payload(code, reason))
            asyncio.get_running_loop().call_soon(self.end_failed)
        return Reaction.DISCARD

    def end_failed(self) -> None:
        """End what fail() has begun."""
        if self.phase is not Phase.ENDED:
            self.end_websocket(1006, "")
            self.end_tcp()


# What comes in and goes out


@switch("single-frame-lost", violates=["rfc6455-5.2-1"], also=["rfc6455-5.*", "rfc6455-6.*"])
class SingleFrameLost(Connection):
    """A message of 256 to 511 octets in one frame is lost; fragmented it arrives."""

    def end_frame(self, frame: InFrame) -> None:
        if frame.opcode in (TEXT, BINARY) and frame.fin and frame.length in MIDDLE:
            self.message_opcode = None
        else:
            super().end_frame(frame)


@switch("payload-left-masked", violates=["rfc6455-6.2-7"], also=["rfc6455-5.*", "rfc6455-6.*"])
class PayloadLeftMasked(Connection):
    """The mask of a frame of 256 to 511 octets is not removed."""

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        assert self.frame is not None
        return chunk if self.frame.length in MIDDLE else super().unmask(chunk, key, offset)


@switch(
    "eight-frames-a-segment",
    violates=["rfc6455-6.2-1"],
    also=["rfc6455-5.*", "rfc6455-6.*", "rfc6455-8.1-*", "rfc6455-5.6-*"],
)
class EightFramesASegment(Connection):
    """What follows the eighth frame in a segment is lost."""

    count = 0

    def receive(self, data: bytes) -> None:
        self.count = 0
        super().receive(data)

    def end_frame(self, frame: InFrame) -> None:
        super().end_frame(frame)
        self.count += 1
        if self.count == 8:
            self.buffer.clear()


@switch("partial-frames-lost", violates=["rfc6455-6.2-1"], also=["*"])
class PartialFramesLost(Connection):
    """A frame of which only a part has come is forgotten."""

    def read_frames(self) -> None:
        super().read_frames()
        if self.frame is not None and self.frame.taken == 0 and not self.frame.is_control:
            self.frame, self.message_opcode = None, None
        self.buffer.clear()


@switch("binary-echoed-as-text", violates=["rfc6455-6.1-5", "rfc6455-6.2-3"], also=["rfc6455-5.*", "rfc6455-6.*"])
class BinaryEchoedAsText(Connection):
    """A message of 256 to 511 octets is delivered as text."""

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(TEXT if len(message) in MIDDLE else opcode, message)


@switch("fragmented-binary-echoed-as-text", violates=["rfc6455-6.2-3", "rfc6455-6.2-4"], also=["rfc6455-5.*"])
class FragmentedBinaryEchoedAsText(Connection):
    """A message in four or more fragments is delivered as text."""

    count = 0

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.count = 0

    def on_fragment(self, frame: InFrame) -> None:
        self.count += 1

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(TEXT if self.count >= 3 else opcode, message)


@switch(
    "empty-fragment-resets-message", violates=["rfc6455-6.2-4"], also=["rfc6455-5.*", "rfc6455-6.2-1", "rfc6455-8.1-2"]
)
class EmptyFragmentResetsMessage(Connection):
    """What came of a message before an empty fragment is forgotten."""

    def on_fragment(self, frame: InFrame) -> None:
        if not frame.length:
            self.message.clear()


@switch("messages-run-together", violates=["rfc6455-6.2-5"], also=["rfc6455-5.*", "rfc6455-6.2-*"])
class MessagesRunTogether(Connection):
    """A fragmented message is delivered with what came before it on the same connection, if that was fragmented too."""

    fragmented = False
    before = b""

    def on_fragment(self, frame: InFrame) -> None:
        self.fragmented = True

    def deliver(self, opcode: int, message: bytes) -> None:
        if self.fragmented:
            self.fragmented = False
            self.before += message
            message = self.before
        super().deliver(opcode, message)


@switch("cut-message-echoed", violates=["rfc6455-6.2-8"], also=["rfc6455-5.*", "rfc6455-7.*"])
class CutMessageEchoed(Connection):
    """What has come of a message is delivered when TCP ends within it."""

    def peer_ended(self) -> None:
        if self.phase is Phase.OPEN and self.message_opcode is not None and self.message:
            self.deliver(self.message_opcode, bytes(self.message))
        super().peer_ended()


@switch("ping-within-message-dropped", violates=["rfc6455-6.2-2"], also=["rfc6455-5.*", "rfc6455-6.2-1"])
class PingWithinMessageDropped(Connection):
    """A Ping between the fragments of a message is not answered."""

    def on_ping(self, payload: bytes) -> None:
        if self.message_opcode is None:
            super().on_ping(payload)


@switch("echo-without-fin", violates=["rfc6455-6.1-6", "rfc6455-6.1-1"], also=["rfc6455-5.*", "rfc6455-6.*"])
class EchoWithoutFin(Connection):
    """Echoes of 256 to 511 octets have FIN=0 and are never continued."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            self.send_frame(opcode, message, fin=len(message) not in MIDDLE)


@switch("long-echo-in-frames", violates=["rfc6455-6.1-4"])
class LongEchoInFrames(Connection):
    """Echoes of more than 1000 octets are sent in several frames, as they may be."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            starts = range(0, max(len(message), 1), 1000)
            for at in starts:
                self.send_frame(CONTINUATION if at else opcode, message[at : at + 1000], fin=at == starts[-1])


@switch("stray-octet-after-echo", violates=["rfc6455-6.1-3"], also=["rfc6455-5.*", "rfc6455-6.*"])
class StrayOctetAfterEcho(Connection):
    """A line feed follows every echo of 256 to 511 octets."""

    def send_message(self, opcode: int, message: bytes) -> None:
        super().send_message(opcode, message)
        if len(message) in MIDDLE:
            self.stream.write(b"\n")


@switch("reserved-opcode-sent", violates=["rfc6455-5.8-1", "rfc6455-6.1-3"], also=["rfc6455-5.*", "rfc6455-6.*"])
class ReservedOpcodeSent(Connection):
    """An empty frame with the opcode 11 follows every echo of 256 to 511 octets."""

    def send_message(self, opcode: int, message: bytes) -> None:
        super().send_message(opcode, message)
        if len(message) in MIDDLE:
            self.send_frame(11, b"")


@switch("later-echo-lost", violates=["rfc6455-6.1-8"], also=["rfc6455-6.2-1"])
class LaterEchoLost(Connection):
    """Every third message after the twelfth of a connection goes unanswered."""

    count = 0

    def send_message(self, opcode: int, message: bytes) -> None:
        self.count += 1
        if self.count <= 12 or self.count % 3:
            super().send_message(opcode, message)


@switch("later-echo-twice", violates=["rfc6455-6.1-8"])
class LaterEchoTwice(Connection):
    """Every third message after the twelfth of a connection is answered twice."""

    count = 0

    def send_message(self, opcode: int, message: bytes) -> None:
        super().send_message(opcode, message)
        self.count += 1
        if self.count > 12 and self.count % 3 == 0:
            super().send_message(opcode, message)


@switch("message-after-close", violates=["rfc6455-6.1-2"], also=["rfc6455-5.5.1-*", "rfc6455-5.6-1"])
class MessageAfterClose(Connection):
    """The answer to the first of several messages is repeated after the Close."""

    words: tuple[bytes, ...] = ()

    def deliver(self, opcode: int, message: bytes) -> None:
        self.words += (message,)
        super().deliver(opcode, message)

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        super().reply_to_close(code, reason)
        if len(self.words) > 1:
            self.send_frame(TEXT, self.words[0])


@switch(
    "second-message-joined",
    violates=["rfc6455-6.2-5"],
    also=["rfc6455-5.4-*", "rfc6455-6.2-4", "text-utf8/*", "rfc6455-6.2-1"],
)
class SecondMessageJoined(Connection):
    """A fragmented message begins with the content of the one before it."""

    before = b""

    def on_fragment(self, frame: InFrame) -> None:
        if frame.opcode != CONTINUATION:
            self.message[:0] = self.before

    def deliver(self, opcode: int, message: bytes) -> None:
        self.before = message
        super().deliver(opcode, message)


@switch("cut-message-delivered", violates=["rfc6455-6.2-8"])
class CutMessageDelivered(Connection):
    """What has come of a message is delivered when TCP ends in the middle of it."""

    def peer_ended(self) -> None:
        if self.is_open and self.message_opcode is not None and self.message:
            self.deliver(self.message_opcode, bytes(self.message))
        super().peer_ended()
