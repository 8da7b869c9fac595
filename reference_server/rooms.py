"""The chat's rooms: who is in them, and one order of messages for all who are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .channels import Channel
from .members import Member


class Room:
    """The members of one room that this process serves."""

    def __init__(self, name: str, channel: Channel) -> None:
        self._name = name
        self._channel = channel
        self._members: dict[int, Member] = {}
        self.handlers = 0
        """How many handlers use the room; at none it is given up."""

    def __len__(self) -> int:
        return len(self._members)

    def join(self, member: Member) -> None:
        """Let a member hear what is said from now on."""
        self._members[id(member)] = member

    def leave(self, member: Member) -> bool:
        """Let a member hear nothing more, and say whether it was still in the room."""
        return self._members.pop(id(member), None) is not None

    async def say(self, message: str) -> None:
        """Say a message to all members, in whatever process."""
        await self._channel.publish(self._name, message)

    def deliver(self, message: str) -> None:
        """Put a message into the outbox of each member; nothing waits here, so that all get one order."""
        size = len(message.encode())
        for member in tuple(self._members.values()):
            member.offer(message, size)


class Rooms:
    """The rooms of one application that are in use."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._rooms: dict[str, Room] = {}
        self._changing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def members(self) -> int:
        """How many members there are in all rooms."""
        return sum(len(room) for room in self._rooms.values())

    @asynccontextmanager
    async def room(self, name: str) -> AsyncIterator[Room]:
        """Give the room of this name, subscribed to the channel while anybody uses it."""
        async with self._changing:
            room = self._rooms.get(name)
            if room is None:
                room = Room(name, self.channel)
                await self.channel.subscribe(name, room.deliver)
                self._rooms[name] = room
            room.handlers += 1
        try:
            yield room
        finally:
            async with self._changing:
                room.handlers -= 1
                if room.handlers == 0:
                    del self._rooms[name]
                    await self.channel.unsubscribe(name)
