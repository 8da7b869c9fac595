"""The command itself: it imports what is called and nothing else, and says what is wrong in one line."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from wsproof import __version__
from wsproof.cli import COMMANDS, INTERRUPTED, load_command, main

HEAVY = {
    "aiohttp", "anyio", "asyncio", "fastapi", "h11", "httptools", "hypothesis", "pydantic", "pydantic_core",
    "pydantic_settings", "pytest", "rich", "ssl", "starlette", "tomllib", "uvicorn", "websockets", "wsproto",
}  # fmt: skip
"""What `wsproof --help` has no use for."""
SERVERS = {"fastapi", "starlette", "uvicorn", "websockets", "wsproto", "pydantic_settings"}
"""What only the reference server needs."""
PROGRAM = """
import json, sys
before = set(sys.modules)
from wsproof.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print()
print(json.dumps([code, sorted(set(sys.modules) - before)]))
"""


def imported(folder: Path, *words: str) -> tuple[int, set[str]]:
    """The exit code, and the names of all modules that such a command imports."""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    code, modules = json.loads(ran.stdout.splitlines()[-1])
    return code, set(modules)


def tops(modules: set[str]) -> set[str]:
    return {name.split(".", 1)[0] for name in modules}


def wsproof(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: empty, so that no configuration file is found."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestLaziness:
    @pytest.mark.parametrize("words", [("--help",), ("-h",), ("--version",)], ids=" ".join)
    def test_help_imports_no_part(self, folder: Path, words: tuple[str, ...]) -> None:
        code, modules = imported(folder, *words)
        assert code == 0
        assert tops(modules) & HEAVY == set()
        assert {name for name in modules if name.startswith("wsproof.")} <= {"wsproof.cli", "wsproof.config"}

    @pytest.mark.parametrize("words", [("check", "--help"), ("list", "-k", "ping"), ("run", "--help")], ids=" ".join)
    def test_the_conformance_side_imports_no_server(self, folder: Path, words: tuple[str, ...]) -> None:
        code, modules = imported(folder, *words)
        assert code == 0
        assert tops(modules) & SERVERS == set()
        assert "wsproof.conformance.command" in modules
        assert not any(name.startswith("wsproof.reference_server") for name in modules)

    def test_the_server_imports_no_conformance(self, folder: Path) -> None:
        code, modules = imported(folder, "serve", "--help")
        assert code == 0
        assert not any(name.startswith("wsproof.conformance") for name in modules)


class TestHelp:
    def test_names_every_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("--help") == 0
        out = capsys.readouterr().out
        for name in COMMANDS:
            assert f"\n  {name} " in out

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_command_can_be_loaded_and_asked(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert load_command(name).name == name
        assert wsproof(name, "-h") == 0
        assert f"Usage: wsproof {name}" in capsys.readouterr().out

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("--version") == 0
        assert capsys.readouterr().out == f"wsproof {__version__}\n"

    def test_as_a_module(self, folder: Path) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "wsproof", "--version"], cwd=folder, capture_output=True, text=True, check=True
        )
        assert ran.stdout == f"wsproof {__version__}\n"


class TestBadInput:
    def test_no_word_at_all_shows_the_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof() == 2
        assert "Commands:" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (("chekc",), "wsproof: No such command 'chekc'"),
            (("--no-such",), "wsproof: No such option"),
            (("check", "--no-such"), "wsproof check: No such option"),
            (("check", "ws://h/", "--jobs", "many"), "wsproof check: Invalid value for '--jobs'"),
            (("check", "ws://h/", "more"), "wsproof check: Got unexpected extra argument"),
            (("check", "--output"), "wsproof: Option '--output' requires an argument"),
            (("explain",), "wsproof explain: Missing argument"),
            (("check", "nowhere"), "wsproof: the URL 'nowhere' has no scheme"),
            (("check", "ws://h/", "--baseline", "no.toml"), "wsproof: no.toml: "),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_is_told_in_one_line(self, words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof(*words) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith(line)

    def test_an_error_of_ours_is_not_taken_for_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(**words: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("wsproof.conformance.command.chosen_checks", lambda options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(["list"])

    def test_an_interrupt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(options: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("wsproof.conformance.command.chosen_checks", interrupted)
        assert wsproof("list") == INTERRUPTED


def test_garbage_is_collected_again_once_the_command_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert gc.isenabled()
    with pytest.raises(SystemExit):
        main(["list", "-k", "ping-is-answered"])
    assert gc.isenabled()
    assert "ping-is-answered" in capsys.readouterr().out
