"""The chapter masking: what the proof by mutants does not show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mutants import MutantServer
from tests.mutants.http_phase import Limits
from tests.proof.harness import PATIENCE, Observation, chapter_checks
from wsproof.conformance.check import Need
from wsproof.conformance.checks.masking import _sample, telling_key
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.requirements import requirements
from wsproof.conformance.runner import Runner
from wsproof.conformance.source import Source
from wsproof.conformance.target import Setting
from wsproof.conformance.wire.frames import Opcode, apply_mask


def test_every_requirement_of_the_chapter_has_a_check() -> None:
    wanted = {
        id for id, known in requirements().items() if id.startswith("rfc6455") and known.section in ("5.1", "5.3")
    }
    named = {name for item in chapter_checks("masking") if item.given is None for name in item.requirements}
    assert named == {id for id in wanted if requirements()[id].testable != "no"} | {"rfc6455-6.1-7"}


async def observe(path: str = "/echo", switch: str | None = None, word: str = "") -> Observation:
    """What the checks whose id holds ``word`` show on one path of the mutant server, of which no profile tells."""
    async with MutantServer(switch) as server:
        return await observe_at(server, word, path)


async def observe_at(server: MutantServer, word: str, path: str = "/echo") -> Observation:
    """The same on a server that runs already."""
    observation = Observation()
    setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
    setting = replace(setting, found=await discover(setting))
    runner = Runner(setting, [item for item in chapter_checks("masking") if word in item.id], jobs=16)
    async for attempt in runner.run():
        observation.add(attempt)
    assert runner.stopped is None
    return observation


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant"])
async def test_a_target_without_echo_passes_what_needs_none(path: str) -> None:
    seen = await observe(path)
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})
    assert set(seen.skipped.values()) == {Need.ECHO.value, Need.PROBE_PUSH.value}


@pytest.mark.parametrize("path", ["/greet", "/prefix", "/deflate"])
async def test_a_target_that_greets_or_echoes_in_its_own_way_passes_all(path: str) -> None:
    seen = await observe(path)
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})
    assert set(seen.skipped.values()) == {Need.PROBE_PUSH.value}


async def test_a_message_that_is_refused_as_too_big_is_no_fault_of_unmasking() -> None:
    async with MutantServer(limits=Limits(message=999)) as server:
        seen = await observe_at(server, "every-remainder")
    assert (seen.bad(), seen.errors, seen.undetermined) == (set(), {}, {})


@pytest.mark.parametrize("switch", ["unmasked-data-accepted", "unmasked-control-accepted"])
@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant"])
async def test_what_takes_unmasked_frames_is_found_without_echo(path: str, switch: str) -> None:
    seen = await observe(path, switch, "unmasked-frame[")
    kind = "text" if switch == "unmasked-data-accepted" else "ping"
    assert (f"masking/unmasked-frame[{kind}]", "rfc6455-5.1-2") in seen.bad()


def test_under_a_telling_key_every_shift_shows_and_ascii_stays_ascii() -> None:
    source = Source("0")
    for _ in range(100):
        key = telling_key(source)
        assert len(set(key)) == 4
        assert apply_mask(bytes(range(128)), key).isascii()


def test_a_sample_is_one_message_whose_fragments_have_keys_of_their_own() -> None:
    sample = _sample(Source("0"), "in fragments", Opcode.TEXT, (1, 2, 3))
    assert sample.words == "text in fragments"
    assert [len(part) for part in sample.parts] == [1, 2, 3]
    assert [(frame.opcode, frame.fin) for frame in sample.frames] == [(1, False), (0, False), (0, True)]
    assert [frame.masking for frame in sample.frames] == sample.keys
    assert len(set(sample.keys)) == 3
