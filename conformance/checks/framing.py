"""Base framing: header bits, opcodes, lengths, messages and segments (RFC 6455, sections 5.2, 5.6, 5.8, 6 and 10.4)."""

from __future__ import annotations

import asyncio
from typing import Final

from ..check import Need, Undetermined, Violation, check, param
from ..link import TcpEnd
from ..peer import Ended, Event, Message, Peer, Silence
from ..program import BrokenProgram, PlannedFrame, Program
from ..target import Target
from ..wire.frames import CloseCode, Frame, LengthForm, Opcode, ReceivedFrame, close_payload, fragments
from . import _given
from ._broken_programs import NOTHING_AFTER, expect_broken
from ._framing import (
    EIGHT_BYTES,
    ODD_CHUNK,
    SIZES,
    Answer,
    answer_to,
    ended_with,
    good_message,
    is_echo,
    message_or_end,
    naming,
    of_size,
    others_are_served,
    varied,
)
from ._framing_echoes import (
    LONG,
    ONE_FRAME,
    account,
    expect_echoes,
    judge_joining,
    judge_one_frame,
    judge_size,
    take_known,
)
from ._pings import Writing, write
from ._row import judge_row

PROTOCOL_ERROR: Final = CloseCode.PROTOCOL_ERROR
NOT_UTF8: Final = CloseCode.INVALID_PAYLOAD
SIZE_REQUIREMENTS: Final = ("rfc6455-5.2-15", "rfc6455-5.2-12")
LONG_SIZE_REQUIREMENTS: Final = (*SIZE_REQUIREMENTS, "rfc6455-5.2-11")
CHOPPED_REQUIREMENTS: Final = (*LONG_SIZE_REQUIREMENTS, "rfc6455-6.2-1")


def quiet(target: Target) -> float:
    """Seconds of silence after which a target that may wait is taken to wait; only where no fence is possible."""
    return target.patience / 8


# -- sizes (5.2) -------------------------------------------------------------------------------------------------


@check(
    *SIZE_REQUIREMENTS,
    needs=[Need.ECHO],
    each=[
        param("0", (0, None), autobahn=["1.1.1"]),
        param("125", (125, None), autobahn=["1.1.2"]),
        param("126", (126, None), autobahn=["1.1.3"], requirements=LONG_SIZE_REQUIREMENTS),
        param("127", (127, None), autobahn=["1.1.4"], requirements=LONG_SIZE_REQUIREMENTS),
        param("128", (128, None), autobahn=["1.1.5"], requirements=LONG_SIZE_REQUIREMENTS),
        param("65535", (65535, None), autobahn=["1.1.6"], requirements=LONG_SIZE_REQUIREMENTS),
        param("65536", (65536, None), autobahn=["1.1.7"], requirements=LONG_SIZE_REQUIREMENTS),
        param("65536-chopped", (65536, ODD_CHUNK), autobahn=["1.1.8"], requirements=CHOPPED_REQUIREMENTS),
    ],
)
async def text_sizes(target: Target, given: tuple[int, int | None]) -> None:
    """A text message of this many bytes is echoed, or refused as too big like all that are bigger."""
    size, chop = given
    await judge_size(target, Opcode.TEXT, b"*" * size, chop)


@check(
    *SIZE_REQUIREMENTS,
    needs=[Need.BINARY_ECHO],
    each=[
        param("0", (0, None), autobahn=["1.2.1"]),
        param("125", (125, None), autobahn=["1.2.2"]),
        param("126", (126, None), autobahn=["1.2.3"], requirements=LONG_SIZE_REQUIREMENTS),
        param("127", (127, None), autobahn=["1.2.4"], requirements=LONG_SIZE_REQUIREMENTS),
        param("128", (128, None), autobahn=["1.2.5"], requirements=LONG_SIZE_REQUIREMENTS),
        param("65535", (65535, None), autobahn=["1.2.6"], requirements=LONG_SIZE_REQUIREMENTS),
        param("65536", (65536, None), autobahn=["1.2.7"], requirements=LONG_SIZE_REQUIREMENTS),
        param("65536-chopped", (65536, ODD_CHUNK), autobahn=["1.2.8"], requirements=CHOPPED_REQUIREMENTS),
    ],
)
async def binary_sizes(target: Target, given: tuple[int, int | None]) -> None:
    """A binary message of this many bytes is echoed, or refused as too big like all that are bigger."""
    size, chop = given
    await judge_size(target, Opcode.BINARY, b"\xfe" * size, chop)


