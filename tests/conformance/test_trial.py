"""One try of a check becomes findings, whatever way the check ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from wsproof.conformance.check import Check, Undetermined, Violation
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetGone
from wsproof.conformance.peer import Silence
from wsproof.conformance.source import Source
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.trial import Trial, try_check
from wsproof.reports.model import Outcome

FIRST, SECOND = "rfc6455-5.5.2-2", "rfc6455-5.1-4"
SETTING = Setting(parse_endpoint("ws://127.0.0.1:9/"), patience=0.5)


async def tried(function: Callable[..., Awaitable[None]], limit: float | None = None, **values: object) -> Trial:
    item = Check("made/check", "made", function, (), (FIRST, SECOND))
    return await try_check(SETTING, item, Source("one"), limit=limit, values=values)


def raising(error: Exception) -> Callable[[Target], Awaitable[None]]:
    async def function(target: Target) -> None:
        target.findings.noted("before", requirement=SECOND)
        raise error

    return function


async def test_what_a_check_says_nothing_about_holds() -> None:
    async def function(target: Target) -> None:
        target.findings.warned("more", "less", requirement=SECOND)

    trial = await tried(function)
    assert [(one.requirement, one.outcome) for one in trial.made] == [(SECOND, Outcome.WARNED), (FIRST, Outcome.HOLDS)]
    assert trial.worst is trial.made[0]
    assert trial.undetermined is None


@pytest.mark.parametrize(
    ("error", "outcome", "observed"),
    [
        (Violation("this", "that", silence=True), Outcome.VIOLATED, "that"),
        (Undetermined("no way to tell"), Outcome.UNDETERMINED, "no way to tell"),
        (Silence("nothing"), Outcome.UNDETERMINED, "nothing came within 0.5 s"),
        (TargetGone("away"), Outcome.UNDETERMINED, "away"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_what_a_check_raises_is_a_finding_behind_those_before(
    error: Exception, outcome: Outcome, observed: str
) -> None:
    trial = await tried(raising(error))
    assert [(one.requirement, one.outcome) for one in trial.made] == [(SECOND, Outcome.NOTED), (FIRST, outcome)]
    assert trial.made[1].observed == observed
    assert trial.gone is isinstance(error, TargetGone)
    assert (trial.undetermined is None) is (outcome is Outcome.VIOLATED)


async def test_a_bug_of_ours_leaves_no_finding() -> None:
    trial = await tried(raising(KeyError("ours")))
    assert trial.made == ()
    assert trial.error is not None and "KeyError: 'ours'" in trial.error


async def test_the_limit_ends_it() -> None:
    async def function(target: Target) -> None:
        await asyncio.Event().wait()

    trial = await tried(function, limit=0.01)
    assert trial.undetermined is not None and "not done within 0.01 s" in trial.undetermined


async def test_values_are_handed_over() -> None:
    async def function(target: Target, number: int, word: str) -> None:
        target.findings.noted(f"{number} {word}")

    assert (await tried(function, number=3, word="three")).made[0].observed == "3 three"
