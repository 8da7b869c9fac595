"""Switches: the closing handshake, close codes and the end of TCP (RFC 6455, sections 5.5.1 and 7)."""

from __future__ import annotations

import asyncio
import struct

from .app import App
from .connection import Connection, Phase, Reaction
from .frames import BINARY, InFrame, close_payload
from .stream import Stream
from .switch import switch

LATE = 0.3
"""Seconds: longer than `as soon as practical`, and much shorter than the patience of the proofs, for a busy machine."""
EVERY_CLOSE = ["rfc6455-5.5.1-*", "rfc6455-7.*"]
EVERY_FAILURE = ["rfc3629-3-1", "rfc6455-5.*", "rfc6455-7.*", "rfc6455-8.1-*", "rfc6455-9.1-5", "rfc6455-10.7-3"]
"""What goes wrong where every failure has a wrong close code."""


def status(code: int) -> bytes:
    """The body of a Close with that code, also one that may not be sent."""
    return struct.pack("!H", code)


# The Close in answer


@switch("close-unanswered", violates=["rfc6455-5.5.1-8"], also=[*EVERY_CLOSE, "rfc6455-5.4-5"])
class CloseUnanswered(Connection):
    """A Close from the client is not answered, only TCP ends."""

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        pass


@switch("close-with-body-refused", violates=["rfc6455-5.5.1-1"], also=EVERY_CLOSE)
class CloseWithBodyRefused(Connection):
    """A Close may not have a body."""

    def on_close_frame(self, payload: bytes) -> None:
        if payload:
            self.fail(1002, "Close with a body")
        else:
            super().on_close_frame(payload)


@switch("empty-close-answered-with-one-octet", violates=["rfc6455-5.5.1-2"], also=["rfc6455-5.5.1-17"])
class CloseWithOneOctet(Connection):
    """An empty Close is answered by one with a body of one octet."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return b"\x03" if code is None else super().close_reply(code, reason)


@switch("half-a-code-echoed", violates=["rfc6455-5.5.1-3"], also=["rfc6455-5.5.1-2"])
class HalfACodeEchoed(Connection):
    """A Close with a body of one octet is answered with that octet."""

    def on_one_octet_close(self, payload: bytes) -> None:
        self.send_close(payload)
        self.fail(1002)


@switch("half-a-code-leaves-tcp-open", violates=["rfc6455-7.1.7-1"])
class HalfACodeLeavesTcpOpen(Connection):
    """A Close with a body of one octet is answered with 1002, and TCP stays open."""

    def on_one_octet_close(self, payload: bytes) -> None:
        self.send_close(status(1002))
        self.fall_silent()


@switch("half-a-code-ignored", violates=["rfc6455-5.5.1-3"])
class HalfACodeIgnored(Connection):
    """A Close with a body of one octet is ignored."""

    def on_one_octet_close(self, payload: bytes) -> None:
        pass


@switch("long-reason-refused", violates=["rfc6455-5.5.1-4"])
class LongReasonRefused(Connection):
    """A reason of more than 121 octets fails the connection."""

    def is_valid_reason(self, reason: bytes) -> bool:
        return len(reason) <= 121 and super().is_valid_reason(reason)


@switch("invalid-reason-echoed", violates=["rfc6455-5.5.1-5"], also=["rfc6455-5.5.1-21"])
class InvalidReasonEchoed(Connection):
    """A reason that is no UTF-8 is echoed."""

    def is_valid_reason(self, reason: bytes) -> bool:
        return True


@switch("invalid-reason-closed-with-1000", violates=["rfc6455-5.5.1-5"])
class InvalidReasonClosedWith1000(Connection):
    """A reason that is no UTF-8 is answered with 1000."""

    def on_invalid_close_reason(self, code: int | None, reason: bytes) -> None:
        self.finish_close(1000, b"")


@switch("reason-cut-inside-character", violates=["rfc6455-5.5.1-21"])
class ReasonCutInsideCharacter(Connection):
    """A longer reason is echoed up to its octet 100."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return super().close_reply(code, reason[:100] if len(reason) > 100 and not reason.isascii() else reason)


@switch("close-answered-with-1011", violates=["rfc6455-5.5.1-9"], also=["rfc6455-7.4.1-11"])
class CloseAnsweredWith1011(Connection):
    """A Close with a code is answered with 1011."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return b"" if code is None else status(1011)


@switch("close-answered-without-code", violates=["rfc6455-7.4-1"])
class CloseAnsweredWithoutCode(Connection):
    """Every Close is answered with an empty one."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return b""


