"""The chapter control_frames: targets that are odd but right, and targets that never echo."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mutants import MutantServer, Switch
from tests.mutants.connection import Connection
from tests.proof.harness import PATIENCE, chapter_checks
from wsproof.conformance.check import Need
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting
from wsproof.reports.model import Outcome

BAD = (Outcome.VIOLATED, Outcome.WARNED)


async def run(server: MutantServer, path: str, word: str = "") -> list[Attempt]:
    """The chapter's checks whose id holds ``word`` against a path of a server; none may end in an error."""
    setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
    setting = replace(setting, found=await discover(setting))
    chosen = [item for item in chapter_checks("control-frames") if word in item.id]
    attempts = [attempt async for attempt in Runner(setting, chosen, jobs=16).run()]
    assert attempts and [attempt.error for attempt in attempts if attempt.error] == []
    return attempts


def seen(attempts: list[Attempt], *outcomes: Outcome) -> list[str]:
    """The findings with those outcomes, in one line each."""
    return [
        f"{attempt.check.id}: {finding.requirement}: {finding.observed}"
        for attempt in attempts
        for finding in attempt.findings
        if finding.outcome in outcomes
    ]


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant", "/greet", "/prefix"])
async def test_targets_that_do_not_echo_are_judged_all_the_same(path: str) -> None:
    async with MutantServer() as server:
        attempts = await run(server, path)
    assert seen(attempts, *BAD, Outcome.UNDETERMINED) == []
    assert {attempt.skipped for attempt in attempts} <= {None, Need.ECHO.value}


async def test_a_target_that_leaves_for_its_own_reasons_does_not_fail() -> None:
    async with MutantServer() as server:
        attempts = await run(server, "/probe/close?code=1001")
    assert seen(attempts, Outcome.VIOLATED) == []


async def test_an_end_after_a_pong_that_does_not_repeat_itself_is_no_violation() -> None:
    class LeavesOnce(Connection):
        """Ends TCP at the first Pong of all connections."""

        left = False

        def on_pong(self, payload: bytes) -> None:
            if not LeavesOnce.left:
                LeavesOnce.left = True
                self.end_websocket(1006, "")
                self.end_tcp()

    async with MutantServer(Switch("leaves-once", "", (), (), LeavesOnce, "control_frames")) as server:
        attempts = await run(server, "/echo", "unsolicited-pong[text]")
    assert LeavesOnce.left
    assert seen(attempts, *BAD, Outcome.UNDETERMINED) == []


async def test_a_pong_of_other_content_before_the_right_one_is_set_aside() -> None:
    class SaysMore(Connection):
        """Another Pong goes before each answer."""

        def on_ping(self, payload: bytes) -> None:
            super().on_ping(b"?" + payload[1:])
            super().on_ping(payload)

    async with MutantServer(Switch("says-more", "", (), (), SaysMore, "control_frames")) as server:
        attempts = await run(server, "/echo", "ping-is-answered")
    assert seen(attempts, *BAD, Outcome.UNDETERMINED) == []
