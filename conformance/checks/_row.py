"""Messages in a row: each is answered as it was, once, in order."""

from __future__ import annotations

import asyncio

from ..check import Undetermined, Violation
from ..peer import Message, Peer
from ..program import Program, Segments
from ..target import Target
from ..wire.frames import Frame, Opcode
from ._framing import message_or_end
from ._framing_echoes import account
from ._programs import send_cut, wanted

ORDER = "rfc6455-6.1-8"
OF_ITS_OWN = "rfc6455-6.2-5"


async def judge_row(target: Target, program: Program) -> None:
    """The messages of a program come back, a last one behind them shows that no more will. Raises Violation.

    A message that is none of those sent is a violation; one that is lost, repeated or late is judged by ``6.1-8``.
    """
    expected = wanted(target, program.messages)
    word = target.nonce("last")
    last = target.echo.of(Opcode.TEXT, word)
    async with target.connect() as peer:
        if program.segments == Segments():  # in one write, so that they come together each time
            await peer.send(*(frame.frame() for frame in program.frames), Frame(Opcode.TEXT, word))
        else:
            await send_cut(target, peer, program.frames, program.segments)
            await peer.send(Frame(Opcode.TEXT, word))
        expected.append(last)
        got, silent = await _take_all(target, peer, expected)
    strangers = [message for message in got if message not in expected]
    got = [message for message in got if message in expected]
    if strangers and len(set(got)) < len(expected) and not target.found.chatty:
        observed = str(Message(*strangers[0]))
        raise Violation(f"each of {len(expected)} messages as it was", observed, requirement=OF_ITS_OWN)
    if got != expected:
        observed = account(expected, got)
        target.findings.violated("each echo exactly once and in order", observed, requirement=ORDER, silence=silent)


async def _take_all(
    target: Target, peer: Peer, expected: list[tuple[int, bytes]]
) -> tuple[list[tuple[int, bytes]], bool]:
    """The messages that come; whether the last of those expected did not come within the patience.

    Where others are missing then, they are awaited a little longer. Raises Undetermined when the connection ends.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + target.patience
    got: list[tuple[int, bytes]] = []
    missing = set(expected)
    while missing:
        message = await message_or_end(peer, deadline)
        if message is None:
            break
        if not isinstance(message, Message):
            raise Undetermined(f"cut off: {message}")
        answer = (message.opcode, message.payload)
        got.append(answer)
        missing.discard(answer)
        if answer == expected[-1]:
            if not target.found.chatty and any(other not in expected for other in got):
                break
            deadline = min(deadline, clock() + peer.quiet)
    return got, expected[-1] in missing
