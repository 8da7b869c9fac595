"""The failure file: what failed is tried first by the next run, and the file never does harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wsproof.conformance.errors import UsageError
from wsproof.conformance.failures import KEPT_PER_CHECK, MAX_BYTES, add_failures, failures_in, read_failures
from wsproof.reports.model import CheckResult, Level, Verdict


def example(number: int) -> dict[str, Any]:
    return {"number": {"words": str(number), "value": number}}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "failures.jsonl"
    assert read_failures(path) == {}
    add_failures(path, {}, {"b/two": [example(2)], "a/one": [example(1)]})
    assert read_failures(path) == {"a/one": [example(1)], "b/two": [example(2)]}
    assert [entry.name for entry in path.parent.iterdir()] == ["failures.jsonl"]


def test_the_latest_stands_last_and_once(tmp_path: Path) -> None:
    path = tmp_path / "failures.jsonl"
    add_failures(path, {"a/one": [example(1), example(2)]}, {"a/one": [example(1)]})
    assert read_failures(path) == {"a/one": [example(2), example(1)]}


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "failures.jsonl"
    add_failures(path, {"a/one": [example(n) for n in range(KEPT_PER_CHECK)]}, {"a/one": [example(-1)]})
    assert [one["number"]["value"] for one in read_failures(path)["a/one"]] == [*range(1, KEPT_PER_CHECK), -1]


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "failures.jsonl"
    add_failures(path, {"a/one": [example(1)]}, {})
    add_failures(path, {"a/one": [example(1)]}, {"a/one": [example(1)]})
    assert not path.exists()


@pytest.mark.parametrize(
    "line",
    ["", "{", "3", "[]", '{"check": 1, "example": {}}', '{"check": "a"}', '{"check": "a", "example": 3}', "[" * 9999],
)
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "failures.jsonl"
    path.write_text(json.dumps({"check": "a/b", "example": {}}) + "\n" + line + "\n")
    with pytest.raises(UsageError, match=r"failures\.jsonl, line 2: no entry of a failure file"):
        read_failures(path)


@pytest.mark.parametrize("content", [b"\xff\n", b" " * (MAX_BYTES + 1)], ids=["no-text", "too-large"])
def test_what_is_no_failure_file_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "failures.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="failure file"):
        read_failures(path)


def test_a_directory_in_its_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_failures(tmp_path)


def result(id: str, verdict: Verdict, **more: Any) -> CheckResult:
    return CheckResult(id=id, title=id, section="1", level=Level.MUST, requirements=["x"], verdict=verdict, **more)


def test_what_a_baseline_knows_is_not_kept() -> None:
    results = [
        result("a/failed", Verdict.FAIL, example=example(1)),
        result("a/warned", Verdict.WARN, example=example(2)),
        result("a/known", Verdict.FAIL, example=example(3), known="why"),
        result("a/fixed", Verdict.FAIL),
        result("a/fine", Verdict.PASS, example=example(4)),
    ]
    assert failures_in(results) == {"a/failed": [example(1)], "a/warned": [example(2)]}
