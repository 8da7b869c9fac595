"""Runs checks against a target, concurrently, and yields what each observed; ``reports.judge`` makes the verdicts.

How a result becomes final:

1. A check has run. What it observed waits until the target has taken a further opening handshake.
2. If the target does not: everything that waits and all that is in flight is put aside, the target is awaited (or
   started again, with ``--serve``), and those checks run again one by one. The one after which the target is gone
   again has killed it.
3. An observation that rests on silence, and a check that reached no result, is repeated once, alone, at the end.
"""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from ..reports.model import Outcome, RawFinding, TranscriptEntry
from .check import Check, Undetermined, Violation
from .discovery import plain_handshake
from .errors import TargetGone
from .property import Draws, Example, Property, Tried, encode_example, replay_of
from .recording import Step
from .serve import ServedTarget
from .source import Source
from .target import Setting
from .trial import PATIENCES_PER_CHECK, Trial, try_check

T = TypeVar("T")
CONFIRMED_IN_A_ROW: Final = 5
"""After so many undetermined results in a row that were the same when repeated alone, load was not the reason, and
the remaining undetermined ones are not repeated."""


@dataclass(frozen=True)
class Attempt:
    """What came of one check. Exactly one of ``skipped`` (the missing need), ``error`` (a bug of ours) and findings."""

    check: Check
    findings: tuple[RawFinding, ...] = ()
    duration: float = 0.0
    retried: bool = False
    skipped: str | None = None
    error: str | None = None
    reason: str | None = None
    example: Example | None = None
    """The example of a property that failed, shrunk."""
    died: bool = False
    gone: bool = field(default=False, repr=False)
    trial: Trial | None = field(default=None, repr=False)
    """The try on which the findings rest."""

    @property
    def transcript(self) -> list[TranscriptEntry]:
        """What passed on the wire; made only when it is asked for."""
        return [] if self.trial is None else self.trial.transcript.entries

    @property
    def replay(self) -> list[Step]:
        """The recorded exchange; made only when it is asked for."""
        return [] if self.trial is None else replay_of(self.trial)

    @property
    def doubtful(self) -> bool:
        """Whether it has to be repeated alone before it is believed."""
        return (
            self.gone
            or self.undetermined
            or any(
                finding.silence and finding.outcome in (Outcome.VIOLATED, Outcome.WARNED) for finding in self.findings
            )
        )

    @property
    def undetermined(self) -> bool:
        return any(finding.outcome is Outcome.UNDETERMINED for finding in self.findings)


@dataclass
class Stop:
    """Why the run ended early, and which checks were under way when the target went away."""

    reason: str
    suspects: tuple[str, ...] = ()
    gone: bool = False
    """The target went away for good, as against a run that was told to stop."""


