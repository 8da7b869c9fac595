"""Two transcripts beside each other."""

from __future__ import annotations

from wsproof.reports.model import TranscriptEntry
from wsproof.reports.side_by_side import MOST_LINES, side_by_side

from .samples import HOSTILE

TITLES = ("recorded", "now")


def frame(opcode: int, head: str, *, conn: int = 1, out: bool = False) -> TranscriptEntry:
    return TranscriptEntry(
        t=0.1, conn=conn, dir="out" if out else "in", what="frame", fin=True, rsv=0, opcode=opcode, length=2, head=head
    )


PING = frame(9, "89826162636403ea", out=True)
PONG = frame(10, "8a026162")
CLOSE = frame(8, "880203ea")


def test_what_is_alike_stands_side_by_side_and_a_difference_is_marked() -> None:
    lines = side_by_side([PING, PONG], [PING, CLOSE], titles=TITLES)
    assert [line[:8].strip() for line in lines[:1]] == ["recorded"]
    assert lines[0].split("|")[1].strip() == "now"
    assert " | " in lines[2]
    assert lines[2].count("-> Ping") == 2
    left, right = lines[3].split(" ! ")
    assert left.startswith("<- Pong")
    assert right.startswith("<- Close")


def test_what_one_side_lacks_has_nothing_beside_it() -> None:
    lines = side_by_side([PING, PONG], [PING, CLOSE, PONG], titles=TITLES, width=100)
    assert [" ! " in line for line in lines[2:]] == [False, True, False]
    assert lines[3].split(" ! ")[0].strip() == ""
    assert lines[4].count("<- Pong") == 2


def test_times_do_not_differ() -> None:
    later = TranscriptEntry(t=9.0, conn=1, dir="in", what="tcp", text="FIN")
    sooner = TranscriptEntry(t=0.0, conn=1, dir="in", what="tcp", text="FIN")
    assert " ! " not in side_by_side([sooner], [later], titles=TITLES)[2]


def test_connections_are_numbered_where_there_are_several() -> None:
    lines = side_by_side([PING, frame(10, "8a026162", conn=2)], [PING], titles=TITLES)
    assert any("#2 <- Pong" in line for line in lines)


def test_no_line_is_longer_than_the_width_and_hostile_text_is_escaped() -> None:
    hostile = TranscriptEntry(t=0.0, conn=1, dir="in", what="response", text=HOSTILE * 20)
    lines = side_by_side([hostile], [hostile, PONG], titles=TITLES, width=90)
    assert all(len(line) <= 90 and line.isprintable() for line in lines)


def test_a_long_exchange_is_cut() -> None:
    lines = side_by_side([PONG] * 500, [PONG] * 500, titles=TITLES)
    assert len(lines) == MOST_LINES + 3
    assert lines[-1] == "... 380 more lines"
