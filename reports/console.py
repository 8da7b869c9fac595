"""The report on the console: a live bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from types import TracebackType
from typing import Any, Self, TextIO

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from .evidence import example_words, transcript_rows
from .groups import Group, grouped
from .model import CheckResult, EndRecord, Finding, RunRecord, Totals, Verdict
from .requirement import Catalogue
from .text import plural, visible, visible_block

FULL_FAILURES = 30
"""Groups of failures that are shown in full; the rest are named."""

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.INFO: "cyan",
    Verdict.SKIP: "dim",
    Verdict.UNDETERMINED: "magenta",
    Verdict.ERROR: "bold red",
}
_GATE_STYLES = {0: "bold green", 1: "bold red"}
_BODY = " " * 8
_LINES = 30
"""Lines of one section that says one line per check."""
_ALSO = 10
_QUIET_SECONDS = 10.0
"""How long a pipe stays silent while checks run."""


class Verbosity(IntEnum):
    """How much is said."""

    QUIET = 0
    """One line per failure, and the gate."""
    NORMAL = 1
    VERBOSE = 2
    """Each check as it ends, and everything in full."""


class Console:
    """Writes one run to ``stream``: ``header``, then ``progress`` and ``result`` as checks end, then ``finish``.

    On a terminal a bar shows the progress; elsewhere nothing but plain lines is written: no ANSI, no carriage returns.
    Whatever a target sent is escaped and cut. ``clock`` gives seconds. As a context manager it clears the bar when the
    run ends without ``finish``.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        catalogue: Catalogue | None = None,
        verbosity: Verbosity = Verbosity.NORMAL,
        full_failures: int = FULL_FAILURES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue: Catalogue = {} if catalogue is None else catalogue
        self._verbosity = verbosity
        self._full_failures = full_failures
        self._clock = clock
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._rich = rich.console.Console(
            file=stream,
            force_terminal=self._live,
            force_interactive=self._live,
            color_system="auto" if self._live else None,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._seen: Counter[Verdict] = Counter()
        self._last_line = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Clear the progress bar. Harmless when there is none."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def header(self, run: RunRecord) -> None:
        """Say what runs against what, and what was found out about it."""
        if self._verbosity is Verbosity.QUIET:
            return
        what = (run.tool, run.kind, str(run.target.get("url", "")))
        self._line("", "  ".join(map(visible, filter(None, what))), style="bold")
        facts = {key: value for key, value in run.target.items() if key != "url"} | run.discovered
        if run.seed or self._verbosity is Verbosity.VERBOSE:
            facts["seed"] = str(run.seed)
        if self._verbosity is Verbosity.VERBOSE:
            facts |= run.versions
        shown = {visible(key, 30): text for key, value in facts.items() if (text := _fact(value))}
        width = max(map(len, shown), default=0)
        for key, text in shown.items():
            self._line(f"  {key:<{width}}  ", text)

    def progress(self, done: int, total: int) -> None:
        """``done`` of ``total`` checks have ended. In a pipe said only where it would be silent for long."""
        if self._verbosity is Verbosity.QUIET:
            return
        if self._live:
            self._advance(done, total)
        elif self._clock() - self._last_line >= _QUIET_SECONDS:
            self._line("  ", f"{done:,} of {plural(total, 'check')}{self._bad_so_far()}")

    def result(self, result: CheckResult) -> None:
        """One check has ended."""
        self._seen[result.verdict] += result.known is None
        if self._verbosity is Verbosity.VERBOSE:
            word = "known" if result.known is not None else str(result.verdict)
            self._line(f"  {word:<12}  ", f"{visible(result.id)}  {result.duration:.3f} s", _STYLES[result.verdict])

    def finish(self, results: Sequence[CheckResult], end: EndRecord) -> None:
        """Say all that was found, in the order of ``results``; the last line is the gate."""
        self.close()
        open_ = [result for result in results if result.known is None]
        by_verdict = {verdict: [one for one in open_ if one.verdict is verdict] for verdict in Verdict}
        if self._verbosity is Verbosity.QUIET:
            self._names(by_verdict[Verdict.ERROR] + by_verdict[Verdict.FAIL])
        else:
            self._errors(by_verdict[Verdict.ERROR])
            self._failures(by_verdict[Verdict.FAIL])
            self._warnings(by_verdict[Verdict.WARN])
            self._undetermined(by_verdict[Verdict.UNDETERMINED])
            self._informational(by_verdict[Verdict.INFO])
            self._baseline([result for result in results if result.known is not None], end.mended)
            self._skips(by_verdict[Verdict.SKIP])
            self._totals(len(results), end)
        gate = end.gate or f"Exit code {end.exit}."
        self._line("", visible(gate), style=_GATE_STYLES.get(end.exit, "bold magenta"))

    def _advance(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = Progress(
                TextColumn("  "),
                BarColumn(bar_width=32),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", style="bold red"),
                console=self._rich,
                transient=True,
                refresh_per_second=8,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task("", total=total)
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total, description=self._bad_so_far().lstrip(", "))

    def _bad_so_far(self) -> str:
        failed = self._seen[Verdict.FAIL] + self._seen[Verdict.ERROR]
        return f", {failed:,} failed" if failed else ""

    def _errors(self, results: Sequence[CheckResult]) -> None:
        self._heading("Errors of wsproof's own", len(results), "bold red")
        for result in results:
            self._title(Verdict.ERROR, result)
            for line in visible_block(result.reason or "no reason given").split("\n"):
                self._line(_BODY, line)

    def _failures(self, results: Sequence[CheckResult]) -> None:
        self._heading("Failures", len(results), "bold red")
        groups = grouped(results)
        most = len(groups) if self._verbosity is Verbosity.VERBOSE else self._full_failures
        for number, group in enumerate(groups[:most]):
            if number:
                self._line("", "")
            self._in_full(group)
        rest = [result for group in groups[most:] for result in (group.first, *group.others)]
        if rest:
            self._line("", "")
            self._line("  ", f"{plural(len(rest), 'further failure')} (--verbose shows them in full):")
            self._names(rest)

    def _in_full(self, group: Group) -> None:
        first = group.first
        self._title(Verdict.FAIL, first)
        for finding in group.findings:
            self._finding(finding)
        if first.reason:
            self._line(f"{_BODY}reason    ", visible(first.reason))
        if first.retried:
            self._line(f"{_BODY}retried   ", "the check was run once more, alone")
        if first.example:
            for name, words in example_words(first.example).items():
                self._line(f"{_BODY}example   ", f"{visible(name)}: {visible(words)}")
        self._also(group.others)
        if first.reproduce:
            self._line(f"{_BODY}replay    ", visible(first.reproduce))
        if first.transcript:
            self._line("", "")
        for lead, what in transcript_rows(first.transcript, most=200 if self._verbosity is Verbosity.VERBOSE else 24):
            self._line(_BODY + lead, what, "dim", "dim")

    def _title(self, verdict: Verdict, result: CheckResult) -> None:
        self._line(f"  {verdict.upper():<6}", visible(result.id), _STYLES[verdict], "bold")
        self._line(_BODY, visible(result.title))

    def _finding(self, finding: Finding) -> None:
        self._line(f"{_BODY}requires  ", self._requirement(finding.requirement))
        if finding.contested:
            self._line(f"{_BODY}contested ", self._contested(finding.requirement))
        if finding.expected:
            self._line(f"{_BODY}expected  ", visible(finding.expected))
        self._line(f"{_BODY}observed  ", visible(finding.observed), style=_STYLES[finding.verdict])

    def _requirement(self, name: str) -> str:
        requirement = self._catalogue.get(name)
        if requirement is None:
            return visible(name)
        rfc = f"RFC {requirement.rfc}, {requirement.section}, " if requirement.rfc else ""
        return f"{visible(requirement.statement)} ({rfc}{requirement.level}, {visible(name)})"

    def _contested(self, name: str) -> str:
        requirement = self._catalogue.get(name)
        why = None if requirement is None else requirement.contested
        return visible(why) if isinstance(why, str) and why else "the RFC leaves room for another reading"

    def _also(self, others: Sequence[CheckResult]) -> None:
        most = len(others) if self._verbosity is Verbosity.VERBOSE else _ALSO
        for number, result in enumerate(others[:most]):
            self._line(f"{_BODY}{'' if number else 'also':<10}", visible(result.id))
        if len(others) > most:
            self._line(f"{_BODY}{'':<10}", f"and {len(others) - most:,} more")

    def _warnings(self, results: Sequence[CheckResult]) -> None:
        self._heading("Warnings", len(results), "yellow")
        groups = grouped(results)
        for group in self._first_lines(groups):
            others = f"  (and {plural(len(group.others), 'check')} more)" if group.others else ""
            self._line("  warn  ", visible(group.first.id) + others, _STYLES[Verdict.WARN])
            self._line(_BODY, self._in_one_line(group))
        self._rest(len(groups))

    def _in_one_line(self, group: Group) -> str:
        if not group.findings:
            return visible(group.first.reason or group.first.title)
        finding = group.findings[0]
        requirement = self._catalogue.get(finding.requirement)
        place = f"RFC {requirement.rfc}, {requirement.section}" if requirement and requirement.rfc else ""
        place = place or visible(finding.requirement)
        contested = ", contested" if finding.contested else ""
        expected = f"; expected {visible(finding.expected, 160)}" if finding.expected else ""
        more = f" (+{len(group.findings) - 1} more)" if len(group.findings) > 1 else ""
        return f"{place}{contested}: {visible(finding.observed, 160)}{expected}{more}"

    def _undetermined(self, results: Sequence[CheckResult]) -> None:
        self._heading("Undetermined", len(results), "magenta")
        for result in self._first_lines(results):
            self._line("  ", f"{visible(result.id)}: {visible(result.reason or 'no reason given', 160)}")
        self._rest(len(results))

    def _informational(self, results: Sequence[CheckResult]) -> None:
        if self._verbosity is not Verbosity.VERBOSE:
            return
        self._heading("Informational", len(results), "cyan")
        for result in results:
            noted = [finding.observed for finding in result.findings if finding.verdict is Verdict.INFO]
            self._line("  ", f"{visible(result.id)}: {visible('; '.join(noted), 160)}")

    def _baseline(self, known: Sequence[CheckResult], mended: Sequence[str]) -> None:
        self._heading("Known", len(known), "dim")
        for result in self._first_lines(known):
            self._line(f"  {result.verdict}  ", f"{visible(result.id)}: {visible(result.known or '')}")
        self._rest(len(known))
        self._heading("Mended, to be taken out of the baseline", len(mended), "green")
        for entry in mended:
            self._line("  ", visible(entry))

    def _skips(self, results: Sequence[CheckResult]) -> None:
        self._heading("Skipped", len(results), "dim")
        reasons = Counter(result.reason or "no reason given" for result in results)
        width = max((len(str(count)) for count in reasons.values()), default=0)
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            self._line(f"  {count:>{width}}  ", visible(reason))

    def _totals(self, checks: int, end: EndRecord) -> None:
        if end.stopped:
            self._line("", "")
            self._line("", f"Stopped early: {visible(end.stopped)}", style="bold magenta")
        self._line("", "")
        self._line("", f"{plural(checks, 'check')} in {end.duration:.1f} s: {totals_text(end.totals)}")

    def _names(self, results: Iterable[CheckResult]) -> None:
        for result in results:
            self._line(f"  {result.verdict.upper():<6}", visible(result.id), _STYLES[result.verdict])

    def _first_lines(self, items: Sequence[Any]) -> Sequence[Any]:
        return items if self._verbosity is Verbosity.VERBOSE else items[:_LINES]

    def _rest(self, count: int) -> None:
        if count > _LINES and self._verbosity is not Verbosity.VERBOSE:
            self._line("  ", f"and {count - _LINES:,} more (--verbose shows them)")

    def _heading(self, title: str, count: int, style: str) -> None:
        if count:
            self._line("", "")
            self._line("", f"{title} ({count:,})", style=style)

    def _line(self, lead: str, text: str, lead_style: str = "", style: str = "") -> None:
        """One line; on a terminal wrapped, with what follows set in below its beginning."""
        self._last_line = self._clock()
        body = Text(text.encode(self._encoding, "backslashreplace").decode(self._encoding), style=style)
        width = max(self._rich.width - len(lead), 20)
        lines = list(body.wrap(self._rich, width)) if self._live and text else [body]
        for number, line in enumerate(lines):
            before = lead if number == 0 else " " * len(lead)
            whole = Text.assemble((before, lead_style), line)
            whole.rstrip()
            self._rich.print(whole, soft_wrap=True)


def totals_text(totals: Totals) -> str:
    """``500 passed, 2 failed (1 known), ...``: what is not zero."""
    words = {
        "passed": totals.passed,
        "failed": totals.fail,
        "warned": totals.warn,
        "info": totals.info,
        "undetermined": totals.undetermined,
        "in error": totals.error,
        "skipped": totals.skip,
    }
    counts = ", ".join(f"{count:,} {word}" for word, count in words.items() if count) or "nothing was run"
    return f"{counts} ({totals.known:,} of them known)" if totals.known else counts


def _fact(value: Any) -> str:
    """A value of the run line on one line; empty for what is absent, none or zero."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, dict):
        return ", ".join(f"{visible(str(key), 40)}={text}" for key, item in value.items() if (text := _fact(item)))
    if isinstance(value, list | tuple):
        return ", ".join(text for item in value if (text := _fact(item)))
    return "" if value in (None, 0) else visible(str(value), 200)
