"""What checks of the opening handshake share: ask with a good or a bad request, and grade the answer.

How a refusal is graded is said once, by rfc6455-4.2.1-1: a 4xx, 501 or 505 is right; another 5xx, a 3xx, the end of
TCP without a response and silence are tolerated with a warning; a 101 is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from ..peer import Ended, Silence
from ..target import Answer, Target
from ..wire.frames import Opcode, describe
from ..wire.handshake import Request, accept_for
from ._answers import ask, ready


def is_error(answer: Answer) -> bool:
    """Whether this is an HTTP error that fits a faulty request."""
    return answer.status is not None and (400 <= answer.status < 500 or answer.status in (501, 505))


async def expect_accepted(
    target: Target,
    request: Request,
    sent: str,
    *,
    tolerated: Collection[int] = (),
    warned: Collection[int] = (),
    requirements: Sequence[str] | None = None,
) -> Answer:
    """The handshake, which ``sent`` describes in a few words, gets a 101.

    Statuses in ``tolerated`` pass, those in ``warned`` warn. Findings go under ``requirements`` (all of the check's).
    """
    answer = await ask(target, request)
    for requirement in requirements or target.findings.requirements:
        if answer.accepted:
            continue
        observed = f"{answer} for {sent}"
        if answer.status in tolerated:
            target.findings.holds(observed, requirement=requirement)
        elif answer.status in warned:
            target.findings.warned("101", observed, requirement=requirement)
        else:
            target.findings.violated(
                "101, as for the plain handshake", observed, requirement=requirement, silence=answer.silent
            )
    return answer


async def expect_refused(
    target: Target,
    request: Request,
    sent: str,
    *,
    requirements: Sequence[str] | None = None,
    ordinary: bool = False,
    may_close: bool = False,
) -> Answer:
    """The handshake, which ``sent`` describes in a few words, gets an HTTP error.

    ``ordinary``: the request can be taken as plain HTTP without an upgrade, so any response but a 101 is right.
    ``may_close``: the end of TCP without a response passes. Findings go under ``requirements`` (all of the check's).
    """
    answer = await ask(target, request)
    grade_refusal(target, answer, sent, requirements=requirements, ordinary=ordinary, may_close=may_close)
    return answer


def grade_refusal(
    target: Target,
    answer: Answer,
    sent: str,
    *,
    requirements: Sequence[str] | None = None,
    ordinary: bool = False,
    may_close: bool = False,
) -> None:
    """Report how a handshake that must not be accepted was answered; see :func:`expect_refused`."""
    expected = "no 101: an HTTP error or an ordinary response" if ordinary else "an HTTP error, 400 best"
    observed = f"{answer} for {sent}"
    for requirement in requirements or target.findings.requirements:
        if answer.accepted:
            target.findings.violated(expected, observed, requirement=requirement)
        elif is_error(answer) or (ordinary and answer.status) or (may_close and answer.end and not answer.response):
            target.findings.holds(observed, requirement=requirement)
        else:
            target.findings.warned(expected, observed, requirement=requirement, silence=answer.silent)


def accept_is_right(answer: Answer, *keys: bytes) -> bool:
    """Whether a 101 carries the Sec-WebSocket-Accept of one of these keys."""
    values = answer.response.head.all("Sec-WebSocket-Accept") if answer.response else []
    return any(accept_for(key) in values for key in keys)


async def let_in(target: Target, request: Request) -> tuple[Answer, str | None]:
    """The answer to a handshake, and what ended the connection where it was accepted and closed again at once."""
    async with target.open(echo=False) as peer:
        await peer.send_request(request)
        answer = await target.answer(peer)
        ready(answer)
        if not answer.accepted:
            return answer, None
        deadline = asyncio.get_running_loop().time() + target.patience / 4
        try:
            while True:
                event = await peer.next_event(deadline=deadline)
                if isinstance(event, Ended):
                    return answer, str(event)
                if event.opcode == Opcode.CLOSE:
                    return answer, describe(event)
        except Silence:
            return answer, None
