"""One try of a check, or of one example of a property: what it observed, as plain data. Judges and repeats nothing."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..reports.model import Outcome, RawFinding
from .check import Check, Findings, Undetermined, Violation
from .errors import TargetGone
from .peer import Silence
from .source import Source
from .target import Setting, Target
from .transcript import Transcript

PATIENCES_PER_CHECK: Final = 10
"""A check as a whole ends within this many patiences."""
RANK: Final = (Outcome.HOLDS, Outcome.NOTED, Outcome.UNDETERMINED, Outcome.WARNED, Outcome.VIOLATED, Outcome.DIED)
"""Outcomes from the one that says least against the target to the one that says most."""


@dataclass(frozen=True)
class Trial:
    """What came of one try. ``made`` are the check's own findings, ``seen`` what was read along on its connections.

    Where a trial stands for several, ``witnesses`` are those among them in which a requirement was first seen broken.
    """

    made: tuple[RawFinding, ...]
    seen: tuple[RawFinding, ...]
    transcript: Transcript
    duration: float
    error: str | None = None
    gone: bool = False
    item: Check | None = None
    seed: str = ""
    values: Mapping[str, Any] | None = None
    witnesses: Mapping[str, Trial] = field(default_factory=dict)

    def witness(self, requirement: str) -> Trial:
        """The try in which that was seen."""
        return self.witnesses.get(requirement, self)

    @property
    def worst(self) -> RawFinding | None:
        """The first of the worst of its own findings."""
        return max(self.made, key=lambda finding: RANK.index(finding.outcome), default=None)

    @property
    def undetermined(self) -> str | None:
        """Why nothing can be said, where that is so and nothing worse was found."""
        worst = self.worst
        return worst.observed if worst is not None and worst.outcome is Outcome.UNDETERMINED else None


async def try_check(
    setting: Setting, item: Check, source: Source, *, limit: float | None, values: Mapping[str, Any] | None = None
) -> Trial:
    """Run it once, for at most ``limit`` seconds; ``values`` are a property's example."""
    findings = Findings(item.requirements)
    transcript = Transcript(setting.endpoint.redactor())
    seen: list[RawFinding] = []
    target = Target(setting, findings, transcript, seen.append, source=source)
    begun = time.monotonic()
    error: str | None = None
    gone = False
    made: Sequence[RawFinding]
    try:
        async with asyncio.timeout(limit):
            await item.run(target, **(values or {}))
    except Violation as violation:
        findings.violated(
            violation.expected, violation.observed, requirement=violation.requirement, silence=violation.silence
        )
        made = findings.made
    except Undetermined as why:
        findings.undetermined(str(why))
        made = findings.made
    except Silence:
        findings.undetermined(f"nothing came within {setting.patience:g} s")
        made = findings.made
    except TimeoutError:
        findings.undetermined(f"the check was not done within {limit:g} s (--patience, times {PATIENCES_PER_CHECK})")
        made = findings.made
    except TargetGone as why:
        gone = True
        findings.undetermined(str(why))
        made = findings.made
    except Exception:
        error = traceback.format_exc()
        made = ()
    else:
        made = findings.complete()
    duration = time.monotonic() - begun
    return Trial(tuple(made), tuple(seen), transcript, duration, error, gone, item, source.seed, values)
