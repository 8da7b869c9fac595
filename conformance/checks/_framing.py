"""Payloads, readings and waits that the checks of base framing share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from ..check import Undetermined, Violation
from ..peer import Ended, Event, Message, Peer, Silence
from ..target import Target
from ..wire.frames import Opcode, ReceivedFrame

SIZES: Final = (0, 125, 126, 127, 128, 65535, 65536)
"""The payload lengths around which the length form changes (section 5.2), and those of Autobahn's group 1."""
ODD_CHUNK: Final = 997
"""Bytes per TCP segment: odd, and no divisor of any size; Autobahn's too."""
EIGHT_BYTES: Final = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"

Answer = Message | ReceivedFrame | Ended | None
"""What came for a message: a message, a Close frame, the end of TCP, or nothing within the patience."""


def of_size(word: bytes, size: int) -> bytes:
    """``word`` cut or padded with ``*`` to ``size`` bytes, so that it can be recognised and has a known length."""
    return word[:size].ljust(size, b"*")


def varied(opcode: int, word: bytes, size: int) -> bytes:
    """``size`` bytes that begin with ``word`` and then differ from place to place: what is shifted shows.

    ASCII for a text message, all byte values for a binary one. No period of the pattern is a power of two.
    """
    values = bytes(range(0x20, 0x7F)) if opcode == Opcode.TEXT else bytes(range(256)) + b"\xff\xfe\xfd"
    return (word + values * (size // len(values) + 1))[:size]


@contextmanager
def naming(target: Target, what: str) -> Iterator[None]:
    """Within a check that tries several inputs: put before each observation which input it was."""
    made = target.findings.made
    before = len(made)
    try:
        yield
    except Violation as found:
        observed = f"{what}: {found.observed}"
        raise Violation(found.expected, observed, requirement=found.requirement, silence=found.silence) from None
    except Undetermined as why:
        raise Undetermined(f"{what}: {why}") from None
    finally:
        made[before:] = [replace(finding, observed=f"{what}: {finding.observed}") for finding in made[before:]]


async def good_message(target: Target, peer: Peer) -> bytes:
    """A text message and its echo, awaited, so that what is sent next cannot race it. Returns its payload."""
    word = target.nonce("good")
    try:
        await peer.echo(word)
    except Violation as found:
        raise Undetermined(f"the good message that comes first was not echoed: {found.observed}") from None
    return word


async def answer_to(target: Target, peer: Peer, opcode: int, payload: bytes) -> Answer:
    """The answer to the message just sent, see :meth:`Peer.answer`."""
    return await peer.answer(target.echo.of(opcode, payload))


def is_echo(target: Target, got: Answer, opcode: int, payload: bytes) -> bool:
    """Whether that answer is the echo of that message, in the target's wording."""
    return isinstance(got, Message) and (got.opcode, got.payload) == target.echo.of(opcode, payload)


def difference(expected: bytes, got: bytes) -> str:
    """Where two payloads part, for people."""
    if len(got) != len(expected):
        return f"{len(got)} bytes instead of {len(expected)}"
    at = next((index for index, pair in enumerate(zip(expected, got, strict=True)) if pair[0] != pair[1]), len(got))
    return f"{len(got)} bytes that differ from byte {at} on"


async def message_or_end(peer: Peer, deadline: float, *pongs: bytes) -> Message | ReceivedFrame | Ended | None:
    """The next message, Pong with one of those payloads, Close or end of TCP; None at the deadline (loop time)."""
    while True:
        try:
            event = await peer.next_event(deadline=deadline)
        except Silence:
            return None
        if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
            return event
        if asyncio.get_running_loop().time() > deadline:
            return None
        if event.opcode == Opcode.PONG and event.payload in pongs:
            return event
        if peer.message is not None:
            return peer.message


async def others_are_served(target: Target, peer: Peer, requirement: str) -> None:
    """A further opening handshake succeeds while the connection of ``peer`` is still there. Raises Violation otherwise.

    A target that answers none beside an idle connection either serves one at a time: Undetermined.
    """
    answer = await target.ask(target.request())
    if answer.silent:
        peer.close()
        if await serves_one_at_a_time(target):
            raise Undetermined("the target serves one connection at a time")
    if answer.status in (429, 503):
        raise Undetermined(f"a further opening handshake was answered with {answer}")
    if not answer.accepted:
        raise Violation(
            "other connections are served meanwhile",
            f"a further opening handshake: {answer}",
            requirement=requirement,
            silence=answer.silent,
        )


async def serves_one_at_a_time(target: Target) -> bool:
    """Whether an opening handshake stays unanswered for no more reason than that another connection is open."""
    try:
        async with target.connect():
            return (await target.ask(target.request())).silent
    except Undetermined:
        return False


def ended_with(events: list[Event]) -> Event | None:
    """The Close or end of TCP that is the last of these events, if it is one."""
    return events[-1] if events and Peer.is_end(events[-1]) else None


__all__ = [
    "EIGHT_BYTES", "ODD_CHUNK", "SIZES", "Answer", "answer_to", "difference", "ended_with",
    "good_message", "is_echo", "message_or_end", "naming", "of_size", "others_are_served", "serves_one_at_a_time",
    "varied",
]  # fmt: skip
