"""What an answer to a Ping is worth; shared by the chapters that send Pings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum

from ..check import Undetermined, Violation
from ..peer import Ended, Event, Peer, Silence
from ..target import Target
from ..wire.frames import Frame, Opcode, ReceivedFrame, describe, shown

ANSWER = "rfc6455-5.5.2-2"
SAME_DATA = "rfc6455-5.5.3-1"
OWN_REASONS = frozenset({1000, 1001, 1008, 1011, 1012, 1013})
"""Close codes with which a server ends a connection for reasons of its own (section 7.3), beside those from 3000 on."""
MOST_FRAMES = 1000


class Writing(Enum):
    """How frames are cut into TCP segments: no frame boundary may matter to the target."""

    TOGETHER = "all frames in one segment"
    APART = "each frame in a segment of its own"
    OCTETS = "each octet in a segment of its own"


async def write(peer: Peer, writing: Writing, *frames: Frame) -> None:
    """Send frames in order, cut into segments in that way."""
    if writing is Writing.APART:
        for frame in frames:
            await peer.send(frame)
            await asyncio.sleep(0)
    else:
        await peer.send(*frames, chop=1 if writing is Writing.OCTETS else None)


@dataclass(frozen=True)
class Wait:
    """What came while a Pong was awaited: the frames before it, and the end of the connection if that came instead."""

    answered: bool
    before: list[ReceivedFrame]
    end: Event | None = None


async def wait_for_pong(peer: Peer, payload: bytes) -> Wait:
    """Wait for the Pong with that payload, for the patience.

    Raises Undetermined where the target ends the connection for reasons of its own.
    """
    deadline = asyncio.get_running_loop().time() + peer.patience
    before: list[ReceivedFrame] = []
    while True:
        try:
            event = await peer.next_event(deadline=deadline)
        except Silence:
            return Wait(False, before)
        if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
            code = event.close_code if isinstance(event, ReceivedFrame) else None
            if code is not None and (code in OWN_REASONS or 3000 <= code <= 4999):
                raise Undetermined(f"the target ended the connection: {event}")
            return Wait(False, before, event)
        if event.opcode == Opcode.PONG and event.payload == payload:
            return Wait(True, before)
        if len(before) < MOST_FRAMES:
            before.append(event)


async def judge_pong(
    target: Target, peer: Peer, payload: bytes, *also: str, where: str = "", others_pending: bool = False
) -> list[ReceivedFrame]:
    """The Ping with that payload, just sent, is answered; returns the frames that came before the Pong.

    Raises Violation: of ``rfc6455-5.5.3-1`` where only a Pong with other content came (unless ``others_pending``: then
    it may answer an earlier Ping), else of ``rfc6455-5.5.2-2``, and then the requirements in ``also`` are violated too.
    ``where`` says in the findings which of several Pings it was.
    """
    wait = await wait_for_pong(peer, payload)
    if wait.answered:
        return wait.before
    expected = f"a Pong with the Ping's payload {shown(payload)}{where and ' ' + where}"
    wrong = [frame for frame in wait.before if frame.opcode == Opcode.PONG]
    if wait.end is not None:
        observed = str(wait.end)
    elif wrong and not others_pending:
        raise Violation(expected, f"only {describe(wrong[-1])}", requirement=SAME_DATA, silence=True)
    else:
        observed = f"none within {peer.patience:g} s"
    silence = wait.end is None
    for requirement in also:
        target.findings.violated(expected, observed, requirement=requirement, silence=silence)
    raise Violation(expected, observed, requirement=ANSWER, silence=silence)
