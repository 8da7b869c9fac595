"""The chapter contract echo: how answers are told apart, and what is no fault."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.conformance.talk import LONG
from tests.mutants import MutantServer
from tests.mutants.http_phase import Limits
from tests.proof.harness import chapter_checks
from wsproof.conformance.check import Violation
from wsproof.conformance.checks._contracts import Heard
from wsproof.conformance.checks._echoes import ORDER, json_answer, json_key, judge_echoes, text_answer
from wsproof.conformance.checks._talks import Blobs, Said, Talk, Values
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended, Message
from wsproof.conformance.profile import EchoContract, Profile
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.strategies_contracts import json_texts
from wsproof.conformance.target import Setting
from wsproof.reports.model import Outcome

TEXT = "contract:echo-text"


def texts(*payloads: str) -> list[Message]:
    return [Message(1, payload.encode()) for payload in payloads]


def plain(message: Message) -> tuple[int, bytes]:
    return message.opcode, message.payload


@pytest.mark.parametrize("came", [["a", "b", "1"], ["a", "b", "1", "2"]])
def test_all_that_is_due_is_enough(came: list[str]) -> None:
    judge_echoes(Heard(texts(*came)), texts("a", "b", "1", "2"), TEXT, plain)


@pytest.mark.parametrize(
    ("came", "requirement", "observed"),
    [
        (["a", "x", "1"], TEXT, "'x'"),
        (["b", "a", "1"], ORDER, "the answer to message 2 comes first: 'b'"),
        (["a", "1"], TEXT, "it is left out, and next comes: '1'"),
        (["a", "2"], TEXT, "it is left out, and next comes: '2'"),
        (["a", "a", "b", "1"], TEXT, "an answer comes a second time: 'a'"),
        (["b", "b", "1"], TEXT, "'b'"),
        (["a", "b"], TEXT, "nothing"),
        (["a", "b", "2", "1"], ORDER, "the answer to message 4 comes first: '2'"),
    ],
)
def test_what_is_wrong_is_told_apart(came: list[str], requirement: str, observed: str) -> None:
    with pytest.raises(Violation) as broken:
        judge_echoes(Heard(texts(*came)), texts("a", "b", "1", "2"), TEXT, plain)
    assert (broken.value.requirement, broken.value.observed) == (requirement, observed)


def test_another_type_is_another_answer() -> None:
    with pytest.raises(Violation, match="Binary message"):
        judge_echoes(Heard([Message(2, b"a")]), texts("a", "1", "2"), TEXT, plain)


def test_silence_is_said_to_be_silence_and_an_end_is_none() -> None:
    for heard, silence in ((Heard(silent=True), True), (Heard(end=Ended(TcpEnd.FIN)), False)):
        with pytest.raises(Violation) as broken:
            judge_echoes(heard, texts("a", "1", "2"), TEXT, plain)
        assert broken.value.silence is silence


def test_wordings_are_put_around_octets_as_they_are() -> None:
    assert text_answer("{{x}} é {message}.")(b"\xff{message}") == "{x} é ".encode() + b"\xff{message}."
    assert json_answer('{"a": ["{value}", 1]}')(b'"x"') == b'{"a": ["x", 1]}'


@given(json_texts())
def test_json_is_the_same_however_it_is_written(text: str) -> None:
    value: Any = json.loads(text)
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json_key(Message(1, text.encode())) == json_key(Message(1, written.encode()))
    assert json_key(Message(1, text.encode())) != json_key(Message(2, text.encode()))


@pytest.mark.parametrize(("one", "other"), [("1", "true"), ("0", "false"), ("null", '""'), ("0", "-1"), ('"1"', "1")])
def test_json_values_that_python_confuses_are_different(one: str, other: str) -> None:
    assert json_key(Message(1, one.encode())) != json_key(Message(1, other.encode()))
    assert json_key(Message(1, b"1.0")) == json_key(Message(1, b"1"))


def test_examples_are_told_in_words() -> None:
    assert str(Talk((Said("a\n"), Said("x", 50)), True)) == "'a\\n'; 'x' 50 times; all at once"
    assert str(Blobs((b"\xff", b""), 700)) == "`ff`; ``, each 700 times"
    assert str(Values(("null", "[]"))) == "null; []"


async def run(server: MutantServer, echo: EchoContract, word: str) -> dict[str, Attempt]:
    """The chapter's checks whose id holds ``word``, against a server that promises ``echo``."""
    profile = Profile(name="own", echo=echo)
    setting = Setting(parse_endpoint(server.url), profile=profile, patience=LONG)
    setting = replace(setting, found=await discover(setting))
    chosen = [item for item in chapter_checks("contract-echo") if word in item.id]
    attempts = [attempt async for attempt in Runner(setting, chosen, jobs=16).run()]
    assert attempts and [attempt.error for attempt in attempts if attempt.error] == []
    return {attempt.check.id.removeprefix("contract-echo/"): attempt for attempt in attempts}


def outcomes(attempts: Sequence[Attempt]) -> set[Outcome]:
    return {finding.outcome for attempt in attempts for finding in attempt.findings}


async def test_the_echo_of_the_rfc_s_checks_serves_where_no_path_is_given() -> None:
    async with MutantServer() as server:
        attempts = await run(server, EchoContract(), "text[")
    assert outcomes(list(attempts.values())) == {Outcome.HOLDS}


async def test_another_wording_is_a_violation() -> None:
    async with MutantServer() as server:
        attempts = await run(server, EchoContract(path="/ws", text="You said {message}"), "text[plain]")
    (finding,) = [found for found in attempts["text[plain]"].findings if found.outcome is Outcome.VIOLATED]
    assert (finding.requirement, finding.expected, finding.observed) == (
        TEXT,
        "'You said Hello' in answer to message 1",
        "'Message text was: Hello'",
    )


async def test_a_large_message_may_be_refused_for_its_size() -> None:
    async with MutantServer(limits=Limits(message=100_000)) as server:
        attempts = await run(server, EchoContract(), "text[")
    noted = [finding.observed for finding in attempts["text[mebibyte]"].findings if finding.outcome is Outcome.NOTED]
    assert noted == ["a message of 1048576 bytes is refused with 1009"]
    assert Outcome.VIOLATED not in outcomes(list(attempts.values()))


async def test_a_path_that_is_not_served_says_nothing_about_the_echo() -> None:
    async with MutantServer() as server:
        attempts = await run(server, EchoContract(path="/nowhere"), "")
    assert {attempt.reason for attempt in attempts.values() if not attempt.skipped} == {
        "the profile's [echo] is not served: /nowhere answered 404 Not Found"
    }
