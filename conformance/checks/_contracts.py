"""What a documentation promises, tried: connecting to a part of the profile, and hearing what its messages get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from ..check import Undetermined
from ..login import log_in
from ..peer import Ended, Message, Peer, Silence
from ..target import Target
from ..wire.frames import Frame, Opcode, ReceivedFrame
from ..wire.handshake import Request

Right = Callable[[int, Message], bool]
"""Whether a message is the answer that is due at that place, from 0."""
MOST_EXTRA: Final = 50
"""Answers beyond those that are due; after so many more nobody listens."""
SHOWN: Final = 160
"""Characters of a text that reports show."""


@asynccontextmanager
async def enter(target: Target, request: Request, part: str) -> AsyncIterator[Peer]:
    """A usable connection to the path of a part of the profile. Raises Undetermined, with one reason for the part."""
    async with target.open(echo=False) as peer:
        await peer.send_request(request)
        answer = await target.answer(peer)
        if not answer.accepted:
            raise not_served(part, request, str(answer))
        await log_in(peer, target.profile)
        if request.target == target.endpoint.target.encode():  # where discovery has looked
            for _ in range(target.found.greetings):
                await peer.next_message()
        yield peer


def not_served(part: str, request: Request, observed: str) -> Undetermined:
    """Why nothing can be said of a part whose path does not take a connection that it should."""
    path = request.target.partition(b"?")[0].decode("latin-1")
    return Undetermined(f"the profile's [{part}] is not served: {path} answered {observed}")


def told(message: Message) -> str:
    """A message for people: text as such, with its length where it is cut."""
    if message.opcode != Opcode.TEXT:
        return str(message)
    text = message.payload.decode("utf-8", "replace")
    return ascii(text) if len(text) <= SHOWN else f"{text[:SHOWN]!a}... ({len(message.payload)} bytes)"


@dataclass
class Heard:
    """The messages that came, in order, and what ended the listening: a Close, the end of TCP, silence, or nothing."""

    messages: list[Message] = field(default_factory=list)
    end: ReceivedFrame | Ended | None = None
    silent: bool = False

    @property
    def ending(self) -> str:
        """The end in words."""
        return "nothing" if self.end is None else str(self.end)


class Listener:
    """Hears what comes on a connection until the last answer to a sentinel has come."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.heard = Heard()

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self.heard.end is not None

    async def more(self, number: int, right: Right) -> bool:
        """Listen for ``number`` messages; False as soon as one is not ``right``, or long in coming."""
        for _ in range(number):
            message = await self._next(self.peer.quiet)
            if message is None or not right(len(self.heard.messages) - 1, message):
                return False
        return True

    async def until(self, sentinels: Sequence[bytes], holding: int, after: int, due: int) -> None:
        """Listen until ``holding`` messages with the first sentinel in them and ``after`` more have come.

        After a message with the second one they are lost, or late: they are awaited a little longer. Where none holds a
        sentinel, until ``due`` messages have come in all; never for more than a few beyond those.
        """
        found = 0
        patience = self.peer.patience
        while len(self.heard.messages) < due + MOST_EXTRA:
            if not holding and len(self.heard.messages) >= due:
                return
            message = await self._next(patience)
            if message is None:
                self.heard.silent = self.heard.silent and patience == self.peer.patience
                return
            if sentinels[1] in message.payload:
                patience = self.peer.quiet
            found += sentinels[0] in message.payload
            if holding and found == holding:
                for _ in range(after):
                    await self._next(self.peer.patience)
                return

    async def _next(self, patience: float) -> Message | None:
        if self.over:
            return None
        self.heard.silent = False
        try:
            got = await self.peer.next_message(patience)
        except Silence:
            self.heard.silent = True
            return None
        if isinstance(got, Message):
            self.heard.messages.append(got)
            return got
        self.heard.end = got
        return None


async def say(
    peer: Peer,
    messages: Sequence[Frame],
    sentinels: tuple[Frame, Frame],
    right: Right,
    *,
    answers: int = 1,
    holding: int = 1,
    after: int = 0,
    at_once: bool = False,
) -> Heard:
    """Send ``messages``, each once the ``answers`` to the one before have come or all ``at_once``, then the sentinels.

    Of the answers to one message ``holding`` show it; ``after`` follow the last of those. What came is heard until the
    first sentinel's last answer, so an answer too many is among it, and one that is lost shows without any waiting.
    After an answer that is not ``right``, or is long in coming, the rest is sent at once.
    """
    listener = Listener(peer)
    if at_once:
        await peer.send(*messages, *sentinels)
    else:
        rest = list(messages)
        while rest:
            await peer.send(rest.pop(0))
            if not await listener.more(answers, right):
                break
        if not listener.over:
            await peer.send(*rest, *sentinels)
    payloads = [sentinel.payload for sentinel in sentinels]
    await listener.until(payloads, holding, after, answers * (len(messages) + 1))
    return listener.heard


async def closed_in(peer: Peer, seconds: float) -> ReceivedFrame | Ended | None:
    """The Close or the end of TCP, if it comes within so many seconds without anything before it."""
    try:
        got = await peer.next_message(seconds)
    except Silence:
        return None
    return None if isinstance(got, Message) else got


__all__ = ["Heard", "Listener", "closed_in", "enter", "not_served", "say", "told"]
