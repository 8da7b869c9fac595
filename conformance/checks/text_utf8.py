"""Text messages and UTF-8 (RFC 6455, sections 5.6, 7.4.1 and 8.1; RFC 3629)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..check import Need, Param, Undetermined, Violation, check, param
from ..peer import Ended, Message, Peer, Silence
from ..program import BrokenProgram, Program
from ..target import Target
from ..wire.frames import CloseCode, Frame, Opcode, ReceivedFrame, describe, fragments, shown
from . import _given
from . import _utf8_samples as samples
from ._bad_text import (
    CODE,
    CUT_OFF,
    FAIL_FAST,
    INVALID,
    REASSEMBLED,
    UNSAFE,
    Answers,
    Reaction,
    reaction_in,
    reaction_to,
    report,
    try_each,
)
from ._broken_programs import expect_bad_text
from ._framing import naming
from ._programs import send_cut

SENT: Final = "rfc6455-5.6-1"
SPLIT: Final = "rfc6455-5.6-2"
VALID: Final = "rfc6455-8.1-2"

QUIET: Final = 1 / 8
"""The part of the patience after which a target that has not failed the connection is taken not to fail fast."""
OWN_REASONS: Final = frozenset(
    {
        CloseCode.NORMAL_CLOSURE,
        CloseCode.GOING_AWAY,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.SERVICE_RESTART,
        CloseCode.TRY_AGAIN_LATER,
    }
)
"""Close codes with which a target ends a connection whatever the text was, beside those from 3000 on."""


# Valid text


@check(VALID, needs=[Need.ECHO], each=[param(case, octets, autobahn=[case]) for case, octets in samples.VALID.items()])
async def valid_text(target: Target, octets: bytes) -> None:
    """Valid text in one frame comes back as it was."""
    async with target.connect() as peer:
        await peer.send_text(octets)
        await _judge_echo(target, peer, octets)


@check(
    SPLIT,
    VALID,
    needs=[Need.ECHO],
    each=[
        param("6.1.2", [b"", b"", b""], autobahn=["6.1.2"], requirements=[VALID]),
        param("6.1.3", [b"", b"middle frame payload", b""], autobahn=["6.1.3"], requirements=[VALID]),
        param("6.2.2", [samples.GREETING[:15], samples.GREETING[15:]], autobahn=["6.2.2"], requirements=[VALID]),
        param("6.2.3", [*samples.each_octet(samples.GREETING), b""], autobahn=["6.2.3"]),
        param("6.2.4", [*samples.each_octet(samples.KOSME), b""], autobahn=["6.2.4"]),
        param("octets", samples.each_octet(samples.KOSME)),
        param("empty-fragment-within-character", [b"\xf0\x9f", b"", b"\x98\x80"]),
    ],
)
async def valid_text_in_fragments(target: Target, parts: list[bytes]) -> None:
    """Valid text comes back as it was, wherever the fragments part it."""
    async with target.connect() as peer:
        await peer.send(*fragments(Opcode.TEXT, *parts))
        await _judge_echo(target, peer, b"".join(parts))


@check(VALID, needs=[Need.ECHO], each=[param(word, text.encode()) for word, text in samples.CHARACTERS.items()])
async def valid_character(target: Target, octets: bytes) -> None:
    """Characters that are often mishandled come back: alone, within text, and with each octet in a fragment."""
    within = b"<" + target.nonce() + b" " + octets + b">"
    async with target.connect() as peer:
        for what, text, parts in (
            ("alone", octets, [octets]),
            ("within text", within, [within]),
            ("in fragments of one octet", within, samples.each_octet(within)),
        ):
            await peer.send(*fragments(Opcode.TEXT, *parts))
            with naming(target, what):
                await _judge_echo(target, peer, text)


@check(VALID, needs=[Need.TEXT])
async def unfinished_valid_text(target: Target) -> None:
    """A message that has brought only valid text so far does not fail the connection."""
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.TEXT, target.nonce(), fin=False))
        for what, text in samples.CHARACTERS.items():
            await peer.send(Frame(Opcode.CONTINUATION, text.encode(), fin=False))
            await _expect_open(target, peer, f"after {what}")


@check(
    SPLIT,
    VALID,
    needs=[Need.TEXT],
    each=[
        param(f"{word}-after-{at}", (octets[:at], octets[at:]))
        for word, octets in samples.SPLIT.items()
        for at in range(1, len(octets))
    ],
)
async def character_split_by_fragments(target: Target, halves: tuple[bytes, bytes]) -> None:
    """A fragment may end within a character: the rest is awaited, and the text comes back whole."""
    first, rest = target.nonce() + halves[0], halves[1] + b"."
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.TEXT, first, fin=False))
        await _expect_open(target, peer, f"after {shown(halves[0])}, the beginning of a character")
        if target.found.echo is not None:
            await peer.send(Frame(Opcode.CONTINUATION, rest))
            await _judge_echo(target, peer, first + rest)


@check(
    VALID,
    needs=[Need.ECHO],
    each=[param(word, octets) for word, octets in samples.SPLIT.items()],
)
async def character_split_by_segments(target: Target, character: bytes) -> None:
    """TCP segments may part a frame within a character: the rest is awaited, and the text comes back whole."""
    async with target.connect() as peer:
        for at in range(1, len(character)):
            text = target.nonce() + character + b"."
            octets = peer.encoded(Frame(Opcode.TEXT, text))
            cut = len(octets) - len(character) - 1 + at
            await peer.write(octets[:cut])
            await _time_to_read(target)
            await peer.write(octets[cut:])
            with naming(target, f"{shown(character)} parted after octet {at}"):
                await _judge_echo(target, peer, text)


@check(SPLIT, VALID, needs=[Need.ECHO])
async def ping_within_a_character(target: Target) -> None:
    """A Ping between the fragments of a character, with octets that are no text, does not disturb it."""
    text = target.nonce() + samples.SPLIT["4-octets"]
    async with target.connect() as peer:
        await peer.send(
            Frame(Opcode.TEXT, text[:-2], fin=False),
            Frame(Opcode.PING, b"\xff\xc3"),
            Frame(Opcode.CONTINUATION, text[-2:]),
        )
        await _judge_echo(target, peer, text)


@check(VALID, needs=[Need.BINARY_ECHO])
async def valid_text_after_binary(target: Target) -> None:
    """A binary message that ends like half a character does not spoil the text after it."""
    async with target.connect() as peer:
        binary = target.nonce() + b"\xc3"
        try:
            await peer.echo(binary, Opcode.BINARY)
        except Violation as found:
            raise Undetermined(f"the binary message that comes first was not echoed: {found.observed}") from None
        text = target.nonce()
        await peer.send_text(text)
        await _judge_echo(target, peer, text)


async def _judge_echo(target: Target, peer: Peer, octets: bytes) -> None:
    """The text that was just sent comes back; without an initial U+FEFF or normalised, that is a warning.

    Raises Violation where it does not, under each requirement that the check names.
    """
    tolerated = _tolerated_forms(octets.decode())
    expected = f"the text back as it was: {shown(octets)}"
    got = await _answer(target, peer, [octets, *tolerated])
    silence = False
    if isinstance(got, Message):
        if (got.opcode, got.payload) == target.echo.of(Opcode.TEXT, octets):
            return
        for form, how in tolerated.items():
            if (got.opcode, got.payload) == target.echo.of(Opcode.TEXT, form):
                target.findings.warned(expected, f"it came back {how}", requirement=VALID)
                return
        observed = f"a {got}"
    elif got is None:
        observed, silence = f"nothing within {peer.patience:g} s", True
    else:
        observed = _refusal(got)
    _violated(target, expected, observed, silence)


def _tolerated_forms(text: str) -> Mapping[bytes, str]:
    """What may come back with a warning: octets -> how they differ."""
    forms = {form: unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    found = {changed.encode(): f"normalised ({form})" for form, changed in forms.items() if changed != text}
    if text.startswith("\ufeff"):
        found[text[1:].encode()] = "without its initial U+FEFF"
    return found


async def _answer(target: Target, peer: Peer, texts: Sequence[bytes]) -> Message | ReceivedFrame | Ended | None:
    """The echo of one of ``texts``, or what came instead, see :meth:`Peer.answer`."""
    return await peer.answer(*(target.echo.of(Opcode.TEXT, text) for text in texts))


async def _expect_open(target: Target, peer: Peer, when: str) -> None:
    """The connection is open and working although the message is not finished. Raises Violation where it is not."""
    events = await peer.fence()
    if events and peer.is_end(events[-1]):
        _violated(target, "the connection goes on, the message is not finished", f"{when}: {_refusal(events[-1])}")


def _refusal(end: ReceivedFrame | Ended) -> str:
    """The end that a connection found in answer to valid text. Raises Undetermined where it may have other reasons."""
    if isinstance(end, Ended):
        return str(end)
    code = end.close_code
    if code is not None and (code in OWN_REASONS or 3000 <= code <= 4999):
        raise Undetermined(f"the target ended the connection: {describe(end)}")
    return describe(end)


def _violated(target: Target, expected: str, observed: str, silence: bool = False) -> None:
    """Raise Violation under each requirement that the check names."""
    first, *others = target.findings.requirements
    for name in others:
        target.findings.violated(expected, observed, requirement=name, silence=silence)
    raise Violation(expected, observed, requirement=first, silence=silence)


async def _time_to_read(target: Target) -> None:
    """A further opening handshake and its answer: by then the target has read what was sent before."""
    await target.ask(target.request())


# Text that is no UTF-8


def _bad(requirements: Sequence[str], cases: Mapping[str, bytes]) -> list[Param]:
    """Parameters whose words are Autobahn's case numbers where they are numbers."""
    return [
        param(
            word,
            octets,
            autobahn=[word] if word[0].isdigit() else [],
            requirements=[*requirements, CODE] if word == "6.3.1" else requirements,
        )
        for word, octets in cases.items()
    ]


