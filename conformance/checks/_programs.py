"""Sends legal frame programs and follows what comes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Final

from ..check import Undetermined, Violation
from ..peer import Ended, Event, Message, Peer
from ..program import PlannedFrame, Program, Segments, Whole
from ..target import Target
from ..wire.frames import Frame, Opcode, ReceivedFrame, shown
from ._framing import difference, message_or_end

SEGMENTATION: Final = "rfc6455-6.2-1"
CONTROL_BETWEEN: Final = "rfc6455-5.4-5"
OWN_REASONS: Final = frozenset({1000, 1001, 1008, 1009, 1012, 1013})
"""Close codes with which a target ends a connection whatever the program was, beside those from 3000 on."""


@dataclass
class Exchange:
    """What came for a program: messages, Pongs that answer its Pings, the end if that came; what is still missing."""

    missing: Counter[tuple[int, bytes]]
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    others: list[Message] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    pong_missing: bool = False
    end: Event | None = None

    @property
    def complete(self) -> bool:
        """Whether each message came back and the last Ping was answered."""
        return not self.missing and not self.pong_missing

    @property
    def silent(self) -> bool:
        """Whether what is missing is missed only because nothing came."""
        return not self.complete and self.end is None and not self.others

    def told(self, patience: float) -> str:
        """What came instead of what is missing, for people."""
        if self.others:
            wanted = [payload for _, payload in self.missing]
            if len(wanted) == 1 and len(self.others) == 1 and len(wanted[0]) > 40:
                return f"a message of {difference(wanted[0], self.others[0].payload)}"
            return str(self.others[0])
        if self.end is not None:
            return str(self.end)
        lacking = [f"{self.missing.total()} not echoed"] if self.missing else []
        lacking += ["no Pong"] if self.pong_missing else []
        return f"{' and '.join(lacking)} within {patience:g} s"


async def send_cut(target: Target, peer: Peer, frames: Iterable[PlannedFrame], segments: Segments) -> None:
    """Send frames in those TCP segments, each read by the target before the next goes out, as far as that can be had.

    A round trip on another connection shows that it has been read: a Ping, or where none is answered an opening
    handshake. Without one the segments just follow each other.
    """
    data = peer.encoded(*(frame.frame() for frame in frames))
    if segments.chop:
        await peer.write(data, chop=segments.chop)
        return
    async with AsyncExitStack() as stack:
        clock: Peer | None = None
        ticks = True
        for number, piece in enumerate(segments.pieces(data)):
            if number and not ticks:
                await asyncio.sleep(0)
            elif number and target.found.deaf:
                ticks = not (await target.ask(target.request())).silent
            elif number:
                try:
                    if clock is None:
                        clock = await stack.enter_async_context(target.connect())
                    await clock.fence()
                except Undetermined:
                    ticks = False
            await peer.write(piece)


def wanted(target: Target, messages: Sequence[Whole]) -> list[tuple[int, bytes]]:
    """Opcode and payload of the answers to those messages."""
    return [target.echo.of(message.opcode, message.payload) for message in messages]


async def exchange(target: Target, peer: Peer, program: Program) -> Exchange:
    """Send a legal program; wait until each of its messages has come back and its last Ping is answered.

    Where something else comes from a target that does not push, what is missing is awaited only a little longer, once
    a further Ping is answered.
    """
    await send_cut(target, peer, program.frames, program.segments)
    pings = program.pings
    further: bytes | None = None
    came = Exchange(Counter(wanted(target, program.messages) if program.messages else []), pong_missing=bool(pings))
    clock = asyncio.get_running_loop().time
    deadline = clock() + target.patience
    while not came.complete:
        got = await message_or_end(peer, deadline, *pings, *([further] if further else []))
        if got is None:
            return came
        if isinstance(got, Message):
            answer = (got.opcode, got.payload)
            if answer in came.missing:
                came.messages.append(answer)
                came.missing -= Counter([answer])
            elif not target.found.chatty:
                came.others.append(got)
                if further is None:
                    further = target.nonce("further")
                    await peer.send(Frame(Opcode.PING, further))
        elif isinstance(got, ReceivedFrame) and got.opcode == Opcode.PONG and got.payload == further:
            deadline = min(deadline, clock() + peer.quiet)
        elif isinstance(got, ReceivedFrame) and got.opcode == Opcode.PONG:
            came.pongs.append(got.payload)
            came.pong_missing = came.pong_missing and got.payload != pings[-1]
        else:
            came.end = got
            return came
    return came


async def expect_exchange(target: Target, program: Program, requirement: str, *, attribute: bool = False) -> None:
    """On a connection of its own a legal program is answered as it ought to be. Raises Violation.

    A target that closes for reasons of its own is not judged: Undetermined.
    ``attribute``: where it is not, it is tried again without its segments, and without its control frames, so that
    the requirement names what the fault depends on.
    """
    async with target.connect() as peer:
        came = await exchange(target, peer, program)
    if came.complete:
        return
    if came.end is not None and has_own_reasons(came.end):
        raise Undetermined(f"the target ended the connection: {came.end}")
    if attribute:
        requirement = await _at_fault(target, program, requirement)
    messages = " and ".join(f"{shown(message.payload)} back" for message in program.messages[:3])
    expected = f"{messages}{', each Ping answered' if program.pings else ''}"
    raise Violation(expected, came.told(target.patience), requirement=requirement, silence=came.silent)


def has_own_reasons(end: Event) -> bool:
    """Whether this is a Close with which a target may end any connection."""
    code = None if isinstance(end, Ended) else end.close_code
    return code is not None and (code in OWN_REASONS or code >= 3000)


async def _at_fault(target: Target, program: Program, otherwise: str) -> str:
    """The requirement without whose case the same message comes back."""
    simpler: dict[str, Program] = {}
    if program.segments != Segments():
        simpler[SEGMENTATION] = replace(program, segments=Segments())
    if program.has_controls_inside:
        data = tuple(frame for frame in program.frames if not frame.is_control)
        simpler[CONTROL_BETWEEN] = replace(program, frames=data)
    for requirement, other in simpler.items():
        async with target.connect() as peer:
            if (await exchange(target, peer, other)).complete:
                return requirement
    return otherwise


async def legal_part(target: Target, peer: Peer, program: Program) -> None:
    """Send the legal beginning of a program and await its answers, so that what comes next cannot race them.

    Raises Undetermined where it is not answered as it ought to be.
    """
    came = await exchange(target, peer, program)
    if not came.complete:
        raise Undetermined(f"what is legal and comes first is not answered: {came.told(target.patience)}")
