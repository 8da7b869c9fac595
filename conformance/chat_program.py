"""A chat program: who joins, says what and leaves how, as plain data that can be drawn, kept and told in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal


class How(Enum):
    """How a member's end of its connection ends."""

    CLOSE = "Close"
    FIN = "TCP end"
    RST = "RST"


@dataclass(frozen=True, slots=True)
class Ending:
    """A way to leave. ``code`` and ``reason`` are those of the Close frame; no code: an empty body."""

    how: How = How.CLOSE
    code: int | None = 1000
    reason: str = ""

    def __str__(self) -> str:
        if self.how is not How.CLOSE:
            return str(self.how.value)
        return f"Close {'without code' if self.code is None else self.code}{f' {self.reason!r}' if self.reason else ''}"


DEFAULT_ENDING: Final = Ending()


@dataclass(frozen=True, slots=True)
class Join:
    """A further member joins ``room``; members are numbered as they join."""

    member: int
    room: int = 0
    step: Literal["join"] = "join"

    def __str__(self) -> str:
        return f"{name(self.member)} joins{_room(self.room)}"


@dataclass(frozen=True, slots=True)
class Say:
    """A member says ``text``, ``times`` times over in one message."""

    member: int
    text: str = ""
    times: int = 1
    step: Literal["say"] = "say"

    def __str__(self) -> str:
        times = f", {self.times} times over" if self.times > 1 else ""
        return f"{name(self.member)} says {self.text!r}{times}"


@dataclass(frozen=True, slots=True)
class Burst:
    """Several members say ``count`` messages each, all at once; ``leaver`` leaves in the midst of it."""

    members: tuple[int, ...]
    count: int
    leaver: int | None = None
    ending: Ending = DEFAULT_ENDING
    step: Literal["burst"] = "burst"

    def __str__(self) -> str:
        amid = "" if self.leaver is None else f" while {name(self.leaver)} leaves ({self.ending})"
        if len(self.members) == 1:
            return f"{_names(self.members)} says {self.count} at once{amid}"
        return f"{_names(self.members)} at once say {self.count} each{amid}"


@dataclass(frozen=True, slots=True)
class Leave:
    """A member leaves."""

    member: int
    ending: Ending = DEFAULT_ENDING
    step: Literal["leave"] = "leave"

    def __str__(self) -> str:
        return f"{name(self.member)} leaves ({self.ending})"


@dataclass(frozen=True, slots=True)
class Pause:
    """A member reads nothing from now on."""

    member: int
    step: Literal["pause"] = "pause"

    def __str__(self) -> str:
        return f"{name(self.member)} stops reading"


@dataclass(frozen=True, slots=True)
class Resume:
    """A member reads on."""

    member: int
    step: Literal["resume"] = "resume"

    def __str__(self) -> str:
        return f"{name(self.member)} reads on"


Step = Say | Leave | Join | Burst | Pause | Resume


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole program. ``rooms`` holds the room of each member that is there at the start, the first being member 0.

    At the end all but one in each room leave at the same time, by ``farewell``.
    """

    rooms: tuple[int, ...] = (0, 0)
    steps: tuple[Step, ...] = ()
    farewell: Ending = DEFAULT_ENDING

    @property
    def size(self) -> int:
        """How many members there are over all."""
        return len(self.rooms) + sum(isinstance(step, Join) for step in self.steps)

    def __str__(self) -> str:
        here = []
        for room in sorted(set(self.rooms)):
            members = tuple(index for index, its in enumerate(self.rooms) if its == room)
            here.append(f"{_names(members)} join{'s' if len(members) == 1 else ''}{_room(room)}")
        leave = "all leave" if self.farewell == DEFAULT_ENDING else f"all leave ({self.farewell})"
        return "; ".join([*here, *map(str, self.steps), leave])


def name(member: int) -> str:
    """A, B, ... Z, then the number."""
    return chr(ord("A") + member) if member < 26 else f"M{member}"


def _names(members: tuple[int, ...]) -> str:
    """``A, B and C``; many in a row are ``A to T``."""
    if len(members) > 3 and members == tuple(range(members[0], members[0] + len(members))):
        return f"{name(members[0])} to {name(members[-1])}"
    words = [name(member) for member in members]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _room(room: int) -> str:
    return f" room {room + 1}" if room else ""
