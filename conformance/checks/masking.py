"""Masking: unmasked frames, masking keys, and the place in the key (RFC 6455, sections 5.1, 5.3 and 6.1)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..check import Need, Undetermined, Violation, check, param
from ..peer import Ended, Message, Peer, Silence
from ..program import BrokenProgram, Program
from ..source import Source
from ..target import Target
from ..wire.frames import (
    CloseCode,
    Frame,
    Masking,
    Opcode,
    ReceivedFrame,
    close_frame,
    close_payload,
    fragments,
)
from . import _given
from ._broken_programs import NOTHING_AFTER, expect_broken
from ._framing import ODD_CHUNK, answer_to, difference, good_message, is_echo, naming, varied
from ._probes import probe_of
from ._programs import SEGMENTATION, exchange, expect_exchange

CLOSES: Final = "rfc6455-5.1-2"
WITH_1002: Final = "rfc6455-5.1-3"
UNMASKED: Final = (CLOSES, WITH_1002, "rfc6455-5.1-1", "rfc6455-5.3-1", "rfc6455-6.1-7")
"""What an unmasked frame of the client breaks; the last three tell it of the client, and the server has to notice."""
PLACE: Final = "rfc6455-5.3-3"
LENGTH: Final = "rfc6455-5.3-4"
FREE_TO_SEND: Final = "rfc6455-5.1-6"

OPCODES: Final = [
    param(opcode.name.lower(), opcode)
    for opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION, Opcode.PING, Opcode.PONG, Opcode.CLOSE)
]

KEYS: Final = [
    param("zeros", [bytes(4)]),
    param("ones", [b"\xff" * 4]),
    param("last-octet", [b"\0\0\0\xff"]),
    param("repeated", [b"\x37\xfa\x21\x3d"] * 3),
]
"""Masking keys that a server may not expect, one for each message."""

# -- unmasked frames (5.1) -----------------------------------------------------------------------------------------


@check(*UNMASKED, each=OPCODES)
async def unmasked_frame(target: Target, opcode: Opcode) -> None:
    """An unmasked frame, empty or not, as the first on a connection ends the connection."""
    for words, payload in _payloads(target, opcode):
        with naming(target, words):
            async with target.connect() as peer:
                await _expect_closed(target, peer, Frame(opcode, payload, masking=Masking.NONE))


@check(*UNMASKED, each=OPCODES)
async def unmasked_frame_in_message(target: Target, opcode: Opcode) -> None:
    """An unmasked frame, empty or not, after the masked first fragment of a message ends the connection."""
    for words, payload in _payloads(target, opcode):
        with naming(target, words):
            async with target.connect() as peer:
                start = target.nonce("start")
                await peer.send(Frame(target.data_opcode, start, fin=False))
                unmasked = Frame(opcode, payload, masking=Masking.NONE)
                await _expect_closed(target, peer, unmasked, joined=[start + payload])


@check(*UNMASKED, needs=[Need.ECHO], each=[item for item in OPCODES if item.value != Opcode.CONTINUATION])
async def unmasked_frame_after_message(target: Target, opcode: Opcode) -> None:
    """An unmasked frame, empty or not, after a message that was echoed ends the connection."""
    for words, payload in _payloads(target, opcode):
        with naming(target, words):
            async with target.connect() as peer:
                await good_message(target, peer)
                await _expect_closed(target, peer, Frame(opcode, payload, masking=Masking.NONE))


def _payloads(target: Target, opcode: Opcode) -> list[tuple[str, bytes]]:
    """What the frame carries, with a word for it."""
    word = close_payload(CloseCode.NORMAL_CLOSURE) if opcode == Opcode.CLOSE else target.nonce("unmasked")
    return [("with a payload", word), ("empty", b"")]


async def _expect_closed(target: Target, peer: Peer, frame: Frame, joined: Sequence[bytes] = ()) -> None:
    """Send an unmasked frame; the target ends the connection, at best with Close 1002. Raises Violation.

    ``joined`` are payloads that show, beside the frame's own, that it was taken as valid.
    """
    await peer.send(frame)
    try:
        failed = await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[frame.payload, *joined])
    except Violation as found:
        for requirement in target.findings.requirements[2:]:
            target.findings.violated(found.expected, found.observed, requirement=requirement, silence=found.silence)
        raise
    if failed.close is None or failed.code == CloseCode.PROTOCOL_ERROR:
        return
    observed = f"Close {failed.code or 'without a code'}"
    target.findings.warned("Close 1002, or none", observed, requirement=WITH_1002)
    looks_normal = frame.opcode == Opcode.CLOSE and not frame.payload and failed.code is None
    if looks_normal and not await _fails_without_code(target):
        target.findings.warned("Close 1002, or TCP end", "an empty Close, as to one that is masked")


async def _fails_without_code(target: Target) -> bool:
    """Whether an unmasked Ping, which no reply is normal for, is answered with a Close that has no code."""
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.PING, target.nonce("unmasked"), masking=Masking.NONE))
        try:
            failed = await peer.expect_failed()
        except Violation:
            return False
    return failed.close is not None and failed.code is None


# -- what the target sends (5.1) -----------------------------------------------------------------------------------


@check("rfc6455-5.1-4", "rfc6455-5.1-5", watches=True)
async def sent_frames_are_unmasked(target: Target) -> None:
    """No frame of the target is masked: no message, no Pong, no Close."""
    async with target.connect() as peer:
        try:
            await peer.fence()
        except Undetermined:
            pass  # whether Pings are answered is judged elsewhere
        if target.found.echo is not None:
            payload = target.nonce()
            await peer.send_text(payload)
            await answer_to(target, peer, Opcode.TEXT, payload)
        await peer.send(close_frame())
        await peer.drain(target.patience / 8)


@check(FREE_TO_SEND, needs=[Need.PROBE_PUSH])
async def either_side_may_send(target: Target) -> None:
    """The target sends messages without being asked, while the client sends messages of its own."""
    pushes = 3
    expected = f"{pushes} messages that nobody asked for"
    path = (probe_of(target).push or "").format(n=pushes, interval=0)
    async with target.connect(target.request(path), echo=False) as peer:
        for number in range(pushes):
            try:
                event = await peer.next_message()
            except Silence:
                raise Violation(expected, f"{number} of them within {target.patience:g} s", silence=True) from None
            if not isinstance(event, Message):
                raise Violation(expected, f"{number} of them, then {event}")
            await peer.send_text(target.nonce("between"))


# -- masking keys (5.3) --------------------------------------------------------------------------------------------


@check("rfc6455-5.3-2", needs=[Need.ECHO], each=KEYS)
async def keys_of_messages(target: Target, keys: list[bytes]) -> None:
    """A message is unmasked with whatever masking key it comes with."""
    payloads = [varied(Opcode.TEXT, target.nonce("key"), 23) for _ in keys]
    try:
        await _masked_with(target, payloads, keys)
    except Violation:
        try:
            await _masked_with(target, payloads, [telling_key(target.source) for _ in keys])
        except Violation as found:
            raise Undetermined(f"messages with other keys do not come back either: {found.observed}") from None
        raise


async def _masked_with(target: Target, payloads: list[bytes], keys: list[bytes]) -> None:
    """Messages with those keys are echoed, one after the other. Raises Violation."""
    async with target.connect() as peer:
        for payload, key in zip(payloads, keys, strict=True):
            with naming(target, f"masked with {key.hex()}"):
                await _expect_echo(target, peer, Sample("", Opcode.TEXT, [payload], [key]))


@check("rfc6455-5.3-2", each=KEYS)
async def keys_of_pings(target: Target, keys: list[bytes]) -> None:
    """A Ping is unmasked with whatever masking key it comes with."""
    async with target.connect() as peer:
        await _answered_once(peer)
        for key in keys:
            with naming(target, f"masked with {key.hex()}"):
                await _expect_pong(target, peer, Frame(Opcode.PING, target.nonce("key"), masking=key))


# -- the place in the key, and the length (5.3) ----------------------------------------------------------------------


def telling_key(source: Source) -> bytes:
    """A fresh masking key in which no octet stands twice, so that every shift shows.

    Under it ASCII stays ASCII: a text that is unmasked wrongly comes back to be read, and is not refused as no UTF-8.
    """
    while True:
        key = bytes(octet & 0x7F for octet in source.masking_key())
        if len({0, *key}) == 5:
            return key


@dataclass(frozen=True)
class Sample:
    """A message to be echoed: its fragments, each with its masking key, in TCP segments of ``chop`` bytes."""

    words: str
    opcode: Opcode
    parts: list[bytes]
    keys: list[bytes]
    chop: int | None = None

    @property
    def payload(self) -> bytes:
        return b"".join(self.parts)

    @property
    def frames(self) -> list[Frame]:
        whole = fragments(self.opcode, *self.parts)
        return [replace(frame, masking=key) for frame, key in zip(whole, self.keys, strict=True)]


def _sample(source: Source, words: str, opcode: Opcode, lengths: Sequence[int], chop: int | None = None) -> Sample:
    """A message in fragments of these lengths, each with a fresh key."""
    payload = varied(opcode, b"", sum(lengths))
    ends = list(itertools.accumulate(lengths))
    parts = [payload[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return Sample(f"{opcode.name.lower()} {words}", opcode, parts, [telling_key(source) for _ in parts], chop)


@check(
    PLACE,
    LENGTH,
    needs=[Need.ECHO],
    each=[
        param("1-to-9", range(1, 10)),
        param("124-to-127", range(124, 128)),
        param("1000-to-1004", range(1000, 1005)),
        param("1005-to-1009", range(1005, 1010)),
    ],
    long=True,
)
async def messages_of_every_remainder(target: Target, sizes: range) -> None:
    """Messages come back as long as they were and unmasked to the last octet, whatever their length modulo 4."""
    for opcode in _echoed(target):
        await _judge_each(target, [_sample(target.source, f"of {size} bytes", opcode, [size]) for size in sizes])


@check(PLACE, needs=[Need.ECHO], long=True)
async def each_fragment_begins_its_key(target: Target) -> None:
    """Each fragment is unmasked with its own key from its first octet, wherever the one before it ended."""
    parted = ((1, 2, 3), (5, 7, 1, 6), (1001, 2, 1003))
    for opcode in _echoed(target):
        samples = [
            _sample(target.source, f"in fragments of {', '.join(map(str, sizes))} bytes", opcode, sizes)
            for sizes in parted
        ]
        await _judge_each(target, samples)


@check(PLACE, needs=[Need.ECHO], long=True)
async def segments_continue_the_key(target: Target) -> None:
    """A frame is unmasked alike when it comes in TCP segments that end anywhere within the key's four octets."""
    cuts = ((9, 1), (103, 3), (1023, 7), (3001, ODD_CHUNK))
    for opcode in _echoed(target):
        samples = [
            _sample(target.source, f"of {size} bytes in segments of {chop}", opcode, [size], chop)
            for size, chop in cuts
        ]
        await _judge_each(target, samples)


