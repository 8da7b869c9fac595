"""What a check is: ``@check``, its needs, what it may raise and report, and the catalogue of all checks."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..reports.model import Level, Outcome, RawFinding

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from .target import Target

__all__ = [
    "CATALOGUE", "Check", "Findings", "Level", "Need", "Param", "Undetermined", "Violation", "check", "param", "select",
]  # fmt: skip


class Need(Enum):
    """What a check needs of a target. The value says what is missing when the check is skipped."""

    ECHO = "an endpoint that sends text back unchanged, or in a fixed wording"
    TEXT = "an endpoint that takes text messages"
    BINARY_ECHO = "an endpoint that sends binary messages back as binary"
    PLAIN_ECHO = "an endpoint that sends text back as text and nothing else"
    TLS = "a wss:// URL"
    CLEAR = "a ws:// URL"
    LOOPBACK = "a target on loopback"
    PROBE_CLOSE = "the profile's probe that closes first"
    PROBE_PUSH = "the profile's probe that pushes messages"
    PROBE_CRASH = "the profile's probe whose handler fails"
    PROBE_HEADERS = "the profile's probe that sends header fields with the 101"
    PROBE_SUBPROTOCOL = "the profile's probe that chooses a subprotocol"
    PROBE_LAST_CLOSE = "the profile's probe that tells how the application saw a connection end"
    REFUSED_ORIGIN = "an Origin that the profile says is refused"
    REFUSED_PATH = "a path that the profile says is refused"
    UNAVAILABLE_PATH = "a path that the profile says does not exist"
    ECHO_CONTRACT = "the profile's [echo]"
    ECHO_BINARY_CONTRACT = "the profile's [echo] with binary_path"
    ECHO_JSON_CONTRACT = "the profile's [echo] with json_path"
    ITEMS_CONTRACT = "the profile's [items]"
    ITEMS_QUERY = "the profile's [items] with a query parameter"
    CHAT_CONTRACT = "the profile's [chat]"
    CHAT_ROOMS = "the profile's [chat] with a room_path"


class Violation(Exception):
    """The target broke a requirement.

    ``silence`` says that the evidence is that nothing came within the patience: such a check is run once more, alone,
    before it is reported. ``requirement`` defaults to the check's first.
    """

    def __init__(self, expected: str, observed: str, *, requirement: str | None = None, silence: bool = False) -> None:
        super().__init__(f"expected {expected}; observed {observed}")
        self.expected = expected
        self.observed = observed
        self.requirement = requirement
        self.silence = silence


class Undetermined(Exception):
    """The precondition was not reached, so nothing can be said."""


@dataclass
class Findings:
    """What a check has observed, requirement by requirement; the first id is the check's primary requirement."""

    requirements: tuple[str, ...]
    made: list[RawFinding] = field(default_factory=list)

    def _make(self, outcome: Outcome, expected: str, observed: str, requirement: str | None, silence: bool) -> None:
        name = requirement or self.requirements[0]
        if name not in self.requirements:
            raise ValueError(f"the check does not name the requirement {name}")
        self.made.append(
            RawFinding(requirement=name, outcome=outcome, expected=expected, observed=observed, silence=silence)
        )

    def holds(self, observed: str = "", *, requirement: str | None = None) -> None:
        """The requirement is fulfilled."""
        self._make(Outcome.HOLDS, "", observed, requirement, False)

    def violated(self, expected: str, observed: str, *, requirement: str | None = None, silence: bool = False) -> None:
        """The requirement is broken; its level says how bad that is."""
        self._make(Outcome.VIOLATED, expected, observed, requirement, silence)

    def warned(self, expected: str, observed: str, *, requirement: str | None = None, silence: bool = False) -> None:
        """Tolerated, with a warning (the catalogue's ``how`` says when)."""
        self._make(Outcome.WARNED, expected, observed, requirement, silence)

    def noted(self, observed: str, *, requirement: str | None = None) -> None:
        """Worth knowing; says which way the target goes where it may choose."""
        self._make(Outcome.NOTED, "", observed, requirement, False)

    def undetermined(self, why: str, *, requirement: str | None = None) -> None:
        """Nothing can be said about this requirement."""
        self._make(Outcome.UNDETERMINED, "", why, requirement, False)

    def complete(self) -> list[RawFinding]:
        """All findings; a requirement about which the finished check said nothing holds."""
        said = {finding.requirement for finding in self.made}
        rest = [RawFinding(requirement=name, outcome=Outcome.HOLDS) for name in self.requirements if name not in said]
        return [*self.made, *rest]


@dataclass(frozen=True)
class Param:
    """One member of a family of checks: the word in brackets in its id, the value that its function gets."""

    id: str
    value: Any
    autobahn: tuple[str, ...] = ()
    requirements: tuple[str, ...] | None = None


def param(id: str, value: Any, *, autobahn: Iterable[str] = (), requirements: Iterable[str] | None = None) -> Param:
    """A parameter with an id of its own; ``requirements`` replaces those of the family."""
    if not re.fullmatch(r"[a-z0-9]+(?:[-.][a-z0-9]+)*", id):
        raise ValueError(f"{id!r} is no parameter id: lower-case words joined by hyphens")
    return Param(id, value, tuple(autobahn), None if requirements is None else tuple(requirements))


CheckFunction = Callable[..., Awaitable[None]]
Given = Callable[..., Mapping[str, "SearchStrategy[Any]"]]
"""From what is known of the target (a Setting), and the family's parameter, to the strategies of a property."""


