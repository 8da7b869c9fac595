"""Hypothesis strategies for frame programs: messages, fragmentations, TCP segments, illegal changes.

Each shrinks towards the smallest program. Few draws make an example, so that hundreds cost no time worth telling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .program import BrokenProgram, Change, PlannedFrame, Program, Segments
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
OPCODES: Final = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
"""Those that RFC 6455 reserves (section 5.2)."""
MOST_SEGMENTS: Final = 3
LONG_PINGS: Final = tuple(octet * size for octet in (b"*", b"\xfe") for size in (124, 125))
KEYS: Final = (b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\x01\x02\x04\x08")

Drawn = TypeVar("Drawn")


def each_by_itself(strategy: SearchStrategy[Drawn]) -> SearchStrategy[Drawn]:
    """The same values, each drawn afresh.

    Most examples that Hypothesis draws are variations of the one before, in which a part stands twice. It leaves alone
    what belongs to a collection without repetition, so the value is drawn as the only member of one: fifty examples are
    fifty different ones, and of a few kinds all come up.
    """
    return st.lists(strategy, min_size=1, max_size=1, unique=True).map(lambda only: only[0])


# -- messages ----------------------------------------------------------------------------------------------------


def texts(characters: str = CHARACTERS, longest: int = 8) -> SearchStrategy[bytes]:
    """Valid UTF-8 of these characters, empty too."""
    return st.text(characters, max_size=longest).map(str.encode)


def payloads(opcode: int, longest: int = 8) -> SearchStrategy[bytes]:
    """What a message of that type may hold; text is of characters that come back from any echo."""
    return st.binary(max_size=longest) if opcode == Opcode.BINARY else texts(PLAIN, longest)


@st.composite
def sized_messages(draw: DrawFn, opcodes: Sequence[int]) -> PlannedFrame:
    """A message in one frame, of any of the sizes around which something changes."""
    opcode = draw(st.sampled_from(opcodes))
    behind = draw(st.one_of(st.sampled_from(BEHIND), st.integers(0, 63)))
    size = 64 * draw(st.sampled_from(BLOCKS)) + behind
    return PlannedFrame(
        opcode, b"\xfe" if opcode == Opcode.BINARY else draw(st.sampled_from((b"a", b"abc"))), size=size
    )


Ends = Sequence[int]


def _ends(length: int, most: int) -> SearchStrategy[Ends]:
    """Where a payload of that length is cut into up to so many parts, empty ones among them."""
    return st.lists(st.integers(0, length), max_size=most - 1).map(sorted)


def _parts(payload: bytes, ends: Ends) -> list[bytes]:
    return [payload[start:end] for start, end in pairwise([0, *ends, len(payload)])]


def _frames(opcode: int, parts: Sequence[bytes]) -> list[PlannedFrame]:
    last = len(parts) - 1
    return [
        PlannedFrame(opcode if at == 0 else Opcode.CONTINUATION, part, fin=at == last) for at, part in enumerate(parts)
    ]


def _controls(longest: int = 4) -> SearchStrategy[PlannedFrame]:
    """A Ping, or a Pong that nobody asked for."""
    return st.builds(PlannedFrame, st.sampled_from((Opcode.PING, Opcode.PONG)), st.binary(max_size=longest))


@st.composite
def _with_controls(draw: DrawFn, frames: Sequence[PlannedFrame], most: int) -> list[PlannedFrame]:
    """The frames with up to so many control frames before, between and after them."""
    between = draw(st.lists(st.tuples(st.integers(0, len(frames)), _controls()), max_size=most))
    result = list(frames)
    for place, control in sorted(between, key=lambda pair: -pair[0]):
        result.insert(place, control)
    return result


@st.composite
def _segments(draw: DrawFn, frames: Sequence[PlannedFrame]) -> Segments:
    """Where TCP cuts: nowhere, at a few places (within a header, a key, a character ...), or everywhere alike.

    Places are drawn from the last frame on, so that they stay where they are when frames before them go.
    """
    how = draw(st.integers(0, 2))
    if how == 2:
        return Segments(chop=draw(st.sampled_from((1, 2, 3, 5, 7, 13))))
    if how == 0 or not frames:
        return Segments()
    places = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 14)), min_size=1, max_size=MOST_SEGMENTS))
    ends = set()
    for back, offset in places:
        at = len(frames) - 1 - back % len(frames)
        start = sum(frame.wire_size for frame in frames[:at])
        ends.add(start + min(offset, frames[at].wire_size))
    total = sum(frame.wire_size for frame in frames)
    return Segments(tuple(sorted(end for end in ends if end < total)))


@st.composite
def _message(draw: DrawFn, opcodes: Sequence[int], longest: int, most: int, word: bytes = b"") -> list[PlannedFrame]:
    """A message in up to so many fragments; its content begins with ``word``."""
    opcode = draw(st.sampled_from(opcodes))
    payload = word + draw(payloads(opcode, longest))
    return _frames(opcode, _parts(payload, draw(_ends(len(payload), most))))


@st.composite
def fragmented(draw: DrawFn, opcodes: Sequence[int], *, characters: str = PLAIN, controls: int = 3) -> Program:
    """One message in any legal fragmentation, with control frames between, in any TCP segments."""
    opcode = draw(st.sampled_from(opcodes))
    payload = draw(payloads(opcode) if opcode == Opcode.BINARY else texts(characters))
    frames = _frames(opcode, _parts(payload, draw(_ends(len(payload), 5))))
    frames = draw(_with_controls(frames, controls))
    return Program(tuple(frames), draw(_segments(frames)))


@st.composite
def conversations(draw: DrawFn, opcodes: Sequence[int]) -> Program:
    """Up to eight messages in a row, some in fragments, with control frames between; no two are the same."""
    frames: list[PlannedFrame] = []
    for number, message in enumerate(draw(st.lists(_message(opcodes, 2, 3, b"0"), min_size=1, max_size=8))):
        at = next(at for at, frame in enumerate(message) if frame.payload)
        message[at] = replace(message[at], payload=b"%d" % number + message[at].payload[1:])
        frames += message
    return Program(tuple(draw(_with_controls(frames, 2))))


@st.composite
def masked(draw: DrawFn, opcodes: Sequence[int]) -> Program:
    """A message of a few fragments, each with a masking key of its own, in any TCP segments."""
    keys = st.one_of(st.sampled_from(KEYS), st.binary(min_size=4, max_size=4))
    frames = [replace(frame, key=draw(keys)) for frame in draw(_message(opcodes, 12, 3))]
    return Program(tuple(frames), draw(_segments(frames)))


@st.composite
def pings(draw: DrawFn, opcodes: Sequence[int]) -> Program:
    """Pings of any content, Pongs between them, perhaps within a message that has begun, in any TCP segments."""
    content = st.one_of(st.binary(max_size=4), st.sampled_from(LONG_PINGS))
    kinds = st.sampled_from((Opcode.PING, Opcode.PING, Opcode.PONG))
    frames = draw(st.lists(st.builds(PlannedFrame, kinds, content), max_size=4))
    frames.append(PlannedFrame(Opcode.PING, draw(content)))
    if bool(opcodes) and draw(st.booleans()):
        place = draw(st.integers(0, len(frames) - 1))
        frames.insert(place, PlannedFrame(draw(st.sampled_from(opcodes)), fin=False))
    return Program(tuple(frames), draw(_segments(frames)))


# -- Close -------------------------------------------------------------------------------------------------------

_LEGAL_CODES: Final = st.one_of(
    st.none(),
    st.sampled_from((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)),
    st.sampled_from((3000, 3999, 4000, 4999)),
    st.integers(3000, 4999),
)


@st.composite
def _reasons(draw: DrawFn) -> bytes:
    """A reason of up to 123 bytes of UTF-8, often of just that many."""
    text: bytes = draw(texts(CHARACTERS, 6))
    size = draw(st.sampled_from((0, 0, 100, 101, 122, 123)))
    return text.ljust(size, b"*")


@st.composite
def closes(draw: DrawFn, echoed: Sequence[int], taken: Sequence[int]) -> Program:
    """A legal Close with whatever code and reason at any place: after messages and Pings, within a message."""
    code = draw(_LEGAL_CODES)
    reason = b"" if code is None else draw(_reasons())
    before = draw(_beginnings(echoed, taken))
    frames = (*before, PlannedFrame(Opcode.CLOSE, close_payload(code, reason)))
    return Program(frames, draw(_segments(frames)))


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
NO_TEXT: Final = b"\x0c*"
"""A legal close code, 3114, that is ASCII as well: over and over it makes a Close of any even size."""


@st.composite
def _beginnings(
    draw: DrawFn, echoed: Sequence[int], taken: Sequence[int], inside: bool | None = None
) -> list[PlannedFrame]:
    """Legal frames before the place of a change.

    ``echoed`` are the types of message that come back, ``taken`` those that may be begun. ``inside``: whether the place
    is within a fragmented message (None: either). No fragment before the place ends within a character.
    """
    frames: list[PlannedFrame] = []
    if echoed:
        for message in draw(st.lists(_message(echoed, 3, 3), max_size=2)):
            frames += message
    if bool(taken) and (draw(st.booleans()) if inside is None else inside):
        opcode = draw(st.sampled_from(taken))
        parts = draw(st.lists(payloads(opcode, 2), min_size=1, max_size=2))
        frames += [
            PlannedFrame(Opcode.CONTINUATION if at else opcode, part, fin=False) for at, part in enumerate(parts)
        ]
    return draw(_with_controls(frames, 1))


@st.composite
def _bad_frames(draw: DrawFn, change: Change, inside: bool, taken: Sequence[int]) -> PlannedFrame:
    """The one frame that is illegal at its place."""
    data: list[int] = [Opcode.CONTINUATION] if inside else list(taken)
    payload = draw(st.sampled_from((b"", b"bad", b"not well")))
    either = st.sampled_from((True, False))
    match change:
        case Change.RESERVED_BIT | Change.UNMASKED:
            opcode = draw(st.sampled_from([*data, *data, Opcode.PING, Opcode.PONG]))
            fin = opcode >= 8 or draw(either)
            if change is Change.UNMASKED:
                return PlannedFrame(opcode, payload, fin, masked=False)
            return PlannedFrame(opcode, payload, fin, rsv=draw(st.sampled_from((1, 2, 4, 3, 5, 6, 7))))
        case Change.RESERVED_OPCODE:
            return PlannedFrame(draw(st.sampled_from(OPCODES)), payload, draw(either))
        case Change.LONG_FORM:
            opcode = draw(st.sampled_from(data or [Opcode.PING]))
            return PlannedFrame(opcode, payload, form=draw(st.sampled_from((2, 8))))
        case Change.TOP_BIT:
            length = draw(st.sampled_from((1 << 63, (1 << 63) + 4, (1 << 64) - 1)))
            return PlannedFrame(draw(st.sampled_from(data or [Opcode.PING])), form=8, announced=length)
        case Change.LONG_CONTROL:
            opcode = draw(st.sampled_from(CONTROL_OPCODES))
            return PlannedFrame(opcode, NO_TEXT, size=draw(st.sampled_from((126, 128, 200, 65534, 65536))))
        case Change.FRAGMENTED_CONTROL:
            opcode = draw(st.sampled_from(CONTROL_OPCODES))
            return PlannedFrame(opcode, NO_TEXT if opcode == Opcode.CLOSE else payload, fin=False)
        case Change.STRAY_CONTINUATION:
            return PlannedFrame(Opcode.CONTINUATION, payload, draw(either))
        case Change.NEW_MESSAGE_INSIDE:
            return PlannedFrame(draw(st.sampled_from(taken)), payload, draw(either))
    raise ValueError(f"{change} is no change of a frame")


@st.composite
def broken(draw: DrawFn, changes: Sequence[Change], echoed: Sequence[int], taken: Sequence[int]) -> BrokenProgram:
    """A legal program with one illegal frame at any place, its kind drawn first, and perhaps another frame behind it.

    The one behind is legal where the illegal one is taken as valid, so that nothing else fails the connection.
    """
    change = draw(st.sampled_from(changes))
    inside = {Change.STRAY_CONTINUATION: False, Change.NEW_MESSAGE_INSIDE: True}.get(change)
    if inside is None:
        inside = bool(taken) and draw(st.booleans())
    before = Program(tuple(draw(_beginnings(echoed, taken, inside))))
    bad = draw(_bad_frames(change, inside, taken))
    after: list[PlannedFrame] = []
    if change not in (Change.TOP_BIT, Change.LONG_FORM) and draw(st.booleans()):
        ends_it = bad.opcode == Opcode.CONTINUATION and bad.fin
        begins_one = bad.opcode in (Opcode.TEXT, Opcode.BINARY) and not bad.fin
        if begins_one or (inside and not ends_it):
            after.append(PlannedFrame(Opcode.CONTINUATION, b"end"))
        elif echoed:
            after.append(PlannedFrame(draw(st.sampled_from(echoed)), b"later"))
    return BrokenProgram(change, (bad,), before, tuple(after), draw(_segments([bad, *after])))


@st.composite
def bad_texts(draw: DrawFn, echoed: Sequence[int]) -> BrokenProgram:
    """A text message that is no UTF-8 after any legal messages: the bad octets anywhere in it, in any fragmentation."""
    change = draw(st.sampled_from(TEXT_CHANGES))
    octets = bytes.fromhex(draw(st.sampled_from(TEXT_OCTETS[change])))
    text = draw(texts(PLAIN, 3)) + octets + draw(st.sampled_from((b"", b"a", b"\xe2\x82\xac", b'"')))
    frames = draw(_with_controls(_frames(Opcode.TEXT, _parts(text, draw(_ends(len(text), 4)))), 1))
    before = Program(tuple(draw(_beginnings(echoed, (), False))))
    return BrokenProgram(change, tuple(frames), before, (), draw(_segments(frames)))


@st.composite
def bad_closes(draw: DrawFn, echoed: Sequence[int], taken: Sequence[int]) -> BrokenProgram:
    """A Close that is none at any place of a legal program: half a code, an illegal code, a reason that is no UTF-8."""
    change = draw(st.sampled_from(CLOSE_CHANGES))
    match change:
        case Change.HALF_A_CODE:
            payload = draw(st.sampled_from((b"a", b"\0", b"\xff")))
        case Change.REASON_NOT_UTF8:
            kind = draw(st.sampled_from(TEXT_CHANGES))
            octets = bytes.fromhex(draw(st.sampled_from(TEXT_OCTETS[kind])))
            payload = close_payload(draw(st.sampled_from((1000, 1001, 3000))), draw(texts(PLAIN, 4)) + octets)
        case Change.CODE_BELOW_1000:
            payload = close_payload(draw(st.one_of(st.integers(0, 999), st.just(999))))
        case Change.CODE_NEVER_SENT:
            payload = close_payload(draw(st.sampled_from((1005, 1006, 1015))))
        case _:
            payload = close_payload(draw(st.one_of(st.integers(1016, 2999), st.just(1004))))
    bad = (PlannedFrame(Opcode.CLOSE, payload),)
    return BrokenProgram(change, bad, Program(tuple(draw(_beginnings(echoed, taken)))), (), draw(_segments(bad)))
