"""What the echo of a message tells of the frames in which it went out and came back."""

from __future__ import annotations

import asyncio
from typing import Final

from ..check import Undetermined, Violation
from ..peer import Ended, Event, Message, Peer
from ..target import Target
from ..wire.frames import Frame, Opcode, ReceivedFrame, apply_mask, fragments
from ._framing import ODD_CHUNK, SIZES, answer_to, difference, is_echo, message_or_end, varied

LONG: Final = 300
"""Bytes of a message that is longer than any that the target has echoed before, with a 16-bit length."""
ONE_FRAME: Final = (
    "rfc6455-6.2-7",
    "rfc6455-5.2-14",
    "rfc6455-6.1-5",
    "rfc6455-6.2-3",
    "rfc6455-5.2-1",
)


async def judge_size(target: Target, opcode: Opcode, uniform: bytes, chop: int | None) -> None:
    """Send ``uniform`` (in TCP segments of ``chop`` bytes), then as many varied bytes in odd-sized segments.

    Wrong bytes and silence are reported under all requirements of the check; see :func:`_judge_refusal` for a refusal.
    """
    size = len(uniform)
    second = varied(opcode, target.nonce("size"), size)
    async with target.connect() as peer:
        for payload, chunk in ((uniform, chop), (second, ODD_CHUNK if size > ODD_CHUNK else 7)):
            await peer.send(Frame(opcode, payload), chop=chunk)
            got = await answer_to(target, peer, opcode, payload)
            expected = target.echo.of(opcode, payload)[1]
            if not isinstance(got, Message) or got.payload != expected:  # the type is judged elsewhere
                break
        else:
            return
    if isinstance(got, ReceivedFrame | Ended):
        await _judge_refusal(target, opcode, size, got)
        return
    for requirement in target.findings.requirements:
        if got is not None:
            observed = difference(expected, got.payload)
            target.findings.violated(f"an echo of {size} bytes", observed, requirement=requirement)
        elif requirement == "rfc6455-5.2-12":
            target.findings.undetermined("no echo came", requirement=requirement)
        else:
            observed = f"nothing within {target.patience:g} s"
            target.findings.violated(f"an echo of {size} bytes", observed, requirement=requirement, silence=True)


async def _judge_refusal(target: Target, opcode: Opcode, size: int, refusal: Event) -> None:
    """A refusal is legal from some size upward: where a bigger message is echoed it has another reason."""
    for bigger in (other for other in SIZES if other > size):
        payload = varied(opcode, target.nonce("bigger"), bigger)
        async with target.connect() as peer:
            await peer.send(Frame(opcode, payload))
            if is_echo(target, await answer_to(target, peer, opcode, payload), opcode, payload):
                raise Violation(f"an echo, as of {bigger} bytes", f"{refusal} for {size} bytes")
    target.findings.holds(f"refused as too big: {refusal}")


async def judge_one_frame(target: Target, opcode: Opcode) -> None:
    """A message in one frame comes back with its type, unmasked, and with nothing added; findings under ONE_FRAME."""
    key = b"\x01\x02\x04\x08"  # printable ASCII stays valid UTF-8 under it, so a payload left masked can come back
    payload = varied(opcode, target.nonce("single"), LONG)
    wanted, expected = target.echo.of(opcode, payload)
    async with target.connect() as peer:
        await peer.send(Frame(opcode, payload, masking=key))
        got = await answer_to(target, peer, opcode, payload)
    if not isinstance(got, Message):
        observed = "nothing came" if got is None else str(got)
        for requirement in ONE_FRAME[:-1]:
            target.findings.undetermined(f"a message of one frame was not echoed: {observed}", requirement=requirement)
        raise Violation("an echo of a message in one frame", observed, requirement="rfc6455-5.2-1", silence=got is None)
    if got.opcode != wanted:
        for requirement in ("rfc6455-6.1-5", "rfc6455-6.2-3"):
            target.findings.violated("an echo of the same type", str(got), requirement=requirement)
    if got.payload == expected:
        return
    if apply_mask(payload, key) in got.payload:
        raise Violation("the payload unmasked", f"an echo of the masked payload: {got}")
    if got.payload.endswith(payload) or got.payload.startswith(payload):
        added = len(got.payload) - len(expected)
        raise Violation("the payload and nothing else", f"{added} bytes more: {got}", requirement="rfc6455-5.2-14")
    for requirement in ("rfc6455-6.2-7", "rfc6455-5.2-14"):
        target.findings.violated("the payload unchanged", difference(expected, got.payload), requirement=requirement)


async def judge_joining(target: Target, opcode: Opcode) -> None:
    """A message in four fragments, one of them empty, comes back whole and with the type of the first."""
    parts = [varied(opcode, target.nonce("part"), size) for size in (40, 0, 130, 1)]
    payload = b"".join(parts)
    wanted, expected = target.echo.of(opcode, payload)
    async with target.connect() as peer:
        await peer.send(*fragments(opcode, *parts))
        got = await answer_to(target, peer, opcode, payload)
    if isinstance(got, Message):
        if got.opcode != wanted:
            for requirement in target.findings.requirements:
                target.findings.violated("an echo of the same type", str(got), requirement=requirement)
        if got.payload != expected:
            raise Violation("an echo of the fragments joined", difference(expected, got.payload))
        return
    target.findings.undetermined("the message was not echoed", requirement="rfc6455-6.2-3")
    observed = f"nothing within {target.patience:g} s" if got is None else str(got)
    raise Violation("an echo of the fragments joined", observed, silence=got is None)


async def expect_echoes(target: Target, peer: Peer, payloads: list[bytes], opcode: int = Opcode.TEXT) -> None:
    """The echoes of these messages come, in whatever order (6.1-8 judges that). Raises Violation."""
    missing = {target.echo.of(opcode, payload)[1] for payload in payloads}
    clock = asyncio.get_running_loop().time
    deadline = clock() + target.patience
    other: Message | None = None
    while missing:
        got = await message_or_end(peer, deadline)
        if isinstance(got, Message) and got.payload in missing:
            missing.discard(got.payload)
        elif not isinstance(got, Message):
            wrong = other or got
            observed = f"nothing within {target.patience:g} s" if wrong is None else str(wrong)
            raise Violation(f"the echo of each of {len(payloads)} messages", observed, silence=wrong is None)
        elif not target.found.chatty and other is None:  # wrong, or something of its own: the echoes may still come
            other, deadline = got, min(deadline, clock() + peer.quiet)


async def take_known(peer: Peer, deadline: float, known: list[tuple[int, bytes]], got: list[tuple[int, bytes]]) -> None:
    """Take the next message into ``got`` if it is one of the known. Raises Undetermined when the connection ends."""
    message = await message_or_end(peer, deadline)
    if isinstance(message, Message):
        if (message.opcode, message.payload) in known:
            got.append((message.opcode, message.payload))
    elif message is not None:
        raise Undetermined(f"cut off: {message}")


def account(expected: list[tuple[int, bytes]], got: list[tuple[int, bytes]]) -> str:
    """How the messages that came differ from those expected, for people."""
    missing = sum(message not in got for message in expected)
    repeated = len(got) - len(set(got))
    words = [f"{missing} of {len(expected)} missing"] if missing else []
    words += [f"{repeated} repeated"] if repeated else []
    return ", ".join(words) or "out of order"
