"""Drawn chat programs: they can be run, they are varied, and they are read back as they were written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter

from wsproof.conformance.chat_program import (
    Burst,
    Conversation,
    Ending,
    How,
    Join,
    Leave,
    Pause,
    Resume,
    Say,
    Step,
    name,
)
from wsproof.conformance.drawing import draw
from wsproof.conformance.strategies_chat import MOST_MEMBERS, conversations
from wsproof.conformance.wire.frames import is_wire_legal

SEEDS = range(20)


def drawn(seed: int, rooms: int = 2) -> list[Conversation]:
    """Fifty programs."""
    return [
        one["conversation"] for one in draw({"conversation": conversations(rooms=rooms)}, seed, "test", 50).values()
    ]


def acting(step: Step) -> Iterator[int]:
    """The members that do something in a step, who must be there."""
    if isinstance(step, Burst):
        yield from step.members
        if step.leaver is not None:
            yield step.leaver
    elif not isinstance(step, Join):
        yield step.member


def leavings(program: Conversation) -> Iterator[Ending]:
    yield program.farewell
    for step in program.steps:
        if isinstance(step, Leave) or (isinstance(step, Burst) and step.leaver is not None):
            yield step.ending


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_acts_is_there(seed: int) -> None:
    for program in drawn(seed):
        assert 1 <= program.size <= MOST_MEMBERS
        present = set(range(len(program.rooms)))
        paused: set[int] = set()
        for step in program.steps:
            assert set(acting(step)) <= present
            match step:
                case Join():
                    assert step.member == max(present, default=-1) + 1 or step.member not in present
                    present.add(step.member)
                case Leave():
                    present.remove(step.member)
                case Burst():
                    assert len(set(step.members)) == len(step.members)
                    assert step.leaver not in step.members
                    present.discard(-1 if step.leaver is None else step.leaver)
                case Pause():
                    assert step.member not in paused
                    paused.add(step.member)
                case Resume():
                    paused.remove(step.member)
                case Say():
                    assert step.times >= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_step_and_leaving_is_drawn_within_fifty(seed: int) -> None:
    programs = drawn(seed)
    assert {type(step) for program in programs for step in program.steps} >= {Say, Burst, Leave, Join, Pause, Resume}
    endings = [ending for program in programs for ending in leavings(program)]
    assert {ending.how for ending in endings} == set(How)
    codes = {ending.code for ending in endings if ending.how is How.CLOSE}
    assert any(code is not None and code >= 4000 for code in codes)
    assert all(code is None or is_wire_legal(code) for code in codes)
    assert len({str(program) for program in programs}) > 40


def test_now_and_then_there_are_twenty_members() -> None:
    assert any(len(program.rooms) == MOST_MEMBERS for seed in range(3) for program in drawn(seed))


def test_one_room_where_there_is_one() -> None:
    for program in drawn(0, rooms=1):
        assert set(program.rooms) == {0}
        assert all(step.room == 0 for step in program.steps if isinstance(step, Join))


def test_a_program_is_read_back_from_json() -> None:
    adapter = TypeAdapter(Conversation)
    for program in drawn(1):
        assert adapter.validate_json(adapter.dump_json(program)) == program


def test_a_program_in_words() -> None:
    steps = (
        Say(0, "hi", 20), Burst((0, 1), 3, 2, Ending(How.RST, None)), Burst((1,), 2), Join(4, 1), Pause(1), Resume(1),
        Leave(0, Ending(How.CLOSE, 4000, "bye")),
    )  # fmt: skip
    told = str(Conversation((0, 0, 0, 1), steps, Ending(How.CLOSE, None)))
    assert told == (
        "A, B and C join; D joins room 2; A says 'hi', 20 times over; A and B at once say 3 each while C leaves (RST); "
        "B says 2 at once; E joins room 2; B stops reading; B reads on; A leaves (Close 4000 'bye'); "
        "all leave (Close without code)"
    )
    assert str(Conversation((0,) * 20)) == "A to T join; all leave"
    assert name(30) == "M30"