@switch("registered-codes-refused", violates=["rfc6455-7.4.2-2"])
class RegisteredCodesRefused(Connection):
    """A Close with a code that was registered later, 1012 to 1014, is a protocol error."""

    def is_legal_close_code(self, code: int) -> bool:
        return code not in (1012, 1013, 1014) and super().is_legal_close_code(code)


@switch("empty-close-answered-with-1002", violates=["rfc6455-5.5.1-17"])
class EmptyCloseAnsweredWith1002(Connection):
    """An empty Close is answered with 1002."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return status(1002) if code is None else super().close_reply(code, reason)


@switch("empty-close-answered-with-1005", violates=["rfc6455-5.5.1-17", "rfc6455-7.4.1-3"])
class EmptyCloseAnsweredWith1005(Connection):
    """An empty Close is answered with the code 1005, which must never be sent."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return status(1005) if code is None else super().close_reply(code, reason)


@switch("empty-close-answered-with-0", violates=["rfc6455-7.4.2-5"], also=["rfc6455-5.5.1-17"])
class EmptyCloseAnsweredWith0(Connection):
    """An empty Close is answered with the code 0."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return status(0) if code is None else super().close_reply(code, reason)


@switch("empty-close-answered-with-1010", violates=["rfc6455-7.4.1-10"], also=["rfc6455-5.5.1-17"])
class EmptyCloseAnsweredWith1010(Connection):
    """An empty Close is answered with 1010, a code for clients."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return status(1010) if code is None else super().close_reply(code, reason)


@switch("close-answered-late", violates=["rfc6455-5.5.1-10"], also=["rfc6455-5.5.1-13", "rfc6455-7.1.1-5"])
class CloseAnsweredLate(Connection):
    """The Close in answer comes late."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        self.phase = Phase.CLOSING
        asyncio.get_running_loop().call_later(LATE, super().finish_close, code, reason)


@switch("close-within-message-waits", violates=["rfc6455-5.5.1-19"], also=["rfc6455-5.4-5"])
class CloseWithinMessageWaits(Connection):
    """A Close between the fragments of a message is ignored."""

    def on_close_frame(self, payload: bytes) -> None:
        if self.message_opcode is None:
            super().on_close_frame(payload)


@switch("close-within-message-delivers", violates=["rfc6455-5.5.1-19"])
class CloseWithinMessageDelivers(Connection):
    """A Close between the fragments of a message has the fragments delivered first, as a whole message."""

    def on_close_frame(self, payload: bytes) -> None:
        if self.message_opcode is not None and self.is_open:
            self.deliver(self.message_opcode, bytes(self.message))
        super().on_close_frame(payload)


@switch("two-closes", violates=["rfc6455-5.5.1-16"])
class TwoCloses(Connection):
    """The Close in answer is sent twice."""

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        super().reply_to_close(code, reason)
        super().reply_to_close(code, reason)


@switch("second-close-answered", violates=["rfc6455-5.5.1-16"])
class SecondCloseAnswered(Connection):
    """A second Close that came together with the first is answered too."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if self.buffer[:1] == b"\x88" and not self.close_sent:
            self.reply_to_close(code, reason)
            self.reply_to_close(code, reason)
        super().finish_close(code, reason)


@switch("close-crossing-answered", violates=["rfc6455-5.5.1-15"], also=["rfc6455-5.5.1-16"])
class CloseCrossingAnswered(Connection):
    """A Close that crosses the server's own is answered with a second one."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if self.close_sent:
            self.reply_to_close(code, reason)
        super().finish_close(code, reason)


# After the Close


class KeepsReading(Connection):
    """A connection that goes on reading after the client's Close, for the rest of the octets that have come."""

    reading_on = False

    def read_on(self) -> None:
        """Treat what the buffer still holds as if no Close had come; a further one counts for nothing."""
        self.reading_on = True
        while self.buffer and self.read_step() and self.phase is Phase.OPEN:
            pass

    def on_close_frame(self, payload: bytes) -> None:
        if not self.reading_on:
            super().on_close_frame(payload)


