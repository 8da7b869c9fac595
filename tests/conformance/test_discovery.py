"""What is found out about servers whose paths, wording and greeting the code has never named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import groupby

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.mutants import MutantServer, Switch
from tests.mutants.connection import Connection
from tests.mutants.request import Refusal, Request
from tests.mutants.stream import Stream
from tests.peers.hostile import hostile
from wsproof.conformance.discovered import Discovered, EchoForm
from wsproof.conformance.discovery import discover, expect_to_stay
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetGone, TargetRefused
from wsproof.conformance.profile import ChatContract, Profile
from wsproof.conformance.serve import free_port
from wsproof.conformance.target import Setting

LONG = 10.0


async def found_at(url: str, patience: float = 0.4) -> Discovered:
    return await discover(Setting(parse_endpoint(url), patience=patience))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/echo", Discovered(echo=EchoForm())),
        ("/prefix", Discovered(echo=EchoForm(prefix=b"Message text was: ", binary=None))),
        ("/greet", Discovered(echo=EchoForm(), greetings=2)),
        ("/push", Discovered(chatty=True)),
        ("/swallow", Discovered()),
        ("/constant", Discovered(chatty=True)),
    ],
)
async def test_the_ways_of_the_mutant_server(path: str, expected: Discovered) -> None:
    async with MutantServer() as server:
        found = await found_at(server.url.replace("/echo", path))
    assert replace(found, server=None) == expected


async def test_who_refuses_fragments_refuses_no_type() -> None:
    async with MutantServer("fragmented-refused") as server:
        found = await found_at(server.url)
    assert replace(found, server=None) == Discovered(echo=EchoForm())


@asynccontextmanager
async def websockets_server(answer: Callable[[str | bytes], str | bytes | None], *greetings: str) -> AsyncIterator[str]:
    async def handler(connection: ServerConnection) -> None:
        for greeting in greetings:
            await connection.send(greeting)
        async for message in connection:
            reply = answer(message)
            if reply is not None:
                await connection.send(reply)

    async with serve(handler, "127.0.0.1", 0) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        yield f"ws://{host}:{port}/any/where?at=all"


def wrapped(message: str | bytes) -> str | bytes:
    return f"<<{message}>> said you" if isinstance(message, str) else message


def upper(message: str | bytes) -> str | bytes:
    return message.upper()


def as_json(message: str | bytes) -> str | None:
    import json

    return json.dumps({"echo": message}) if isinstance(message, str) else None


def text_of_binary(message: str | bytes) -> str | bytes:
    return message if isinstance(message, str) else message.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("answer", "greetings", "echo", "greeted"),
    [
        (wrapped, (), EchoForm(prefix=b"<<", suffix=b">> said you"), 0),
        (wrapped, ("moin", "na?", "los"), EchoForm(prefix=b"<<", suffix=b">> said you"), 3),
        (upper, (), None, 0),
        (as_json, (), None, 0),  # quotes come back changed: the content can't be compared
    ],
)
async def test_wordings_never_named_before(
    answer: Callable[[str | bytes], str | bytes | None], greetings: tuple[str, ...], echo: EchoForm | None, greeted: int
) -> None:
    async with websockets_server(answer, *greetings) as url:
        found = await found_at(url)
    assert found.echo == echo
    assert found.deflate
    if echo is not None:
        assert found.greetings == greeted
        assert not found.chatty


async def test_a_binary_echo_that_turns_into_text_is_no_binary_echo_where_bytes_change() -> None:
    async with websockets_server(text_of_binary) as url:
        found = await found_at(url)
    assert found.echo is not None
    assert found.echo.of(1, b"x") == (1, b"x")


async def test_a_refusal_says_what_was_answered_and_what_may_help() -> None:
    async with MutantServer() as server:
        with pytest.raises(TargetRefused, match=r"refused the plain handshake: 403.*--profile"):
            await found_at(server.url.replace("/echo", "/deny"))


@pytest.mark.parametrize("path", ["/probe/close?code=1008&reason=no", "/probe/close?code=1000"])
async def test_a_target_that_closes_at_once_is_refused_before_every_check_meets_that(path: str) -> None:
    async with MutantServer() as server:
        setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=0.4)
        found = await discover(setting)
    assert found.ends_at_once is not None and found.ends_at_once.startswith("Close 100")
    with pytest.raises(TargetRefused, match=r"ends every connection at once: Close 100.*--profile"):
        expect_to_stay(setting, found)


async def test_a_target_that_takes_one_connection_at_a_time_is_known_all_the_same() -> None:
    class OneConnection(Connection):
        """Is too busy for a second connection beside the first."""

        current: Stream | None = None

        def check_policy(self, request: Request) -> None:
            current = OneConnection.current
            if current is not None and not current.ended:
                raise Refusal(503, "busy")
            OneConnection.current = self.stream

    async with MutantServer(Switch("one-connection", "", ("-",), (), OneConnection, "-")) as server:
        assert await found_at(server.url) == Discovered(echo=EchoForm())


async def test_nothing_listens() -> None:
    with pytest.raises(TargetGone, match=r"no connection to 127\.0\.0\.1"):
        await found_at(f"ws://127.0.0.1:{free_port()}/")


async def test_a_secret_in_the_url_is_not_told() -> None:
    async with MutantServer() as server:
        with pytest.raises(TargetRefused) as caught:
            await found_at(server.url.replace("/echo", "/deny?token=very-secret"))
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["nothing", "garbage", "endless-head", "one-byte-at-a-time"])
async def test_a_target_that_never_answers_rightly_is_refused_in_time(name: str) -> None:
    async with hostile(name) as port, asyncio.timeout(30):
        with pytest.raises(TargetRefused):
            await found_at(f"ws://127.0.0.1:{port}/", patience=0.2)


def test_for_the_run_file() -> None:
    found = Discovered(echo=EchoForm(b"a ", b" z", None), greetings=1, server="x").as_dict()
    assert found["echo"] == {"text": "a {message} z", "binary": None}
    assert found["greetings"] == 1


@pytest.mark.parametrize(("chat", "within"), [("/room/{client_id}", True), ("/elsewhere/{client_id}", False)])
async def test_in_a_chat_one_speaks_after_the_other_and_in_text(chat: str, within: bool) -> None:
    said: list[tuple[ServerConnection, str | bytes]] = []

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            said.append((connection, message))
            await connection.send(message)

    profile = Profile(name="chat", chat=ChatContract(path=chat, others="{client_id}: {message}"))
    async with serve(handler, "127.0.0.1", 0) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        await discover(Setting(parse_endpoint(f"ws://{host}:{port}/room/1"), profile=profile, patience=LONG))
    turns = [speaker for speaker, _ in groupby(speaker for speaker, _ in said)]
    assert not within or len(turns) == len(set(turns)) == 2
    assert any(isinstance(message, bytes) for _, message in said) == (not within)
