"""The chapter contract_chat: other wordings, the reference server, targets that have no chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.mutants import MutantServer, Switch
from tests.mutants.app import App
from tests.mutants.chat_app import ChatMember, Room
from tests.proof import extent
from tests.proof.harness import chapter_checks
from wsproof.conformance.check import Check, Need
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import ChatContract, Profile, built_in
from wsproof.conformance.property import Draws
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting
from wsproof.reference_server.embedded import running
from wsproof.reports.model import Outcome
from wsproof.reports.toml_file import read_toml

BAD = (Outcome.VIOLATED, Outcome.WARNED)
ANNOUNCED = ChatContract(
    path="/talk/{client_id}",
    room_path="/talk/{client_id}?room={room}",
    others="{client_id}: {message}",
    others_to_sender=False,
    left="{client_id} is gone",
    joined="{client_id} is here",
)
IN_ROOMS = "contract-chat/any-conversation"
PATIENCE = 5.0
"""Seconds; nobody waits so long for a server that does what it should."""


async def run(
    url: str, chat: ChatContract | None, checks: Sequence[Check], *, seed: int = 0, patience: float = PATIENCE
) -> list[Attempt]:
    """The attempts of these checks; none may end in an error."""
    setting = Setting(parse_endpoint(url), profile=Profile(name="test", chat=chat), patience=patience)
    setting = replace(setting, found=await discover(setting))
    attempts = [attempt async for attempt in Runner(setting, checks, jobs=16, draws=Draws(seed=seed)).run()]
    assert [attempt.error for attempt in attempts if attempt.error] == []
    return attempts


def seen(attempts: Sequence[Attempt], *outcomes: Outcome) -> list[str]:
    """The findings with those outcomes, in one line each."""
    return [
        f"{attempt.check.id}: {finding.requirement}: {finding.expected}: {finding.observed}"
        for attempt in attempts
        for finding in attempt.findings
        if finding.outcome in outcomes
    ]


def quick() -> list[Check]:
    """The chapter without what waits for a keep-alive."""
    return [item for item in chapter_checks("contract-chat") if not item.slow]


async def test_a_chat_of_other_words_that_announces_who_joins() -> None:
    async with MutantServer() as server:
        attempts = await run(server.url, ANNOUNCED, quick())
    assert seen(attempts, *BAD, Outcome.UNDETERMINED) == []


async def test_a_joiner_that_is_not_announced_to_all() -> None:
    class NotAnnouncedToTheThird(App):
        """The third member is not told of those who join."""

        def broadcast(self, room: Room, text: str) -> None:
            super().broadcast(room[:2] if text.endswith("is here") else room, text)

    switch = Switch("test", "test", ("contract:chat-notice",), (), NotAnnouncedToTheThird, "contract_chat")
    async with MutantServer(switch) as server:
        checks = [item for item in chapter_checks("contract-chat") if item.id == IN_ROOMS]
        (attempt,) = await run(server.url, ANNOUNCED, checks, patience=0.5)
    assert [finding.requirement for finding in attempt.findings if finding.outcome in BAD] == ["contract:chat-notice"]
    assert attempt.example is not None
    assert attempt.example["conversation"]["words"].endswith("all leave")


async def test_what_a_sender_gets_back_where_nothing_should_come_back() -> None:
    class ComesBack(App):
        """What one says comes back to it as well."""

        def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
            self.broadcast(room, f"{member.client_id}: {text}")

    switch = Switch("test", "test", ("contract:chat-sender-too",), (), ComesBack, "contract_chat")
    async with MutantServer(switch) as server:
        attempts = await run(server.url, ANNOUNCED, [item for item in quick() if "long-message" in item.id])
    assert "contract:chat-sender-too" in seen(attempts, *BAD)[0]


async def test_a_chat_without_rooms_is_judged_without_them() -> None:
    async with MutantServer() as server:
        attempts = await run(server.url, ANNOUNCED.model_copy(update={"room_path": None}), quick())
    assert seen(attempts, *BAD, Outcome.UNDETERMINED) == []
    assert {attempt.check.id: attempt.skipped for attempt in attempts if attempt.skipped} == {
        IN_ROOMS: Need.CHAT_ROOMS.value,
        "contract-chat/rooms-are-apart": Need.CHAT_ROOMS.value,
    }


async def test_a_path_that_is_not_served_is_no_failure() -> None:
    nowhere = ANNOUNCED.model_copy(update={"path": "/nowhere/{client_id}", "room_path": None})
    async with MutantServer() as server:
        attempts = await run(server.url, nowhere, [item for item in quick() if "joining-later" in item.id])
    assert seen(attempts, *BAD) == []
    assert "[chat] is not served: /nowhere/" in str(attempts[0].reason)


async def test_without_a_chat_all_is_skipped() -> None:
    async with MutantServer() as server:
        attempts = await run(server.url, None, quick())
    assert {attempt.skipped for attempt in attempts} == {Need.CHAT_CONTRACT.value}


@pytest.mark.parametrize("seed", range(3) if extent.all_seeds else range(1))
@pytest.mark.parametrize("stack", ["websockets-sansio", "websockets", "wsproto"])
async def test_the_reference_server_keeps_its_promises(stack: str, seed: int) -> None:
    profile, _ = read_toml(built_in()["reference"], Profile)
    with running(ws=stack) as url:
        attempts = await run(f"{url}{profile.paths.echo}", profile.chat, quick(), seed=seed)
    assert seen(attempts, *BAD, Outcome.UNDETERMINED) == []