# -- what an echo tells of a single frame (5.2, 6.1, 6.2) -----------------------------------------------------------


@check(*ONE_FRAME, needs=[Need.ECHO])
async def text_in_one_frame(target: Target) -> None:
    """A text message in one frame, first and final, comes back as text, unmasked and with nothing added."""
    await judge_one_frame(target, Opcode.TEXT)


@check(*ONE_FRAME, needs=[Need.BINARY_ECHO])
async def binary_in_one_frame(target: Target) -> None:
    """A binary message in one frame, first and final, comes back as binary, unmasked and with nothing added."""
    await judge_one_frame(target, Opcode.BINARY)


@check("rfc6455-5.6-4", needs=[Need.BINARY_ECHO])
async def any_binary_payload(target: Target) -> None:
    """A binary message may hold any bytes, also such as are no UTF-8, and comes back unchanged."""
    payloads = {
        "all 256 byte values": bytes(range(256)),
        "bytes that are nowhere UTF-8": target.nonce("binary") + b"\xc0\x80\xed\xa0\x80\xf8\x88\x80\x80\x80\xff\xfe",
        "an unfinished character at the end": target.nonce("binary") + b"\xf0\x9f\x98",
    }
    async with target.connect() as peer:
        for what, payload in payloads.items():
            with naming(target, what):
                await peer.send(Frame(Opcode.BINARY, payload))
                got = await answer_to(target, peer, Opcode.BINARY, payload)
                if is_echo(target, got, Opcode.BINARY, payload):
                    continue
                if got is None:
                    raise Violation("an identical binary echo", f"nothing within {target.patience:g} s", silence=True)
                refused = isinstance(got, Ended) or (isinstance(got, ReceivedFrame) and got.close_code != NOT_UTF8)
                if not refused:
                    raise Violation("an identical binary echo", str(got))
                target.findings.holds(f"refused: {got}")
                return


# -- what every frame of the target tells (5.2, 5.8, 6.1) ------------------------------------------------------------


async def _ordinary_traffic(target: Target, peer: Peer, sizes: tuple[int, ...] = (5, LONG)) -> None:
    """A Ping, echoes where the target is known to echo, a closing handshake: what the target sends is read along."""
    await peer.send(Frame(Opcode.PING, of_size(target.nonce(), 125)))
    try:
        await peer.fence()
    except Undetermined:
        pass  # whether Pings are answered is judged elsewhere
    for size in sizes if target.found.echo is not None else ():
        payload = varied(Opcode.TEXT, target.nonce("size"), size)
        await peer.send(Frame(Opcode.TEXT, payload))
        if not isinstance(await answer_to(target, peer, Opcode.TEXT, payload), Message):
            return
    await peer.send(Frame(Opcode.CLOSE, close_payload(CloseCode.NORMAL_CLOSURE)))
    await peer.drain(quiet(target))


@check("rfc6455-5.2-2", "rfc6455-5.8-1", watches=True)
async def no_extension_is_used(target: Target) -> None:
    """Where no extension was negotiated the target uses neither reserved bits nor reserved opcodes."""
    async with target.connect() as peer:
        await _ordinary_traffic(target, peer)


@check("rfc6455-5.2-9", watches=True, long=True)
async def lengths_are_minimal(target: Target) -> None:
    """Every frame tells its length in the fewest bytes that can hold it."""
    async with target.connect() as peer:
        await _ordinary_traffic(target, peer, SIZES)


@check("rfc6455-5.2-7", watches=True)
async def lengths_have_63_bits(target: Target) -> None:
    """No frame tells a 64-bit length with its top bit set."""
    async with target.connect() as peer:
        await _ordinary_traffic(target, peer, (65536,))


@check("rfc6455-5.2-13", watches=True)
async def no_masking_key(target: Target) -> None:
    """No frame of the target has the MASK bit set and a masking key."""
    async with target.connect() as peer:
        await _ordinary_traffic(target, peer)


