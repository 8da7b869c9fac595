"""The one place where verdicts and exit codes are made: raw findings + levels + baseline -> verdicts -> the gate.

All functions are pure. Levels and readings come from the catalogue, which is handed in.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .baseline import Baseline
from .model import CheckResult, Finding, Level, Outcome, RawFinding, Totals, TranscriptEntry, Verdict
from .requirement import Catalogue, Requirement
from .text import plural

WORST_FIRST = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.UNDETERMINED,
    Verdict.INFO,
    Verdict.PASS,
    Verdict.SKIP,
)

BAD = (Verdict.FAIL, Verdict.WARN)
"""What is worth a requirement's words, and can be replayed."""

GATE_HOLDS = 0
GATE_FAILS = 1
NOTHING_PROVED = 3


def judge_finding(raw: RawFinding, level: Level, contested: bool, strict: bool) -> Finding:
    """Weigh one observation by its requirement's level.

    A contested reading only warns, unless ``strict`` judges it like any other. That a target must not die is contested
    by nobody.
    """
    contested = contested and raw.outcome is not Outcome.DIED
    return Finding(
        requirement=raw.requirement,
        verdict=_weigh(raw.outcome, level, mild=contested and not strict),
        expected=raw.expected,
        observed=raw.observed,
        contested=contested,
    )


