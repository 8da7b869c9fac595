"""Switches for the chapter contract_chat: chats that lose, double, mix up or betray what is said in them."""

from __future__ import annotations

import asyncio
import html
from collections import Counter, defaultdict

from .app import App
from .chat_app import ChatMember, Room
from .connection import Connection, Phase
from .switch import switch

CHAT = "contract:chat-"


def own_code(code: int) -> bool:
    """Whether the code is the applications' own."""
    return code >= 4000


# Messages that get lost, come twice, or in another order


class Counting(App):
    """Counts the messages of each room."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, str]] = Counter()

    def count(self, member: ChatMember) -> int:
        """The number of this message in its room, from 1."""
        self.counts[member.room] += 1
        return self.counts[member.room]

    def room_is_empty(self, name: tuple[str, str]) -> None:
        """Forget the room."""
        super().room_is_empty(name)
        self.counts.pop(name, None)


@switch("chat-third-message-lost", violates=[CHAT + "delivered"])
class ThirdMessageLost(Counting):
    """The third message in a room reaches its sender only."""

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        super().tell_room(member, [member] if self.count(member) == 3 else room, text)


@switch("chat-second-and-third-swapped", violates=[CHAT + "order"], also=[CHAT + "delivered", CHAT + "one-order"])
class SecondAndThirdSwapped(Counting):
    """The second message in a room comes after the third."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], tuple[ChatMember, str]] = {}

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        number = self.count(member)
        if number == 2:
            self.held[member.room] = (member, text)
            return
        super().tell_room(member, room, text)
        if number == 3:
            first, earlier = self.held.pop(member.room)
            super().tell_room(first, room, earlier)


class Hurried(App):
    """Counts what a member says within one turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.hurry: Counter[ChatMember] = Counter()

    def in_a_hurry(self, member: ChatMember) -> int:
        """How many messages of the member have come in this turn."""
        if not self.hurry:
            asyncio.get_running_loop().call_soon(self.hurry.clear)
        self.hurry[member] += 1
        return self.hurry[member]


@switch("chat-doubled-under-load", violates=[CHAT + "once"])
class DoubledUnderLoad(Hurried):
    """Of several messages that come at once the second is told twice."""

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        super().tell_room(member, room, text)
        if self.in_a_hurry(member) == 2:
            super().tell_room(member, room, text)


@switch("chat-two-orders", violates=[CHAT + "one-order"])
class TwoOrders(App):
    """What several say at about the same time comes to every second member in another order."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: defaultdict[tuple[str, str], list[tuple[ChatMember, str]]] = defaultdict(list)

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        if not self.waiting[member.room]:
            asyncio.get_running_loop().call_later(0.005, self.flush, member.room)
        self.waiting[member.room].append((member, text))

    def flush(self, name: tuple[str, str]) -> None:
        """Tell what waits."""
        waiting = self.waiting.pop(name)
        speakers = list(dict.fromkeys(member for member, _ in waiting))
        backwards = sorted(waiting, key=lambda one: -speakers.index(one[0]))
        for place, listener in enumerate(self.rooms.get(name, ())):
            for member, text in backwards if place % 2 else waiting:
                super().tell_room(member, [listener], text)


@switch("chat-fourth-member-not-told", violates=[CHAT + "delivered"])
class FourthMemberNotTold(App):
    """The latest of more than three members in a room gets nothing that the others say."""

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        heard = room[:-1] if len(room) > 3 and room[-1] is not member else room
        super().tell_room(member, heard, text)


@switch("chat-two-in-a-hurry-are-one", violates=[CHAT + "delivered"], also=[CHAT + "order"])
class TwoInAHurryAreOne(Hurried):
    """Of several messages that come at once the others get the first only."""

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        heard = room if self.in_a_hurry(member) == 1 else [member]
        super().tell_room(member, heard, text)


# What the messages say, and to whom


@switch("chat-long-text-cut", violates=[CHAT + "wording"])
class LongTextCut(App):
    """Of a long text the others get the first hundred characters."""

    def words(self, member: ChatMember, text: str) -> str:
        return super().words(member, text[:100])


@switch("chat-text-escaped", violates=[CHAT + "wording"])
class TextEscaped(App):
    """What could be HTML is changed on its way."""

    def words(self, member: ChatMember, text: str) -> str:
        return super().words(member, html.escape(text))


@switch("chat-wrong-speaker", violates=[CHAT + "wording"])
class WrongSpeaker(App):
    """Once somebody has left, what the last member says is put into the mouth of the first."""

    def leave_chat(self, connection: Connection, code: int) -> None:
        left = self.chatting.get(connection)
        super().leave_chat(connection, code)
        if left is not None and left.room in self.rooms:
            self.rooms[left.room][-1].speaks_as = self.rooms[left.room][0].client_id

    def words(self, member: ChatMember, text: str) -> str:
        return f"Client #{member.speaks_as or member.client_id} says: {text}"


@switch("chat-own-answer-once-in-a-hurry", violates=[CHAT + "own"])
class OwnAnswerOnceInAHurry(Hurried):
    """Of several messages that come at once the first alone is answered to its sender."""

    def answer_sender(self, member: ChatMember, text: str) -> None:
        if self.in_a_hurry(member) == 1:
            super().answer_sender(member, text)


@switch("chat-own-answer-to-the-next", violates=[CHAT + "own"])
class OwnAnswerToTheNext(App):
    """In a room of more than two the answer to the sender goes to another member."""

    def answer_sender(self, member: ChatMember, text: str) -> None:
        room = self.room_of(member)
        place = room.index(member)
        super().answer_sender(room[(place + 1) % len(room)] if len(room) > 2 else member, text)


