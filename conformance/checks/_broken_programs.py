"""How a target takes a legal program with one illegal change in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from ...reports.model import Outcome
from ..check import Undetermined, Violation
from ..peer import Ended, Failed, Message, Peer, Silence
from ..program import BrokenProgram, Change, PlannedFrame
from ..target import Target
from ..wire.frames import CloseCode, Opcode, ReceivedFrame, describe
from ._bad_text import CODE, CUT_OFF, EXPECTED, INVALID, reaction_to
from ._framing import Answer, ended_with
from ._programs import has_own_reasons, legal_part, send_cut
from ._utf8_samples import valid_beginning

NOTHING_AFTER: Final = "rfc6455-7.1.7-5"
LONG_FORM: Final = "rfc6455-5.2-10"


@dataclass(frozen=True)
class Rule:
    """What a change breaks. ``may_be_discarded``: no reaction is prescribed, so a frame that is dropped warns."""

    requirement: str
    codes: tuple[int, ...] = (CloseCode.PROTOCOL_ERROR,)
    may_be_discarded: bool = False


RULES: Final = {
    Change.RESERVED_BIT: Rule("rfc6455-5.2-3"),
    Change.RESERVED_OPCODE: Rule("rfc6455-5.2-4"),
    Change.TOP_BIT: Rule("rfc6455-5.2-8", (CloseCode.PROTOCOL_ERROR, CloseCode.MESSAGE_TOO_BIG)),
    Change.UNMASKED: Rule("rfc6455-5.1-2"),
    Change.LONG_CONTROL: Rule("rfc6455-5.5-2", may_be_discarded=True),
    Change.FRAGMENTED_CONTROL: Rule("rfc6455-5.5-3", may_be_discarded=True),
    Change.STRAY_CONTINUATION: Rule("rfc6455-5.4-14", may_be_discarded=True),
    Change.NEW_MESSAGE_INSIDE: Rule("rfc6455-5.4-4", may_be_discarded=True),
}


class Signs:
    """Reads from what comes back whether an illegal frame was taken, or what stands behind it.

    ``ping`` is the payload of a Ping behind it, empty where there is none; where the frame may be discarded its Pong
    proves nothing.
    """

    def __init__(self, target: Target, peer: Peer, program: BrokenProgram, ping: bytes) -> None:
        self._target = target
        self._peer = peer
        self._before = set(program.before.pings)
        self._bad = program.bad_content
        self._ping = ping
        unfinished = program.before.unfinished
        start = unfinished.payload if unfinished else b""
        rest = b"".join(frame.content for frame in program.after)
        earlier = {message.payload for message in program.before.messages}
        self.as_valid = {self._bad, start + self._bad, self._bad + rest, start + self._bad + rest} - earlier
        """Messages that come back where the illegal frame was taken as valid."""
        self.as_dropped = ({rest, start + rest} if rest else set()) - earlier - self.as_valid
        """Messages that come back where it was passed over."""

    def of_taking(self, frame: ReceivedFrame) -> str | None:
        """Why a frame proves that the illegal one was taken as valid; None where it proves nothing."""
        if frame.opcode == Opcode.PONG:
            answered = self._bad and frame.payload == self._bad and frame.payload not in self._before
            return f"it was answered: {describe(frame)}" if answered else None
        return self._message_among(self.as_valid, "it was taken as a message")

    def of_going_on(self, frame: ReceivedFrame) -> str | None:
        """Why a frame proves that the target took the illegal one, or went on behind it."""
        if frame.opcode == Opcode.PONG and self._ping and frame.payload == self._ping:
            return "a Ping behind it was answered"
        return self.of_taking(frame) or self._message_among(self.as_dropped, "a message behind it was taken")

    def _message_among(self, payloads: set[bytes], words: str) -> str | None:
        message = self._peer.message
        if message is None:
            return None
        form = self._target.found.echo
        for payload in payloads:
            if form is None:
                known = len(payload) >= 6 and payload in message.payload
            else:
                both = (form.of(opcode, payload) for opcode in (Opcode.TEXT, Opcode.BINARY))
                known = (message.opcode, message.payload) in both
            if known and (payload or not self._target.found.chatty):
                return f"{words}: {message}"
        return None


async def expect_broken(target: Target, program: BrokenProgram) -> None:
    """A legal program with one illegal frame fails the connection, and nothing behind that frame is answered.

    The legal part is answered first. Findings are made under the requirement of the change's kind. Raises Violation.
    """
    if program.change is Change.LONG_FORM:
        await _judge_long_form(target, program)
        return
    rule = RULES[program.change]
    ping = b"" if rule.may_be_discarded else target.nonce("ping")
    behind = [*program.after, *([PlannedFrame(Opcode.PING, ping)] if ping else [])]
    async with target.connect() as peer:
        await legal_part(target, peer, program.before)
        signs = Signs(target, peer, program, ping)
        await send_cut(target, peer, [*program.bad, *behind], program.segments)
        failed = await peer.expect_failed(
            *rule.codes,
            requirement=rule.requirement,
            discard_warns=rule.may_be_discarded,
            sign_of=signs.of_taking if rule.may_be_discarded else signs.of_going_on,
        )
        if behind:
            await _nothing_after(target, peer, failed, signs)


async def _nothing_after(target: Target, peer: Peer, failed: Failed, signs: Signs) -> None:
    """Behind the Close that fails a connection nothing comes that answers a frame behind the illegal one."""
    if failed.close is None:
        return
    deadline = asyncio.get_running_loop().time() + peer.quiet
    while True:
        try:
            event = await peer.next_event(deadline=deadline)
        except Silence:
            return
        if isinstance(event, Ended):
            return
        sign = signs.of_going_on(event)
        if sign is not None:
            target.findings.violated("nothing behind the illegal frame answered", sign, requirement=NOTHING_AFTER)
            return


async def _judge_long_form(target: Target, program: BrokenProgram) -> None:
    """A length in more bytes than it needs fails the connection, or is read for what it says."""
    (bad,) = program.bad
    unfinished = program.before.unfinished
    opcode = unfinished.opcode if unfinished and not bad.is_control else bad.opcode
    whole = (unfinished.payload if unfinished else b"") + bad.content
    expected = "the connection failed with 1002, or the frame taken as it is"
    echo = target.found.echo
    echoed = echo is not None and (opcode == Opcode.TEXT or (opcode == Opcode.BINARY and echo.binary == opcode))
    async with target.connect() as peer:
        await legal_part(target, peer, program.before)
        await send_cut(target, peer, program.bad, program.segments)
        got: Answer
        if echoed:
            got = await peer.answer(target.echo.of(opcode, whole))
            if got is None:
                observed = f"nothing within {target.patience:g} s"
                raise Violation(expected, observed, requirement=LONG_FORM, silence=True)
            if isinstance(got, Message) and (got.opcode, got.payload) != target.echo.of(opcode, whole):
                raise Violation(expected, f"misread: {got}", requirement=LONG_FORM, silence=True)
        else:
            got = ended_with(await peer.fence())
    if got is None or isinstance(got, Message):
        target.findings.noted("lenient: a length in more bytes than it needs is accepted", requirement=LONG_FORM)
    elif isinstance(got, ReceivedFrame) and got.close_code not in (None, CloseCode.PROTOCOL_ERROR):
        if has_own_reasons(got):
            raise Undetermined(f"the target ended the connection: {got}")
        target.findings.warned(expected, str(got), requirement=LONG_FORM)


async def expect_bad_text(target: Target, program: BrokenProgram) -> None:
    """A text that is no UTF-8 fails the connection, whatever comes before it. Raises Violation."""
    octets = program.bad_content
    requirement = CUT_OFF if valid_beginning(octets) == octets else INVALID
    async with target.connect() as peer:
        await legal_part(target, peer, program.before)
        await send_cut(target, peer, program.bad, program.segments)
        reaction = await reaction_to(target, peer, octets)
    if reaction.outcome is Outcome.VIOLATED:
        raise Violation(EXPECTED, reaction.observed, requirement=requirement, silence=reaction.silence)
    if reaction.outcome is Outcome.WARNED:
        target.findings.warned(EXPECTED, reaction.observed, requirement=requirement)
        target.findings.violated("Close 1007", reaction.observed, requirement=CODE)
