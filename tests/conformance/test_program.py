"""Frame programs: what they say, what they mean, and that they can be written down and read back."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from wsproof.conformance.program import (
    BrokenProgram,
    Change,
    PlannedFrame,
    Program,
    Segments,
    Whole,
    in_words,
    stretched,
)
from wsproof.conformance.wire.frames import Frame, LengthForm, Masking, Opcode, close_payload

CHARACTER = (
    PlannedFrame(Opcode.TEXT, b"\xc3", fin=False),
    PlannedFrame(Opcode.PING),
    PlannedFrame(Opcode.CONTINUATION, b"\x28"),
)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (PlannedFrame(Opcode.TEXT), "Text"),
        (PlannedFrame(Opcode.TEXT, b"\xc3", fin=False), "Text, FIN=0, `c3`"),
        (PlannedFrame(Opcode.CONTINUATION, b"\x28"), "Continuation, FIN=1, `28`"),
        (PlannedFrame(Opcode.PING, rsv=5), "Ping, RSV=5"),
        (PlannedFrame(Opcode.BINARY, b"a", size=64), "Binary, 64 bytes of `61`"),
        (PlannedFrame(13, masked=False), "opcode 13, MASK=0"),
        (PlannedFrame(Opcode.TEXT, b"a", key=bytes(4)), "Text, key `00000000`, `61`"),
        (PlannedFrame(Opcode.TEXT, b"a", form=2), "Text, length in 16 bits, `61`"),
        (
            PlannedFrame(Opcode.BINARY, form=8, announced=1 << 63),
            "Binary, length in 64 bits, length 0x8000000000000000",
        ),
        (PlannedFrame(Opcode.CLOSE, close_payload(1000, "é")), "Close, 1000, `c3a9`"),
        (PlannedFrame(Opcode.CLOSE, b"a"), "Close, `61`"),
        (PlannedFrame(Opcode.CLOSE, b"\x0c*", size=126), "Close, 126 bytes of `0c2a`"),
    ],
)
def test_a_frame_in_words(frame: PlannedFrame, words: str) -> None:
    assert str(frame) == words


def test_a_long_payload_is_cut_in_words() -> None:
    assert in_words(b"a" * 25) == f"`{'61' * 24}...` (25 bytes)"


def test_a_program_in_words() -> None:
    assert str(Program(CHARACTER)) == "Text, FIN=0, `c3`; Ping; Continuation, FIN=1, `28`"
    assert str(Program(CHARACTER[:1], Segments((3, 7)))) == "Text, FIN=0, `c3` (TCP segments end after byte 3, 7)"
    assert str(Program(CHARACTER[:1], Segments(chop=1))) == "Text, FIN=0, `c3` (in TCP segments of 1 byte)"
    assert str(Program()) == "nothing"


def test_a_broken_program_in_words() -> None:
    bad = PlannedFrame(Opcode.CONTINUATION, b"b", rsv=1)
    broken = BrokenProgram(Change.RESERVED_BIT, (bad,), Program(CHARACTER[:1]), (CHARACTER[1],), Segments(chop=2))
    words = "Text, FIN=0, `c3`; then reserved bits: Continuation, FIN=1, RSV=1, `62`; then Ping"
    assert str(broken) == f"{words} (in TCP segments of 2 bytes)"


@pytest.mark.parametrize(("pattern", "size", "whole"), [(b"ab", 5, b"ababa"), (b"ab", 0, b""), (b"", 9, b"")])
def test_a_payload_is_stretched(pattern: bytes, size: int, whole: bytes) -> None:
    assert stretched(pattern, size) == whole


@pytest.mark.parametrize(
    "planned",
    [
        PlannedFrame(Opcode.TEXT, b"abc"),
        PlannedFrame(Opcode.TEXT, b"abc", size=126),
        PlannedFrame(Opcode.TEXT, b"abc", size=65536),
        PlannedFrame(Opcode.TEXT, b"abc", masked=False, form=8),
        PlannedFrame(Opcode.BINARY, form=8, announced=1 << 63),
    ],
)
def test_sizes_are_those_of_the_wire(planned: PlannedFrame) -> None:
    assert planned.wire_size == len(planned.frame().encode())
    assert planned.header_size == planned.wire_size - len(planned.content)


def test_the_frame_that_is_sent() -> None:
    planned = PlannedFrame(3, b"ab", fin=False, size=4, rsv=2, key=b"1234", form=2, announced=9)
    assert planned.frame() == Frame(3, b"abab", False, 2, b"1234", LengthForm.BITS_16, 9)
    assert PlannedFrame(Opcode.TEXT, masked=False, key=b"1234").frame().masking is Masking.NONE


def test_what_ought_to_arrive() -> None:
    program = Program((*CHARACTER, PlannedFrame(Opcode.BINARY, b"x"), PlannedFrame(Opcode.TEXT, b"y", fin=False)))
    assert program.messages == [Whole(Opcode.TEXT, b"\xc3\x28"), Whole(Opcode.BINARY, b"x")]
    assert program.unfinished == Whole(Opcode.TEXT, b"y")
    assert program.pings == [b""]
    assert Program(CHARACTER).unfinished is None


@pytest.mark.parametrize(
    ("frames", "inside"),
    [
        (CHARACTER, True),
        ((CHARACTER[1], CHARACTER[0], CHARACTER[2]), False),
        ((CHARACTER[0], CHARACTER[2], CHARACTER[1]), False),
    ],
)
def test_control_frames_inside_a_message(frames: tuple[PlannedFrame, ...], inside: bool) -> None:
    assert Program(frames).has_controls_inside is inside


@pytest.mark.parametrize(
    ("segments", "pieces"),
    [
        (Segments(), [b"abcdef"]),
        (Segments((2,)), [b"ab", b"cdef"]),
        (Segments((4, 2, 4, 0, 6, 9)), [b"ab", b"cd", b"ef"]),
        (Segments(chop=4), [b"abcd", b"ef"]),
        (Segments(chop=9), [b"abcdef"]),
    ],
)
def test_segments(segments: Segments, pieces: list[bytes]) -> None:
    assert list(segments.pieces(b"abcdef")) == pieces


def test_no_segment_of_nothing() -> None:
    assert list(Segments().pieces(b"")) == []


def test_what_was_illegal() -> None:
    text = (PlannedFrame(Opcode.TEXT, b"\xc0", fin=False), PlannedFrame(Opcode.PING, b"p"), PlannedFrame(0, b"\x80"))
    assert BrokenProgram(Change.OVERLONG, text).bad_content == b"\xc0\x80"
    assert BrokenProgram(Change.LONG_CONTROL, (PlannedFrame(Opcode.PING, b"*", size=126),)).bad_content == b"*" * 126


def test_it_can_be_written_down() -> None:
    bad = PlannedFrame(Opcode.TEXT, b"\xff\x80", rsv=2, key=b"\xff\xfe\0\1", size=5)
    broken = BrokenProgram(Change.RESERVED_BIT, (bad,), Program(CHARACTER, Segments((3,))), (), Segments(chop=2))
    adapter = TypeAdapter(BrokenProgram)
    written = json.dumps(adapter.dump_python(broken, mode="json"))
    assert adapter.validate_json(written) == broken
