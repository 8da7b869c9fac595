"""Switches: control frames (RFC 6455, sections 5.5, 5.5.2 and 5.5.3)."""

from __future__ import annotations

import asyncio

from .app import App
from .connection import CLOSE, CONTINUATION, PING, PONG, TEXT, Connection, InFrame, Phase, Reaction
from .frames import LONGEST_CONTROL_PAYLOAD
from .http_phase import Limits
from .stream import Stream
from .switch import switch

SOON = 0.02
"""Seconds in which whatever the client has sent in one go has arrived."""

# Pings


@switch(
    "ping-unanswered",
    violates=["rfc6455-5.5.2-2", "rfc6455-5.5.2-1", "rfc6455-5.5.3-2"],
    also=["rfc6455-5.4-5", "rfc6455-6.2-2"],
)
class PingUnanswered(Connection):
    """No Ping is answered."""

    def on_ping(self, payload: bytes) -> None:
        pass


@switch(
    "ping-must-be-text",
    violates=["rfc6455-5.5.2-1", "rfc6455-5.5.2-2"],
    also=["rfc6455-5.5.3-1", "text-utf8/ping-within-a-character*"],
)
class PingMustBeText(Connection):
    """A Ping that is no UTF-8 fails the connection."""

    def on_ping(self, payload: bytes) -> None:
        if self.is_valid_reason(payload):
            super().on_ping(payload)
        else:
            self.fail(1007, "the Ping is not valid UTF-8")


@switch(
    "ping-in-segments-unanswered",
    violates=["rfc6455-5.5.2-2"],
    also=["rfc6455-5.5.3-2", "rfc6455-5.4-5", "masking/pings-of-every-remainder*"],
)
class PingInSegmentsUnanswered(Connection):
    """A Ping that takes more than one TCP segment is taken without an answer."""

    segments = 0

    def read_first_octets(self) -> bool:
        self.segments = 0
        return super().read_first_octets()

    def receive(self, data: bytes) -> None:
        self.segments += 1
        super().receive(data)

    def on_ping(self, payload: bytes) -> None:
        if self.segments < 2:
            super().on_ping(payload)


@switch("ping-after-a-message-unanswered", violates=["rfc6455-5.5.2-2"])
class PingAfterAMessageUnanswered(Connection):
    """Once a message has been delivered no Ping is answered."""

    delivered = False

    def deliver(self, opcode: int, message: bytes) -> None:
        self.delivered = True
        super().deliver(opcode, message)

    def on_ping(self, payload: bytes) -> None:
        if not self.delivered:
            super().on_ping(payload)


@switch("pong-is-cut", violates=["rfc6455-5.5.3-1"], also=["masking/pings-of-every-remainder*"])
class PongIsCut(Connection):
    """A Pong carries no more than 100 octets."""

    def on_ping(self, payload: bytes) -> None:
        super().on_ping(payload[:100])


@switch("pong-ends-at-nul", violates=["rfc6455-5.5.3-1"], also=["masking/pings-of-every-remainder*"])
class PongEndsAtNul(Connection):
    """A Pong ends before the first octet 0 of the Ping."""

    def on_ping(self, payload: bytes) -> None:
        super().on_ping(payload.partition(b"\0")[0])


class PingsGathered(Connection):
    """Answers what Pings have come in one go together."""

    def __init__(self, stream: Stream, app: App, limits: Limits) -> None:
        super().__init__(stream, app, limits)
        self.pings: list[bytes] = []

    def on_ping(self, payload: bytes) -> None:
        self.pings.append(payload)
        if len(self.pings) == 1:
            asyncio.get_running_loop().call_later(SOON, self.answer_pings)

    def answer_pings(self) -> None:
        """Send a Pong for each of `chosen`."""
        pings, self.pings = self.pings, []
        if self.phase is Phase.OPEN:
            for payload in self.chosen(pings):
                self.send_frame(PONG, payload)

    def chosen(self, pings: list[bytes]) -> list[bytes]:
        """What Pongs carry."""
        return pings


