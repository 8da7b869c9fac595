"""Whether a property finds a defect whatever the seed, and how small an example it then shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from tests.mutants import SWITCHES, MutantServer
from wsproof.conformance import property as engine
from wsproof.conformance.check import Check
from wsproof.conformance.discovery import discover
from wsproof.conformance.drawing import draw
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import Profile
from wsproof.conformance.property import Draws, Property
from wsproof.conformance.source import Source
from wsproof.conformance.target import Setting
from wsproof.conformance.trial import Trial, try_check
from wsproof.reports.model import Outcome, RawFinding
from wsproof.reports.toml_file import read_toml

from . import extent
from .harness import PATIENCE, load_checks, profile_for

SEEDS = range(20) if extent.all_seeds else range(1)
SHRUNK_SEEDS = range(2) if extent.all_seeds else range(1)
EXAMPLES = 50
CONFORMANT_EXAMPLES = 200 if extent.all_seeds else EXAMPLES
PATIENCE_WITH_THE_CONFORMANT = 10.0
LIMIT = 20.0
"""Seconds for one example, or for one property with all its examples."""
LONG = 300.0
"""Seconds for shrinking, which ends by itself long before."""
BAD = (Outcome.VIOLATED, Outcome.WARNED)

_drawn: dict[tuple[str, int, int], list[dict[str, Any]]] = {}


def some(switches: Iterable[str]) -> list[str]:
    """Those whose examples are shrunk in every run of the tests; all of them where everything is proved."""
    return list(switches) if extent.all_seeds else list(switches)[::4]


@asynccontextmanager
async def setting_for(switch: str | None, item: Check) -> AsyncIterator[Setting]:
    """The setting of a run of this check against the mutant server with that switch (None: conformant).

    The conformant server answers everything: what is waited for there comes, however busy the machine.
    """
    patience = PATIENCE if switch is not None else PATIENCE_WITH_THE_CONFORMANT
    async with MutantServer(switch) as server:
        profile, _ = read_toml(profile_for([item]), Profile)
        setting = Setting(parse_endpoint(server.url), profile=profile, patience=patience)
        yield replace(setting, found=await discover(setting))


async def examples_of(setting: Setting, item: Check, seed: int, examples: int) -> list[dict[str, Any]]:
    """What a run with that seed draws; the same lists serve every switch."""
    key = (item.id, seed, examples)
    if key not in _drawn:
        assert item.given is not None
        strategies = item.given(setting, *item.arguments)
        _drawn[key] = list((await asyncio.to_thread(draw, strategies, seed, item.id, examples)).values())
    return _drawn[key]


async def seeds_that_miss(
    switch: str, id: str, *, seeds: Iterable[int] = SEEDS, examples: int = EXAMPLES
) -> dict[int, list[str]]:
    """The seeds with which the property ``id`` does not find what the switch violates, and what it found instead."""
    item = load_checks()[id]
    wanted = SWITCHES[switch].violates
    missed: dict[int, list[str]] = {}
    async with setting_for(switch, item) as setting:
        for seed in seeds:
            drawn = await examples_of(setting, item, seed, examples)
            bad = await first_bad(setting, item, seed, drawn)
            if not any(finding.requirement in wanted for finding in bad):
                missed[seed] = [f"{finding.requirement}: {finding.observed}" for finding in bad]
    return missed


async def first_bad(setting: Setting, item: Check, seed: int, drawn: list[dict[str, Any]]) -> list[RawFinding]:
    """The bad findings of the first examples that have some; they run some at a time, as in a run."""
    size = item.examples_at_once
    for first in range(0, len(drawn), size):
        batch = enumerate(drawn[first : first + size], first)
        trials = await asyncio.gather(*(_try(setting, item, f"{seed}/{at}", values) for at, values in batch))
        errors = [trial.error for trial in trials if trial.error is not None]
        assert errors == []
        bad = [finding for trial in trials for finding in trial.made if finding.outcome in BAD]
        if bad:
            return bad
    return []


async def _try(setting: Setting, item: Check, name: str, values: dict[str, Any]) -> Trial:
    return await try_check(setting, item, Source(f"{item.id}/{name}"), limit=LIMIT, values=values)


async def shrunk(switch: str, id: str, *, seed: int = 0, examples: int = EXAMPLES) -> dict[str, Any]:
    """The smallest failing example that a run with that seed shows. AssertionError where none fails."""
    item = load_checks()[id]
    async with setting_for(switch, item) as setting:
        run = Property(setting, item, Draws(seed=seed, examples=examples), name=f"{seed}/{id}", limit=LIMIT)
        with patch.object(engine, "SHRINK_SECONDS", LONG):  # the bound must not depend on the machine's speed
            tried = await run.run(at_once=item.examples_at_once, shrinks=True)
    assert tried.values is not None, f"{switch} is not found"
    return tried.values


async def bad_on_conformant(
    id: str, *, seeds: Iterable[int] = SEEDS, examples: int = CONFORMANT_EXAMPLES
) -> dict[int, list[str]]:
    """The seeds with which the property finds something on the conformant server: there must be none."""
    return await bad_with(None, id, seeds=seeds, examples=examples)


async def bad_with(
    switch: str | None, id: str, *, seeds: Iterable[int] = SEEDS, examples: int = EXAMPLES
) -> dict[int, list[str]]:
    """The seeds with which the property finds something on the mutant server with that switch, and what."""
    item = load_checks()[id]
    found: dict[int, list[str]] = {}
    async with setting_for(switch, item) as setting:
        for seed in seeds:
            drawn = await examples_of(setting, item, seed, examples)
            bad = await first_bad(setting, item, seed, drawn)
            if bad:
                found[seed] = [f"{finding.requirement}: {finding.observed}" for finding in bad]
    return found
