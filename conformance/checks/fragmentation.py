"""Fragmented messages: putting them together, and what may and may not come between (RFC 6455, section 5.4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from ..check import Need, Undetermined, Violation, check, param
from ..link import TcpEnd
from ..peer import Ended, Event, Message, Peer, Silence
from ..program import BrokenProgram, Program
from ..target import Target
from ..wire.frames import CloseCode, Frame, Opcode, ReceivedFrame, close_frame, fragments, is_wire_legal
from . import _given
from ._broken_programs import NOTHING_AFTER, expect_broken
from ._framing import answer_to, good_message, is_echo, message_or_end, naming
from ._pings import ANSWER, Writing, wait_for_pong, write
from ._programs import SEGMENTATION, expect_exchange

BOTH_FORMS = "rfc6455-5.4-7"
ANY_SIZE = "rfc6455-5.4-6"
CONTROL_BETWEEN = "rfc6455-5.4-5"
CONTROL_INJECTED = "rfc6455-5.4-1"
AT_ONCE = "rfc6455-5.5.2-3"
LIMITS = frozenset({CloseCode.POLICY_VIOLATION, CloseCode.MESSAGE_TOO_BIG})
"""Close codes that tell of a limit on size or number."""


def cut(payload: bytes, size: int) -> list[bytes]:
    """The payload in parts of ``size`` bytes, the last one shorter where it does not come out even."""
    return [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]


def into(payload: bytes, count: int) -> list[bytes]:
    """The payload in ``count`` parts of about the same size; parts are empty where it is shorter than ``count``."""
    places = [len(payload) * number // count for number in range(count + 1)]
    return [payload[start:end] for start, end in pairwise(places)]


async def expect_whole(
    target: Target, peer: Peer, opcode: int, payload: bytes, *requirements: str, may_refuse: bool = False
) -> None:
    """The content of the message just sent comes back whole; its type is judged under ``rfc6455-5.4-12`` only.

    ``requirements`` are violated otherwise (the check's first without any). ``may_refuse``: a Close with a legal code
    counts as a limit.
    """
    got = await answer_to(target, peer, opcode, payload)
    _, content = target.echo.of(opcode, payload)
    if isinstance(got, Message) and got.payload == content:
        return
    if may_refuse and isinstance(got, ReceivedFrame) and got.close_code is not None and is_wire_legal(got.close_code):
        for requirement in requirements or (None,):
            target.findings.holds(f"refused by a limit: {got}", requirement=requirement)
        return
    expected = f"the whole message of {len(payload)} bytes comes back"
    observed = f"nothing within {target.patience:g} s" if got is None else str(got)
    for requirement in requirements[1:]:
        target.findings.violated(expected, observed, requirement=requirement, silence=got is None)
    primary = requirements[0] if requirements else None
    raise Violation(expected, observed, requirement=primary, silence=got is None)


# Putting fragments together


@check(BOTH_FORMS, needs=[Need.ECHO], autobahn=["5.3"])
async def text_in_two_fragments(target: Target) -> None:
    """A text message in two fragments comes back whole."""
    await _exchange(target, Writing.TOGETHER)


@check(
    BOTH_FORMS,
    needs=[Need.ECHO],
    each=[
        param("one-each", Writing.APART, autobahn=["5.4"]),
        param("octets", Writing.OCTETS, autobahn=["5.5"]),
    ],
)
async def fragments_in_tcp_segments(target: Target, writing: Writing) -> None:
    """A text message in two fragments comes back whole, however TCP cuts them."""
    await _exchange(target, writing)


async def _exchange(target: Target, writing: Writing) -> None:
    parts = target.nonce("fragment1"), target.nonce("fragment2")
    async with target.connect() as peer:
        await write(peer, writing, *fragments(Opcode.TEXT, *parts))
        await expect_whole(target, peer, Opcode.TEXT, b"".join(parts))


async def _exchange_in(target: Target, opcode: Opcode, count: int) -> None:
    """A message in so many fragments; of a hundred a target may say that they are too many."""
    payload = target.nonce().ljust(300, b"*" if opcode == Opcode.TEXT else b"\xff")
    async with target.connect() as peer:
        await peer.send(*fragments(opcode, *into(payload, count)))
        await expect_whole(target, peer, opcode, payload, may_refuse=count >= 100)


@check(BOTH_FORMS, needs=[Need.ECHO], each=[param("3", 3), param("100", 100)])
async def text_in_fragments(target: Target, count: int) -> None:
    """A text message in three and in a hundred fragments comes back whole."""
    await _exchange_in(target, Opcode.TEXT, count)


@check(BOTH_FORMS, needs=[Need.BINARY_ECHO], each=[param("2", 2), param("3", 3), param("100", 100)])
async def binary_in_fragments(target: Target, count: int) -> None:
    """A binary message in two, three and a hundred fragments comes back whole."""
    await _exchange_in(target, Opcode.BINARY, count)


@check(BOTH_FORMS, needs=[Need.ECHO], autobahn=["10.1.1"])
async def message_in_1300_byte_fragments(target: Target) -> None:
    """A text message of 65,536 bytes in fragments of 1,300 bytes comes back whole, unless a limit forbids it."""
    payload = target.nonce().ljust(65536, b"*")
    async with target.connect() as peer:
        await peer.send(*fragments(Opcode.TEXT, *cut(payload, 1300)))
        await expect_whole(target, peer, Opcode.TEXT, payload, may_refuse=True)


@check(BOTH_FORMS, needs=[Need.ECHO])
async def fragmented_and_unfragmented_in_turn(target: Target) -> None:
    """Messages with and without fragments come back on one connection, each on its own."""
    async with target.connect() as peer:
        for count in (1, 2, 1, 3, 1):
            payload = target.nonce()
            with naming(target, "unfragmented" if count == 1 else f"in {count} fragments"):
                await peer.send(*fragments(Opcode.TEXT, *into(payload, count)))
                await expect_whole(target, peer, Opcode.TEXT, payload)


@check("rfc6455-5.4-3", needs=[Need.ECHO])
async def fragments_keep_their_order(target: Target) -> None:
    """The content of twenty numbered fragments comes back in the order in which they were sent."""
    parts = [target.nonce(), *(b" %02d" % number for number in range(20))]
    async with target.connect() as peer:
        await peer.send(*fragments(Opcode.TEXT, *parts))
        got = await answer_to(target, peer, Opcode.TEXT, b"".join(parts))
    expected = target.echo.of(Opcode.TEXT, b"".join(parts))[1]
    if isinstance(got, Message) and got.payload == expected:
        return
    if isinstance(got, ReceivedFrame) and got.close_code in LIMITS:
        raise Undetermined(f"a message of {len(parts)} fragments is refused: {got}")
    numbers = " ".join(part.decode().strip() for part in parts[1:])
    observed = f"nothing within {target.patience:g} s" if got is None else str(got)
    if isinstance(got, Message):
        observed = f"'{got.payload[:200].decode(errors='replace')}'"
    raise Violation(f"the fragments in their order: {numbers}", observed, silence=got is None)


@check(
    ANY_SIZE,
    BOTH_FORMS,
    needs=[Need.ECHO],
    each=[
        param("empty-first", (0, 1)),
        param("empty-middle", (1, 0, 1)),
        param("empty-last", (1, 0)),
        param("empty-first-and-last", (0, 1, 0)),
        param("only-empty", (0, 0, 0)),
        param("octets", (1,) * 24),
    ],
)
async def fragments_of_any_size(target: Target, filled: tuple[int, ...]) -> None:
    """Fragments may be as small as one octet, and empty."""
    word = target.nonce()
    payload = word.ljust(sum(filled), b"*") if any(filled) else b""
    rest = iter(into(payload, max(sum(filled), 1)))
    parts = [next(rest) if full else b"" for full in filled]
    async with target.connect() as peer:
        await peer.send(*fragments(Opcode.TEXT, *parts))
        try:
            await expect_whole(target, peer, Opcode.TEXT, payload, ANY_SIZE, BOTH_FORMS)
        except Violation:
            code = peer.close_received.close_code if peer.close_received else None
            if code not in LIMITS:
                raise
            target.findings.made.clear()
            target.findings.holds(f"refused by a limit: Close {code}")


@check("rfc6455-5.4-12", needs=[Need.ECHO])
async def fragmented_text_stays_text(target: Target) -> None:
    """The first fragment says that a message is text."""
    await _keeps_type(target, Opcode.TEXT)


@check("rfc6455-5.4-12", needs=[Need.BINARY_ECHO])
async def fragmented_binary_stays_binary(target: Target) -> None:
    """The first fragment says that a message is binary."""
    await _keeps_type(target, Opcode.BINARY)


async def _keeps_type(target: Target, opcode: Opcode) -> None:
    payload = target.nonce()
    async with target.connect() as peer:
        await peer.send(*fragments(opcode, *into(payload, 3)))
        got = await answer_to(target, peer, opcode, payload)
    if not isinstance(got, Message):
        raise Undetermined(f"the message did not come back: {got or 'nothing came'}")
    wanted, _ = target.echo.of(opcode, payload)
    if got.opcode != wanted:
        raise Violation(f"a {Opcode(wanted).name.lower()} message in answer", str(got))


@check("rfc6455-5.4-15", needs=[Need.ECHO])
async def content_whatever_the_fragmentation(target: Target) -> None:
    """One and the same content comes back the same however it is cut into fragments."""
    payload = target.nonce() + b" in parts"
    cuts = {
        "in one frame": [payload],
        "in two fragments": into(payload, 2),
        "in five fragments": into(payload, 5),
        "in fragments of one octet": cut(payload, 1),
        "in fragments with empty ones between": [b"", *into(payload, 3), b""],
    }
    async with target.connect() as peer:
        for name, parts in cuts.items():
            with naming(target, name):
                await peer.send(*fragments(Opcode.TEXT, *parts))
                await expect_whole(target, peer, Opcode.TEXT, payload)


# Frames out of place


@dataclass(frozen=True)
class Interleaved:
    """A message begins within another one: the opcode of each, and whether the second is in fragments too."""

    first: Opcode
    second: Opcode
    continued: bool = False


@check(
    "rfc6455-5.4-4",
    each=[
        param("text-in-text", Interleaved(Opcode.TEXT, Opcode.TEXT), autobahn=["5.18"]),
        param("binary-in-text", Interleaved(Opcode.TEXT, Opcode.BINARY)),
        param("fragmented-text-in-binary", Interleaved(Opcode.BINARY, Opcode.TEXT, continued=True)),
    ],
)
async def interleaved_messages(target: Target, case: Interleaved) -> None:
    """A new message before the fragmented one is complete fails the connection."""
    first, second, third = (target.nonce(f"fragment{number}") for number in (1, 2, 3))
    kinds = target.taking(case.first), target.taking(case.second)
    frames = [Frame(kinds[0], first, fin=False), Frame(kinds[1], second, fin=not case.continued)]
    if case.continued:
        frames.append(Frame(Opcode.CONTINUATION, third))
    async with target.connect() as peer:
        await peer.send(*frames)
        await peer.expect_failed(
            CloseCode.PROTOCOL_ERROR,
            taken=[second],
            earlier=[first, first + third],
            discard_warns=True,
        )


@dataclass(frozen=True)
class Stray:
    """A continuation frame with no message in progress, and the way in which it and what follows are written."""

    fin: bool
    writing: Writing = Writing.TOGETHER


@check(
    "rfc6455-5.4-14",
    each=[
        param("fin-1", Stray(True), autobahn=["5.9"]),
        param("fin-1-in-segments", Stray(True, Writing.APART), autobahn=["5.10"]),
        param("fin-1-in-octets", Stray(True, Writing.OCTETS), autobahn=["5.11"]),
        param("fin-0", Stray(False), autobahn=["5.12"]),
        param("fin-0-in-segments", Stray(False, Writing.APART), autobahn=["5.13"]),
        param("fin-0-in-octets", Stray(False, Writing.OCTETS), autobahn=["5.14"]),
    ],
)
async def continuation_first(target: Target, case: Stray) -> None:
    """A continuation frame as the first data frame fails the connection; a good text message follows it."""
    stray, text = target.nonce("non-continuation payload"), target.nonce("Hello, world!")
    async with target.connect() as peer:
        await write(peer, case.writing, Frame(Opcode.CONTINUATION, stray, fin=case.fin), Frame(Opcode.TEXT, text))
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[stray], earlier=[text], discard_warns=True)


@check(
    "rfc6455-5.4-14",
    each=[param("fin-0", False, autobahn=["5.16"]), param("fin-1", True, autobahn=["5.17"])],
)
async def continuation_before_fragments(target: Target, fin: bool) -> None:
    """A continuation frame before a fragmented message fails the connection; the whole is sent twice."""
    frames: list[Frame] = []
    strays: list[bytes] = []
    messages: list[bytes] = []
    for _ in range(2):
        stray, start, rest = (target.nonce(f"fragment{number}") for number in (1, 2, 3))
        frames += [Frame(Opcode.CONTINUATION, stray, fin=fin), *fragments(Opcode.TEXT, start, rest)]
        strays.append(stray)
        messages.append(start + rest)
    async with target.connect() as peer:
        await peer.send(*frames)
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=strays, earlier=messages, discard_warns=True)


@check(
    "rfc6455-5.4-14",
    needs=[Need.ECHO],
    each=[param("fin-0", False, autobahn=["5.15"]), param("fin-1", True)],
)
async def continuation_after_message(target: Target, fin: bool) -> None:
    """A continuation frame after a fragmented message that is complete fails the connection."""
    parts = target.nonce("fragment1"), target.nonce("fragment2")
    stray, text = target.nonce("fragment3"), target.nonce("fragment4")
    async with target.connect() as peer:
        await peer.send(*fragments(Opcode.TEXT, *parts))
        got = await answer_to(target, peer, Opcode.TEXT, b"".join(parts))
        if not is_echo(target, got, Opcode.TEXT, b"".join(parts)):
            raise Undetermined(f"the good message that comes first was not echoed: {got or 'nothing came'}")
        await peer.send(Frame(Opcode.CONTINUATION, stray, fin=fin), Frame(Opcode.TEXT, text))
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[stray], earlier=[text], discard_warns=True)


# Control frames between fragments


@check(
    CONTROL_BETWEEN,
    CONTROL_INJECTED,
    needs=[Need.ECHO],
    each=[
        param("one-segment", Writing.TOGETHER, autobahn=["5.6"]),
        param("segments", Writing.APART, autobahn=["5.7"]),
        param("octets", Writing.OCTETS, autobahn=["5.8"]),
    ],
)
async def ping_between_fragments(target: Target, writing: Writing) -> None:
    """A Ping between two fragments is answered, and the message around it comes back whole."""
    ping, start, rest = target.nonce("ping payload"), target.nonce("fragment1"), target.nonce("fragment2")
    first, last = fragments(Opcode.TEXT, start, rest)
    async with target.connect() as peer:
        await write(peer, writing, first, Frame(Opcode.PING, ping), last)
        order = await _pongs_and_echo(target, peer, [ping], start + rest)
    if order == ["echo", "Pong"]:
        target.findings.noted("the Pong comes after the echo of the message", requirement=CONTROL_INJECTED)


async def _pongs_and_echo(target: Target, peer: Peer, pongs: list[bytes], payload: bytes) -> list[str]:
    """Wait for these Pongs and the echo of the text ``payload``; in which order they came.

    Raises Violation of both requirements about control frames within a message where something is missing or wrong.
    """
    expected = "the Ping answered and the message whole"
    wanted = target.echo.of(Opcode.TEXT, payload)[1]
    missing = set(pongs)
    order: list[str] = []
    other: Message | None = None
    clock = asyncio.get_running_loop().time
    deadline = clock() + target.patience
    while missing or "echo" not in order:
        got = await message_or_end(peer, deadline, *missing)
        if isinstance(got, ReceivedFrame) and got.opcode == Opcode.PONG:
            missing.discard(got.payload)
            order.append("Pong")
        elif isinstance(got, Message) and got.payload == wanted:
            order.append("echo")
        elif not isinstance(got, Message):
            lacking = " and ".join(["no Pong"] * bool(missing) + ["no echo"] * ("echo" not in order))
            wrong = other or got
            observed = f"{lacking} within {target.patience:g} s" if wrong is None else str(wrong)
            target.findings.violated(expected, observed, requirement=CONTROL_INJECTED, silence=wrong is None)
            raise Violation(expected, observed, requirement=CONTROL_BETWEEN, silence=wrong is None)
        elif not target.found.chatty and other is None:  # wrong, or something of its own: the echo may still come
            other, deadline = got, min(deadline, clock() + peer.quiet)
    return order


@check(
    AT_ONCE,
    ANSWER,
    CONTROL_BETWEEN,
    needs=[Need.ECHO],
    each=[
        param("one-segment", Writing.TOGETHER, autobahn=["5.19"]),
        param("segments", Writing.APART, autobahn=["5.20"]),
    ],
)
async def pings_between_fragments(target: Target, writing: Writing) -> None:
    """Pings between the fragments of a message are answered before its last fragment is sent."""
    parts = [target.nonce(f"fragment{number}") for number in range(1, 6)]
    frames = fragments(Opcode.TEXT, *parts)
    pings = [target.nonce(f"pongme {number}!") for number in (1, 2)]
    late: list[bytes] = []
    async with target.connect() as peer:
        for ping, before in zip(pings, (frames[:2], frames[2:4]), strict=True):
            await write(peer, writing, *before, Frame(Opcode.PING, ping))
            if late:
                late.append(ping)
                continue
            wait = await wait_for_pong(peer, ping)
            if wait.end is not None:
                raise Violation("the connection goes on", str(wait.end), requirement=CONTROL_BETWEEN)
            if not wait.answered:
                late.append(ping)
        await write(peer, writing, frames[4])
        missing = await _still_missing(target, peer, late, b"".join(parts))
    if missing:
        expected, observed = "each Ping is answered", f"{len(missing)} of 2 Pings unanswered in {target.patience:g} s"
        target.findings.violated(expected, observed, requirement=ANSWER, silence=True)
    elif late:
        expected, observed = "the Pong before the message is complete", "the Pong only after the last fragment"
        target.findings.violated(expected, observed, requirement=AT_ONCE, silence=True)


async def _still_missing(target: Target, peer: Peer, pongs: list[bytes], payload: bytes) -> set[bytes]:
    """Wait for the echo of ``payload`` and these Pongs; which Pongs never came. Raises Violation without the echo.

    Only the latest of several Pings has to be answered (section 5.5.3).
    """
    wanted = target.echo.of(Opcode.TEXT, payload)[1]
    latest = set(pongs[-1:])
    echoed = False
    other: Message | None = None
    clock = asyncio.get_running_loop().time
    deadline = clock() + target.patience
    while latest or not echoed:
        got = await message_or_end(peer, deadline, *latest)
        if isinstance(got, ReceivedFrame) and got.opcode == Opcode.PONG:
            latest.clear()
        elif isinstance(got, Message) and got.payload == wanted:
            echoed = True
        elif got is None and echoed:
            break
        elif not isinstance(got, Message):
            wrong = other or got
            observed = f"nothing within {target.patience:g} s" if wrong is None else str(wrong)
            raise Violation("the message whole", observed, requirement=CONTROL_BETWEEN, silence=wrong is None)
        elif not echoed and not target.found.chatty and other is None:
            other, deadline = got, min(deadline, clock() + peer.quiet)
    return latest


@check(CONTROL_BETWEEN, needs=[Need.ECHO])
async def pong_between_fragments(target: Target) -> None:
    """An unsolicited Pong between two fragments is ignored, and the message around it comes back whole."""
    start, rest = target.nonce("fragment1"), target.nonce("fragment2")
    first, last = fragments(Opcode.TEXT, start, rest)
    async with target.connect() as peer:
        await peer.send(first, Frame(Opcode.PONG, target.nonce("pong")), last)
        await expect_whole(target, peer, Opcode.TEXT, start + rest)


@check(
    CONTROL_BETWEEN,
    each=[param("unfinished", False), param("before-the-last", True, autobahn=["7.1.5"])],
)
async def close_between_fragments(target: Target, finished: bool) -> None:
    """A Close within a fragmented message is answered by a Close."""
    first, last = fragments(target.data_opcode, target.nonce("fragment1"), target.nonce("fragment2"))
    frames = [first, close_frame(CloseCode.NORMAL_CLOSURE)]
    async with target.connect() as peer:
        await peer.send(*frames, *([last] if finished else []))
        end = await _close_or_end(peer)
    if end is None:
        raise Violation("a Close in answer", f"none within {target.patience:g} s", silence=True)
    if isinstance(end, Ended):
        if finished and end.how is TcpEnd.RST:
            raise Undetermined("the RST for the frame after the Close may have destroyed the Close in answer")
        raise Violation("a Close in answer", str(end))
    if end.close_code == CloseCode.PROTOCOL_ERROR:
        target.findings.noted("a Close within a fragmented message is answered with 1002")


async def _close_or_end(peer: Peer) -> Event | None:
    """The Close or the end of TCP that comes next, whatever comes before; None where neither does."""
    while True:
        try:
            event = await peer.next_event()
        except Silence:
            return None
        if Peer.is_end(event):
            return event


# Fragments that the target sends


@check("rfc6455-5.4-13", watches=True)
async def sent_fragments(target: Target) -> None:
    """The frames of the target's own messages follow one another as section 5.4 says."""
    async with target.connect() as peer:
        if target.found.echo is None:
            await peer.fence()
            return
        payload = target.nonce().ljust(65536, b"*")
        await peer.send(*fragments(Opcode.TEXT, *cut(payload, 1300)))
        if await answer_to(target, peer, Opcode.TEXT, payload) is None:
            await good_message(target, peer)


# Properties


@check(BOTH_FORMS, CONTROL_BETWEEN, SEGMENTATION, needs=[Need.ECHO], given=_given.fragmented_message)
async def any_fragmentation(target: Target, program: Program) -> None:
    """Any message comes back whole, however it is cut into fragments and segments, with any control frames between."""
    await expect_exchange(target, program, BOTH_FORMS, attribute=True)


@check("rfc6455-5.4-14", "rfc6455-5.4-4", NOTHING_AFTER, given=_given.out_of_place)
async def any_frame_out_of_place(target: Target, program: BrokenProgram) -> None:
    """After any legal program a continuation of nothing, or a message inside another, fails the connection."""
    await expect_broken(target, program)