@check(PLACE)
async def pings_of_every_remainder(target: Target) -> None:
    """A Ping is unmasked to the last octet, whatever its length modulo 4, also in segments of 3 octets."""
    octets = target.nonce("remainder") + bytes(range(125))
    async with target.connect() as peer:
        await _answered_once(peer)
        for size in (*range(1, 10), 122, 123, 124, 125):
            for chop in (None, 3):
                with naming(target, f"a Ping of {size} bytes{' in segments of 3' if chop else ''}"):
                    await _expect_pong(
                        target, peer, Frame(Opcode.PING, octets[:size], masking=telling_key(target.source)), chop
                    )


def _echoed(target: Target) -> list[Opcode]:
    """The kinds of message that come back from the target."""
    return [Opcode.TEXT, Opcode.BINARY] if target.echo.binary == Opcode.BINARY else [Opcode.TEXT]


async def _judge_each(target: Target, samples: Sequence[Sample]) -> None:
    """Each message is echoed. They go over one connection; where one is not echoed there, each over one of its own.

    So what only goes wrong after other messages is not taken for a fault of unmasking. Raises Violation.
    """
    try:
        async with target.connect() as peer:
            for sample in samples:
                await _expect_echo(target, peer, sample)
        return
    except Violation:
        pass
    for sample in samples:
        with naming(target, sample.words):
            async with target.connect() as peer:
                await _expect_echo(target, peer, sample)