@check("rfc6455-6.1-3", watches=True)
async def only_whole_frames(target: Target) -> None:
    """After the 101 the target sends nothing but whole frames with opcodes that RFC 6455 defines."""
    async with target.connect() as peer:
        await _ordinary_traffic(target, peer)
        if peer.ended is TcpEnd.FIN and not peer.at_frame_boundary:
            raise Violation("whole frames up to the end of TCP", f"a part of a frame: {peer.partial_frame!r}")


# -- reserved bits (5.2) ---------------------------------------------------------------------------------------------


RESERVED_BITS: Final = {
    "rsv1": 4,
    "rsv2": 2,
    "rsv3": 1,
    "rsv1-rsv2": 6,
    "rsv1-rsv3": 5,
    "rsv2-rsv3": 3,
    "rsv1-rsv2-rsv3": 7,
}


@check(
    "rfc6455-5.2-3",
    each=[param(name, rsv, autobahn={"rsv3": ["3.1"]}.get(name, [])) for name, rsv in RESERVED_BITS.items()],
)
async def reserved_bits(target: Target, rsv: int) -> None:
    """A text frame with reserved bits to which no extension gives a meaning fails the connection."""
    async with target.connect() as peer:
        payload = of_size(target.nonce("f"), 13)
        await peer.send(Frame(Opcode.TEXT, payload, rsv=rsv))
        await peer.expect_failed(PROTOCOL_ERROR, taken=[payload])


@check(
    "rfc6455-5.2-3",
    each=[
        param("binary", Opcode.BINARY, autobahn=["3.5", "3.6"]),
        param("continuation", Opcode.CONTINUATION),
        param("ping", Opcode.PING),
        param("pong", Opcode.PONG),
        param("close", Opcode.CLOSE, autobahn=["3.7"]),
    ],
    long=True,
)
async def reserved_bits_in_other_frames(target: Target, opcode: Opcode) -> None:
    """A frame of this kind with any of the reserved bits fails the connection, also after a good message."""
    for name, rsv in RESERVED_BITS.items():
        for after in (False, True) if target.found.echo is not None else (False,):
            with naming(target, f"{name.upper()}{' after a good message' if after else ''}"):
                async with target.connect() as peer:
                    if after:
                        await good_message(target, peer)
                    frames, taken = _with_reserved_bits(target, opcode, rsv)
                    await peer.send(*frames)
                    await peer.expect_failed(PROTOCOL_ERROR, taken=taken)


def _with_reserved_bits(target: Target, opcode: Opcode, rsv: int) -> tuple[list[Frame], list[bytes]]:
    """Frames of which the last has those bits, and the payloads that would show that it was taken as valid."""
    word = of_size(target.nonce("f"), 13)
    if opcode == Opcode.CONTINUATION:
        return [Frame(target.data_opcode, b"first-", fin=False), Frame(opcode, word, rsv=rsv)], [b"first-" + word]
    if opcode == Opcode.CLOSE:  # empty as in Autobahn 3.7, else with a code whose return shows a normal reply
        return [Frame(opcode, close_payload(None if rsv == 7 else CloseCode.NORMAL_CLOSURE), rsv=rsv)], []
    if opcode == Opcode.BINARY and rsv == 5:  # Autobahn 3.5
        word = EIGHT_BYTES
    return [Frame(opcode, word, rsv=rsv)], [word]


@check(
    "rfc6455-5.2-3",
    needs=[Need.ECHO],
    each=[
        param("rsv1", (4, Writing.OCTETS), autobahn=["3.4"]),
        param("rsv2", (2, Writing.TOGETHER), autobahn=["3.2"]),
        param("rsv3", (1, Writing.TOGETHER)),
        param("rsv1-rsv2", (6, Writing.TOGETHER)),
        param("rsv1-rsv3", (5, Writing.TOGETHER)),
        param("rsv2-rsv3", (3, Writing.APART), autobahn=["3.3"]),
        param("rsv1-rsv2-rsv3", (7, Writing.TOGETHER)),
    ],
)
async def reserved_bits_after_message(target: Target, given: tuple[int, Writing]) -> None:
    """After a good message a text frame with reserved bits fails the connection; the Ping behind it is not answered."""
    rsv, writing = given
    async with target.connect() as peer:
        payload = of_size(target.nonce("f"), 13)
        await _fails_after_message(target, peer, Frame(Opcode.TEXT, payload, rsv=rsv), writing)


