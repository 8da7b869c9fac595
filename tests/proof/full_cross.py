"""Every check against every switch: no unrelated check fails. Takes minutes, so only CI asks for this file by name.

Contracts are crossed with each other's switches only: on a broken wire no promise about messages can be kept. What
properties find is proved with many seeds in the files that import ``seeds``; here they must not come to an error.
"""

from __future__ import annotations

import pytest

from tests.mutants import SWITCHES, Switch
from wsproof.conformance.check import Check

from .harness import Observation, compare, load_checks, needs_tls, observe

_conformant: dict[tuple[bool, bool], Observation] = {}


def checks_for(switch: Switch) -> list[Check]:
    """All that are crossed with the switch."""
    every = list(load_checks().values())
    return every if of_a_contract(switch.chapter) else [item for item in every if not of_a_contract(item.chapter)]


def of_a_contract(chapter: str) -> bool:
    """Whether the chapter, of checks or of switches, is about a contract."""
    return chapter.startswith("contract")


async def conformant_run(checks: list[Check], tls: bool) -> Observation:
    """What these checks see on the conformant server, run once."""
    key = (len(checks) == len(load_checks()), tls)
    if key not in _conformant:
        _conformant[key] = await observe(None, checks, tls=tls)
    return _conformant[key]


@pytest.mark.parametrize("name", sorted(SWITCHES))
async def test_nothing_unrelated_fails(name: str) -> None:
    switch = SWITCHES[name]
    checks = checks_for(switch)
    tls = needs_tls(switch, checks)
    proof = compare(switch, await conformant_run(checks, tls), await observe(name, checks, tls=tls))
    fixed = [found for found in proof.unrelated if load_checks()[found.partition(": ")[0]].given is None]
    if switch.chapter == "properties":  # which fixed checks meet such a defect is chance
        fixed.clear()
        proof.missed.clear()
    assert (proof.missed, fixed, proof.errors) == ([], [], [])


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
async def test_the_conformant_server_passes_everything(tls: bool) -> None:
    conformant = await conformant_run(list(load_checks().values()), tls)
    assert conformant.bad() == set()
    assert (conformant.undetermined, conformant.errors) == ({}, {})
