"""Control frames: Ping, Pong and their limits (RFC 6455, sections 5.5, 5.5.2 and 5.5.3)."""

from __future__ import annotations

from collections import Counter

from ..check import Need, Undetermined, Violation, check, param
from ..peer import Ended, Peer, Silence
from ..program import BrokenProgram, Program, Segments
from ..target import Target
from ..wire.frames import (
    MAX_CONTROL_PAYLOAD,
    CloseCode,
    Frame,
    Opcode,
    ReceivedFrame,
    close_frame,
    close_payload,
    describe,
    shown,
)
from . import _given
from ._broken_programs import NOTHING_AFTER, expect_broken
from ._framing import ended_with
from ._pings import ANSWER, SAME_DATA, Writing, judge_pong, wait_for_pong, write
from ._programs import send_cut

WITH_DATA = "rfc6455-5.5.2-1"
LATEST_ONLY = "rfc6455-5.5.3-2"
UNSOLICITED_SENT = "rfc6455-5.5.3-3"
UNSOLICITED_TAKEN = "rfc6455-5.5.3-4"


@check(
    ANSWER,
    WITH_DATA,
    SAME_DATA,
    each=[
        param("empty", b"", autobahn=["2.1"], requirements=[ANSWER, SAME_DATA]),
        param("1-byte", b"?"),
        param("text", b"Hello, world!", autobahn=["2.2"]),
        param("binary", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", autobahn=["2.3"]),
        param("124-bytes", b"\x00\xff" * 62),
        param("125-bytes", b"\xfe" * 125, autobahn=["2.4"]),
    ],
)
async def ping_is_answered(target: Target, payload: bytes) -> None:
    """A Ping is answered by a Pong with the same payload."""
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.PING, payload))
        await judge_pong(target, peer, payload, *([WITH_DATA] if payload else []))


@check(ANSWER, SAME_DATA, autobahn=["2.6"])
async def ping_in_octets(target: Target) -> None:
    """A Ping is answered although each of its octets comes in a TCP segment of its own."""
    payload = b"\xfe" * 125
    async with target.connect() as peer:
        await write(peer, Writing.OCTETS, Frame(Opcode.PING, payload))
        await judge_pong(target, peer, payload)


@check(SAME_DATA, ANSWER)
async def pong_repeats_every_length(target: Target) -> None:
    """Pings of 0 to 125 bytes, each sent after the Pong of the one before, all come back as they were."""
    octets = bytes(range(256))
    async with target.connect() as peer:
        for length in range(MAX_CONTROL_PAYLOAD + 1):
            payload = octets[length : length + length]
            await peer.send(Frame(Opcode.PING, payload))
            await judge_pong(target, peer, payload, where=f"of {length} bytes")


@check(ANSWER, SAME_DATA, needs=[Need.ECHO])
async def ping_between_messages(target: Target) -> None:
    """A Ping is answered before, between and after messages."""
    async with target.connect() as peer:
        for where in ("before the first message", "after one message", "after two messages"):
            if where != "before the first message":
                await _echo(target, peer)
            ping = target.nonce("ping")
            await peer.send(Frame(Opcode.PING, ping))
            await judge_pong(target, peer, ping, where=where)


async def _echo(target: Target, peer: Peer) -> None:
    """Exchange a message, so that the application has nothing left to do. Raises Undetermined if it does not echo."""
    try:
        await peer.echo(target.nonce())
    except Violation as violation:
        raise Undetermined(f"a message did not come back: {violation.observed}") from None


@check(
    LATEST_ONLY,
    ANSWER,
    each=[
        param("one-segment", Writing.TOGETHER, autobahn=["2.10"]),
        param("octets", Writing.OCTETS, autobahn=["2.11"]),
    ],
)
async def several_pings_at_once(target: Target, writing: Writing) -> None:
    """Of ten Pings sent without waiting at least the last is answered."""
    payloads = [b"payload-%d" % number for number in range(10)]
    async with target.connect() as peer:
        await write(peer, writing, *(Frame(Opcode.PING, payload) for payload in payloads))
        before = await judge_pong(target, peer, payloads[-1], LATEST_ONLY, others_pending=True)
        later = await peer.fence()
    events = [*before, *later]
    pongs = [event.payload for event in events if isinstance(event, ReceivedFrame) and event.opcode == Opcode.PONG]
    pongs.insert(sum(frame.opcode == Opcode.PONG for frame in before), payloads[-1])
    _note_which_pongs(target, payloads, pongs)


