"""The checks as pytest sees them: a collector for all of ours, an item for each check, and what a failing one says."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from ..reports.evidence import transcript_lines
from ..reports.model import CheckResult, Finding, Verdict
from ..reports.text import visible, visible_block
from .check import CATALOGUE, Check
from .own import unknown_requirements
from .requirements import requirements

if TYPE_CHECKING:
    from .pytest_batch import Plan

NAME: Final = "wsproof"
ENTRIES_SHOWN: Final = 24
VERDICT: Final = "wsproof_verdict"
SUMMARY: Final = "wsproof_summary"
KNOWN: Final = "wsproof_known"
NO_TARGET: Final = "checks a WebSocket server: give pytest --ws-target URL"


class Results(Protocol):
    """Where an item takes its result from."""

    def result(self, id: str) -> CheckResult:
        """The result of that check. Raises NothingProved."""
        ...


@dataclass(frozen=True)
class Run:
    """What the options ask for, and where the results are."""

    plan: Plan
    results: Results


RUN: Final = pytest.StashKey[Run]()
"""In the config, where --ws-target was given."""


class CheckItem(pytest.Item):
    """One check as a pytest item, named by its id."""

    def __init__(self, *, check: Check, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.check = check
        self.result: CheckResult | None = None

    @classmethod
    def of(cls, parent: pytest.Collector, check: Check) -> CheckItem:
        """The item of that check below ``parent``."""
        missing = unknown_requirements(check.requirements) if RUN in parent.config.stash else []
        if missing:
            where = "declare it with wsproof.conformance.requirement"
            raise parent.CollectError(f"{check.id} names the requirement {missing[0]!r}, which is unknown; {where}")
        # pytest splits an id read back from its cache at the bracket, and one built from a name not: --lf compares both
        item: CheckItem = cls.from_parent(parent, name=check.id, nodeid=f"{parent.nodeid}::{check.id}", check=check)
        item.own_markers += getattr(check.function, "pytestmark", [])
        return item

    def runtest(self) -> None:
        """Pass, skip (also what is undetermined), fail, or fail as expected (what the baseline knows)."""
        run = self.config.stash.get(RUN, None)
        if run is None:
            pytest.skip(NO_TARGET)
        self.result = result = run.results.result(self.check.id)
        self.user_properties += properties(result)
        if result.verdict in (Verdict.SKIP, Verdict.UNDETERMINED):
            pytest.skip(f"{result.verdict}: {visible(result.reason or '')}")
        bad = (Verdict.FAIL, Verdict.WARN) if run.plan.strict else (Verdict.FAIL,)
        if result.verdict in bad and result.known is not None:
            pytest.xfail(f"known: {visible(result.known)}")
        if result.verdict in (*bad, Verdict.ERROR):
            raise CheckFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Requirement, expected, observed, example and exchange, without a traceback of ours."""
        from .pytest_batch import NothingProved
        from .pytest_options import in_words_of_pytest

        error = excinfo.value
        if isinstance(error, CheckFailed):
            return Explanation(summary_of(error.result), "\n".join(explained(error.result)))
        if isinstance(error, NothingProved):
            why = f"nothing was proved: {in_words_of_pytest(str(error))}"
            return Explanation(why, why)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, int, str]:
        """Where the check's function stands."""
        code = self.check.function.__code__ if isinstance(self.check.function, types.FunctionType) else None
        return (code.co_filename, code.co_firstlineno - 1, self.check.id) if code else (NAME, 0, self.check.id)


class Checks(pytest.Collector):
    """All checks that no test module holds: ours, and a user's own from a conftest or a helper module."""

    @classmethod
    def below(cls, session: pytest.Session) -> Checks:
        """The collector of that session."""
        found: Checks = cls.from_parent(session, name=NAME, nodeid=NAME)
        return found

    def collect(self) -> Iterable[CheckItem]:
        """In the catalogue's order, those behind whose results come last anyway."""
        held = self.session.stash.get(HELD, set())
        checks = [check for check in CATALOGUE.values() if check.id not in held and _is_wanted(check, self.config)]
        checks.sort(key=lambda check: (check.watches, check.alone or check.disruptive))
        return [CheckItem.of(self, check) for check in checks]


HELD: Final = pytest.StashKey[set[str]]()
"""In the session: the ids of checks that stand in test modules."""


def held_by(module: pytest.Module, function: object) -> list[CheckItem] | None:
    """The items of a check that a test module defines; none where it only imports it; None for what is no check."""
    if not isinstance(function, types.FunctionType):
        return None
    found = [check for check in CATALOGUE.values() if check.function is function]
    if not found:
        return None
    if function.__module__ != module.obj.__name__:
        return []
    module.session.stash.setdefault(HELD, set()).update(check.id for check in found)
    return [CheckItem.of(module, check) for check in found if _is_wanted(check, module.config)]


def _is_wanted(check: Check, config: pytest.Config) -> bool:
    return not check.slow or bool(config.getoption("--ws-slow"))


# -- what a failing one says ---------------------------------------------------------------------------------------


class CheckFailed(Exception):
    """A check's verdict is fail or error."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.id)
        self.result = result


def summary_of(result: CheckResult) -> str:
    """A failure, a warning or an error in one line."""
    worst = next(iter(_bad(result)), None)
    if worst is None:
        return visible((result.reason or "").rstrip().rpartition("\n")[2], 300)
    return visible(f"expected {worst.expected}; observed {worst.observed}", 300)


@dataclass(frozen=True)
class _Crash:
    message: str


class Explanation:
    """What pytest shows for a failure: text, and ``reprcrash`` for its short summary and for JUnit's message."""

    def __init__(self, summary: str, text: str) -> None:
        self.reprcrash = _Crash(summary)
        self._text = text

    def __str__(self) -> str:
        return self._text

    def toterminal(self, writer: Any) -> None:
        """Called by pytest with its TerminalWriter."""
        writer.line(self._text)


def explained(result: CheckResult) -> Iterator[str]:
    """A failed check in lines."""
    yield result.title
    known = requirements()
    for finding in _bad(result):
        requirement = known[finding.requirement]
        words = requirement.source if requirement.rfc else finding.requirement
        yield f"{requirement.level}, {words}: {requirement.statement}"
        yield f"  {finding.requirement}: expected {visible(finding.expected)}"
        yield f"  {' ' * len(finding.requirement)}  observed {visible(finding.observed)}"
    for name, drawn in (result.example or {}).items():
        yield f"  example  {name}: {visible(str(drawn['words']), 1000)}"
    if result.verdict is Verdict.ERROR:
        yield visible_block(result.reason or "")
    for line in transcript_lines(result.transcript, most=ENTRIES_SHOWN):
        yield f"  {line}"
    if result.reproduce:
        yield f"  again: {result.reproduce}"


def properties(result: CheckResult) -> list[tuple[str, object]]:
    """What goes with the item into reports, also from a worker to its controller, and into JUnit."""
    found: list[tuple[str, object]] = [(VERDICT, str(result.verdict)), ("wsproof_requirement", result.requirements[0])]
    if result.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR):
        found.append((SUMMARY, summary_of(result)))
    if result.known is not None:
        found.append((KNOWN, visible(result.known)))
    return found


def properties_of(report: pytest.TestReport) -> dict[str, object]:
    """The same, read from a report."""
    return {name: value for name, value in report.user_properties if name in (VERDICT, SUMMARY, KNOWN)}


def _bad(result: CheckResult) -> list[Finding]:
    wanted = Verdict.WARN if result.verdict is Verdict.WARN else Verdict.FAIL
    return [finding for finding in result.findings if finding.verdict is wanted]
