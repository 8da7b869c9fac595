"""One run from its options to its outcome: waiting, stopping at any moment, and that nothing is left running."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

import psutil
import pytest

from tests.mutants import MutantServer
from tests.peers.scripted import scripted
from wsproof.conformance import session
from wsproof.conformance.check import Check
from wsproof.conformance.discovered import Discovered, EchoForm
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetGone, TargetRefused
from wsproof.conformance.profile import Profile
from wsproof.conformance.runner import Attempt, Runner, Stop
from wsproof.conformance.serve import ServedTarget, free_port
from wsproof.conformance.session import Listener, Options, Outcome, run_checks
from wsproof.conformance.target import Setting, Target

NEVER = 60.0
"""Seconds that no test waits for."""
LISTENS = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))"
SILENT = f"{LISTENS}; kept = []\nwhile True: kept.append(s.accept())"
DEAF = "import time; time.sleep(600)"
REFUSES = f"{LISTENS}\nwhile True:\n c = s.accept()[0]; c.recv(9999); c.send(b'HTTP/1.1 403 No\\r\\n\\r\\n'); c.close()"


@dataclass
class Noted(Listener):
    """Writes down what it is told."""

    found: list[Discovered] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def discovered(self, found: Discovered) -> None:
        assert not self.attempts
        self.found.append(found)

    def attempted(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


def made(function: Callable[[Target], Awaitable[None]], name: str = "made/check") -> Check:
    """A check of the test's own, not in the catalogue."""
    return Check(name, name, function, (), ("rfc6455-5.5.2-2",))


async def holds(target: Target) -> None:
    async with target.connect() as peer:
        await peer.ping(b"x")


async def endless(target: Target) -> None:
    await asyncio.Event().wait()


def options(url: str, *checks: Check, **changes: object) -> Options:
    plain = Options(parse_endpoint(url), checks or (made(holds),), patience=5.0)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the names are those of the fields


async def run(given: Options) -> tuple[Outcome, Noted]:
    noted = Noted()
    async with asyncio.timeout(NEVER):
        return await run_checks(given, noted), noted


class TestOutcome:
    async def test_a_whole_run(self) -> None:
        async with MutantServer() as server:
            outcome, noted = await run(options(server.url))
        assert (outcome.stopped, outcome.gone) == (None, False)
        assert outcome.duration > 0
        assert [found.echo for found in noted.found] == [EchoForm()]
        assert [attempt.check.id for attempt in noted.attempts] == ["made/check"]

    async def test_a_target_that_refuses(self) -> None:
        async with MutantServer() as server:
            outcome, noted = await run(options(server.url.replace("/echo", "/deny")))
        assert outcome.gone
        assert outcome.stopped is not None and "refused the plain handshake: 403" in outcome.stopped
        assert (noted.found, noted.attempts) == ([], [])

    async def test_nothing_listens(self) -> None:
        outcome, noted = await run(options(f"ws://127.0.0.1:{free_port()}/"))
        assert outcome.gone
        assert outcome.stopped is not None and outcome.stopped.startswith("no connection to 127.0.0.1")
        assert noted.attempts == []

    async def test_one_that_goes_away_names_what_was_under_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Ended(Runner):
            async def run(self) -> AsyncIterator[Attempt]:
                self.stopped = Stop("the target went away", ("a/b", "c/d"), gone=True)
                for attempt in list[Attempt]():
                    yield attempt

        monkeypatch.setattr(session, "Runner", Ended)
        async with MutantServer() as server:
            outcome, _ = await run(options(server.url))
        assert outcome.stopped == "the target went away (under way were: a/b, c/d)"
        assert outcome.gone


