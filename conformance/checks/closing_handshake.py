"""The closing handshake, failing the connection, and close codes (RFC 6455, sections 5.5.1 and 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..check import Need, Param, Undetermined, Violation, check, param
from ..link import TcpEnd
from ..peer import Ended, Peer
from ..program import BrokenProgram, Program
from ..target import Target
from ..wire.frames import (
    NEVER_ON_THE_WIRE,
    CloseCode,
    Frame,
    Masking,
    Opcode,
    ReceivedFrame,
    close_frame,
    describe,
    is_wire_legal,
)
from . import _given
from ._any_close import BAD_CLOSE, judge_bad_close, judge_reply
from ._closing import (
    BREACHES,
    answer_to,
    close_for,
    close_or_end,
    closed,
    closes_among,
    first_close,
    instead_of_close,
    is_ended,
    judge_tcp_end,
    messages_among,
    resets_of_itself,
    said,
    soon,
)
from ._framing import good_message
from ._probes import closing_path, probe_of, sentinel_or_end, told_by

ANSWERED = "rfc6455-5.5.1-8"
REPEATED = "rfc6455-5.5.1-9"
BODY = "rfc6455-5.5.1-1"
REASON = "rfc6455-5.5.1-4"
NOT_PROCESSED = "rfc6455-5.5.1-18"
ONE_CLOSE = "rfc6455-5.5.1-16"
CODE_OPTIONAL = "rfc6455-7.4-1"
OTHERS_CODES = "rfc6455-7.4.2-3"
CLEAN_END = "rfc6455-7.1.1-1"
FAILED = "rfc6455-7.1.7-1"
HELLO = b"Hello World!"


# -- A Close is answered -------------------------------------------------------------------------------------------


def _answered(code: int, *autobahn: str, also: Sequence[str] = ()) -> Param:
    return param(str(code), code, autobahn=autobahn, requirements=[ANSWERED, REPEATED, *also])


@check(
    ANSWERED,
    REPEATED,
    each=[
        _answered(1000, "7.3.3", "7.7.1", also=[BODY, CODE_OPTIONAL]),
        _answered(1001, "7.7.2"),
        _answered(1002, "7.7.3"),
        _answered(1003, "7.7.4"),
        _answered(1007, "7.7.5"),
        _answered(1008, "7.7.6"),
        _answered(1009, "7.7.7"),
        _answered(1010, "7.7.8"),
        _answered(1011, "7.7.9"),
        _answered(3000, "7.7.10", also=[OTHERS_CODES]),
        _answered(3999, "7.7.11", also=[OTHERS_CODES]),
        _answered(4000, "7.7.12", also=[OTHERS_CODES]),
        _answered(4999, "7.7.13", also=[OTHERS_CODES]),
    ],
)
async def close_is_answered(target: Target, code: int) -> None:
    """A Close is answered by a Close, which typically repeats its code."""
    findings = target.findings
    async with target.connect() as peer:
        close = await close_for(peer, close_frame(code))
        reply = close.close_code
        if reply not in (code, CloseCode.NORMAL_CLOSURE, None) and is_wire_legal(reply):
            findings.noted(f"answered with {describe(close)}", requirement=REPEATED)
        if OTHERS_CODES in findings.requirements and reply == CloseCode.PROTOCOL_ERROR:
            findings.violated(f"{code} or 1000 in answer", describe(close), requirement=OTHERS_CODES)
        if CODE_OPTIONAL in findings.requirements and close.length == 0:
            findings.noted("answers with a Close without a code", requirement=CODE_OPTIONAL)
        if BODY in findings.requirements:
            await _judge_body(target, peer, close)


async def _judge_body(target: Target, peer: Peer, close: ReceivedFrame) -> None:
    """A Close with any body is taken as one: no protocol error, and TCP ends."""
    if close.close_code == CloseCode.PROTOCOL_ERROR:
        target.findings.violated("a normal Close in answer", describe(close), requirement=BODY)
        return
    try:
        await peer.expect_end()
    except Violation as violation:
        target.findings.violated(violation.expected, violation.observed, requirement=BODY, silence=True)


@check("rfc6455-5.5.1-17", BODY, autobahn=["7.3.1"])
async def empty_close(target: Target) -> None:
    """A Close without a body is answered by an empty Close, or one with 1000."""
    async with target.connect() as peer:
        close = await close_for(peer, close_frame(None))
        code = close.close_code
        expected = "a Close without a code, or with 1000"
        if close.length == 1 or (code is not None and not is_wire_legal(code)):
            target.findings.violated(expected, describe(close))
        elif code not in (None, CloseCode.NORMAL_CLOSURE):
            target.findings.warned(expected, describe(close))
        await _judge_body(target, peer, close)


@check(
    ANSWERED,
    REASON,
    each=[
        param("1-byte", b"?"),
        param("text", HELLO, autobahn=["7.3.4"], requirements=[ANSWERED, REASON, BODY]),
        param("122-bytes", "é".encode() * 61),
        param("123-bytes", b"*" * 123, autobahn=["7.3.5"]),
        param("123-bytes-of-characters", "€".encode() * 41),
    ],
)
async def close_with_reason(target: Target, reason: bytes) -> None:
    """A Close with a reason of up to 123 bytes is answered like any other."""
    async with target.connect() as peer:
        close = await close_for(peer, close_frame(CloseCode.NORMAL_CLOSURE, reason))
        if close.close_code not in (CloseCode.NORMAL_CLOSURE, None):
            target.findings.violated("1000 or no code in answer", describe(close), requirement=REASON)
        if BODY in target.findings.requirements:
            await _judge_body(target, peer, close)


@check("rfc6455-7.4.1-11")
async def close_1010_with_extensions(target: Target) -> None:
    """A Close 1010 that lists the missing extensions is answered like any other."""
    async with target.connect() as peer:
        close = await close_for(peer, close_frame(CloseCode.MANDATORY_EXTENSION, "permessage-deflate"))
        if close.close_code not in (CloseCode.MANDATORY_EXTENSION, CloseCode.NORMAL_CLOSURE, None):
            raise Violation("1010 or 1000 in answer", describe(close))


@check("rfc6455-5.5.1-10")
async def close_is_answered_soon(target: Target) -> None:
    """A Close is answered as soon as practical."""
    clock = asyncio.get_running_loop().time
    async with target.connect() as peer:
        begun = clock()
        await close_for(peer, close_frame())
        took = clock() - begun
    if took > soon(target):
        raise Violation(f"a Close within {soon(target):g} s", f"it took {took:.1f} s", silence=True)


@check(
    "rfc6455-5.5.1-19",
    each=[
        param("unfinished", False),
        param("rest-after-close", True, autobahn=["7.1.5"], requirements=["rfc6455-5.5.1-19", NOT_PROCESSED]),
    ],
)
async def close_between_fragments(target: Target, rest: bool) -> None:
    """A Close between the fragments of a message is answered although the message is incomplete."""
    part, end = target.nonce("part"), target.nonce("end")
    frames = [Frame(target.data_opcode, part, fin=False), close_frame()]
    if rest:
        frames.append(Frame(Opcode.CONTINUATION, end))
    async with target.connect() as peer:
        await peer.send(*frames)
        events = await peer.drain()
    close = first_close(events, may_be_lost=rest)
    if close is None:
        raise Violation("a Close frame", instead_of_close(events), silence=not is_ended(events))
    for message in messages_among(events):
        if part in message.payload and end in message.payload:
            expected = "nothing that comes after a Close is processed"
            target.findings.violated(expected, f"the whole message: {message}", requirement=NOT_PROCESSED)
        elif part in message.payload:
            target.findings.warned("no message from a part of one", f"the first part echoed as {message}")
    if close.close_code not in (CloseCode.NORMAL_CLOSURE, None) and is_wire_legal(close.close_code):
        target.findings.noted(f"answered with {describe(close)}")


# -- What is no good Close -----------------------------------------------------------------------------------------


@check("rfc6455-5.5.1-3", FAILED, autobahn=["7.3.2"])
async def close_of_one_byte(target: Target) -> None:
    """A Close whose body is a single byte, half a code, fails the connection."""
    expected = "Close 1002, or TCP end"
    async with target.connect() as peer:
        answer = await answer_to(peer, Frame(Opcode.CLOSE, b"a"))
        if isinstance(answer, Ended):
            target.findings.holds(said(answer))
            return
        if answer.payload[:1] == b"a":
            target.findings.violated(expected, f"the byte comes back: {said(answer)}")
        elif answer.length == 0:
            target.findings.holds("an empty Close")
        elif answer.close_code != CloseCode.PROTOCOL_ERROR:
            target.findings.warned(expected, said(answer))
        await _expect_end_after_answer(peer)


async def _expect_end_after_answer(peer: Peer) -> None:
    """Answer the Close that came to a bad one with a good one, for which the target may wait; then TCP ends."""
    await peer.send(close_frame(CloseCode.PROTOCOL_ERROR))
    await peer.expect_end(requirement=FAILED)


@check(
    "rfc6455-5.5.1-5",
    FAILED,
    each=[
        param("surrogate", bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564"), autobahn=["7.5.1"]),
        param("truncated", b"caf\xc3"),
        param("impossible-byte", b"caf\xff"),
    ],
)
async def close_reason_not_utf8(target: Target, reason: bytes) -> None:
    """A Close whose reason is not valid UTF-8 fails the connection."""
    right = (CloseCode.INVALID_PAYLOAD, CloseCode.PROTOCOL_ERROR)
    expected = "Close 1007 or 1002 without that reason, or TCP end"
    async with target.connect() as peer:
        answer = await answer_to(peer, close_frame(CloseCode.NORMAL_CLOSURE, reason))
        if isinstance(answer, Ended):
            target.findings.holds(said(answer))
            return
        if answer.close_code == CloseCode.NORMAL_CLOSURE or answer.close_reason == reason:
            target.findings.violated(expected, said(answer))
        elif answer.close_code not in (*right, None):
            target.findings.warned(expected, said(answer))
        await _expect_end_after_answer(peer)


@check("rfc6455-5.5-2", autobahn=["7.3.6"])
async def close_reason_of_124_bytes(target: Target) -> None:
    """A Close with a reason of 124 bytes is too long for a control frame and fails the connection."""
    async with target.connect() as peer:
        await peer.send(close_frame(CloseCode.NORMAL_CLOSURE, b"*" * 124))
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, discard_warns=True)


@check("rfc6455-5.5.1-6")
async def unmasked_close(target: Target) -> None:
    """A Close that is not masked fails the connection."""
    expected = "Close 1002, or TCP end"
    async with target.connect() as peer:
        answer = await answer_to(peer, Frame(Opcode.CLOSE, close_frame().payload, masking=Masking.NONE))
        if isinstance(answer, Ended):
            target.findings.holds(said(answer))
            return
        if answer.close_code not in (CloseCode.PROTOCOL_ERROR, None):
            target.findings.warned(expected, said(answer))
        await peer.send(close_frame(CloseCode.PROTOCOL_ERROR))
        await peer.expect_end()


@check(
    "rfc6455-7.4.1-6",
    each=[
        param("1005", 1005, autobahn=["7.9.4"]),
        param("1006", 1006, autobahn=["7.9.5"]),
        param("1015", 1015),
    ],
)
async def close_code_that_is_never_sent(target: Target, code: int) -> None:
    """A Close with a code that must never be sent is a protocol error."""
    async with target.connect() as peer:
        try:
            answer = await answer_to(peer, close_frame(code))
        except Violation as violation:
            target.findings.warned(violation.expected, violation.observed, silence=True)
        else:
            target.findings.holds(said(answer))


@check("rfc6455-7.4.1-7", autobahn=["7.9.3"])
async def close_code_1004(target: Target) -> None:
    """A Close with 1004, which has no meaning, closes the connection."""
    async with target.connect() as peer:
        target.findings.holds(said(await answer_to(peer, close_frame(1004))))


@check(
    "rfc6455-7.4.2-1",
    each=[
        param("0", 0, autobahn=["7.9.1"]),
        param("1", 1),
        param("999", 999, autobahn=["7.9.2"]),
    ],
)
async def close_code_below_1000(target: Target, code: int) -> None:
    """A Close with a code below 1000 is a protocol error."""
    expected = "Close 1002, or TCP end"
    async with target.connect() as peer:
        answer = await answer_to(peer, close_frame(code))
        if isinstance(answer, ReceivedFrame) and answer.close_code == code:
            target.findings.violated(expected, said(answer))
        elif isinstance(answer, ReceivedFrame) and answer.close_code not in (1002, 1000, None):
            target.findings.warned(expected, said(answer))
        else:
            target.findings.holds(said(answer))


@check(
    "rfc6455-7.4.2-2",
    each=[
        param("1016", 1016, autobahn=["7.9.6"]),
        param("1100", 1100, autobahn=["7.9.7"]),
        param("2000", 2000, autobahn=["7.9.8"]),
        param("2999", 2999, autobahn=["7.9.9"]),
    ],
)
async def close_code_unassigned(target: Target, code: int) -> None:
    """A Close with a code that the protocol keeps for later closes the connection."""
    async with target.connect() as peer:
        answer = await answer_to(peer, close_frame(code))
        if isinstance(answer, ReceivedFrame) and answer.close_code not in (1002, 1000, code, None):
            target.findings.warned(f"Close 1002, 1000 or {code}", said(answer))
        else:
            target.findings.holds(said(answer))


@check("rfc6455-7.4.2-2", each=[param("1012", 1012), param("1013", 1013), param("1014", 1014)])
async def close_code_registered_later(target: Target, code: int) -> None:
    """A Close with a code that was registered after the RFC is answered like any other."""
    async with target.connect() as peer:
        answer = await answer_to(peer, close_frame(code))
        if isinstance(answer, Ended) or answer.close_code == CloseCode.PROTOCOL_ERROR:
            target.findings.warned(f"Close {code} or 1000", said(answer))


@check(
    "rfc6455-7.4.2-4",
    each=[
        param("5000", 5000, autobahn=["7.13.1"]),
        param("65535", 65535, autobahn=["7.13.2"]),
    ],
)
async def close_code_above_4999(target: Target, code: int) -> None:
    """What becomes of a Close with a code beyond all defined ranges."""
    async with target.connect() as peer:
        answer = await answer_to(peer, close_frame(code))
        if isinstance(answer, Ended) or answer.close_code == CloseCode.PROTOCOL_ERROR:
            target.findings.noted(f"refuses {code} as a protocol error: {said(answer)}")
        else:
            target.findings.noted(f"takes {code} as a close code: {said(answer)}")


# -- After the Close -----------------------------------------------------------------------------------------------


@check(
    NOT_PROCESSED,
    needs=[Need.ECHO],
    each=[
        param("text", (0,), autobahn=["7.1.4"]),
        param("fragments", (1, 2)),
        param("text-ping-fragment-garbage", (0, 3, 1, 4)),
    ],
)
async def data_after_close(target: Target, order: tuple[int, ...]) -> None:
    """A message that comes after a Close is not processed."""
    word = target.nonce("after-close")
    frames = (
        Frame(Opcode.TEXT, word),
        Frame(Opcode.TEXT, word, fin=False),
        Frame(Opcode.CONTINUATION, word),
        Frame(Opcode.PING, word),
        Frame(0xF, word, rsv=7, masking=Masking.NONE),
    )
    async with target.connect() as peer:
        await peer.send(close_frame(), *(frames[index] for index in order))
        events = await peer.drain()
    for message in messages_among(events):
        if word in message.payload:
            raise Violation("no answer to what comes after a Close", f"the echo: {message}")
    first_close(events, may_be_lost=True)


@check(NOT_PROCESSED, autobahn=["7.1.3"])
async def ping_after_close(target: Target) -> None:
    """Whether a Ping that comes after a Close is answered."""
    word = target.nonce("after-close")
    async with target.connect() as peer:
        await peer.send(close_frame(), Frame(Opcode.PING, word))
        events = await peer.drain()
    if any(isinstance(event, ReceivedFrame) and event.opcode == Opcode.PONG for event in events):
        target.findings.noted("a Ping after the Close is answered by a Pong")
        return
    first_close(events, may_be_lost=True)


@check(ONE_CLOSE, autobahn=["7.1.2"], watches=True)
async def second_close(target: Target) -> None:
    """A server sends one Close only, also when two have come."""
    async with target.connect() as peer:
        await peer.send(close_frame(), close_frame(None))
        events = await peer.drain()
    if len(closes := closes_among(events)) > 1:
        raise Violation("one Close", ", ".join(map(describe, closes)))
    if first_close(events, may_be_lost=True) is None:
        raise Undetermined(f"no Close came: {instead_of_close(events)}")


@check(
    "rfc6455-5.5.1-7",
    needs=[Need.ECHO],
    watches=True,
    each=[param("one", 1, autobahn=["7.1.1"]), param("many", 100)],
)
async def no_data_after_own_close(target: Target, count: int) -> None:
    """After its Close a server sends no more data, however many messages it has yet to answer."""
    async with target.connect() as peer:
        if count == 1:
            await good_message(target, peer)
            await closed(peer, close_frame())
        else:
            await peer.send(*(Frame(Opcode.TEXT, target.nonce()) for _ in range(count)), close_frame())
        await peer.drain()


@check("rfc6455-5.5.1-11", needs=[Need.ECHO], autobahn=["7.1.6"])
async def close_behind_messages(target: Target) -> None:
    """Whether a server that has messages to send delays its Close until they are sent."""
    long, short = target.nonce().ljust(256 * 1024, b"*"), target.nonce()
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.TEXT, long), Frame(Opcode.TEXT, short), close_frame(), Frame(Opcode.PING))
        events = await peer.drain()
    closes = closes_among(events)
    if not closes:
        target.findings.noted(f"no Close after the messages: {instead_of_close(events)}")
        return
    before = events[: events.index(closes[0])]
    echoes = [message.payload for message in messages_among(before)]
    whole = sum(any(word in payload for payload in echoes) for word in (long, short))
    way = ("before the echo of any message", "between the echoes of two messages", "after the echoes of all messages")
    data = [event for event in before if isinstance(event, ReceivedFrame) and not event.is_control]
    inside = ", inside a fragmented one" if data and not data[-1].fin else ""
    target.findings.noted(f"the Close comes {way[whole]}{inside}")


# -- The end of TCP ------------------------------------------------------------------------------------------------


@check(
    "rfc6455-5.5.1-12",
    "rfc6455-5.5.1-13",
    "rfc6455-7.1.1-3",
    "rfc6455-7.1.1-5",
    "rfc6455-7.1.2-2",
    "rfc6455-7.1.1-4",
    CLEAN_END,
)
async def server_ends_tcp(target: Target) -> None:
    """After both Close frames the server ends TCP, first, at once and cleanly."""
    findings = target.findings
    async with target.connect() as peer:
        await closed(peer, close_frame())
        how = await judge_tcp_end(
            target, peer, must="rfc6455-5.5.1-12", at_once="rfc6455-5.5.1-13", prompt="rfc6455-7.1.1-5"
        )
    if how is None:
        waited = f"still open after {target.patience:g} s"
        findings.violated("the server ends TCP first", waited, requirement="rfc6455-7.1.1-3", silence=True)
        findings.violated("the server ends TCP", waited, requirement="rfc6455-7.1.2-2", silence=True)
        findings.noted("the suite had to end TCP", requirement="rfc6455-7.1.1-4")
    elif how is TcpEnd.RST:
        findings.warned("TCP ends with FIN", "RST", requirement="rfc6455-5.5.1-12")
        findings.violated("TCP ends with FIN", "RST", requirement=CLEAN_END)


@check(CLEAN_END)
async def trailing_bytes(target: Target) -> None:
    """Bytes that come after the client's Close are discarded, and TCP still ends cleanly."""
    trailing = Frame(Opcode.BINARY, bytes(1024 * 1024))
    async with target.connect() as peer:
        try:
            await peer.send(close_frame(), trailing)
        except Violation:  # it reads no more, which it need not
            pass
        answer = await close_or_end(peer)
        if isinstance(answer, ReceivedFrame) and peer.ended is None:
            try:
                await peer.expect_end()
            except Violation:
                raise Undetermined("TCP does not end") from None
        end = peer.ended
    if end is TcpEnd.RST:
        lost = ", and its Close is lost" if isinstance(answer, Ended) else ""
        raise Violation("TCP ends with FIN, trailing bytes are discarded", f"RST{lost}")


