"""What the strategies draw: legal where it has to be, illegal in one way where it has to be, and every kind of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis.strategies import SearchStrategy

from wsproof.conformance import strategies
from wsproof.conformance.drawing import draw, shrink
from wsproof.conformance.program import BrokenProgram, Change, PlannedFrame, Program
from wsproof.conformance.wire.frames import MAX_CONTROL_PAYLOAD, Opcode, is_wire_legal

DATA = (Opcode.TEXT, Opcode.BINARY)
TEXT_ONLY = (Opcode.TEXT,)
SEEDS = range(20)
LEGAL = {
    "fragmented": strategies.fragmented(DATA),
    "fragmented-text": strategies.fragmented(TEXT_ONLY, characters=strategies.CHARACTERS),
    "conversations": strategies.conversations(DATA),
    "masked": strategies.masked(DATA),
    "pings": strategies.pings(DATA),
    "closes": strategies.closes(DATA, DATA),
}
FRAME_CHANGES = {
    "reserved": strategies.RESERVED_CHANGES,
    "length": strategies.LENGTH_CHANGES,
    "masking": strategies.MASKING_CHANGES,
    "control": strategies.CONTROL_CHANGES,
    "order": strategies.ORDER_CHANGES,
}
BROKEN: dict[str, tuple[SearchStrategy[BrokenProgram], Sequence[Change]]] = {
    **{name: (strategies.broken(changes, DATA, DATA), changes) for name, changes in FRAME_CHANGES.items()},
    "text": (strategies.bad_texts(DATA), strategies.TEXT_CHANGES),
    "close": (strategies.bad_closes(DATA, DATA), strategies.CLOSE_CHANGES),
}


@cache
def programs(name: str, seed: int, examples: int = 50) -> list[Program]:
    return [values["program"] for values in draw({"program": LEGAL[name]}, seed, name, examples).values()]


@cache
def broken_programs(name: str, seed: int, examples: int = 50) -> list[BrokenProgram]:
    strategy = BROKEN[name][0]
    return [values["program"] for values in draw({"program": strategy}, seed, name, examples).values()]


def is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def assert_legal(frames: Sequence[PlannedFrame]) -> None:
    """No frame breaks a rule of sections 5.2 to 5.5, and each whole text is UTF-8."""
    inside = False
    for frame in frames:
        assert (frame.rsv, frame.masked, frame.form, frame.announced) == (0, True, None, None)
        if frame.is_control:
            assert frame.fin and len(frame.content) <= MAX_CONTROL_PAYLOAD
            assert frame.opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG)
            continue
        assert frame.opcode == Opcode.CONTINUATION if inside else frame.opcode in DATA
        inside = not frame.fin
    for message in Program(tuple(frames)).messages:
        assert message.opcode == Opcode.BINARY or is_utf8(message.payload)


@pytest.mark.parametrize("name", LEGAL)
def test_legal_programs_are_legal(name: str) -> None:
    for program in programs(name, 0, 200):
        assert_legal(program.frames)
        assert all(0 < end < program.wire_size for end in program.segments.ends)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fragmented", "Text"),
        ("conversations", "Text, `30`"),
        ("masked", "Text, key `00000000`"),
        ("pings", "Ping"),
        ("closes", "Close"),
    ],
)
def test_it_shrinks_to_the_simplest_program(name: str, words: str) -> None:
    smallest = shrink({"program": LEGAL[name]}, 3, name, 50, lambda values: True)
    assert smallest is not None and str(smallest["program"]) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reserved", "reserved bits: Text, RSV=1"),
        ("length", "a length in more bytes than it needs: Text, length in 16 bits"),
        ("masking", "no masking: Text, MASK=0"),
        ("control", "a control frame with FIN=0: Ping, FIN=0"),
        ("order", "a continuation with no message in progress: Continuation, FIN=1"),
        ("text", "an octet that cannot stand there: Text, `80`"),
        ("close", "a Close with half a code: Close, `61`"),
    ],
)
def test_it_shrinks_to_the_simplest_change(name: str, words: str) -> None:
    smallest = shrink({"program": BROKEN[name][0]}, 3, name, 50, lambda values: True)
    assert smallest is not None and str(smallest["program"]) == words


def test_every_way_to_write_is_drawn() -> None:
    for seed in SEEDS:
        drawn = programs("fragmented", seed)
        assert any(program.segments.chop for program in drawn)
        assert any(program.segments.ends for program in drawn)
        assert any(program.has_controls_inside for program in drawn)
        assert {message.opcode for program in drawn for message in program.messages} == set(DATA)
        assert any(not message.payload for program in drawn for message in program.messages)


def test_characters_are_split_by_fragments_and_segments() -> None:
    for seed in SEEDS:
        texts = programs("fragmented-text", seed)
        assert any(not is_utf8(frame.payload) for program in texts for frame in program.frames if not frame.is_control)


def test_every_boundary_of_utf8_is_drawn() -> None:
    texts = [
        message.payload.decode() for program in programs("fragmented-text", 0, 200) for message in program.messages
    ]
    assert set("".join(texts)) == set(strategies.CHARACTERS)


def test_messages_in_a_row_are_all_different() -> None:
    for program in programs("conversations", 0, 200):
        assert max(Counter(program.messages).values()) == 1


def test_a_row_may_be_long() -> None:
    assert max(len(program.messages) for program in programs("conversations", 0)) >= 5


def test_the_last_frame_of_pings_is_one() -> None:
    assert all(program.frames[-1].opcode == Opcode.PING for program in programs("pings", 0, 200))


def test_closes_are_legal_and_stand_last() -> None:
    codes = set()
    for program in programs("closes", 0, 200):
        *others, last = program.frames
        assert last.opcode == Opcode.CLOSE
        assert all(frame.opcode != Opcode.CLOSE for frame in others)
        if last.content:
            codes.add(code := int.from_bytes(last.content[:2], "big"))
            assert is_wire_legal(code)
            assert is_utf8(last.content[2:])
        else:
            codes.add(0)
    assert {0, 1000, 1001, 3000, 4999} <= codes


def test_sizes_lie_around_every_boundary() -> None:
    drawn = {
        len(values["message"].content)
        for values in draw({"message": strategies.sized_messages(DATA)}, 0, "", 500).values()
    }
    assert {0, 64, 125, 126, 127, 128, 65535, 65536} <= drawn


@pytest.mark.parametrize("name", BROKEN)
def test_every_kind_of_change_is_drawn_with_every_seed(name: str) -> None:
    for seed in SEEDS:
        assert {program.change for program in broken_programs(name, seed)} == set(BROKEN[name][1])


def test_there_is_a_strategy_for_every_kind_of_change() -> None:
    assert {change for _, changes in BROKEN.values() for change in changes} == set(Change)


@pytest.mark.parametrize("name", BROKEN)
def test_only_the_change_is_illegal(name: str) -> None:
    for program in broken_programs(name, 1, 200):
        assert_legal(program.before.frames)
        unfinished = program.before.unfinished
        assert unfinished is None or unfinished.opcode == Opcode.BINARY or is_utf8(unfinished.payload)


@pytest.mark.parametrize("name", FRAME_CHANGES)
def test_a_changed_frame_breaks_its_rule(name: str) -> None:
    for program in broken_programs(name, 2, 200):
        (bad,) = program.bad
        inside = program.before.unfinished is not None
        shows = {
            Change.RESERVED_BIT: bad.rsv != 0,
            Change.RESERVED_OPCODE: bad.opcode in strategies.OPCODES,
            Change.LONG_FORM: bad.form is not None and bad.announced is None,
            Change.TOP_BIT: bad.announced is not None and bad.announced >> 63 == 1,
            Change.UNMASKED: not bad.masked,
            Change.LONG_CONTROL: bad.is_control and len(bad.content) > MAX_CONTROL_PAYLOAD,
            Change.FRAGMENTED_CONTROL: bad.opcode in strategies.CONTROL_OPCODES and not bad.fin,
            Change.STRAY_CONTINUATION: bad.opcode == Opcode.CONTINUATION and not inside,
            Change.NEW_MESSAGE_INSIDE: bad.opcode in DATA and inside,
        }
        assert {change for change, broken in shows.items() if broken} == {program.change}


def test_every_place_is_drawn() -> None:
    for seed in SEEDS:
        drawn = broken_programs("reserved", seed)
        assert any(not program.before.frames for program in drawn)
        assert any(program.before.unfinished for program in drawn)
        assert any(program.before.messages and not program.before.unfinished for program in drawn)
        assert any(program.after for program in drawn)


def test_bad_texts_are_no_utf8() -> None:
    for program in broken_programs("text", 0, 200):
        assert not is_utf8(program.bad_content)


def test_bad_octets_are_split_by_fragments() -> None:
    for seed in SEEDS:
        assert any(len(program.bad) > 1 for program in broken_programs("text", seed))


@pytest.mark.parametrize("name", ["fragmented", "closes"])
def test_a_target_that_takes_text_only(name: str) -> None:
    strategy = {"fragmented": strategies.fragmented(TEXT_ONLY), "closes": strategies.closes(TEXT_ONLY, TEXT_ONLY)}[name]
    drawn = [values["program"] for values in draw({"program": strategy}, 0, name, 50).values()]
    assert all(frame.opcode != Opcode.BINARY for program in drawn for frame in program.frames)


@pytest.mark.parametrize("changes", FRAME_CHANGES.values(), ids=FRAME_CHANGES)
def test_a_target_that_does_not_echo(changes: tuple[Change, ...]) -> None:
    drawn = [
        values["p"] for values in draw({"p": strategies.broken(changes, (), (Opcode.BINARY,))}, 0, "p", 50).values()
    ]
    assert all(not program.before.messages for program in drawn)


@pytest.mark.parametrize(
    "changes", [strategies.RESERVED_CHANGES, strategies.LENGTH_CHANGES, strategies.CONTROL_CHANGES]
)
def test_a_target_that_takes_no_message_at_all(changes: tuple[Change, ...]) -> None:
    drawn = [values["p"] for values in draw({"p": strategies.broken(changes, (), ())}, 0, "p", 50).values()]
    assert all(frame.is_control or frame.opcode in strategies.OPCODES for program in drawn for frame in program.bad)