class Runner:
    """One run. ``stopped`` says afterwards why it ended early, if it did."""

    def __init__(
        self,
        setting: Setting,
        checks: Sequence[Check],
        *,
        jobs: int,
        draws: Draws | None = None,
        served: ServedTarget | None = None,
        return_wait: float = 5.0,
    ) -> None:
        self.setting = setting
        self.checks = checks
        self.jobs = max(1, jobs)
        self.draws = draws or Draws()
        self.stopped: Stop | None = None
        self.restarts = 0
        self._served = served
        self._return_wait = return_wait
        self._observed: dict[str, tuple[RawFinding, Trial]] = {}
        self._held: list[Attempt] = []
        self._retries: list[Attempt] = []
        self._earlier: dict[str, Tried] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def stop(self, reason: str) -> None:
        """End the run: checks in flight are dropped, what is final stays."""
        if self.stopped is None:
            self.stopped = Stop(reason)
        for task in self._tasks:
            task.cancel()

    def _halted(self) -> bool:
        return self.stopped is not None

    async def run(self) -> AsyncIterator[Attempt]:
        """Final attempts as they become final; those of watching checks come last."""
        together: list[Check] = []
        alone: list[Check] = []
        for item in self.checks:
            missing = next((need for need in item.needs if self.setting.missing(need)), None)
            if missing is not None:
                yield Attempt(item, skipped=missing.value)
            elif item.disruptive and not (self.setting.endpoint.is_loopback or self.setting.disruptive):
                yield Attempt(item, skipped="--disruptive, for a target that is not on loopback")
            elif item.alone or item.disruptive:
                alone.append(item)
            else:
                together.append(item)
        async for attempt in self._together(deque(_in_turn(together))):
            yield attempt
        async for attempt in self._one_by_one(alone):
            yield attempt
        async for attempt in self._repeat():
            yield attempt
        for attempt in self._held:
            yield self._with_observed(attempt)

    # -- phases --------------------------------------------------------------------------------------------------

    async def _together(self, waiting: deque[Check]) -> AsyncIterator[Attempt]:
        """Up to ``jobs`` checks at a time; results are final once a later handshake was answered.

        That handshake is tried beside the checks, so no place stays empty meanwhile, and once for several of them.
        """
        finished: list[Attempt] = []
        looked_after: list[Attempt] = []
        looking: asyncio.Task[bool] | None = None
        running: dict[asyncio.Task[Attempt], Check] = {}
        while (waiting or running or finished or looking) and not self._halted():
            while waiting and len(running) < self.jobs:
                item = waiting.popleft()
                task = asyncio.create_task(self._try(item))
                running[task] = item
                self._tasks.add(task)
            enough = len(finished) >= self.jobs / 2 or not waiting
            if finished and enough and looking is None:
                looked_after, finished = finished, []
                looking = asyncio.create_task(self._alive())
            both: set[asyncio.Task[Any]] = {*running}
            if looking is not None:
                both.add(looking)
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done & running.keys():
                self._tasks.discard(task)
                del running[task]
                if not task.cancelled():
                    finished.append(task.result())
            if looking is None or looking not in done:
                continue
            alive, looking = looking.result(), None
            if alive:
                for attempt in looked_after:
                    for final in self._settle(attempt):
                        yield final
            elif not self._halted():
                suspects = [attempt.check for attempt in (*looked_after, *finished)] + list(running.values())
                finished = []
                await self._cancel(running)
                if not await self._revive(suspects):
                    return
                async for attempt in self._one_by_one(suspects):
                    yield attempt
        if looking is not None:
            await looking
        await self._cancel(running)

    async def _one_by_one(self, checks: Iterable[Check], retried: bool = False) -> AsyncIterator[Attempt]:
        for item in checks:
            if self.stopped is not None:
                return
            attempt = await self._alone(item)
            if attempt is None:
                return
            attempt = replace(attempt, retried=retried)
            if await self._alive():
                for final in self._settle(attempt):
                    yield final
                continue
            if self._halted():
                return
            yield replace(attempt, died=True, findings=(_death(item),))
            if not await self._revive([item]):
                return

    async def _repeat(self) -> AsyncIterator[Attempt]:
        confirmed = 0
        retries, self._retries = self._retries, []
        for first in retries:
            if self.stopped is not None:
                return
            only_undetermined = first.undetermined and not any(f.outcome is Outcome.VIOLATED for f in first.findings)
            if only_undetermined and not first.gone and confirmed >= CONFIRMED_IN_A_ROW:
                for final in self._settle(replace(first, retried=True)):
                    yield final
                continue
            async for attempt in self._one_by_one([first.check], retried=True):
                confirmed = confirmed + 1 if attempt.undetermined else 0
                yield attempt

    async def _alone(self, item: Check) -> Attempt | None:
        return await self._unless_stopped(self._try(item, alone=True))

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What comes of it; None where the run is told to stop meanwhile."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self.stopped is None:
                raise
            return None
        finally:
            self._tasks.discard(task)

    def _settle(self, attempt: Attempt) -> Iterable[Attempt]:
        """Decide what becomes of a confirmed attempt: final, to be repeated, or held for what others observe."""
        if attempt.doubtful and not attempt.retried and attempt.error is None:
            self._retries.append(attempt)
        elif attempt.check.watches:
            self._held.append(attempt)
        else:
            yield attempt

    def _with_observed(self, attempt: Attempt) -> Attempt:
        """Add what was seen of the watched requirements during the other checks."""
        own = {f.requirement for f in attempt.findings if _says_something(f)}
        added: list[RawFinding] = []
        trial = attempt.trial
        own_fault = any(finding.outcome in (Outcome.WARNED, Outcome.VIOLATED) for finding in attempt.findings)
        for name in attempt.check.requirements:
            if name in self._observed and name not in own:
                finding, evidence = self._observed[name]
                where = "" if evidence.item is None else evidence.item.id
                if where == attempt.check.id:
                    continue
                added.append(replace(finding, observed=f"{finding.observed} (in {where})"))
                if not own_fault:  # else its own exchange shows more
                    trial = evidence
        if not added or trial is None or attempt.error is not None:
            return attempt
        gone = {finding.requirement for finding in added}
        kept = [finding for finding in attempt.findings if finding.requirement not in gone]
        return replace(attempt, findings=(*kept, *added), trial=trial)

    # -- one check -----------------------------------------------------------------------------------------------

    async def _try(self, item: Check, alone: bool = False) -> Attempt:
        limit = None if item.slow else max(PATIENCES_PER_CHECK * self.setting.patience, 1.0)
        name = f"{self.setting.salt}/{self.draws.seed}/{item.id}/{int(alone)}"
        example: Example | None = None
        if item.given is None:
            trial = await try_check(self.setting, item, Source(name), limit=limit)
        else:
            tried, error = await self._try_property(item, name, limit, alone)
            if tried is None:
                return Attempt(item, error=error)
            trial = tried.trial
            example = None if tried.values is None else encode_example(item, tried.values)
        made = own_findings(item, trial)
        for finding in trial.seen:
            self._observed.setdefault(finding.requirement, (finding, trial.witness(finding.requirement)))
        reason = next((f.observed for f in made if f.outcome is Outcome.UNDETERMINED), None)
        return Attempt(
            item,
            made,
            trial.duration,
            error=trial.error,
            reason=reason,
            gone=trial.gone,
            example=example,
            trial=trial,
        )

    async def _try_property(
        self, item: Check, name: str, limit: float | None, alone: bool
    ) -> tuple[Tried | None, str | None]:
        at_once = 1 if alone else min(item.examples_at_once, self.jobs)
        property = Property(self.setting, item, self.draws, name=name, limit=limit or math.inf)
        earlier = self._earlier.pop(item.id, None) if alone else None
        try:
            tried = await property.run(at_once=at_once, shrinks=alone or item.alone, earlier=earlier)
        except Exception:  # the drawing failed: a bug of the property
            return None, traceback.format_exc()
        if not alone and tried.failing:
            self._earlier[item.id] = tried
        return tried, None

    # -- is it still there ---------------------------------------------------------------------------------------

    async def _alive(self) -> bool:
        """Whether the target answers a further opening handshake, whatever it answers."""
        patient = replace(self.setting, patience=max(5.0, 3 * self.setting.patience))
        try:
            answer = await self._unless_stopped(plain_handshake(patient))
        except TargetGone:
            return False
        except (Violation, Undetermined):
            return True
        return answer is not None and answer.response is not None

    async def _cancel(self, running: dict[asyncio.Task[Attempt], Check]) -> None:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._tasks.difference_update(running)
        running.clear()

    async def _revive(self, suspects: Sequence[Check]) -> bool:
        """Await the target, or start it again; where it does not come back the run is over."""
        names = tuple(item.id for item in suspects)
        if self._served is not None:
            try:
                await self._unless_stopped(self._served.restart())
            except TargetGone as why:
                self.stopped = Stop(f"the target died and cannot be started again: {why}", names, gone=True)
                return False
            self.restarts += 1
            return not self._halted()
        deadline = time.monotonic() + self._return_wait
        while time.monotonic() < deadline and not self._halted():
            if await self._alive():
                return True
            await asyncio.sleep(0.1)
        self.stopped = self.stopped or Stop("the target went away and did not come back", names, gone=True)
        return False