@check("rfc6455-5.5.1-14")
async def client_ends_tcp_first(target: Target) -> None:
    """A server survives a client that ends TCP, by FIN or RST, right after both Close frames."""
    async with target.connect() as peer:
        await closed(peer, close_frame())
        if peer.link.can_half_close:
            peer.half_close()
            await peer.expect_end()
    async with target.connect() as peer:
        await closed(peer, close_frame())
        peer.reset()
    async with target.connect() as peer:
        await peer.expect_alive()


# -- Failing the connection ----------------------------------------------------------------------------------------

WITH_CODE = "rfc6455-7.1.7-3"
CLOSE_OMITTED = "rfc6455-7.1.7-4"
ANY_MEANS = "rfc6455-7.1.1-2"
PROMPT_END = "rfc6455-7.1.1-5"


@check(FAILED, WITH_CODE, CLOSE_OMITTED, ANY_MEANS, PROMPT_END, each=[param(name, name) for name in BREACHES])
async def violation_fails_the_connection(target: Target, kind: str) -> None:
    """A violation of the protocol is answered by a Close with an appropriate code, and TCP ends."""
    findings = target.findings
    breach = BREACHES[kind]
    if breach.message:
        target.taking(Opcode.TEXT)
    word = target.nonce("wrong")
    frames = breach.frames(word)
    clock = asyncio.get_running_loop().time
    async with target.connect() as peer:
        await peer.send(*frames)
        try:
            failed = await peer.expect_failed(taken=[frame.payload for frame in frames])
        except Violation as violation:
            if breach.prescribed or violation.silence:
                raise
            findings.noted(f"does not fail the connection: {violation.observed}")
            return
        begun = clock()
        end = failed.end or await peer.expect_end()
        took = clock() - begun
    if failed.close is None:
        observed = f"TCP end ({end.value}) without a Close"
        if breach.framing:
            findings.noted(observed, requirement=WITH_CODE)
            findings.noted(observed, requirement=CLOSE_OMITTED)
        else:
            findings.warned(f"Close {breach.code} before the end of TCP", observed, requirement=WITH_CODE)
    elif failed.code is None:
        findings.noted("a Close without a code", requirement=WITH_CODE)
    elif failed.code != breach.code and failed.code not in NEVER_ON_THE_WIRE:
        findings.warned(f"Close {breach.code}", describe(failed.close), requirement=WITH_CODE)
    if took > soon(target):
        expected = f"the TCP end within {soon(target):g} s"
        findings.warned(expected, f"it took {took:.1f} s", silence=True)
        findings.violated(expected, f"it took {took:.1f} s", requirement=PROMPT_END, silence=True)
    if end is TcpEnd.RST and await resets_of_itself(target, frames):
        findings.noted("ends TCP with RST", requirement=ANY_MEANS)


