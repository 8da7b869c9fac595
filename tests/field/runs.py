"""Runs of the whole catalogue, and how they are held against what is known of a server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from wsproof.cli import main
from wsproof.conformance.command import load_checks
from wsproof.reports.baseline import Baseline, load_baseline
from wsproof.reports.model import Run, Verdict
from wsproof.reports.runfile import read_run

EXPECTED = Path(__file__).with_name("expected")
BAD = (Verdict.FAIL, Verdict.WARN)
LOOK = (
    "the suite finds what is not known of this server. Look into it by hand (transcript, its source, the RFC), "
    "then mend the check, or add an entry with its reason and tell of it in docs/field-notes.md"
)


def wsproof(words: Sequence[str], run_file: Path) -> Run:
    """Run ``wsproof WORDS`` in this process; the run that it wrote, whose exit code is the command's."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    run = read_run(run_file)
    assert ended.value.code == run.end.exit
    return run


def known(path: Path) -> Baseline:
    """A baseline, each of whose entries tells what it was seen with and which sentence is broken."""
    baseline = load_baseline(path, set(load_checks()))
    assert [str(entry) for entry in baseline.known if not (entry.seen and entry.sentence)] == []
    return baseline


def is_as_seen(baseline: Baseline) -> bool:
    """Whether the versions installed here are those that the baseline was seen with."""
    seen = {pair for entry in baseline.known for pair in re.findall(r"([a-z]+) (\d[\d.]*\d)", entry.seen or "")}
    return all(version(name) == number for name, number in seen)


def assert_known(run: Run, baseline: Baseline, undetermined: frozenset[str] = frozenset()) -> None:
    """The run came to its end and found nothing new; with the versions that were seen before, exactly what was."""
    assert run.end.stopped is None
    new = {
        f"{result.verdict.value} {result.id}: {finding.requirement}: {finding.observed}"
        for result in run.checks
        if result.verdict in BAD and result.known is None
        for finding in result.findings
        if finding.verdict in BAD
    }
    assert sorted(new) == [], LOOK
    unsure = {result.id for result in run.checks if result.verdict in (Verdict.UNDETERMINED, Verdict.ERROR)}
    assert sorted(unsure - undetermined) == []
    if is_as_seen(baseline):
        assert run.end.mended == []
        assert unsure == undetermined
        found = {(result.id, result.verdict.value) for result in run.checks if result.verdict in BAD}
        failing = {entry.id for entry in baseline.known if entry.verdict == "fail"}
        assert found == {(entry.id, "fail" if entry.id in failing else "warn") for entry in baseline.known}


def skips(run: Run) -> dict[str, set[str]]:
    """What was skipped, by the reason."""
    found: dict[str, set[str]] = {}
    for result in run.checks:
        if result.verdict is Verdict.SKIP:
            found.setdefault(result.reason or "", set()).add(result.id)
    return found
