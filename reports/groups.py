"""Checks that show the same defect, told once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .model import CheckResult, Finding, Verdict

_BAD = (Verdict.FAIL, Verdict.WARN)


@dataclass(frozen=True, slots=True)
class Group:
    """Checks whose bad findings are the same. The first stands for all."""

    first: CheckResult
    others: Sequence[CheckResult]
    findings: Sequence[Finding]


def bad_findings(result: CheckResult) -> list[Finding]:
    """The findings that failed or warned, failures first."""
    return sorted((one for one in result.findings if one.verdict in _BAD), key=lambda one: _BAD.index(one.verdict))


def grouped(results: Iterable[CheckResult]) -> list[Group]:
    """``results`` by what was found wrong, in the order of each group's first."""
    alike: dict[tuple[object, ...], list[CheckResult]] = {}
    for result in results:
        findings = bad_findings(result)
        what = tuple((one.requirement, one.verdict, one.expected, one.observed) for one in findings)
        alike.setdefault(what or (result.id,), []).append(result)
    return [Group(first, others, bad_findings(first)) for first, *others in alike.values()]