async def _expect_echo(target: Target, peer: Peer, sample: Sample) -> None:
    """Send a message; its echo comes, unless it is refused as too big.

    Raises Violation, for an echo of another length under LENGTH where the check names that.
    """
    payload = sample.payload
    await peer.send(*sample.frames, chop=sample.chop)
    expected = f"an echo of the {len(payload)} bytes as they were before masking"
    got = await answer_to(target, peer, sample.opcode, payload)
    if is_echo(target, got, sample.opcode, payload):
        return
    if not isinstance(got, Message):
        if isinstance(got, ReceivedFrame) and got.close_code == CloseCode.MESSAGE_TOO_BIG:
            return
        observed = f"nothing within {target.patience:g} s" if got is None else str(got)
        raise peer.unanswered(Violation(expected, observed, silence=got is None))
    whole = target.echo.of(sample.opcode, payload)[1]
    about_length = len(got.payload) != len(whole) and LENGTH in target.findings.requirements
    violation = Violation(expected, difference(whole, got.payload), requirement=LENGTH if about_length else None)
    raise peer.unanswered(violation)


async def _answered_once(peer: Peer) -> None:
    """Raises Undetermined where even an ordinary Ping has no answer."""
    before = await peer.fence()
    if before and peer.is_end(before[-1]):
        raise Undetermined(f"instead of a Pong came: {before[-1]}")


