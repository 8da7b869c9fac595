"""Switches: fragmented messages (RFC 6455, section 5.4)."""

from __future__ import annotations

from .connection import BINARY, CONTINUATION, PONG, TEXT, Connection, InFrame, Reaction
from .switch import switch

FRAGMENTED = (
    "rfc6455-5.4-*",
    "rfc6455-6.2-1",
    "rfc6455-6.2-3",
    "rfc6455-6.2-4",
    "rfc6455-6.2-5",
    "text-utf8/*",
    "masking/each-fragment*",
)
"""What looks at messages that come in fragments."""

# Frames out of place


@switch("interleaved-message-replaces", violates=["rfc6455-5.4-4"], also=["rfc6455-7.1.7-*"])
class InterleavedMessageReplaces(Connection):
    """A new message within a fragmented one takes its place."""

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("interleaved-message-joined", violates=["rfc6455-5.4-4"], also=["rfc6455-7.1.7-*"])
class InterleavedMessageJoined(Connection):
    """A text or binary frame within a fragmented message is taken for a continuation."""

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        frame.opcode = CONTINUATION
        return Reaction.TAKE


@switch("interleaved-message-swallowed", violates=["rfc6455-5.4-4"], also=["rfc6455-7.1.7-*"])
class InterleavedMessageSwallowed(Connection):
    """A text or binary frame within a fragmented message is silently discarded."""

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch("interleaved-binary-joined", violates=["rfc6455-5.4-4"], also=["rfc6455-7.1.7-*"])
class InterleavedBinaryJoined(Connection):
    """A frame of the other type within a fragmented message is taken for a continuation."""

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        if frame.opcode == self.message_opcode:
            return super().on_interleaved_data(frame)
        frame.opcode = CONTINUATION
        return Reaction.TAKE


@switch("interleaved-message-closed-with-1007", violates=["rfc6455-5.4-4"], also=["rfc6455-7.1.7-3"])
class InterleavedMessageClosedWith1007(Connection):
    """A new message within a fragmented one fails the connection with 1007 instead of 1002."""

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        return self.fail(1007)


@switch("stray-continuation-is-text", violates=["rfc6455-5.4-14"], also=["rfc6455-7.1.7-*"])
class StrayContinuationIsText(Connection):
    """A continuation frame with no message in progress begins a text message."""

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        frame.opcode = TEXT
        return Reaction.TAKE


@switch("stray-continuation-swallowed", violates=["rfc6455-5.4-14"], also=["rfc6455-7.1.7-*"])
class StrayContinuationSwallowed(Connection):
    """A continuation frame with no message in progress is silently discarded."""

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch("stray-continuation-swallowed-unless-final", violates=["rfc6455-5.4-14"], also=["rfc6455-7.1.7-*"])
class StrayContinuationSwallowedUnlessFinal(Connection):
    """A continuation frame with no message in progress is silently discarded if its FIN is 0."""

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        return super().on_unexpected_continuation(frame) if frame.fin else Reaction.DISCARD


@switch("stray-continuation-closed-with-1000", violates=["rfc6455-5.4-14"], also=["rfc6455-7.1.7-3"])
class StrayContinuationClosedWith1000(Connection):
    """A continuation frame with no message in progress closes the connection with 1000 instead of 1002."""

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        return self.fail(1000)


@switch("continuation-after-message-continues-it", violates=["rfc6455-5.4-14"], also=["rfc6455-7.1.7-*"])
class ContinuationAfterMessageContinuesIt(Connection):
    """A continuation frame after a complete message is taken for a further message of its type."""

    last_opcode: int | None = None

    def end_message(self) -> None:
        self.last_opcode = self.message_opcode
        super().end_message()

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        if self.last_opcode is None:
            return super().on_unexpected_continuation(frame)
        frame.opcode = self.last_opcode
        return Reaction.TAKE


# Control frames between fragments


