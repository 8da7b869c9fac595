"""Options in wsproof.toml and in [tool.wsproof]: who wins, and what is wrong is told with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wsproof.cli import COMMANDS, main
from wsproof.config import configured
from wsproof.conformance.command import CheckOptions
from wsproof.reports.errors import ConfigError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty at first."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "wsproof.toml") -> None:
    Path(name).write_text(text)


def defaults(command: str = "check") -> Mapping[str, Any]:
    """What a file says for this command, by parameter name."""
    return configured([command], COMMANDS).get(command, {})


def asked(monkeypatch: pytest.MonkeyPatch, *words: str) -> CheckOptions:
    """What `wsproof check` is asked for in the end."""
    seen: list[CheckOptions] = []

    def run_check(options: CheckOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr("wsproof.conformance.command.run_check", run_check)
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    assert ended.value.code == 0
    return seen[0]


class TestWhereItStands:
    def test_nowhere(self) -> None:
        assert defaults() == {}

    def test_in_a_file_of_its_own(self) -> None:
        write("max-time = 60\nstrict = true\n")
        assert defaults() == {"max_time": 60, "strict": True}

    @pytest.mark.parametrize(
        "text",
        ["[tool.wsproof]\njobs = 3\n", "[tool]\nwsproof.jobs = 3\n", "[tool]\nwsproof = {jobs = 3}\n",
         '["tool"."wsproof"]\njobs = 3\n'],
    )  # fmt: skip
    def test_in_pyproject(self, text: str) -> None:
        write(f'[project]\nname = "x"\n{text}', "pyproject.toml")
        assert defaults() == {"jobs": 3}

    def test_its_own_file_goes_before_pyproject(self) -> None:
        write("jobs = 5\n")
        write("[tool.wsproof]\njobs = 3\nbroken", "pyproject.toml")
        assert defaults() == {"jobs": 5}

    @pytest.mark.parametrize(
        "text", ["", "[tool.other]\nx = 1\n", '[project]\nname = "wsproof"\n', '[tool]\nother = "wsproof"\n']
    )
    def test_a_pyproject_without_a_table_for_it(self, text: str) -> None:
        write(text, "pyproject.toml")
        assert defaults() == {}

    def test_a_broken_pyproject_that_is_not_about_it(self) -> None:
        write("not TOML at all", "pyproject.toml")
        assert defaults() == {}

    def test_without_a_command_no_file_is_read(self) -> None:
        write("broken")
        assert configured(["--help"], COMMANDS) == {}
        assert configured(["no-such-command"], COMMANDS) == {}


class TestWhoWins:
    def test_the_table_of_a_command_wins_over_the_top(self) -> None:
        write("patience = 9\njobs = 2\n[check]\npatience = 1.5\n[list]\nsection = ['5.5']\n")
        assert defaults() == {"patience": 1.5, "jobs": 2}
        assert defaults("run") == {"patience": 9, "jobs": 2}
        assert defaults("list") == {"section": ["5.5"]}

    def test_what_a_command_does_not_have_is_for_the_others(self) -> None:
        write("k = 'ping'\nreport-dir = 'there'\nport = 9000\n")
        assert defaults() == {"expression": "ping"}
        assert defaults("run") == {"report_dir": "there"}
        assert defaults("serve") == {"port": 9000}

    def test_the_command_line_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("url = 'ws://file/'\npatience = 9\njobs = 2\nheader = ['A: file']\nk = 'file'\n")
        options = asked(monkeypatch, "ws://line/", "--patience", "1", "--header", "B: line", "-k", "line")
        assert (options.url, options.patience, options.jobs) == ("ws://line/", 1, 2)
        assert (options.headers, options.expression) == (["B: line"], "line")

    def test_every_kind_of_value_arrives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write(
            "url = 'ws://file/'\nstrict = true\nmax-time = 60\npatience = 2.5\nheader = ['A: 1', 'B: 2']\n"
            "output = 'run.jsonl'\n[check]\nserve = 'cmd {port}'\nslow = false\n"
        )
        options = asked(monkeypatch)
        assert (options.url, options.strict, options.slow) == ("ws://file/", True, False)
        assert (options.max_time, options.patience, options.serve) == (60, 2.5, "cmd {port}")
        assert (options.headers, options.output) == (["A: 1", "B: 2"], Path("run.jsonl"))


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("text", "line", "why"),
        [
            ("jobs = 3\nno-such = 1\n", 2, "unknown key 'no-such'; it takes "),
            ("patiense = 3\n", 1, "unknown key 'patiense'; did you mean 'patience'?"),
            ("[check]\n\nreport-dir = 'x'\n", 3, "unknown key 'report-dir'"),
            ("[serve]\nstrict = true\n", 2, "unknown key 'strict'"),
            ("[chekc]\njobs = 1\n", 1, "unknown key 'chekc'; did you mean 'check'?"),
            ("help = true\n", 1, "unknown key 'help'"),
            ("jobs = 'many'\n", 1, "'jobs' must be a whole number, not 'many'"),
            ("jobs = 1.5\n", 1, "'jobs' must be a whole number, not 1.5"),
            ("jobs = true\n", 1, "'jobs' must be a whole number, not True"),
            ("\nstrict = 1\n", 2, "'strict' must be true or false, not 1"),
            ("patience = 'long'\n", 1, "'patience' must be a number, not 'long'"),
            ("[check]\nheader = 'A: b'\n", 2, "'header' must be a list of strings, not 'A: b'"),
            ("header = ['A: b', 3]\n", 1, "'header' must be a list of strings"),
            ("profile = 3\n", 1, "'profile' must be a string, not 3"),
            ("jobs = 3\nbroken\n", 2, "broken TOML"),
            ("jobs = 1\njobs = 2\n", 2, "broken TOML"),
            ("check = 3\n", 1, "'check' must be a table"),
            ("serve = 'cmd {port}'\n", 1, "'serve' must be a table"),
        ],
        ids=lambda value: value.strip().replace("\n", "|") if isinstance(value, str) else "",
    )
    def test_one_line_with_file_and_line(
        self, text: str, line: int, why: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(text)
        with pytest.raises(SystemExit) as ended:
            main(["check", "ws://h/"])
        assert ended.value.code == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"wsproof: wsproof.toml:{line}: {why}")
        assert captured.err.count("\n") == 1

    @pytest.mark.parametrize(
        ("text", "line", "why"),
        [
            ("[project]\n[tool.wsproof]\nno-such = 1\n", 3, "unknown key 'no-such'"),
            ("[tool.wsproof.check]\njobs = 'x'\n", 2, "'jobs' must be a whole number"),
            ("[tool]\nwsproof = 3\n", 2, "'tool.wsproof' must be a table"),
            ("tool = 'wsproof'\n", 1, "'tool' must be a table"),
            ("[tool.wsproof]\nbroken\n", 2, "broken TOML"),
        ],
    )
    def test_in_pyproject(self, text: str, line: int, why: str) -> None:
        write(text, "pyproject.toml")
        with pytest.raises(ConfigError, match="pyproject") as caught:
            defaults()
        assert (caught.value.line, caught.value.message[: len(why)]) == (line, why)

    def test_a_table_of_another_command_is_judged_too(self) -> None:
        write("[run]\nno-such = 1\n")
        with pytest.raises(ConfigError, match="no-such"):
            defaults("check")