async def _expect_pong(target: Target, peer: Peer, ping: Frame, chop: int | None = None) -> None:
    """A Pong with the payload of this Ping comes. Raises Violation.

    Another Pong may be no answer at all, so a further Ping is sent; its Pong shows that no right one will come.
    """
    await peer.send(ping, chop=chop)
    expected = f"a Pong with the {len(ping.payload)} bytes as they were before masking"
    further = target.nonce("further")
    other: bytes | None = None
    while True:
        try:
            event = await peer.next_event()
        except Silence:
            observed = f"none within {peer.patience:g} s" if other is None else difference(ping.payload, other)
            raise Violation(expected, observed, silence=True) from None
        if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
            raise Violation(expected, str(event))
        if event.opcode != Opcode.PONG:
            continue
        if event.payload == ping.payload:
            return
        if event.payload == further and other is not None:
            raise Violation(expected, difference(ping.payload, other))
        if other is None:
            other = event.payload
            await peer.send(Frame(Opcode.PING, further))


# -- properties ------------------------------------------------------------------------------------------------------


@check(PLACE, SEGMENTATION, needs=[Need.ECHO], given=_given.masked_message)
async def any_masking_keys(target: Target, program: Program) -> None:
    """Fragments with any masking keys are unmasked each with its own, wherever TCP cuts them."""
    try:
        await expect_exchange(target, program, PLACE, attribute=True)
    except Violation as violation:
        if violation.requirement == PLACE and not await _any_key_helps(target, program):
            raise Undetermined("the same fragments with plain masking keys are not echoed either") from None
        raise


async def _any_key_helps(target: Target, program: Program) -> bool:
    """Whether the same frames are answered as they ought to be with one of two keys for all."""
    for key in (b"\0\0\0\0", b"\1\2\3\4"):
        frames = tuple(replace(frame, key=key) for frame in program.frames)
        async with target.connect() as peer:
            if (await exchange(target, peer, replace(program, frames=frames))).complete:
                return True
    return False


@check(CLOSES, NOTHING_AFTER, given=_given.unmasked_frame)
async def any_unmasked_frame(target: Target, program: BrokenProgram) -> None:
    """An unmasked frame at any place of a legal program ends the connection."""
    await expect_broken(target, program)