@switch("only-latest-ping-answered", violates=["rfc6455-5.5.3-2"])
class OnlyLatestPingAnswered(PingsGathered):
    """Of several Pings only the latest is answered, which is allowed."""

    def chosen(self, pings: list[bytes]) -> list[bytes]:
        return pings[-1:]


@switch("pongs-in-reverse", violates=["rfc6455-5.5.3-2"])
class PongsInReverse(PingsGathered):
    """Several Pings are answered from the last to the first, which is odd."""

    def chosen(self, pings: list[bytes]) -> list[bytes]:
        return pings[::-1]


@switch("first-of-several-pings-answered", violates=["rfc6455-5.5.2-2", "rfc6455-5.5.3-2"])
class FirstOfSeveralPingsAnswered(PingsGathered):
    """Of several Pings only the first is answered."""

    def chosen(self, pings: list[bytes]) -> list[bytes]:
        return pings[:1]


@switch("pong-twice", violates=["rfc6455-5.5.3-2"])
class PongTwice(Connection):
    """Each Ping is answered by two Pongs, the second of which is unsolicited."""

    def on_ping(self, payload: bytes) -> None:
        super().on_ping(payload)
        super().on_ping(payload)


@switch("pongs-of-its-own", violates=["rfc6455-5.5.3-2"])
class PongsOfItsOwn(Connection):
    """An unsolicited Pong goes before each answer, which is allowed."""

    def on_ping(self, payload: bytes) -> None:
        self.send_frame(PONG, b"here I am")
        super().on_ping(payload)


