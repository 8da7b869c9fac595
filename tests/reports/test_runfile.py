"""Run files: what is written comes back, and what is no whole run is refused."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from wsproof.reports import runfile
from wsproof.reports.errors import ConfigError, NewerSchema, NotARun, RunFileError, TruncatedRun
from wsproof.reports.model import CheckResult, Outcome, Run
from wsproof.reports.runfile import RunWriter, encode, read_run

from .samples import HOSTILE, TRANSCRIPT, checked, end_record, every_verdict, raw, run_record
from .strategies import runs

MUST = "rfc6455-5.5-2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property; each writes its file anew."""
    return tmp_path_factory.mktemp("runs")


def write(path: Path, run: Run) -> None:
    with RunWriter(path) as writer:
        writer.write(run.run)
        for result in run.checks:
            writer.write(result)
        writer.write(run.end)


def sample() -> Run:
    results = every_verdict()
    return Run(run=run_record(), checks=results, end=end_record(results))


@given(runs())
def test_any_run_comes_back(folder: Path, run: Run) -> None:
    path = folder / "any.jsonl"
    write(path, run)
    assert read_run(path) == run
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["type"] for line in lines] == ["run", *["check"] * len(run.checks), "end"]
    assert path.read_bytes().isascii()


def test_the_shape_that_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, sample())
    first, *middle, last = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert (first["type"], first["schema"], first["kind"]) == ("run", 1, "check")
    assert last["totals"]["pass"] == 1
    assert last["exit"] == 3
    failed = middle[1]
    assert (failed["id"], failed["section"], failed["level"]) == ("control-frames/long-ping", "5.5", "MUST")
    assert failed["findings"][0] == {
        "requirement": MUST,
        "verdict": "fail",
        "expected": "the connection to be failed with 1002",
        "observed": "the connection stayed open",
        "contested": False,
        "source": "RFC 6455, section 5.5",
        "statement": "A control frame's payload is at most 125 bytes.",
    }


def test_hostile_content_comes_back_as_it_was(tmp_path: Path) -> None:
    result = checked("a/b", raw(MUST, Outcome.VIOLATED, HOSTILE))
    write(tmp_path / "run.jsonl", Run(run=run_record(), checks=[result], end=end_record([result])))
    assert read_run(tmp_path / "run.jsonl").checks[0].findings[0].observed == HOSTILE


def test_what_json_has_no_word_for() -> None:
    example: dict[str, Any] = {"b": b"\xff\x00", "nan": float("nan"), "inf": [float("-inf")], "set": {1}, "o": Outcome}
    written = json.loads(encode(checked("a/b", raw(MUST, Outcome.HOLDS), example=example)))["example"]
    assert base64.b64decode(written["b"]["base64"]) == b"\xff\x00"
    assert (written["nan"], written["inf"], written["set"]) == ("nan", ["-inf"], [1])
    assert "Outcome" in written["o"]


def test_each_line_is_there_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with RunWriter(path) as writer:
        writer.write(run_record())
        assert path.read_bytes().count(b"\n") == 1
        writer.write(checked("a/b", raw(MUST, Outcome.HOLDS)))
        assert path.read_bytes().count(b"\n") == 2
    with pytest.raises(TruncatedRun) as caught:
        read_run(path)
    assert str(caught.value) == f"{path}: truncated: no end line after 1 check, so it proves nothing; run it again."


@pytest.mark.parametrize("name", ["none/run.jsonl", "."])
def test_unwritable_is_said_when_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        RunWriter(tmp_path / name)


def test_every_cut_is_seen(tmp_path: Path) -> None:
    whole = tmp_path / "run.jsonl"
    write(whole, sample())
    data = whole.read_bytes()
    cut = tmp_path / "cut.jsonl"
    for length in range(0, len(data), 97):
        cut.write_bytes(data[:length])
        with pytest.raises(RunFileError) as caught:
            read_run(cut)
        if length == 0 or length > 20:
            assert isinstance(caught.value, TruncatedRun)
    cut.write_bytes(data[:-1])
    with pytest.raises(TruncatedRun):
        read_run(cut)