@check(
    INVALID,
    REASSEMBLED,
    needs=[Need.TEXT],
    each=[
        *_bad([INVALID, REASSEMBLED], samples.INVALID),
        *_bad([CUT_OFF, INVALID, REASSEMBLED], samples.CUT_OFF),
        *_bad([INVALID, REASSEMBLED, UNSAFE], samples.UNSAFE),
    ],
)
async def invalid_in_one_frame(target: Target, octets: bytes) -> None:
    """A text message that is no UTF-8 fails the connection."""
    async with target.connect() as peer:
        await peer.send_text(octets)
        report(target, await reaction_to(target, peer, octets))


@check(
    REASSEMBLED,
    INVALID,
    needs=[Need.TEXT],
    each=[
        param(
            "6.3.2",
            [*samples.each_octet(samples.INVALID["6.3.1"]), b""],
            autobahn=["6.3.2"],
            requirements=[REASSEMBLED, INVALID, CODE],
        ),
        param("overlong", [b"\xc1", b"\xbf"], requirements=[REASSEMBLED, INVALID, UNSAFE]),
        param("surrogate", [b"\xed", b"\xb0", b"\x80"], requirements=[REASSEMBLED, INVALID, UNSAFE]),
        param("above-u-10ffff", [b"\xf4", b"\x90", b"\x80", b"\x80"]),
        param("stray-continuation", [b"\xc3\xa9", b"\xa9"]),
        param("invalid-first-fragment", [b"\xff", b"ASCII"]),
        param("invalid-last-fragment", [b"ASCII", b"ASCII", b"\xff"]),
        param("cut-short-by-ascii", [b"\xe2\x82", b"ASCII"]),
        param("cut-short-by-a-character", [b"\xf0\x9f\x98", b"\xc3\xa9"]),
        param("cut-off", [b"ASCII", b"\xe2", b"\x82"], requirements=[CUT_OFF, REASSEMBLED, INVALID]),
        param("cut-off-before-empty-fragment", [b"\xe2\x82", b""], requirements=[CUT_OFF, REASSEMBLED, INVALID]),
    ],
)
async def invalid_in_fragments(target: Target, parts: list[bytes]) -> None:
    """A fragmented text message that is no UTF-8 fails the connection."""
    async with target.connect() as peer:
        await peer.send(*fragments(Opcode.TEXT, *parts))
        report(target, await reaction_to(target, peer, b"".join(parts)))


