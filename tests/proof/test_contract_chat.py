"""Every switch of contract_chat is found with every seed, by a program no larger than this says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mutants import MutantServer
from wsproof.conformance import property
from wsproof.conformance.chat_program import Conversation
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import Profile
from wsproof.conformance.property import Draws
from wsproof.conformance.runner import Runner
from wsproof.conformance.target import Setting
from wsproof.reports.toml_file import read_toml

from .harness import CONTRACTS, PATIENCE, chapter_checks, load_checks, switches_of
from .seeds import SEEDS, SHRUNK_SEEDS, bad_on_conformant, seeds_that_miss, shrunk, some

IN_ROOMS = "contract-chat/any-conversation"
IN_ONE_ROOM = "contract-chat/any-conversation-in-one-room"
NOT_IN_ONE_ROOM = ("chat-rooms-mixed", "chat-notice-in-sister-rooms", "chat-counts-members")
"""Where strangers may be, what does not bear our mark may be theirs."""
BOUNDS = {
    "chat-third-message-lost": (2, 2),
    "chat-second-and-third-swapped": (2, 0),
    "chat-doubled-under-load": (2, 1),
    "chat-two-orders": (3, 2),
    "chat-fourth-member-not-told": (5, 3),
    "chat-two-in-a-hurry-are-one": (2, 1),
    "chat-long-text-cut": (2, 1),
    "chat-text-escaped": (2, 1),
    "chat-wrong-speaker": (5, 3),
    "chat-own-answer-once-in-a-hurry": (2, 1),
    "chat-own-answer-to-the-next": (4, 1),
    "chat-sender-left-out": (4, 1),
    "chat-rooms-mixed": (3, 2),
    "chat-notice-in-sister-rooms": (3, 1),
    "chat-history-replayed": (4, 3),
    "chat-counts-members": (2, 0),
    "chat-reset-not-told": (3, 2),
    "chat-own-codes-not-told": (3, 2),
    "chat-latest-not-told-of-leaving": (4, 2),
    "chat-notice-twice": (2, 1),
    "chat-notice-names-the-first": (2, 0),
    "chat-notice-in-other-words": (2, 1),
    "chat-leaver-told": (2, 0),
    "chat-leaver-hears-on": (2, 1),
    "chat-reset-closes-another": (3, 2),
}
"""Switch -> the members and the steps that its shrunk program has at most."""
FIXED_CHECKS_ONLY = {"chat-silent-not-told", "chat-slow-member-blocks"}
"""Found by long checks of their own: a property can't wait for a keep-alive, or fill sockets, fifty times."""
CHUNK = 5
AS_LONG_AS_IT_TAKES = 300.0
"""Seconds for shrinking: how small the program gets is not to depend on the machine."""


def test_every_switch_is_looked_for() -> None:
    assert {switch.name for switch in switches_of("contract_chat")} == BOUNDS.keys() | FIXED_CHECKS_ONLY


@pytest.mark.parametrize("switch", BOUNDS)
async def test_a_switch_is_found_with_every_seed(switch: str) -> None:
    assert await seeds_that_miss(switch, IN_ROOMS) == {}


@pytest.mark.parametrize("switch", [name for name in BOUNDS if name not in NOT_IN_ONE_ROOM])
async def test_a_switch_is_found_where_all_share_one_room(switch: str) -> None:
    assert await seeds_that_miss(switch, IN_ONE_ROOM) == {}


@pytest.mark.parametrize("switch", some(BOUNDS))
async def test_the_program_is_small(switch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(property, "SHRINK_SECONDS", AS_LONG_AS_IT_TAKES)
    members, steps = BOUNDS[switch]
    for seed in SHRUNK_SEEDS:
        conversation = (await shrunk(switch, IN_ROOMS, seed=seed))["conversation"]
        assert isinstance(conversation, Conversation)
        assert (conversation.size <= members, len(conversation.steps) <= steps) == (True, True), str(conversation)


@pytest.mark.parametrize("first", range(0, len(SEEDS), CHUNK))
@pytest.mark.parametrize("id", [IN_ROOMS, IN_ONE_ROOM])
async def test_a_conformant_server_has_no_failure(id: str, first: int) -> None:
    assert await bad_on_conformant(id, seeds=SEEDS[first : first + CHUNK]) == {}


async def verdicts(switch: str | None, jobs: int) -> dict[str, tuple[list[str], object]]:
    """Of each check of the chapter, what it found and the shrunk example."""
    found: dict[str, tuple[list[str], object]] = {}
    async with MutantServer(switch) as server:
        profile, _ = read_toml(CONTRACTS, Profile)
        setting = Setting(parse_endpoint(server.url), profile=profile, patience=PATIENCE)
        setting = replace(setting, found=await discover(setting))
        checks = [item for item in chapter_checks("contract-chat") if not item.slow]
        async for attempt in Runner(setting, checks, jobs=jobs, draws=Draws(seed=3)).run():
            assert attempt.error is None
            said = [f"{finding.requirement} {finding.outcome.value}" for finding in attempt.findings]
            found[attempt.check.id] = (said, attempt.example)
    return found


@pytest.mark.parametrize("switch", [None, "chat-doubled-under-load", "chat-history-replayed", "chat-notice-twice"])
async def test_the_same_is_found_with_any_number_of_jobs(switch: str | None) -> None:
    assert await verdicts(switch, 1) == await verdicts(switch, 32)


def test_no_check_of_the_chapter_is_left_out() -> None:
    assert {IN_ROOMS, IN_ONE_ROOM} <= load_checks().keys()
