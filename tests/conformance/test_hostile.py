"""Against servers of bad intent each check ends in time, in bounded memory, with a verdict."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.peers.hostile import HANDLERS, hostile
from tests.proof.harness import SMOKE, load_checks
from wsproof.conformance.budget import Budget
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetGone, TargetRefused
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting
from wsproof.conformance.trial import PATIENCES_PER_CHECK

PATIENCE = 0.1
ONE_READ = 256 * 1024
"""What asyncio hands over at once."""
JOBS = 8


class WatchedBudget(Budget):
    """Remembers the most that was held."""

    peak = 0

    def take(self, size: int) -> None:
        super().take(size)
        self.peak = max(self.peak, self.held)


@pytest.mark.parametrize("name", HANDLERS)
async def test_ends_in_time_and_memory_with_a_verdict(name: str) -> None:
    budget = WatchedBudget(8 * 1024 * 1024)
    checks = [load_checks()[id] for id in SMOKE]
    attempts: list[Attempt] = []
    async with hostile(name) as port:
        setting = Setting(parse_endpoint(f"ws://127.0.0.1:{port}/"), patience=PATIENCE, budget=budget)
        try:
            setting = replace(setting, found=await discover(setting))
        except (TargetGone, TargetRefused):
            return  # the run ends here, with exit 3 and the answer
        # Each check may take its documented multiple twice (silence is repeated alone); far more is a hang.
        async with asyncio.timeout(20 * 2 * PATIENCES_PER_CHECK * PATIENCE * len(checks)):
            async for attempt in Runner(setting, checks, jobs=JOBS, return_wait=0.0).run():
                attempts.append(attempt)
    assert [attempt.error for attempt in attempts if attempt.error] == []
    assert {attempt.check.id for attempt in attempts} == set(SMOKE)
    assert all(attempt.skipped or attempt.findings for attempt in attempts)
    assert budget.held == 0
    assert budget.peak <= budget.total + (JOBS + 1) * ONE_READ


async def test_nothing_that_passes_is_blamed_on_a_target_that_floods() -> None:
    """Frames without end are no violation of what a check about Pings looks at, as long as the Pong comes."""
    async with hostile("resets") as port:
        setting = Setting(parse_endpoint(f"ws://127.0.0.1:{port}/"), patience=PATIENCE)
        setting = replace(setting, found=await discover(setting))
        check = load_checks()["control-frames/payload-over-125[ping]"]
        attempts = [attempt async for attempt in Runner(setting, [check], jobs=1, return_wait=0.0).run()]
    assert [finding.outcome for finding in attempts[0].findings] == ["holds"]