@switch("message-after-close-echoed", violates=["rfc6455-5.5.1-7", "rfc6455-5.5.1-18"])
class MessageAfterCloseEchoed(KeepsReading):
    """A message that follows the client's Close is echoed after the server's."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if not self.close_sent:
            self.reply_to_close(code, reason)
        self.read_on()
        super().finish_close(code, reason)


@switch("message-after-close-echoed-first", violates=["rfc6455-5.5.1-18"])
class MessageAfterCloseEchoedFirst(KeepsReading):
    """A message that follows the client's Close is echoed before the Close is answered."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        self.read_on()
        super().finish_close(code, reason)


@switch("echo-after-close", violates=["rfc6455-5.5.1-7"], also=["rfc6455-6.1-2"])
class EchoAfterClose(Connection):
    """The last echo is sent once more after the server's Close."""

    last: tuple[int, bytes] | None = None

    def send_message(self, opcode: int, message: bytes) -> None:
        self.last = (opcode, message)
        super().send_message(opcode, message)

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        super().reply_to_close(code, reason)
        if self.last is not None:
            self.send_frame(*self.last)


# The end of TCP


class Unmoved(asyncio.Protocol):
    """What reads a connection after its closing handshake: nothing moves it, not even the client's FIN."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def eof_received(self) -> bool:
        """The client's FIN. True has asyncio keep the socket, unless the server has ended TCP."""
        return not self.stream.ended

    def connection_lost(self, error: Exception | None) -> None:
        """The end of TCP."""
        self.stream.connection_lost(error)


@switch(
    "tcp-left-open",
    violates=["rfc6455-5.5.1-12", "rfc6455-7.1.1-3", "rfc6455-7.1.1-4", "rfc6455-7.1.2-2"],
    also=EVERY_CLOSE,
)
class TcpLeftOpen(Connection):
    """After the closing handshake TCP stays open, also when the client ends it."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if not self.close_sent:
            self.reply_to_close(code, reason)
        self.end_websocket(1005 if code is None else code, reason.decode())
        self.stream.transport.set_protocol(Unmoved(self.stream))


@switch("tcp-left-to-the-client", violates=["rfc6455-5.5.1-13"], also=EVERY_CLOSE)
class TcpLeftToTheClient(Connection):
    """After a plain closing handshake the server leaves it to the client to end TCP."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if code != 1000 or reason or self.close_sent:
            super().finish_close(code, reason)
            return
        self.reply_to_close(code, reason)
        self.end_websocket(code, "")


@switch("tcp-ends-late", violates=["rfc6455-5.5.1-13", "rfc6455-7.1.1-5"])
class TcpEndsLate(Connection):
    """After the closing handshake the server waits before it ends TCP."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if not self.close_sent:
            self.reply_to_close(code, reason)
        self.end_websocket(1005 if code is None else code, reason.decode())
        asyncio.get_running_loop().call_later(LATE, self.end_tcp)


class UnmovedByEarlyFin(Unmoved):
    """As Unmoved, until its server ends TCP a little later; a client that ends TCP before that is forgotten."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self.end = asyncio.get_running_loop().call_later(0.05, stream.end)

    def eof_received(self) -> bool:
        """The client's FIN."""
        self.end.cancel()
        return super().eof_received()


@switch("early-fin-confuses", violates=["rfc6455-5.5.1-14"])
class EarlyFinConfuses(Connection):
    """A client that ends TCP before the server does makes the server forget to."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if self.close_sent:
            super().finish_close(code, reason)
            return
        self.reply_to_close(code, reason)
        self.end_websocket(1005 if code is None else code, reason.decode())
        self.stream.transport.set_protocol(UnmovedByEarlyFin(self.stream))


@switch("long-echo-delayed", violates=["rfc6455-5.5.1-11"])
class LongEchoDelayed(Connection):
    """A very long message is delivered a little later, which a Close does not wait for."""

    def deliver(self, opcode: int, message: bytes) -> None:
        if len(message) < 200_000:
            super().deliver(opcode, message)
        else:
            asyncio.get_running_loop().call_later(0.01, super().deliver, opcode, message)


@switch("tcp-ends-late-after-failure", violates=["rfc6455-7.1.1-5"], also=["rfc6455-7.1.7-1"])
class TcpEndsLateAfterFailure(Connection):
    """After a failure the server waits before it ends TCP."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        if not self.close_sent:
            self.send_close(close_payload(code, reason))
        self.end_websocket(1006, "")
        asyncio.get_running_loop().call_later(LATE, self.end_tcp)
        return Reaction.FAILED


