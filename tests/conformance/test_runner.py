"""How a result becomes final: liveness, deaths, repetition, watching checks, stopping."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.mutants import MutantServer
from tests.proof.harness import load_checks
from wsproof.conformance.check import Check, Need, Undetermined, Violation
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetGone
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.serve import ServedTarget, free_port
from wsproof.conformance.target import Setting, Target
from wsproof.reports.model import Outcome

MORTAL = f"{sys.executable} -m tests.peers.mortal {{port}}"
DEADLY = "control-frames/payload-over-125[ping]"
HARMLESS = ("control-frames/ping-is-answered[text]", "control-frames/ping-is-answered[empty]")


def made(id: str, function: Callable[[Target], Awaitable[None]], **changes: object) -> Check:
    """A check of the test's own, not in the catalogue."""
    plain = Check(
        id=id,
        title=id,
        function=function,
        arguments=(),
        requirements=("rfc6455-5.5.2-2", "rfc6455-5.1-4"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the names are those of the fields


async def run(url: str, checks: list[Check], *, jobs: int = 8, patience: float = 0.5) -> tuple[list[Attempt], Runner]:
    setting = Setting(parse_endpoint(url), patience=patience)
    setting = replace(setting, found=await discover(setting))
    runner = Runner(setting, checks, jobs=jobs, return_wait=0.3)
    return [attempt async for attempt in runner.run()], runner


def outcomes(attempt: Attempt) -> dict[str, Outcome]:
    return {finding.requirement: finding.outcome for finding in attempt.findings}


class TestDeath:
    async def test_the_check_that_kills_a_served_target_is_found_and_the_others_are_judged(self) -> None:
        port = free_port()
        served = ServedTarget(MORTAL, "127.0.0.1", port)
        await served.start()
        try:
            setting = Setting(parse_endpoint(f"ws://127.0.0.1:{port}/echo"), patience=1.0)
            setting = replace(setting, found=await discover(setting))
            checks = [load_checks()[id] for id in (*HARMLESS, DEADLY)]
            runner = Runner(setting, checks, jobs=8, served=served)
            attempts = {attempt.check.id: attempt async for attempt in runner.run()}
        finally:
            await served.stop()
        assert attempts[DEADLY].died
        assert attempts[DEADLY].findings[0].observed == "target died"
        assert attempts[DEADLY].findings[0].outcome is Outcome.DIED
        for id in HARMLESS:
            assert set(outcomes(attempts[id]).values()) == {Outcome.HOLDS}
        assert runner.restarts == 2
        assert runner.stopped is None
        assert "mortal: a control frame was too long for me" in served.output

    async def test_without_a_return_the_suspects_are_named(self) -> None:
        server = MutantServer()
        await server.__aenter__()

        async def deadly(target: Target) -> None:
            async with target.connect() as peer:
                await peer.ping(b"last")
            await server.__aexit__(None, None, None)

        attempts, runner = await run(server.url, [made("made/deadly", deadly)])
        assert attempts == []
        assert runner.stopped is not None
        assert runner.stopped.gone
        assert runner.stopped.suspects == ("made/deadly",)

    async def test_a_target_that_comes_back_is_run_on(self) -> None:
        server = MutantServer()
        await server.__aenter__()
        port = server.port
        later = MutantServer(port=port)
        deaths = 0

        async def deadly(target: Target) -> None:
            nonlocal deaths
            async with target.connect() as peer:
                await peer.ping(b"once")
            if not deaths:
                deaths += 1
                await server.__aexit__(None, None, None)
                asyncio.get_running_loop().call_later(0.05, lambda: started.append(asyncio.ensure_future(start())))

        async def start() -> None:
            await later.__aenter__()

        started: list[asyncio.Future[None]] = []
        attempts, runner = await run(server.url, [made("made/deadly", deadly)])
        await later.__aexit__(None, None, None)
        assert runner.stopped is None
        assert [set(outcomes(attempt).values()) for attempt in attempts] == [{Outcome.HOLDS}]


class TestRepetition:
    async def test_a_violation_that_rests_on_silence_is_tried_again_alone(self) -> None:
        tries = 0

        async def slow_once(target: Target) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise Violation("an answer", "nothing", silence=True)

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/slow-once", slow_once)])
        assert tries == 2
        assert attempts[0].retried
        assert set(outcomes(attempts[0]).values()) == {Outcome.HOLDS}

    async def test_wrong_bytes_are_never_tried_again(self) -> None:
        tries = 0

        async def wrong(target: Target) -> None:
            nonlocal tries
            tries += 1
            raise Violation("right bytes", "wrong bytes")

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/wrong", wrong)])
        assert tries == 1
        assert not attempts[0].retried
        assert outcomes(attempts[0]) == {"rfc6455-5.5.2-2": Outcome.VIOLATED}

    async def test_undetermined_ones_are_not_repeated_for_ever(self) -> None:
        tries = 0

        async def unclear(target: Target) -> None:
            nonlocal tries
            tries += 1
            raise Undetermined("no way to tell")

        checks = [made(f"made/unclear-{number}", unclear) for number in range(20)]
        async with MutantServer() as server:
            attempts, _ = await run(server.url, checks)
        assert len(attempts) == 20
        assert 20 < tries < 40
        assert all(attempt.reason == "no way to tell" for attempt in attempts)


class TestWatching:
    async def test_what_another_check_saw_fails_the_watching_check_and_not_that_one(self) -> None:
        async def looks_elsewhere(target: Target) -> None:
            async with target.connect() as peer:
                await peer.ping(b"x")

        async def sees_nothing(target: Target) -> None:
            target.findings.holds()

        watcher = made("made/watcher", sees_nothing, watches=True, requirements=("rfc6455-5.1-4",))
        other = made("made/other", looks_elsewhere, requirements=("rfc6455-5.5.2-2",))
        async with MutantServer("masks-its-frames") as server:
            attempts, _ = await run(server.url, [watcher, other])
        by_id = {attempt.check.id: attempt for attempt in attempts}
        assert outcomes(by_id["made/other"]) == {"rfc6455-5.5.2-2": Outcome.HOLDS}
        assert outcomes(by_id["made/watcher"]) == {"rfc6455-5.1-4": Outcome.VIOLATED}
        assert "made/other" in by_id["made/watcher"].findings[0].observed
        assert by_id["made/watcher"].transcript


class TestSelection:
    async def test_a_missing_need_skips_with_its_reason(self) -> None:
        async def never(target: Target) -> None:
            raise AssertionError

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/tls", never, needs=(Need.TLS,))])
        assert attempts[0].skipped == Need.TLS.value

    async def test_an_error_of_ours_is_an_error_and_nothing_else(self) -> None:
        async def broken(target: Target) -> None:
            raise ZeroDivisionError

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/broken", broken)])
        assert attempts[0].error is not None
        assert "ZeroDivisionError" in attempts[0].error
        assert attempts[0].findings == ()

    async def test_a_check_that_never_ends_is_ended_and_undetermined(self) -> None:
        async def endless(target: Target) -> None:
            await asyncio.Event().wait()

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/endless", endless)], patience=0.05)
        assert attempts[0].undetermined
        assert "--patience, times 10" in (attempts[0].reason or "")

    async def test_stop_drops_what_is_in_flight_and_keeps_what_is_final(self) -> None:
        async def endless(target: Target) -> None:
            await asyncio.Event().wait()

        async def quick(target: Target) -> None:
            target.findings.holds()

        final: list[str] = []
        async with MutantServer() as server:
            setting = Setting(parse_endpoint(server.url), patience=0.5)
            checks = [made("made/quick", quick), made("made/endless", endless), made("made/later", quick)]
            runner = Runner(setting, checks, jobs=1)
            async for attempt in runner.run():
                final.append(attempt.check.id)
                runner.stop("told to")
        assert final == ["made/quick"]
        assert runner.stopped is not None
        assert runner.stopped.reason == "told to"

    async def test_what_disrupts_is_for_loopback_only(self) -> None:
        async def floods(target: Target) -> None:
            target.findings.holds()

        check = made("made/floods", floods, disruptive=True)
        elsewhere = Setting(parse_endpoint("ws://192.0.2.1/"), patience=0.2)
        (skipped,) = [attempt async for attempt in Runner(elsewhere, [check], jobs=1).run()]
        assert skipped.skipped is not None and skipped.skipped.startswith("--disruptive")
        async with MutantServer() as server:
            attempts, _ = await run(server.url, [check])
        assert set(outcomes(attempts[0]).values()) == {Outcome.HOLDS}

    async def test_what_must_be_alone_never_runs_beside_others(self) -> None:
        running = 0

        async def counts(target: Target) -> None:
            nonlocal running
            running += 1
            async with target.connect() as peer:
                await peer.ping(b"x")
            running -= 1

        async def alone(target: Target) -> None:
            assert running == 0

        checks = [made("made/first", alone, alone=True), *(made(f"made/{number}", counts) for number in range(5))]
        async with MutantServer() as server:
            attempts, _ = await run(server.url, checks)
        assert [attempt.error for attempt in attempts] == [None] * 6

    async def test_silence_that_a_check_does_not_judge_is_undetermined(self) -> None:
        async def waits(target: Target) -> None:
            async with target.connect() as peer:
                await peer.next_event()

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/waits", waits)], patience=0.1)
        assert attempts[0].reason == "nothing came within 0.1 s"
        assert attempts[0].retried

    async def test_a_connection_that_is_not_taken_is_tried_again(self) -> None:
        tries = 0

        async def refused_once(target: Target) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise TargetGone("no connection")

        async with MutantServer() as server:
            attempts, _ = await run(server.url, [made("made/refused-once", refused_once)])
        assert tries == 2
        assert set(outcomes(attempts[0]).values()) == {Outcome.HOLDS}


class TestOrder:
    async def test_long_checks_start_first_and_the_chapters_take_turns(self) -> None:
        started: list[str] = []

        def noting(id: str, **changes: object) -> Check:
            async def function(target: Target) -> None:
                started.append(id)

            return made(id, function, **changes)

        checks = [noting(f"a/{n}") for n in range(4)] + [noting(f"b/{n}") for n in range(2)]
        checks.append(noting("c/long", long=True))
        async with MutantServer() as server:
            attempts, _ = await run(server.url, checks, jobs=1)
        assert started == ["c/long", "a/0", "b/0", "a/1", "a/2", "b/1", "a/3"]
        assert len(attempts) == 7

    async def test_no_place_stays_empty_while_the_target_is_looked_at(self) -> None:
        """The second check starts although the handshake after the first is not answered before it has started."""
        second_started = asyncio.Event()

        async def first(target: Target) -> None:
            pass

        async def second(target: Target) -> None:
            second_started.set()

        class Waiting(Runner):
            async def _alive(self) -> bool:
                await second_started.wait()
                return True

        async with MutantServer() as server:
            setting = Setting(parse_endpoint(server.url), patience=0.5)
            runner = Waiting(setting, [made("a/first", first), made("a/second", second)], jobs=1)
            async with asyncio.timeout(30):
                attempts = [attempt.check.id async for attempt in runner.run()]
        assert attempts == ["a/first", "a/second"]