@check("rfc6455-7.4.1-8", needs=[Need.TEXT])
async def invalid_text_is_closed_with_1007(target: Target) -> None:
    """Text that is not valid UTF-8 is answered with the close code 1007."""
    async with target.connect() as peer:
        try:
            answer = await answer_to(peer, Frame(Opcode.TEXT, target.nonce() + b"\xc3\x28"))
        except Violation as violation:
            raise Undetermined(f"the connection was not failed: {violation.observed}") from None
        if isinstance(answer, Ended):
            target.findings.noted(said(answer))
        elif answer.close_code is None:
            target.findings.noted("a Close without a code")
        elif answer.close_code != CloseCode.INVALID_PAYLOAD:
            target.findings.warned("Close 1007", said(answer))


@check("rfc6455-7.4.1-9")
async def message_too_big_is_closed_with_1009(target: Target) -> None:
    """A frame that announces a tebibyte is answered with the close code 1009."""
    async with target.connect() as peer:
        try:
            answer = await answer_to(peer, Frame(target.data_opcode, target.nonce(), announced=1 << 40))
        except Violation:
            target.findings.noted("no limit is applied to the announced length of a frame")
            return
        if isinstance(answer, Ended):
            target.findings.noted(said(answer))
        elif answer.close_code is None:
            target.findings.noted("a Close without a code")
        elif answer.close_code != CloseCode.MESSAGE_TOO_BIG:
            target.findings.warned("Close 1009", said(answer))


