"""Repeats the exchange of a recorded failure: the check's own function, with the same seed and the same example.

So the same bytes go out as long as the target answers alike, and the check itself judges what comes.
"""

from __future__ import annotations

import base64
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..reports.model import CheckResult, Outcome, RawFinding, Run, Verdict
from .check import Check, Undetermined, Violation
from .discovery import plain_handshake
from .errors import TargetGone, UsageError
from .property import decode_example
from .recording import Step, sendings
from .runner import own_findings
from .source import Source
from .target import Setting
from .trial import PATIENCES_PER_CHECK, Trial, try_check

BAD = (Verdict.FAIL, Verdict.WARN)
DIED = RawFinding("", Outcome.DIED, "the target takes further connections", "target died")


@dataclass(frozen=True)
class Recorded:
    """What is to be repeated. ``item`` is the check whose exchange it is: another than ``result`` is about, where that

    was seen in passing.
    """

    result: CheckResult
    item: Check
    seed: str
    example: Mapping[str, object] | None
    steps: Sequence[Step]

    @property
    def in_passing(self) -> bool:
        return self.result.id != self.item.id


def recorded(run: Run, id: str, catalogue: Mapping[str, Check]) -> Recorded:
    """The recording of that check. Raises UsageError, one line, where there is none."""
    result = next((result for result in run.checks if result.id == id), None)
    if result is None:
        near = difflib.get_close_matches(id, [result.id for result in run.checks if result.replay], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "those that failed or warned are named at its end"
        raise UsageError(f"the run file has no check {id!r}; {hint}")
    if result.verdict not in BAD:
        raise UsageError(f"{id} did not fail ({result.verdict}), so there is nothing to replay")
    if not result.replay:
        raise UsageError(f"the run file holds no exchange of {id}; run the check again")
    head, *steps = result.replay
    name, seed, example = head.get("check"), head.get("seed"), head.get("example")
    if head.get("do") != "run" or not isinstance(name, str) or not isinstance(seed, str):
        raise UsageError(f"the exchange of {id} does not begin with the check and its seed")
    for unknown in (id, name):
        if unknown not in catalogue:
            raise UsageError(f"this wsproof has no check {unknown!r}; replay with the version that wrote the run file")
    return Recorded(result, catalogue[name], seed, example, steps)


@dataclass(frozen=True)
class Replayed:
    """What came of it. ``findings`` are under the requirements of the recorded result's check."""

    findings: tuple[RawFinding, ...]
    trial: Trial
    steps: Sequence[Step]
    reached: bool
    reason: str | None = None


async def replay(setting: Setting, before: Recorded, watcher: Check) -> Replayed:
    """Run the exchange again; ``watcher`` is the check of the recorded result. Raises UsageError for its example."""
    limit = None if before.item.slow else max(PATIENCES_PER_CHECK * setting.patience, 1.0)
    values = None
    if before.example is not None:
        try:
            values = decode_example(before.item, dict(before.example))
        except ValueError as error:
            raise UsageError(f"the recorded example cannot be used: {error}") from None
        limit = limit or math.inf
    trial = await try_check(setting, before.item, Source(before.seed), limit=limit, values=values)
    steps = trial.transcript.steps()
    alive = await _alive(setting)
    opened = any(step["do"] == "open" and "refused" not in step for step in steps)
    if not alive and not opened:
        return Replayed((), trial, steps, False, trial.undetermined or "the target takes no connection")
    if not alive:
        return Replayed((replace(DIED, requirement=watcher.requirements[0]),), trial, steps, True)
    findings = _in_passing(before, trial) if before.in_passing else own_findings(before.item, trial)
    reason = next((finding.observed for finding in findings if finding.outcome is Outcome.UNDETERMINED), None)
    return Replayed(tuple(findings), trial, steps, True, trial.error or reason)


def _in_passing(before: Recorded, trial: Trial) -> list[RawFinding]:
    """What was seen this time of the requirements that were seen broken in this exchange."""
    place = f"(in {before.item.id})"
    findings: list[RawFinding] = []
    for told in before.result.findings:
        if told.verdict not in BAD or not told.observed.endswith(place):
            continue
        seen = next((finding for finding in trial.seen if finding.requirement == told.requirement), None)
        if seen is None and trial.undetermined is not None:
            seen = RawFinding(told.requirement, Outcome.UNDETERMINED, observed=trial.undetermined)
        findings.append(seen or RawFinding(told.requirement, Outcome.HOLDS))
    return findings


async def _alive(setting: Setting) -> bool:
    patient = replace(setting, patience=max(5.0, 3 * setting.patience))
    try:
        return (await plain_handshake(patient)).response is not None
    except TargetGone:
        return False
    except (Violation, Undetermined):
        return True


def still_bad(before: CheckResult, now: CheckResult, *, strict: bool) -> bool:
    """Whether it is still as bad as recorded. A warning counts where it was recorded as one, or judged strictly."""
    warned = {finding.requirement for finding in before.findings if finding.verdict is Verdict.WARN}
    warns = [finding for finding in now.findings if finding.verdict is Verdict.WARN]
    fails = any(finding.verdict is Verdict.FAIL for finding in now.findings)
    return fails or any(strict or finding.requirement in warned for finding in warns)


@dataclass(frozen=True)
class Sent:
    """How many of the recorded sends went out again: byte for byte, and all but for the name of the host."""

    recorded: int
    alike: int
    but_for_host: int


def compare_sends(before: Sequence[Step], now: Sequence[Step], hosts: tuple[str, str]) -> Sent:
    """Hold the sends of each connection against the recorded ones, in their order; ``hosts`` as Host names them."""
    alike = but_for_host = 0
    old, new = sendings(before), sendings(now)
    for conn in {step["conn"] for step in old}:
        pairs = zip((s for s in old if s["conn"] == conn), (s for s in new if s["conn"] == conn), strict=False)
        for first, second in pairs:
            alike += first == second
            but_for_host += first != second and _renamed(first, hosts) == _renamed(second, hosts[::-1])
    return Sent(len(old), alike, but_for_host)


def _renamed(step: Step, hosts: tuple[str, str]) -> bytes | None:
    """What was sent with every name of the host in the one spelling; None for what is not kept whole."""
    if "bytes" not in step:
        return None
    common = b"\0host\0"
    octets = base64.b64decode(step["bytes"])
    for host in sorted(hosts, key=len, reverse=True):
        octets = octets.replace(host.encode("latin-1"), common)
    return octets