@switch("chat-sender-left-out", violates=[CHAT + "sender-too"])
class SenderLeftOut(App):
    """In a room of more than two the sender does not get what the others get."""

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        heard = [other for other in room if other is not member] if len(room) > 2 else room
        super().tell_room(member, heard, text)


@switch("chat-rooms-mixed", violates=[CHAT + "rooms"])
class RoomsMixed(Counting):
    """Every second message is heard in all rooms."""

    def tell_room(self, member: ChatMember, room: Room, text: str) -> None:
        if self.count(member) % 2 == 0:
            room = [other for members in self.rooms.values() for other in members if not other.announced]
        super().tell_room(member, room, text)


@switch("chat-notice-in-sister-rooms", violates=[CHAT + "rooms"])
class NoticeInSisterRooms(App):
    """Rooms whose names differ in the last character only are all told of one who leaves."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        alike = [members for (_, name), members in self.rooms.items() if name[:-1] == member.room[1][:-1]]
        super().tell_left(member, [other for members in alike for other in members], code)


@switch("chat-history-replayed", violates=[CHAT + "history"])
class HistoryReplayed(App):
    """One who joins gets what was said last."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[tuple[str, str], str] = {}

    def words(self, member: ChatMember, text: str) -> str:
        said = self.last[member.room] = super().words(member, text)
        return said

    def enter(self, room: Room, member: ChatMember) -> None:
        super().enter(room, member)
        if room[:-1] and member.room in self.last:
            self.deliver(member, self.last[member.room])


@switch("chat-counts-members", violates=[CHAT + "nothing-else"])
class CountsMembers(App):
    """Those who remain are told how many they are."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        super().tell_left(member, room, code)
        self.broadcast(room, f"members here: {len(room)}")


# Notices


@switch("chat-reset-not-told", violates=[CHAT + "notice"])
class ResetNotTold(App):
    """Nobody is told of one who leaves by RST."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        if not self.was_reset(member):
            super().tell_left(member, room, code)


@switch("chat-own-codes-not-told", violates=[CHAT + "notice"])
class OwnCodesNotTold(App):
    """Nobody is told of one who leaves with a close code of the applications' own."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        if not own_code(code):
            super().tell_left(member, room, code)


@switch("chat-latest-not-told-of-leaving", violates=[CHAT + "notice"])
class LatestNotToldOfLeaving(App):
    """Of several who remain the latest is not told."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        super().tell_left(member, room[:-1] if len(room) > 1 else room, code)


@switch("chat-silent-not-told", violates=[CHAT + "notice"])
class SilentNotTold(App):
    """Nobody is told of one whose connection the server ends because it answers no Ping."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        if not member.unanswered:
            super().tell_left(member, room, code)


@switch("chat-notice-twice", violates=[CHAT + "notice-once"])
class NoticeTwice(App):
    """One who leaves without a Close is told of twice."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        super().tell_left(member, room, code)
        if code == 1006:
            super().tell_left(member, room, code)


@switch("chat-notice-names-the-first", violates=[CHAT + "notice-wording"])
class NoticeNamesTheFirst(App):
    """The notice of one who leaves with a code names the first who remains."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        if room and code not in (1005, 1006):
            self.broadcast(room, self.notice(room[0]))
        else:
            super().tell_left(member, room, code)


@switch("chat-notice-in-other-words", violates=[CHAT + "notice-wording"])
class NoticeInOtherWords(App):
    """The notice of one who leaves without a Close is worded otherwise."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        if code == 1006:
            self.broadcast(room, f"Client #{member.client_id} was lost")
        else:
            super().tell_left(member, room, code)


@switch("chat-leaver-told", violates=[CHAT + "notice-others"])
class LeaverTold(Connection):
    """One who closes gets the notice of its own leaving before the Close in answer."""

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        member = self.app.chatting.get(self)
        if member is not None and len(self.app.room_of(member)) > 1:
            self.app.deliver(member, self.app.notice(member))
        super().reply_to_close(code, reason)


@switch("chat-leaver-hears-on", violates=[CHAT + "gone"])
class LeaverHearsOn(Connection):
    """One who closes goes on getting what is said, for the Close is answered late."""

    def finish_close(self, code: int | None, reason: bytes) -> None:
        member = self.app.chatting.get(self)
        if member is None:
            super().finish_close(code, reason)
            return
        self.app.leave_chat(self, code or 1005)
        room = self.app.rooms.setdefault(member.room, [])
        room.append(member)
        asyncio.get_running_loop().call_later(0.03, self.finish_late, member, code, reason)

    def finish_late(self, member: ChatMember, code: int | None, reason: bytes) -> None:
        """The Close in answer."""
        room = self.app.rooms[member.room]
        room.remove(member)
        if not room:
            self.app.room_is_empty(member.room)
        if self.phase is Phase.OPEN:
            super().finish_close(code, reason)


# Members that disturb each other


@switch("chat-reset-closes-another", violates=[CHAT + "undisturbed"], also=[CHAT + "notice"])
class ResetClosesAnother(App):
    """One who leaves by RST takes the connection of another along."""

    def tell_left(self, member: ChatMember, room: Room, code: int) -> None:
        super().tell_left(member, room, code)
        if self.was_reset(member) and room:
            room[-1].connection.start_close(1011, "broadcast has failed")


@switch("chat-slow-member-blocks", violates=[CHAT + "slow-member"])
class SlowMemberBlocks(App):
    """As long as one member does not read, nobody is told anything."""

    def broadcast(self, room: Room, text: str) -> None:
        if not any(member.connection.stream.is_congested for member in room):
            super().broadcast(room, text)