async def _fails_after_message(target: Target, peer: Peer, bad: Frame, writing: Writing) -> None:
    """A good message and its echo, then the bad frame with a Ping right behind it."""
    first = of_size(target.nonce("good"), 13)
    await write(peer, writing, Frame(Opcode.TEXT, first))
    if not is_echo(target, got := await answer_to(target, peer, Opcode.TEXT, first), Opcode.TEXT, first):
        raise Undetermined(f"the good message that comes first was not echoed, but: {got}")
    ping = target.nonce("ping")  # Autobahn's is empty, and so are Pongs that some servers send as a heartbeat
    await write(peer, writing, bad, Frame(Opcode.PING, ping))
    await peer.expect_failed(PROTOCOL_ERROR, taken=[bad.payload, ping])


# -- reserved opcodes (5.2) ------------------------------------------------------------------------------------------


RESERVED_OPCODES: Final = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
ALONE: Final = {3: ["4.1.1"], 4: ["4.1.2"], 11: ["4.2.1"], 12: ["4.2.2"]}
AFTER_MESSAGE: Final = {5: ["4.1.3"], 6: ["4.1.4"], 7: ["4.1.5"], 13: ["4.2.3"], 14: ["4.2.4"], 15: ["4.2.5"]}


@check(
    "rfc6455-5.2-4", each=[param(str(opcode), opcode, autobahn=ALONE.get(opcode, [])) for opcode in RESERVED_OPCODES]
)
async def reserved_opcodes(target: Target, opcode: int) -> None:
    """A frame with this reserved opcode fails the connection, empty or with a payload."""
    for what, payload in (("empty", b""), ("with a payload", of_size(target.nonce("reserved"), 23))):
        with naming(target, what):
            async with target.connect() as peer:
                await peer.send(Frame(opcode, payload))
                await peer.expect_failed(PROTOCOL_ERROR, taken=[payload])


@check(
    "rfc6455-5.2-4",
    needs=[Need.ECHO],
    each=[param(str(opcode), opcode, autobahn=AFTER_MESSAGE.get(opcode, [])) for opcode in RESERVED_OPCODES],
)
async def reserved_opcodes_after_message(target: Target, opcode: int) -> None:
    """After a good message a frame with this reserved opcode fails the connection; a Ping behind it has no answer."""
    writing = Writing.OCTETS if opcode in (7, 15) else Writing.TOGETHER
    for what, payload in (("empty", b""), ("with a payload", of_size(target.nonce("f"), 13))):
        with naming(target, what):
            async with target.connect() as peer:
                await _fails_after_message(target, peer, Frame(opcode, payload), writing)


@check("rfc6455-5.2-6", "rfc6455-5.2-4", long=True)
async def unfinished_reserved_opcode(target: Target) -> None:
    """A frame with a reserved opcode and FIN=0 fails the connection at once; the Ping behind it is not answered."""
    echoes = target.found.echo is not None
    for opcode in RESERVED_OPCODES:
        for what, payload, after in (("empty", b"", False), ("with a payload", of_size(target.nonce("f"), 13), echoes)):
            with naming(target, f"opcode {opcode} {what}{' after a good message' if after else ''}"):
                async with target.connect() as peer:
                    if after:
                        await good_message(target, peer)
                    await _fails_unfinished(target, peer, Frame(opcode, payload, fin=False))


async def _fails_unfinished(target: Target, peer: Peer, bad: Frame) -> None:
    ping = target.nonce("ping")
    await peer.send(bad, Frame(Opcode.PING, ping))
    try:
        await peer.expect_failed(PROTOCOL_ERROR, taken=[ping, bad.payload], requirement="rfc6455-5.2-4")
    except Violation as found:
        target.findings.violated(found.expected, found.observed, requirement="rfc6455-5.2-6", silence=found.silence)
        raise