def _weigh(outcome: Outcome, level: Level, *, mild: bool) -> Verdict:
    match outcome:
        case Outcome.HOLDS:
            return Verdict.PASS
        case Outcome.NOTED:
            return Verdict.INFO
        case Outcome.UNDETERMINED:
            return Verdict.UNDETERMINED
        case Outcome.DIED:
            return Verdict.FAIL
        case Outcome.WARNED | Outcome.VIOLATED if level is Level.MAY:
            return Verdict.INFO
        case Outcome.VIOLATED if level.is_must and not mild:
            return Verdict.FAIL
        case Outcome.WARNED | Outcome.VIOLATED:
            return Verdict.WARN


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a check with these findings. Raises ``ValueError`` without any."""
    return min(verdicts, key=WORST_FIRST.index)


def judge_check(
    *,
    id: str,
    title: str,
    requirements: Sequence[str],
    findings: Sequence[RawFinding],
    catalogue: Catalogue,
    strict: bool = False,
    baseline: Baseline | None = None,
    ended: Verdict | None = None,
    reason: str | None = None,
    autobahn: Sequence[str] = (),
    duration: float = 0.0,
    retried: bool = False,
    example: dict[str, Any] | None = None,
    transcript: Sequence[TranscriptEntry] = (),
    replay: Sequence[dict[str, Any]] = (),
    run_file: str | None = None,
) -> CheckResult:
    """A check's line of the run file: its findings judged, the worst of them its verdict, the baseline applied.

    ``ended`` is SKIP, UNDETERMINED or ERROR where the check did not run to its end (``reason`` says why); it is weighed
    with the findings made until then. Section and level are those of the first of ``requirements``. A check that ran to
    its end without a finding is our own bug. ``replay``, and the command that replays
    ``run_file``, are kept for failures and warnings only.
    Raises ``KeyError`` for a requirement that is not in the catalogue.
    """
    judged = [_explained(raw, catalogue[raw.requirement], strict) for raw in findings]
    if ended is None and not judged:
        ended, reason = Verdict.ERROR, "the check ended without a finding"
    verdict = worst([*(finding.verdict for finding in judged), *([] if ended is None else [ended])])
    if verdict is Verdict.UNDETERMINED and reason is None:
        reason = next((finding.observed for finding in judged if finding.verdict is Verdict.UNDETERMINED), None)
    first = catalogue[requirements[0]]
    bad = verdict in BAD
    return CheckResult(
        id=id,
        title=title,
        section=first.section,
        level=first.level,
        requirements=list(requirements),
        autobahn=list(autobahn),
        verdict=verdict,
        reason=reason,
        findings=judged,
        duration=duration,
        retried=retried,
        known=None if baseline is None else baseline.excuse(id, judged),
        example=example,
        transcript=list(transcript),
        replay=list(replay) if bad else [],
        reproduce=f"wsproof replay {shlex.quote(run_file)} {shlex.quote(id)}" if bad and run_file else None,
    )


def _explained(raw: RawFinding, requirement: Requirement, strict: bool) -> Finding:
    finding = judge_finding(raw, requirement.level, bool(requirement.contested), strict)
    if finding.verdict not in BAD:
        return finding
    return finding.model_copy(update={"source": requirement.source, "statement": requirement.statement})


class Gate(NamedTuple):
    """Whether the gate holds: the exit code, and one sentence that says why."""

    exit: int
    sentence: str


def gate(
    results: Sequence[CheckResult],
    *,
    strict: bool = False,
    stopped: str | None = None,
    gone: bool = False,
    mended: int = 0,
) -> Gate:
    """The run's end: 0 the gate holds, 1 it fails, 3 nothing was proved; 3 goes before 1.

    ``stopped`` says why not all checks ran (Ctrl-C, ``--max-time``, a target that went away), ``gone`` that it was the
    target. A stopped run can fail the gate with what it found, but it cannot show that the gate holds.
    """
    totals = Totals.of(results)
    failures = _unexcused(results, Verdict.FAIL)
    warnings = _unexcused(results, Verdict.WARN)
    judged = totals.passed + totals.fail + totals.warn + totals.info
    if gone:
        return Gate(NOTHING_PROVED, f"Nothing was proved: {_clause(stopped or 'the target went away')}.")
    if totals.error:
        ended = f"{plural(totals.error, 'check')} ended in an error of wsproof's own"
        return Gate(NOTHING_PROVED, f"Nothing was proved: {ended}.")
    if not judged:
        return Gate(NOTHING_PROVED, f"Nothing was proved: {_why_nothing_was_judged(totals, stopped)}.")
    new = "new " if totals.known or mended else ""
    if failures or (strict and warnings):
        bad = [plural(failures, f"{new}failure")] if failures else []
        bad += [f"{plural(warnings, f'{new}warning')} (--strict)"] if strict and warnings else []
        cut = f"; stopped early: {_clause(stopped)}" if stopped else ""
        return Gate(GATE_FAILS, f"The gate fails: {' and '.join(bad)}{_known(totals)}{cut}.")
    if stopped:
        so_far = f"{plural(judged, 'check')} judged until then, without a {new}failure"
        return Gate(NOTHING_PROVED, f"Nothing was proved: {_clause(stopped)}; {so_far}.")
    parts = [f"{plural(totals.passed, 'check')} passed"]
    parts += [f"{totals.info:,} informational"] if totals.info else []
    parts += [plural(warnings, "warning")] if warnings else []
    parts += [f"{totals.undetermined:,} undetermined"] if totals.undetermined else []
    gone_entries = f"; {plural(mended, 'baseline entry', 'baseline entries')} mended" if mended else ""
    return Gate(GATE_HOLDS, f"The gate holds: {', '.join(parts)}{_known(totals)}{gone_entries}.")


def _unexcused(results: Iterable[CheckResult], verdict: Verdict) -> int:
    return sum(result.verdict is verdict and result.known is None for result in results)


def _known(totals: Totals) -> str:
    return f", {totals.known:,} known" if totals.known else ""


def _clause(sentence: str) -> str:
    """``sentence`` as it can stand inside ours."""
    return " ".join(sentence.split()).rstrip(".")


def _why_nothing_was_judged(totals: Totals, stopped: str | None) -> str:
    if stopped:
        return f"{_clause(stopped)}, before any check was judged"
    counts = [f"{totals.skip:,} skipped"] if totals.skip else []
    counts += [f"{totals.undetermined:,} undetermined"] if totals.undetermined else []
    return f"no check could be judged ({', '.join(counts) or 'none was selected'})"