@switch("tcp-reset", violates=["rfc6455-7.1.1-1"], also=["rfc6455-5.5.1-12", "rfc6455-5.5.1-15"])
class TcpReset(Connection):
    """TCP ends by a reset instead of a FIN, once the client has had time to read."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        if not self.close_sent:
            self.reply_to_close(code, reason)
        self.end_websocket(1005 if code is None else code, reason.decode())
        asyncio.get_running_loop().call_later(0.05, self.reset_tcp)

    def reset_tcp(self) -> None:
        """End TCP by a reset, unless it is over."""
        if not self.stream.ended:
            self.stream.reset()


@switch("tcp-reset-after-failure", violates=["rfc6455-7.1.1-2"])
class TcpResetAfterFailure(TcpReset):
    """A connection is failed by a Close, and a reset instead of a FIN."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        if not self.close_sent:
            self.send_close(close_payload(code, reason))
        self.end_websocket(1006, "")
        asyncio.get_running_loop().call_later(0.05, self.reset_tcp)
        return Reaction.FAILED

    def finish_close(self, code: int | None, reason: bytes) -> None:
        Connection.finish_close(self, code, reason)


# Failing the connection


@switch(
    "failure-without-close",
    violates=["rfc6455-7.1.7-3", "rfc6455-7.1.7-4"],
    also=["rfc6455-7.4.1-9", "rfc6455-10.7-3"],
)
class FailureWithoutClose(Connection):
    """A connection is failed by the end of TCP alone, without a Close."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        self.close_sent = True
        return super().fail(code, reason)


@switch("invalid-utf8-leaves-tcp-open", violates=["rfc6455-7.1.7-1"])
class InvalidUtf8LeavesTcpOpen(Connection):
    """What is no UTF-8 is answered with a Close, but TCP stays open."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        if code != 1007:
            return super().fail(code, reason)
        self.send_close(close_payload(code, reason))
        self.end_websocket(1006, "")
        return Reaction.FAILED


@switch("failure-closed-with-1006", violates=["rfc6455-7.4.1-4"], also=EVERY_FAILURE)
class FailureClosedWith1006(Connection):
    """A failure is announced with the code 1006, which must never be sent."""

    def failure_payload(self, code: int, reason: str) -> bytes:
        return super().failure_payload(1006, reason)


@switch("failure-closed-with-1000", violates=["rfc6455-7.1.7-3"], also=EVERY_FAILURE)
class FailureClosedWith1000(Connection):
    """Every failure is announced with 1000."""

    def failure_payload(self, code: int, reason: str) -> bytes:
        return super().failure_payload(1000, reason)


@switch("half-close-answered-with-1006", violates=["rfc6455-7.4.1-4"])
class HalfCloseAnsweredWith1006(Connection):
    """When the client ends TCP without a Close the server sends one with 1006."""

    def peer_ended(self) -> None:
        if self.is_open:
            self.send_close(status(1006))
        super().peer_ended()


# Codes that come in


class CodeTaken(Connection):
    """A connection that takes some illegal close codes as legal."""

    codes: frozenset[int]

    def is_legal_close_code(self, code: int) -> bool:
        return code in self.codes or super().is_legal_close_code(code)


@switch("close-1005-echoed", violates=["rfc6455-7.4.1-3"])
class Close1005Echoed(CodeTaken):
    """A Close with 1005 is echoed."""

    codes = frozenset({1005})


@switch("close-1006-echoed", violates=["rfc6455-7.4.1-4"])
class Close1006Echoed(CodeTaken):
    """A Close with 1006 is echoed."""

    codes = frozenset({1006})


@switch("close-1015-echoed", violates=["rfc6455-7.4.1-5"])
class Close1015Echoed(CodeTaken):
    """A Close with 1015 is echoed."""

    codes = frozenset({1015})


@switch("close-below-1000-echoed", violates=["rfc6455-7.4.2-1"])
class CloseBelow1000Echoed(CodeTaken):
    """A Close with a code below 1000 is echoed."""

    codes = frozenset(range(1000))


class CodeIgnored(Connection):
    """A connection that ignores a Close with some illegal codes, and goes on."""

    codes: frozenset[int]

    def on_illegal_close_code(self, code: int, reason: bytes) -> None:
        if code not in self.codes:
            super().on_illegal_close_code(code, reason)


