"""Switches: base framing, sizes and the failing of a connection (RFC 6455, sections 5.2, 5.8, 6, 9 and 10.4)."""

from __future__ import annotations

from .app import App
from .connection import BINARY, CONTINUATION, TEXT, Connection, InFrame, Reaction
from .switch import switch

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
    "unknown-opcode-swallowed", violates=["rfc6455-5.2-4"], also=["rfc6455-5.2-5", "rfc6455-5.2-6", "rfc6455-7.1.7-*"]
)
class UnknownOpcodeSwallowed(Connection):
    """A frame with an unknown opcode is silently discarded."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch("unknown-data-opcode-is-binary", violates=["rfc6455-5.2-4"], also=["rfc6455-5.2-*", "rfc6455-7.1.7-*"])
class UnknownDataOpcodeIsBinary(Connection):
    """A frame with an unknown data opcode is taken for a binary one."""

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        if frame.is_control:
            return super().on_unknown_opcode(frame)
        frame.opcode = BINARY
        return Reaction.TAKE


@switch("unknown-control-opcode-is-pong", violates=["rfc6455-5.2-4"], also=["rfc6455-5.2-5", "rfc6455-7.1.7-*"])
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
    also=["rfc6455-5.2-*", "rfc6455-5.3-*", "rfc6455-6*", "rfc6455-10.4-2"],
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


@switch("length-in-host-order", violates=["rfc6455-5.2-11"], also=["rfc6455-*"])
class LengthInHostOrder(Connection):
    """A 16-bit length is sent with its low octet first."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        frame = super().encode_frame(fin, rsv, opcode, payload, masked=masked, length_form=length_form)
        return frame if frame[1] != 126 else frame[:2] + frame[3:1:-1] + frame[4:]


@switch("length-counts-the-key", violates=["rfc6455-5.2-12", "rfc6455-5.3-4"], also=["*"])
class LengthCountsTheKey(Connection):
    """The length of a data frame is taken to include the four octets of the masking key."""

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, message[: max(len(message) - 4, 0)])


@switch("key-without-mask-bit", violates=["rfc6455-5.2-13"], also=["*"])
class KeyWithoutMaskBit(Connection):
    """Echoes carry a masking key although MASK is 0."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        frame = super().encode_frame(fin, rsv, opcode, payload, masked=masked, length_form=length_form)
        head = len(frame) - len(payload)
        return frame[:head] + bytes(4) + frame[head:] if opcode < 8 else frame


@switch("extension-data-in-echo", violates=["rfc6455-5.2-14"], also=["*"])
class ExtensionDataInEcho(App):
    """An echo begins with an octet that was not sent."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, b"\0" + message)


@switch("size-126-refused", violates=["rfc6455-5.2-15"], also=["rfc6455-*"])
class Size126Refused(Connection):
    """A message of 126 octets is refused as too big, a bigger one is not."""

    def judge_length(self, frame: InFrame) -> Reaction:
        return self.on_too_big(frame) if frame.length == 126 else super().judge_length(frame)


@switch(
    "big-frames-hang",
    violates=["rfc6455-5.2-15"],
    also=["rfc6455-5.2-*", "rfc6455-5.3-*", "rfc6455-6*", "rfc6455-10.4-*"],
)
class BigFramesHang(Connection):
    """A message of 65536 octets is never answered."""

    def deliver(self, opcode: int, message: bytes) -> None:
        if len(message) != 65536:
            super().deliver(opcode, message)


@switch("too-big-closed-with-1000", violates=["rfc6455-7.4.1-9"], also=["rfc6455-10.4-*"])
class TooBigClosedWith1000(Connection):
    """A message above the limit is answered with Close 1000."""

    def on_too_big(self, frame: InFrame) -> Reaction:
        return self.fail(1000)


@switch("no-limit", violates=["rfc6455-10.4-2"], also=["rfc6455-10.4-1", "rfc6455-7.4.1-9"])
class NoLimit(Connection):
    """Messages of any size are taken."""

    def on_too_big(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("huge-length-is-fatal", violates=["rfc6455-10.4-1"], also=["*"])
class HugeLengthIsFatal(Connection):
    """The announcement of a frame of 2^31 octets or more takes the whole server down."""

    def on_too_big(self, frame: InFrame) -> Reaction:
        if frame.length is not None and frame.length >= 1 << 31:
            self.app.die()
        return super().on_too_big(frame)


# What comes in and goes out


@switch("single-frame-lost", violates=["rfc6455-5.2-1"], also=["*"])
class SingleFrameLost(Connection):
    """A message in one frame is lost; only fragmented ones arrive."""

    def end_frame(self, frame: InFrame) -> None:
        if frame.opcode in (TEXT, BINARY) and frame.fin:
            self.message_opcode = None
        else:
            super().end_frame(frame)


@switch("one-frame-a-segment", violates=["rfc6455-6.2-1"], also=["*"])
class OneFrameASegment(Connection):
    """What follows a frame in the same segment is lost."""

    def end_frame(self, frame: InFrame) -> None:
        super().end_frame(frame)
        self.buffer.clear()


@switch("partial-frames-lost", violates=["rfc6455-6.2-1"], also=["*"])
class PartialFramesLost(Connection):
    """A frame of which only a part has come is forgotten."""

    def read_frames(self) -> None:
        super().read_frames()
        if self.frame is not None and self.frame.taken == 0 and not self.frame.is_control:
            self.frame, self.message_opcode = None, None
        self.buffer.clear()


@switch("binary-echoed-as-text", violates=["rfc6455-6.1-5", "rfc6455-6.2-3"], also=["*"])
class BinaryEchoedAsText(Connection):
    """Every message is delivered as text."""

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(TEXT, message)


@switch("echo-without-fin", violates=["rfc6455-6.1-6"], also=["*"])
class EchoWithoutFin(Connection):
    """Echoes have FIN=0 and are never continued."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            self.send_frame(opcode, message, fin=False)


@switch("stray-octet-after-echo", violates=["rfc6455-6.1-3"], also=["*"])
class StrayOctetAfterEcho(Connection):
    """A line feed follows every echo."""

    def send_message(self, opcode: int, message: bytes) -> None:
        super().send_message(opcode, message)
        self.stream.write(b"\n")


@switch("second-echo-lost", violates=["rfc6455-6.1-8"], also=["*"])
class SecondEchoLost(Connection):
    """Every second message goes unanswered."""

    count = 0

    def send_message(self, opcode: int, message: bytes) -> None:
        self.count += 1
        if self.count % 2:
            super().send_message(opcode, message)


@switch("echo-twice", violates=["rfc6455-6.1-8"], also=["*"])
class EchoTwice(App):
    """Every message is echoed twice."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, message)
        super().echo(connection, opcode, message)


@switch("message-before-101", violates=["rfc6455-6.1-2"], also=["*"])
class MessageBeforeThe101(Connection):
    """A message is sent before the connection is open."""

    def connection_field(self) -> str:
        self.send_frame(TEXT, b"early")
        return super().connection_field()


@switch("second-message-joined", violates=["rfc6455-6.2-5"], also=["rfc6455-5.4-*", "rfc6455-6.2-4", "text-utf8/*"])
class SecondMessageJoined(Connection):
    """A fragmented message begins with the content of the one before it."""

    before = b""

    def on_fragment(self, frame: InFrame) -> None:
        if frame.opcode != CONTINUATION and self.message_opcode == BINARY:
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
