"""How the transcript is shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.reports.evidence import describe, frame_head, transcript_lines
from wsproof.reports.model import TranscriptEntry

from .samples import HOSTILE, TRANSCRIPT
from .strategies import entries


def entry(**more: Any) -> TranscriptEntry:
    return TranscriptEntry(**{"t": 0.0, "conn": 1, "dir": "in", "what": "frame", **more})


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (
            {"fin": True, "rsv": 0, "opcode": 1, "masked": False, "length": 5, "head": "810568656c6c6f"},
            'Text FIN=1 len=5 "hello"            81 05 68 65 6c 6c 6f',
        ),
        (
            {"fin": False, "rsv": 4, "opcode": 2, "length": 3, "head": "42036869"},
            "Binary FIN=0 RSV1 len=3             42 03 68 69",
        ),
        ({"fin": True, "rsv": 7, "opcode": 3, "length": 0}, "Opcode 0x3 FIN=1 RSV1 RSV2 RSV3 len=0"),
        ({"dir": "out", "fin": True, "opcode": 9, "masked": False, "length": 0}, "Ping FIN=1 unmasked len=0"),
        ({"dir": "out", "fin": True, "opcode": 9, "masked": True, "length": 0}, "Ping FIN=1 len=0"),
        ({"dir": "in", "fin": True, "opcode": 10, "masked": True, "length": 0}, "Pong FIN=1 masked len=0"),
        ({"fin": True, "opcode": 8, "length": 0, "head": "8800"}, "Close FIN=1 len=0                   88 00"),
        ({"fin": True, "opcode": 8, "length": 1, "head": "880103"}, "Close FIN=1 len=1                   88 01 03"),
        (
            {"fin": True, "opcode": 8, "length": 6, "text": "bye!", "head": "880603ea"},
            'Close FIN=1 len=6 code=1002 "bye!"  88 06 03 ea',
        ),
        ({"fin": True, "opcode": 0, "length": 1, "text": "x"}, 'Continuation FIN=1 len=1 "x"'),
        (
            {"fin": True, "opcode": 1, "length": 2, "head": "81820102030468 69".replace(" ", "")},
            'Text FIN=1 len=2 "hi"               81 82 01 02 03 04 68 69',
        ),
        (
            {"fin": True, "opcode": 1, "length": 300, "head": "817e012c6869"},
            'Text FIN=1 len=300 "hi"             81 7e 01 2c 68 69',
        ),
        (
            {"fin": True, "opcode": 1, "length": 2, "head": "817f00000000000000026869"},
            'Text FIN=1 len=2 "hi"               81 7f 00 00 00 00 00 00 00 02 68 69',
        ),
        (
            {"fin": True, "opcode": 1, "length": 2, "head": "8102ff00"},
            "Text FIN=1 len=2                    81 02 ff 00",
        ),
        ({"head": "nonsense\x1b"}, "Frame                               no ns en se \\x 1b"),
        ({}, "Frame"),
    ],
)
def test_frame_head(fields: dict[str, Any], shown: str) -> None:
    assert frame_head(entry(**fields)) == shown


def test_what_is_no_frame() -> None:
    assert describe(entry(what="tcp", text="end\x07")) == ["TCP end\\x07"]
    assert describe(entry(what="bytes", length=3, head="010203")) == ["3 bytes                             01 02 03"]
    assert describe(entry(what="bytes")) == ["? bytes"]
    assert describe(entry(what="note", text="waited")) == ["waited"]
    assert describe(entry(what="request", text="GET / HTTP/1.1\r\nA: \x1b\r\n\r\n")) == ["GET / HTTP/1.1", "A: \\x1b"]
    assert describe(entry(what="response", text="A\n" * 100))[-1] == "... 76 more lines"
    assert describe(entry(what="response")) == [""]


def test_lines() -> None:
    assert transcript_lines(TRANSCRIPT[:2]) == [
        "  0.0000 -> GET /echo HTTP/1.1",
        "            Host: 127.0.0.1",
        "  0.0009 <- HTTP/1.1 101 Switching Protocols",
    ]
    assert transcript_lines([]) == []


def test_several_connections_are_numbered() -> None:
    lines = transcript_lines([entry(what="tcp", text="open"), entry(what="tcp", text="open", conn=2, dir="out")])
    assert lines == ["  0.0000 #1 <- TCP open", "  0.0000 #2 -> TCP open"]


def test_the_middle_of_a_long_one_is_left_out() -> None:
    lines = transcript_lines([entry(what="tcp", text=str(n)) for n in range(100)], most=5)
    assert [line.split()[-1] for line in lines] == ["0", "1", "...", "97", "98", "99"]
    assert lines[2] == "         ... 95 more ..."


@given(st.lists(entries, max_size=8))
def test_any_transcript_is_shown_in_plain_short_lines(transcript: list[TranscriptEntry]) -> None:
    for line in transcript_lines(transcript):
        assert line.isprintable()
        assert len(line) < 2500


def test_a_hex_dump_is_cut() -> None:
    assert describe(entry(what="bytes", length=90, head="00" * 90))[0].endswith(" 00 ...")
    assert HOSTILE not in describe(entry(what="tcp", text=HOSTILE))[0]