# -- Close codes and reasons that a server sends -------------------------------------------------------------------


async def _provoke(target: Target, *frames: Frame) -> None:
    """Make the target send a Close, for the lint to read."""
    async with target.connect() as peer:
        await peer.send(*frames)
        try:
            await close_or_end(peer)
        except Violation:  # silence is judged elsewhere
            pass


def _wrong_frame(target: Target) -> Frame:
    return Frame(Opcode.TEXT, target.nonce(), rsv=2)


@check("rfc6455-5.5.1-2", watches=True)
async def close_body_begins_with_a_code(target: Target) -> None:
    """Every Close that the server sends is empty or begins with a code of two bytes."""
    await _provoke(target, close_frame(None))
    await _provoke(target, close_frame())
    await _provoke(target, _wrong_frame(target))


@check("rfc6455-5.5.1-21", watches=True)
async def close_reason_is_utf8(target: Target) -> None:
    """Every close reason that the server sends is valid UTF-8, also one that was cut."""
    for reason in ("é" * 61 + "a", "a" + "é" * 61, "€" * 41):
        await _provoke(target, close_frame(CloseCode.NORMAL_CLOSURE, reason))
    await _provoke(target, _wrong_frame(target))


@check("rfc6455-7.4.2-5", "rfc6455-7.4.1-1", watches=True)
async def close_codes_are_registered(target: Target) -> None:
    """Every close code that the server chooses is one that an endpoint may send."""
    await _provoke(target, close_frame(None))
    await _provoke(target, close_frame())
    await _provoke(target, _wrong_frame(target))


