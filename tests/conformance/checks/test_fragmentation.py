"""The chapter fragmentation: how messages are cut, limits that a target may have, and targets that never echo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mutants import MutantServer
from tests.mutants.control_frames import PingUnanswered
from tests.proof.harness import PATIENCE, chapter_checks
from wsproof.conformance.check import Need
from wsproof.conformance.checks._programs import send_cut
from wsproof.conformance.checks.fragmentation import cut, into
from wsproof.conformance.discovery import discover, probe_target
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.program import PlannedFrame, Segments
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting
from wsproof.conformance.wire.frames import Opcode
from wsproof.reports.model import Outcome

BAD = (Outcome.VIOLATED, Outcome.WARNED)


async def run(server: MutantServer, path: str = "/echo", word: str = "") -> dict[str, Attempt]:
    """The chapter's checks whose id holds ``word`` against a path of a server; none may end in an error."""
    setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
    setting = replace(setting, found=await discover(setting))
    chosen = [item for item in chapter_checks("fragmentation") if word in item.id]
    attempts = [attempt async for attempt in Runner(setting, chosen, jobs=16).run()]
    assert attempts and [attempt.error for attempt in attempts if attempt.error] == []
    return {attempt.check.id.removeprefix("fragmentation/"): attempt for attempt in attempts}


def those_with(attempts: dict[str, Attempt], *outcomes: Outcome) -> set[str]:
    """The checks with a finding of such an outcome."""
    return {id for id, attempt in attempts.items() if any(found.outcome in outcomes for found in attempt.findings)}


@given(st.binary(max_size=300), st.integers(1, 120))
def test_cutting_loses_nothing(payload: bytes, number: int) -> None:
    assert b"".join(cut(payload, number)) == payload
    assert all(len(part) == number for part in cut(payload, number)[:-1])
    parts = into(payload, number)
    assert len(parts) == number and b"".join(parts) == payload
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant", "/greet", "/prefix"])
async def test_targets_that_do_not_echo_are_judged_all_the_same(path: str) -> None:
    async with MutantServer() as server:
        attempts = await run(server, path)
    assert those_with(attempts, *BAD, Outcome.UNDETERMINED) == set()
    skipped = {attempt.skipped for attempt in attempts.values()}
    assert skipped <= {None, Need.ECHO.value, Need.BINARY_ECHO.value}


async def test_a_target_that_leaves_for_its_own_reasons_does_not_fail() -> None:
    async with MutantServer() as server:
        attempts = await run(server, "/probe/close?code=1001")
    assert those_with(attempts, Outcome.VIOLATED) == set()


async def test_a_limit_is_tolerated_only_where_there_may_be_one() -> None:
    async with MutantServer("three-fragments-refused") as server:  # with 1009
        attempts = await run(server)
    refused = "refused by a limit: Close 1009"
    for id in ("text-in-fragments[100]", "fragments-of-any-size[octets]", "message-in-1300-byte-fragments"):
        assert {found.outcome for found in attempts[id].findings} == {Outcome.HOLDS}, id
        assert any(found.observed.startswith(refused) for found in attempts[id].findings), id
    assert {"text-in-fragments[3]", "binary-in-fragments[3]"} <= those_with(attempts, Outcome.VIOLATED)


async def test_an_early_echo_does_not_show_that_a_frame_out_of_place_was_taken() -> None:
    async with MutantServer("fragments-echoed-early") as server:
        attempts = await run(server, word="interleaved-messages")
    assert those_with(attempts, *BAD, Outcome.UNDETERMINED) == set()


async def test_where_no_ping_is_answered_each_segment_is_read_by_itself_too() -> None:
    read: list[int] = []

    class Reading(PingUnanswered):
        def receive(self, data: bytes) -> None:
            read.append(len(data))
            super().receive(data)

    async with MutantServer() as server:
        server.connection_class = Reading
        setting = Setting(parse_endpoint(server.url), patience=PATIENCE)
        target = probe_target(replace(setting, found=await discover(setting)))
        async with target.connect() as peer:
            read.clear()
            await send_cut(target, peer, [PlannedFrame(Opcode.TEXT, b"in four")], Segments(ends=(1, 2, 9)))
            await peer.expect_echo(b"in four")
    assert [size for size in read if size < 20] == [1, 1, 7, 4]