@check(INVALID, REASSEMBLED, needs=[Need.TEXT])
async def invalid_in_segments(target: Target) -> None:
    """Text that is no UTF-8 fails the connection although each octet comes in a TCP segment of its own."""
    octets = samples.INVALID["6.3.1"]
    async with target.connect() as peer:
        await peer.send(Frame(Opcode.TEXT, octets), chop=1)
        report(target, await reaction_to(target, peer, octets))


@check(
    INVALID,
    REASSEMBLED,
    needs=[Need.TEXT],
    each=[param("first-octet", 0), param("within", 2500), param("last-octet", 4999)],
)
async def invalid_in_long_text(target: Target, at: int) -> None:
    """A single octet that is no UTF-8 fails the connection, wherever it stands in 5,000 octets of ASCII."""
    octets = bytearray(target.nonce().ljust(5000, b"*"))
    octets[at] = 0xFF
    async with target.connect() as peer:
        await peer.send_text(bytes(octets))
        reaction = await reaction_to(target, peer, bytes(octets))
        if peer.close_received is not None and peer.close_received.close_code == CloseCode.MESSAGE_TOO_BIG:
            raise Undetermined(f"a text of {len(octets)} bytes is refused as too big")
        report(target, reaction)


@check(INVALID, REASSEMBLED, needs=[Need.ECHO])
async def invalid_after_valid_text(target: Target) -> None:
    """A text message that is no UTF-8 fails the connection after a valid one, too."""
    octets = samples.INVALID["6.12.1"]
    async with target.connect() as peer:
        try:
            await peer.echo(target.nonce())
        except Violation as found:
            raise Undetermined(f"the valid message that comes first was not echoed: {found.observed}") from None
        await peer.send_text(octets)
        report(target, await reaction_to(target, peer, octets))