@check("rfc6455-7.4.1-10", watches=True)
async def no_1010_from_a_server(target: Target) -> None:
    """A server does not use the close code 1010, which is for clients."""
    await _provoke(target, close_frame(None))
    await _provoke(target, close_frame())
    await _provoke(target, _wrong_frame(target))


@check(
    "rfc6455-7.4.1-3",
    watches=True,
    each=[
        param("1005", 1005, requirements=["rfc6455-7.4.1-3"]),
        param("1006", 1006, requirements=["rfc6455-7.4.1-4"]),
        param("1015", 1015, requirements=["rfc6455-7.4.1-5"]),
    ],
)
async def code_never_on_the_wire(target: Target, code: int) -> None:
    """No Close that the server sends has a code that only an application may see."""
    await _provoke(target, close_frame(code))
    if code == CloseCode.NO_STATUS_RCVD:
        await _provoke(target, close_frame(None))
    if code == CloseCode.ABNORMAL_CLOSURE:
        await _provoke(target, _wrong_frame(target))
        async with target.connect() as peer:
            if peer.link.can_half_close:
                peer.half_close()
                await peer.drain()


# -- What only an application can make a server do -----------------------------------------------------------------


@check(
    "rfc6455-7.1.2-1",
    "rfc6455-7.3-1",
    needs=[Need.PROBE_CLOSE],
    each=[param("1000", 1000), param("1001", 1001), param("3000", 3000), param("4000", 4000)],
)
async def server_closes_first(target: Target, code: int) -> None:
    """A server that closes a connection sends a Close with the code and reason that its application gave."""
    reason = f"{target.nonce('reason').decode()} é"
    expected = f"Close {code} '{reason}'"
    async with target.connect(target.request(closing_path(target, code, reason)), echo=False) as peer:
        answer = await close_or_end(peer)
        if isinstance(answer, Ended):
            target.findings.warned("a Close before the end of TCP", said(answer), requirement="rfc6455-7.3-1")
            raise Violation(expected, said(answer))
        if answer.close_code != code or answer.close_reason != reason.encode():
            raise Violation(expected, said(answer))


