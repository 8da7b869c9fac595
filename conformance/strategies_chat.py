"""Strategies for chat programs: steps are drawn with small numbers, then made fit to who is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from hypothesis import strategies as st

from .chat_program import DEFAULT_ENDING, Burst, Conversation, Ending, How, Join, Leave, Pause, Resume, Say, Step
from .strategies_text import any_text

MOST_MEMBERS: Final = 20
MOST_STEPS: Final = 8
CODES: Final = (
    1000, 4000, None, 3000, 4999, 1001, 4001, 1002, 3999, 1003, 4100, 1007, 1008, 4500, 1009, 1010, 4123, 1011, 1012,
    4998, 1013, 1014,
)  # fmt: skip
"""Codes that a client may send (RFC 6455, section 7.4), some of the applications' own among them."""
STARTS: Final = (2, 2, 1, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6, 8, MOST_MEMBERS)
"""How many are there at the start: usually few."""
WORDS: Final = (
    "", "hello", "<b>bold</b> & 'quoted'", "left the chat", "grüß dich", "it's", "שלום", '{"message": "{message}"}',
    "日本語", "1 < 2", "\N{GRINNING FACE}", "a\nb", "\0", "R&D", "100% {0} %s", "  spaces  ",
    "\N{COMBINING ACUTE ACCENT}x",
)  # fmt: skip
TIMES: Final = (1, 1, 1, 1, 1, 1, 20, 400)
"""A text is said once, or so many times over in one message."""

_small = st.integers(0, MOST_MEMBERS - 1)
_texts = st.one_of(st.sampled_from(WORDS), any_text(max_size=4))
endings: Final[st.SearchStrategy[Ending]] = st.one_of(
    st.builds(Ending, st.just(How.CLOSE), st.sampled_from(CODES), st.sampled_from(("", "", "", "bye", "tschüß"))),
    st.builds(Ending, st.sampled_from((How.FIN, How.RST)), st.none()),
)
"""Ways to leave: Close with any code that a client may send, TCP end, RST."""


@dataclass(frozen=True)
class _Drawn:
    """A step before it is known who is there: ``who`` counts those who are, and begins anew after the last."""

    kind: Literal["say", "leave", "join", "burst", "pause"]
    who: int = 0
    text: str = ""
    times: int = 1
    senders: int = 2
    count: int = 2
    ending: Ending = DEFAULT_ENDING
    second: bool = False


_steps = st.one_of(
    st.none(),
    st.builds(_Drawn, st.just("say"), _small, _texts, st.sampled_from(TIMES)),
    st.builds(_Drawn, st.just("leave"), _small, ending=endings),
    st.builds(_Drawn, st.just("burst"), _small, senders=st.integers(1, 4), count=st.integers(2, 6)),
    st.builds(_Drawn, st.just("join"), second=st.booleans()),
    st.builds(
        _Drawn, st.just("burst"), _small, senders=st.integers(1, 3), count=st.integers(1, 4), ending=endings,
        second=st.just(True),
    ),
    st.builds(_Drawn, st.just("pause"), _small),
)  # fmt: skip


def conversations(*, rooms: int = 1) -> st.SearchStrategy[Conversation]:
    """Chat programs, in one room or in two."""
    return st.builds(
        lambda start, steps, apart, farewell: _fit(start, steps, apart if rooms > 1 else 0, farewell),
        st.sampled_from(STARTS),
        st.tuples(*[_steps] * MOST_STEPS),
        st.integers(0, 3),
        endings,
    )


@dataclass
class _Hall:
    """Who is there while a program is made."""

    rooms: dict[int, int]
    joined: int
    paused: set[int] = field(default_factory=set)

    def member(self, who: int, *, reading: bool = False) -> int | None:
        present = [one for one in self.rooms if not (reading and one in self.paused)]
        return present[who % len(present)] if present else None


def _fit(start: int, drawn: Iterable[_Drawn | None], apart: int, farewell: Ending) -> Conversation:
    """The program of these steps; one that nobody can take is left out. Every ``apart + 1``-th starts in room 2."""
    rooms = tuple(int(apart > 0 and member % (apart + 1) == apart) for member in range(start))
    hall = _Hall(dict(enumerate(rooms)), start)
    steps: list[Step] = []
    for one in drawn:
        step = None if one is None else _step(hall, one, apart)
        if step is not None:
            steps.append(step)
    return Conversation(rooms, tuple(steps), farewell)


def _step(hall: _Hall, drawn: _Drawn, apart: int) -> Step | None:
    if drawn.kind == "join":
        if hall.joined >= MOST_MEMBERS:
            return None
        member, room = hall.joined, int(drawn.second and apart > 0)
        hall.joined += 1
        hall.rooms[member] = room
        return Join(member, room)
    chosen = hall.member(drawn.who)
    if chosen is None:
        return None
    if drawn.kind == "say":
        return Say(chosen, drawn.text, drawn.times)
    if drawn.kind == "leave":
        del hall.rooms[chosen]
        return Leave(chosen, drawn.ending)
    if drawn.kind == "pause":
        if chosen in hall.paused:
            hall.paused.discard(chosen)
            return Resume(chosen)
        hall.paused.add(chosen)
        return Pause(chosen)
    leaver = chosen if drawn.second and len(hall.rooms) > 1 else None
    if leaver is not None:
        del hall.rooms[leaver]
    present = list(hall.rooms)
    speakers = tuple(present[: drawn.senders])
    return Burst(speakers, drawn.count, leaver, drawn.ending if leaver is not None else DEFAULT_ENDING)