@switch("never-sent-codes-ignored", violates=["rfc6455-7.4.1-6"])
class NeverSentCodesIgnored(CodeIgnored):
    """A Close with 1005, 1006 or 1015 is ignored."""

    codes = frozenset({1005, 1006, 1015})


@switch("close-1004-ignored", violates=["rfc6455-7.4.1-7"])
class Close1004Ignored(CodeIgnored):
    """A Close with 1004 is ignored."""

    codes = frozenset({1004})


@switch("unassigned-codes-ignored", violates=["rfc6455-7.4.2-2"])
class UnassignedCodesIgnored(CodeIgnored):
    """A Close with an unassigned code from 1016 to 2999 is ignored."""

    codes = frozenset(range(1016, 3000))


@switch("codes-from-5000-ignored", violates=["rfc6455-7.4.2-4"])
class CodesFrom5000Ignored(CodeIgnored):
    """A Close with a code of 5000 or more is ignored."""

    codes = frozenset(range(5000, 65536))


class CodeRefused(Connection):
    """A connection that takes some legal close codes for illegal."""

    codes: frozenset[int]

    def is_legal_close_code(self, code: int) -> bool:
        return code not in self.codes and super().is_legal_close_code(code)


@switch("private-codes-refused", violates=["rfc6455-7.4.2-3"], also=["rfc6455-7.1.5-1", "rfc6455-7.1.6-1"])
class PrivateCodesRefused(CodeRefused):
    """A Close with a code from 3000 to 4999 is a protocol error."""

    codes = frozenset(range(3000, 5000))


@switch("close-1010-refused", violates=["rfc6455-7.4.1-11"])
class Close1010Refused(CodeRefused):
    """A Close with 1010 is a protocol error."""

    codes = frozenset({1010})


# The server's own closing


@switch("binary-refused", violates=["rfc6455-7.4.1-2"])
class BinaryRefused(App):
    """The echo takes text only, and closes with 1003 for a binary message."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        if opcode == BINARY:
            connection.start_close(1003, "text only")
        else:
            super().echo(connection, opcode, message)


@switch("closes-without-close", violates=["rfc6455-7.1.2-1", "rfc6455-7.3-1"], also=["rfc6455-4.2.2-10"])
class ClosesWithoutClose(Connection):
    """When the application closes, TCP ends without a Close."""

    def start_close(self, code: int | None, reason: str = "") -> None:
        if self.is_open:
            self.end_websocket(1006, "")
            self.end_tcp()


@switch("closes-with-1000-always", violates=["rfc6455-7.1.2-1"], also=["rfc6455-4.2.2-10"])
class ClosesWith1000Always(Connection):
    """Whatever code the application gives, 1000 is sent."""

    def start_close(self, code: int | None, reason: str = "") -> None:
        super().start_close(1000, reason)


@switch("crash-without-close", violates=["rfc6455-7.4.1-12"])
class CrashWithoutClose(Connection):
    """When a handler fails, TCP ends without a Close."""

    def on_handler_error(self) -> None:
        self.end_websocket(1006, "")
        self.end_tcp()


@switch("close-code-lost", violates=["rfc6455-7.1.5-1"])
class CloseCodeLost(App):
    """The application is told 1000, however the connection ended."""

    def ended(self, connection: Connection, code: int, reason: str) -> None:
        super().ended(connection, 1000, reason)


@switch("close-reason-lost", violates=["rfc6455-7.1.6-1"])
class CloseReasonLost(App):
    """The application is told no reason."""

    def ended(self, connection: Connection, code: int, reason: str) -> None:
        super().ended(connection, code, "")


@switch("failure-closed-with-1004", violates=["rfc6455-7.4.2-5", "rfc6455-7.4.1-1"], also=EVERY_FAILURE)
class FailureClosedWith1004(Connection):
    """Every failure is announced with 1004, which has no meaning."""

    def failure_payload(self, code: int, reason: str) -> bytes:
        return super().failure_payload(1004, reason)


@switch("too-big-closed-with-1000", violates=["rfc6455-7.4.1-9"], also=["rfc6455-10.4-*"])
class TooBigClosedWith1000(Connection):
    """A message above the limit is answered with Close 1000."""

    def on_too_big(self, frame: InFrame) -> Reaction:
        return self.fail(1000)
