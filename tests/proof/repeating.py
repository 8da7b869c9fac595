"""Whether a check sends the same bytes again, for the same seed and the same answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from tests.mutants import MutantServer
from wsproof.conformance.check import Check
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import Profile
from wsproof.conformance.recording import Step, sendings
from wsproof.conformance.source import Source
from wsproof.conformance.target import Setting
from wsproof.conformance.trial import try_check
from wsproof.reports.toml_file import read_toml

from .harness import PATIENCE, PROFILE

LIMIT = 20.0
AT_ONCE = 8


def first_difference(first: list[Step], second: list[Step]) -> tuple[Step, Step] | None:
    """Where a connection sends something else. That it sends more is none: it may ask until the time is over."""
    for conn in {step["conn"] for step in first}:
        pairs = zip(*([step for step in sent if step["conn"] == conn] for sent in (first, second)), strict=False)
        for one, other in pairs:
            if one != other:
                return one, other
    return None


async def sent_otherwise(checks: Iterable[Check]) -> dict[str, tuple[Step, Step]]:
    """The checks that send something else when they run again against the conformant server, and what both times."""
    different: dict[str, tuple[Step, Step]] = {}
    waiting = iter(checks)
    async with MutantServer() as server:
        profile, _ = read_toml(PROFILE, Profile)
        setting = Setting(parse_endpoint(server.url), profile=profile, patience=PATIENCE)
        setting = replace(setting, found=await discover(setting))

        async def once(item: Check) -> list[Step]:
            trial = await try_check(setting, item, Source(f"0/{item.id}"), limit=LIMIT)
            return sendings(trial.transcript.steps())

        async def work() -> None:
            for item in waiting:
                difference = first_difference(await once(item), await once(item))
                if difference is not None:
                    different[item.id] = difference

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return different