@check(INVALID, REASSEMBLED, needs=[Need.TEXT])
async def octets_of_no_text(target: Target) -> None:
    """Octets that occur in no UTF-8 (C0, C1, F5 to FF) fail the connection, whatever continues them."""
    await try_each(target, samples.NEVER)


@check(INVALID, REASSEMBLED, needs=[Need.TEXT])
async def second_octets_out_of_range(target: Target) -> None:
    """A second octet that may not follow the first of its character fails the connection."""
    await try_each(target, samples.BAD_SECOND)


@check(
    INVALID,
    REASSEMBLED,
    needs=[Need.TEXT],
    each=[param(word, octets) for word, octets in samples.CUT_SHORT.items()],
)
async def character_cut_short(target: Target, beginnings: tuple[bytes, ...]) -> None:
    """A character that is cut short by ASCII fails the connection, also where the ASCII is a quote."""
    await try_each(target, [octets + after for octets in beginnings for after in (b"A", b'"')])


@dataclass(frozen=True)
class Stages:
    """A text message in three parts: valid so far, then no longer, then the rest. The parts are fragments, or pieces
    of one frame."""

    valid: bytes
    bad: bytes
    rest: bytes
    one_frame: bool

    @property
    def whole(self) -> bytes:
        return self.valid + self.bad + self.rest

    def written(self, peer: Peer) -> tuple[bytes, bytes, bytes]:
        """The parts as they go over the wire of ``peer``."""
        if self.one_frame:
            octets = peer.encoded(Frame(Opcode.TEXT, self.whole))
            rest = len(octets) - len(self.rest)
            bad = rest - len(self.bad)
            return octets[:bad], octets[bad:rest], octets[rest:]
        parts = fragments(Opcode.TEXT, self.valid, self.bad, self.rest)
        first, second, third = (peer.encoded(frame) for frame in parts)
        return first, second, third


_KOSME = samples.KOSME


