"""The run file (JSON Lines, schema version 1) as pydantic models. Knows nothing of the other packages.

Times are seconds. Verdicts are made in ``judge.py``; what the runner observes is an ``Outcome``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1


class Level(StrEnum):
    """The requirement's keyword (RFC 2119)."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"

    @property
    def is_must(self) -> bool:
        return self in (Level.MUST, Level.MUST_NOT)

    @property
    def is_should(self) -> bool:
        return self in (Level.SHOULD, Level.SHOULD_NOT)


class Outcome(StrEnum):
    """What a check observed about one requirement, before levels, readings and baseline are weighed.

    ``violated`` is weighed by the requirement's level; ``warned`` is tolerated with a warning and ``noted`` is
    only worth knowing, whatever the level (the catalogue's ``how`` says which outcome is which). ``died``: the target
    was gone afterwards, which no level and no reading excuses.
    """

    HOLDS = "holds"
    NOTED = "noted"
    WARNED = "warned"
    VIOLATED = "violated"
    DIED = "died"
    UNDETERMINED = "undetermined"


class Verdict(StrEnum):
    """A judged finding or check."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    INFO = "info"
    SKIP = "skip"
    UNDETERMINED = "undetermined"
    ERROR = "error"


STRICT: Final = ConfigDict(frozen=True, extra="forbid")


class Strict(BaseModel):
    """Frozen, and closed against unknown keys."""

    model_config = STRICT


@dataclass(frozen=True, slots=True)
class RawFinding:
    """One observation under one requirement, as a check made it."""

    requirement: str
    outcome: Outcome
    expected: str = ""
    observed: str = ""
    silence: bool = False
    """The finding rests on nothing having come within the patience."""


class Finding(Strict):
    """A judged observation."""

    requirement: str
    verdict: Verdict
    expected: str = ""
    observed: str = ""
    contested: bool = False
    source: str = ""
    """Of a failure or warning: where the requirement stands, ``RFC 6455, section 5.5``."""
    statement: str = ""
    """Of a failure or warning: the requirement in our words."""


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One thing that passed in one direction. ``t`` counts from the start of the check.

    Made for every frame of a run, hence no model of its own: it is validated where a run file is read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    t: float
    conn: int
    dir: Literal["in", "out"]
    what: Literal["tcp", "bytes", "request", "response", "frame", "note"]
    fin: bool | None = None
    rsv: int | None = None
    opcode: int | None = None
    masked: bool | None = None
    length: int | None = None
    head: str | None = None
    """The first bytes in hex: of a frame its header and the start of its (unmasked) payload."""
    sha256: str | None = None
    """Of the whole payload, where ``head`` cuts it."""
    text: str | None = None


class RunRecord(Strict):
    """The first line."""

    type: Literal["run"] = "run"
    # `schema` would hide BaseModel.schema, hence the alias.
    schema_version: int = Field(default=SCHEMA_VERSION, alias="schema")
    tool: str
    kind: Literal["check", "load", "run"] = "check"
    target: dict[str, Any]
    started: str
    seed: int = 0
    discovered: dict[str, Any] = {}
    versions: dict[str, str] = {}
    options: dict[str, Any] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CheckResult(Strict):
    """One check's line."""

    type: Literal["check"] = "check"
    id: str
    title: str
    section: str
    level: Level
    requirements: list[str]
    autobahn: list[str] = []
    verdict: Verdict
    reason: str | None = None
    """Why it was skipped, undetermined or in error."""
    findings: list[Finding] = []
    duration: float = 0.0
    retried: bool = False
    known: str | None = None
    """The baseline's reason, where the baseline excuses the verdict."""
    example: dict[str, Any] | None = None
    """Of a property: the shrunk input that fails, parameter name -> ``{"words": str, "value": JSON}``."""
    transcript: list[TranscriptEntry] = []
    replay: list[dict[str, Any]] = []
    reproduce: str | None = None
    """Of a failure or warning: the command that does it again."""


class Totals(Strict):
    """Checks by verdict; ``known`` counts those of them that the baseline excuses."""

    passed: int = Field(default=0, alias="pass")
    fail: int = 0
    warn: int = 0
    info: int = 0
    skip: int = 0
    undetermined: int = 0
    error: int = 0
    known: int = 0

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def of(cls, results: Iterable[CheckResult]) -> Totals:
        """Count ``results`` by verdict."""
        counts = dict.fromkeys([*map(str, Verdict), "known"], 0)
        for result in results:
            counts[result.verdict] += 1
            counts["known"] += result.known is not None
        return cls(**counts)


class EndRecord(Strict):
    """The last line; a file without it is a truncated run."""

    type: Literal["end"] = "end"
    totals: Totals
    duration: float
    exit: int
    gate: str = ""
    """One sentence: whether the gate holds, and why."""
    stopped: str | None = None
    """Why the run ended before all checks had run (Ctrl-C, --max-time, the target went away)."""
    mended: list[str] = []
    """Baseline entries that no longer occur."""


Record = Annotated[RunRecord | CheckResult | EndRecord, Field(discriminator="type")]


class Run(Strict):
    """A whole run file, read back."""

    run: RunRecord
    checks: list[CheckResult]
    end: EndRecord