@check("rfc6455-5.2-5", each=[param("3", 3), param("11", 11)])
async def reserved_opcode_within_message(target: Target, opcode: int) -> None:
    """Between the fragments of a message a reserved opcode fails the connection, at that frame."""
    expected = "the connection failed at the reserved frame"
    first, second = target.nonce("first"), target.nonce("second")
    async with target.connect() as peer:
        await peer.send(Frame(target.data_opcode, first, fin=False), Frame(opcode, target.nonce("reserved")))
        try:
            if ended_with(await peer.fence()) is not None:
                return
        except Undetermined:
            pass  # it may wait for the rest of the message
        await peer.send(Frame(Opcode.CONTINUATION, second))
        await peer.expect_failed(taken=[first + second])
        target.findings.warned(expected, "it failed only once the message was complete")


# -- lengths that a peer must not send (5.2, 10.4) -------------------------------------------------------------------


@check("rfc6455-5.2-8", each=[param("only-top-bit", 1 << 63), param("all-bits", (1 << 64) - 1)])
async def length_with_top_bit(target: Target, length: int) -> None:
    """A 64-bit length with its top bit set fails the connection at once."""
    async with target.connect() as peer:
        ping = target.nonce("ping")
        # A Ping as payload: where the length is taken for 0, or for a negative number, it is answered.
        inside = Frame(Opcode.PING, ping)
        opcode = target.taking(Opcode.BINARY)
        await peer.send(Frame(opcode, announced=length, length_form=LengthForm.BITS_64), inside)
        await peer.expect_failed(PROTOCOL_ERROR, CloseCode.MESSAGE_TOO_BIG, taken=[ping, b""])


@check(
    "rfc6455-5.2-10",
    each=[
        param("5-bytes-in-16-bits", (5, LengthForm.BITS_16)),
        param("5-bytes-in-64-bits", (5, LengthForm.BITS_64)),
        param("200-bytes-in-64-bits", (200, LengthForm.BITS_64)),
    ],
)
async def nonminimal_length(target: Target, given: tuple[int, LengthForm]) -> None:
    """A length in more bytes than it needs fails the connection, or is read for what it says."""
    size, form = given
    payload = b"Hello" if size == 5 else of_size(target.nonce("long"), size)
    expected = "the connection failed with 1002, or the message taken as it is"
    async with target.connect() as peer:
        await peer.send(Frame(target.data_opcode, payload, length_form=form))
        got: Answer | Event
        if target.found.echo is not None:
            got = await answer_to(target, peer, Opcode.TEXT, payload)
            if got is None:
                raise Violation(expected, f"nothing within {target.patience:g} s", silence=True)
        else:
            got = ended_with(await peer.fence())
        if isinstance(got, Message) and not is_echo(target, got, Opcode.TEXT, payload):
            # It may be a message of the target's own, and the echo late: so it is tried again, alone.
            raise Violation(expected, f"misread: {got}", silence=True)
        if got is None or isinstance(got, Message):
            target.findings.noted(f"lenient: {size} bytes told in {form.value * 8} bits are accepted")
        elif isinstance(got, ReceivedFrame) and got.close_code not in (None, PROTOCOL_ERROR):
            await _takes_messages(target, payload)
            target.findings.warned(expected, str(got))


async def _takes_messages(target: Target, payload: bytes) -> None:
    """Raises Undetermined where a message that is as it should be ends the connection as well."""
    async with target.connect() as peer:
        await peer.send(Frame(target.data_opcode, payload))
        if (end := ended_with(await peer.fence())) is not None:
            raise Undetermined(f"the same message with its length in fewer bytes ends the connection, too: {end}")


