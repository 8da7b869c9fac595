"""Each property of the items finds its switches with every seed, shows a small example, and finds nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutants import SWITCHES
from wsproof.conformance.checks._visits import Visit, Visits

from .harness import chapter_checks
from .seeds import bad_on_conformant, seeds_that_miss, shrunk, some

WHO = "contract-items/any-visit"
WHAT = "contract-items/any-visits-let-in"
OWN = "contract-items/visits-at-the-same-time"
FOUND_BY: dict[str, tuple[str, int, int, int]] = {
    "items-open-to-all": (WHO, 1, 1, 30),
    "items-cookie-not-read": (WHAT, 1, 1, 30),
    "items-long-token-refused": (WHAT, 1, 1, 40),
    "items-closed-with-1000": (WHO, 1, 1, 30),
    "items-wrong-query-is-an-error": (WHO, 1, 1, 40),
    "items-refused-by-http": (WHO, 1, 1, 30),
    "items-wrong-query-taken": (WHO, 1, 1, 40),
    "items-token-beats-cookie": (WHAT, 1, 1, 50),
    "items-token-in-lower-case": (WHAT, 1, 1, 50),
    "items-query-always-answered": (WHAT, 1, 1, 40),
    "items-zero-unanswered": (WHAT, 1, 1, 40),
    "items-query-without-sign": (WHAT, 1, 1, 40),
    "items-item-before-credential": (WHAT, 1, 1, 40),
    "items-drop-the-third": (WHAT, 1, 3, 50),
    "items-credential-told-once": (WHAT, 1, 2, 40),
    "items-decoded-twice": (WHAT, 1, 1, 50),
    "items-plus-is-a-space": (WHAT, 1, 1, 40),
    "items-message-stripped": (WHAT, 1, 1, 50),
    "items-latest-credential": (OWN, 2, 2, 90),
    "items-latest-item": (OWN, 2, 2, 90),
    "items-answers-to-another": (OWN, 2, 2, 90),
}
"""Switch -> the property that must find it, and the bound of its example: connections, messages, characters."""


def size_of(value: Any) -> tuple[int, int, int]:
    """How many connections and messages, and how long the example is in words."""
    each = value.each if isinstance(value, Visits) else (value,)
    assert all(isinstance(visit, Visit) for visit in each)
    return len(each), sum(len(visit.talk.said) for visit in each), len(str(value))


def test_every_switch_has_its_property() -> None:
    assert FOUND_BY.keys() == {switch.name for switch in SWITCHES.values() if switch.chapter == "contract_items"}


@pytest.mark.parametrize("switch", FOUND_BY)
async def test_it_is_found_with_every_seed(switch: str) -> None:
    id, *_ = FOUND_BY[switch]
    assert await seeds_that_miss(switch, id) == {}


@pytest.mark.parametrize("switch", some(FOUND_BY))
async def test_the_example_is_small(switch: str) -> None:
    id, *bounds = FOUND_BY[switch]
    (value,) = (await shrunk(switch, id)).values()
    assert all(found <= bound for found, bound in zip(size_of(value), bounds, strict=True)), str(value)


@pytest.mark.parametrize("id", [item.id for item in chapter_checks("contract-items") if item.given is not None])
async def test_nothing_is_found_where_nothing_is_wrong(id: str) -> None:
    assert await bad_on_conformant(id) == {}