def _in_turn(checks: Sequence[Check]) -> list[Check]:
    """Long checks first, then those of each chapter spread evenly: while some wait, others compute."""
    size = Counter(item.chapter for item in checks)
    place: Counter[str] = Counter()
    at: dict[str, float] = {}
    for item in checks:
        at[item.id] = (place[item.chapter] + 0.5) / size[item.chapter]
        place[item.chapter] += 1
    return sorted(checks, key=lambda item: (not item.long, at[item.id]))


def own_findings(item: Check, trial: Trial) -> tuple[RawFinding, ...]:
    """What it made, and where it watches what was read along of its own requirements; all else is for the watchers."""
    if not item.watches:
        return trial.made
    own = {finding.requirement: finding for finding in reversed(trial.seen) if finding.requirement in item.requirements}
    said = {f.requirement for f in trial.made if _says_something(f)}
    kept = [f for f in trial.made if f.requirement not in own or f.requirement in said]
    return (*kept, *(finding for name, finding in own.items() if name not in said))


def _says_something(finding: RawFinding) -> bool:
    """Whether a finding outweighs what was merely seen in passing."""
    return finding.outcome not in (Outcome.HOLDS, Outcome.UNDETERMINED)


def _death(item: Check) -> RawFinding:
    return RawFinding(
        requirement=item.requirements[0],
        outcome=Outcome.DIED,
        expected="the target takes further connections",
        observed="target died",
    )
