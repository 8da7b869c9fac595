"""What is said to a Close of any kind, legal or not, at any place of a legal program."""

from __future__ import annotations

from typing import Final

from ..check import Violation
from ..peer import Ended
from ..program import BrokenProgram, Change, Program
from ..target import Target
from ..wire.frames import CloseCode, ReceivedFrame, describe, is_wire_legal
from ._closing import close_or_end, said
from ._programs import legal_part, send_cut

ANSWERED: Final = "rfc6455-5.5.1-8"
EMPTY: Final = "rfc6455-5.5.1-17"
REPEATED: Final = "rfc6455-5.5.1-9"
REASON: Final = "rfc6455-5.5.1-4"
OTHERS_CODES: Final = "rfc6455-7.4.2-3"
HALF_A_CODE: Final = "rfc6455-5.5.1-3"
REASON_NOT_UTF8: Final = "rfc6455-5.5.1-5"
BELOW_1000: Final = "rfc6455-7.4.2-1"
NEVER_SENT: Final = "rfc6455-7.4.1-6"
UNASSIGNED: Final = "rfc6455-7.4.2-2"
RULES: Final = {
    Change.HALF_A_CODE: HALF_A_CODE,
    Change.REASON_NOT_UTF8: REASON_NOT_UTF8,
    Change.CODE_BELOW_1000: BELOW_1000,
    Change.CODE_NEVER_SENT: NEVER_SENT,
    Change.CODE_UNASSIGNED: UNASSIGNED,
}
"""What each kind of illegal Close breaks."""
BAD_CLOSE: Final = tuple(RULES.values())


async def judge_reply(target: Target, program: Program) -> None:
    """The Close at the end of a program is answered by a legal Close. Raises Violation.

    Within a fragmented message any legal code is right (section 5.4 leaves it open), elsewhere the same code, 1000 or
    none; another is judged as the fixed checks do.
    """
    sent = program.frames[-1].content
    code = int.from_bytes(sent[:2], "big") if sent else None
    async with target.connect() as peer:
        await send_cut(target, peer, program.frames, program.segments)
        try:
            answer = await close_or_end(peer)
        except Violation as found:
            raise Violation(found.expected, found.observed, requirement=ANSWERED, silence=True) from None
    if isinstance(answer, Ended):
        raise Violation("a Close in answer", said(answer), requirement=ANSWERED)
    reply = answer.close_code
    if answer.length == 1 or (reply is not None and not is_wire_legal(reply)):
        raise Violation("a legal Close in answer", describe(answer), requirement=ANSWERED)
    if reply in (code, CloseCode.NORMAL_CLOSURE, None):
        return
    findings, observed = target.findings, describe(answer)
    if program.unfinished is not None:
        findings.noted(f"within a message answered with {observed}", requirement=REPEATED)
    elif code is None:
        findings.warned("a Close without a code, or with 1000", observed, requirement=EMPTY)
    elif code >= 3000 and reply == CloseCode.PROTOCOL_ERROR:
        findings.violated(f"{code} or 1000 in answer", observed, requirement=OTHERS_CODES)
    elif len(sent) > 2:
        findings.violated(f"{code}, 1000 or no code in answer", observed, requirement=REASON)
    else:
        findings.noted(f"answered with {observed}", requirement=REPEATED)


async def judge_bad_close(target: Target, program: BrokenProgram) -> None:
    """The illegal Close of a program, sent when what comes before is answered, fails the connection. Raises Violation.

    As tolerant as the fixed checks: RFC 6455 prescribes no reaction to most of them.
    """
    (bad,) = program.bad
    async with target.connect() as peer:
        await legal_part(target, peer, program.before)
        await send_cut(target, peer, program.bad, program.segments)
        try:
            answer = await close_or_end(peer)
        except Violation as found:
            if program.change is Change.CODE_NEVER_SENT:
                target.findings.warned(found.expected, found.observed, requirement=NEVER_SENT, silence=True)
                return
            requirement = RULES[program.change]
            raise Violation(found.expected, found.observed, requirement=requirement, silence=True) from None
    if not isinstance(answer, Ended):
        _judge_answer(target, program.change, bad.content, answer)


def _judge_answer(target: Target, change: Change, sent: bytes, answer: ReceivedFrame) -> None:
    """The Close that came to an illegal one."""
    code = int.from_bytes(sent[:2], "big")
    reply = answer.close_code
    observed = describe(answer)
    taken = False
    tolerated: tuple[int | None, ...] = (CloseCode.PROTOCOL_ERROR, None)
    match change:
        case Change.HALF_A_CODE:
            taken = answer.payload[:1] == sent
        case Change.REASON_NOT_UTF8:
            taken = reply in (code, CloseCode.NORMAL_CLOSURE) or answer.close_reason == sent[2:]
            tolerated = (CloseCode.INVALID_PAYLOAD, *tolerated)
        case Change.CODE_BELOW_1000:
            taken = reply == code
            tolerated = (CloseCode.NORMAL_CLOSURE, *tolerated)
        case Change.CODE_UNASSIGNED:
            tolerated = (CloseCode.NORMAL_CLOSURE, code, *tolerated)
        case _:
            return  # any Close will do; which codes the target itself sends is read along (see lint.py)
    expected = "the Close refused, with 1002 for example"
    if taken:
        target.findings.violated(expected, f"it is taken as a Close: {observed}", requirement=RULES[change])
    elif reply not in tolerated:
        target.findings.warned(expected, observed, requirement=RULES[change])
