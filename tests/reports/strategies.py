"""Any run that the model allows."""

from __future__ import annotations

from typing import Any, Literal, get_args

from hypothesis import strategies as st

from wsproof.reports.model import (
    CheckResult,
    EndRecord,
    Finding,
    Level,
    Run,
    RunRecord,
    Totals,
    TranscriptEntry,
    Verdict,
)

from .samples import HOSTILE, TRANSCRIPT

What = Literal["tcp", "bytes", "request", "response", "frame", "note"]

anything = st.text(st.characters(), max_size=20) | st.sampled_from([HOSTILE, "", "x" * 1000])
"""Lone surrogates and control characters included."""

seconds = st.floats(0, 1e6)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(anything, plain, max_size=3)

entries: st.SearchStrategy[TranscriptEntry] = st.sampled_from(TRANSCRIPT) | st.builds(
    TranscriptEntry,
    t=seconds,
    conn=st.integers(1, 3),
    dir=st.sampled_from(["in", "out"]),
    what=st.sampled_from(get_args(What)),
    fin=st.none() | st.booleans(),
    rsv=st.none() | st.integers(0, 7),
    opcode=st.none() | st.integers(0, 15),
    masked=st.none() | st.booleans(),
    length=st.none() | st.integers(0, 2**63),
    head=st.none() | st.binary(max_size=40).map(bytes.hex) | anything,
    sha256=st.none() | anything,
    text=st.none() | anything,
)

findings = st.builds(
    Finding,
    requirement=anything,
    verdict=st.sampled_from(Verdict),
    expected=anything,
    observed=anything,
    contested=st.booleans(),
)

checks: st.SearchStrategy[CheckResult] = st.builds(
    CheckResult,
    id=anything,
    title=anything,
    section=anything,
    level=st.sampled_from(Level),
    requirements=st.lists(anything, max_size=2),
    autobahn=st.lists(anything, max_size=2),
    verdict=st.sampled_from(Verdict),
    reason=st.none() | anything,
    findings=st.lists(findings, max_size=3),
    duration=seconds,
    retried=st.booleans(),
    known=st.none() | anything,
    example=st.none() | tables,
    transcript=st.lists(entries, max_size=4),
    replay=st.lists(tables, max_size=2),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """A whole run whose totals are true."""
    results = draw(st.lists(checks, max_size=4))
    run: dict[str, Any] = {
        "tool": draw(anything),
        "kind": draw(st.sampled_from(["check", "load", "run"])),
        "target": draw(tables),
        "started": draw(anything),
        "seed": draw(st.integers(0, 2**64)),
        "discovered": draw(tables),
        "versions": draw(st.dictionaries(anything, anything, max_size=2)),
        "options": draw(tables),
    }
    end = EndRecord(
        totals=Totals.of(results),
        duration=draw(seconds),
        exit=draw(st.sampled_from([0, 1, 2, 3])),
        gate=draw(anything),
        stopped=draw(st.none() | anything),
        mended=draw(st.lists(anything, max_size=2)),
    )
    return Run(run=RunRecord(**run), checks=results, end=end)
