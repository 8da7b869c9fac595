"""The chapter closing_handshake: what the proof by mutants does not show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.mutants import MutantServer
from tests.proof.harness import PATIENCE, Observation, chapter_checks
from wsproof.conformance.check import Undetermined
from wsproof.conformance.checks._closing import (
    BREACHES,
    closes_among,
    first_close,
    instead_of_close,
    is_ended,
    messages_among,
    said,
)
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended, Event
from wsproof.conformance.requirements import requirements
from wsproof.conformance.runner import Runner
from wsproof.conformance.target import Setting
from wsproof.conformance.wire.frames import Frame, FrameParser, Masking, Opcode, ReceivedFrame, close_frame

CLOSE_CODES = {
    "7.7": (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999),
    "7.9": (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999),
    "7.13": (5000, 65535),
}
"""Autobahn's cases that differ by nothing but the code, in the order of their numbers."""
GROUP_7 = {
    *(f"7.1.{case}" for case in range(1, 7)),
    *(f"7.3.{case}" for case in range(1, 7)),
    "7.5.1",
    *(f"{part}.{number}" for part, codes in CLOSE_CODES.items() for number in range(1, len(codes) + 1)),
}
PROBES = {
    "closing-handshake/server-closes-first",
    "closing-handshake/server-closes-first-and-ends-tcp",
    "closing-handshake/both-close-at-once",
    "closing-handshake/application-is-told",
    "closing-handshake/handler-failure",
}
CONTENT = {
    "closing-handshake/data-after-close",
    "closing-handshake/no-data-after-own-close",
    "closing-handshake/close-behind-messages",
}


def test_every_autobahn_case_of_group_7_has_one_check() -> None:
    named = [case for item in chapter_checks("closing_handshake") for case in item.autobahn]
    assert len(GROUP_7) == 37
    assert sorted(named) == sorted(GROUP_7)


def test_the_cases_that_differ_by_the_code_send_that_code() -> None:
    sent = {
        case: item.arguments[0] if item.arguments else int(item.id[-4:])
        for item in chapter_checks("closing_handshake")
        for case in item.autobahn
        if case.rpartition(".")[0] in CLOSE_CODES
    }
    assert sent == {f"{part}.{at}": code for part, codes in CLOSE_CODES.items() for at, code in enumerate(codes, 1)}


def test_every_requirement_of_the_chapter_has_a_check() -> None:
    sections = ("5.5.1", "7.1.1", "7.1.2", "7.1.5", "7.1.6", "7.1.7", "7.3", "7.4", "7.4.1", "7.4.2")
    wanted = {
        id
        for id, known in requirements().items()
        if id.startswith("rfc6455") and known.section in sections and known.testable != "no"
    }
    named = {name for item in chapter_checks("closing_handshake") for name in item.requirements}
    assert named == wanted - {"rfc6455-7.1.7-5"} | {"rfc6455-5.5-2"}


async def observe_path(path: str, **found: Any) -> Observation:
    """What the chapter shows on one path of the conformant mutant server, without a profile."""
    observation = Observation()
    async with MutantServer() as server:
        setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
        setting = replace(setting, found=replace(await discover(setting), **found))
        runner = Runner(setting, chapter_checks("closing_handshake"), jobs=16)
        async for attempt in runner.run():
            observation.add(attempt)
        assert runner.stopped is None
    return observation


def skipped(seen: Observation) -> set[str]:
    """The functions of the checks that were skipped."""
    return {id.partition("[")[0] for id in seen.skipped}


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant"])
async def test_a_target_without_echo_passes_what_needs_none(path: str) -> None:
    seen = await observe_path(path)
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})
    assert skipped(seen) == PROBES | CONTENT


@pytest.mark.parametrize("path", ["/greet", "/prefix"])
async def test_a_target_that_greets_or_echoes_in_words_of_its_own_passes_all(path: str) -> None:
    seen = await observe_path(path)
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})
    assert skipped(seen) == PROBES


async def test_a_target_that_pushes_between_its_echoes_passes_all() -> None:
    seen = await observe_path("/echo", chatty=True)
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})


def received(*frames: Frame) -> list[Event]:
    """These frames as they come from a server."""
    octets = b"".join(replace(frame, masking=Masking.NONE).encode() for frame in frames)
    return list(FrameParser().feed(octets))


def test_messages_are_put_together_around_control_frames() -> None:
    events = received(
        Frame(Opcode.TEXT, b"one", fin=False),
        Frame(Opcode.PONG, b"-"),
        Frame(Opcode.CONTINUATION, b" two"),
        Frame(Opcode.BINARY, b"three"),
        close_frame(),
        Frame(Opcode.TEXT, b"unfinished", fin=False),
    )
    found = [(message.opcode, message.payload) for message in messages_among([*events, Ended(TcpEnd.FIN)])]
    assert found == [(Opcode.TEXT, b"one two"), (Opcode.BINARY, b"three")]


def test_a_close_that_an_rst_may_have_destroyed_is_not_held_against_the_target() -> None:
    reset, ended = Ended(TcpEnd.RST), Ended(TcpEnd.FIN)
    with pytest.raises(Undetermined, match="RST"):
        first_close([reset], may_be_lost=True)
    assert first_close([reset], may_be_lost=False) is None
    assert first_close([ended], may_be_lost=True) is None
    assert first_close([], may_be_lost=True) is None
    closes = received(close_frame(1000), close_frame(1001))
    found = first_close([*closes, reset], may_be_lost=True)
    assert found is not None and found.close_code == 1000
    assert len(closes_among([*closes, reset])) == 2


def test_an_answer_is_told_in_words() -> None:
    close, ended = received(close_frame(1002, "no"))[0], Ended(TcpEnd.FIN)
    assert isinstance(close, ReceivedFrame)
    assert said(close) == "Close 1002 'no'"
    assert said(ended) == "TCP end (FIN) without a Close"
    assert (is_ended([close]), is_ended([close, ended]), is_ended([])) == (False, True, False)
    assert instead_of_close([ended]) == "TCP end (FIN) without a Close"
    assert instead_of_close([]) == "none within the patience"


def test_every_kind_of_violation_sends_its_word_so_that_an_answer_can_be_recognised() -> None:
    for kind, breach in BREACHES.items():
        assert any(b"word-1" in frame.payload for frame in breach.frames(b"word-1")), kind