@check("rfc6455-5.5.1-12", "rfc6455-5.5.1-13", "rfc6455-7.1.1-5", needs=[Need.PROBE_CLOSE])
async def server_closes_first_and_ends_tcp(target: Target) -> None:
    """A server that started the closing handshake ends TCP when it is answered."""
    async with target.connect(target.request(closing_path(target, 1000, "")), echo=False) as peer:
        if isinstance(answer := await close_or_end(peer), Ended):
            raise Undetermined(said(answer))
        await judge_tcp_end(target, peer, must="rfc6455-5.5.1-12", at_once="rfc6455-5.5.1-13", prompt="rfc6455-7.1.1-5")


@check("rfc6455-5.5.1-15", needs=[Need.PROBE_CLOSE])
async def both_close_at_once(target: Target) -> None:
    """When both sides send Close at the same time each counts as the answer to the other, and TCP ends."""
    async with target.open(echo=False) as peer:
        peer.answers_close = False
        await peer.send_request(target.request(closing_path(target, 1000, "")))
        response = await peer.read_response()
        if response is None or not response.accepted:
            raise Undetermined("the probe that closes first refused the handshake")
        await peer.send(close_frame(3001))
        events = await peer.drain()
    if not (closes := closes_among(events)):
        raise Undetermined(instead_of_close(events))
    if len(closes) > 1:
        raise Violation("one Close", ", ".join(map(describe, closes)))
    if not is_ended(events):
        raise Violation("TCP end", f"still open after {target.patience:g} s", silence=True)
    # An RST may be the kernel's answer to our Close, where the server had closed its socket before it came.
    target.findings.holds(str(events[-1]))


