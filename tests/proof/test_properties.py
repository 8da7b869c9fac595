"""The properties of the frame chapters: every switch of tests/mutants/properties.py is found with every seed.

What a switch shrinks to is no larger than this says; a conformant server has no failure; the number of jobs makes no
difference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.mutants import SWITCHES, MutantServer, properties
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.program import BrokenProgram, PlannedFrame, Program
from wsproof.conformance.property import Draws
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting

from .harness import load_checks
from .seeds import SHRUNK_SEEDS, bad_on_conformant, bad_with, seeds_that_miss, shrunk, some

ROW = "framing/any-messages-in-a-row"
SIZE = "framing/any-size"
RESERVED = "framing/any-reserved-bits-or-opcode"
LENGTH = "framing/any-illegal-length"
KEYS = "masking/any-masking-keys"
UNMASKED = "masking/any-unmasked-frame"
PINGS = "control-frames/any-pings"
CONTROL = "control-frames/any-illegal-control-frame"
FRAGMENTATION = "fragmentation/any-fragmentation"
OUT_OF_PLACE = "fragmentation/any-frame-out-of-place"
TEXT = "text-utf8/any-text"
INVALID_TEXT = "text-utf8/any-invalid-text"
CLOSE = "closing-handshake/any-close"
ILLEGAL_CLOSE = "closing-handshake/any-illegal-close"
ALL = (
    ROW, SIZE, RESERVED, LENGTH, KEYS, UNMASKED, PINGS, CONTROL, FRAGMENTATION, OUT_OF_PLACE, TEXT, INVALID_TEXT, CLOSE,
    ILLEGAL_CLOSE,
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """By which property, and how many frames and octets of payload the example has at most."""

    property: str
    frames: int
    octets: int


FOUND = {
    "third-message-dropped": Found(ROW, 3, 3),
    "messages-swapped": Found(ROW, 3, 3),
    "fragmented-message-repeats-later": Found(ROW, 4, 4),
    "next-message-joins-fragments": Found(ROW, 4, 4),
    "multiple-of-64-loses-its-end": Found(SIZE, 1, 64),
    "third-fragment-decoded-apart": Found(TEXT, 4, 8),
    "fragment-after-pong-lost": Found(FRAGMENTATION, 5, 4),
    "binary-fragments-in-segments-reversed": Found(FRAGMENTATION, 3, 8),
    "split-key-forgotten": Found(KEYS, 2, 8),
    "second-key-starts-where-the-first-ended": Found(KEYS, 3, 12),
    "unmasked-pong-within-message-taken": Found(UNMASKED, 3, 8),
    "ping-within-message-answered-twice": Found(PINGS, 3, 4),
    "ping-after-pong-unanswered": Found(PINGS, 3, 4),
    "fragmented-control-within-message-taken": Found(CONTROL, 4, 8),
    "long-control-after-message-dropped": Found(CONTROL, 4, 130),
    "reserved-bits-on-continuation-taken": Found(RESERVED, 3, 8),
    "reserved-control-within-message-dropped": Found(RESERVED, 3, 8),
    "top-bit-of-continuation-ignored": Found(LENGTH, 3, 4),
    "continuation-after-fragments-taken": Found(OUT_OF_PLACE, 5, 12),
    "empty-message-within-message-dropped": Found(OUT_OF_PLACE, 4, 8),
    "overlong-after-first-fragment-taken": Found(INVALID_TEXT, 3, 8),
    "text-behind-control-unchecked": Found(INVALID_TEXT, 4, 8),
    "close-above-3000-answered-with-1002": Found(CLOSE, 1, 2),
    "long-close-reason-unanswered": Found(CLOSE, 1, 103),
    "bad-close-within-message-taken": Found(ILLEGAL_CLOSE, 2, 8),
}


def frames_of(example: object) -> list[PlannedFrame]:
    """All the frames of an example."""
    if isinstance(example, BrokenProgram):
        return [*example.before.frames, *example.bad, *example.after]
    if isinstance(example, Program):
        return list(example.frames)
    assert isinstance(example, PlannedFrame)
    return [example]


def test_every_switch_is_looked_for() -> None:
    own = {name for name, item in SWITCHES.items() if item.part.__module__ == properties.__name__}
    assert own == FOUND.keys()


def test_every_property_has_a_switch() -> None:
    assert {found.property for found in FOUND.values()} == set(ALL)
    assert load_checks().keys() >= set(ALL)


@pytest.mark.parametrize("switch", FOUND)
async def test_a_switch_is_found_with_every_seed(switch: str) -> None:
    assert await seeds_that_miss(switch, FOUND[switch].property) == {}


@pytest.mark.parametrize("switch", some(FOUND))
async def test_the_example_is_small(switch: str) -> None:
    found = FOUND[switch]
    for seed in SHRUNK_SEEDS:
        (example,) = (await shrunk(switch, found.property, seed=seed)).values()
        frames = frames_of(example)
        assert len(frames) <= found.frames, str(example)
        assert sum(len(frame.content) for frame in frames) <= found.octets, str(example)


@pytest.mark.parametrize("id", ALL)
async def test_a_conformant_server_has_no_failure(id: str) -> None:
    assert await bad_on_conformant(id) == {}


async def attempts(switch: str, id: str, jobs: int) -> list[Attempt]:
    """What a run of one property against the mutant server comes to."""
    async with MutantServer(switch) as server:
        setting = Setting(parse_endpoint(server.url), patience=2.0)
        setting = replace(setting, found=await discover(setting))
        runner = Runner(setting, [load_checks()[id]], jobs=jobs, draws=Draws(seed=5))
        return [attempt async for attempt in runner.run()]


@pytest.mark.parametrize(
    "switch",
    ["multiple-of-64-loses-its-end", "split-key-forgotten", "unmasked-pong-within-message-taken", "messages-swapped"],
)
async def test_jobs_make_no_difference(switch: str) -> None:
    id = FOUND[switch].property
    one, many = await attempts(switch, id, 1), await attempts(switch, id, 32)
    assert [(item.findings, item.example) for item in one] == [(item.findings, item.example) for item in many]
    assert [item.example is None for item in one] == [False]


@pytest.mark.parametrize(
    ("switch", "id"),
    [
        ("fragmented-refused", "masking/any-masking-keys"),
        ("fragmented-refused", "control-frames/any-pings"),
        ("empty-fragment-fails", "control-frames/any-pings"),
    ],
)
async def test_who_refuses_fragments_is_not_blamed_for_keys_or_pings(switch: str, id: str) -> None:
    assert await bad_with(switch, id) == {}
