"""The chat, in rooms, as a profile promises it. Each rule has a method of its own, so that a mutant breaks one."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .frames import PING, TEXT

if TYPE_CHECKING:
    from .connection import Connection

CHAT: Final = re.compile(r"/ws/(-?\d+)")
"""The path of a member of the chat."""
ANNOUNCED_CHAT: Final = re.compile(r"/talk/([^/]+)")
"""The same in other words: who joins is announced, and what one says does not come back."""
PING_INTERVAL: Final = 0.5
MISSED_PINGS: Final = 4
"""A member that leaves so many Pings in a row unanswered is gone."""


@dataclass(eq=False)
class ChatMember:
    """One who is in the chat."""

    connection: Connection
    client_id: str
    room: tuple[str, str]
    announced: bool
    unanswered: int = 0
    timer: asyncio.TimerHandle | None = None
    speaks_as: str | None = None
    """Another's id, for mutants."""


Room = list[ChatMember]


class ChatApp:
    """The part of the application that lets many talk."""

    def __init__(self) -> None:
        self.rooms: dict[tuple[str, str], Room] = {}
        self.chatting: dict[Connection, ChatMember] = {}

    # Joining

    def member_of(self, connection: Connection) -> ChatMember:
        """A new member, by its request."""
        request = connection.handshake
        announced = ANNOUNCED_CHAT.fullmatch(request.path)
        found = announced or CHAT.fullmatch(request.path)
        assert found is not None
        kind = "talk" if announced else "chat"
        return ChatMember(connection, found[1], (kind, self.room_name(request.query)), bool(announced))

    def room_name(self, query: dict[str, str]) -> str:
        """The room of the query; without one all are in one."""
        return query.get("room", "")

    def join_chat(self, connection: Connection) -> None:
        """Let it hear what is said from now on."""
        member = self.chatting[connection] = self.member_of(connection)
        room = self.rooms.setdefault(member.room, [])
        if member.announced:
            self.broadcast(room, f"{member.client_id} is here")
        self.enter(room, member)
        self.keep_alive(member)

    def enter(self, room: Room, member: ChatMember) -> None:
        """Add the member to its room."""
        room.append(member)

    def keep_alive(self, member: ChatMember) -> None:
        """Ping a member now and then, and end the connection of one that does not answer."""
        if member.unanswered >= MISSED_PINGS:
            member.connection.fail(1011, "no Pong has come")
            return
        if member.timer is not None:
            member.unanswered += 1
            member.connection.send_frame(PING, b"alive?")
        member.timer = asyncio.get_running_loop().call_later(PING_INTERVAL, self.keep_alive, member)

    def chat_pong(self, connection: Connection) -> None:
        """A Pong has come."""
        if connection in self.chatting:
            self.chatting[connection].unanswered = 0

    # Talking

    def chat(self, connection: Connection, opcode: int, message: bytes) -> None:
        """Tell the sender and all in its room; anything but text is not taken."""
        if opcode != TEXT:
            connection.start_close(1003, "text is taken here")
            return
        self.said(self.chatting[connection], message.decode())

    def said(self, member: ChatMember, text: str) -> None:
        """A member has said something."""
        if not member.announced:
            self.answer_sender(member, text)
        self.tell_room(member, self.room_of(member), text)

    def room_of(self, member: ChatMember) -> Room:
        """Those who hear the member, itself included."""
        return self.rooms[member.room]

    def answer_sender(self, member: ChatMember, text: str) -> None:
        """What the sender alone gets."""
        self.deliver(member, self.own_words(text))

    def own_words(self, text: str) -> str:
        """The wording for the sender."""
        return f"You wrote: {text}"

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        """What all in the room get."""
        if member.announced:
            self.broadcast([other for other in room if other is not member], f"{member.client_id}: {text}")
        else:
            self.broadcast(room, self.words(member, text))

    def words(self, member: ChatMember, text: str) -> str:
        """The wording for all."""
        return f"Client #{member.client_id} says: {text}"

    def broadcast(self, room: Room, text: str) -> None:
        """Send a text to some, nobody waiting for anybody."""
        for member in tuple(room):
            self.deliver(member, text)

    def deliver(self, member: ChatMember, text: str) -> None:
        """Send a text to one."""
        member.connection.send_message(TEXT, text.encode())

    # Leaving

    def leave_chat(self, connection: Connection, code: int) -> None:
        """Its connection has ended, with that code (1006: without a Close)."""
        member = self.chatting.pop(connection, None)
        if member is None:
            return
        if member.timer is not None:
            member.timer.cancel()
        room = self.rooms[member.room]
        room.remove(member)
        self.tell_left(member, room, code)
        if not room:
            self.room_is_empty(member.room)

    def room_is_empty(self, name: tuple[str, str]) -> None:
        """Nobody is left."""
        del self.rooms[name]

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        """Tell those who remain."""
        self.broadcast(room, self.notice(member))

    def notice(self, member: ChatMember) -> str:
        """The wording for those who remain."""
        return f"{member.client_id} is gone" if member.announced else f"Client #{member.client_id} left the chat"

    @staticmethod
    def was_reset(member: ChatMember) -> bool:
        """Of a member whose connection is just ending: whether it was by RST."""
        return member.connection.stream.ended
