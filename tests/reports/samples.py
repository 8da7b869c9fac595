"""Made-up runs for the tests of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wsproof.reports.baseline import Baseline, Entry
from wsproof.reports.judge import gate, judge_check
from wsproof.reports.model import (
    CheckResult,
    EndRecord,
    Finding,
    Level,
    Outcome,
    RawFinding,
    RunRecord,
    Totals,
    TranscriptEntry,
    Verdict,
)

HOSTILE = (
    "a\x00\x07\x1b[31m\x1b]0;owned\x07\r\n\x85\u202egnp.exe\u2066\ud800\ufffe</failure><script>&\"'[bold]]]>\U0001f600é"
)
"""Controls, ANSI, bidi, a lone surrogate, a noncharacter, markup of XML and of rich."""


@dataclass(frozen=True)
class Rule:
    """A requirement as the catalogue would hold it."""

    level: Level
    section: str
    statement: str
    contested: str | bool | None = None
    rfc: int | None = 6455

    @property
    def source(self) -> str:
        return f"RFC {self.rfc}, section {self.section}" if self.rfc else "the documentation of the echo"


CATALOGUE = {
    "rfc6455-5.5-2": Rule(Level.MUST, "5.5", "A control frame's payload is at most 125 bytes."),
    "rfc6455-5.5.2-1": Rule(Level.MUST, "5.5.2", "A Ping is answered with a Pong."),
    "rfc6455-7.1.7-1": Rule(Level.SHOULD, "7.1.7", "An endpoint that fails the connection sends a Close frame."),
    "rfc6455-7.1.5-1": Rule(Level.MUST, "7.1.5", "The Close frame is echoed.", contested="only typically, says 5.5.1"),
    "rfc6455-5.4-8": Rule(Level.MAY, "5.4", "A message may be fragmented."),
    "contract:echo": Rule(Level.MUST, "", "Text comes back as text.", rfc=None),
}

TRANSCRIPT = [
    TranscriptEntry(t=0.0, conn=1, dir="out", what="request", text="GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    TranscriptEntry(t=0.0009, conn=1, dir="in", what="response", text="HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    TranscriptEntry(
        t=0.0012,
        conn=1,
        dir="out",
        what="frame",
        fin=True,
        rsv=0,
        opcode=9,
        masked=True,
        length=126,
        head="89fe007e01020304" + "00" * 24,
    ),
    TranscriptEntry(
        t=0.002,
        conn=1,
        dir="in",
        what="frame",
        fin=True,
        rsv=0,
        opcode=1,
        masked=False,
        length=5,
        head="810568656c6c6f",
    ),
    TranscriptEntry(
        t=0.003,
        conn=1,
        dir="in",
        what="frame",
        fin=True,
        rsv=0,
        opcode=8,
        masked=False,
        length=6,
        head="880603e862796521",
    ),
    TranscriptEntry(t=0.0031, conn=1, dir="in", what="tcp", text="end"),
]


def raw(requirement: str, outcome: Outcome, observed: str = "the connection stayed open") -> RawFinding:
    return RawFinding(
        requirement=requirement, outcome=outcome, expected="the connection to be failed with 1002", observed=observed
    )


def checked(
    id: str, *findings: RawFinding, ended: Verdict | None = None, reason: str | None = None, **more: Any
) -> CheckResult:
    """A judged check."""
    return judge_check(
        id=id,
        title=more.pop("title", "A control frame whose payload is longer than 125 bytes fails the connection."),
        requirements=[finding.requirement for finding in findings] or ["rfc6455-5.5-2"],
        findings=findings,
        catalogue=CATALOGUE,
        ended=ended,
        reason=reason,
        duration=0.004,
        **more,
    )


EXAMPLE = {"size": {"words": "126", "value": 126}}
KNOWN = Baseline(known=[Entry(id="masking/known", reason="the stack lets it through")])


def every_verdict() -> list[CheckResult]:
    """A run with each verdict, known failures included."""
    must, should, may = "rfc6455-5.5-2", "rfc6455-7.1.7-1", "rfc6455-5.4-8"
    return [
        checked("framing/fine", raw(must, Outcome.HOLDS)),
        checked("control-frames/long-ping", raw(must, Outcome.VIOLATED), transcript=TRANSCRIPT),
        checked("control-frames/long-pong", raw(must, Outcome.VIOLATED), transcript=TRANSCRIPT),
        checked(
            "control-frames/mute",
            raw(must, Outcome.VIOLATED, "nothing"),
            retried=True,
            example=EXAMPLE,
            run_file="run.jsonl",
        ),
        checked("closing-handshake/no-close", raw(should, Outcome.VIOLATED, "TCP end without Close")),
        checked("closing-handshake/inside", raw("rfc6455-7.1.5-1", Outcome.VIOLATED, "1002")),
        checked("fragmentation/may", raw(may, Outcome.NOTED, "fragments its messages")),
        checked("masking/known", raw(must, Outcome.VIOLATED), baseline=KNOWN),
        checked("text-utf8/echo", ended=Verdict.SKIP, reason="needs ECHO"),
        checked("text-utf8/echo-2", ended=Verdict.SKIP, reason="needs ECHO"),
        checked("text-utf8/token", ended=Verdict.SKIP, reason="needs TOKEN"),
        checked("limits/busy", ended=Verdict.UNDETERMINED, reason="the fence stayed unanswered"),
        checked("limits/bug", ended=Verdict.ERROR, reason="Traceback:\n  line 1\nKeyError: 'x'"),
    ]


def run_record(**more: Any) -> RunRecord:
    return RunRecord(
        **{
            "tool": "wsproof 0.1.0",
            "target": {"url": "ws://127.0.0.1:8000/echo", "profile": None, "server": "uvicorn"},
            "started": "2026-01-02T03:04:05+00:00",
            "discovered": {"echo": {"text": True, "binary": False}, "greeting": []},
            **more,
        }
    )


def end_record(results: Sequence[CheckResult], **more: Any) -> EndRecord:
    exit_code, sentence = gate(results)
    values: dict[str, Any] = {"totals": Totals.of(results), "duration": 2.94, "exit": exit_code, "gate": sentence}
    return EndRecord(**{**values, **more})


def finding(requirement: str = "rfc6455-5.5-2", verdict: Verdict = Verdict.FAIL, contested: bool = False) -> Finding:
    return Finding(requirement=requirement, verdict=verdict, contested=contested)
