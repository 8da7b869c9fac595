"""The chapter of the opening handshake: how answers are graded, and what the mutants do not show."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.mutants import MutantServer
from tests.proof.harness import Observation, chapter_checks
from wsproof.conformance.check import Findings, Need, Undetermined
from wsproof.conformance.checks._answers import ready
from wsproof.conformance.checks._first_frames import can_begin_frame
from wsproof.conformance.checks._handshakes import grade_refusal
from wsproof.conformance.checks._origins import strangers
from wsproof.conformance.checks._tls import ask_in_clear
from wsproof.conformance.checks._versions import judge_version_error, listed_versions
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.profile import Profile
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Answer, Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.handshake import Response, read_head
from wsproof.reports.model import Outcome

CHAPTER = "opening-handshake"
CLOSED = Answer(None, TcpEnd.FIN)
SILENT = Answer(None, None)
REQUIREMENT = "rfc6455-4.2.1-16"


def answered(status: int, *lines: str) -> Answer:
    """An answer with that status and these field lines."""
    head = "\r\n".join([f"HTTP/1.1 {status} Because", *lines, "", ""])
    return Answer(Response(read_head(head.encode())), None)


def offline() -> Target:
    """A target that nothing is asked of; its findings are under one requirement."""
    setting = Setting(parse_endpoint("ws://127.0.0.1:9/"))
    return Target(setting, Findings((REQUIREMENT,)), Transcript(setting.endpoint.redactor()))


def outcomes(target: Target) -> list[tuple[Outcome, bool]]:
    return [(finding.outcome, finding.silence) for finding in target.findings.made]


async def run_chapter(url: str, profile: Profile | None = None, word: str = "") -> list[Attempt]:
    setting = Setting(parse_endpoint(url), profile=profile, patience=0.5)
    setting = replace(setting, found=await discover(setting))
    checks = [item for item in chapter_checks(CHAPTER) if word in item.id]
    return [attempt async for attempt in Runner(setting, checks, jobs=16).run()]


class TestRefusals:
    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (answered(400), Outcome.HOLDS),
            (answered(426), Outcome.HOLDS),
            (answered(501), Outcome.HOLDS),
            (answered(505), Outcome.HOLDS),
            (answered(500), Outcome.WARNED),
            (answered(302), Outcome.WARNED),
            (answered(200), Outcome.WARNED),
            (CLOSED, Outcome.WARNED),
            (SILENT, Outcome.WARNED),
            (answered(101), Outcome.VIOLATED),
        ],
        ids=str,
    )
    def test_a_bad_handshake_gets_an_http_error(self, answer: Answer, outcome: Outcome) -> None:
        target = offline()
        grade_refusal(target, answer, "no key")
        assert outcomes(target) == [(outcome, answer is SILENT)]

    @pytest.mark.parametrize("status", [200, 302, 404, 500])
    def test_without_an_upgrade_any_ordinary_response_is_right(self, status: int) -> None:
        target = offline()
        grade_refusal(target, answered(status), "no Upgrade", ordinary=True)
        assert outcomes(target) == [(Outcome.HOLDS, False)]

    def test_an_ordinary_response_is_never_a_101(self) -> None:
        target = offline()
        grade_refusal(target, answered(101), "no Upgrade", ordinary=True, may_close=True)
        assert outcomes(target) == [(Outcome.VIOLATED, False)]

    def test_where_closing_is_right_silence_is_not(self) -> None:
        target = offline()
        grade_refusal(target, CLOSED, "POST", may_close=True)
        grade_refusal(target, SILENT, "POST", may_close=True)
        assert outcomes(target) == [(Outcome.HOLDS, False), (Outcome.WARNED, True)]

    @pytest.mark.parametrize("status", [429, 503])
    def test_an_overloaded_target_is_not_judged(self, status: int) -> None:
        with pytest.raises(Undetermined):
            ready(answered(status))


class TestVersions:
    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (answered(426, "Sec-WebSocket-Version: 13"), None),
            (answered(400, "Sec-WebSocket-Version: 13, 8, 7"), None),
            (answered(400, "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13"), None),
            (answered(500, "Sec-WebSocket-Version: 13"), Outcome.WARNED),
            (answered(302), Outcome.WARNED),
            (CLOSED, Outcome.WARNED),
            (SILENT, Outcome.WARNED),
            (answered(400), Outcome.VIOLATED),
            (answered(500), Outcome.VIOLATED),
            (answered(400, "Sec-WebSocket-Version:"), Outcome.VIOLATED),
            (answered(400, "Sec-WebSocket-Version: 8"), Outcome.VIOLATED),
            (answered(400, "Sec-WebSocket-Version: 13, 300"), Outcome.VIOLATED),
            (answered(400, "Sec-WebSocket-Version: 13; 8"), Outcome.VIOLATED),
            (answered(101, "Sec-WebSocket-Version: 13"), Outcome.VIOLATED),
        ],
    )
    def test_the_error_names_the_versions(self, answer: Answer, outcome: Outcome | None) -> None:
        target = offline()
        faulty = judge_version_error(target, answer, "99", [REQUIREMENT])
        assert faulty is (outcome is not None)
        assert outcomes(target) == ([] if outcome is None else [(outcome, answer is SILENT)])

    def test_lines_are_joined(self) -> None:
        assert listed_versions([b"13, 8", b"", b" 7 "]) == ["13", "8", "7"]


@pytest.mark.parametrize("octet", [0x81, 0x01, 0x82, 0x88, 0x89, 0x8A])
def test_a_frame_can_begin_so(octet: int) -> None:
    assert can_begin_frame(octet)


@pytest.mark.parametrize("octet", b"0<{H\r\n\t\x00\x80\x83\x8b\xc1\x09")
def test_no_frame_begins_so(octet: int) -> None:
    assert not can_begin_frame(octet)


def test_strangers_of_an_origin() -> None:
    found = strangers("https://friend.example:8443")
    assert ("https://friend.example:8443",) not in found.values()
    assert found["another scheme"] == ("http://friend.example:8443",)
    assert found["another port"] == ("https://friend.example:8081",)
    assert found["a look-alike with more at its end"] == ("https://friend.example.foreign.invalid:8443",)
    assert found["a look-alike with more at its front"] == ("https://notfriend.example:8443",)


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant", "/greet", "/prefix"])
async def test_no_echo_is_needed(path: str) -> None:
    async with MutantServer() as server:
        attempts = await run_chapter(f"ws://127.0.0.1:{server.port}{path}")
    seen = Observation()
    for attempt in attempts:
        seen.add(attempt)
    assert not seen.bad()
    assert not seen.undetermined
    assert not seen.errors
    profile_or_tls = {need.value for need in Need if need not in (Need.ECHO, Need.BINARY_ECHO, Need.PLAIN_ECHO)}
    assert set(seen.skipped.values()) <= profile_or_tls


@pytest.mark.parametrize(("denial", "outcome"), [("any", Outcome.WARNED), ("close", Outcome.NOTED)])
async def test_accepting_and_closing_warns_unless_the_profile_declares_it(denial: str, outcome: Outcome) -> None:
    profile = Profile.model_validate({"name": "late", "denial": denial, "refused": {"origin": "http://evil.invalid"}})
    async with MutantServer("foreign-origin-closed-late") as server:
        (attempt,) = await run_chapter(server.url, profile, "unwilling-to-serve-an-origin")
    found = {finding.requirement: finding.outcome for finding in attempt.findings}
    assert found["rfc6455-4.2.2-7"] is outcome


async def test_nothing_secret_is_sent_in_clear() -> None:
    came = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = parse_endpoint(
            f"wss://127.0.0.1:{port}/echo?token=sesame",
            headers=["Authorization: Bearer sesame"],
            cookies=["session=sesame"],
            insecure=True,
        )
        setting = Setting(endpoint, patience=2.0)
        target = Target(setting, Findings((REQUIREMENT,)), Transcript(endpoint.redactor()))
        answer = await ask_in_clear(target)
    assert answer.response is None
    assert b"sesame" not in came.result()
    assert came.result().startswith(b"GET /echo HTTP/1.1\r\n")
