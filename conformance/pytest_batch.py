"""The checks that pytest has selected, run together by the one runner on a loop of a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .. import __version__
from ..reports.baseline import Baseline
from ..reports.errors import ConfigError
from ..reports.judge import gate
from ..reports.model import CheckResult, EndRecord, RunRecord, Totals
from ..reports.runfile import RunWriter
from .check import Check
from .command import KEPT_RUN, judged
from .discovered import Discovered
from .endpoint import Endpoint
from .failures import DEFAULT_PATH, Failures, add_failures, failures_in
from .profile import Profile
from .property import DEFAULT_EXAMPLES, Draws
from .runner import Attempt
from .session import DEFAULT_PATIENCE, Listener, Options, Outcome, now, run_checks, versions

STOPPED: Final = "pytest has stopped"


class NothingProved(Exception):
    """The run ended before this check: the target is gone, or the run was stopped."""


@dataclass(frozen=True)
class Plan:
    """What the options of pytest ask for. ``patience`` is in seconds; ``folder`` is where failures are kept."""

    endpoint: Endpoint
    folder: Path
    remembered: Failures = field(default_factory=dict)
    profile: Profile | None = None
    baseline: Baseline = field(default_factory=Baseline)
    patience: float = DEFAULT_PATIENCE
    jobs: int | None = None
    seed: int = 0
    examples: int = DEFAULT_EXAMPLES
    strict: bool = False
    disruptive: bool = False
    output: Path | None = None
    cwd: Path | None = None
    reach: Mapping[str, Any] = field(default_factory=dict)
    """What a replay needs to reach the target in the same way; see ``wsproof check``."""

    @property
    def run_file(self) -> Path:
        """Where the run file lies: where it was asked for, or where a run with failures is kept."""
        return self.output or self.folder / KEPT_RUN

    @property
    def shown_run_file(self) -> str:
        """The same, as one says it in the folder in which pytest was started."""
        path = self.run_file
        return str(path.relative_to(self.cwd) if self.cwd and path.is_relative_to(self.cwd) else path)

    @property
    def shown_url(self) -> str:
        """The target's URL without secrets."""
        return self.endpoint.redactor().text(self.endpoint.url)


class Batch:
    """One run of ``checks``. Results are taken by id, from any thread, as they become final.

    ``known`` are results that another process had before it died: they go into the run file too. ``tell`` is called
    with each new result, and ``ended`` with the reason when the run ended early; both on the run's thread.
    """

    def __init__(
        self,
        plan: Plan,
        checks: Sequence[Check],
        *,
        known: Iterable[CheckResult] = (),
        tell: Callable[[CheckResult], None] = lambda result: None,
        ended: Callable[[str | None], None] = lambda reason: None,
    ) -> None:
        self._plan = plan
        self._checks = checks
        self._known = list(known)
        self._tell = tell
        self._ended = ended
        self._results: dict[str, Future[CheckResult]] = {check.id: Future() for check in checks}
        self._stopper = _Stopper()
        self._thread = threading.Thread(target=self._run, name="wsproof", daemon=True)

    def start(self) -> None:
        """Start the run; returns at once."""
        self._thread.start()

    def result(self, id: str) -> CheckResult:
        """The result of that check, once it is final. Raises NothingProved, or what went wrong on our side."""
        return self._results[id].result()

    def stop(self) -> None:
        """End the run: what is in flight is dropped, what is final stays."""
        self._stopper.stop()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run, for at most ``timeout`` seconds; whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        reason: str | None = None
        try:
            keeper = _Keeper(self._plan, self._known, self._keep)
            outcome = asyncio.run(self._stopper.guard(self._checked(keeper)))
            keeper.finish(outcome)
            reason = outcome.stopped or "the run ended before this check"
        except Exception as error:  # ours: each item shows it
            for future in self._open():
                future.set_exception(error)
            reason = repr(error)
        finally:
            for future in self._open():
                future.set_exception(NothingProved(self._plan.endpoint.redactor().text(reason or STOPPED)))
            self._ended(reason)

    async def _checked(self, keeper: _Keeper) -> Outcome:
        plan = self._plan
        options = Options(
            plan.endpoint,
            self._checks,
            plan.profile,
            jobs=plan.jobs,
            patience=plan.patience,
            disruptive=plan.disruptive,
            draws=Draws(plan.seed, plan.examples, plan.remembered),
        )
        return await run_checks(options, keeper)

    def _keep(self, result: CheckResult) -> None:
        self._tell(result)
        self._results[result.id].set_result(result)

    def _open(self) -> list[Future[CheckResult]]:
        return [future for future in self._results.values() if not future.done()]