@dataclass(frozen=True)
class Check:
    """A check and all that is known of it before it runs."""

    id: str
    title: str
    function: CheckFunction
    arguments: tuple[Any, ...]
    requirements: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    autobahn: tuple[str, ...] = ()
    watches: bool = False
    long: bool = False
    slow: bool = False
    disruptive: bool = False
    alone: bool = False
    given: Given | None = None
    examples_at_once: int = 4

    @property
    def chapter(self) -> str:
        return self.id.split("/", 1)[0]

    async def run(self, target: Target, **values: Any) -> None:
        """Try the one thing, a property with ``values``. Raises Violation or Undetermined, or reports findings."""
        await self.function(target, *self.arguments, **values)


CATALOGUE: dict[str, Check] = {}
"""Every registered check by id, in the order of the files and of the functions in them."""


def check(
    *requirements: str,
    needs: Sequence[Need] = (),
    autobahn: Sequence[str] = (),
    each: Sequence[Param] | None = None,
    watches: bool = False,
    long: bool = False,
    slow: bool = False,
    disruptive: bool = False,
    alone: bool = False,
    given: Given | None = None,
    examples_at_once: int = 4,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register an async function as a check of ``requirements`` (ids of requirements.toml, the primary one first).

    ``each`` makes a family with one check per parameter. ``watches``: what is seen of these requirements during the
    other checks counts too. ``long`` waits for many answers one after the other, so it starts first; ``slow`` waits
    more than 5 s, ``disruptive`` floods, ``alone`` never runs beside others.
    ``given`` makes a property: the function is tried with many drawn examples, ``examples_at_once`` of them at a time;
    it is called with the run's setting and the family's parameter, if there is one.
    """
    if not requirements:
        raise ValueError("a check names at least one requirement")

    def register(function: CheckFunction) -> CheckFunction:
        chapter = function.__module__.rsplit(".", 1)[-1].replace("_", "-")
        name = f"{chapter}/{getattr(function, '__name__', '').replace('_', '-')}"
        title = " ".join((function.__doc__ or "").split())
        if not title:
            raise ValueError(f"{name} has no docstring to serve as its title")
        for member in each if each is not None else [None]:
            found = Check(
                id=f"{name}[{member.id}]" if member else name,
                title=title,
                function=function,
                arguments=(member.value,) if member else (),
                requirements=member.requirements if member and member.requirements else requirements,
                needs=tuple(needs),
                autobahn=(*autobahn, *(member.autobahn if member else ())),
                watches=watches,
                long=long or given is not None,
                slow=slow,
                disruptive=disruptive,
                alone=alone,
                given=given,
                examples_at_once=examples_at_once,
            )
            if found.id in CATALOGUE:
                raise ValueError(f"two checks have the id {found.id}")
            CATALOGUE[found.id] = found
        return function

    return register


def select(
    checks: Iterable[Check],
    *,
    expression: str | None = None,
    sections: Sequence[str] = (),
    autobahn: Sequence[str] = (),
    sections_of: Callable[[str], str] = lambda requirement: "",
    slow: bool = False,
) -> list[Check]:
    """The checks that match all that is given.

    ``expression``: words joined by ``and``, ``or``, ``not`` and parentheses, each a part of an id or a glob over ids.
    ``sections`` match a requirement's section or a chapter of it (``5.5`` takes in ``5.5.1``); ``autobahn`` are globs.
    Raises ValueError for an expression that cannot be read.
    """
    matches = _compile(expression) if expression else lambda id: True
    chosen = []
    for item in checks:
        if item.slow and not slow:
            continue
        if not matches(item.id):
            continue
        if sections and not any(_within(sections_of(name), part) for name in item.requirements for part in sections):
            continue
        if autobahn and not any(fnmatch.fnmatchcase(case, glob) for case in item.autobahn for glob in autobahn):
            continue
        chosen.append(item)
    return chosen


def _within(section: str, wanted: str) -> bool:
    return section == wanted or section.startswith(f"{wanted}.")


def _compile(expression: str) -> Callable[[str], bool]:
    """A recursive-descent reader of ``a and (b or not c)``."""
    words = re.findall(r"\(|\)|[^\s()]+(?:\[[^\]\s]*\])?", expression)
    position = 0

    def peek() -> str | None:
        return words[position] if position < len(words) else None

    def take() -> str:
        nonlocal position
        word = peek()
        if word is None:
            raise ValueError(f"-k {expression!r} ends where a word of an id should come")
        position += 1
        return word

    def either() -> Callable[[str], bool]:
        terms = [both()]
        while peek() == "or":
            take()
            terms.append(both())
        return lambda id: any(term(id) for term in terms)

    def both() -> Callable[[str], bool]:
        terms = [single()]
        while peek() == "and":
            take()
            terms.append(single())
        return lambda id: all(term(id) for term in terms)

    def single() -> Callable[[str], bool]:
        word = take()
        if word == "not":
            inner = single()
            return lambda id: not inner(id)
        if word == "(":
            inside = either()
            if peek() != ")":
                raise ValueError(f"-k {expression!r} lacks a closing parenthesis")
            take()
            return inside
        if word in (")", "and", "or"):
            raise ValueError(f"-k {expression!r} has {word!r} where a word of an id should come")
        return lambda id: id == word or word in id or _glob(id, word)

    result = either()
    if peek() is not None:
        raise ValueError(f"-k {expression!r} has {peek()!r} where 'and' or 'or' should come")
    return result


def _glob(id: str, pattern: str) -> bool:
    return any(char in pattern for char in "*?") and fnmatch.fnmatchcase(id, pattern.replace("[", "[[]"))
