"""``wsproof check``, ``list`` and ``explain`` from the command line to the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.mutants import MutantServer, mutant_server
from wsproof.cli import main
from wsproof.conformance.serve import free_port
from wsproof.reports.model import CheckResult, Verdict
from wsproof.reports.runfile import read_run

NO_PONG = "ping-unanswered"
FEW = "control-frames/ping-is-answered or payload-over-125"
MORTAL = f"{sys.executable} -m tests.peers.mortal {{port}}"


@pytest.fixture(scope="module")
def server() -> Iterator[MutantServer]:
    with mutant_server() as running:
        yield running


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


class TestExitCodes:
    def test_0_the_gate_holds(self, server: MutantServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("check", server.url, "-k", FEW) == 0
        assert capsys.readouterr().out.rstrip().splitlines()[-1].startswith("The gate holds: ")

    def test_1_a_failure(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with mutant_server(NO_PONG) as broken:
            assert wsproof("check", broken.url, "-k", "ping-is-answered[text]", "--patience", "0.2") == 1
        out = capsys.readouterr().out
        assert "The gate fails: 1 failure." in out
        assert "expected" in out
        assert "observed" in out
        assert "RFC 6455, 5.5.2" in out

    def test_1_a_warning_with_strict(self, folder: Path) -> None:
        with mutant_server("long-control-fails-with-1000") as broken:
            words = ("check", broken.url, "-k", "payload-over-125[ping]")
            assert wsproof(*words) == 0
            assert wsproof(*words, "--strict") == 1

    def test_2_one_line_and_nothing_written(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("check", "ws://", "--output", "run.jsonl") == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert list(folder.iterdir()) == []

    def test_3_nothing_listens(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        url = f"ws://127.0.0.1:{free_port()}/"
        assert wsproof("check", url, "--output", "run.jsonl", "--junit", "junit.xml") == 3
        assert "Nothing was proved: no connection to" in capsys.readouterr().out
        run = read_run(Path("run.jsonl"))
        assert (run.end.exit, run.checks) == (3, [])
        assert ElementTree.parse("junit.xml").find(".//error") is not None

    def test_3_refused(self, server: MutantServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("check", server.url.replace("/echo", "/deny")) == 3
        assert "refused the plain handshake: 403" in capsys.readouterr().out

    def test_3_the_target_dies_and_is_not_ours_to_start_again(self, folder: Path) -> None:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.peers.mortal", str(port)],
            cwd=Path(__file__).parents[2],
            stderr=subprocess.DEVNULL,
        )
        try:
            words = ("check", f"ws://127.0.0.1:{port}/echo", "-k", "payload-over-125[ping]", "--wait", "20")
            assert wsproof(*words, "--output", "run.jsonl") == 3
        finally:
            process.kill()
            process.wait()
        run = read_run(Path("run.jsonl"))
        assert run.end.stopped is not None
        assert "control-frames/payload-over-125[ping]" in run.end.stopped


class TestServe:
    @pytest.fixture(autouse=True)
    def _importable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))

    def test_a_served_target_that_dies_is_started_again(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ("check", "--serve", MORTAL, "-k", FEW, "--output", "run.jsonl")
        assert wsproof(*words, f"ws://127.0.0.1:{free_port()}/echo") == 1
        captured = capsys.readouterr()
        assert "target died" in captured.out
        assert "mortal: a control frame was too long for me" in captured.err
        verdicts = {result.id: result.verdict for result in read_run(Path("run.jsonl")).checks}
        assert verdicts["control-frames/payload-over-125[ping]"] is Verdict.FAIL
        assert verdicts["control-frames/ping-is-answered[text]"] is Verdict.PASS

    def test_without_a_url_a_port_is_chosen(self, folder: Path) -> None:
        command = f"{sys.executable} -m tests.mutants --port {{port}}"
        assert wsproof("check", "--serve", command, "-k", FEW) == 0

    def test_one_that_never_listens_ends_with_3_and_its_output(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command = f"{sys.executable} -c \"print('out of luck'); raise SystemExit(1)\" {{port}}"
        assert wsproof("check", "--serve", command) == 3
        captured = capsys.readouterr()
        assert "ended with 1 before it listened" in captured.out
        assert "out of luck" in captured.err

    def test_one_off_loopback_makes_no_sense(self, folder: Path) -> None:
        assert wsproof("check", "--serve", "x {port}", "ws://example.org/") == 2


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "ftp://h/"),
        ("check", "ws://h/#f"),
        ("check", "ws://h/", "-k", "no-such-check"),
        ("check", "ws://h/", "-k", "(("),
        ("check", "ws://h/", "--section", "99.9"),
        ("check", "ws://h/", "--autobahn", "99.*"),
        ("check", "ws://h/", "--profile", "no-such-profile"),
        ("check", "ws://h/", "--header", "no colon"),
        ("check", "ws://h/", "--header", "A: b\r\nC: d"),
        ("check", "ws://h/", "--output", "no/such/folder/run.jsonl"),
        ("check", "ws://h/", "--junit", "no/such/folder/j.xml"),
        ("check", "ws://h/", "--baseline", "no-such-file.toml"),
        ("check", "ws://h/", "--update-baseline"),
        ("check", "ws://h/", "--update-baseline", "--baseline", "uvicorn-wsproto"),
        ("check", "ws://h/", "--jobs", "0"),
        ("check", "ws://h/", "--patience", "soon"),
        ("check", "ws://h/", "--seed", "soon"),
        ("check", "ws://h/", "--seed", "-1"),
        ("check", "ws://h/", "--examples", "0"),
        ("check", "ws://h/", "--no-such-option"),
        ("check", "--serve", "no port"),
        ("run", "ws://h/", "--ws", "wsproto"),
        ("explain", "no-such-thing"),
        ("list", "--format", "yaml"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wsproof(*words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("wsproof")
    assert list(folder.iterdir()) == []


class TestProfiles:
    def write(self, text: str) -> str:
        Path("mine.toml").write_text(text)
        return "mine.toml"

    def test_the_url_is_the_base_of_its_paths(self, server: MutantServer, folder: Path) -> None:
        profile = self.write('name = "mine"\n[paths]\necho = "/echo"\n')
        url = server.url.removesuffix("/echo")
        assert wsproof("check", url, "--profile", profile, "-k", FEW, "--output", "run.jsonl") == 0
        target = read_run(Path("run.jsonl")).run.target
        assert target["url"] == server.url
        assert target["profile"] == "mine"

    @pytest.mark.parametrize(
        ("text", "line", "why"),
        [
            ('name = "x"\n\n[paths]\nechoo = "/"\n', 4, "echoo"),
            ('name = "x"\n[paths]\necho = 3\n', 3, "echo"),
            ('name = "x"\nbroken\n', 2, "broken TOML"),
            ("title = 'no name'\n", 1, "name"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(
        self, text: str, line: int, why: str, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert wsproof("check", "ws://h/", "--profile", self.write(text)) == 2
        err = capsys.readouterr().err
        assert f"mine.toml:{line}:" in err
        assert why in err
        assert err.count("\n") == 1


class TestBaseline:
    def test_known_failures_do_not_gate_and_mended_ones_are_named(
        self, server: MutantServer, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with mutant_server(NO_PONG) as broken:
            words = ("check", broken.url, "-k", "ping-is-answered", "--patience", "0.1", "--baseline", "known.toml")
            assert wsproof(*words, "--update-baseline") == 1
            assert wsproof(*words) == 0
            assert "known" in capsys.readouterr().out
        assert wsproof("check", server.url, "-k", "ping-is-answered", "--baseline", "known.toml") == 0
        assert "Mended" in capsys.readouterr().out

    def test_an_unknown_id_is_an_error_with_its_line(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        Path("known.toml").write_text('[[known]]\nid = "framing/no-such"\nreason = "x"\n')
        assert wsproof("check", "ws://h/", "--baseline", "known.toml") == 2
        assert "known.toml:2:" in capsys.readouterr().err


class TestRunFile:
    def test_holds_everything_and_no_secret(self, server: MutantServer, folder: Path) -> None:
        code = wsproof(
            "check", f"{server.url}?token=tok-secret", "-k", FEW, "--output", "run.jsonl",
            "--header", "Authorization: Bearer hdr-secret", "--cookie", "session=cookie-secret",
        )  # fmt: skip
        assert code == 0
        text = Path("run.jsonl").read_text()
        for secret in ("tok-secret", "hdr-secret", "cookie-secret"):
            assert secret not in text
            assert secret.encode().hex() not in text
        lines = [json.loads(line) for line in text.splitlines()]
        assert [lines[0]["type"], lines[-1]["type"]] == ["run", "end"]
        assert lines[0]["schema"] == 1
        assert lines[0]["discovered"]["echo"] == {"text": "{message}", "binary": "binary"}
        assert {"wsproof", "python", "h11"} <= lines[0]["versions"].keys()
        assert all(line["transcript"] for line in lines[1:-1])

    def test_a_run_is_the_same_twice(self, server: MutantServer, folder: Path) -> None:
        def verdicts(name: str) -> dict[str, Verdict]:
            assert wsproof("check", server.url, "--output", name, "--section", "5.5") == 0
            return {result.id: result.verdict for result in read_run(Path(name)).checks}

        assert verdicts("one.jsonl") == verdicts("two.jsonl")


JOINED = "second-message-joined"
ORDER = "framing/any-messages-in-a-row"


class TestProperties:
    """A failing property: its example is shrunk, kept, tried first by the next run, and told how to be replayed."""

    def check(self, url: str, *words: str) -> CheckResult:
        assert wsproof("check", url, "-k", ORDER, "-o", "run.jsonl", *words) == 1
        (result,) = read_run(Path("run.jsonl")).checks
        assert result.verdict is Verdict.FAIL
        return result

    def test_the_same_seed_gives_the_same_example(self, folder: Path) -> None:
        with mutant_server(JOINED) as broken:
            first = self.check(broken.url, "--seed", "7")
            (folder / ".wsproof" / "failures.jsonl").unlink()
            second = self.check(broken.url, "--seed", "7", "--jobs", "1")
        assert first.example is not None
        assert first.example == second.example
        assert first.example["program"]["words"] == "Text, `30`; Text, FIN=0; Continuation, FIN=1, `31`"
        assert first.findings == second.findings
        assert read_run(Path("run.jsonl")).run.seed == 7

    def test_what_failed_is_tried_first_by_the_next_run(self, folder: Path) -> None:
        with mutant_server(JOINED) as broken:
            first = self.check(broken.url)
            kept = (folder / ".wsproof" / "failures.jsonl").read_text()
            assert self.check(broken.url, "--seed", "9", "--examples", "1").example == first.example
        assert (folder / ".wsproof" / "failures.jsonl").read_text() == kept

    def test_without_output_the_run_is_kept_where_something_failed(
        self, server: MutantServer, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert wsproof("check", server.url, "-k", ORDER) == 0
        assert list(folder.iterdir()) == []
        with mutant_server(JOINED) as broken:
            assert wsproof("check", broken.url, "-k", ORDER) == 1
        line = f"wsproof replay .wsproof/run.jsonl {ORDER}"
        assert line in capsys.readouterr().out
        (result,) = read_run(folder / ".wsproof" / "run.jsonl").checks
        assert result.reproduce == line

    def test_a_place_that_cannot_be_written_costs_a_line_and_not_the_run(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / ".wsproof").write_text("in the way")
        with mutant_server(JOINED) as broken:
            assert wsproof("check", broken.url, "-k", ORDER) == 1
        assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["wsproof", "wsproof"]

    def test_a_random_seed_is_told(self, server: MutantServer, folder: Path) -> None:
        seeds = set()
        for _ in range(3):
            assert (
                wsproof("check", server.url, "-k", ORDER, "-o", "run.jsonl", "--seed", "random", "--examples", "2") == 0
            )
            seeds.add(read_run(Path("run.jsonl")).run.seed)
        assert len(seeds) > 1

    def test_a_damaged_failure_file_is_bad_input(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / ".wsproof").mkdir()
        (folder / ".wsproof" / "failures.jsonl").write_text("{\n")
        assert wsproof("check", "ws://127.0.0.1:9/") == 2
        assert "failures.jsonl, line 1: no entry of a failure file" in capsys.readouterr().err


def test_ctrl_c_ends_with_a_complete_run_file(folder: Path) -> None:
    """A target that answers nothing after the handshake keeps the run busy until the signal comes."""
    root = Path(__file__).parents[2]
    server = subprocess.Popen(
        [sys.executable, "-c", SILENT], cwd=root, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        run = subprocess.Popen(
            [sys.executable, "-m", "wsproof", "check", f"ws://127.0.0.1:{port}/", "-o", "run.jsonl", "-v"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert run.stdout is not None
        assert run.stdout.readline().startswith("wsproof")
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    finally:
        server.kill()
        server.communicate()
    assert run.returncode in (1, 3)
    assert "stopped" in out.lower()
    assert read_run(Path("run.jsonl")).end.stopped == "stopped by Ctrl-C"


SILENT = """
import asyncio
from tests.peers.hostile import hostile
async def main():
    async with hostile("silent-after-101") as port:
        print(port, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def test_max_time_ends_the_run(server: MutantServer, folder: Path) -> None:
    with mutant_server(NO_PONG) as broken:
        code = wsproof("check", broken.url, "--max-time", "0.3", "--output", "run.jsonl")
    assert code in (1, 3)
    end = read_run(Path("run.jsonl")).end
    assert end.stopped == "--max-time of 0.3 s is over"


class TestListAndExplain:
    def test_list_as_json(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("list", "--format", "json", "--autobahn", "2.5") == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert row["id"] == "control-frames/payload-over-125[ping]"
        assert row["requirements"][0] == "rfc6455-5.5-2"
        assert row["autobahn"] == ["2.5"]
        assert row["needs"] == []
        assert row["level"] == "MUST"

    def test_list_as_text(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("list", "--section", "5.5.3") == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines
        assert all("/" in line.split()[0] for line in lines)

    @pytest.mark.parametrize(
        "id", ["control-frames/payload-over-125[ping]", "control-frames/payload-over-125", "rfc6455-5.5-2"]
    )
    def test_explain(self, id: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("explain", id) == 0
        out = capsys.readouterr().out
        assert "RFC 6455, section 5.5" in out
        assert "How it is judged" in out

    def test_explain_tells_contested_readings(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("explain", "rfc6455-5.2-10") == 0
        assert "Contested" in capsys.readouterr().out


def test_version_and_help(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wsproof("--version") == 0
    assert capsys.readouterr().out.startswith("wsproof ")
    for command in ("run", "check", "list", "explain", "serve"):
        assert wsproof(command, "--help") == 0
        assert "Usage: wsproof" in capsys.readouterr().out
