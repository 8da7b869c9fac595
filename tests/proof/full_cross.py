"""Every check against every switch: no unrelated check fails. Takes minutes, so only CI asks for this file by name."""

from __future__ import annotations

import pytest

from tests.mutants import SWITCHES

from .harness import Observation, compare, load_checks, needs_tls, observe

_conformant: dict[bool, Observation] = {}


async def conformant_run(tls: bool) -> Observation:
    if tls not in _conformant:
        _conformant[tls] = await observe(None, list(load_checks().values()), tls=tls)
    return _conformant[tls]


@pytest.mark.parametrize("name", sorted(SWITCHES))
async def test_nothing_unrelated_fails(name: str) -> None:
    checks = list(load_checks().values())
    tls = needs_tls(SWITCHES[name], checks)
    proof = compare(SWITCHES[name], await conformant_run(tls), await observe(name, checks, tls=tls))
    if SWITCHES[name].chapter == "properties":  # which fixed checks meet such a defect is chance; an error is ours
        proof.unrelated.clear()
        proof.missed.clear()
    assert (proof.missed, proof.unrelated, proof.errors) == ([], [], [])


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
async def test_the_conformant_server_passes_everything(tls: bool) -> None:
    conformant = await conformant_run(tls)
    assert conformant.bad() == set()
    assert (conformant.undetermined, conformant.errors) == ({}, {})
