"""The chapter framing: what the proof by mutants does not show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.mutants import MutantServer
from tests.proof.harness import PATIENCE, Observation, chapter_checks
from wsproof.conformance.check import Findings, Undetermined, Violation
from wsproof.conformance.checks._framing import difference, naming, of_size, varied
from wsproof.conformance.checks._framing_echoes import account
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.requirements import requirements
from wsproof.conformance.runner import Runner
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Opcode

GROUPS = {
    *(f"1.{part}.{case}" for part in (1, 2) for case in range(1, 9)),
    *(f"3.{case}" for case in range(1, 8)),
    *(f"4.{part}.{case}" for part in (1, 2) for case in range(1, 6)),
}
ELSEWHERE = {"rfc6455-6.1-7", "rfc6455-10.4-2"}
"""Requirements of the sections below that other chapters check."""


def test_every_autobahn_case_of_groups_1_3_and_4_has_one_check() -> None:
    named = [case for item in chapter_checks("framing") for case in item.autobahn]
    assert sorted(named) == sorted(GROUPS)


def test_every_requirement_of_the_chapter_has_a_check() -> None:
    sections = ("5.2", "5.8", "6.1", "6.2", "10.4")
    wanted = {id for id, known in requirements().items() if id.startswith("rfc6455") and known.section in sections} | {
        "rfc6455-5.6-4",
        "rfc6455-7.1.7-5",
    }
    testable = {id for id in wanted if requirements()[id].testable != "no"}
    named = {name for item in chapter_checks("framing") for name in item.requirements}
    assert named == testable - ELSEWHERE


async def observe_path(path: str, **found: Any) -> Observation:
    """What the chapter shows on one path of the conformant mutant server."""
    observation = Observation()
    async with MutantServer() as server:
        setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
        setting = replace(setting, found=replace(await discover(setting), **found))
        runner = Runner(setting, chapter_checks("framing"), jobs=16)
        async for attempt in runner.run():
            observation.add(attempt)
        assert runner.stopped is None
    return observation


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant"])
async def test_a_target_without_echo_passes_what_needs_none(path: str) -> None:
    seen = await observe_path(path)
    assert not seen.bad()
    assert not seen.errors
    assert not seen.undetermined
    assert {id.partition("[")[0] for id in seen.skipped} == {
        "framing/text-sizes",
        "framing/binary-sizes",
        "framing/text-in-one-frame",
        "framing/binary-in-one-frame",
        "framing/any-binary-payload",
        "framing/reserved-bits-after-message",
        "framing/reserved-opcodes-after-message",
        "framing/messages-end-with-fin",
        "framing/long-messages-in-frames",
        "framing/every-message-is-answered",
        "framing/fragmented-text",
        "framing/fragmented-binary",
        "framing/fragmented-messages-back-to-back",
        "framing/one-byte-per-segment",
        "framing/many-frames-per-segment",
        "framing/split-frame",
        "framing/cut-by-half-close",
        "framing/any-size",
        "framing/any-messages-in-a-row",
    }


@pytest.mark.parametrize("path", ["/greet", "/prefix"])
async def test_a_target_that_greets_or_echoes_in_words_of_its_own_passes_all(path: str) -> None:
    seen = await observe_path(path)
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})
    assert all("binary" in id for id in seen.skipped)


async def test_a_target_that_pushes_between_its_echoes_passes_all() -> None:
    seen = await observe_path("/echo", chatty=True)
    assert (seen.bad(), seen.errors, seen.undetermined, seen.skipped) == (set(), {}, {}, {})


def target() -> Target:
    """A target for helpers that open no connection."""
    setting = Setting(parse_endpoint("ws://127.0.0.1:1/"))
    return Target(setting, Findings(("rfc6455-5.2-3",)), Transcript(setting.endpoint.redactor()))


def test_naming_tells_the_input_in_every_kind_of_observation() -> None:
    one = target()
    one.findings.warned("a", "before")
    with naming(one, "RSV1"):
        one.findings.warned("Close 1002", "Close 1000")
    assert [finding.observed for finding in one.findings.made] == ["before", "RSV1: Close 1000"]
    with pytest.raises(Violation) as violation, naming(one, "RSV2"):
        raise Violation("an end", "nothing", requirement="rfc6455-5.2-3", silence=True)
    assert violation.value.observed == "RSV2: nothing"
    assert violation.value.silence
    assert violation.value.requirement == "rfc6455-5.2-3"
    with pytest.raises(Undetermined, match="RSV3: no echo"), naming(one, "RSV3"):
        raise Undetermined("no echo")


@pytest.mark.parametrize("size", [0, 1, 13, 65536])
def test_payloads_have_the_size_asked_for(size: int) -> None:
    assert len(of_size(b"word", size)) == size
    assert len(varied(Opcode.TEXT, b"word", size)) == size
    assert varied(Opcode.TEXT, b"word", size).isascii()


def test_a_varied_payload_shows_every_shift_by_a_power_of_two() -> None:
    for opcode in (Opcode.TEXT, Opcode.BINARY):
        payload = varied(opcode, b"", 70000)
        for power in range(17):
            assert payload[1 << power :][:300] != payload[:300]


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (b"abc", b"ab", "2 bytes instead of 3"),
        (b"abc", b"abd", "3 bytes that differ from byte 2 on"),
    ],
)
def test_difference(expected: bytes, got: bytes, words: str) -> None:
    assert difference(expected, got) == words


def test_account_of_what_is_missing_repeated_and_out_of_order() -> None:
    sent = [(1, b"a"), (1, b"b"), (1, b"c")]
    assert account(sent, sent[:2]) == "1 of 3 missing"
    assert account(sent, [*sent, sent[0]]) == "1 repeated"
    assert account(sent, sent[::-1]) == "out of order"
    assert account(sent, [sent[0], sent[0]]) == "2 of 3 missing, 1 repeated"
