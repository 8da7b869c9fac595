"""Rooms: joining, leaving, and the subscription to the channel."""

from typing import cast

import pytest

from wsproof.reference_server.channels import Deliver, State
from wsproof.reference_server.channels.memory import MemoryChannel
from wsproof.reference_server.members import Member
from wsproof.reference_server.rooms import Rooms


class Ear:
    """A member that writes down what it is offered."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    def offer(self, message: str, size: int) -> None:
        """Write it down."""
        self.heard.append((message, size))


def ear() -> tuple[Member, list[tuple[str, int]]]:
    """Return a member and what it hears."""
    one = Ear()
    return cast(Member, one), one.heard


class CountingChannel:
    """A channel that counts subscriptions."""

    name = "counting"
    state: State = "ok"

    def __init__(self) -> None:
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []

    async def publish(self, room: str, message: str) -> None:
        """Do nothing."""

    async def subscribe(self, room: str, deliver: Deliver) -> None:
        """Count."""
        self.subscribed.append(room)

    async def unsubscribe(self, room: str) -> None:
        """Count."""
        self.unsubscribed.append(room)


async def test_members_hear_what_is_said_between_join_and_leave() -> None:
    async with Rooms(MemoryChannel()).room("a") as room:
        member, heard = ear()
        await room.say("before")
        room.join(member)
        await room.say("h\u00e9")
        room.leave(member)
        await room.say("after")
        assert heard == [("h\u00e9", 3)]


async def test_leaving_twice_is_no_error_and_said_so() -> None:
    async with Rooms(MemoryChannel()).room("a") as room:
        member, _ = ear()
        room.join(member)
        assert [room.leave(member), room.leave(member)] == [True, False]


async def test_a_room_is_subscribed_once_while_it_is_in_use() -> None:
    channel = CountingChannel()
    rooms = Rooms(channel)
    async with rooms.room("a") as first, rooms.room("a") as second, rooms.room("b"):
        assert first is second
        assert (len(rooms), channel.subscribed, channel.unsubscribed) == (2, ["a", "b"], [])
    assert (len(rooms), channel.unsubscribed) == (0, ["b", "a"])


async def test_a_member_may_leave_while_something_is_said() -> None:
    async with Rooms(MemoryChannel()).room("a") as room:
        last, heard = ear()

        class Leaver(Ear):
            def offer(self, message: str, size: int) -> None:
                room.leave(last)

        room.join(cast(Member, Leaver()))
        room.join(last)
        await room.say("x")
        assert heard == [("x", 1)]


async def test_a_failing_subscription_leaves_no_room() -> None:
    class Broken(CountingChannel):
        async def subscribe(self, room: str, deliver: Deliver) -> None:
            raise ConnectionError(room)

    rooms = Rooms(Broken())
    with pytest.raises(ConnectionError):
        async with rooms.room("a"):
            pass
    assert len(rooms) == 0
