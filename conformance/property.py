"""Properties: a check with ``given=`` is tried with many drawn examples, and a failing one is shrunk.

1. All examples are drawn in a worker thread, before the first byte is sent; those of the failure file come first.
2. They are run on the loop, some at a time. The earliest failing one counts, so that concurrency changes nothing.
3. Only then, and only where one fails, Hypothesis tries examples one by one to find the smallest.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from ..reports.model import Outcome, RawFinding
from .check import Check, CheckFunction
from .recording import Step
from .source import Source
from .target import Setting
from .transcript import Transcript
from .trial import RANK, Trial, try_check

DEFAULT_EXAMPLES: Final = 50
SHRINK_SECONDS: Final = 7.0
"""Within so long shrinking ends; the smallest failing example so far is reported."""
SHORT_PATIENCE: Final = 0.1
"""Seconds, at least. Each try of a failure that rests on silence costs one patience, so shrinking shortens it."""
SLOWER: Final = 10
"""So many times as long as examples take that go well is patience enough while shrinking."""
TIMED: Final = 5
"""The time is taken of the first so many examples that go well."""
TRANSCRIPTS_KEPT: Final = 50
"""Of so many examples all is kept, of the others in which nothing is wrong only what was found."""

BAD: Final = (Outcome.WARNED, Outcome.VIOLATED, Outcome.DIED)

_DRAWING: Final = ThreadPoolExecutor(1, "wsproof-drawing")
"""One thread: drawing is all CPU, and pytest parses what is imported for it, which early releases of Python 3.11 cannot

