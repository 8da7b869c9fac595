"""Grading the answers to HTTP requests: which kinds of answer pass, which are tolerated with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..check import Undetermined, Violation
from ..target import Answer, Target
from ..wire.handshake import Request

OVERLOADED: Final = (429, 503)
ANY_BUT_101: Final = ("2xx", "3xx", "4xx", "5xx", "close")
"""The kinds of every ordinary answer that is not 101."""


def kinds(answer: Answer) -> frozenset[str]:
    """What an answer is: its status (``"400"``) and class (``"4xx"``), or ``close``, ``silence``, ``malformed``."""
    if answer.response is None:
        return frozenset({"silence" if answer.silent else "close"})
    status = answer.response.status
    return frozenset({str(status), f"{status // 100}xx"}) if 100 <= status < 600 else frozenset({"malformed"})


def shown(answer: Answer) -> str:
    """An answer in a few words."""
    return str(answer)[:80]


@dataclass(frozen=True)
class Expected:
    """What ought to be answered: in words, the kinds that pass, those that warn. Anything else is a violation."""

    words: str
    passes: tuple[str, ...]
    warns: tuple[str, ...] = ()

    def passed_by(self, answer: Answer) -> bool:
        """Whether the answer is right (or tolerated without a word)."""
        return not kinds(answer).isdisjoint(self.passes)

    def warned_by(self, answer: Answer) -> bool:
        """Whether the answer is tolerated with a warning."""
        return not self.passed_by(answer) and not kinds(answer).isdisjoint(self.warns)


SWITCHED: Final = Expected("101", ("101",))
"""A request that every server has to accept."""


async def ask_each(target: Target, requests: Mapping[str, Request]) -> dict[str, Answer]:
    """Each request on a connection of its own, one after the other; the answers by the same words."""
    return {words: await ask(target, request) for words, request in requests.items()}


async def ask(target: Target, request: Request) -> Answer:
    """One request on a connection of its own.

    A target that does not read the whole of it may have answered all the same. Raises Undetermined for 429 and 503,
    TargetGone where nothing takes the connection.
    """
    async with target.open() as peer:
        try:
            await peer.send_request(request)
        except Violation:
            pass  # it has stopped reading; what it has answered tells the rest
        return ready(await target.answer(peer))


async def ask_large(target: Target, request: Request) -> Answer:
    """As :func:`ask`, for a request so large that the target may end TCP before it has read the whole of it.

    A reset can destroy the response on its way: only the third TCP end without a response counts.
    """
    for _ in range(2):
        answer = await ask(target, request)
        if "close" not in kinds(answer):
            return answer
    return await ask(target, request)


def ready(answer: Answer) -> Answer:
    """The answer itself. Raises Undetermined for 429 and 503, which say nothing about the request."""
    if answer.status in OVERLOADED:
        raise Undetermined(f"the target is too busy: {shown(answer)}")
    return answer


def judge(target: Target, expected: Expected, answers: Mapping[str, Answer], *, requirement: str | None = None) -> None:
    """One finding about all the answers, the worst of them: what each request was (in words) and what came."""
    wrong = {words: answer for words, answer in answers.items() if not expected.passed_by(answer)}
    violated = {words: answer for words, answer in wrong.items() if not expected.warned_by(answer)}
    told = violated or wrong or dict(answers)
    observed = "; ".join(f"{shown(answer)} for {words}" for words, answer in told.items())
    silence = all(answer.silent for answer in told.values())
    if violated:
        target.findings.violated(expected.words, observed, requirement=requirement, silence=silence)
    elif wrong:
        target.findings.warned(expected.words, observed, requirement=requirement, silence=silence)
    else:
        target.findings.holds(observed, requirement=requirement)


async def refused_control(target: Target, request: Request, words: str) -> None:
    """Make sure that a request is refused which a later one resembles. Raises Undetermined where it is not."""
    answer = await ask(target, request)
    if answer.accepted or answer.silent:
        raise Undetermined(f"{words} is answered with {shown(answer)}, so nothing can be told apart")


__all__ = [
    "ANY_BUT_101", "SWITCHED", "Expected", "ask", "ask_each", "ask_large", "judge", "kinds", "ready", "refused_control",
    "shown",
]  # fmt: skip
