"""Masking: unmasked frames, masking keys, and the place in the key (RFC 6455, sections 5.1, 5.3 and 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom
from typing import Final

from ..check import Need, Undetermined, Violation, check, param
from ..peer import Ended, Message, Peer, Silence
from ..target import Target
from ..wire.frames import CloseCode, Frame, Masking, Opcode, close_frame, close_payload
from ._framing import ODD_CHUNK, answer_to, difference, good_message, is_echo, naming, varied
from ._probes import probe_of

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

_random: Final = SystemRandom()

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
                await peer.send(Frame(Opcode.TEXT, start, fin=False))
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
    if frame.opcode == Opcode.CLOSE and not frame.payload and failed.code is None:
        target.findings.warned("Close 1002, or TCP end", "an empty Close, as to one that is masked")


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
    async with target.connect() as peer:
        for number, key in enumerate(keys, 1):
            payload = varied(Opcode.TEXT, target.nonce("key"), 23)
            await peer.send(Frame(Opcode.TEXT, payload, masking=key))
            with naming(target, f"message {number} with the key {key.hex()}"):
                await _expect_payload(target, peer, Opcode.TEXT, payload)


@check("rfc6455-5.3-2", each=KEYS)
async def keys_of_pings(target: Target, keys: list[bytes]) -> None:
    """A Ping is unmasked with whatever masking key it comes with."""
    async with target.connect() as peer:
        await _answered_once(peer)
        for number, key in enumerate(keys, 1):
            with naming(target, f"Ping {number} with the key {key.hex()}"):
                await _expect_pong(peer, Frame(Opcode.PING, target.nonce("key"), masking=key))


# -- the place in the key, and the length (5.3) ----------------------------------------------------------------------


def telling_key() -> bytes:
    """A fresh masking key in which no octet stands twice, so that every shift shows.

    Under it ASCII stays ASCII: a text that is unmasked wrongly comes back to be read, and is not refused as no UTF-8.
    """
    return bytes(_random.sample(range(1, 0x80), 4))


@check(PLACE, LENGTH, needs=[Need.ECHO])
async def messages_of_every_remainder(target: Target) -> None:
    """Messages come back as long as they were and unmasked to the last octet, whatever their length modulo 4."""
    for opcode in _echoed(target):
        async with target.connect() as peer:
            for size in (*range(1, 10), 125, 126, 127, *range(1000, 1010)):
                payload = varied(opcode, b"", size)
                await peer.send(Frame(opcode, payload, masking=telling_key()))
                with naming(target, f"{opcode.name.lower()} of {size} bytes"):
                    await _expect_payload(target, peer, opcode, payload)


@check(PLACE, needs=[Need.ECHO])
async def each_fragment_begins_its_key(target: Target) -> None:
    """Each fragment is unmasked with its own key from its first octet, wherever the one before it ended."""
    for opcode in _echoed(target):
        async with target.connect() as peer:
            for lengths in ((1, 2, 3), (5, 7, 1, 6), (1001, 2, 1003)):
                payload, frames = _fragmented(opcode, lengths)
                await peer.send(*frames)
                with naming(target, f"{opcode.name.lower()} in fragments of {', '.join(map(str, lengths))} bytes"):
                    await _expect_payload(target, peer, opcode, payload)


def _fragmented(opcode: Opcode, lengths: Sequence[int]) -> tuple[bytes, list[Frame]]:
    """A payload, and its fragments of those lengths with a different key each."""
    payload = varied(opcode, b"", sum(lengths))
    frames = []
    at = 0
    for number, length in enumerate(lengths):
        part = payload[at : at + length]
        at += length
        kind = opcode if number == 0 else Opcode.CONTINUATION
        frames.append(Frame(kind, part, fin=at == len(payload), masking=telling_key()))
    return payload, frames


@check(PLACE, needs=[Need.ECHO])
async def segments_continue_the_key(target: Target) -> None:
    """A frame is unmasked alike when it comes in TCP segments that end anywhere within the key's four octets."""
    for opcode in _echoed(target):
        async with target.connect() as peer:
            for size, chop in ((9, 1), (103, 3), (1023, 7), (3001, ODD_CHUNK)):
                payload = varied(opcode, b"", size)
                await peer.send(Frame(opcode, payload, masking=telling_key()), chop=chop)
                with naming(target, f"{opcode.name.lower()} of {size} bytes in segments of {chop}"):
                    await _expect_payload(target, peer, opcode, payload)


@check(PLACE)
async def pings_of_every_remainder(target: Target) -> None:
    """A Ping is unmasked to the last octet, whatever its length modulo 4, also in segments of 3 octets."""
    octets = target.nonce("remainder") + bytes(range(125))
    async with target.connect() as peer:
        await _answered_once(peer)
        for size in (*range(1, 10), 122, 123, 124, 125):
            for chop in (None, 3):
                with naming(target, f"a Ping of {size} bytes{' in segments of 3' if chop else ''}"):
                    await _expect_pong(peer, Frame(Opcode.PING, octets[:size], masking=telling_key()), chop)


def _echoed(target: Target) -> list[Opcode]:
    """The kinds of message that come back from the target."""
    return [Opcode.TEXT, Opcode.BINARY] if target.echo.binary == Opcode.BINARY else [Opcode.TEXT]


async def _expect_payload(target: Target, peer: Peer, opcode: Opcode, payload: bytes) -> None:
    """The echo of the message just sent. Raises Violation, of another length under LENGTH where that is named."""
    expected = f"an echo of the {len(payload)} bytes as they were before masking"
    got = await answer_to(target, peer, opcode, payload)
    if is_echo(target, got, opcode, payload):
        return
    if not isinstance(got, Message):
        observed = f"nothing within {target.patience:g} s" if got is None else str(got)
        raise Violation(expected, observed, silence=got is None)
    whole = target.echo.of(opcode, payload)[1]
    about_length = len(got.payload) != len(whole) and LENGTH in target.findings.requirements
    raise Violation(expected, difference(whole, got.payload), requirement=LENGTH if about_length else None)


async def _answered_once(peer: Peer) -> None:
    """Raises Undetermined where even an ordinary Ping has no answer."""
    before = await peer.fence()
    if before and peer.is_end(before[-1]):
        raise Undetermined(f"instead of a Pong came: {before[-1]}")


async def _expect_pong(peer: Peer, ping: Frame, chop: int | None = None) -> None:
    """The Pong to this Ping is the next that comes, and has its payload. Raises Violation."""
    await peer.send(ping, chop=chop)
    expected = f"a Pong with the {len(ping.payload)} bytes as they were before masking"
    while True:
        try:
            event = await peer.next_event()
        except Silence:
            raise Violation(expected, f"none within {peer.patience:g} s", silence=True) from None
        if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
            raise Violation(expected, str(event))
        if event.opcode == Opcode.PONG:
            if event.payload != ping.payload:
                raise Violation(expected, difference(ping.payload, event.payload))
            return