class _Stopper:
    """Cancels the coroutine that it guards, from another thread, whether that has begun, runs or is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Outcome] | None = None

    async def guard(self, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """What comes of it; an outcome that says so where it was stopped."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(work)
            if self._stopped:
                self._task.cancel()
        try:
            return await self._task
        except asyncio.CancelledError:
            return Outcome(0.0, STOPPED)
        finally:
            with self._lock:
                self._loop = None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)


class _Keeper(Listener):
    """Judges each attempt, hands it on, writes the run file and the failure file."""

    def __init__(self, plan: Plan, known: Iterable[CheckResult], keep: Callable[[CheckResult], None]) -> None:
        self._plan = plan
        self._results = list(known)
        self._keep = keep
        self._redactor = plan.endpoint.redactor()
        self._discovered: dict[str, Any] = {}
        self._started = now()
        self._writer = RunWriter(plan.output) if plan.output is not None else None
        self._headed = False

    def discovered(self, found: Discovered) -> None:
        self._discovered = found.as_dict()
        self._head()

    def attempted(self, attempt: Attempt) -> None:
        plan = self._plan
        result = judged(
            attempt,
            strict=plan.strict,
            baseline=plan.baseline,
            redactor=self._redactor,
            run_file=plan.shown_run_file if is_ours(attempt.check) else None,
        )
        self._results.append(result)
        if self._writer is not None:
            self._writer.write(result)
        self._keep(result)

    def finish(self, outcome: Outcome) -> None:
        """Write the end of the run file, and the examples that failed."""
        new = failures_in(self._results)
        with suppress(OSError, ConfigError):  # a folder that cannot be written to costs the memory, not the run
            add_failures(self._plan.folder / DEFAULT_PATH, self._plan.remembered, new)
            if self._writer is None and any(result.reproduce and result.known is None for result in self._results):
                self._plan.run_file.parent.mkdir(parents=True, exist_ok=True)
                self._writer = RunWriter(self._plan.run_file)
        if self._writer is not None:
            self._head()
            self._writer.write(self._end(outcome))
            self._writer.close()

    def _head(self) -> None:
        """Write the run line and what is known until now, once."""
        if self._writer is None or self._headed:
            return
        self._headed = True
        plan = self._plan
        server = self._discovered.get("server")
        self._writer.write(
            RunRecord(
                tool=f"wsproof {__version__}",
                target={
                    "url": plan.shown_url,
                    **({"profile": plan.profile.name} if plan.profile else {}),
                    **({"server": server} if server else {}),
                },
                started=self._started,
                seed=plan.seed,
                discovered=self._discovered,
                versions=versions(),
                options={
                    "patience": plan.patience,
                    "strict": plan.strict,
                    "examples": plan.examples,
                    **plan.reach,
                },
            )
        )
        for result in self._results:
            self._writer.write(result)

    def _end(self, outcome: Outcome) -> EndRecord:
        stopped = self._redactor.text(outcome.stopped) if outcome.stopped else None
        mended = [str(entry) for entry in self._plan.baseline.mended(self._results)]
        verdict = gate(self._results, strict=self._plan.strict, stopped=stopped, gone=outcome.gone, mended=len(mended))
        return EndRecord(
            totals=Totals.of(self._results),
            duration=round(outcome.duration, 3),
            exit=verdict.exit,
            gate=verdict.sentence,
            stopped=stopped,
            mended=mended,
        )


def is_ours(check: Check) -> bool:
    """Whether ``wsproof replay`` and ``explain`` know it, as against a user's own."""
    return check.function.__module__.startswith(f"{__package__}.")
