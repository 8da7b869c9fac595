"""Verdicts and exit codes, as design and catalogue fix them."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.reports.judge import WORST_FIRST, gate, judge_check, judge_finding, worst
from wsproof.reports.model import CheckResult, Level, Outcome, RawFinding, Verdict

from .samples import CATALOGUE, KNOWN, TRANSCRIPT, checked, every_verdict, raw

MUST, SHOULD, MAY = "rfc6455-5.5-2", "rfc6455-7.1.7-1", "rfc6455-5.4-8"
CONTESTED = "rfc6455-7.1.5-1"


@pytest.mark.parametrize(
    ("outcome", "level", "contested", "strict", "verdict"),
    [
        *(
            (Outcome.HOLDS, level, contested, strict, Verdict.PASS)
            for level, contested, strict in itertools.product(Level, (0, 1), (0, 1))
        ),
        *(
            (Outcome.NOTED, level, contested, strict, Verdict.INFO)
            for level, contested, strict in itertools.product(Level, (0, 1), (0, 1))
        ),
        *(
            (Outcome.UNDETERMINED, level, contested, strict, Verdict.UNDETERMINED)
            for level, contested, strict in itertools.product(Level, (0, 1), (0, 1))
        ),
        *((Outcome.DIED, level, False, strict, Verdict.FAIL) for level, strict in itertools.product(Level, (0, 1))),
        (Outcome.VIOLATED, Level.MUST, False, False, Verdict.FAIL),
        (Outcome.VIOLATED, Level.MUST_NOT, False, False, Verdict.FAIL),
        (Outcome.VIOLATED, Level.MUST, False, True, Verdict.FAIL),
        (Outcome.VIOLATED, Level.MUST, True, False, Verdict.WARN),
        (Outcome.VIOLATED, Level.MUST_NOT, True, False, Verdict.WARN),
        (Outcome.VIOLATED, Level.MUST, True, True, Verdict.FAIL),
        (Outcome.VIOLATED, Level.MUST_NOT, True, True, Verdict.FAIL),
        (Outcome.VIOLATED, Level.SHOULD, False, False, Verdict.WARN),
        (Outcome.VIOLATED, Level.SHOULD_NOT, False, False, Verdict.WARN),
        (Outcome.VIOLATED, Level.SHOULD, False, True, Verdict.WARN),
        (Outcome.VIOLATED, Level.SHOULD, True, False, Verdict.WARN),
        (Outcome.VIOLATED, Level.SHOULD, True, True, Verdict.WARN),
        (Outcome.VIOLATED, Level.MAY, False, False, Verdict.INFO),
        (Outcome.VIOLATED, Level.MAY, False, True, Verdict.INFO),
        (Outcome.VIOLATED, Level.MAY, True, False, Verdict.INFO),
        (Outcome.VIOLATED, Level.MAY, True, True, Verdict.INFO),
        (Outcome.WARNED, Level.MUST, False, False, Verdict.WARN),
        (Outcome.WARNED, Level.MUST, False, True, Verdict.WARN),
        (Outcome.WARNED, Level.MUST, True, True, Verdict.WARN),
        (Outcome.WARNED, Level.SHOULD, False, False, Verdict.WARN),
        (Outcome.WARNED, Level.SHOULD_NOT, True, False, Verdict.WARN),
        (Outcome.WARNED, Level.MAY, False, False, Verdict.INFO),
        (Outcome.WARNED, Level.MAY, True, True, Verdict.INFO),
    ],
)
def test_finding(outcome: Outcome, level: Level, contested: bool, strict: bool, verdict: Verdict) -> None:
    observed = RawFinding(requirement="r", outcome=outcome, expected="e", observed="o", silence=True)
    finding = judge_finding(observed, level, bool(contested), bool(strict))
    assert finding.verdict is verdict
    assert (finding.requirement, finding.expected, finding.observed) == ("r", "e", "o")
    assert finding.contested is bool(contested)


def test_worst_first_names_every_verdict_once() -> None:
    assert sorted(WORST_FIRST) == sorted(Verdict)
    assert ", ".join(WORST_FIRST) == "error, fail, warn, undetermined, info, pass, skip"


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_worst(verdicts: list[Verdict]) -> None:
    assert worst(verdicts) is worst([*verdicts, Verdict.SKIP])
    assert worst(verdicts) in verdicts
    assert worst([*verdicts, Verdict.ERROR]) is Verdict.ERROR


def test_worst_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        worst([])


def test_check_takes_the_worst_of_its_findings() -> None:
    result = checked("a/b", raw(MUST, Outcome.HOLDS), raw(SHOULD, Outcome.VIOLATED), raw(MAY, Outcome.NOTED))
    assert result.verdict is Verdict.WARN
    assert [finding.verdict for finding in result.findings] == [Verdict.PASS, Verdict.WARN, Verdict.INFO]


def test_section_and_level_are_those_of_the_first_requirement() -> None:
    result = checked("a/b", raw(SHOULD, Outcome.HOLDS), raw(MUST, Outcome.VIOLATED))
    assert (result.section, result.level) == ("7.1.7", Level.SHOULD)


@pytest.mark.parametrize("ended", [Verdict.SKIP, Verdict.UNDETERMINED, Verdict.ERROR])
def test_check_that_did_not_run_to_its_end(ended: Verdict) -> None:
    result = checked("a/b", ended=ended, reason="why")
    assert (result.verdict, result.reason, result.findings) == (ended, "why", [])


def test_what_was_found_before_the_end_counts() -> None:
    violated = raw(MUST, Outcome.VIOLATED)
    assert checked("a/b", violated, ended=Verdict.UNDETERMINED, reason="why").verdict is Verdict.FAIL
    assert checked("a/b", violated, ended=Verdict.ERROR, reason="why").verdict is Verdict.ERROR


def test_undetermined_takes_its_reason_from_the_finding() -> None:
    result = checked("a/b", raw(MUST, Outcome.UNDETERMINED, "the echo never came"))
    assert (result.verdict, result.reason) == (Verdict.UNDETERMINED, "the echo never came")


def test_check_without_a_finding_is_our_own_bug() -> None:
    result = checked("a/b")
    assert (result.verdict, result.reason) == (Verdict.ERROR, "the check ended without a finding")


def test_replay_is_kept_of_what_is_bad_only() -> None:
    def replay(outcome: Outcome) -> list[dict[str, object]]:
        return checked("a/b", raw(MUST, outcome), transcript=TRANSCRIPT, replay=[{"do": "send"}]).replay

    assert replay(Outcome.VIOLATED) == replay(Outcome.WARNED) == [{"do": "send"}]
    assert replay(Outcome.HOLDS) == replay(Outcome.NOTED) == []


def test_a_target_that_died_fails_whatever_was_contested() -> None:
    finding = judge_finding(raw(CONTESTED, Outcome.DIED), Level.MUST, contested=True, strict=False)
    assert (finding.verdict, finding.contested) == (Verdict.FAIL, False)


def test_strict_fails_a_contested_reading() -> None:
    assert checked("a/b", raw(CONTESTED, Outcome.VIOLATED)).verdict is Verdict.WARN
    assert checked("a/b", raw(CONTESTED, Outcome.VIOLATED), strict=True).verdict is Verdict.FAIL


def test_baseline_excuses_but_keeps_the_verdict() -> None:
    result = checked("masking/known", raw(MUST, Outcome.VIOLATED), baseline=KNOWN)
    assert (result.verdict, result.known) == (Verdict.FAIL, "the stack lets it through")
    assert checked("masking/known", raw(MUST, Outcome.HOLDS), baseline=KNOWN).known is None


def test_unknown_requirement_is_refused() -> None:
    with pytest.raises(KeyError):
        judge_check(id="a/b", title="", requirements=["x"], findings=[raw("x", Outcome.HOLDS)], catalogue=CATALOGUE)


PASS = checked("a/pass", raw(MUST, Outcome.HOLDS))
FAIL = checked("a/fail", raw(MUST, Outcome.VIOLATED))
WARN = checked("a/warn", raw(SHOULD, Outcome.VIOLATED))
INFO = checked("a/info", raw(MAY, Outcome.NOTED))
KNOWN_FAIL = FAIL.model_copy(update={"known": "because"})
KNOWN_WARN = WARN.model_copy(update={"known": "because"})
SKIP = checked("a/skip", ended=Verdict.SKIP, reason="needs ECHO")
UNDETERMINED = checked("a/undetermined", ended=Verdict.UNDETERMINED, reason="why")
ERROR = checked("a/error", ended=Verdict.ERROR, reason="why")


@pytest.mark.parametrize(
    ("results", "strict", "exit_code", "sentence"),
    [
        ([PASS], False, 0, "The gate holds: 1 check passed."),
        ([PASS] * 1200, False, 0, "The gate holds: 1,200 checks passed."),
        ([INFO], False, 0, "The gate holds: 0 checks passed, 1 informational."),
        ([PASS, WARN], False, 0, "The gate holds: 1 check passed, 1 warning."),
        ([PASS, PASS, KNOWN_FAIL], False, 0, "The gate holds: 2 checks passed, 1 known."),
        ([PASS, KNOWN_FAIL, KNOWN_WARN], True, 0, "The gate holds: 1 check passed, 2 known."),
        ([KNOWN_FAIL], False, 0, "The gate holds: 0 checks passed, 1 known."),
        ([PASS, UNDETERMINED, SKIP], False, 0, "The gate holds: 1 check passed, 1 undetermined."),
        ([PASS, FAIL], False, 1, "The gate fails: 1 failure."),
        ([FAIL, FAIL, KNOWN_FAIL], False, 1, "The gate fails: 2 new failures, 1 known."),
        ([PASS, WARN], True, 1, "The gate fails: 1 warning (--strict)."),
        ([FAIL, WARN, WARN], True, 1, "The gate fails: 1 failure and 2 warnings (--strict)."),
        ([], False, 3, "Nothing was proved: no check could be judged (none was selected)."),
        ([SKIP, SKIP], False, 3, "Nothing was proved: no check could be judged (2 skipped)."),
        ([SKIP, UNDETERMINED], True, 3, "Nothing was proved: no check could be judged (1 skipped, 1 undetermined)."),
        ([PASS, ERROR], False, 3, "Nothing was proved: 1 check ended in an error of wsproof's own."),
        ([FAIL, ERROR], False, 3, "Nothing was proved: 1 check ended in an error of wsproof's own."),
    ],
)
def test_gate(results: Sequence[CheckResult], strict: bool, exit_code: int, sentence: str) -> None:
    assert gate(results, strict=strict) == (exit_code, sentence)


def test_gate_when_the_target_went_away() -> None:
    told = gate([PASS, FAIL], gone=True, stopped="the target went away after masking/x.")
    assert told == (3, "Nothing was proved: the target went away after masking/x.")
    assert gate([], gone=True) == (3, "Nothing was proved: the target went away.")


def test_gate_of_a_stopped_run() -> None:
    why = "--max-time 5 s was over"
    assert gate([PASS, FAIL], stopped=why) == (1, f"The gate fails: 1 failure; stopped early: {why}.")
    assert gate([PASS], stopped=why).exit == 3
    assert gate([PASS], stopped=why).sentence == (
        f"Nothing was proved: {why}; 1 check judged until then, without a failure."
    )
    assert gate([], stopped=why) == (3, f"Nothing was proved: {why}, before any check was judged.")


def test_gate_tells_of_mended_entries() -> None:
    assert gate([PASS], mended=2).sentence == "The gate holds: 1 check passed; 2 baseline entries mended."
    assert gate([FAIL], mended=1).sentence == "The gate fails: 1 new failure."


@given(st.lists(st.sampled_from(every_verdict())), st.booleans(), st.booleans())
def test_gate_is_one_sentence_and_its_exit_follows_the_table(
    results: list[CheckResult], strict: bool, gone: bool
) -> None:
    exit_code, sentence = gate(results, strict=strict, gone=gone)
    verdicts = {result.verdict for result in results}
    new = {result.verdict for result in results if result.known is None}
    judged = verdicts & {Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.INFO}
    if gone or Verdict.ERROR in verdicts or not judged:
        assert exit_code == 3
    else:
        assert exit_code == (Verdict.FAIL in new or (strict and Verdict.WARN in new))
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_what_is_bad_says_its_requirement_and_how_to_do_it_again() -> None:
    bad = checked("a/b[c]", raw(MUST, Outcome.VIOLATED), raw(MAY, Outcome.NOTED), run_file="my run.jsonl")
    assert bad.reproduce == "wsproof replay 'my run.jsonl' 'a/b[c]'"
    assert [(one.source, bool(one.statement)) for one in bad.findings] == [("RFC 6455, section 5.5", True), ("", False)]
    good = checked("a/b", raw(MUST, Outcome.HOLDS), run_file="run.jsonl")
    assert (good.reproduce, good.findings[0].statement) == (None, "")