def lines_of(run: Run) -> list[bytes]:
    return [encode(run.run), *map(encode, run.checks), encode(run.end)]


def refused(tmp_path: Path, kind: type[RunFileError], *lines: bytes) -> str:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(lines))
    with pytest.raises(kind) as caught:
        read_run(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    first = b'{"type":"run","schema":2,"tool":"wsproof 9.0","whatever":[1]}\n'
    said = refused(tmp_path, NewerSchema, first, b'{"type":"new"}\n')
    assert said == "written by wsproof 9.0 with schema 2; this wsproof reads up to 1."


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    first, check, *_, end = lines_of(sample())
    assert refused(tmp_path, NotARun, b"<html>\n") == "line 1 is not JSON."
    assert refused(tmp_path, NotARun, b"\xff\xfe\n") == "line 1 is not JSON."
    assert refused(tmp_path, NotARun, b"[" * 100_000 + b"\n") == "line 1 is not JSON."
    assert refused(tmp_path, NotARun, b"[]\n") == "line 1 is no record."
    assert refused(tmp_path, NotARun, check, end) == "line 1 is no run line."
    assert refused(tmp_path, NotARun, first, first, end) == "line 2 is a second run line."
    assert refused(tmp_path, NotARun, first, end, check) == "line 3 stands after the end line."
    assert refused(tmp_path, NotARun, first, b"\n", end) == "line 2 is not JSON."
    assert refused(tmp_path, NotARun, first, b'{"type":"new"}\n', end).startswith("line 2: ")
    broken = check.replace(b'"verdict":"pass"', b'"verdict":"great"')
    assert refused(tmp_path, NotARun, first, broken, end).startswith("line 2: check.verdict: ")
    unknown = check.replace(b'"type":"check"', b'"type":"check","\\u001b[2J":1')
    assert "\\x1b[2J" in refused(tmp_path, NotARun, first, unknown, end)


def test_a_schema_that_never_was_is_refused(tmp_path: Path) -> None:
    first, *rest = lines_of(sample())
    for schema in (b"0", b'"1"', b"true", b"null"):
        wrong = first.replace(b'"schema":1', b'"schema":' + schema)
        assert refused(tmp_path, NotARun, wrong, *rest) == "line 1 names no schema that there is."


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match="cannot be read: No such file or directory"):
        read_run(tmp_path / "none.jsonl")


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runfile, "MAX_LINE", 1000)
    assert refused(tmp_path, NotARun, lines_of(sample())[0], b"x" * 5000) == "line 2 is longer than 1,000 bytes."


def test_evidence_that_is_too_long_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runfile, "MAX_LINE", 30_000)

    def back(**more: Any) -> CheckResult:
        result = checked("a/b", raw(MUST, Outcome.VIOLATED, more.pop("observed", "o")), **more)
        path = tmp_path / "run.jsonl"
        write(path, Run(run=run_record(), checks=[result], end=end_record([result])))
        return read_run(path).checks[0]

    small = back(transcript=TRANSCRIPT, replay=[{"bytes": "x"}])
    assert (small.transcript, small.replay) == (TRANSCRIPT, [{"bytes": "x"}])
    long_replay = back(transcript=TRANSCRIPT, replay=[{"bytes": "x" * 40_000}])
    assert (long_replay.transcript, long_replay.replay) == (TRANSCRIPT, [])
    long_transcript = back(transcript=TRANSCRIPT * 100, observed="o" * 40_000)
    assert [entry.what for entry in long_transcript.transcript] == ["note"]
    assert long_transcript.findings[0].observed == "o" * 10_000
    assert (long_transcript.verdict, long_transcript.id) == ("fail", "a/b")
