"""Each property of the echo finds its switches with every seed, shows a small example, and finds nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutants import SWITCHES
from wsproof.conformance.checks._talks import Blobs, Talk, Values

from .harness import chapter_checks
from .seeds import bad_on_conformant, seeds_that_miss, shrunk, some

TEXTS = "contract-echo/any-texts"
BINARY = "contract-echo/any-binary"
JSON = "contract-echo/any-json"
FOUND_BY: dict[str, tuple[str, int, int]] = {
    "echo-loses-trailing-newline": (TEXTS, 1, 10),
    "echo-cut-at-nul": (TEXTS, 1, 10),
    "echo-normalises": (TEXTS, 1, 10),
    "echo-without-astral-characters": (TEXTS, 1, 10),
    "echo-fills-placeholders": (TEXTS, 1, 10),
    "echo-cuts-long-texts": (TEXTS, 1, 6000),
    "echo-ignores-empty-texts": (TEXTS, 1, 0),
    "echo-drops-the-third": (TEXTS, 3, 0),
    "echo-answers-the-second-twice": (TEXTS, 2, 0),
    "echo-swaps-two": (TEXTS, 2, 10),
    "binary-cut-at-nul": (BINARY, 1, 1),
    "binary-made-utf8": (BINARY, 1, 1),
    "binary-answered-as-text": (BINARY, 1, 0),
    "binary-swaps-two": (BINARY, 2, 1),
    "json-falsy-becomes-null": (JSON, 1, 10),
    "json-loses-fractions": (JSON, 1, 10),
    "json-integers-of-32-bits": (JSON, 1, 20),
    "json-without-escapes": (JSON, 1, 40),
    "json-twice": (JSON, 1, 10),
    "json-swaps-two": (JSON, 2, 10),
}
"""Switch -> the property that must find it, and the bound of its smallest example: messages, characters or bytes."""


def size_of(value: Any) -> tuple[int, int]:
    """How many messages, and how much they hold in all."""
    match value:
        case Talk(said=said):
            return len(said), sum(len(each.whole) for each in said)
        case Blobs(parts=parts, times=times):
            return len(parts), times * sum(map(len, parts))
        case Values(texts=texts):
            return len(texts), sum(map(len, texts))
    raise AssertionError(f"what is {value!r}?")


def test_every_switch_has_its_property() -> None:
    assert FOUND_BY.keys() == {switch.name for switch in SWITCHES.values() if switch.chapter == "contract_echo"}


@pytest.mark.parametrize("switch", FOUND_BY)
async def test_it_is_found_with_every_seed(switch: str) -> None:
    id, *_ = FOUND_BY[switch]
    assert await seeds_that_miss(switch, id) == {}


@pytest.mark.parametrize("switch", some(FOUND_BY))
async def test_the_example_is_small(switch: str) -> None:
    id, messages, length = FOUND_BY[switch]
    (value,) = (await shrunk(switch, id)).values()
    found = size_of(value)
    assert found[0] <= messages and found[1] <= length, str(value)


@pytest.mark.parametrize("id", [item.id for item in chapter_checks("contract-echo") if item.given is not None])
async def test_nothing_is_found_where_nothing_is_wrong(id: str) -> None:
    assert await bad_on_conformant(id) == {}
