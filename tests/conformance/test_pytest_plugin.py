"""``pytest --ws-target URL`` in somebody else's repository."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from tests.mutants import MutantServer, mutant_server
from wsproof.conformance.pytest_plugin import OPTIONS
from wsproof.reports.model import CheckResult, Verdict
from wsproof.reports.runfile import read_run

INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
BROKEN = "long-control-taken"
CHOSEN = "payload-over-125 or test_own.py or test_other.py"
"""A few of ours, and all of a user's own."""

OWN = '''
import asyncio

import pytest
from hypothesis import strategies as st
from wsproof.conformance import Target, Violation, check, param, requirement

ECHOES = requirement("own:echoes", "What is said comes back.")


@check(ECHOES)
async def says_it_back(target: Target) -> None:
    """What is said comes back."""
    async with target.connect() as peer:
        await peer.echo("hello")


@check(requirement("own:quiet", "The word is never said."), each=[param("first", "one"), param("second", "two")])
async def keeps_quiet(target: Target, word: str) -> None:
    """The word is never said."""
    async with target.connect() as peer:
        await peer.echo(word)
        if word == "two":
            raise Violation("silence", f"the word {word}")


@check(ECHOES)
async def is_wrong_itself(target: Target) -> None:
    """A bug of the check's own."""
    assert target is None


@check(ECHOES, given=lambda setting: {"number": st.integers(0, 100)})
async def stays_small(target: Target, number: int) -> None:
    """A property, which no server has a part in."""
    if number > 2:
        raise Violation("a small number", f"the number {number}")


@pytest.mark.skip(reason="not yet")
@check(ECHOES)
async def is_marked(target: Target) -> None:
    """A mark counts."""


@check(ECHOES, slow=True)
async def is_slow(target: Target) -> None:
    """Only with --ws-slow."""


async def test_async(wsproof_target):
    async with wsproof_target.connect() as peer:
        await peer.echo("async")


def test_sync(wsproof_target):
    async def talk():
        async with wsproof_target.connect() as peer:
            await peer.echo("sync")

    asyncio.run(talk())


async def test_violation(wsproof_target):
    async with wsproof_target.connect() as peer:
        await peer.send_text("one")
        await peer.expect_echo("two")


async def test_recorded(wsproof_target):
    wsproof_target.findings.violated("one thing", "another")
'''
FAILED = (
    "test_own.py::test-own/keeps-quiet[second] - expected silence; observed the word two",
    "test_own.py::test-own/is-wrong-itself - AssertionError",
    "test_own.py::test-own/stays-small - expected a small number; observed the number 3",
    "test_own.py::test_violation - wsproof.conformance.check.Violation: ",
    "test_own.py::test_recorded - Failed: expected one thing; observed another",
    "wsproof::control-frames/payload-over-125[ping] - expected ",
    "wsproof::control-frames/payload-over-125[ping-65536-bytes] - expected ",
)


class Ended(NamedTuple):
    """How pytest ended, and where it ran."""

    code: int
    out: str
    folder: Path

    def lines(self, start: str) -> list[str]:
        """The lines that begin so."""
        return [line for line in self.out.splitlines() if line.startswith(start)]

    @property
    def counts(self) -> str:
        """The last line, without how long it took."""
        return self.out.rstrip().splitlines()[-1].strip("= ").rpartition(" in ")[0]

    def verdicts(self) -> dict[str, str]:
        """Test case -> ``passed``, or the first outcome that JUnit has an element for."""
        found = {}
        for case in ElementTree.parse(self.folder / "junit.xml").iter("testcase"):
            outcomes = [element.tag for element in case if element.tag in ("failure", "error", "skipped")]
            found[f"{case.get('classname')}::{case.get('name')}"] = outcomes[0] if outcomes else "passed"
        return found

    def checked(self) -> list[CheckResult]:
        """What the run file has."""
        return read_run(self.folder / "run.jsonl").checks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository that knows nothing of this project's configuration."""
    (tmp_path / "pytest.ini").write_text(INI)
    return tmp_path


@pytest.fixture(scope="module")
def server() -> Iterator[MutantServer]:
    with mutant_server() as running:
        yield running


@pytest.fixture(scope="module")
def broken() -> Iterator[MutantServer]:
    with mutant_server(BROKEN) as running:
        yield running


