"""docs/field-notes.md tells of every finding that is known of a server, under the version it was seen with."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsproof.conformance.profile import built_in_baselines
from wsproof.reports.baseline import Entry

from .runs import EXPECTED, known

NOTES = (Path(__file__).resolve().parents[2] / "docs" / "field-notes.md").read_text(encoding="utf-8")
CHAPTERS = {chapter.partition("\n")[0]: chapter for chapter in NOTES.split("\n## ")}


def counts(entries: list[Entry]) -> tuple[int, int]:
    """How many checks fail and how many warn."""
    failing = sum(entry.verdict == "fail" for entry in entries)
    return failing, len(entries) - failing


def untold(entries: list[Entry], chapter: str) -> list[str]:
    """The ids and requirements of entries that a chapter does not name."""
    names = {entry.id.partition("[")[0] for entry in entries}
    names |= {name for entry in entries for name in entry.requirements or []}
    return sorted(name for name in names if name not in chapter)


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPECTED.glob("*.toml")))
def test_a_third_party_server(name: str) -> None:
    entries = known(EXPECTED / f"{name}.toml").known
    chapter = next(text for title, text in CHAPTERS.items() if title.startswith(str(entries[0].seen)))
    failing, warning = counts(entries)
    assert f"{failing} checks fail, {warning} warn." in chapter
    assert untold(entries, chapter) == []


@pytest.mark.parametrize("stack", sorted(built_in_baselines()))
def test_a_stack_of_uvicorn(stack: str) -> None:
    entries = known(built_in_baselines()[stack]).known
    chapter = next(text for title, text in CHAPTERS.items() if title.startswith("uvicorn 0.54.0"))
    failing, warning = counts(entries)
    assert f"{stack.removeprefix('uvicorn-')} {failing + warning} ({failing} fail)" in chapter
    assert untold(entries, chapter) == []
