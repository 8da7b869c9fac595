"""Hypothesis strategies for frame programs: messages, fragmentations, TCP segments, illegal changes.

Each shrinks towards the smallest program. Few draws make an example, so that hundreds cost no time worth telling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .program import BrokenProgram, Change, PlannedFrame, Program, Segments
from .strategies_text import text_of
from .wire.frames import Opcode, close_payload

CHARACTERS: Final = (
    "a\0 \u007f\u0080\u00e9\u05d0\u07ff\u0800\u20ac\u4e2d\ud7ff\ue000\ufeff\uffff\U00010000\U0001f600\U0010ffff"
)
"""ASCII, NUL, what is written from right to left, an emoji, and both sides of each place where UTF-8 changes."""
PLAIN: Final = "a\u20ac\u05d0\U0001f600"
"""Characters of one to four octets that no application takes amiss."""
BLOCKS: Final = (0, 1, 2, 3, 4, 5, 8, 15, 16, 32, 63, 64, 128, 256, 1023, 1024)
"""Sizes around which buffers and length forms end, in units of 64 bytes."""
BEHIND: Final = (0, 0, 1, 61, 62, 63)
"""Bytes behind such a block: lengths change their form after 125 and 65,535."""
Opcodes = tuple[int, ...]
OPCODES: Final = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
"""Those that RFC 6455 reserves (section 5.2)."""
MOST_SEGMENTS: Final = 3
LONG: Final = 256
"""Bytes of a program that are not yet cut into longer segments; they are never much more than so many."""
LONG_PINGS: Final = tuple(octet * size for octet in (b"*", b"\xfe") for size in (124, 125))
KEYS: Final = (b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\x01\x02\x04\x08")

Drawn = TypeVar("Drawn")


# -- messages ----------------------------------------------------------------------------------------------------


@cache
def texts(characters: str = CHARACTERS, longest: int = 8) -> SearchStrategy[bytes]:
    """Valid UTF-8 of these characters, empty too."""
    return text_of(characters, max_size=longest).map(str.encode)


@cache
def payloads(opcode: int, longest: int = 8) -> SearchStrategy[bytes]:
    """What a message of that type may hold; text is of characters that come back from any echo."""
    return st.binary(max_size=longest) if opcode == Opcode.BINARY else texts(PLAIN, longest)


@lru_cache(maxsize=None, typed=True)
def one_of(*values: Drawn) -> SearchStrategy[Drawn]:
    """One of these, the first being the simplest."""
    return st.sampled_from(values)


EITHER: Final = one_of(True, False)


@st.composite
def sized_messages(draw: DrawFn, opcodes: Opcodes) -> PlannedFrame:
    """A message in one frame, of any of the sizes around which something changes."""
    opcode = draw(one_of(*opcodes))
    size = 64 * draw(one_of(*BLOCKS)) + draw(_behind())
    pattern = b"\xfe" if opcode == Opcode.BINARY else draw(one_of(b"a", b"abc"))
    return PlannedFrame(opcode, pattern, size=size)


@cache
def _behind() -> SearchStrategy[int]:
    return st.one_of(one_of(*BEHIND), st.integers(0, 63))


@cache
def _ends(length: int, most: int) -> SearchStrategy[list[int]]:
    """Where a payload of that length is cut into up to so many parts, empty ones among them."""
    return st.lists(st.integers(0, length), max_size=most - 1).map(sorted)


def _parts(payload: bytes, ends: Sequence[int]) -> list[bytes]:
    return [payload[start:end] for start, end in pairwise([0, *ends, len(payload)])]


def _frames(opcode: int, parts: Sequence[bytes]) -> list[PlannedFrame]:
    last = len(parts) - 1
    return [
        PlannedFrame(opcode if at == 0 else Opcode.CONTINUATION, part, fin=at == last) for at, part in enumerate(parts)
    ]


@cache
@st.composite
def _message(draw: DrawFn, opcodes: Opcodes, longest: int, most: int, word: bytes = b"") -> tuple[PlannedFrame, ...]:
    """A message in up to so many fragments; its content begins with ``word``."""
    opcode = draw(one_of(*opcodes))
    payload = word + draw(payloads(opcode, longest))
    return tuple(_frames(opcode, _parts(payload, draw(_ends(len(payload), most)))))


@cache
def _controls(most: int) -> SearchStrategy[list[tuple[int, PlannedFrame]]]:
    """Up to so many Pings, and Pongs that nobody asked for, each with a place."""
    control = st.builds(PlannedFrame, one_of(Opcode.PING, Opcode.PONG), st.binary(max_size=4))
    return st.lists(st.tuples(st.integers(0, 11), control), max_size=most)


def _between(frames: Sequence[PlannedFrame], controls: Sequence[tuple[int, PlannedFrame]]) -> list[PlannedFrame]:
    """The frames with those control frames before, between and after them.

    Places count from the end, as cuts do: when shrinking takes a frame from the front, the rest stays as it is.
    """
    result = list(frames)
    places = [(place % (len(frames) + 1), control) for place, control in controls]
    for place, control in sorted(places, key=lambda pair: pair[0]):
        result.insert(len(frames) - place, control)
    return result


Cuts = Sequence[tuple[int, int]] | int


@cache
def _cuts() -> SearchStrategy[Cuts]:
    """How TCP cuts: not at all, at a few places (a frame, counted from the last, and a byte of it), or all the way."""
    few = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 14)), min_size=1, max_size=MOST_SEGMENTS)
    return st.one_of(st.just(0), few, one_of(1, 2, 3, 5, 7, 13))


def _segments(frames: Sequence[PlannedFrame], cuts: Cuts) -> Segments:
    """Those cuts in these frames: within a header, a key, a character ... A long program has longer segments."""
    total = sum(frame.wire_size for frame in frames)
    if isinstance(cuts, int):
        return Segments(chop=cuts and cuts + total // LONG)
    ends = set()
    for back, offset in cuts:
        at = len(frames) - 1 - back % len(frames)
        start = sum(frame.wire_size for frame in frames[:at])
        ends.add(start + min(offset, frames[at].wire_size))
    return Segments(tuple(sorted(end for end in ends if end < total)))


@st.composite
def fragmented(draw: DrawFn, opcodes: Opcodes, *, characters: str = PLAIN, controls: int = 3) -> Program:
    """One message in any legal fragmentation, with control frames between, in any TCP segments."""
    opcode = draw(one_of(*opcodes))
    payload = draw(payloads(opcode) if opcode == Opcode.BINARY else texts(characters))
    frames = _frames(opcode, _parts(payload, draw(_ends(len(payload), 5))))
    frames = _between(frames, draw(_controls(controls)))
    return Program(tuple(frames), _segments(frames, draw(_cuts())))


@cache
def _rows(opcodes: Opcodes) -> SearchStrategy[list[tuple[PlannedFrame, ...]]]:
    return st.lists(_message(opcodes, 2, 3, b"0"), min_size=1, max_size=8)


@st.composite
def conversations(draw: DrawFn, opcodes: Opcodes) -> Program:
    """Up to eight messages in a row, some in fragments, with control frames between; no two are the same."""
    frames: list[PlannedFrame] = []
    for number, message in enumerate(draw(_rows(opcodes))):
        numbered = list(message)
        at = next(at for at, frame in enumerate(message) if frame.payload)
        numbered[at] = replace(message[at], payload=b"%d" % number + message[at].payload[1:])
        frames += numbered
    return Program(tuple(_between(frames, draw(_controls(2)))))


@cache
def _keys() -> SearchStrategy[bytes]:
    return st.one_of(one_of(*KEYS), st.binary(min_size=4, max_size=4))


@st.composite
def masked(draw: DrawFn, opcodes: Opcodes) -> Program:
    """A message of a few fragments, each with a masking key of its own, in any TCP segments."""
    frames = [replace(frame, key=draw(_keys())) for frame in draw(_message(opcodes, 12, 3))]
    return Program(tuple(frames), _segments(frames, draw(_cuts())))


@cache
def _contents() -> SearchStrategy[bytes]:
    return st.one_of(st.binary(max_size=4), one_of(*LONG_PINGS))


@cache
def _pings_and_pongs() -> SearchStrategy[list[PlannedFrame]]:
    kinds = one_of(Opcode.PING, Opcode.PING, Opcode.PONG)
    return st.lists(st.builds(PlannedFrame, kinds, _contents()), max_size=4)


@st.composite
def pings(draw: DrawFn, opcodes: Opcodes) -> Program:
    """Pings of any content, Pongs between them, perhaps within a message that has begun, in any TCP segments."""
    frames = draw(_pings_and_pongs())
    frames.append(PlannedFrame(Opcode.PING, draw(_contents())))
    if opcodes and not draw(EITHER):
        place = draw(st.integers(0, len(frames) - 1))
        frames.insert(place, PlannedFrame(draw(one_of(*opcodes)), fin=False))
    return Program(tuple(frames), _segments(frames, draw(_cuts())))


# -- Close -------------------------------------------------------------------------------------------------------

_LEGAL_CODES: Final = st.one_of(
    st.none(),
    one_of(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011),
    one_of(3000, 3999, 4000, 4999),
    st.integers(3000, 4999),
)


@cache
@st.composite
def _reasons(draw: DrawFn) -> bytes:
    """A reason of up to 123 bytes of UTF-8, often of just that many."""
    return draw(texts(CHARACTERS, 6)).ljust(draw(one_of(0, 0, 100, 101, 122, 123)), b"*")


@st.composite
def closes(draw: DrawFn, echoed: Opcodes, taken: Opcodes) -> Program:
    """A legal Close with whatever code and reason at any place: after messages and Pings, within a message."""
    code = draw(_LEGAL_CODES)
    reason = b"" if code is None else draw(_reasons())
    frames = (*draw(_beginnings(echoed, taken)), PlannedFrame(Opcode.CLOSE, close_payload(code, reason)))
    return Program(frames, _segments(frames, draw(_cuts())))


# -- illegal changes ---------------------------------------------------------------------------------------------

RESERVED_CHANGES: Final = (Change.RESERVED_BIT, Change.RESERVED_OPCODE)
LENGTH_CHANGES: Final = (Change.LONG_FORM, Change.TOP_BIT)
MASKING_CHANGES: Final = (Change.UNMASKED,)
CONTROL_CHANGES: Final = (Change.FRAGMENTED_CONTROL, Change.LONG_CONTROL)
ORDER_CHANGES: Final = (Change.STRAY_CONTINUATION, Change.NEW_MESSAGE_INSIDE)
TEXT_OCTETS: Final[dict[Change, tuple[str, ...]]] = {
    Change.IMPOSSIBLE_OCTET: ("80", "bf", "ff", "fe", "c3a9a9"),
    Change.CUT_CHARACTER: ("c3", "e2", "e282", "f09f98", "f09f", "f0"),
    Change.OVERLONG: ("c080", "c1bf", "e08080", "e09fbf", "f0808080", "f08fbfbf"),
    Change.SURROGATE: ("eda080", "edafbf", "edb080", "edbfbf", "eda080edb080"),
    Change.BEYOND_UNICODE: ("f4908080", "f5808080", "f7bfbfbf", "f888808080", "fc8480808080"),
}
"""What is no UTF-8, in hex (RFC 3629, sections 3 and 4)."""
TEXT_CHANGES: Final = tuple(TEXT_OCTETS)
CLOSE_CHANGES: Final = (
    Change.HALF_A_CODE,
    Change.REASON_NOT_UTF8,
    Change.CODE_BELOW_1000,
    Change.CODE_NEVER_SENT,
    Change.CODE_UNASSIGNED,
)
CONTROL_OPCODES: Final = (Opcode.PING, Opcode.PONG, Opcode.CLOSE)
_BELOW_1000: Final = st.one_of(st.integers(0, 999), st.just(999))
_UNASSIGNED: Final = st.one_of(st.integers(1016, 2999), st.just(1004))
NO_TEXT: Final = b"\x0c*"
"""A legal close code, 3114, that is ASCII as well: over and over it makes a Close of any even size."""


@cache
def _few_messages(opcodes: Opcodes) -> SearchStrategy[list[tuple[PlannedFrame, ...]]]:
    return st.lists(_message(opcodes, 3, 3), max_size=2)


@cache
def _few_parts(opcode: int) -> SearchStrategy[list[bytes]]:
    return st.lists(payloads(opcode, 2), min_size=1, max_size=2)


@cache
@st.composite
def _beginnings(draw: DrawFn, echoed: Opcodes, taken: Opcodes, inside: bool | None = None) -> tuple[PlannedFrame, ...]:
    """Legal frames before the place of a change.

    ``echoed`` are the types of message that come back, ``taken`` those that may be begun. ``inside``: whether the place
    is within a fragmented message (None: either). No fragment before the place ends within a character.
    """
    frames: list[PlannedFrame] = []
    if echoed:
        for message in draw(_few_messages(echoed)):
            frames += message
    if taken and (not draw(EITHER) if inside is None else inside):
        opcode = draw(one_of(*taken))
        for part in draw(_few_parts(opcode)):
            begun = bool(frames) and not frames[-1].fin
            frames.append(PlannedFrame(Opcode.CONTINUATION if begun else opcode, part, fin=False))
    return tuple(_between(frames, draw(_controls(1))))


@cache
@st.composite
def _bad_frames(draw: DrawFn, change: Change, inside: bool, taken: Opcodes) -> PlannedFrame:
    """The one frame that is illegal at its place."""
    data: Opcodes = (Opcode.CONTINUATION,) if inside else taken
    payload = draw(one_of(b"", b"", b"bad", b"not well"))
    match change:
        case Change.RESERVED_BIT | Change.UNMASKED:
            opcode = draw(one_of(*data, *data, Opcode.PING, Opcode.PONG))
            fin = opcode >= 8 or draw(EITHER)
            if change is Change.UNMASKED:
                return PlannedFrame(opcode, payload, fin, masked=False)
            return PlannedFrame(opcode, payload, fin, rsv=draw(one_of(1, 2, 4, 3, 5, 6, 7)))
        case Change.RESERVED_OPCODE:
            return PlannedFrame(draw(one_of(*OPCODES)), payload, draw(EITHER))
        case Change.LONG_FORM:
            return PlannedFrame(draw(one_of(*(data or (Opcode.PING,)))), payload, form=draw(one_of(2, 8)))
        case Change.TOP_BIT:
            length = draw(one_of(1 << 63, (1 << 63) + 4, (1 << 64) - 1))
            return PlannedFrame(draw(one_of(*(data or (Opcode.PING,)))), form=8, announced=length)
        case Change.LONG_CONTROL:
            return PlannedFrame(draw(one_of(*CONTROL_OPCODES)), NO_TEXT, size=draw(one_of(126, 128, 200, 65534, 65536)))
        case Change.FRAGMENTED_CONTROL:
            opcode = draw(one_of(*CONTROL_OPCODES))
            return PlannedFrame(opcode, NO_TEXT if opcode == Opcode.CLOSE else payload, fin=False)
        case Change.STRAY_CONTINUATION:
            return PlannedFrame(Opcode.CONTINUATION, payload, draw(EITHER))
        case Change.NEW_MESSAGE_INSIDE:
            return PlannedFrame(draw(one_of(*taken)), payload, draw(EITHER))
    raise ValueError(f"{change} is no change of a frame")


@st.composite
def broken(draw: DrawFn, changes: Sequence[Change], echoed: Opcodes, taken: Opcodes) -> BrokenProgram:
    """A legal program with one illegal frame at any place, its kind drawn first, and perhaps another frame behind it.

    The one behind is legal where the illegal one is taken as valid, so that nothing else fails the connection.
    """
    change = draw(one_of(*changes))
    inside = {Change.STRAY_CONTINUATION: False, Change.NEW_MESSAGE_INSIDE: True}.get(change)
    if inside is None:
        inside = bool(taken) and not draw(EITHER)
    before = Program(draw(_beginnings(echoed, taken, inside)))
    bad = draw(_bad_frames(change, inside, taken))
    after: list[PlannedFrame] = []
    if change not in (Change.TOP_BIT, Change.LONG_FORM) and not draw(EITHER):
        ends_it = bad.opcode == Opcode.CONTINUATION and bad.fin
        begins_one = bad.opcode in (Opcode.TEXT, Opcode.BINARY) and not bad.fin
        if begins_one or (inside and not ends_it):
            after.append(PlannedFrame(Opcode.CONTINUATION, b"end"))
        elif echoed:
            after.append(PlannedFrame(draw(one_of(*echoed)), b"later"))
    return BrokenProgram(change, (bad,), before, tuple(after), _segments([bad, *after], draw(_cuts())))


@st.composite
def bad_texts(draw: DrawFn, echoed: Opcodes) -> BrokenProgram:
    """A text message that is no UTF-8 after any legal messages: the bad octets anywhere in it, in any fragmentation."""
    change = draw(one_of(*TEXT_CHANGES))
    octets = bytes.fromhex(draw(one_of(*TEXT_OCTETS[change])))
    text = draw(texts(PLAIN, 3)) + octets + draw(one_of(b"", b"a", b"\xe2\x82\xac", b'"'))
    frames = _between(_frames(Opcode.TEXT, _parts(text, draw(_ends(len(text), 4)))), draw(_controls(2)))
    before = Program(draw(_beginnings(echoed, (), False)))
    return BrokenProgram(change, tuple(frames), before, (), _segments(frames, draw(_cuts())))


@st.composite
def bad_closes(draw: DrawFn, echoed: Opcodes, taken: Opcodes) -> BrokenProgram:
    """A Close that is none at any place of a legal program: half a code, an illegal code, a reason that is no UTF-8."""
    change = draw(one_of(*CLOSE_CHANGES, Change.REASON_NOT_UTF8))
    match change:
        case Change.HALF_A_CODE:
            payload = draw(one_of(b"a", b"\0", b"\xff"))
        case Change.REASON_NOT_UTF8:
            kind = draw(one_of(*TEXT_CHANGES))
            octets = bytes.fromhex(draw(one_of(*TEXT_OCTETS[kind])))
            payload = close_payload(draw(one_of(1000, 1001, 3000)), draw(texts(PLAIN, 4)) + octets)
        case Change.CODE_BELOW_1000:
            payload = close_payload(draw(_BELOW_1000))
        case Change.CODE_NEVER_SENT:
            payload = close_payload(draw(one_of(1005, 1006, 1015)))
        case _:
            payload = close_payload(draw(_UNASSIGNED))
    bad = (PlannedFrame(Opcode.CLOSE, payload),)
    return BrokenProgram(change, bad, Program(draw(_beginnings(echoed, taken))), (), _segments(bad, draw(_cuts())))