CODE_TOLD = "rfc6455-7.1.5-1"
REASON_TOLD = "rfc6455-7.1.6-1"


@check(
    CODE_TOLD,
    REASON_TOLD,
    needs=[Need.PROBE_LAST_CLOSE],
    each=[
        param("code-and-reason", ([close_frame(3001, "why é")], 3001, "why é")),
        param("code", ([close_frame(1000)], 1000, "")),
        param("empty", ([close_frame(None)], 1005, "")),
        param("first-of-two", ([close_frame(3001), close_frame(3002)], 3001, ""), requirements=[CODE_TOLD]),
        param("no-close", ([], 1006, ""), requirements=[CODE_TOLD]),
    ],
)
async def application_is_told(target: Target, case: tuple[list[Frame], int, str]) -> None:
    """The application is told the code and reason of the Close that came, 1005 for none in it, 1006 for no Close."""
    frames, code, reason = case
    id = target.source.hex(8)
    probe = probe_of(target)
    async with target.connect(target.request((probe.last_close_echo or "").format(id=id)), echo=False) as peer:
        if frames:
            await peer.send(*frames)
            await peer.drain()
        elif peer.link.can_half_close:
            peer.half_close()
            await peer.drain()
    told = await told_by(target, (probe.last_close or "").format(id=id))
    if told.get("code") != code:
        target.findings.violated(f"the close code {code}", str(told.get("code")), requirement=CODE_TOLD)
    if REASON_TOLD in target.findings.requirements and told.get("reason") != reason:
        expected = f"the reason {reason!r}" if reason else "an empty reason"
        target.findings.violated(expected, repr(told.get("reason")), requirement=REASON_TOLD)


