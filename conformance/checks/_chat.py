"""A chat program on the wire: each member is a connection of ours, and the model judges all that comes to it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import quote

from ..chat_model import WORDING, ChatModel, Kind, Seat
from ..chat_program import DEFAULT_ENDING, Burst, Conversation, Ending, How, Join, Leave, Pause, Resume, Say, Step
from ..check import Undetermined, Violation
from ..link import TcpEnd
from ..peer import Ended, Message, Peer, Silence
from ..profile import ChatContract
from ..target import Target
from ..template import fill
from ..wire.frames import Frame, Opcode, ReceivedFrame, close_frame
from ._contracts import enter

FENCES: Final = 3
"""Further messages that are said where one has not come: what comes of them proves whether it is lost."""
SHORTEST_GRACE: Final = 0.01
"""Seconds after which a message is late enough to send another behind it; no verdict depends on it."""
SLOWER: Final = 3
"""The same, as a multiple of what has been seen to take long."""
STUCK: Final = AssertionError("somebody lacks something, or there is nothing to wait for")
FIRST_ID: Final = 100_000_000
IDS: Final = 800_000_000


def contract_of(target: Target) -> ChatContract:
    """The profile's [chat]. Needs CHAT_CONTRACT."""
    if target.profile is None or target.profile.chat is None:
        raise Undetermined("the profile says nothing of a chat")
    return target.profile.chat


async def converse(target: Target, conversation: Conversation, *, shared: bool = False) -> None:
    """Run a program in rooms of its own, or in the one room that strangers may be in. Raises Violation."""
    async with AsyncExitStack() as stack:
        hall = Hall(target, stack, shared=shared)
        try:
            await hall.begin(conversation.rooms)
            for step in conversation.steps:
                await hall.take(step)
            await hall.end(conversation.farewell)
        except Exception:
            await hall.disperse()
            raise