@switch(
    "control-within-message-fails",
    violates=["rfc6455-5.4-1", "rfc6455-5.4-5"],
    also=["rfc6455-5.5.2-*", "rfc6455-6.2-2", "closing-handshake/*", "text-utf8/*"],
)
class ControlWithinMessageFails(Connection):
    """A control frame between the fragments of a message fails the connection."""

    def judge_control_header(self, frame: InFrame) -> Reaction:
        if self.message_opcode is not None:
            return self.fail(1002, "a message is in progress")
        return super().judge_control_header(frame)


@switch("ping-forgets-the-message", violates=["rfc6455-5.4-1", "rfc6455-5.4-5"], also=["rfc6455-6.2-2", "text-utf8/*"])
class PingForgetsTheMessage(Connection):
    """A Ping between the fragments of a message erases what has come of it."""

    def on_ping(self, payload: bytes) -> None:
        self.message.clear()
        super().on_ping(payload)


@switch("pong-joins-the-message", violates=["rfc6455-5.4-5"], also=["rfc6455-6.2-*", "rfc6455-5.6-1"])
class PongJoinsTheMessage(Connection):
    """The content of a Pong between the fragments of a message becomes part of it."""

    def on_pong(self, payload: bytes) -> None:
        if self.message_opcode is not None:
            self.message += payload


@switch(
    "control-within-message-discarded",
    violates=["rfc6455-5.4-1", "rfc6455-5.4-5", "rfc6455-5.5.2-2"],
    also=["rfc6455-5.5.2-3", "rfc6455-6.2-2", "closing-handshake/*"],
)
class ControlWithinMessageDiscarded(Connection):
    """Control frames between the fragments of a message are silently discarded."""

    def on_control_frame(self, frame: InFrame, payload: bytes) -> None:
        if self.message_opcode is None:
            super().on_control_frame(frame, payload)


@switch("pong-after-the-message", violates=["rfc6455-5.5.2-3"], also=["rfc6455-5.4-1", "rfc6455-6.2-2"])
class PongAfterTheMessage(Connection):
    """A Ping between the fragments of a message is answered only once the message is complete."""

    late: bytes | None = None

    def on_ping(self, payload: bytes) -> None:
        if self.message_opcode is None:
            super().on_ping(payload)
        else:
            self.late = payload

    def end_message(self) -> None:
        super().end_message()
        if self.late is not None and self.is_open:
            self.send_frame(PONG, self.late)
        self.late = None


@switch("close-within-message-unanswered", violates=["rfc6455-5.4-5"], also=["rfc6455-5.5.1-19"])
class CloseWithinMessageUnanswered(Connection):
    """TCP ends without a Close where the client's Close comes before its message is complete."""

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        if self.message_opcode is None:
            super().reply_to_close(code, reason)


@switch("close-within-message-ignored", violates=["rfc6455-5.4-5"], also=["rfc6455-5.5.1-19"])
class CloseWithinMessageIgnored(Connection):
    """A Close before the message is complete is ignored."""

    def on_close_frame(self, payload: bytes) -> None:
        if self.message_opcode is None:
            super().on_close_frame(payload)


@switch("close-within-message-answered-with-1002", violates=["rfc6455-5.4-5"])
class CloseWithinMessageAnsweredWith1002(Connection):
    """A Close before the message is complete is answered with 1002, which some readings allow."""

    def on_close_frame(self, payload: bytes) -> None:
        if self.message_opcode is None:
            super().on_close_frame(payload)
        else:
            self.fail(1002, "a message is in progress")


# Putting a message together


@switch("fragments-reversed", violates=["rfc6455-5.4-3"], also=FRAGMENTED)
class FragmentsReversed(Connection):
    """Of three or more fragments the last two change places."""

    sizes: tuple[int, ...] = ()

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.sizes = ()

    def on_fragment(self, frame: InFrame) -> None:
        self.sizes += (len(self.message),)

    def deliver(self, opcode: int, message: bytes) -> None:
        if len(self.sizes) >= 2:
            before, between = self.sizes[-2:]
            message = message[:before] + message[between:] + message[before:between]
        super().deliver(opcode, message)


@switch("first-fragment-only", violates=["rfc6455-5.4-7"], also=FRAGMENTED)
class FirstFragmentOnly(Connection):
    """Of a fragmented message only the first fragment is delivered."""

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        if frame.opcode != CONTINUATION:
            super().take_payload(frame, chunk)


