"""``wsproof run``: check and report, on the embedded reference server or a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import mutant_server
from wsproof.cli import main
from wsproof.reports.runfile import read_run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: empty, so that no configuration file is found."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wsproof(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_embedded_reference_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole of it on each stack is in tests/field."""
    assert wsproof("run", "-k", "control-frames or contract-echo") == 0
    out = capsys.readouterr().out
    assert "The gate holds" in out
    assert "Written to wsproof-report/" in out
    run = read_run(Path("wsproof-report/run.jsonl"))
    assert run.run.kind == "run"
    assert run.end.totals.undetermined == 0
    assert run.end.mended == []
    assert Path("wsproof-report/junit.xml").exists()


def test_a_url(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mutant_server() as server:
        assert wsproof("run", server.url, "--report-dir", "there", "-q", "-k", "control-frames") == 0
    assert read_run(Path("there/run.jsonl")).end.exit == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_failures_gate(folder: Path) -> None:
    with mutant_server("long-control-taken") as server:
        assert wsproof("run", server.url, "-q", "-k", "control-frames") == 1


def test_a_report_folder_that_cannot_be_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").write_text("a file")
    assert wsproof("run", "--report-dir", "there") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_stack_is_for_the_embedded_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wsproof("run", "ws://h/", "--ws", "wsproto") == 2
    assert "--ws" in capsys.readouterr().err
