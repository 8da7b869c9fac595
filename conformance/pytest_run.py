"""What the plugin does where --ws-target is given: collects, runs, reports."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from ..reports.evidence import transcript_lines
from ..reports.model import CheckResult, Verdict
from ..reports.text import plural
from .check import Check
from .pytest_batch import Batch, Plan
from .pytest_items import (
    ENTRIES_SHOWN,
    KNOWN,
    RUN,
    SUMMARY,
    VERDICT,
    CheckItem,
    Checks,
    Explanation,
    Run,
    properties_of,
)
from .pytest_options import plan_of
from .pytest_shared import SharedBatch, Stopped, stop_file
from .pytest_target import TARGET, fail_recorded

WORKER_INPUT: Final = "wsproof"
"""The key of ours in what pytest-xdist hands to a worker: the folder that all share, and the seed."""


class LocalBatch:
    """The results without pytest-xdist: the batch starts with the first item that asks."""

    def __init__(self, plugin: RunPlugin) -> None:
        self._plugin = plugin
        self._batch: Batch | None = None

    def result(self, id: str) -> CheckResult:
        """See Results."""
        if self._batch is None:
            self._batch = Batch(self._plugin.plan, self._plugin.selected())
            self._batch.start()
        return self._batch.result(id)

    def finish(self, *, early: bool) -> None:
        """End the run; where pytest has not stopped early, each item has its result and only the end is awaited."""
        if self._batch is not None:
            if early:
                self._batch.stop()
            self._batch.join()


class RunPlugin:
    """Registered where --ws-target is given. Raises pytest.UsageError where the options are wrong."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        given: dict[str, Any] = getattr(config, "workerinput", {}).get(WORKER_INPUT, {})
        self.plan: Plan = plan_of(config, seed=given.get("seed"))
        self.results: LocalBatch | SharedBatch
        if given:
            self.results = SharedBatch(self.plan, Path(given["folder"]), self.selected)
        else:
            self.results = LocalBatch(self)
        self._session: pytest.Session | None = None
        self._shared: Path | None = None
        config.stash[RUN] = Run(self.plan, self.results)

    def selected(self) -> list[Check]:
        """The checks that pytest is to run, after -k and the like."""
        items = self._session.items if self._session is not None else []
        return [item.check for item in items if isinstance(item, CheckItem)]

    # -- collection ----------------------------------------------------------------------------------------------

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    def pytest_report_header(self) -> str:
        profile = f", profile {self.plan.profile.name}" if self.plan.profile else ""
        return f"wsproof: {self.plan.shown_url}{profile}, seed {self.plan.seed}"

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Our checks stand behind the session's own files."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            report.result = [*report.result, Checks.below(collector)]
        return report

    # -- running -------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """In a worker a result is awaited before the item starts: where pytest stops meanwhile, it never does."""
        if isinstance(item, CheckItem) and isinstance(self.results, SharedBatch):
            try:
                self.results.wait(item.check.id)
            except Stopped:
                item.session.shouldstop = "stopped by the controller"
                return True
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """A violation that a test has only reported fails it too."""
        yield
        if TARGET in item.stash:
            fail_recorded(item.stash[TARGET])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """The check's own duration, not how long its item waited; a user's failed test shows its exchange."""
        report = yield
        if isinstance(item, CheckItem) and item.result is not None and call.when == "call":
            report.duration = item.result.duration
        if TARGET in item.stash and report.failed:
            lines = transcript_lines(item.stash[TARGET].transcript.entries, most=ENTRIES_SHOWN)
            report.sections.append(("WebSocket exchange", "\n".join(lines)))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        early = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR) or self._stops()
        if self._shared is not None:
            stop_file(self._shared).touch()
        self.results.finish(early=early)

    def _stops(self) -> bool:
        session = self._session
        return session is not None and bool(session.shouldfail or session.shouldstop)

    # -- pytest-xdist, in the controller -------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._shared is None:
            self._shared = Path(tempfile.mkdtemp(prefix="wsproof-"))
        node.workerinput[WORKER_INPUT] = {"folder": str(self._shared), "seed": self.plan.seed}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """A worker's explanation comes as bare text: its summary, for the last lines and JUnit, goes with it again.

        -x and --maxfail end the one run of all workers, without waiting for what they have in hand.
        """
        summary = properties_of(report).get(SUMMARY)
        if summary is not None and isinstance(report.longrepr, str):
            explanation: Any = Explanation(str(summary), report.longrepr)
            report.longrepr = explanation
        yield
        if self._shared is not None and self._stops():
            stop_file(self._shared).touch()

    def pytest_unconfigure(self) -> None:
        if self._shared is not None:
            shutil.rmtree(self._shared, ignore_errors=True)

    # -- reports -------------------------------------------------------------------------------------------------

    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
        """A check that warns has passed, and is counted apart; one whose warning the baseline knows is not."""
        if not isinstance(report, pytest.TestReport) or report.when != "call" or not report.passed:
            return None
        found = properties_of(report)
        warned = found.get(VERDICT) == Verdict.WARN and KNOWN not in found
        return ("warned", "w", "WARNED") if warned else None

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        warned: Sequence[pytest.TestReport] = terminalreporter.getreports("warned")
        if warned:
            terminalreporter.write_sep("=", f"WebSocket: {plural(len(warned), 'check')} warned")
            for report in warned:
                terminalreporter.write_line(f"{report.nodeid}: {properties_of(report).get(SUMMARY)}")
        if self.plan.output is not None and self.plan.output.exists():
            terminalreporter.write_line(f"wsproof: the run file is {self.plan.shown_run_file}")