@check("rfc6455-7.4.1-12", needs=[Need.PROBE_CRASH])
async def handler_failure(target: Target) -> None:
    """With which close code a failure of the application is reported."""
    async with target.connect(target.request(probe_of(target).crash), echo=False) as peer:
        answer = await answer_to(peer, Frame(Opcode.TEXT, target.nonce()))
        if isinstance(answer, Ended):
            target.findings.warned("Close 1011", said(answer))
        elif answer.close_code != CloseCode.INTERNAL_ERROR:
            target.findings.noted(f"reported with {said(answer)}")


@check("rfc6455-7.4.1-2")
async def binary_to_a_text_endpoint(target: Target) -> None:
    """Whether a binary message to an endpoint for text is answered with the close code 1003."""
    word = target.nonce("sentinel")
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.BINARY, b"\x00\xff" + target.nonce()))
        if target.found.echo is None:
            events = await peer.fence()
            last = events[-1] if events and peer.is_end(events[-1]) else None
        else:
            await peer.send(Frame(Opcode.TEXT, word))
            last = await sentinel_or_end(peer, word)
    if last is None:
        target.findings.holds("binary messages are no reason to close")
    else:
        target.findings.noted(f"a binary message is answered with {said(last)}")


# -- properties ----------------------------------------------------------------------------------------------------


@check(ANSWERED, "rfc6455-5.5.1-17", REPEATED, REASON, OTHERS_CODES, given=_given.close)
async def any_close(target: Target, program: Program) -> None:
    """A Close with any legal code and reason, at any place of a legal program, is answered by a legal Close."""
    await judge_reply(target, program)


@check(*BAD_CLOSE, given=_given.bad_close)
async def any_illegal_close(target: Target, program: BrokenProgram) -> None:
    """A Close with half a code, an illegal code or a reason that is no UTF-8 fails the connection at any place."""
    await judge_bad_close(target, program)
