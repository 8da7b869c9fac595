"""``wsproof replay``: what it says, what it refuses, and that it gives no secret away."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.mutants import SWITCHES, MutantServer
from tests.proof.harness import PROFILE
from wsproof.cli import main
from wsproof.conformance.serve import free_port

ID = "control-frames/payload-over-125[ping]"
GLOB = "control-frames/payload-over-125?ping?"
SWITCH = "long-control-taken"


@contextmanager
def serving(switch: str | None = None) -> Iterator[str]:
    """The URL of a mutant server that runs in a thread of its own, below which its paths are."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    server = MutantServer(SWITCHES[switch] if switch else None)

    def on_loop(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    on_loop(server.__aenter__())
    try:
        yield server.url.removesuffix("/echo")
    finally:
        on_loop(server.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def wsproof(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture(scope="module")
def run_lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a run file in which ``ID`` failed."""
    path = tmp_path_factory.mktemp("recorded") / "run.jsonl"
    with serving(SWITCH) as url:
        words = [
            "check",
            f"{url}/echo?token=s3cret-token",
            "-k",
            f"{GLOB} or *unsolicited-pong?text?",
        ]
        words += ["--output", str(path), "--quiet", "--patience", "0.5", "--header", "X-Api-Key: s3cret-key"]
        assert wsproof(*words) == 1
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def run(run_lines: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join([*run_lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def change(run: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Changes the record of ``ID`` (or the run line) in the run file."""

    def apply(edit: Callable[[dict[str, Any]], None]) -> Path:
        lines = [json.loads(line) for line in run.read_text(encoding="utf-8").splitlines()]
        for record in lines:
            edit(record)
        run.write_text("".join(json.dumps(record) + "\n" for record in lines), encoding="utf-8")
        return run

    return apply


SECRETS = ("--header", "X-Api-Key: s3cret-key")


class TestWhatItSays:
    def test_it_still_fails(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serving(SWITCH) as url:
            assert wsproof("replay", run, ID, f"{url}/echo?token=s3cret-token", *SECRETS) == 1
        shown = capsys.readouterr().out
        assert "A control frame whose payload is longer than 125 bytes fails the connection." in shown
        assert "expected the connection failed with 1002, or TCP end" in shown
        assert "-> Ping FIN=1 len=126" in shown
        assert "1 of 2 recorded sends went out again byte for byte." in shown
        assert "1 more differ only in the name of the host." in shown
        assert shown.rstrip().endswith("It still fails.")
        assert "s3cret" not in shown
        assert all(line.isprintable() for line in shown.splitlines())

    def test_it_conforms(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serving() as url:
            assert wsproof("replay", run, ID, f"{url}/echo?token=other", *SECRETS) == 0
        shown = capsys.readouterr().out
        assert " ! <- Close FIN=1" in shown
        assert shown.rstrip().endswith("The target now conforms (3 tries).")

    def test_it_is_not_there(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("replay", run, ID, f"ws://127.0.0.1:{free_port()}/echo", *SECRETS) == 3
        shown = capsys.readouterr().out
        assert "no connection to 127.0.0.1" in shown
        assert shown.rstrip().endswith("Nothing was proved.")

    def test_it_refuses_the_handshake(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serving() as url:
            assert wsproof("replay", run, ID, f"{url}/nowhere", *SECRETS) == 3
        assert "answered with 404" in capsys.readouterr().out

    def test_without_a_url_the_recorded_one(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "own.jsonl"
        with serving(SWITCH) as url:
            words = ("check", url, "-k", GLOB, "--output", path, "-q", "--patience", "0.5", "--profile", PROFILE)
            assert wsproof(*words) == 1
            capsys.readouterr()
            assert wsproof("replay", path, ID) == 1
        shown = capsys.readouterr().out
        assert "2 of 2 recorded sends went out again byte for byte." in shown
        assert "in the name of the host" not in shown

    def test_the_run_file_says_the_exchange_and_no_secret(self, run_lines: list[str]) -> None:
        record = next(json.loads(line) for line in run_lines if ID in line and '"type":"check"' in line)
        head, opened, request, *_ = record["replay"]
        assert (head["do"], head["check"], opened["do"]) == ("run", ID, "open")
        assert head["seed"].endswith(f"/0/{ID}/0")
        sent = base64.b64decode(request["bytes"])
        assert sent.startswith(b"GET /echo?token=*** HTTP/1.1\r\n")
        assert b"\r\nX-Api-Key: ***\r\n" in sent
        assert not [line for line in run_lines if "s3cret" in line]
        passed = next(json.loads(line) for line in run_lines if "unsolicited-pong[text]" in line)
        assert (passed["verdict"], passed["replay"]) == ("pass", [])


class TestScript:
    def test_it_says_what_it_is_and_holds_no_path_and_no_secret(
        self, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert wsproof("replay", run, ID, "--script") == 0
        text = capsys.readouterr().out
        assert wsproof("replay", run, ID, "--script", "-o", "again.py") == 0
        assert (tmp_path / "again.py").read_text(encoding="utf-8") == text
        assert capsys.readouterr().out == "again.py does it again: python again.py [ws://HOST:PORT]\n"
        assert "RFC 6455, section 5.5, MUST:" in text
        assert "Expected: the connection failed with 1002, or TCP end" in text
        assert "Observed: it was answered: Pong len=126" in text
        assert "# Connection 1: sends Ping len=126" in text
        assert "(this decides)" in text
        assert "s3cret" not in text
        assert str(tmp_path) not in text
        assert "wsproof." not in text.replace("wsproof 0.", "")

    @pytest.mark.parametrize(("switch", "code"), [(SWITCH, 1), (None, 0)])
    def test_it_runs_alone_and_puts_in_what_was_left_out(
        self, run: Path, tmp_path: Path, switch: str | None, code: int
    ) -> None:
        assert wsproof("replay", run, ID, "--script", "-o", "again.py") == 0
        with serving(switch) as url:
            words = [
                sys.executable,
                "-I",
                str(tmp_path / "again.py"),
                url,
                "--set",
                "token=abc",
                "--set",
                "X-Api-Key=k",
            ]
            ran = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (code, "")
        assert "#1 -> GET /echo?token=abc HTTP/1.1" in ran.stdout

    def test_what_is_no_url(self, run: Path, tmp_path: Path) -> None:
        assert wsproof("replay", run, ID, "--script", "-o", "again.py") == 0
        words = [sys.executable, "-I", str(tmp_path / "again.py"), "ftp://x"]
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert "is no URL like ws://HOST:PORT" in ran.stderr

    def test_a_recording_that_is_not_whole(
        self, change: Callable[[Callable[[dict[str, Any]], None]], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        def cut(record: dict[str, Any]) -> None:
            for step in record.get("replay", []):
                if step.pop("bytes", None):
                    step |= {"length": 5_000_000, "sha256": "0" * 64}

        assert wsproof("replay", change(cut), ID, "--script") == 2
        assert "sent more than the run file keeps" in one_line(capsys)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    line = capsys.readouterr().err
    assert line.startswith("wsproof")
    assert line.count("\n") == 1
    assert len(line) < 300
    return line


class TestBadInput:
    def test_an_id_that_is_not_in_the_file(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("replay", run, "control-frames/payload-over-125[pong]") == 2
        assert f"did you mean {ID!r}?" in one_line(capsys)
        assert wsproof("replay", run, "x") == 2
        assert "the run file has no check 'x'" in one_line(capsys)

    def test_a_check_that_passed(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("replay", run, "control-frames/unsolicited-pong[text]") == 2
        assert "did not fail (pass), so there is nothing to replay" in one_line(capsys)

    def test_a_truncated_file(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run.write_text("".join(run.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
        assert wsproof("replay", run, ID) == 2
        assert "truncated" in one_line(capsys)

    @pytest.mark.parametrize(("schema", "says"), [(2, "with schema 2"), (0, "names no schema that there is")])
    def test_another_schema_version(
        self,
        schema: int,
        says: str,
        change: Callable[[Callable[[dict[str, Any]], None]], Path],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def renumber(record: dict[str, Any]) -> None:
            if record["type"] == "run":
                record["schema"] = schema

        assert wsproof("replay", change(renumber), ID) == 2
        assert says in one_line(capsys)

    def test_no_file_and_no_run_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("replay", "missing.jsonl", ID) == 2
        assert "missing.jsonl: cannot be read" in one_line(capsys)
        (tmp_path / "notes.txt").write_text("notes\n", encoding="utf-8")
        assert wsproof("replay", "notes.txt", ID) == 2
        assert "line 1 is not JSON" in one_line(capsys)

    @pytest.mark.parametrize(
        ("edit", "says"),
        [
            ({"check": "control-frames/gone"}, "this wsproof has no check 'control-frames/gone'"),
            ({"seed": 5}, "does not begin with the check and its seed"),
            ({"do": "open"}, "does not begin with the check and its seed"),
            ({"example": {"program": {"value": 1}}}, "the recorded example cannot be used"),
            (None, "holds no exchange of"),
        ],
    )
    def test_a_recording_that_this_wsproof_cannot_use(
        self,
        edit: dict[str, Any] | None,
        says: str,
        change: Callable[[Callable[[dict[str, Any]], None]], Path],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def apply(record: dict[str, Any]) -> None:
            if record.get("replay"):
                record["replay"] = [] if edit is None else [record["replay"][0] | edit, *record["replay"][1:]]

        assert wsproof("replay", change(apply), ID, "ws://127.0.0.1:1/", *SECRETS) == 2
        assert says in one_line(capsys)

    @pytest.mark.parametrize("discovered", [{"echo": "odd"}, {"unheard-of": 1}, {"echo": {"text": "x", "binary": "x"}}])
    def test_what_was_discovered_cannot_be_read(
        self,
        discovered: dict[str, Any],
        change: Callable[[Callable[[dict[str, Any]], None]], Path],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def apply(record: dict[str, Any]) -> None:
            if record["type"] == "run":
                record["discovered"] = discovered

        assert wsproof("replay", change(apply), ID, "ws://127.0.0.1:1/", *SECRETS) == 2
        assert "what the run discovered cannot be used" in one_line(capsys)

    def test_secrets_have_to_be_given_again(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert wsproof("replay", run, ID) == 2
        assert "the recorded URL carried a secret" in one_line(capsys)
        assert wsproof("replay", run, ID, "ws://127.0.0.1:1/") == 2
        assert "sent x-api-key, which is not in the run file; give it: --header 'X-Api-Key: ...'" in one_line(capsys)

    def test_an_output_without_a_script_or_that_cannot_be_written(
        self, run: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert wsproof("replay", run, ID, "-o", "again.py") == 2
        assert "-o FILE goes with --script" in one_line(capsys)
        assert wsproof("replay", run, ID, "--script", "-o", "missing/again.py") == 2
        assert "missing/again.py: cannot be written" in one_line(capsys)

    def test_a_profile_that_is_not_there(
        self, change: Callable[[Callable[[dict[str, Any]], None]], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        def apply(record: dict[str, Any]) -> None:
            if record["type"] == "run":
                record["options"]["profile"] = "gone"

        assert wsproof("replay", change(apply), ID, "ws://127.0.0.1:1/", *SECRETS) == 2
        assert "--profile 'gone': no such profile" in one_line(capsys)
