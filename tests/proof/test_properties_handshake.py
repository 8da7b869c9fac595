"""Every switch of properties_handshake is found with every seed, by an example no larger than this says."""

from __future__ import annotations

import pytest

from tests.mutants import SWITCHES, properties_handshake
from wsproof.conformance.checks._handshake_fault import FaultyHandshake
from wsproof.conformance.checks._handshake_variation import Variation

from .harness import load_checks
from .seeds import SHRUNK_SEEDS, bad_on_conformant, seeds_that_miss, shrunk, some

LEGAL = "opening-handshake/any-legal-variation[{}]"
FAULTY = "opening-handshake/any-fault-in-any-variation[{}]"
FOUND_BY = {
    "key-between-upgrade-and-connection-refused": (LEGAL.format("mixed"), 1),
    "names-in-two-spellings-refused": (LEGAL.format("mixed"), 1),
    "odd-capitals-in-websocket-refused": (LEGAL.format("mixed"), 1),
    "third-option-overlooked": (LEGAL.format("mixed"), 1),
    "tab-after-space-kept": (LEGAL.format("mixed"), 1),
    "field-of-more-than-600-octets-refused": (LEGAL.format("mixed"), 1),
    "segment-that-begins-with-a-line-feed-loses-it": (LEGAL.format("mixed"), 1),
    "small-letters-in-escapes-refused": (LEGAL.format("mixed"), 1),
    "key-that-begins-as-a-comment-refused": (LEGAL.format("mixed"), 1),
    "third-protocol-overlooked": (LEGAL.format("protocol-list"), 1),
    "third-connection-line-overlooked": (LEGAL.format("option-lines"), 1),
    "empty-element-ends-the-list": (LEGAL.format("empty-options"), 1),
    "third-extension-line-refused": (LEGAL.format("unknown-extensions"), 1),
    "one-space-after-a-value-kept": (LEGAL.format("trailing-space"), 1),
    "upgrade-unchecked-beside-other-options": (FAULTY.format("upgrade"), 1),
    "upgraded-passes-after-another-option": (FAULTY.format("connection"), 0),
    "missing-host-passes-after-the-version": (FAULTY.format("host"), 1),
    "version-unchecked-before-another-field": (FAULTY.format("version"), 1),
    "second-key-apart-ignored": (FAULTY.format("key"), 1),
    "any-http-version-after-a-query": (FAULTY.format("request-line"), 1),
    "any-method-with-a-query": (FAULTY.format("method"), 1),
    "http-1-0-with-keep-alive": (FAULTY.format("http-1.0"), 1),
    "space-before-a-later-colon-ignored": (FAULTY.format("field-line"), 1),
    "line-without-colon-ignored": (FAULTY.format("field-line"), 0),
    "second-host-at-the-end-ignored": (FAULTY.format("host"), 1),
}
"""Switch -> the property that finds it, and the differences from the plain handshake that its example has at most."""
PROPERTIES = [id for id in load_checks() if id.startswith((LEGAL[:-3], FAULTY[:-3]))]


def test_every_switch_is_looked_for() -> None:
    assert {
        name for name, item in SWITCHES.items() if item.part.__module__ == properties_handshake.__name__
    } == FOUND_BY.keys()


@pytest.mark.parametrize("switch", FOUND_BY)
async def test_a_switch_is_found_with_every_seed(switch: str) -> None:
    id, _ = FOUND_BY[switch]
    assert await seeds_that_miss(switch, id) == {}


@pytest.mark.parametrize("switch", some(FOUND_BY))
async def test_the_example_is_small(switch: str) -> None:
    id, most = FOUND_BY[switch]
    for seed in SHRUNK_SEEDS:
        (example,) = (await shrunk(switch, id, seed=seed)).values()
        variation = example.variation if isinstance(example, FaultyHandshake) else example
        assert isinstance(variation, Variation)
        assert len(list(variation.changes())) <= most, str(example)


@pytest.mark.parametrize("id", PROPERTIES)
async def test_a_conformant_server_has_no_failure(id: str) -> None:
    assert await bad_on_conformant(id) == {}
