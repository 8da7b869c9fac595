"""Two transcripts beside each other: what was recorded, and what came of the same again."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from .evidence import ARROWS, describe
from .model import TranscriptEntry

LEAST_WIDTH: Final = 60
MOST_LINES: Final = 120
DIFFERS: Final = " ! "
ALIKE: Final = " | "


def side_by_side(
    left: Sequence[TranscriptEntry], right: Sequence[TranscriptEntry], *, titles: tuple[str, str], width: int = 120
) -> list[str]:
    """Lines of at most ``width`` columns, ``!`` between the two where they differ. Safe to show anywhere."""
    column = (max(width, LEAST_WIDTH) - len(ALIKE)) // 2
    pairs = _paired(_lines(left), _lines(right))
    shown = [_row(titles[0], titles[1], ALIKE, column), _row("-" * column, "-" * column, "-+-", column)]
    shown += [_row(one, other, ALIKE if one == other else DIFFERS, column) for one, other in pairs[:MOST_LINES]]
    if len(pairs) > MOST_LINES:
        shown.append(f"... {len(pairs) - MOST_LINES:,} more lines")
    return shown


def _lines(transcript: Sequence[TranscriptEntry]) -> list[str]:
    """What passed, without times."""
    numbered = len({entry.conn for entry in transcript}) > 1
    lines = []
    for entry in transcript:
        lead = f"{f'#{entry.conn} ' if numbered else ''}{ARROWS[entry.dir]} "
        for line in describe(entry):
            lines.append(lead + line)
            lead = " " * len(lead)
    return lines


def _paired(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """Lines that are alike side by side; what stands on one side only has an empty line beside it."""
    pairs: list[tuple[str, str]] = []
    for _, start, end, first, last in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        rows = max(end - start, last - first)
        ones, others = left[start:end], right[first:last]
        pairs += zip(ones + [""] * (rows - len(ones)), others + [""] * (rows - len(others)), strict=True)
    return pairs


def _row(one: str, other: str, between: str, column: int) -> str:
    return f"{_cut(one, column):<{column}}{between}{_cut(other, column)}".rstrip()


def _cut(line: str, column: int) -> str:
    return line if len(line) <= column else line[: column - 3] + "..."
