"""Each chapter's fixed checks against its own switches: every one is caught, and by what the switch says.

A switch meets the checks that judge what it violates, what it brings along, and the smoke set; all checks meet it in
``full_cross``. What only properties find is shown with many seeds in the files that import ``seeds``.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.mutants import SWITCHES, Switch

from . import test_contract_chat, test_contract_echo, test_contract_items, test_properties, test_properties_handshake
from .harness import (
    SMOKE,
    Observation,
    chapter_checks,
    compare,
    load_checks,
    meeting,
    needs_tls,
    observe,
    switches_for,
    switches_of,
    with_smoke,
)

CONTRACTS = ("contract-chat", "contract-echo", "contract-items")
AT_ONCE = 4
"""Mutants that are looked at together: most of the time goes by waiting for what does not come."""
CHAPTERS = sorted({check.chapter for check in load_checks().values()})


def test_every_switch_belongs_to_a_chapter() -> None:
    assert sorted({switch.chapter.replace("_", "-") for switch in SWITCHES.values()} - {"properties"}) == CHAPTERS


def test_every_property_has_a_switch_that_it_finds_with_every_seed() -> None:
    found_by = {id for id, *_ in [*test_contract_echo.FOUND_BY.values(), *test_contract_items.FOUND_BY.values()]}
    found_by |= {found.property for found in test_properties.FOUND.values()}
    found_by |= {id for id, _ in test_properties_handshake.FOUND_BY.values()}
    found_by |= {test_contract_chat.IN_ROOMS, test_contract_chat.IN_ONE_ROOM}
    assert found_by == {item.id for item in load_checks().values() if item.given is not None}


def test_there_are_enough_switches() -> None:
    assert len(SWITCHES) >= 60


def test_smoke_set_exists() -> None:
    assert set(SMOKE) <= load_checks().keys()


@pytest.mark.parametrize("chapter", CHAPTERS)
async def test_the_chapter_and_its_switches(chapter: str) -> None:
    own = [item for item in chapter_checks(chapter) if item.given is None]
    checks = with_smoke(own)
    conformant = {tls: await observe(None, checks, tls=tls) for tls in (False, True)}
    for observation in conformant.values():
        assert (observation.refused, observation.errors, observation.undetermined) == (None, {}, {})
        assert observation.bad() == set()
    wrong: dict[str, object] = {}
    changed: set[str] = set()
    proved: set[str] = set()
    # Which fixed checks meet what takes variety to be seen is chance.
    switches = [switch for switch in switches_for(chapter, own) if switch.chapter != "properties"]
    places = asyncio.Semaphore(AT_ONCE)

    async def observed(switch: Switch) -> Observation:
        async with places:
            return await observe(switch.name, with_smoke(meeting(switch, own)), tls=needs_tls(switch, own))

    observations = await asyncio.gather(*map(observed, switches))
    for switch, observation in zip(switches, observations, strict=True):
        proof = compare(switch, conformant[needs_tls(switch, own)], observation)
        if switch not in switches_of(chapter) or chapter in CONTRACTS:
            proof.missed.clear()  # whether it is noticed at all is for its own chapter, or for the properties, to show
        if not proof.holds:
            wrong[switch.name] = (proof.missed, proof.unrelated, proof.errors)
        changed.update(id for ids in proof.changed.values() for id in ids)
        proved.update(name for name in proof.changed if name in switch.violates)
    if chapter in CONTRACTS:
        proved.update(name for switch in switches_of(chapter) for name in switch.violates)
    assert wrong == {}
    assert sorted({check.id for check in own} - changed) == []
    assert sorted({name for check in own for name in check.requirements} - proved) == []
