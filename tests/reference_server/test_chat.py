"""`/ws/{client_id}`: wording, order, rooms, and members that are slow or dead."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect

from wsproof.reference_server.embedded import running
from wsproof.reference_server.settings import Settings

from .conftest import STACKS
from .raw import PATIENCE, RawPeer, close, end_of, eventually, frame, health, text, websocket


@pytest.fixture
def room() -> str:
    """A room that no other test enters."""
    return uuid.uuid4().hex


async def hear(member: ClientConnection, count: int) -> list[str]:
    """Return the next messages that a member gets."""
    async with asyncio.timeout(PATIENCE):
        return [await member.recv(decode=True) for _ in range(count)]


async def hear_until(member: ClientConnection, last: str) -> list[str]:
    """Return the messages that a member gets, up to and with this one."""
    heard: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while not heard or heard[-1] != last:
            heard.append(await member.recv(decode=True))
    return heard


@asynccontextmanager
async def members(server: str, room: str, count: int) -> AsyncIterator[list[ClientConnection]]:
    """Let the clients 0 to count-1 join a room."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connect(f"{server}/ws/{id}?room={room}")) for id in range(count)]


async def test_the_sender_and_everybody_are_told(each_stack: str, room: str) -> None:
    async with members(each_stack, room, 3) as joined:
        await joined[1].send("hello")
        assert await hear(joined[1], 2) == ["You wrote: hello", "Client #1 says: hello"]
        for other in (joined[0], joined[2]):
            assert await hear(other, 1) == ["Client #1 says: hello"]


async def test_without_a_room_all_are_in_one() -> None:
    with running() as server:
        async with connect(f"{server}/ws/1") as one, connect(f"{server}/ws/2") as two:
            await one.send("hello")
            assert await hear(two, 1) == ["Client #1 says: hello"]


async def test_rooms_do_not_hear_each_other(server: str, room: str) -> None:
    async with members(server, room, 1) as (here,), members(server, f"{room}-other", 1) as (there,):
        await here.send("a")
        await there.send("b")
        assert await hear(here, 2) == ["You wrote: a", "Client #0 says: a"]
        assert await hear(there, 2) == ["You wrote: b", "Client #0 says: b"]


async def test_one_order_for_all(each_stack: str, room: str) -> None:
    async with members(each_stack, room, 8) as joined:
        for number in range(25):
            for member in joined:
                await member.send(str(number))
        heard = await asyncio.gather(*(hear(member, 8 * 25 + 25) for member in joined))
        said = [[message for message in one if not message.startswith("You wrote")] for one in heard]
        assert len(said[0]) == 8 * 25
        assert all(one == said[0] for one in said)
        for id in range(8):
            own = [message for message in said[0] if message.startswith(f"Client #{id} says")]
            assert own == [f"Client #{id} says: {number}" for number in range(25)]


def finish(peer: RawPeer) -> None:
    """End TCP without a Close."""
    peer.writer.close()


def say_goodbye(code: int) -> Callable[[RawPeer], None]:
    """Return what sends a Close with this code."""
    return lambda peer: peer.send(close(code))