def run_pytest(folder: Path, *words: str) -> Ended:
    """Run pytest in that folder."""
    command = [sys.executable, "-m", "pytest", *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert "INTERNALERROR" not in done.stdout + done.stderr
    return Ended(done.returncode, done.stdout + done.stderr, folder)


WRITES = ("--junitxml", "junit.xml", "--ws-output", "run.jsonl")


@pytest.fixture(scope="module")
def failed(broken: MutantServer, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run against the broken server, beside a user's own tests and checks."""
    folder = tmp_path_factory.mktemp("failed")
    (folder / "pytest.ini").write_text(INI)
    (folder / "test_own.py").write_text(OWN)
    (folder / "test_other.py").write_text("from test_own import says_it_back\n\n\ndef test_other():\n    pass\n")
    return run_pytest(folder, "--ws-target", broken.url, "-k", CHOSEN, *WRITES)


class TestItems:
    def test_checks_are_items_and_pass_on_a_conformant_server(self, folder: Path, server: MutantServer) -> None:
        (folder / "conftest.py").write_text(OWN)
        chosen = "payload-over-125 or unwilling-to-serve-an-origin or conftest/"
        ended = run_pytest(folder, "--ws-target", server.url, "-v", "-rs", "--ws-slow", "-k", chosen)
        assert f"wsproof: {server.url}, seed 0" in ended.out
        assert "wsproof::control-frames/payload-over-125[ping] PASSED" in ended.out
        assert "skip: an Origin that the profile says is refused" in ended.out
        assert "wsproof::conftest/says-it-back PASSED" in ended.out
        assert "wsproof::conftest/is-slow PASSED" in ended.out

    def test_a_failure_tells_all_that_is_known_without_a_traceback(self, failed: Ended) -> None:
        assert failed.code == 1
        assert "A control frame whose payload is longer than 125 bytes fails the connection." in failed.out
        assert "MUST, RFC 6455, section 5.5: " in failed.out
        assert "rfc6455-5.5-2: expected the connection failed with 1002" in failed.out
        assert "observed it was answered: Pong len=126" in failed.out
        assert "-> Ping FIN=1 len=126" in failed.out
        assert "  again: wsproof replay run.jsonl 'control-frames/payload-over-125[ping]'" in failed.out
        assert "MUST, own:quiet: The word is never said." in failed.out
        assert "own:quiet: expected silence" in failed.out
        assert "assert target is None" in failed.out
        assert "  example  number: 3" in failed.out

    def test_the_line_that_does_a_failure_again_does_it(self, failed: Ended) -> None:
        (line,) = failed.lines("  again: wsproof replay run.jsonl 'control-frames/payload-over-125[ping]'")
        words = shlex.split(line.partition(": wsproof ")[2])
        command = [sys.executable, "-m", "wsproof", *words]
        again = subprocess.run(command, cwd=failed.folder, capture_output=True, text=True, check=False)
        assert again.returncode == 1, again.stdout + again.stderr
        assert "It still fails." in again.stdout

    def test_the_last_lines_say_what_failed_and_why(self, failed: Ended) -> None:
        lines = failed.lines("FAILED")
        assert len(lines) == len(FAILED)
        assert all(any(line.startswith(f"FAILED {start}") for line in lines) for start in FAILED), lines

    def test_k_selects_before_anything_runs(self, failed: Ended) -> None:
        chapters = {result.id.partition("[")[0] for result in failed.checked()}
        assert chapters == {
            "control-frames/payload-over-125",
            "test-own/says-it-back",
            "test-own/keeps-quiet",
            "test-own/is-wrong-itself",
            "test-own/stays-small",
            "test-own/is-marked",
        }

    def test_a_check_is_an_item_of_the_module_that_defines_it(self, failed: Ended) -> None:
        found = [name for name in failed.verdicts() if "says-it-back" in name]
        assert found == ["test_own::test-own/says-it-back"]

    def test_a_failing_example_is_kept_for_the_next_run(self, failed: Ended) -> None:
        assert "test-own/stays-small" in (failed.folder / ".wsproof" / "failures.jsonl").read_text()

    def test_marks_count(self, failed: Ended) -> None:
        assert failed.verdicts()["test_own::test-own/is-marked"] == "skipped"

    def test_junit_has_verdict_summary_and_the_checks_own_duration(self, failed: Ended) -> None:
        durations = {result.id: f"{result.duration:.3f}" for result in failed.checked()}
        cases = ElementTree.parse(failed.folder / "junit.xml").iter("testcase")
        (case,) = (one for one in cases if one.get("name") == "control-frames/payload-over-125[ping]")
        properties = {one.get("name"): one.get("value") for one in case.iter("property")}
        assert properties["wsproof_verdict"] == "fail"
        assert properties["wsproof_requirement"] == "rfc6455-5.5-2"
        (failure,) = case.findall("failure")
        assert (failure.get("message") or "").startswith("expected the connection failed with 1002")
        assert float(case.get("time") or 0) >= float(durations["control-frames/payload-over-125[ping]"])

    def test_ours_can_be_left_out_and_what_is_collected_is_counted(self, folder: Path, server: MutantServer) -> None:
        (folder / "test_own.py").write_text("def test_own_ping():\n    pass\n")
        ended = run_pytest(folder, "--ws-target", server.url, "-q", "--collect-only", "-k", "not wsproof")
        assert ended.lines("test_own.py::test_own_ping")
        assert not ended.lines("wsproof::")
        selected, _, collected = ended.out.rstrip().splitlines()[-1].partition(" ")[0].partition("/")
        assert selected == "1"
        assert int(collected) > 600


class TestVerdicts:
    WARNS = "long-control-fails-with-1000"
    ONE = ("-k", "payload-over-125[ping]")

    def test_a_warning_passes_and_is_told_apart_and_strict_fails_it(self, folder: Path) -> None:
        with mutant_server(self.WARNS) as server:
            ended = run_pytest(folder, "--ws-target", server.url, *self.ONE)
            strict = run_pytest(folder, "--ws-target", server.url, *self.ONE, "--ws-strict")
        assert ended.code == 0
        assert "WebSocket: 1 check warned" in ended.out
        assert ended.lines("wsproof::control-frames/payload-over-125[ping]: expected")
        assert ended.counts.endswith(", 1 warned")
        assert strict.code == 1
        assert "observed Close 1000" in strict.out

    def test_what_the_baseline_knows_is_expected_to_fail(self, folder: Path, broken: MutantServer) -> None:
        (folder / "known.toml").write_text(
            '[[known]]\nid = "control-frames/payload-over-125[ping]"\nreason = "the stack takes any"\n'
            '[[known]]\nid = "test-own/of-the-users-own"\nreason = "not looked at yet"\n'
        )
        ended = run_pytest(folder, "--ws-target", broken.url, "--ws-baseline", "known.toml", "-rx", *self.ONE)
        assert ended.code == 0, ended.out
        assert "XFAIL wsproof::control-frames/payload-over-125[ping] - known: the stack takes any" in ended.out

    def test_a_target_that_is_not_there_fails_and_says_so(self, folder: Path) -> None:
        (folder / "test_own.py").write_text(OWN)
        ended = run_pytest(folder, "--ws-target", "ws://127.0.0.1:1/", "-k", "payload-over-125[ping] or test_sync")
        assert ended.code == 1
        assert "nothing was proved: no connection to 127.0.0.1:1" in ended.out
        assert "the target of wsproof_target is not there: no connection to 127.0.0.1:1" in ended.out

    def test_a_refusal_hints_at_options_that_pytest_has(self, folder: Path) -> None:
        with mutant_server() as server:
            elsewhere = f"{server.url}/nowhere"
            ended = run_pytest(folder, "--ws-target", elsewhere, *self.ONE)
        assert ended.code == 1
        assert "does it need a token (--ws-header, --ws-cookie)" in ended.out


class TestOptionsOfPytest:
    def test_x_stops_at_the_first_failure(self, folder: Path, broken: MutantServer) -> None:
        ended = run_pytest(folder, "--ws-target", broken.url, "-x", "-k", CHOSEN, *WRITES)
        assert ended.code == 1
        assert ended.counts.startswith("1 failed, ")
        assert "stopping after 1 failures" in ended.out
        ended.checked()  # the run file is whole

    @pytest.mark.parametrize("workers", ["0", "2"])
    def test_lf_runs_again_only_what_failed(
        self, tmp_path: Path, broken: MutantServer, failed: Ended, workers: str
    ) -> None:
        folder = copytree(failed.folder, tmp_path / "again")
        again = run_pytest(folder, "--ws-target", broken.url, "-n", workers, "--lf", *WRITES)
        assert again.counts.startswith(f"{len(FAILED)} failed")
        assert "passed" not in again.counts
        ids = {result.id for result in again.checked()}
        assert ids == {
            result.id for result in failed.checked() if result.verdict in (Verdict.FAIL, Verdict.ERROR)
        }  # fmt: skip

    def test_workers_share_one_run_and_give_the_same_verdicts(
        self, tmp_path: Path, broken: MutantServer, failed: Ended
    ) -> None:
        folder = copytree(failed.folder, tmp_path / "shared")
        shared = run_pytest(folder, "--ws-target", broken.url, "-n", "2", "-k", CHOSEN, *WRITES)
        assert shared.code == failed.code
        assert shared.verdicts() == failed.verdicts()
        assert len(shared.lines("FAILED")) == len(FAILED)
        assert all(any(line.startswith(f"FAILED {one}") for line in shared.lines("FAILED")) for one in FAILED)
        assert sorted(result.id for result in shared.checked()) == sorted(result.id for result in failed.checked())

    def test_x_stops_a_worker_that_waits_for_a_check(self, folder: Path) -> None:
        """The target never answers: one worker waits for long, and the failure is the other's."""
        (folder / "test_own.py").write_text("def test_own_failure():\n    assert not __name__\n")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
            chosen = ("-k", "test_own_failure or payload-over-125[ping]", "--ws-patience", "600")
            ended = run_pytest(folder, "--ws-target", url, *chosen, "-x", "-n", "2")
        assert ended.code == pytest.ExitCode.INTERRUPTED  # as xdist has it
        assert "stopping after 1 failures" in ended.out
        assert ended.counts == "1 failed"

    def test_ctrl_c_stops_the_run_in_the_background(self, folder: Path) -> None:
        """The target takes the connection and never answers, so that without the stop the run would go on for long."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
            words = ("--ws-target", url, "-k", "payload-over-125[ping]", "--ws-patience", "600")
            command = [sys.executable, "-m", "pytest", *words]
            # A job that runs in the background may ignore SIGINT, and its children would too.
            with subprocess.Popen(
                command,
                cwd=folder,
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            ) as running:
                connection, _ = silent.accept()
                running.send_signal(signal.SIGINT)
                out, _ = running.communicate()
                connection.close()
        assert running.returncode == pytest.ExitCode.INTERRUPTED
        assert "KeyboardInterrupt" in out
        assert "INTERNALERROR" not in out


class TestOwnTests:
    def test_without_a_target_they_are_skipped_and_say_so(self, folder: Path) -> None:
        (folder / "test_own.py").write_text(OWN)
        ended = run_pytest(folder, "-rs")
        assert ended.code == 0
        assert "checks a WebSocket server: give pytest --ws-target URL" in ended.out
        assert "needs a WebSocket server: give pytest --ws-target URL" in ended.out
        assert ended.counts == "10 skipped"

    def test_an_unknown_requirement_is_an_error_of_the_module(self, folder: Path, server: MutantServer) -> None:
        (folder / "test_own.py").write_text(OWN.replace("@check(ECHOES)", "@check('own:echos')"))
        ended = run_pytest(folder, "--ws-target", server.url, "-k", "test-own")
        assert ended.code == pytest.ExitCode.INTERRUPTED
        assert "test-own/says-it-back names the requirement 'own:echos', which is unknown; declare it with" in ended.out

    def test_a_tests_failure_shows_its_exchange(self, failed: Ended) -> None:
        assert "WebSocket exchange" in failed.out
        assert '-> Text FIN=1 len=3 "one"' in failed.out

    def test_a_test_speaks_to_the_target_on_its_own_loop(self, failed: Ended) -> None:
        verdicts = failed.verdicts()
        assert verdicts["test_own::test_async"] == verdicts["test_own::test_sync"] == "passed"


class TestCost:
    def test_without_the_option_nothing_of_ours_is_imported(self, folder: Path) -> None:
        (folder / "test_own.py").write_text(
            "import sys\n"
            "def test_own():\n"
            "    ours = sorted(name for name in sys.modules if name.partition('.')[0] == 'wsproof')\n"
            "    assert ours == ['wsproof', 'wsproof.conformance', 'wsproof.conformance.pytest_plugin']\n"
            "    assert not {'hypothesis', 'pydantic', 'typer', 'rich'} & set(sys.modules)\n"
        )
        ended = run_pytest(folder)
        assert ended.code == 0, ended.out

    def test_every_option_is_in_our_own_name(self) -> None:
        assert all(name.startswith("--ws-") for name, _ in OPTIONS)


def test_bad_input_is_a_usage_error_of_one_line(folder: Path) -> None:
    ended = run_pytest(folder, "--ws-target", "no-scheme")
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.out.strip() == (
        "ERROR: the URL 'no-scheme' has no scheme; write ws://HOST[:PORT][/PATH][?QUERY] or wss://..."
    )
