"""Each chapter against its own switches: every one is caught, nothing unrelated fails, every check is caught by one."""

from __future__ import annotations

import pytest

from tests.mutants import SWITCHES

from .harness import (
    SMOKE,
    chapter_checks,
    compare,
    load_checks,
    needs_tls,
    observe,
    switches_for,
    switches_of,
    with_smoke,
)

CHAPTERS = sorted({check.chapter for check in load_checks().values()})


def test_every_switch_belongs_to_a_chapter() -> None:
    assert sorted({switch.chapter.replace("_", "-") for switch in SWITCHES.values()}) == CHAPTERS


def test_there_are_enough_switches() -> None:
    assert len(SWITCHES) >= 60


def test_smoke_set_exists() -> None:
    assert set(SMOKE) <= load_checks().keys()


@pytest.mark.parametrize("chapter", CHAPTERS)
async def test_the_chapter_and_its_switches(chapter: str) -> None:
    own = chapter_checks(chapter)
    checks = with_smoke(own)
    conformant = {tls: await observe(None, checks, tls=tls) for tls in (False, True)}
    for observation in conformant.values():
        assert (observation.refused, observation.errors, observation.undetermined) == (None, {}, {})
        assert observation.bad() == set()
    wrong: dict[str, object] = {}
    changed: set[str] = set()
    proved: set[str] = set()
    for switch in switches_for(chapter, own):
        tls = needs_tls(switch, own)
        proof = compare(switch, conformant[tls], await observe(switch.name, checks, tls=tls))
        if switch not in switches_of(chapter):
            proof.missed.clear()  # whether it is noticed at all is for its own chapter to show
        if not proof.holds:
            wrong[switch.name] = (proof.missed, proof.unrelated, proof.errors)
        changed.update(id for ids in proof.changed.values() for id in ids)
        proved.update(name for name in proof.changed if name in switch.violates)
    assert wrong == {}
    assert sorted({check.id for check in own} - changed) == []
    assert sorted({name for check in own for name in check.requirements} - proved) == []