class TestOptions:
    @pytest.mark.parametrize(("url", "given", "jobs"), [
        ("ws://127.0.0.1/", None, 16), ("ws://192.0.2.1/", None, 4), ("ws://192.0.2.1/", 9, 9), ("ws://[::1]/", 1, 1),
    ])  # fmt: skip
    async def test_jobs(self, url: str, given: int | None, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "discover", found_at_once)
        monkeypatch.setattr(session, "Runner", recorder := Recorder())
        await run(options(url, jobs=given))
        assert recorder.jobs == [jobs]

    async def test_what_the_checks_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "discover", found_at_once)
        monkeypatch.setattr(session, "Runner", recorder := Recorder())
        profile = Profile(name="mine")
        await run(options("ws://127.0.0.1/", profile=profile, patience=7.5, disruptive=True))
        (setting,) = recorder.settings
        assert (setting.profile, setting.patience, setting.disruptive) == (profile, 7.5, True)
        assert setting.found == FOUND

    def test_versions(self) -> None:
        versions = session.versions()
        assert versions["python"] == sys.version.split()[0]
        assert {"wsproof", "h11", "pydantic"} <= versions.keys()

    def test_the_time_is_in_utc(self) -> None:
        assert session.now().endswith("+00:00")


FOUND = Discovered(server="found")


async def found_at_once(setting: Setting) -> Discovered:
    return FOUND


class Recorder:
    """In the place of Runner: runs nothing."""

    def __init__(self) -> None:
        self.jobs: list[int] = []
        self.settings: list[Setting] = []

    def __call__(self, setting: Setting, checks: object, *, jobs: int, draws: object, served: object) -> Runner:
        self.jobs.append(jobs)
        self.settings.append(setting)
        return Runner(setting, [], jobs=jobs)


class TestWait:
    """A target that is still starting is looked at again until the wait is over."""

    def looks(self, monkeypatch: pytest.MonkeyPatch, *answers: Exception | Discovered) -> list[Exception | Discovered]:
        left = list(answers)

        async def look(setting: Setting) -> Discovered:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(session, "discover", look)
        return left

    async def test_until_it_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks(monkeypatch, TargetGone("not yet"), TargetRefused("503"), FOUND)
        async with MutantServer() as server:
            outcome, noted = await run(options(server.url, wait=NEVER))
        assert outcome.stopped is None
        assert noted.found == [FOUND]

    async def test_until_the_wait_is_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks(monkeypatch, TargetGone("first"), TargetGone("last"))
        outcome, _ = await run(options("ws://127.0.0.1/", wait=0.25))
        assert (outcome.stopped, outcome.gone) == ("last", True)

    async def test_without_a_wait_one_look_is_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        left = self.looks(monkeypatch, TargetGone("first"), FOUND)
        outcome, _ = await run(options("ws://127.0.0.1/"))
        assert outcome.stopped == "first"
        assert left == [FOUND]

    async def test_a_refusal_that_waiting_does_not_change_ends_the_run_at_once(self) -> None:
        async with MutantServer() as server:
            outcome, _ = await run(options(server.url.replace("/echo", "/deny"), wait=2 * NEVER))
        assert outcome.gone

    async def test_a_server_that_is_not_ready_is_waited_for(self) -> None:
        async with scripted() as listener:
            running = asyncio.create_task(run(options(listener.url, wait=NEVER)))
            for answer in (b"HTTP/1.1 503 Starting\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n"):
                server = await listener.next()
                await server.head()
                await server.send(answer)
                server.fin()
            outcome, _ = await running
        assert outcome.stopped is not None and "404" in outcome.stopped


