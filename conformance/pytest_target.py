"""The target in the hands of a user's own test: what the fixture ``wsproof_target`` gives."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import pytest

from ..reports.model import Outcome
from .check import Findings
from .discovery import discover, expect_to_stay
from .errors import TargetGone, TargetRefused
from .pytest_batch import Plan
from .pytest_items import RUN
from .reach import placed
from .source import Source
from .target import Setting, Target
from .transcript import Transcript

TARGET: Final = pytest.StashKey[Target]()
"""In an item: the target that its fixture gave it."""
_SETTING: Final = pytest.StashKey[Future[Setting]]()
"""In the config: the server as discovery found it, looked at when the first test asks."""


def target_of(item: pytest.Item) -> Target:
    """A target for this test alone. Fails the test where the server cannot be reached or refuses."""
    config = item.config
    plan = config.stash[RUN].plan
    if _SETTING not in config.stash:
        # In a thread of its own: a loop of this thread belongs to whoever runs the tests.
        with ThreadPoolExecutor(1) as pool:
            config.stash[_SETTING] = pool.submit(lambda: asyncio.run(_look(plan)))
    try:
        setting = config.stash[_SETTING].result()
    except (TargetGone, TargetRefused) as why:
        pytest.fail(f"the target of wsproof_target is not there: {why}", pytrace=False)
    transcript = Transcript(setting.endpoint.redactor())
    target = Target(setting, Findings((item.nodeid,)), transcript, source=Source(f"{plan.seed}/{item.nodeid}"))
    item.stash[TARGET] = target
    return target


async def _look(plan: Plan) -> Setting:
    setting = Setting(
        plan.endpoint,
        profile=placed(plan.profile, plan.endpoint),
        patience=plan.patience,
        disruptive=plan.disruptive,
    )
    found = await discover(setting)
    expect_to_stay(setting, found)
    return replace(setting, found=found)


def fail_recorded(target: Target) -> None:
    """Fail the test for the first violation that it has reported on ``target.findings`` and not raised."""
    for finding in target.findings.made:
        if finding.outcome is Outcome.VIOLATED:
            pytest.fail(f"expected {finding.expected}; observed {finding.observed}", pytrace=False)