@check(
    "rfc6455-10.4-1",
    each=[
        param("2-31", 1 << 31),
        param("2-32", 1 << 32),
        param("2-53", 1 << 53),
        param("2-62", 1 << 62),
        param("2-63-minus-1", (1 << 63) - 1),
    ],
)
async def huge_length(target: Target, length: int) -> None:
    """A frame that announces so many bytes is refused, or its rest is awaited while others are served."""
    async with target.connect() as peer:
        start = target.nonce("start")
        await peer.send(Frame(Opcode.TEXT, start, announced=length, length_form=LengthForm.BITS_64))
        await others_are_served(target, peer, "rfc6455-10.4-1")  # and a target that is busy has had time to read
        deadline = asyncio.get_running_loop().time() + quiet(target)
        got = await message_or_end(peer, deadline)
        while isinstance(got, Message):
            empty = target.found.echo is not None and is_echo(target, got, Opcode.TEXT, b"")  # the length wrapped
            if start in got.payload or empty:
                raise Violation("the frame refused or its rest awaited", f"it was taken as whole: {got}")
            got = await message_or_end(peer, deadline)
        target.findings.holds(f"refused: {got}" if got is not None else "the rest is awaited")


@check("rfc6455-10.4-1")
async def endless_message(target: Target) -> None:
    """A message in ever more fragments (256 of 1 KiB) is refused, or read on while others are served."""
    async with target.connect() as peer:
        parts = [Frame(Opcode.CONTINUATION if at else Opcode.TEXT, b"*" * 1024, fin=False) for at in range(256)]
        ping = target.nonce("ping")
        deadline = asyncio.get_running_loop().time() + quiet(target)
        try:
            await peer.send(*parts, Frame(Opcode.PING, ping))
            got = await message_or_end(peer, deadline, ping)
            while isinstance(got, Message):
                got = await message_or_end(peer, deadline, ping)
        except Violation:  # the target reads no further
            got = None
        await others_are_served(target, peer, "rfc6455-10.4-1")
        ended = got is not None and Peer.is_end(got)
        target.findings.holds(f"refused: {got}" if ended else "read on" if got else "it reads no further, or waits")


# -- failing the connection (7.1.7) ----------------------------------------------------------------------------------


@check(
    "rfc6455-7.1.7-5",
    each=[
        param("rsv2", Frame(Opcode.TEXT, b"bad", rsv=2)),
        param("opcode-3", Frame(3, b"bad")),
    ],
)
async def nothing_after_failure(target: Target, bad: Frame) -> None:
    """Once a frame has failed the connection nothing behind it in the same segment is processed."""
    good, ping, late = target.nonce("good"), target.nonce("ping"), target.nonce("late")
    expected = "no answer to what follows the illegal frame"
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.TEXT, good), bad, Frame(Opcode.PING, ping), Frame(Opcode.TEXT, late))
        deadline = asyncio.get_running_loop().time() + target.patience
        closed = False
        while not isinstance(got := await message_or_end(peer, deadline, ping), Ended):
            if got is None:
                if closed:
                    return  # that TCP is not ended is judged elsewhere
                raise Undetermined("the connection was not failed, and nothing was answered")
            if isinstance(got, Message):
                if late in got.payload:
                    raise Violation(expected, f"a later message was taken: {got}")
            elif got.opcode == Opcode.PONG:
                raise Violation(expected, f"a later Ping was answered: {got}")
            else:
                closed = True


# -- sending and receiving data (6.1, 6.2) ---------------------------------------------------------------------------


@check("rfc6455-6.1-6", "rfc6455-6.1-1", needs=[Need.ECHO])
async def messages_end_with_fin(target: Target) -> None:
    """The last frame of a message that the target sends has FIN=1."""
    payload = varied(Opcode.TEXT, target.nonce("fin"), LONG)
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.TEXT, payload))
        deadline = asyncio.get_running_loop().time() + target.patience
        last: ReceivedFrame | None = None
        while True:
            try:
                event = await peer.next_event(deadline=deadline)
            except Silence:
                break
            if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
                raise Undetermined(f"the message was cut off: {event}")
            if not event.is_control:
                if event.fin and not target.found.chatty:
                    return
                if event.fin and payload in event.payload:
                    return
                last = event
    if last is None:
        raise Undetermined("no echo came")
    if last.fin:
        return
    for requirement in target.findings.requirements:
        target.findings.violated(
            "a last frame with FIN=1", f"the last that came: {last}", requirement=requirement, silence=True
        )


