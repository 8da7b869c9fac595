"""One conformance run from its options to its end record; prints nothing, and knows no command line.

Yields to a ``Listener`` what happens, so that the command, and later pytest, only show it.
"""

from __future__ import annotations

import asyncio
import datetime
import platform
import secrets
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Self

from .check import Check
from .discovered import Discovered
from .discovery import discover, expect_to_stay
from .endpoint import Endpoint
from .errors import TargetGone, TargetRefused
from .profile import Profile
from .property import NO_MEMORY, Draws
from .reach import placed
from .runner import Attempt, Runner
from .serve import ServedTarget
from .target import DEFAULT_PATIENCE, Setting

__all__ = ["DEFAULT_PATIENCE", "Listener", "Options", "Outcome", "run_checks", "versions"]

JOBS_ON_LOOPBACK: Final = 16
JOBS_ELSEWHERE: Final = 4
WAIT_POLL: Final = 0.1
"""Seconds between two looks whether a target that is awaited (--wait) has come."""


@dataclass(frozen=True)
class Options:
    """What a run is to do. Times are seconds; ``wait`` is how long a target may take to come up."""

    endpoint: Endpoint
    checks: Sequence[Check]
    profile: Profile | None = None
    jobs: int | None = None
    patience: float = DEFAULT_PATIENCE
    serve: ServedTarget | None = None
    wait: float = 0.0
    max_time: float | None = None
    disruptive: bool = False
    draws: Draws = NO_MEMORY


@dataclass(frozen=True)
class Outcome:
    """How the run as a whole went. ``gone``: the target was not reached, refused, or went away for good."""

    duration: float
    stopped: str | None = None
    gone: bool = False


class Listener:
    """Is told what happens. The base class does nothing."""

    def discovered(self, found: Discovered) -> None:
        """The target was looked at; the checks follow."""

    def attempted(self, attempt: Attempt) -> None:
        """A check has come to its final observations."""


async def run_checks(options: Options, listener: Listener) -> Outcome:
    """Look at the target, run the checks against it, leave nothing running behind."""
    begun = time.monotonic()
    with _Stopper(options.max_time) as stopper:
        try:
            return await _run(options, listener, stopper, begun)
        except asyncio.CancelledError:
            if stopper.reason is None:
                raise
            return Outcome(time.monotonic() - begun, stopper.reason)
        finally:
            stopper.runner = None
            stopper.shielded = True
            if options.serve is not None:
                await options.serve.stop()


async def _run(options: Options, listener: Listener, stopper: _Stopper, begun: float) -> Outcome:
    setting = Setting(
        options.endpoint,
        profile=placed(options.profile, options.endpoint),
        patience=options.patience,
        disruptive=options.disruptive,
        salt=secrets.token_hex(4),
    )
    try:
        if options.serve is not None:
            await options.serve.start()
        found = await _look(setting, options.wait)
        expect_to_stay(setting, found)
    except (TargetGone, TargetRefused) as why:
        return Outcome(time.monotonic() - begun, str(why), gone=True)
    jobs = options.jobs or (JOBS_ON_LOOPBACK if options.endpoint.is_loopback else JOBS_ELSEWHERE)
    setting = replace(setting, found=found)
    runner = stopper.runner = Runner(setting, options.checks, jobs=jobs, draws=options.draws, served=options.serve)
    listener.discovered(found)
    async for attempt in runner.run():
        listener.attempted(attempt)
    if runner.stopped is None:
        return Outcome(time.monotonic() - begun)
    suspects = runner.stopped.suspects
    named = f" (under way were: {', '.join(suspects)})" if suspects else ""
    return Outcome(time.monotonic() - begun, runner.stopped.reason + named, gone=runner.stopped.gone)


async def _look(setting: Setting, wait: float) -> Discovered:
    """Discovery; for ``wait`` seconds a target that is not there yet, or answers 5xx or nothing, is tried again."""
    deadline = time.monotonic() + wait
    while True:
        try:
            return await discover(setting)
        except (TargetGone, TargetRefused) as why:
            if time.monotonic() + WAIT_POLL > deadline or (isinstance(why, TargetRefused) and why.final):
                raise
        await asyncio.sleep(WAIT_POLL)


class _Stopper:
    """Ctrl-C, SIGTERM and the end of ``max_time`` stop the run, which then ends in order, whatever it is about."""

    def __init__(self, max_time: float | None) -> None:
        self.reason: str | None = None
        self.runner: Runner | None = None
        self.shielded = False
        self._max_time = max_time
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.current_task()

    def stop(self, reason: str) -> None:
        """Stop what is going on; a second call, or one while the run is cleaning up, does nothing."""
        if self.reason is not None or self.shielded:
            return
        self.reason = reason
        if self.runner is not None:
            self.runner.stop(reason)
        elif self._task is not None:
            self._task.cancel()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # no main thread, or no signals here
            loop.add_signal_handler(signal.SIGINT, self.stop, "stopped by Ctrl-C")
            loop.add_signal_handler(signal.SIGTERM, self.stop, "stopped by SIGTERM")
        if self._max_time is not None:
            self._timer = loop.call_later(self._max_time, self.stop, f"--max-time of {self._max_time:g} s is over")
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)
        if self._timer is not None:
            self._timer.cancel()


def versions() -> dict[str, str]:
    """wsproof, Python and the libraries on which a verdict can depend."""
    found = {"python": platform.python_version()}
    for name in ("wsproof", "h11", "hypothesis", "pydantic"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def now() -> str:
    """The time for the run line, in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