@switch("type-of-fragmented-is-swapped", violates=["rfc6455-5.4-12"], also=FRAGMENTED)
class TypeOfFragmentedIsSwapped(Connection):
    """Fragmented text is delivered as binary, and the other way round."""

    fragmented = False

    def on_fragment(self, frame: InFrame) -> None:
        self.fragmented = True

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(TEXT + BINARY - opcode if self.fragmented else opcode, message)
        self.fragmented = False


@switch("empty-fragment-fails", violates=["rfc6455-5.4-6"], also=FRAGMENTED)
class EmptyFragmentFails(Connection):
    """A fragment without content fails the connection."""

    def on_fragment(self, frame: InFrame) -> None:
        if frame.length == 0:
            self.fail(1002, "empty fragment")


@switch("empty-last-fragment-ignored", violates=["rfc6455-5.4-6"], also=FRAGMENTED)
class EmptyLastFragmentIgnored(Connection):
    """A last fragment without content does not end its message."""

    def end_frame(self, frame: InFrame) -> None:
        if frame.opcode != CONTINUATION or frame.length:
            super().end_frame(frame)


@switch(
    "fragmented-refused",
    violates=["rfc6455-5.4-7"],
    also=[*FRAGMENTED, "rfc6455-5.2-3", "rfc6455-6.2-2", "rfc6455-7.1.7-3", "masking/unmasked-frame-in-message*"],
)
class FragmentedRefused(Connection):
    """A frame with FIN=0 is refused with 1003."""

    def on_fragment(self, frame: InFrame) -> None:
        self.fail(1003, "no fragments, please")


@switch("three-fragments-refused", violates=["rfc6455-5.4-7"], also=FRAGMENTED)
class ThreeFragmentsRefused(Connection):
    """A message may have two fragments and no more."""

    count = 0

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.count = 0

    def on_fragment(self, frame: InFrame) -> None:
        self.count += 1
        if self.count >= 2:
            self.fail(1009, "too many fragments")


@switch("hundred-fragments-drop-tcp", violates=["rfc6455-5.4-7"], also=["text-utf8/valid-character*"])
class HundredFragmentsDropTcp(ThreeFragmentsRefused):
    """A message of a hundred fragments ends TCP without a word."""

    def on_fragment(self, frame: InFrame) -> None:
        self.count += 1
        if self.count == 99:
            self.end_websocket(1006, "")
            self.end_tcp()


@switch(
    "fragments-echoed-early",
    violates=["rfc6455-5.4-15"],
    also=[*FRAGMENTED, "rfc6455-5.2-3", "rfc6455-6.2-8", "rfc6455-5.5.1-19", "masking/unmasked-frame-in-message*"],
)
class FragmentsEchoedEarly(Connection):
    """Each fragment is delivered as a message of its own, as soon as it is complete."""

    def on_fragment(self, frame: InFrame) -> None:
        if self.message_opcode is not None:
            self.deliver(self.message_opcode, bytes(self.message))
            self.message.clear()


# Fragments of the server's own


@switch("second-fragment-sent-as-text", violates=["rfc6455-5.4-13"], also=FRAGMENTED)
class SecondFragmentSentAsText(Connection):
    """The echo of a fragmented message is sent in two frames that both have its opcode."""

    fragmented = False

    def on_fragment(self, frame: InFrame) -> None:
        self.fragmented = True

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open and self.fragmented:
            self.fragmented = False
            self.send_frame(opcode, message[:1], fin=False)
            self.send_frame(opcode, message[1:])
        else:
            super().send_message(opcode, message)


@switch("echo-begins-with-continuation", violates=["rfc6455-5.4-13"], also=FRAGMENTED)
class EchoBeginsWithContinuation(Connection):
    """The echo of a fragmented message is a lone continuation frame."""

    fragmented = False

    def on_fragment(self, frame: InFrame) -> None:
        self.fragmented = True

    def send_message(self, opcode: int, message: bytes) -> None:
        super().send_message(CONTINUATION if self.fragmented else opcode, message)
        self.fragmented = False