@check("rfc6455-6.1-4", needs=[Need.ECHO])
async def long_messages_in_frames(target: Target) -> None:
    """A long message of the target may come in several frames: they make up the message."""
    for size in (65536, 65535, LONG):
        payload = varied(Opcode.TEXT, target.nonce("long"), size)
        async with target.connect() as peer:
            await peer.send(Frame(Opcode.TEXT, payload))
            got = await answer_to(target, peer, Opcode.TEXT, payload)
        if not isinstance(got, Message):
            continue
        if got.frames > 1:
            target.findings.noted(f"an echo of {size} bytes comes in {got.frames} frames")
        return
    raise Undetermined("no long message was echoed")


@check("rfc6455-6.1-8", needs=[Need.ECHO])
async def every_message_is_answered(target: Target) -> None:
    """Of many messages in a row each is answered, exactly once and in order."""
    words = [target.nonce("row") for _ in range(32)]
    expected = [target.echo.of(Opcode.TEXT, word) for word in words]
    got: list[tuple[int, bytes]] = []
    silent = False
    async with target.connect() as peer:
        await peer.send(*(Frame(Opcode.TEXT, word) for word in words))
        deadline = asyncio.get_running_loop().time() + target.patience
        while not silent and (not got or got[-1] != expected[-1]):
            await take_known(peer, deadline, expected, got)
            silent = asyncio.get_running_loop().time() >= deadline
        if not silent:  # what is sent twice comes behind the last
            await peer.send(Frame(Opcode.TEXT, last := target.nonce("last")))
            end = target.echo.of(Opcode.TEXT, last)
            while not silent and (not got or got[-1] != end):
                await take_known(peer, deadline, [*expected, end], got)
                silent = asyncio.get_running_loop().time() >= deadline
            got = [message for message in got if message != end]
    if got != expected:
        observed = account(expected, got)
        target.findings.violated("each echo exactly once and in order", observed, silence=silent)


@check("rfc6455-6.1-2")
async def messages_only_while_open(target: Target) -> None:
    """Once the target has sent Close it sends no message any more, not even the answer to an earlier one."""
    async with target.connect() as peer:
        words = [target.nonce("before") for _ in range(4)]
        close = Frame(Opcode.CLOSE, close_payload(CloseCode.NORMAL_CLOSURE))
        await peer.send(*(Frame(Opcode.TEXT, word) for word in words), close)
        closed = False
        for event in await peer.drain():
            if isinstance(event, Ended):
                break
            if closed and not event.is_control:
                raise Violation("no message after Close", str(event))
            closed = closed or event.opcode == Opcode.CLOSE
    if not closed:
        raise Undetermined("no Close came")


@check("rfc6455-6.2-2")
async def ping_within_message(target: Target) -> None:
    """A control frame between the fragments of a message is handled as ever: a Ping is answered, a Pong is not."""
    ping = target.nonce("ping")
    async with target.connect() as peer:
        await peer.expect_alive()
        await peer.send(Frame(target.data_opcode, b"first-", fin=False), Frame(Opcode.PONG, target.nonce("pong")))
        await peer.send(Frame(Opcode.PING, ping))
        await peer.expect_pong(ping)
        await peer.send(Frame(Opcode.CONTINUATION, target.nonce("second")))


@check("rfc6455-6.2-4", "rfc6455-6.2-3", needs=[Need.ECHO])
async def fragmented_text(target: Target) -> None:
    """The fragments of a text message are joined, and their type is that of the first."""
    await judge_joining(target, Opcode.TEXT)


@check("rfc6455-6.2-4", "rfc6455-6.2-3", needs=[Need.BINARY_ECHO])
async def fragmented_binary(target: Target) -> None:
    """The fragments of a binary message are joined, and their type is that of the first."""
    await judge_joining(target, Opcode.BINARY)


@check("rfc6455-6.2-5", needs=[Need.ECHO])
async def fragmented_messages_back_to_back(target: Target) -> None:
    """What follows a final fragment belongs to the next message: two messages, each in fragments, are two echoes."""
    opcodes = [Opcode.TEXT] if target.setting.missing(Need.BINARY_ECHO) else [Opcode.TEXT, Opcode.BINARY]
    for opcode in opcodes:
        words = [[target.nonce("one-a"), target.nonce("one-b")], [target.nonce("two-a"), target.nonce("two-b")]]
        with naming(target, opcode.name.lower()):
            async with target.connect() as peer:
                await peer.send(*(frame for parts in words for frame in fragments(opcode, *parts)))
                await expect_echoes(target, peer, [b"".join(parts) for parts in words], opcode)


