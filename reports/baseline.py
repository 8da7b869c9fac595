"""The baseline: known, accepted failures. The gate fails on what is new, and says what has been mended."""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from .errors import ConfigError, unwritable
from .model import CheckResult, Finding, Strict, Verdict
from .toml_file import line_of, read_toml

_HEAD = """\
# Failures and warnings that are known and accepted. What is not here fails the gate.
# `wsproof check --update-baseline` rewrites this file: it keeps the reasons, adds what is new, drops what is mended.
"""
_JUDGED = frozenset({Verdict.PASS, Verdict.INFO, Verdict.WARN, Verdict.FAIL})


class Entry(Strict):
    """One known failure or warning."""

    id: str
    """The check's."""
    reason: str = Field(min_length=1)
    requirements: list[str] | None = Field(default=None, min_length=1)
    """The requirements whose findings are excused; None: all of the check's."""
    verdict: Literal["fail", "warn"] = "fail"
    """The worst that is excused (by ``severity``): a known warning that becomes a failure is new."""
    seen: str | None = None
    """What it was seen with, e.g. ``uvicorn 0.54.0 (websockets)``."""
    sentence: str | None = None
    """The RFC's sentence that is broken."""

    def covers(self, finding: Finding) -> bool:
        """Whether the entry speaks of this finding's requirement."""
        return self.requirements is None or finding.requirement in self.requirements

    def excuses(self, finding: Finding) -> bool:
        """Whether this bad finding is accepted."""
        return self.covers(finding) and (self.verdict == "fail" or severity(finding) == "warn")

    def __str__(self) -> str:
        return self.id if self.requirements is None else f"{self.id} ({', '.join(self.requirements)})"


class Baseline(Strict):
    """All entries. An empty one excuses nothing."""

    known: list[Entry] = Field(default=[])

    def __or__(self, other: Baseline) -> Baseline:
        """Both together; of two entries for one finding the first gives the reason."""
        return Baseline(known=[*self.known, *other.known])

    def of(self, check: str) -> list[Entry]:
        """The entries for one check."""
        return [entry for entry in self.known if entry.id == check]

    def excuse(self, check: str, findings: Sequence[Finding]) -> str | None:
        """The reason why a check with these findings is accepted; None unless each bad finding, of one or more, is."""
        entries = self.of(check)
        reasons = [next((e.reason for e in entries if e.excuses(finding)), None) for finding in _bad(findings)]
        given = [reason for reason in reasons if reason is not None]
        return "; ".join(dict.fromkeys(given)) if given and len(given) == len(reasons) else None

    def mended(self, results: Iterable[CheckResult]) -> list[Entry]:
        """Entries whose check ran and no longer shows what they excuse."""
        by_id = {result.id: result for result in results}
        return [entry for entry in self.known if entry.id in by_id and _is_mended(entry, by_id[entry.id])]

    def updated(
        self, results: Iterable[CheckResult], today: datetime.date, *, beside: Baseline | None = None
    ) -> Baseline:
        """A baseline that excuses each failure and warning of ``results``, but for what one ``beside`` it excuses.

        Entries that still occur keep their reasons, and so do those of checks that came to no verdict; mended ones go.
        """
        results = list(results)
        mended = self.mended(results)
        known = [entry for entry in self.known if entry not in mended]
        for result in results:
            others = [] if beside is None else beside.of(result.id)
            findings = [one for one in _bad(result.findings) if not any(entry.excuses(one) for entry in others)]
            known = [_widened(entry, findings) if entry.id == result.id else entry for entry in known]
            own = [entry for entry in known if entry.id == result.id]
            if new := [one for one in findings if not any(entry.covers(one) for entry in own)]:
                known.append(_recorded(result.id, new, today))
        return Baseline(known=sorted(known, key=lambda entry: (entry.id, entry.requirements or [])))


def severity(finding: Finding) -> Literal["fail", "warn"]:
    """How bad a bad finding is. Contested ones count as warnings, also where ``--strict`` fails them."""
    return "fail" if finding.verdict is Verdict.FAIL and not finding.contested else "warn"


def _bad(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict in (Verdict.FAIL, Verdict.WARN)]


def _is_mended(entry: Entry, result: CheckResult) -> bool:
    if result.verdict not in _JUDGED or any(map(entry.covers, _bad(result.findings))):
        return False
    if result.verdict in (Verdict.PASS, Verdict.INFO):
        return True
    # The check failed at something else: only a finding under the entry's own requirements shows that it got there.
    return any(entry.covers(finding) and finding.verdict in _JUDGED for finding in result.findings)


def _widened(entry: Entry, findings: Iterable[Finding]) -> Entry:
    """The entry, excusing failures too where one of its check's findings has become a failure."""
    worse = any(entry.covers(finding) and severity(finding) == "fail" for finding in findings)
    return entry.model_copy(update={"verdict": "fail"}) if worse else entry


def _recorded(check: str, findings: Sequence[Finding], today: datetime.date) -> Entry:
    return Entry(
        id=check,
        reason=f"recorded {today.isoformat()}, not looked into",
        requirements=sorted({finding.requirement for finding in findings}),
        verdict="fail" if "fail" in map(severity, findings) else "warn",
    )


def load_baseline(path: Path, known_ids: Collection[str] | None = None) -> Baseline:
    """Read a baseline. ``known_ids`` are the ids that checks have; None leaves them unlooked at.

    Raises ``ConfigError`` for what is unreadable, an unknown key or check, or two entries for the same finding.
    """
    baseline, text = read_toml(path, Baseline)
    for index, entry in enumerate(baseline.known):
        line = line_of(text, ("known", index, "id"))
        if known_ids is not None and entry.id not in known_ids:
            near = difflib.get_close_matches(entry.id, known_ids, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`wsproof list` names them"
            raise ConfigError(path, line, f"there is no check {entry.id!r}; {hint}")
        if any(_overlap(entry, earlier) for earlier in baseline.known[:index]):
            raise ConfigError(path, line, f"{entry.id!r} is excused twice for the same requirement; keep one entry")
    return baseline


def _overlap(one: Entry, other: Entry) -> bool:
    if one.id != other.id:
        return False
    return one.requirements is None or other.requirements is None or bool({*one.requirements} & {*other.requirements})


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write ``baseline`` as TOML. Raises ``ConfigError`` where ``path`` cannot be written."""
    try:
        path.write_text(_HEAD + "".join(map(_toml, baseline.known)), encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from error


def _toml(entry: Entry) -> str:
    values = entry.model_dump(exclude_none=True, exclude_defaults=True)
    return "\n[[known]]\n" + "".join(f"{key} = {_toml_value(value)}\n" for key, value in values.items())


def _toml_value(value: str | list[str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    # A TOML basic string is a JSON string in which DEL too is written out.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