@switch("pings-of-its-own", violates=["rfc6455-5.5.2-4"])
class PingsOfItsOwn(Connection):
    """A Ping goes before each message and each Pong, which is allowed."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        if opcode in (PONG, TEXT):
            super().send_frame(PING, b"are you there?")
        super().send_frame(opcode, payload, fin=fin, rsv=rsv)


@switch("ping-with-close-answered", violates=["rfc6455-5.5.2-5"])
class PingWithCloseAnswered(Connection):
    """A Ping that comes together with the Close is answered, which is allowed."""

    answered = False

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if self.answered:
            return
        if self.phase is Phase.OPEN:
            self.answered = True
            self.reply_to_close(code, reason)
            self.phase = Phase.CLOSING
            self.read_frames()
        super().finish_close(code, reason)


# Unsolicited Pongs


@switch(
    "unsolicited-pong-fails",
    violates=["rfc6455-5.5.3-4", "rfc6455-5.5.3-3"],
    also=["rfc6455-5.4-5", "rfc6455-6.2-2"],
)
class UnsolicitedPongFails(Connection):
    """A Pong that answers no Ping fails the connection."""

    def on_pong(self, payload: bytes) -> None:
        self.fail(1002, "nobody asked")


@switch(
    "unsolicited-pong-ends-tcp",
    violates=["rfc6455-5.5.3-4", "rfc6455-5.5.3-3"],
    also=["rfc6455-5.4-5", "rfc6455-6.2-2"],
)
class UnsolicitedPongEndsTcp(Connection):
    """A Pong that answers no Ping drops the connection."""

    def on_pong(self, payload: bytes) -> None:
        self.end_websocket(1006, "")
        self.end_tcp()


@switch(
    "unsolicited-pong-hangs",
    violates=["rfc6455-5.5.2-2", "rfc6455-5.5.3-3"],
    also=["rfc6455-5.4-5", "rfc6455-6.2-2"],
)
class UnsolicitedPongHangs(Connection):
    """After a Pong that answers no Ping nothing is answered any more."""

    hung = False

    def on_pong(self, payload: bytes) -> None:
        self.hung = True

    def on_ping(self, payload: bytes) -> None:
        if not self.hung:
            super().on_ping(payload)


@switch("unsolicited-pong-answered", violates=["rfc6455-5.5.3-3"])
class UnsolicitedPongAnswered(Connection):
    """A Pong that answers no Ping is answered by a Pong."""

    def on_pong(self, payload: bytes) -> None:
        self.send_frame(PONG, payload)


# Long and fragmented control frames that the client sends


@switch("long-control-taken", violates=["rfc6455-5.5-2"], also=["rfc6455-5.5-1"])
class LongControlTaken(Connection):
    """A control frame may be of any length."""

    def on_long_control(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("long-control-discarded", violates=["rfc6455-5.5-2"])
class LongControlDiscarded(Connection):
    """A control frame of more than 125 octets is dropped in silence."""

    def on_long_control(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch("long-control-fails-with-1000", violates=["rfc6455-5.5-2"], also=["rfc6455-7.1.7-3"])
class LongControlFailsWith1000(Connection):
    """A control frame of more than 125 octets is answered as if all were well."""

    def on_long_control(self, frame: InFrame) -> Reaction:
        return self.fail(1000)


@switch("long-control-hangs", violates=["rfc6455-5.5-2"], also=["rfc6455-7.1.7-1"])
class LongControlHangs(Connection):
    """After a control frame of more than 125 octets nothing is read any more, and nothing closed."""

    def on_long_control(self, frame: InFrame) -> Reaction:
        self.phase = Phase.ENDED
        return Reaction.FAILED


@switch("fragmented-control-taken", violates=["rfc6455-5.5-3"])
class FragmentedControlTaken(Connection):
    """FIN of a control frame is not looked at."""

    def on_fragmented_control(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("fragmented-control-joined", violates=["rfc6455-5.5-3"])
class FragmentedControlJoined(Connection):
    """Control frames can be fragmented like messages."""

    def __init__(self, stream: Stream, app: App, limits: Limits) -> None:
        super().__init__(stream, app, limits)
        self.parts: list[InFrame] = []
        self.joined = bytearray()

    def on_fragmented_control(self, frame: InFrame) -> Reaction:
        self.parts = [frame]
        self.joined.clear()
        return Reaction.TAKE

    def judge_data_header(self, frame: InFrame) -> Reaction:
        if self.parts and frame.opcode == CONTINUATION:
            self.parts.append(frame)
            return Reaction.TAKE
        return super().judge_data_header(frame)

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        if frame in self.parts:
            self.joined += chunk
        else:
            super().take_payload(frame, chunk)

    def end_frame(self, frame: InFrame) -> None:
        if frame not in self.parts:
            super().end_frame(frame)
        elif frame.fin:
            first, payload = self.parts[0], bytes(self.joined)
            self.parts = []
            self.on_control_frame(first, payload)


@switch("fragmented-control-discarded", violates=["rfc6455-5.5-3"])
class FragmentedControlDiscarded(Connection):
    """A control frame with FIN=0 is dropped in silence."""

    def on_fragmented_control(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


# Control frames that the server sends


@switch("sent-pong-is-fragmented", violates=["rfc6455-5.4-2"])
class SentPongIsFragmented(Connection):
    """A Pong of more than 100 octets has FIN=0."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        super().send_frame(opcode, payload, fin=fin and not (opcode == PONG and len(payload) > 100), rsv=rsv)


@switch("sent-close-is-fragmented", violates=["rfc6455-5.4-2"])
class SentCloseIsFragmented(Connection):
    """A Close has FIN=0."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        super().send_frame(opcode, payload, fin=fin and opcode != CLOSE, rsv=rsv)


@switch("sent-close-is-too-long", violates=["rfc6455-5.5-1"])
class SentCloseIsTooLong(Connection):
    """The Close repeats a long reason with three dots after it."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        reply = super().close_reply(code, reason)
        return reply + b"..." if len(reply) == LONGEST_CONTROL_PAYLOAD else reply