do in several threads (SystemError, github.com/python/cpython/issues/106905).
"""

Values = dict[str, Any]
Example = dict[str, Any]
"""An example in the run file and in the failure file: parameter name -> ``{"words": str, "value": JSON}``."""


@dataclass(frozen=True)
class Draws:
    """What is drawn in a run. ``remembered``: check id -> examples that failed before, tried first."""

    seed: int = 0
    examples: int = DEFAULT_EXAMPLES
    remembered: Mapping[str, Sequence[Example]] = field(default_factory=dict)


NO_MEMORY: Final = Draws()
"""The default draws, and no failures of earlier runs."""


@dataclass(frozen=True)
class Tried:
    """A trial that stands for all examples, and the example that failed in it, if one did.

    Where that is to be repeated, ``each`` are the trials by their examples' keys and ``failing`` is the failed one's.
    """

    trial: Trial
    values: Values | None = None
    each: Mapping[str, Trial] = field(default_factory=dict, repr=False)
    failing: str = ""


# -- examples as JSON --------------------------------------------------------------------------------------------


@cache
def _model(function: CheckFunction, names: frozenset[str]) -> type[BaseModel]:
    hints = typing.get_type_hints(function)
    fields: dict[str, Any] = {name: (hints[name], ...) for name in sorted(names)}
    config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", extra="forbid")
    return create_model("Example", __config__=config, **fields)


def encode_example(item: Check, values: Mapping[str, Any]) -> Example:
    """The values of an example as JSON, each beside its words."""
    dumped = _model(item.function, frozenset(values))(**values).model_dump(mode="json")
    return {name: {"words": _words(value), "value": dumped[name]} for name, value in values.items()}


def decode_example(item: Check, example: Example) -> Values:
    """The values again. Raises ValueError where they are not what the check takes (now)."""
    try:
        plain = {name: held["value"] for name, held in example.items()}
        found = _model(item.function, frozenset(plain)).model_validate_json(json.dumps(plain))
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        raise ValueError(f"this is no example of {item.id} ({type(error).__name__})") from None
    return {name: getattr(found, name) for name in plain}


def _words(value: object) -> str:
    if isinstance(value, bytes):
        return f"`{value.hex()}`" if value else "(empty)"
    return repr(value) if isinstance(value, str) else str(value)


def replay_of(trial: Trial) -> list[Step]:
    """The exchange of a trial for the run file, behind a first step that says whose it is and from which seed."""
    if trial.item is None:
        return []
    head: Step = {"do": "run", "check": trial.item.id, "seed": trial.seed}
    head |= {"example": encode_example(trial.item, trial.values)} if trial.values else {}
    if any(finding.silence and finding.outcome in BAD for finding in (*trial.made, *trial.seen)):
        head["silence"] = True  # something that did not come is what is wrong
    return [head, *trial.transcript.steps()]


# -- running -----------------------------------------------------------------------------------------------------


class Property:
    """One run of one property against a target."""

    def __init__(self, setting: Setting, item: Check, draws: Draws, *, name: str, limit: float) -> None:
        self._setting = setting
        self._item = item
        self._draws = draws
        self._name = name
        self._limit = limit

    async def run(self, *, at_once: int, shrinks: bool, earlier: Tried | None = None) -> Tried:
        """Try the examples, ``at_once`` at a time. Without ``shrinks`` a failure that rests on silence stays as it is:

        it will be repeated alone anyway. ``earlier`` is what is repeated then: where its example fails again, none of
        the others is run again.
        """
        begun = time.monotonic()
        strategies, drawn = await asyncio.get_running_loop().run_in_executor(_DRAWING, self._draw)
        examples = {self._key(values): values for values in self._remembered()} | drawn
        known = await self._again(examples, earlier)
        if known is None:
            known = await self._all(examples, at_once, begun + self._limit)
        failing = _failing(known)
        if failing is None:
            return Tried(self._together(list(known.values()), len(examples), time.monotonic() - begun))
        witnesses = _witnesses(known.values())
        values, trial = examples[failing], known[failing]
        silent = trial.worst is not None and trial.worst.silence
        seen = tuple(finding for one in known.values() for finding in one.seen)
        repeated = silent and not shrinks
        if not repeated:
            values, trial = await self._shrink(strategies, values, trial, known)
        trial = replace(trial, seen=seen, duration=time.monotonic() - begun, witnesses=witnesses)
        if not repeated:
            return Tried(trial, values)
        return Tried(trial, values, {key: self._lighter(one) for key, one in known.items()}, failing)

    async def _again(self, examples: Mapping[str, Values], earlier: Tried | None) -> dict[str, Trial] | None:
        """The earlier trials with that of the example that failed made anew, and those of a few that were well.

        None where it does not fail again, so that all are to be tried.
        """
        if earlier is None or earlier.failing not in examples:
            return None
        known = {key: one for key, one in earlier.each.items() if key in examples}
        well = [key for key, one in known.items() if _is_well(one)]
        for key in [earlier.failing, *well[:TIMED]]:
            known[key] = await self._try(key, examples[key], self._setting)
        return known if _failing(known) == earlier.failing else None

    def _draw(self) -> tuple[Mapping[str, Any], dict[str, Values]]:
        """The strategies, and all examples; called in a thread, which is the first to need Hypothesis."""
        from .drawing import draw

        assert self._item.given is not None
        strategies = self._item.given(self._setting, *self._item.arguments)
        return strategies, draw(strategies, self._draws.seed, self._item.id, self._draws.examples, self._key)

    def _remembered(self) -> list[Values]:
        found = []
        for example in self._draws.remembered.get(self._item.id, ()):
            try:
                found.append(decode_example(self._item, example))
            except ValueError:
                continue  # the check takes something else by now
        return found

    def _key(self, values: Values) -> str:
        dumped = encode_example(self._item, values)
        return json.dumps({name: held["value"] for name, held in dumped.items()}, sort_keys=True)

    async def _try(self, key: str, values: Values, setting: Setting) -> Trial:
        """What is random in a trial depends on the example alone, not on how many were tried before it."""
        source = Source(f"{self._name}/{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}")
        return await try_check(setting, self._item, source, limit=self._limit, values=values)

    def _lighter(self, trial: Trial) -> Trial:
        """Without the exchange, unless something is wrong in it: there may be many trials, of some MiB each."""
        if trial.seen or trial.gone or trial.error is not None or _outcome(trial) in BAD:
            return trial
        return replace(trial, transcript=Transcript(self._setting.endpoint.redactor()))

    async def _all(self, examples: Mapping[str, Values], at_once: int, deadline: float) -> dict[str, Trial]:
        """The trials of the first examples, up to the first violation or the deadline, in their order."""
        trials: dict[str, Trial] = {}
        waiting = iter(examples.items())
        over = False

        async def work() -> None:
            nonlocal over
            for key, values in waiting:
                trial = await self._try(key, values, self._setting)
                trials[key] = trial if len(trials) < TRANSCRIPTS_KEPT else self._lighter(trial)
                over = over or trial.error is not None or trial.gone or _outcome(trial) is Outcome.VIOLATED
                if over or time.monotonic() > deadline:
                    return

        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())), asyncio.TaskGroup() as group:
                for _ in range(max(1, at_once)):
                    group.create_task(work())
        except TimeoutError:
            pass
        return {key: trials[key] for key in examples if key in trials}

    async def _shrink(
        self, strategies: Mapping[str, Any], values: Values, trial: Trial, known: Mapping[str, Trial]
    ) -> tuple[Values, Trial]:
        """The smallest example that Hypothesis finds to fail in the same way, and its trial.

        It has to fail with no other example beside it, so that a replay of it can fail too.
        """
        worst = trial.worst
        assert worst is not None
        setting = self._setting

        def alike(one: Trial) -> bool:
            return any((found.requirement, found.outcome) == (worst.requirement, worst.outcome) for found in one.made)

        if worst.silence:
            well = [one.duration for one in known.values() if _is_well(one)]
            short = max([SHORT_PATIENCE, *(SLOWER * seconds for seconds in well[:TIMED])])
            setting = replace(setting, patience=min(setting.patience, short))
        tries = {key: one for key, one in known.items() if not alike(one)}
        shortened = setting is not self._setting
        kept = self._setting.patience if shortened else 0.0  # for the last try
        lender = _Lender(max(SHRINK_SECONDS - kept, SHRINK_SECONDS / 2))

        def fails(tried: Values) -> bool | None:
            key = self._key(tried)
            if key not in tries:
                new = lender.run(lambda: self._try(key, tried, setting))
                if new is None:
                    return None
                tries[key] = self._lighter(new)
            return alike(tries[key])

        from .drawing import shrink

        try:
            smallest = await asyncio.to_thread(
                shrink, strategies, self._draws.seed, self._item.id, self._draws.examples, fails, self._key
            )
        finally:
            lender.abandon()
        if smallest is None:
            return values, trial
        key = self._key(smallest)
        final = tries[key]
        if shortened:  # what failed within a short patience has to fail within the whole one
            final = await self._try(key, smallest, self._setting)
            if not alike(final):
                return values, trial
        return smallest, final

    def _together(self, trials: Sequence[Trial], wanted: int, duration: float) -> Trial:
        """One trial that says what all say: of each requirement the worst; what is undetermined only if it prevails."""
        broken = next((trial for trial in trials if trial.error is not None or trial.gone), None)
        if broken is not None:
            return replace(broken, duration=duration)
        seen = tuple(finding for trial in trials for finding in trial.seen)
        unclear = [trial for trial in trials if trial.undetermined is not None]
        clear = [trial for trial in trials if trial.undetermined is None]
        told = unclear if 2 * len(unclear) > len(trials) else clear
        if not told:
            why = f"none of {wanted} examples was done within {self._limit:g} s"
            name = self._item.requirements[0]
            nothing = RawFinding(requirement=name, outcome=Outcome.UNDETERMINED, observed=why)
            return Trial((nothing,), seen, Transcript(self._setting.endpoint.redactor()), duration)
        count = f"{len(clear)} of {wanted} examples" if len(clear) < wanted else f"{wanted} examples"
        made = _worst_of_each(finding for trial in told for finding in trial.made)
        made = [replace(f, observed=count) if f.outcome is Outcome.HOLDS and not f.observed else f for f in made]
        return replace(told[0], made=tuple(made), seen=seen, duration=duration, witnesses=_witnesses(trials))


class _Lender:
    """Lends the loop to a worker thread, for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = time.monotonic() + seconds
        self._current: Future[Trial] | None = None

    def run(self, work: Callable[[], Awaitable[Trial]]) -> Trial | None:
        """Called from the thread: run it on the loop and wait; None once the time is over."""
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            return None

        async def bounded() -> Trial:
            async with asyncio.timeout(remaining):
                return await work()

        self._current = asyncio.run_coroutine_threadsafe(bounded(), self._loop)
        try:
            return self._current.result()
        except (TimeoutError, CancelledError):
            return None

    def abandon(self) -> None:
        """Nothing more is run: the thread comes to its end by itself."""
        self._until = 0.0
        if self._current is not None:
            self._current.cancel()