class TestStop:
    async def test_max_time_in_discovery(self) -> None:
        async with scripted() as listener:
            outcome, noted = await run(options(listener.url, patience=NEVER, max_time=0.1))
        assert (outcome.stopped, outcome.gone) == ("--max-time of 0.1 s is over", False)
        assert noted.found == []

    async def test_max_time_while_the_target_is_awaited(self) -> None:
        outcome, _ = await run(options(f"ws://127.0.0.1:{free_port()}/", wait=2 * NEVER, max_time=0.3))
        assert outcome.stopped == "--max-time of 0.3 s is over"

    @pytest.mark.parametrize(
        ("sign", "reason"), [(signal.SIGINT, "stopped by Ctrl-C"), (signal.SIGTERM, "stopped by SIGTERM")]
    )
    async def test_a_signal_in_discovery(self, sign: signal.Signals, reason: str) -> None:
        async with scripted() as listener:
            running = asyncio.create_task(run(options(listener.url, patience=NEVER)))
            await listener.next()
            os.kill(os.getpid(), sign)
            outcome, _ = await running
        assert outcome.stopped == reason

    async def test_a_signal_among_the_checks_keeps_what_is_final(self) -> None:
        class Stopping(Noted):
            def attempted(self, attempt: Attempt) -> None:
                super().attempted(attempt)
                os.kill(os.getpid(), signal.SIGINT)

        noted = Stopping()
        async with MutantServer() as server, asyncio.timeout(NEVER):
            given = options(server.url, made(holds), made(endless, "made/endless"), jobs=1)
            outcome = await run_checks(given, noted)
        assert outcome.stopped == "stopped by Ctrl-C"
        assert not outcome.gone
        assert [attempt.check.id for attempt in noted.attempts] == ["made/check"]

    async def test_the_first_reason_counts(self) -> None:
        async def stops(target: Target) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

        async with MutantServer() as server:
            outcome, _ = await run(options(server.url, made(stops), max_time=NEVER))
        assert outcome.stopped == "stopped by SIGTERM"

    async def test_a_cancellation_from_outside_is_passed_on(self) -> None:
        async with scripted() as listener:
            running = asyncio.create_task(run_checks(options(listener.url, patience=NEVER), Listener()))
            await listener.next()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    async def test_while_the_target_is_looked_for_after_a_check(self) -> None:
        """The handshake that shows whether it is still there is not answered."""
        async with scripted() as listener:

            async def silences(target: Target) -> None:
                asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)

            monkey = pytest.MonkeyPatch()
            monkey.setattr(session, "discover", found_at_once)
            try:
                outcome, noted = await run(options(listener.url, made(silences), patience=NEVER))
            finally:
                monkey.undo()
        assert outcome.stopped == "stopped by Ctrl-C"
        assert noted.attempts == []


class TestServed:
    """A server that was started is stopped, whatever comes."""

    def served(self, code: str) -> tuple[ServedTarget, str]:
        port = free_port()
        command = shlex.join([sys.executable, "-c", code, "{port}"])
        return ServedTarget(command, "127.0.0.1", port), f"ws://127.0.0.1:{port}/echo"

    @pytest.fixture(autouse=True)
    def _nothing_is_left(self) -> Iterator[None]:
        before = {process.pid for process in psutil.Process().children(recursive=True)}
        yield
        left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
        assert left == []

    async def test_refused(self) -> None:
        served, url = self.served(REFUSES)
        outcome, _ = await run(options(url, serve=served))
        assert outcome.stopped is not None and "403" in outcome.stopped
        assert not served.alive

    async def test_stopped_before_it_listens(self) -> None:
        served, url = self.served(DEAF)
        outcome, _ = await run(options(url, serve=served, max_time=0.3))
        assert outcome.stopped == "--max-time of 0.3 s is over"

    async def test_stopped_in_discovery(self) -> None:
        served, url = self.served(SILENT)
        outcome, _ = await run(options(url, serve=served, patience=NEVER, max_time=1))
        assert outcome.stopped == "--max-time of 1 s is over"

    async def test_stopped_among_the_checks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "discover", found_at_once)
        served, url = self.served(SILENT)
        outcome, _ = await run(options(url, made(endless), serve=served, patience=NEVER, max_time=1))
        assert outcome.stopped == "--max-time of 1 s is over"

    async def test_stopped_while_it_is_started_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "discover", found_at_once)
        served, url = self.served(LISTENS + "; s.accept(); s.accept(); s.close(); " + DEAF)

        async def uses_up(target: Target) -> None:
            async with target.open():
                os.kill(served.pid or 0, signal.SIGKILL)
            served._words[2] = DEAF  # the next start never listens

        outcome, noted = await run(options(url, made(uses_up), serve=served, max_time=2))
        assert outcome.stopped == "--max-time of 2 s is over"
        assert noted.attempts == []

    async def test_an_error_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "discover", found_at_once)

        class Broken(Listener):
            def discovered(self, found: Discovered) -> None:
                raise ZeroDivisionError

        served, url = self.served(SILENT)
        with pytest.raises(ZeroDivisionError):
            await run_checks(options(url, serve=served), Broken())
