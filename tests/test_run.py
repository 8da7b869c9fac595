"""``wsproof run`` on a URL, and what it refuses; on the embedded reference server it runs in tests/field."""

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


def test_a_url(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mutant_server() as server:
        assert wsproof("run", server.url, "--report-dir", "there", "-q") == 0
    assert read_run(Path("there/run.jsonl")).end.exit == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_failures_gate(folder: Path) -> None:
    with mutant_server("http-1-0-accepted") as server:
        assert wsproof("run", server.url, "-q") == 1


def test_a_report_folder_that_cannot_be_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").write_text("a file")
    assert wsproof("run", "--report-dir", "there") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_stack_is_for_the_embedded_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wsproof("run", "ws://h/", "--ws", "wsproto") == 2
    assert "--ws" in capsys.readouterr().err
