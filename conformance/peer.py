"""Our end of one connection in the hands of a check: sends, expects, and judges what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..reports.model import RawFinding
from .budget import Budget
from .check import Findings, Undetermined, Violation
from .connection import Connection
from .discovered import EchoForm
from .endpoint import Endpoint
from .events import KEEP, Ended, Event, Kept, Message, Silence, describe_all
from .link import TcpEnd
from .source import Source
from .transcript import Transcript
from .wire.frames import CloseCode, Frame, Opcode, ReceivedFrame, close_frame, describe, shown

__all__ = ["KEEP", "Ended", "Event", "Failed", "Message", "Peer", "Silence", "describe_all"]


@dataclass(frozen=True)
class Failed:
    """How the target failed the connection: its Close frame if one came, and how TCP ended if it did in time."""

    close: ReceivedFrame | None
    end: TcpEnd | None

    @property
    def code(self) -> int | None:
        return self.close.close_code if self.close else None


class Peer(Connection):
    """One connection to the target. Made by :class:`~.target.Target`.

    ``echo``, ``chatty`` and ``deaf`` are what discovery has found; see :class:`~.discovered.Discovered`.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        findings: Findings,
        transcript: Transcript,
        budget: Budget,
        patience: float,
        echo: EchoForm | None = None,
        chatty: bool = False,
        deaf: bool = False,
        observe: Callable[[RawFinding], None] = lambda finding: None,
        keep: int = KEEP,
        source: Source | None = None,
    ) -> None:
        super().__init__(
            endpoint=endpoint,
            transcript=transcript,
            budget=budget,
            patience=patience,
            observe=observe,
            keep=keep,
            source=source,
        )
        self.findings = findings
        self._echo = echo
        self._chatty = chatty
        self._deaf = deaf
        self._asked: int | None = None

    def _rule(self, name: str, **told: Any) -> int:
        """Note what is expected from here on, so that a replay can judge by it."""
        return self.recording.rule(self.conn, name, told)

    def _broken(self, rule: int | None, violation: Violation) -> Violation:
        """Note that this is how that expectation was disappointed."""
        if rule is not None:
            self.recording.broken(rule, violation.expected, violation.observed)
        return violation

    def unanswered(self, violation: Violation) -> Violation:
        """The violation that the latest :meth:`answer` was none of the wanted: a replay judges by that alone."""
        return self._broken(self._asked, violation)

    async def answer(
        self, *wanted: tuple[int, bytes], patience: float | None = None
    ) -> Message | ReceivedFrame | Ended | None:
        """The answer to a message just sent: one of the ``wanted`` (opcode, payload), if it comes.

        Else another message, a Close, the end of TCP, or None for silence. Any target may say something of its own now
        and then: after another message the wanted one is awaited a little longer, and as long as ever on a target that
        is known to push.
        """
        self._asked = self._rule("message", wanted=wanted, timeout=self._seconds(patience), chatty=self._chatty)
        loop = asyncio.get_running_loop()
        deadline = self._deadline(patience)
        other: Message | None = None
        while True:
            try:
                got = await self.next_message(deadline - loop.time())
            except Silence:
                return other
            if not isinstance(got, Message):
                return other or got
            if (got.opcode, got.payload) in wanted:
                return got
            if not self._chatty:
                if other is None:
                    deadline = min(deadline, loop.time() + self.quiet)
                other = other or got

    async def expect_message(self, opcode: int, payload: bytes, patience: float | None = None) -> Message:
        """This message comes; others of the target's own are passed over. Raises Violation."""
        expected = str(Message(opcode, payload))
        got = await self.answer((opcode, payload), patience=patience)
        if got is None:
            raise self.unanswered(Violation(expected, f"nothing within {self._told(patience)}", silence=True))
        if isinstance(got, Message) and (got.opcode, got.payload) == (opcode, payload):
            return got
        raise self.unanswered(Violation(expected, str(got)))

    async def expect_echo(self, payload: str | bytes, opcode: int = Opcode.TEXT) -> Message:
        """The next message is the echo of ``payload``, in the target's wording. Needs ECHO (BINARY_ECHO)."""
        data = payload.encode() if isinstance(payload, str) else payload
        if self._echo is None:
            raise Undetermined("the target is not known to echo")
        return await self.expect_message(*self._echo.of(opcode, data))

    async def echo(self, payload: str | bytes, opcode: int = Opcode.TEXT, *, chop: int | None = None) -> Message:
        """Send a message in one frame and expect its echo."""
        data = payload.encode() if isinstance(payload, str) else payload
        await self.send(Frame(opcode, data), chop=chop)
        return await self.expect_echo(data, opcode)

    async def expect_pong(self, payload: bytes, patience: float | None = None) -> list[Event]:
        """A Pong with exactly this payload comes; returns the other frames that came before it.

        Raises Violation; one that rests on silence says so.
        """
        deadline = self._deadline(patience)
        before = Kept()
        expected = f"a Pong with the Ping's payload {shown(payload)}"
        rule = self._rule("pong", payload=payload, timeout=self._seconds(patience))
        while True:
            try:
                event = await self.next_event(deadline=deadline)
            except Silence:
                others = f" (but {describe_all(before.events)})" if before.events else ""
                observed = f"none within {self._told(patience)}{others}"
                raise self._broken(rule, Violation(expected, observed, silence=True)) from None
            if isinstance(event, ReceivedFrame):
                if event.opcode == Opcode.PONG and event.payload == payload:
                    return before.events
                if event.opcode != Opcode.CLOSE:
                    before.add(event)
                    continue
            raise self._broken(rule, Violation(expected, str(event)))

    async def ping(self, payload: bytes = b"", *, chop: int | None = None) -> list[Event]:
        """Send a Ping and expect its Pong; returns what came before it."""
        await self.send(Frame(Opcode.PING, payload), chop=chop)
        return await self.expect_pong(payload)

    async def fence(self) -> list[Event]:
        """Prove that nothing more will come from the protocol: a Ping whose Pong must be next.

        Returns all that came before the Pong. Raises Undetermined when the Pong does not come: a busy application can
        keep a stack from reading. A Close or the end of TCP is returned as the last event.
        """
        nonce = self.source.nonce("fence")
        await self.send(Frame(Opcode.PING, nonce))
        deadline = self._deadline(None)
        before = Kept()
        while True:
            try:
                event = await self.next_event(deadline=deadline)
            except Silence:
                raise Undetermined(f"a Ping was not answered within {self.patience:g} s") from None
            if isinstance(event, ReceivedFrame) and event.opcode == Opcode.PONG and event.payload == nonce:
                return before.events
            before.add(event)
            if self.is_end(event):
                return before.events

    async def expect_alive(self, requirement: str | None = None) -> list[Event]:
        """The connection is still open and working: a Ping is answered. Returns what came before the Pong."""
        before = await self.fence()
        if before and self.is_end(before[-1]):
            raise Violation("the connection goes on", describe_all(before), requirement=requirement)
        return before

    @staticmethod
    def is_end(event: Event) -> bool:
        """Whether this event is a Close frame or the end of TCP."""
        return isinstance(event, Ended) or event.opcode == Opcode.CLOSE

    async def expect_failed(
        self,
        *codes: int,
        taken: Sequence[bytes] = (),
        earlier: Sequence[bytes] = (),
        requirement: str | None = None,
        discard_warns: bool = False,
        sign_of: Callable[[ReceivedFrame], str | None] | None = None,
        may_be_late: bool = False,
    ) -> Failed:
        """The target fails the connection because of what was just sent (RFC 6455, section 7.1.7).

        ``codes`` are the right close codes; another legal one is a warning, TCP end without Close is right.
        ``taken`` are payloads that prove, when they come back in a Pong or a message, that the illegal frame was taken
        as valid; ``earlier`` are payloads sent before it, whose echoes may still come. Where the connection is left
        open and working that is a violation, or with ``discard_warns`` (the frame was discarded, and no reaction is
        prescribed) a warning. A Close that is not followed by the end of TCP is judged by rfc6455-7.1.7-1 only.
        ``sign_of`` replaces ``taken`` and ``earlier`` where only the check can read what comes back: it says why a
        frame proves that the illegal one was taken, None where it proves nothing. ``may_be_late``: the fault may be
        seen behind the stack that answers Pings (text is often decoded there), so a Pong alone proves nothing yet.
        """
        expected = f"the connection failed with {' or '.join(map(str, codes)) or 'a Close'}, or TCP end"
        rule: int | None = None
        if sign_of is None:
            told = {"codes": codes, "taken": taken, "earlier": earlier, "echo": self._echo, "may_be_late": may_be_late}
            rule = self._rule("failed", timeout=self.patience, quiet=self.quiet, **told)
        nonce: bytes | None = None
        working = False
        deadline = self._deadline(self.quiet)
        while True:
            try:
                event = await self.next_event(deadline=deadline)
            except Silence:
                if working:
                    observed = f"the connection is open and working {self.patience:g} s later"
                    violation = Violation(expected, observed, requirement=requirement, silence=True)
                    raise self._broken(rule, violation) from None
                if nonce is None:
                    nonce = self.source.nonce("still-open")
                    await self.send(Frame(Opcode.PING, nonce))
                    deadline = self._deadline(None)
                    continue
                if self._deaf:
                    raise Undetermined("the target answers no Ping on a fresh connection, so it may not read") from None
                observed = f"neither Close nor TCP end within {self.patience:g} s, and a later Ping stays unanswered"
                violation = Violation(expected, observed, requirement=requirement, silence=True)
                raise self._broken(rule, violation) from None
            if isinstance(event, Ended):
                return Failed(None, event.how)
            if event.opcode == Opcode.CLOSE:
                break
            if nonce is not None and event.opcode == Opcode.PONG and event.payload == nonce:
                if discard_warns:
                    warning = Violation(expected, "the frame was discarded", requirement=requirement)
                    self.findings.warned(expected, self._broken(rule, warning).observed, requirement=requirement)
                    return Failed(None, None)
                if may_be_late:
                    working = True
                    continue
                violation = Violation(expected, "the connection is open and working", requirement=requirement)
                raise self._broken(rule, violation)
            sign = self._taken(event, taken, earlier) if sign_of is None else sign_of(event)
            if sign is not None:
                raise self._broken(rule, Violation(expected, sign, requirement=requirement))
        failed = Failed(event, None)
        code = failed.code
        if codes and code is not None and code not in codes:
            warning = Violation(expected, f"Close {code}", requirement=requirement)
            self.findings.warned(expected, self._broken(rule, warning).observed, requirement=requirement)
        return failed

    def _taken(self, event: ReceivedFrame, taken: Sequence[bytes], earlier: Sequence[bytes]) -> str | None:
        """Why this frame proves that an illegal one was taken as valid; None where it proves nothing."""
        if event.opcode == Opcode.PONG:
            answered = event.payload and event.payload in taken  # an empty one may be a heartbeat (section 5.5.3)
            return f"it was answered: {describe(event)}" if answered else None
        message = self.message
        if message is None:
            return None
        if self._echo is not None:
            early = [self._echo.of(op, data) for data in earlier for op in (Opcode.TEXT, Opcode.BINARY)]
            if (message.opcode, message.payload) in early:
                return None
            ours = [self._echo.of(op, data) for data in taken for op in (Opcode.TEXT, Opcode.BINARY)]
            if (message.opcode, message.payload) in ours:
                return f"it was taken as a message: {message}"
        if any(data and data in message.payload for data in taken):
            return f"it was taken as a message: {message}"
        return None

    async def expect_close(self, *codes: int | None, patience: float | None = None) -> ReceivedFrame:
        """A Close frame comes (other frames before it are passed over); with ``codes``, one of them (None: empty body).

        Raises Violation for the end of TCP without a Close, for silence, and for another code.
        """
        wanted = " or ".join("no code" if code is None else str(code) for code in codes)
        expected = f"a Close frame{' with ' + wanted if codes else ''}"
        rule = self._rule("close", codes=codes, timeout=self._seconds(patience))
        deadline = self._deadline(patience)
        while True:
            try:
                event = await self.next_event(deadline=deadline)
            except Silence:
                observed = f"none within {self._told(patience)}"
                raise self._broken(rule, Violation(expected, observed, silence=True)) from None
            if isinstance(event, Ended):
                raise self._broken(rule, Violation(expected, f"{event} without a Close frame"))
            if event.opcode == Opcode.CLOSE:
                if codes and event.close_code not in codes:
                    raise self._broken(rule, Violation(expected, describe(event)))
                return event

    async def expect_end(self, patience: float | None = None, requirement: str | None = None) -> TcpEnd:
        """The target ends TCP. What comes before is passed over. Raises Violation (silence)."""
        expected = "the target ends the TCP connection"
        rule = self._rule("end", timeout=self._seconds(patience))
        deadline = self._deadline(patience)
        while True:
            try:
                event = await self.next_event(deadline=deadline)
            except Silence:
                observed = f"still open after {self._told(patience)}"
                violation = Violation(expected, observed, requirement=requirement, silence=True)
                raise self._broken(rule, violation) from None
            if isinstance(event, Ended):
                return event.how

    async def drain(self, patience: float | None = None) -> list[Event]:
        """All that comes until the connection ends or the patience is over; the end is the last event if it came."""
        deadline = self._deadline(patience)
        came = Kept()
        while True:
            try:
                event = await self.next_event(deadline=deadline)
            except Silence:
                return came.events
            came.add(event)
            if isinstance(event, Ended):
                return came.events

    async def closing_handshake(self, code: int | None = CloseCode.NORMAL_CLOSURE, reason: str = "") -> ReceivedFrame:
        """Send Close, expect a Close in answer."""
        await self.send(close_frame(code, reason))
        return await self.expect_close()