def _note_which_pongs(target: Target, pings: list[bytes], pongs: list[bytes]) -> None:
    """Say which way the target goes where several Pings were pending; all of it is legal."""
    strangers = [payload for payload in pongs if payload not in pings]
    answers = [payload for payload in pongs if payload in pings]
    if strangers:
        target.findings.noted(f"a Pong that matches no Ping: {shown(strangers[0])}", requirement=LATEST_ONLY)
    if len(set(answers)) < len(answers):
        target.findings.noted("more than one Pong for the same Ping", requirement=LATEST_ONLY)
    if len(set(answers)) < len(pings):
        target.findings.noted(f"only {len(set(answers))} of {len(pings)} Pings are answered", requirement=LATEST_ONLY)
    if sorted(answers) != answers:
        target.findings.noted("the Pongs come in another order than the Pings", requirement=LATEST_ONLY)


@check(
    UNSOLICITED_TAKEN,
    UNSOLICITED_SENT,
    ANSWER,
    each=[
        param("empty", [b""], autobahn=["2.7"]),
        param("text", [b"unsolicited pong payload"], autobahn=["2.8", "2.9"]),
        param("125-bytes", [b"\xfe" * 125]),
        param("two", [b"", b"unsolicited pong payload"]),
    ],
)
async def unsolicited_pong(target: Target, payloads: list[bytes]) -> None:
    """A Pong that nobody asked for is ignored, and a Ping after it is answered."""
    ends: list[str] = []
    for _ in range(2):  # what ends the connection once may be the target's own affair
        async with target.connect() as peer:
            ping = target.nonce("ping payload")
            await peer.send(*(Frame(Opcode.PONG, payload) for payload in payloads), Frame(Opcode.PING, ping))
            wait = await wait_for_pong(peer, ping)
        if wait.answered:
            _note_answers(target, payloads, wait.before)
            return
        if wait.end is None:
            expected, observed = "the Ping after the Pong is answered", f"no Pong within {peer.patience:g} s"
            target.findings.violated(expected, observed, requirement=UNSOLICITED_SENT, silence=True)
            raise Violation(expected, observed, requirement=ANSWER, silence=True)
        ends.append(str(wait.end))
    expected, observed = "the Pong is ignored and the connection goes on", f"twice in a row it ended: {', '.join(ends)}"
    target.findings.violated(expected, observed, requirement=UNSOLICITED_SENT)
    raise Violation(expected, observed)


def _note_answers(target: Target, payloads: list[bytes], frames: list[ReceivedFrame]) -> None:
    """Say so where the payload of an unsolicited Pong has come back, which nothing forbids."""
    for frame in frames:
        if frame.payload and frame.payload in payloads:
            target.findings.noted(f"an unsolicited Pong is answered: {describe(frame)}", requirement=UNSOLICITED_SENT)
            return


@check(
    "rfc6455-5.5-2",
    each=[
        param("ping", (Opcode.PING, 126), autobahn=["2.5"]),
        param("pong", (Opcode.PONG, 126)),
        param("close", (Opcode.CLOSE, 126)),
        param("ping-65536-bytes", (Opcode.PING, 65536)),
        param("pong-65536-bytes", (Opcode.PONG, 65536)),
        param("close-65536-bytes", (Opcode.CLOSE, 65536)),
    ],
)
async def payload_over_125(target: Target, case: tuple[Opcode, int]) -> None:
    """A control frame whose payload is longer than 125 bytes fails the connection."""
    opcode, length = case
    payload = close_payload(CloseCode.NORMAL_CLOSURE) if opcode == Opcode.CLOSE else b""
    payload = (payload + target.nonce()).ljust(length, b"*" if opcode == Opcode.CLOSE else b"\xfe")
    async with target.connect() as peer:
        await peer.send(Frame(opcode, payload))
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[payload], discard_warns=True)


@check(
    "rfc6455-5.5-3",
    each=[
        param("ping", (Opcode.PING, False)),
        param("pong", (Opcode.PONG, False)),
        param("close", (Opcode.CLOSE, False)),
        param("ping-and-continuation", (Opcode.PING, True), autobahn=["5.1"]),
        param("pong-and-continuation", (Opcode.PONG, True), autobahn=["5.2"]),
        param("close-and-continuation", (Opcode.CLOSE, True)),
    ],
)
async def fragmented_control_frame(target: Target, case: tuple[Opcode, bool]) -> None:
    """A control frame with FIN=0 fails the connection, alone and with a continuation frame after it."""
    opcode, continued = case
    start = close_payload(CloseCode.NORMAL_CLOSURE) if opcode == Opcode.CLOSE else target.nonce("fragment1")
    rest = target.nonce("fragment2")
    frames = [Frame(opcode, start, fin=False)]
    if continued:
        frames.append(Frame(Opcode.CONTINUATION, rest))
    async with target.connect() as peer:
        await peer.send(*frames)
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[start, rest, start + rest], discard_warns=True)


