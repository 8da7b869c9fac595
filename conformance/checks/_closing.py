"""How a target takes a Close or a violation, and how it ends TCP; shared by the checks of the closing handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..check import Undetermined, Violation
from ..link import TcpEnd
from ..peer import Ended, Event, Message, Peer, Silence
from ..target import Target
from ..wire.frames import CloseCode, Frame, Masking, Opcode, ReceivedFrame, describe, fragments

Answer = ReceivedFrame | Ended
"""A Close frame, or the end of TCP that came without one."""


def soon(target: Target) -> float:
    """Seconds within which a target answers a Close, or ends TCP, ``as soon as practical`` or ``immediately``."""
    return target.patience / 2


def said(answer: Answer) -> str:
    """An answer to a Close, for people."""
    return describe(answer) if isinstance(answer, ReceivedFrame) else f"{answer} without a Close"


async def close_or_end(peer: Peer) -> Answer:
    """The Close that comes, or the end of TCP where none comes before it; other frames are passed over.

    Raises Violation (silence) where neither comes within the patience.
    """
    deadline = asyncio.get_running_loop().time() + peer.patience
    while True:
        try:
            event = await peer.next_event(deadline=deadline)
        except Silence:
            raise Violation(
                "a Close frame or the end of TCP", f"neither within {peer.patience:g} s", silence=True
            ) from None
        if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
            return event


async def answer_to(peer: Peer, *frames: Frame) -> Answer:
    """Send frames on an open connection; the Close or end of TCP that comes.

    Raises Undetermined where the target has closed the connection before, Violation (silence) where neither comes.
    """
    if peer.close_received is not None or peer.ended is not None:
        raise Undetermined("the target closed the connection by itself")
    await peer.send(*frames)
    return await close_or_end(peer)


async def close_for(peer: Peer, *frames: Frame) -> ReceivedFrame:
    """Send frames and expect a Close. Raises Violation for the end of TCP without one, and for silence."""
    answer = await answer_to(peer, *frames)
    if isinstance(answer, Ended):
        raise Violation("a Close frame before the end of TCP", said(answer))
    return answer


async def closed(peer: Peer, *frames: Frame) -> ReceivedFrame:
    """Like :func:`close_for`, where the Close is only the precondition. Raises Undetermined instead of Violation."""
    try:
        return await close_for(peer, *frames)
    except Violation as violation:
        raise Undetermined(f"the Close was not answered: {violation.observed}") from None


async def judge_tcp_end(target: Target, peer: Peer, *, must: str, at_once: str, prompt: str) -> TcpEnd | None:
    """Both Close frames have passed: judge whether and when the target ends TCP. None where it left that to us.

    ``must``: TCP ends (violated by a connection that stays open). ``at_once``: it ends soon; a target that waits for
    our FIN is tolerated with a warning. ``prompt``: the same as a SHOULD.
    """
    findings = target.findings
    clock = asyncio.get_running_loop().time
    begun = clock()
    limit = f"the TCP end within {soon(target):g} s"
    try:
        how = await peer.expect_end()
    except Violation as violation:
        findings.violated(violation.expected, violation.observed, requirement=must, silence=True)
        findings.violated(limit, violation.observed, requirement=prompt, silence=True)
        await _judge_our_fin(target, peer, limit, at_once)
        return None
    if (took := clock() - begun) > soon(target):
        findings.warned(limit, f"it took {took:.1f} s", requirement=at_once, silence=True)
        findings.violated(limit, f"it took {took:.1f} s", requirement=prompt, silence=True)
    return how


async def _judge_our_fin(target: Target, peer: Peer, expected: str, requirement: str) -> None:
    """Nothing came within the patience: end our direction, and see whether the target was waiting for that."""
    if not peer.link.can_half_close:
        target.findings.undetermined("TLS connections cannot be half closed", requirement=requirement)
        return
    peer.half_close()
    try:
        await peer.expect_end()
    except Violation:
        target.findings.violated(expected, "never, not even after our FIN", requirement=requirement, silence=True)
    else:
        target.findings.warned(expected, "only after our FIN", requirement=requirement, silence=True)


def is_ended(events: Sequence[Event]) -> bool:
    """Whether the end of TCP is among what :meth:`Peer.drain` returned."""
    return bool(events) and isinstance(events[-1], Ended)


async def resets_of_itself(target: Target, frames: Sequence[Frame]) -> bool:
    """Whether TCP ends with RST after these frames where nothing of ours follows them.

    Whatever comes after a server has closed its socket, our Close in answer included, brings an RST from its kernel.
    """
    async with target.connect() as peer:
        peer.answers_close = False
        await peer.send(*frames)
        events = await peer.drain()
    return not is_ended(events) or events[-1] == Ended(TcpEnd.RST)


def closes_among(events: Sequence[Event]) -> list[ReceivedFrame]:
    """The Close frames."""
    return [event for event in events if isinstance(event, ReceivedFrame) and event.opcode == Opcode.CLOSE]


def first_close(events: Sequence[Event], *, may_be_lost: bool) -> ReceivedFrame | None:
    """The first Close frame. Raises Undetermined where an RST that met unread bytes may have destroyed it."""
    close = next(iter(closes_among(events)), None)
    if close is None and may_be_lost and events and events[-1] == Ended(TcpEnd.RST):
        raise Undetermined("an RST came, which may have destroyed the Close")
    return close


def messages_among(events: Sequence[Event]) -> list[Message]:
    """The whole data messages."""
    found: list[Message] = []
    parts: list[ReceivedFrame] = []
    for event in events:
        if isinstance(event, Ended) or event.is_control:
            continue
        parts.append(event)
        if event.fin:
            found.append(Message(parts[0].opcode, b"".join(part.payload for part in parts), len(parts)))
            parts = []
    return found


def instead_of_close(events: Sequence[Event]) -> str:
    """How it ended where no Close came, for people."""
    return f"{events[-1]} without a Close" if is_ended(events) else "none within the patience"


@dataclass(frozen=True)
class Breach:
    """A violation of the protocol.

    ``prescribed``: the RFC itself says that it fails the connection. ``framing``: it is an error of framing, after
    which a Close may be omitted. ``message``: it takes a target that takes text messages. ``code`` is the appropriate
    close code.
    """

    frames: Callable[[bytes], list[Frame]]
    prescribed: bool = True
    framing: bool = True
    message: bool = False
    code: int = CloseCode.PROTOCOL_ERROR


BREACHES: Final[dict[str, Breach]] = {
    "reserved-bit": Breach(lambda word: [Frame(Opcode.TEXT, word, rsv=2)]),
    "reserved-data-opcode": Breach(lambda word: [Frame(3, word)]),
    "reserved-control-opcode": Breach(lambda word: [Frame(0xB, word)]),
    "unmasked": Breach(lambda word: [Frame(Opcode.TEXT, word, masking=Masking.NONE)]),
    "long-control": Breach(lambda word: [Frame(Opcode.PING, word.ljust(126, b"*"))], prescribed=False),
    "fragmented-control": Breach(lambda word: [Frame(Opcode.PING, word, fin=False)], prescribed=False),
    "orphan-continuation": Breach(lambda word: [Frame(Opcode.CONTINUATION, word)], prescribed=False),
    "interleaved": Breach(
        lambda word: [fragments(Opcode.TEXT, word, b"")[0], Frame(Opcode.TEXT, word)], prescribed=False, message=True
    ),
    "invalid-utf-8": Breach(
        lambda word: [Frame(Opcode.TEXT, word + b"\xff")],
        framing=False,
        message=True,
        code=CloseCode.INVALID_PAYLOAD,
    ),
}
"""Every kind of violation that fails a connection; each makes its frames from a word that can be recognised."""


__all__ = [
    "BREACHES", "Answer", "Breach", "answer_to", "close_for", "close_or_end", "closed", "closes_among", "first_close",
    "instead_of_close", "is_ended", "judge_tcp_end", "messages_among", "said", "soon",
]  # fmt: skip