@check(
    INVALID,
    FAIL_FAST,
    REASSEMBLED,
    CODE,
    needs=[Need.TEXT],
    each=[
        param("6.4.1", Stages(_KOSME, b"\xf4\x90\x80\x80", b"edited", False), autobahn=["6.4.1"]),
        param("6.4.2", Stages(_KOSME + b"\xf4", b"\x90", b"\x80\x80edited", False), autobahn=["6.4.2"]),
        param("6.4.3", Stages(_KOSME, b"\xf4\x90\x80\x80", b"edited", True), autobahn=["6.4.3"]),
        param("6.4.4", Stages(_KOSME + b"\xf4", b"\x90", b"\x80\x80edited", True), autobahn=["6.4.4"]),
        param("ff-in-fragment", Stages(b"ASCII", b"\xff", b"ASCII", False)),
        param("ff-in-frame", Stages(b"ASCII", b"\xff", b"ASCII", True)),
        param("surrogate-in-fragment", Stages(b"\xed", b"\xa0", b"\x80", False)),
        param("surrogate-in-frame", Stages(b"\xed", b"\xa0", b"\x80", True)),
    ],
)
async def fail_fast(target: Target, stages: Stages) -> None:
    """Text that can no longer become UTF-8 fails the connection, perhaps before the message is complete."""
    answers = Answers(target, stages.whole)
    async with target.connect() as peer:
        valid, bad, rest = stages.written(peer)
        await peer.write(valid)
        await asyncio.sleep(0)
        await peer.write(bad)
        early = await _early_reaction(target, peer, answers, stages)
        if early is not None:
            report(target, early)
            return
        await peer.write(rest)
        report(target, await reaction_to(target, peer, stages.whole, answers))
    target.findings.noted("failed only when the message was complete", requirement=FAIL_FAST)


async def _early_reaction(target: Target, peer: Peer, answers: Answers, stages: Stages) -> Reaction | None:
    """The reaction to a message that is bad already but not complete; None where there is none yet.

    Where nothing comes for a while the target is made to show that it has read so far, so that load cannot be mistaken
    for a late reaction: by a Ping between fragments; within a frame, where none may be sent, by another connection.
    """
    if (reaction := await _next_reaction(peer, answers, target.patience * QUIET)) is not None:
        return reaction
    if stages.one_frame:
        await _time_to_read(target)
        return await _next_reaction(peer, answers, 0)
    try:
        events = await peer.fence()
    except Undetermined:
        return None
    reactions = (reaction_in(answers, event) for event in events)
    return next((reaction for reaction in reactions if reaction is not None), None)


async def _next_reaction(peer: Peer, answers: Answers, patience: float) -> Reaction | None:
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            event = await peer.next_event(deadline=deadline)
        except Silence:
            return None
        if (reaction := reaction_in(answers, event)) is not None:
            return reaction


# Text that the target sends


@check(SENT, watches=True)
async def sent_text_is_valid(target: Target) -> None:
    """Text messages of the target are valid UTF-8."""
    echoes = target.found.echo is not None
    got: Message | ReceivedFrame | Ended | None = None
    async with target.connect() as peer:
        for character in samples.SPLIT.values():  # what is held to be another encoding shows by one of them
            await peer.send_text(target.nonce() + character)
            try:
                got = await peer.next_message(None if echoes else peer.patience * QUIET)
            except Silence:
                got = None
            if not isinstance(got, Message):
                break
    if isinstance(got, Message):
        return  # what the messages hold is read along (see lint.py)
    if echoes:
        raise Undetermined("a text was not echoed" if got is None else f"a text was not echoed: {got}")
    target.findings.noted("the target sent no text message in answer to one")


# Properties


@check(VALID, SPLIT, needs=[Need.ECHO], given=_given.fragmented_text)
async def any_text(target: Target, program: Program) -> None:
    """Text of any characters comes back as it was, wherever fragments and segments part it."""
    (text,) = program.messages
    async with target.connect() as peer:
        await send_cut(target, peer, program.frames, program.segments)
        await _judge_echo(target, peer, text.payload)


@check(INVALID, CUT_OFF, CODE, needs=[Need.TEXT], given=_given.bad_text)
async def any_invalid_text(target: Target, program: BrokenProgram) -> None:
    """Text with octets that are no UTF-8 anywhere in it fails the connection, however it is cut."""
    await expect_bad_text(target, program)
