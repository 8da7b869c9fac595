"""A member that does not read, or answers no Ping: what becomes of it, and that the others are not held up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from ..chat_model import DELIVERED, NOTICE, ORDER, SENDER_TOO, SLOW_MEMBER, UNDISTURBED, Seat
from ..chat_program import Ending, name
from ..check import Violation
from ..peer import Message
from ..target import Target
from ._chat import Hall

MESSAGES: Final = 48
SIZE: Final = 128 * 1024
"""Characters of each message: in all 6 MiB, more than sockets take for one that does not read."""
BEFORE: Final = 3
"""Messages while all read: what goes wrong with these is not the slow one's doing."""
SPEAKER: Final = 0
SLOW: Final = 2
LONGEST_SILENCE: Final = 60.0
"""Seconds in which a keep-alive Ping should come, and as many in which an unanswered one should have consequences."""
HELD_UP: Final = frozenset({DELIVERED, SENDER_TOO, UNDISTURBED})


async def talk_beside_one_that_does_not_read(target: Target, ending: Ending | None) -> None:
    """Two talk at length while the third does not read; then it reads on (no ``ending``) or leaves so."""
    async with AsyncExitStack() as stack:
        hall = Hall(target, stack, shared=True)
        try:
            await hall.begin([0, 0, 0])
            for count in range(BEFORE):
                await hall.say(SPEAKER, f"before {count + 1}")
            hall.pause(SLOW)
            hall.model.may_leave(SLOW)
            await _talk(hall)
            if ending is None:
                await _read_on(hall)
            else:
                await hall.leave(SLOW, ending)
            await hall.end()
        except Exception:
            await hall.disperse()
            raise


async def _talk(hall: Hall) -> None:
    try:
        for _ in range(MESSAGES):
            await hall.say(SPEAKER, "x" * SIZE)
    except Violation as violation:
        if violation.requirement in HELD_UP:
            raise _slow(violation) from None
        raise


def _slow(violation: Violation) -> Violation:
    observed = f"{violation.observed}, while {name(SLOW)} reads nothing"
    return Violation(violation.expected, observed, requirement=SLOW_MEMBER, silence=violation.silence)


async def _read_on(hall: Hall) -> None:
    """The slow one gets everything, or all up to a point and then the end; the others get the notice in that case."""
    seat = hall.model.seats[SLOW]
    hall.resume(SLOW)
    await hall.tell(SPEAKER, "do you hear me?")  # behind all that the target has decided while nobody read
    try:
        end = await hall.hear_all(seat)
    except Violation as violation:
        raise (_slow(violation) if violation.requirement == ORDER else violation) from None
    wanted = hall.contract.slow_code
    if end is not None:
        if wanted is not None and wanted != getattr(end, "close_code", None):
            raise Violation(f"{seat.name} is closed with {wanted}", str(end), requirement=SLOW_MEMBER)
        hall.model.has_left(SLOW)
        hall.let_go(SLOW)
        await hall.settle()
    elif not seat.content:
        expected = f"{seat.name}, that reads again, gets all that was said, or its connection is ended"
        raise Violation(expected, "neither", requirement=SLOW_MEMBER, silence=True)


async def stay_silent(target: Target) -> None:
    """One of three answers no Ping: where the target ends its connection for it, the others get the notice."""
    async with AsyncExitStack() as stack:
        hall = Hall(target, stack, shared=True)
        try:
            await hall.begin([0, 0, 0])
            if await _is_ended(hall, hall.model.seats[SLOW]):
                hall.model.leave(SLOW)
                hall.let_go(SLOW)
                await hall.settle()
            else:
                wait = f"{LONGEST_SILENCE:g} s"
                target.findings.noted(f"a member that answers nothing is still there after {wait}", requirement=NOTICE)
            await hall.end()
        except Exception:
            await hall.disperse()
            raise


async def _is_ended(hall: Hall, seat: Seat) -> bool:
    """Whether the target ends the connection of a member that answers no Ping, if it sends one."""
    peer = hall.peers[seat.number]
    peer.answers_pings = False
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_SILENCE
    pinged = False
    while loop.time() < until:
        got = await hall.next(seat, min(until, loop.time() + 1.0))
        if got is not None and not isinstance(got, Message):
            return True
        if peer.pings_received and not pinged:
            pinged, until = True, loop.time() + LONGEST_SILENCE
    return False