@check("rfc6455-5.5.2-4")
async def pings_of_the_target(target: Target) -> None:
    """A target may send Pings of its own; they are answered, and the connection goes on."""
    async with target.connect() as peer:
        await peer.fence()
        if not peer.pings_received:
            return
        await peer.expect_alive()
        target.findings.noted("the target sends Pings of its own accord")


@check("rfc6455-5.5.2-5", autobahn=["7.1.3"])
async def ping_after_close(target: Target) -> None:
    """After a Close a Ping need not be answered any more."""
    pong: str | None = None
    closed = False
    async with target.connect() as peer:
        await peer.send(close_frame(CloseCode.NORMAL_CLOSURE), Frame(Opcode.PING))
        while True:
            try:
                event = await peer.next_event()
            except Silence:
                break
            if isinstance(event, Ended):
                closed = True
                break
            if event.opcode == Opcode.PONG and not event.payload:
                pong = f"a Ping after the Close was answered, {'after' if closed else 'before'} the target's own Close"
            closed = closed or event.opcode == Opcode.CLOSE
    if pong is not None:
        target.findings.noted(pong)
    elif not closed:
        raise Undetermined("the Close was not answered")


@check("rfc6455-5.4-2", watches=True)
async def sent_control_frames_are_whole(target: Target) -> None:
    """The target never fragments a control frame."""
    await _provoke_control_frames(target)


@check("rfc6455-5.5-1", watches=True)
async def sent_control_frames_are_short(target: Target) -> None:
    """The target's control frames carry at most 125 bytes, also in answer to the longest Ping and the longest Close."""
    await _provoke_control_frames(target)


async def _provoke_control_frames(target: Target) -> None:
    """Have the target send a Pong and a Close; what they look like is read along (see lint.py)."""
    frames = (
        (Opcode.PONG, Frame(Opcode.PING, b"*" * MAX_CONTROL_PAYLOAD)),
        (Opcode.CLOSE, close_frame(CloseCode.NORMAL_CLOSURE, "*" * (MAX_CONTROL_PAYLOAD - 2))),
    )
    seen = False
    async with target.connect() as peer:
        for answer, frame in frames:
            await peer.send(frame)
            seen = await _comes(peer, answer) or seen
    if not seen:
        raise Undetermined("the target sent no control frame")


async def _comes(peer: Peer, opcode: Opcode) -> bool:
    """Whether such a frame comes before the end of the connection or of the patience."""
    while True:
        try:
            event = await peer.next_event()
        except Silence:
            return False
        if isinstance(event, Ended):
            return False
        if event.opcode == opcode:
            return True


# Properties


@check(ANSWER, SAME_DATA, LATEST_ONLY, given=_given.pings)
async def any_pings(target: Target, program: Program) -> None:
    """Of any Pings the last is answered, each at most once, wherever TCP cuts them and a message stands between."""
    pings = program.pings
    async with target.connect() as peer:
        await send_cut(target, peer, program.frames, program.segments)
        try:
            before = await judge_pong(target, peer, pings[-1], others_pending=len(pings) > 1)
        except Violation:
            await _expect_data_taken(target, program)
            raise
        later = await peer.fence()
    frames = [event for event in [*before, *later] if isinstance(event, ReceivedFrame)]
    pongs = Counter([pings[-1], *(frame.payload for frame in frames if frame.opcode == Opcode.PONG)])
    for payload, count in pongs.items():
        if payload and count > pings.count(payload) > 0:  # an empty one may be a heartbeat
            expected = f"a Pong for each Ping with {shown(payload)}"
            target.findings.violated(expected, f"{count} Pongs for {pings.count(payload)}", requirement=LATEST_ONLY)


async def _expect_data_taken(target: Target, program: Program) -> None:
    """Raises Undetermined where the data frames of the program end the connection without its Pings."""
    data = [frame for frame in program.frames if not frame.is_control]
    if not data:
        return
    async with target.connect() as peer:
        await send_cut(target, peer, data, Segments())
        if (end := ended_with(await peer.fence())) is not None:
            raise Undetermined(f"the message around the Pings ends the connection without them, too: {end}")


@check("rfc6455-5.5-3", "rfc6455-5.5-2", NOTHING_AFTER, given=_given.bad_control)
async def any_illegal_control_frame(target: Target, program: BrokenProgram) -> None:
    """A control frame that is too long or fragmented fails the connection at any place of a legal program."""
    await expect_broken(target, program)
