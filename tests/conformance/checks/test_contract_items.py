"""The chapter contract items: what the truth table says, how denials are judged, and profiles of other servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.conformance.talk import LONG
from tests.mutants import MutantServer
from tests.proof.harness import chapter_checks
from wsproof.conformance.check import Findings, Violation
from wsproof.conformance.checks._contracts import Heard
from wsproof.conformance.checks._items import (
    CREDENTIAL,
    DENIED,
    FORM,
    ITEM,
    LET_IN,
    ORDER,
    QUERY,
    WRONG_QUERY,
    Seen,
    due_answers,
    judge_answers,
    judge_denial,
    promise,
    request_of,
)
from wsproof.conformance.checks._talks import Said, Talk
from wsproof.conformance.checks._visits import ABSENT, EMPTY, WRONG, Credential, Offer, Visit, Visits
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended, Message
from wsproof.conformance.profile import ItemAnswer, ItemsContract, Profile
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Answer, Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import FrameParser, Masking, close_frame
from wsproof.conformance.wire.handshake import Response, ResponseHead, read_head
from wsproof.reports.model import Outcome

GIVEN = Credential(Offer.GIVEN, "c")
OTHER = Credential(Offer.GIVEN, "t")
TALK = Talk((Said("a"),))
ANSWERS = [
    ItemAnswer(text="by {credential}"),
    ItemAnswer(text="q {q}", only_with_query=True),
    ItemAnswer(text="{message} {item_id}"),
]
TUTORIAL = ItemsContract(path="/items/{item_id}/ws", cookie="session", token="token", query="q", answers=ANSWERS)
SERVED = TUTORIAL.model_copy(
    update={
        "answers": [
            ItemAnswer(text="Session cookie or query token value is: {credential}"),
            ItemAnswer(text="Query parameter q is: {q}", only_with_query=True),
            ItemAnswer(text="Message text was: {message}, for item ID: {item_id}"),
        ]
    }
)
"""What the mutant server promises."""
LISTED = TUTORIAL.model_copy(update={"accepted": ["right"], "first": "token"})


def visit(
    cookie: Credential = ABSENT,
    token: Credential = ABSENT,
    q: str | None = None,
    item_id: str = "1",
    encoded: bool = False,
) -> Visit:
    return Visit(item_id, cookie, token, q, TALK, encoded)


@pytest.mark.parametrize(
    ("made", "let_in", "requirement", "credential"),
    [
        (visit(), False, DENIED, None),
        (visit(q="7"), False, DENIED, None),
        (visit(q="x"), False, DENIED, None),
        (visit(GIVEN), True, LET_IN, "c"),
        (visit(ABSENT, OTHER), True, LET_IN, "t"),
        (visit(GIVEN, OTHER), True, LET_IN, "c"),
        (visit(GIVEN, EMPTY), True, LET_IN, "c"),
        (visit(EMPTY, OTHER), None, LET_IN, "t"),
        (visit(EMPTY), None, LET_IN, None),
        (visit(EMPTY, EMPTY), None, LET_IN, None),
        (visit(GIVEN, q="-7"), True, LET_IN, "c"),
        (visit(GIVEN, q="x"), False, WRONG_QUERY, None),
        (visit(EMPTY, q="1.5"), False, WRONG_QUERY, None),
        (visit(GIVEN, q=""), None, LET_IN, "c"),
        (visit(GIVEN, item_id="a/b"), None, LET_IN, "c"),
    ],
    ids=str,
)
def test_the_truth_table(made: Visit, let_in: bool | None, requirement: str, credential: str | None) -> None:
    said = promise(TUTORIAL, made)
    assert (said.let_in, said.requirement, said.credential) == (let_in, requirement, credential)
    assert bool(said.open) == (let_in is None)


@pytest.mark.parametrize(
    ("made", "let_in", "credential"),
    [
        (visit(WRONG), False, None),
        (visit(WRONG, WRONG), False, None),
        (visit(GIVEN), True, "right"),
        (visit(WRONG, OTHER), True, "right"),
        (visit(GIVEN, WRONG), None, None),
        (visit(WRONG, EMPTY), None, None),
    ],
    ids=str,
)
def test_where_the_profile_lists_credentials(made: Visit, let_in: bool | None, credential: str | None) -> None:
    said = promise(LISTED, made)
    assert (said.let_in, said.credential) == (let_in, credential)


def test_where_nobody_needs_a_credential_all_are_let_in() -> None:
    free = ItemsContract(path="/{item_id}", query="q", answers=[ItemAnswer(text="{message}")])
    assert promise(free, visit()).let_in is True
    assert promise(free, visit(q="x")).let_in is False


def target_of(contract: ItemsContract, denial: str = "any", *cookies: str) -> Target:
    profile = Profile.model_validate({"name": "own", "denial": denial, "items": contract.model_dump()})
    endpoint = parse_endpoint("ws://h/", cookies=cookies)
    return Target(Setting(endpoint, profile=profile), Findings((LET_IN, FORM)), Transcript(endpoint.redactor()))


def test_a_request_holds_the_visit_and_what_else_is_to_be_in_it() -> None:
    made = visit(GIVEN, Credential(Offer.GIVEN, "t &é"), q="x y", item_id="a/b ü")
    request = request_of(target_of(TUTORIAL, "any", "other=1", "session=mine"), made)
    assert request.target == b"/items/a%2Fb%20%C3%BC/ws?token=t%20%26%C3%A9&q=x%20y"
    assert request.all("Cookie") == [b"other=1; session=c"]
    absent = request_of(target_of(TUTORIAL, "any", "session=mine"), visit(ABSENT, EMPTY, item_id="A", encoded=True))
    assert absent.target == b"/items/%41/ws?token="
    assert absent.all("Cookie") == []


def test_a_path_with_a_query_of_its_own_keeps_it() -> None:
    own = TUTORIAL.model_copy(update={"path": "/items?id={item_id}"})
    assert request_of(target_of(own), visit(q="7")).target == b"/items?id=1&q=7"


# Answers


def judge(made: Visit, *came: str) -> Violation | None:
    """What is broken where that was heard in answer to the message and two sentinels."""
    due = due_answers(TUTORIAL, made, promise(TUTORIAL, made).credential, ["a", "s1", "s2"])
    seen = Seen(Answer(None, None), Heard([Message(1, text.encode()) for text in came]), tuple(due), len(due) * 2 // 3)
    try:
        judge_answers(TUTORIAL, made, seen)
    except Violation as broken:
        return broken
    return None


@pytest.mark.parametrize(
    ("made", "came", "requirement"),
    [
        (visit(GIVEN), ["by c", "a 1", "by c", "s1 1"], None),
        (visit(GIVEN, q="0"), ["by c", "q 0", "a 1", "by c", "q 0", "s1 1"], None),
        (visit(EMPTY), ["by whoever", "a 1", "by None", "s1 1"], None),
        (visit(GIVEN), ["by t", "a 1", "by c", "s1 1"], CREDENTIAL),
        (visit(GIVEN), ["by c", "a 2", "by c", "s1 1"], ITEM),
        (visit(GIVEN), ["by c", "b 1", "by c", "s1 1"], ITEM),
        (visit(GIVEN), ["a 1", "by c", "s1 1", "by c"], ORDER),
        (visit(GIVEN), ["by c", "q None", "a 1", "by c"], QUERY),
        (visit(GIVEN, q="0"), ["by c", "a 1", "by c", "s1 1"], QUERY),
        (visit(GIVEN, q="-1"), ["by c", "q 1", "a 1", "by c"], QUERY),
        (visit(GIVEN, q="0"), ["by c", "a 1", "q 0", "by c", "s1 1", "q 0"], ORDER),
        (visit(GIVEN), ["by c", "s1 1"], ORDER),
        (visit(GIVEN), ["by c"], ORDER),
    ],
)
def test_answers_are_told_apart(made: Visit, came: list[str], requirement: str | None) -> None:
    broken = judge(made, *came)
    assert (broken.requirement if broken else None) == requirement


# Denials


def response(line: bytes) -> Answer:
    head: ResponseHead = read_head(line + b"\r\n\r\n")
    return Answer(Response(head), None)


def close_of(code: int) -> Heard:
    parser = FrameParser()
    return Heard([], next(iter(parser.feed(replace(close_frame(code), masking=Masking.NONE).encode()))))


SWITCHED = response(b"HTTP/1.1 101 Switching Protocols")
FORBIDDEN = Seen(response(b"HTTP/1.1 403 Forbidden"), None)
CLOSED = Seen(SWITCHED, close_of(1008))


@pytest.mark.parametrize(
    ("denial", "seen", "outcome"),
    [
        ("any", FORBIDDEN, Outcome.NOTED),
        ("any", CLOSED, Outcome.NOTED),
        ("http", FORBIDDEN, None),
        ("close", CLOSED, None),
        ("close", FORBIDDEN, Outcome.WARNED),
        ("http", CLOSED, Outcome.WARNED),
        ("any", Seen(response(b"HTTP/1.1 401 Unauthorized"), None), Outcome.WARNED),
        ("any", Seen(response(b"HTTP/1.1 500 Internal Server Error"), None), Outcome.VIOLATED),
        ("close", Seen(response(b"HTTP/1.1 302 Found"), None), Outcome.VIOLATED),
        ("any", Seen(SWITCHED, close_of(1000)), Outcome.VIOLATED),
        ("any", Seen(SWITCHED, Heard([], Ended(TcpEnd.FIN))), Outcome.VIOLATED),
    ],
)
def test_how_a_denial_looks(denial: str, seen: Seen, outcome: Outcome | None) -> None:
    target = target_of(TUTORIAL, denial)
    try:
        judge_denial(target, seen, promise(TUTORIAL, visit()), notes=True)
    except Violation as broken:
        target.findings.violated(broken.expected, broken.observed, requirement=broken.requirement)
    made: Sequence[Outcome] = [finding.outcome for finding in target.findings.made]
    assert made == ([] if outcome is None else [outcome])


def test_one_that_is_answered_has_been_let_in() -> None:
    for heard, silence in ((Heard([Message(1, b"by nobody")]), False), (Heard(silent=True), True)):
        with pytest.raises(Violation) as broken:
            judge_denial(target_of(TUTORIAL), Seen(SWITCHED, heard), promise(TUTORIAL, visit()), notes=False)
        assert (broken.value.requirement, broken.value.silence) == (DENIED, silence)


# Whole runs


async def run(server: MutantServer, items: ItemsContract, word: str, denial: str = "close") -> dict[str, Attempt]:
    """The chapter's checks whose id holds ``word``, against a server that promises ``items``."""
    profile = Profile.model_validate({"name": "own", "denial": denial, "items": items.model_dump()})
    setting = Setting(parse_endpoint(server.url), profile=profile, patience=LONG)
    setting = replace(setting, found=await discover(setting))
    chosen = [item for item in chapter_checks("contract-items") if word in item.id]
    attempts = [attempt async for attempt in Runner(setting, chosen, jobs=16).run()]
    assert attempts and [attempt.error for attempt in attempts if attempt.error] == []
    return {attempt.check.id.removeprefix("contract-items/"): attempt for attempt in attempts}


async def test_a_path_that_is_not_served_says_nothing_about_who_is_let_in() -> None:
    async with MutantServer() as server:
        attempts = await run(server, SERVED.model_copy(update={"path": "/nowhere/{item_id}"}), "")
    reasons = {id: (attempt.reason or "passed").rpartition(": ")[2] for id, attempt in attempts.items()}
    wrong = {id: why for id, why in reasons.items() if not why.endswith("answered 404 Not Found")}
    assert wrong == {}


async def test_a_wrong_credential_that_lets_in_is_found() -> None:
    async with MutantServer() as server:
        attempts = await run(server, SERVED.model_copy(update={"accepted": ["right"]}), "any-visit")
    made = [finding for attempt in attempts.values() for finding in attempt.findings]
    assert {finding.requirement for finding in made if finding.outcome is Outcome.VIOLATED} == {DENIED}


def test_examples_are_told_in_words() -> None:
    made = visit(GIVEN, EMPTY, "7", "é", True)
    assert str(made) == "item '\\xe9', all of it percent-encoded, cookie 'c', token empty, q='7': 'a'"
    assert str(Visits((visit(), visit(WRONG)))) == "item '1': 'a' | item '1', cookie wrong: 'a'"