WAYS: dict[str, Callable[[RawPeer], None]] = {
    "1000": say_goodbye(1000),
    "1001": say_goodbye(1001),
    "4999": say_goodbye(4999),
    "no code": lambda peer: peer.send(frame(8)),
    "protocol error": lambda peer: peer.send(frame(3)),
    "FIN": finish,
    "RST": RawPeer.reset,
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_rest_are_told_once_of_any_leave(each_stack: str, room: str, way: str) -> None:
    async with members(each_stack, room, 2) as (one, two):
        async with websocket(each_stack, f"/ws/99?room={room}") as leaver:
            WAYS[way](leaver)
            await leaver.frames()
            finish(leaver)
            for member in (one, two):
                assert await hear(member, 1) == ["Client #99 left the chat"]
        await one.send("sentinel")
        assert await hear(two, 1) == ["Client #0 says: sentinel"]


async def test_a_leaver_is_not_told_of_itself_and_a_joiner_not_of_the_past(server: str, room: str) -> None:
    async with members(server, room, 1) as (stays,):
        async with connect(f"{server}/ws/1?room={room}") as leaver:
            await stays.send("before")
            assert await hear(leaver, 1) == ["Client #0 says: before"]
            await leaver.close()
            with pytest.raises(StopAsyncIteration):
                await anext(aiter(leaver))
        async with connect(f"{server}/ws/2?room={room}") as joiner:
            await stays.send("after")
            assert await hear(joiner, 1) == ["Client #0 says: after"]


async def test_two_connections_of_one_client_are_two_members(server: str, room: str) -> None:
    async with members(server, room, 1) as (watcher,):
        for _ in range(2):
            async with connect(f"{server}/ws/7?room={room}"), connect(f"{server}/ws/7?room={room}"):
                pass
            assert await hear(watcher, 2) == ["Client #7 left the chat"] * 2


async def test_a_binary_message_ends_the_membership_after_what_is_due(each_stack: str, room: str) -> None:
    async with members(each_stack, room, 2) as (one, two):
        await one.send("last words")
        await one.send(b"\0")
        assert await hear(one, 2) == ["You wrote: last words", "Client #0 says: last words"]
        assert await end_of(one) == (1003, "only text messages are understood here")
        assert await hear(two, 2) == ["Client #0 says: last words", "Client #0 left the chat"]


@pytest.mark.parametrize("client_id", ["abc", "1.5", "%C3%A9"])
async def test_a_client_id_is_a_number(server: str, client_id: str) -> None:
    async with connect(f"{server}/ws/{client_id}") as websocket:
        assert await end_of(websocket) == (1008, "not understood: client_id")


async def test_members_that_vanish_do_not_break_the_others(each_stack: str, room: str) -> None:
    async with members(each_stack, room, 10) as healthy, AsyncExitStack() as stack:
        doomed = [
            await stack.enter_async_context(websocket(each_stack, f"/ws/{100 + id}?room={room}")) for id in range(10)
        ]
        for number, member in enumerate(healthy):
            doomed[number].reset()
            await member.send(f"message {number}")
        # Ten messages and ten notices each, and one answer to the own message.
        heard = await asyncio.gather(*(hear(member, 21) for member in healthy))
        for number, one in enumerate(heard):
            assert sorted(message for message in one if message.startswith("You wrote")) == [
                f"You wrote: message {number}"
            ]
        public = [[message for message in one if not message.startswith("You wrote")] for one in heard]
        assert all(one == public[0] for one in public)
        assert sum(message.endswith("left the chat") for message in public[0]) == 10


async def test_a_burst_kicks_no_healthy_member(each_stack: str, room: str) -> None:
    async with members(each_stack, room, 5) as joined:
        hearing = [asyncio.create_task(hear_until(member, "Client #0 says: 2999")) for member in joined]
        for number in range(3000):
            await joined[0].send(str(number))
        for member, heard in zip(joined, await asyncio.gather(*hearing), strict=True):
            said = [message for message in heard if not message.startswith("You wrote")]
            assert said == [f"Client #0 says: {number}" for number in range(3000)], member


async def test_large_messages_kick_no_healthy_member(each_stack: str, room: str) -> None:
    async with (
        connect(f"{each_stack}/ws/0?room={room}", max_size=None, max_queue=None) as sender,
        connect(f"{each_stack}/ws/1?room={room}", max_size=None, max_queue=None) as other,
    ):
        large = "x" * (5 * 2**20)
        for _ in range(3):
            await sender.send(large)
            assert await hear(sender, 2) == [f"You wrote: {large}", f"Client #0 says: {large}"]
            assert await hear(other, 1) == [f"Client #0 says: {large}"]


SMALL_OUTBOX = Settings(outbox_bytes=256 * 1024, send_timeout=0.5)
NOTICE = "Client #99 left the chat"


@pytest.mark.parametrize("ws", STACKS)
async def test_a_slow_member_is_closed_with_1013_and_nobody_else_notices(ws: str) -> None:
    filler = "x" * 60_000
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running(SMALL_OUTBOX, ws=ws))
        talker, *others = await stack.enter_async_context(members(server, "", 3))
        slow = await stack.enter_async_context(websocket(server, "/ws/99", receive_buffer=4096))
        said: list[str] = []
        heard: list[str] = []
        while NOTICE not in heard:
            await talker.send(f"{len(said)} {filler}")
            said.append(f"Client #0 says: {len(said)} {filler}")
            heard += await hear_until(talker, said[-1])
        # Each message came whole, once and in order; the notice stands between two of them.
        public = [message for message in heard if not message.startswith("You wrote")]
        assert [message for message in public if message != NOTICE] == said
        for other in others:
            assert await hear(other, len(public)) == public
        # The slow member still gets what was under way before it was closed, in order and without a gap.
        frames = await slow.frames()
        assert frames[-1] == (8, (1013).to_bytes(2) + b"messages were taken too slowly")
        got = [payload.decode() for _, payload in frames[:-1]]
        assert got == said[: len(got)]
        assert len(got) < len(said)
        finish(slow)
        await eventually(lambda: bool(health(server)["connections"] == 3))


async def test_the_close_code_for_a_slow_member_can_be_set() -> None:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running(Settings(outbox_bytes=1024, overflow_code=4013)))
        (talker,) = await stack.enter_async_context(members(server, "", 1))
        slow = await stack.enter_async_context(websocket(server, "/ws/99", receive_buffer=4096))
        heard: list[str] = []
        while NOTICE not in heard:
            await talker.send("x" * 60_000)
            await talker.send("end")
            heard += await hear_until(talker, "Client #0 says: end")
        assert (await slow.frames())[-1][1][:2] == (4013).to_bytes(2)


@pytest.mark.parametrize("ws", STACKS)
async def test_a_member_that_sends_and_never_reads_is_closed_as_well(ws: str) -> None:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running(SMALL_OUTBOX, ws=ws))
        (watcher,) = await stack.enter_async_context(members(server, "", 1))
        deaf = await stack.enter_async_context(websocket(server, "/ws/99", receive_buffer=4096))

        async def flood() -> None:
            while True:
                deaf.send(text("x" * 60_000))
                await deaf.writer.drain()

        flooding = asyncio.create_task(flood())
        await hear_until(watcher, NOTICE)
        flooding.cancel()
        deaf.reset()
        await eventually(lambda: bool(health(server)["connections"] == 1))


async def test_an_empty_room_is_given_up(server: str, room: str) -> None:
    before = health(server)["rooms"]
    async with members(server, room, 2):
        assert health(server)["rooms"] == before + 1
    await eventually(lambda: bool(health(server)["rooms"] == before))