# -- segments (6.2) --------------------------------------------------------------------------------------------------


@check("rfc6455-6.2-1", needs=[Need.ECHO])
async def one_byte_per_segment(target: Target) -> None:
    """Frames are read alike when each byte comes in a TCP segment of its own."""
    payload = varied(Opcode.TEXT, target.nonce("byte"), 130)
    async with target.connect() as peer:
        await write(peer, Writing.OCTETS, *fragments(Opcode.TEXT, payload[:3], payload[3:]))
        await expect_echoes(target, peer, [payload])


@check("rfc6455-6.2-1", needs=[Need.ECHO])
async def many_frames_per_segment(target: Target) -> None:
    """Frames are read alike when many of them come in one TCP segment."""
    first, *others = (target.nonce("word") for _ in range(4))
    in_bytes = fragments(Opcode.TEXT, *(first[at : at + 1] for at in range(len(first))))
    async with target.connect() as peer:
        await peer.send(*in_bytes, *(Frame(Opcode.TEXT, word) for word in others))
        await expect_echoes(target, peer, [first, *others])


@check(
    "rfc6455-6.2-1",
    needs=[Need.ECHO],
    each=[param("header", 1), param("length", 3), param("key", 6), param("payload", 48)],
)
async def split_frame(target: Target, at: int) -> None:
    """A frame is read alike when a TCP segment ends within this part of it."""
    payload = varied(Opcode.TEXT, target.nonce("split"), 200)
    async with target.connect() as peer, target.connect() as clock:
        data = peer.encoded(Frame(Opcode.TEXT, payload))
        await peer.write(data[:at])
        await clock.fence()  # a round trip: time for the target to read the first segment by itself
        await peer.write(data[at:])
        await expect_echoes(target, peer, [payload])


@check(
    "rfc6455-6.2-8",
    needs=[Need.ECHO, Need.CLEAR],
    each=[param("frame", True), param("message", False)],
)
async def cut_by_half_close(target: Target, within_frame: bool) -> None:
    """What the end of TCP cuts off, a frame or a fragmented message, is not delivered as a message."""
    word = target.nonce("cut")
    frame = Frame(Opcode.TEXT, word, announced=len(word) + 8) if within_frame else Frame(Opcode.TEXT, word, fin=False)
    async with target.connect() as peer:
        await peer.send(frame)
        peer.half_close()
        deadline = asyncio.get_running_loop().time() + target.patience
        while not isinstance(got := await message_or_end(peer, deadline), Ended):
            if got is None:
                target.findings.holds("nothing is delivered; TCP is left open")
                return
            if isinstance(got, Message) and word in got.payload:
                raise Violation("TCP end without a message", f"a complete message: {got}")


# -- properties ------------------------------------------------------------------------------------------------------


@check(*LONG_SIZE_REQUIREMENTS, needs=[Need.ECHO], given=_given.sized_message)
async def any_size(target: Target, message: PlannedFrame) -> None:
    """A message of any size is echoed, or refused as too big like all that are bigger."""
    await judge_size(target, Opcode(message.opcode), message.content, None)


@check("rfc6455-6.1-8", "rfc6455-6.2-5", needs=[Need.ECHO], given=_given.conversation)
async def any_messages_in_a_row(target: Target, program: Program) -> None:
    """Of any messages in a row each is answered as it was, exactly once and in order."""
    await judge_row(target, program)


@check("rfc6455-5.2-3", "rfc6455-5.2-4", NOTHING_AFTER, given=_given.reserved)
async def any_reserved_bits_or_opcode(target: Target, program: BrokenProgram) -> None:
    """Reserved bits or a reserved opcode at any place of a legal program fail the connection."""
    await expect_broken(target, program)


@check("rfc6455-5.2-8", "rfc6455-5.2-10", NOTHING_AFTER, given=_given.bad_length)
async def any_illegal_length(target: Target, program: BrokenProgram) -> None:
    """A length with its top bit set, or in too many bytes, is not misread at any place of a legal program."""
    await expect_broken(target, program)