# -- many trials as one ------------------------------------------------------------------------------------------


def _witnesses(trials: Iterable[Trial]) -> dict[str, Trial]:
    """The first trial in which a requirement was seen broken."""
    found: dict[str, Trial] = {}
    for trial in trials:
        for finding in trial.seen:
            found.setdefault(finding.requirement, trial)
    return found


def _outcome(trial: Trial) -> Outcome:
    worst = trial.worst
    return Outcome.HOLDS if worst is None else worst.outcome


def _is_well(trial: Trial) -> bool:
    return trial.error is None and _outcome(trial) in (Outcome.HOLDS, Outcome.NOTED)


def _failing(trials: Mapping[str, Trial]) -> str | None:
    """The first violation, or where there is none the first warning."""
    if any(trial.error is not None or trial.gone for trial in trials.values()):
        return None
    for outcome in (Outcome.VIOLATED, Outcome.WARNED):
        for key, trial in trials.items():
            if _outcome(trial) is outcome:
                return key
    return None


def _worst_of_each(findings: Iterable[RawFinding]) -> list[RawFinding]:
    worst: dict[str, RawFinding] = {}
    for finding in findings:
        held = worst.get(finding.requirement)
        if held is None or RANK.index(finding.outcome) > RANK.index(held.outcome):
            worst[finding.requirement] = finding
    return list(worst.values())
