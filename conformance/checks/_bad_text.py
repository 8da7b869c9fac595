"""How a target takes text that is no UTF-8 (RFC 6455, sections 5.6 and 8.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ...reports.model import Outcome
from ..check import Violation
from ..peer import Ended, Event, Failed, Message, Peer
from ..target import Target
from ..wire.frames import CloseCode, Opcode, ReceivedFrame, shown
from ._utf8_samples import valid_beginning

REASSEMBLED: Final = "rfc6455-5.6-3"
CODE: Final = "rfc6455-7.4.1-8"
INVALID: Final = "rfc6455-8.1-1"
FAIL_FAST: Final = "rfc6455-8.1-3"
CUT_OFF: Final = "rfc6455-8.1-4"
UNSAFE: Final = "rfc3629-3-1"

EXPECTED: Final = "the connection failed with Close 1007, or TCP end"
REPLACEMENT: Final = "\ufffd".encode()


@dataclass(frozen=True)
class Reaction:
    """What the target did about bad text: HOLDS (failed with 1007 or a bare TCP end), WARNED (failed with another
    code or none), VIOLATED."""

    outcome: Outcome
    observed: str
    silence: bool = False


class Answers:
    """Follows the data frames that come back while bad text is judged."""

    def __init__(self, target: Target, octets: bytes) -> None:
        self._form = target.found.echo
        self._chatty = target.found.chatty
        self._octets = octets
        self._came = bytearray()

    def sign_of(self, frame: ReceivedFrame) -> str | None:
        """Why a frame proves that the text was taken; None where it proves nothing.

        The valid beginning may come back as an unfinished fragment, from a target that echoes as it reads. Without a
        known echo form no frame proves anything: what follows, a Ping that is answered, does.
        """
        if self._form is None or frame.is_control:
            return None
        if frame.opcode != Opcode.CONTINUATION:
            self._came.clear()
        self._came += frame.payload
        came = bytes(self._came)
        if frame.fin:
            self._came.clear()
            return f"it was answered with a {Message(frame.opcode, came)}" if self._is_ours(came) else None
        if not self._chatty and not self._form.of(Opcode.TEXT, valid_beginning(self._octets))[1].startswith(came):
            return f"more than its valid beginning came back: {shown(came)}"
        return None

    def _is_ours(self, came: bytes) -> bool:
        """Whether a message is the echo of the text: as it was, or with the bad octets replaced or left out."""
        assert self._form is not None
        whole = self._form.of(Opcode.TEXT, self._octets)[1]
        if self._chatty:
            return came == whole or (REPLACEMENT in came and _ascii(came) == _ascii(whole))
        return _ascii(came) == _ascii(whole)


def _ascii(octets: bytes) -> bytes:
    return bytes(octet for octet in octets if octet < 0x80 and octet != ord("?"))


async def reaction_to(target: Target, peer: Peer, octets: bytes, answers: Answers | None = None) -> Reaction:
    """The target's reaction to the message with those octets, which was just sent.

    ``answers`` are those that came already while the message was being sent.
    """
    try:
        failed = await peer.expect_failed(sign_of=(answers or Answers(target, octets)).sign_of, may_be_late=True)
    except Violation as found:
        return Reaction(Outcome.VIOLATED, found.observed, found.silence)
    return reaction_of(failed)


def reaction_of(failed: Failed) -> Reaction:
    """What it is worth how the target failed the connection."""
    if failed.close is None:
        return Reaction(Outcome.HOLDS, "TCP end without a Close frame")
    if failed.code == CloseCode.INVALID_PAYLOAD:
        return Reaction(Outcome.HOLDS, "Close 1007")
    return Reaction(Outcome.WARNED, "Close without a code" if failed.code is None else f"Close {failed.code}")


def reaction_in(answers: Answers, event: Event) -> Reaction | None:
    """What a single event shows; None where it shows nothing."""
    if isinstance(event, Ended):
        return reaction_of(Failed(None, event.how))
    if event.opcode == Opcode.CLOSE:
        return reaction_of(Failed(event, None))
    sign = answers.sign_of(event)
    return None if sign is None else Reaction(Outcome.VIOLATED, sign)


def report(target: Target, reaction: Reaction) -> None:
    """Put a reaction under each requirement that the check names.

    Raises Violation for one that violates them. The close code is judged once more by the SHOULD of section 7.4.1,
    where the check names it; for failing fast it does not matter.
    """
    names = [name for name in target.findings.requirements if name != CODE]
    if reaction.outcome is Outcome.VIOLATED:
        for name in names[1:]:
            target.findings.violated(EXPECTED, reaction.observed, requirement=name, silence=reaction.silence)
        raise Violation(EXPECTED, reaction.observed, requirement=names[0], silence=reaction.silence)
    if reaction.outcome is Outcome.WARNED:
        for name in names:
            if name != FAIL_FAST:
                target.findings.warned(EXPECTED, reaction.observed, requirement=name)
        if CODE in target.findings.requirements:
            target.findings.violated("Close 1007", reaction.observed, requirement=CODE)
    if reaction.outcome is Outcome.HOLDS:
        target.findings.holds(reaction.observed)


async def try_each(target: Target, samples: Iterable[bytes]) -> None:
    """Send each of those texts on a connection of its own and report the worst reaction, up to the first violation."""
    worst = Reaction(Outcome.HOLDS, "")
    for octets in samples:
        async with target.connect() as peer:
            await peer.send_text(octets)
            reaction = await reaction_to(target, peer, octets)
        named = Reaction(reaction.outcome, f"{shown(octets)}: {reaction.observed}", reaction.silence)
        if named.outcome is Outcome.VIOLATED:
            worst = named
            break
        if named.outcome is Outcome.WARNED and worst.outcome is Outcome.HOLDS:
            worst = named
    report(target, worst)