class Hall:
    """The members of one example. After each step everything that is due has come to everybody who reads."""

    def __init__(self, target: Target, stack: AsyncExitStack, *, shared: bool = False) -> None:
        contract = contract_of(target)
        source = target.source.stream("chat")
        nonce = f"wsproof-{source.hex(5)}"
        self.contract = contract
        shared = shared or contract.room_path is None
        self.model = ChatModel(contract, nonce, shared=shared)
        self.patience = target.patience
        self.peers: dict[int, Peer] = {}
        self._target = target
        self._stack = stack
        self._path = contract.path if shared else str(contract.room_path)
        self._room = nonce
        self._first_id = FIRST_ID + int.from_bytes(hashlib.blake2b(nonce.encode(), digest_size=6).digest()) % IDS
        self._unread: set[int] = set()
        """Who stopped reading, and whose connection we have let go of."""
        self._leaving: list[asyncio.Task[None]] = []
        self._slowest = 0.0

    # -- steps -------------------------------------------------------------------------------------------------------

    async def begin(self, rooms: Iterable[int]) -> None:
        """These members join: all at once, unless each is announced."""
        begun = self._now()
        members = list(enumerate(rooms))
        if self.contract.joined is None:
            await self._join(members)
        else:
            for one in members:
                await self._join([one])
                await self.settle()
        self._slowest = max(self._slowest, self._now() - begun)

    async def take(self, step: Step) -> None:
        """Take one step."""
        disturbed = self._disturbed()
        if disturbed is not None:
            raise disturbed
        for task in self._leaving:
            if task.done():
                task.result()
        match step:
            case Say():
                await self.say(step.member, step.text * step.times)
            case Burst():
                await self._burst(step)
            case Leave():
                await self.leave(step.member, step.ending)
            case Join():
                await self._join([(step.member, step.room)])
                await self.settle()
            case Pause():
                self.pause(step.member)
            case Resume():
                self.resume(step.member)
                await self.settle()

    async def _join(self, members: Iterable[tuple[int, int]]) -> None:
        """Members join, all at the same time."""
        members = list(members)
        asked = [self._target.request(self._request_target(*one)) for one in members]
        entering = [self._stack.enter_async_context(enter(self._target, request, "chat")) for request in asked]
        entered = await asyncio.gather(*entering, return_exceptions=True)
        for error in entered:
            if isinstance(error, BaseException):
                raise error
        for (member, room), peer in zip(members, entered, strict=True):
            assert isinstance(peer, Peer)
            self.peers[member] = peer
            self.model.join(member, self._id(member), room)

    def _id(self, member: int) -> str:
        return str(self._first_id + member)

    def _request_target(self, member: int, room: int) -> str:
        name = quote(f"{self._room}-{room + 1}", safe="")
        return fill(self._path, client_id=self._id(member), room=name)

    async def say(self, member: int, text: str) -> None:
        """One member says something, and everybody gets it."""
        await self.tell(member, text)
        await self.settle()

    async def tell(self, member: int, *texts: str) -> None:
        """One member says something; who gets it is seen later."""
        messages = [self.model.say(member, text) for text in texts]
        await self.peers[member].send(*(Frame(Opcode.TEXT, message.encode()) for message in messages))

    async def _burst(self, burst: Burst) -> None:
        first, *others = burst.members
        texts = [f"burst {number + 1}" for number in range(burst.count)]
        await self.tell(first, *texts)
        if burst.leaver is not None:
            await self._leave(burst.leaver, burst.ending)
        for member in others:
            await self.tell(member, *texts)
        await self.settle()
        self.model.agree()

    async def leave(self, member: int, ending: Ending) -> None:
        """One member leaves, and the others get the notice."""
        await self._leave(member, ending)
        await self.settle()

    async def _leave(self, member: int, ending: Ending) -> None:
        self.model.leave(member)
        peer = self.peers[member]
        if ending.how is How.CLOSE:
            await peer.send(close_frame(ending.code, ending.reason))
            self._see_off(member)
        elif ending.how is How.FIN and peer.link.can_half_close:
            peer.half_close()
            self._see_off(member)
        elif ending.how is How.FIN:
            self.let_go(member)
        else:
            self._unread.add(member)
            peer.reset()

    def let_go(self, member: int) -> None:
        """End our side of the connection of one that is no longer there."""
        self._unread.add(member)
        self.peers[member].close()

    def _see_off(self, member: int) -> None:
        """Hear beside all else what still comes to one that leaves, and end TCP once the target has (section 7.1.1)."""
        self.resume(member)
        self._leaving.append(asyncio.create_task(self._hear_out(member)))

    def pause(self, member: int) -> None:
        """The member reads nothing from now on."""
        self._unread.add(member)
        self.peers[member].link.set_reading(False)

    def resume(self, member: int) -> None:
        """The member reads on."""
        self._unread.discard(member)
        self.peers[member].link.set_reading(True)

    async def end(self, farewell: Ending = DEFAULT_ENDING) -> None:
        """Everybody reads on, a last message comes to all, all leave but one, which gets the notices; then that one."""
        for seat in list(self.model.present()):
            if seat.number in self._unread:
                self.resume(seat.number)
        await self.settle()
        witnesses = list({seat.room: seat for seat in reversed(list(self.model.present()))}.values())
        for witness in witnesses:
            await self.tell(witness.number, "that is all")
        await self.settle()
        for seat in list(self.model.present()):
            if seat not in witnesses:
                await self._leave(seat.number, farewell)
        await self.settle()
        for witness in witnesses:
            await self.tell(witness.number, "all are gone")
        await self.settle()
        self.model.agree()
        for witness in witnesses:
            await self._leave(witness.number, DEFAULT_ENDING)
        if self._leaving:
            done, late = await asyncio.wait(self._leaving, timeout=self.patience / 4)
            await self._forget(late)
            for task in done:
                task.result()

    async def _forget(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def disperse(self) -> None:
        """Leave politely, so that nobody of this example is there in the next."""
        await self._forget(self._leaving)
        await asyncio.gather(*(self._part(peer) for peer in self.peers.values()))

    # -- hearing -----------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """What is due has come to everybody who reads. Raises Violation for what came wrong or did not come."""
        begun = self._now()
        deadline = begun + self.patience
        grace = min(max(SHORTEST_GRACE, SLOWER * self._slowest), self.patience / 4)
        fences = 0
        while not await self._heard(min(self._now() + grace, deadline), fences):
            lost = self.model.lost()
            if lost is not None:
                raise lost
            author = self._late_author()
            if author is not None and fences < FENCES:
                fences += 1
                await self.tell(author, f"fence {fences}")
            elif not await self._heard(deadline):
                raise self._disturbed() or self.model.lost() or self.model.missing(self.patience, self._unread) or STUCK
        self._slowest = max(self._slowest, self._now() - begun)
        self.model.next_phase()

    async def _heard(self, deadline: float, fences: int = 0) -> bool:
        """Whether everything that is due has come by then, or sooner all but what has as many fences behind it."""
        reading = self._reading()
        for seat in reading:
            await self._hear(seat, deadline, fences)
        return all(seat.content for seat in reading)

    def _disturbed(self) -> Violation | None:
        """A member that is there, and whose connection the target has ended."""
        for seat in self.model.present():
            peer = self.peers[seat.number]
            end = peer.close_received or peer.ended
            if end is not None:
                return self.model.ended(seat, end.value if isinstance(end, TcpEnd) else str(end))
        return None

    def _reading(self) -> list[Seat]:
        return [seat for seat in self.model.present() if seat.number not in self._unread]

    def _late_author(self) -> int | None:
        """Who has said something that has not come, and can say more."""
        for seat in self._reading():
            for event in (*seat.owed.values(), *seat.owed_own.values()):
                if event.kind is Kind.SAID and self.model.seats[event.author].present:
                    return event.author
        return None

    async def _hear(self, seat: Seat, deadline: float, fences: int) -> None:
        while not (seat.content or (fences and seat.all_overtaken(fences))):
            message = await self.next(seat, deadline)
            if message is None:
                return
            if not isinstance(message, Message):
                raise self.model.ended(seat, str(message))

    async def hear_all(self, seat: Seat) -> ReceivedFrame | Ended | None:
        """Hear a member until it lacks nothing (None), or its connection ends, or nothing comes for the patience."""
        while not seat.content:
            message = await self.next(seat, self._now() + self.patience)
            if not isinstance(message, Message):
                return message
        return None

    async def next(self, seat: Seat, deadline: float) -> Message | ReceivedFrame | Ended | None:
        """The next message, judged; or a Close, or the end; None where nothing comes by the deadline."""
        try:
            got = await self.peers[seat.number].next_message(deadline - self._now())
        except Silence:
            return None
        if isinstance(got, Message):
            if got.opcode != Opcode.TEXT:
                raise Violation("text messages", f"{seat.name} got a {got}", requirement=WORDING)
            await self._judge(seat, got.payload.decode(errors="replace"))
        return got

    async def _judge(self, seat: Seat, text: str) -> None:
        try:
            self.model.hear(seat.number, text)
        except Violation:
            named = self.model.named
            if named is not None and (end := await self._end_of(self.peers[named])) is not None:
                raise self.model.ended(self.model.seats[named], end) from None  # the notice is right, and the end wrong
            raise

    async def _hear_out(self, member: int) -> None:
        """What still comes to one that has left, up to the end of TCP; after a Close that is not awaited for long."""
        seat = self.model.seats[member]
        peer = self.peers[member]
        closed_at: float | None = None
        while not isinstance(got := await self.next(seat, (closed_at or self._now()) + peer.quiet), Ended):
            if got is None and closed_at is not None:
                break
            if isinstance(got, ReceivedFrame) and closed_at is None:
                closed_at = self._now()
        self.let_go(member)

    @staticmethod
    async def _end_of(peer: Peer) -> str | None:
        """The Close or the end of TCP that comes soon, if one does."""
        deadline = Hall._now() + peer.quiet
        try:
            while isinstance(got := await peer.next_message(deadline - Hall._now()), Message):
                pass
        except (Silence, Undetermined):
            return None
        return str(got)

    @staticmethod
    async def _part(peer: Peer) -> None:
        """Close, whatever happens, and read up to the end if it comes soon."""
        peer.link.set_reading(True)
        try:
            async with asyncio.timeout(peer.quiet):
                if not peer.close_sent:
                    await peer.send(close_frame())
                while isinstance(await peer.next_message(), Message):
                    pass
        except (TimeoutError, Silence, Undetermined, Violation):
            pass

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
