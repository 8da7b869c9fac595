"""What the baseline excuses, what has been mended, and what stands wrong in the file."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.reports.baseline import Baseline, Entry, load_baseline, write_baseline
from wsproof.reports.errors import ConfigError
from wsproof.reports.model import CheckResult, Outcome, Verdict

from .samples import HOSTILE, checked, finding, raw

MUST, OTHER, SHOULD, CONTESTED = "rfc6455-5.5-2", "rfc6455-5.5.2-1", "rfc6455-7.1.7-1", "rfc6455-7.1.5-1"
TODAY = datetime.date(2026, 3, 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property; each writes its file anew."""
    return tmp_path_factory.mktemp("baseline")


def baseline(*entries: Entry) -> Baseline:
    return Baseline(known=list(entries))


def entry(id: str = "a/b", reason: str = "known defect", **more: object) -> Entry:
    return Entry.model_validate({"id": id, "reason": reason, **more})


def failing(*requirements: str, id: str = "a/b", outcome: Outcome = Outcome.VIOLATED) -> CheckResult:
    return checked(id, *(raw(name, outcome) for name in requirements or (MUST,)))


def test_excuses_all_findings_by_default() -> None:
    assert baseline(entry()).excuse("a/b", failing(MUST, OTHER).findings) == "known defect"


def test_excuses_only_its_own_check() -> None:
    assert baseline(entry("a/c")).excuse("a/b", failing().findings) is None


def test_excuses_only_the_requirements_it_names() -> None:
    one = baseline(entry(requirements=[MUST]))
    assert one.excuse("a/b", failing(MUST).findings) == "known defect"
    assert one.excuse("a/b", failing(MUST, OTHER).findings) is None
    both = baseline(entry(requirements=[MUST]), entry(requirements=[OTHER], reason="another"))
    assert both.excuse("a/b", failing(MUST, OTHER).findings) == "known defect; another"


def test_holding_findings_need_no_excuse() -> None:
    result = checked("a/b", raw(MUST, Outcome.VIOLATED), raw(OTHER, Outcome.HOLDS))
    assert baseline(entry(requirements=[MUST])).excuse("a/b", result.findings) == "known defect"
    assert baseline(entry()).excuse("a/b", failing(outcome=Outcome.HOLDS).findings) is None
    assert baseline(entry()).excuse("a/b", []) is None


def test_known_warning_that_becomes_a_failure_is_new() -> None:
    known = baseline(entry(verdict="warn"))
    assert known.excuse("a/b", failing(outcome=Outcome.WARNED).findings) == "known defect"
    assert known.excuse("a/b", failing(outcome=Outcome.VIOLATED).findings) is None


def test_known_failure_that_becomes_a_warning_is_still_known() -> None:
    assert baseline(entry(verdict="fail")).excuse("a/b", failing(outcome=Outcome.WARNED).findings) == "known defect"


def test_a_contested_warning_stays_known_when_strict_fails_it() -> None:
    strict = checked("a/b", raw(CONTESTED, Outcome.VIOLATED), strict=True)
    assert strict.verdict is Verdict.FAIL
    assert baseline(entry(verdict="warn")).excuse("a/b", strict.findings) == "known defect"


def test_of_two_baselines_the_first_gives_the_reason() -> None:
    both = baseline(entry(reason="shipped")) | baseline(entry(reason="mine"))
    assert both.excuse("a/b", failing().findings) == "shipped"


@pytest.mark.parametrize(
    ("result", "mended"),
    [
        (failing(outcome=Outcome.HOLDS), True),
        (failing(outcome=Outcome.NOTED), True),
        (failing(), False),
        (failing(outcome=Outcome.WARNED), False),
        (checked("a/b", ended=Verdict.SKIP, reason="needs ECHO"), False),
        (checked("a/b", ended=Verdict.UNDETERMINED, reason="why"), False),
        (checked("a/b", ended=Verdict.ERROR, reason="why"), False),
        (failing(outcome=Outcome.HOLDS, id="a/other"), False),
        (checked("a/b", raw(OTHER, Outcome.VIOLATED)), False),
        (checked("a/b", raw(OTHER, Outcome.VIOLATED), raw(MUST, Outcome.HOLDS)), True),
    ],
)
def test_mended(result: CheckResult, mended: bool) -> None:
    known = baseline(entry(requirements=[MUST]))
    assert known.mended([result]) == (known.known if mended else [])


def test_an_entry_says_itself_in_one_line() -> None:
    assert str(entry()) == "a/b"
    assert str(entry(requirements=[MUST, OTHER])) == f"a/b ({MUST}, {OTHER})"


def test_update_keeps_adds_and_drops() -> None:
    old = baseline(entry("a/known"), entry("a/mended"), entry("a/not-run"), entry("a/skipped"))
    results = [
        failing(id="a/known"),
        failing(id="a/mended", outcome=Outcome.HOLDS),
        checked("a/skipped", ended=Verdict.SKIP, reason="needs ECHO"),
        failing(OTHER, MUST, id="a/new"),
        failing(id="a/new-warning", outcome=Outcome.WARNED),
        failing(id="a/fine", outcome=Outcome.HOLDS),
    ]
    recorded = "recorded 2026-03-04, not looked into"
    assert old.updated(results, TODAY).known == [
        entry("a/known"),
        entry("a/new", recorded, requirements=[MUST, OTHER]),
        entry("a/new-warning", recorded, requirements=[MUST], verdict="warn"),
        entry("a/not-run"),
        entry("a/skipped"),
    ]


def test_update_widens_an_entry_that_became_worse() -> None:
    assert baseline(entry(verdict="warn")).updated([failing()], TODAY).known == [entry(verdict="fail")]


def test_update_adds_only_what_the_entry_does_not_cover() -> None:
    updated = baseline(entry(requirements=[MUST])).updated([failing(MUST, OTHER)], TODAY)
    assert [known.requirements for known in updated.known] == [[MUST], [OTHER]]


def test_update_leaves_out_what_another_baseline_excuses() -> None:
    shipped = baseline(entry("a/b"))
    assert Baseline().updated([failing()], TODAY, beside=shipped).known == []
    assert len(Baseline().updated([failing(id="a/c")], TODAY, beside=shipped).known) == 1


ids = st.sampled_from(["a/b", "a/c", "b/d[x]"])
bad_results = st.lists(
    st.builds(
        lambda id, raws: checked(id, *raws),
        ids,
        st.lists(
            st.builds(
                raw,
                st.sampled_from([MUST, OTHER, SHOULD, CONTESTED]),
                st.sampled_from(Outcome),
            ),
            min_size=1,
            max_size=4,
        ),
    ),
    unique_by=lambda result: result.id,
)


@given(bad_results, bad_results)
def test_after_an_update_everything_bad_is_known_and_nothing_mended(
    before: list[CheckResult], after: list[CheckResult]
) -> None:
    updated = Baseline().updated(before, TODAY).updated(after, TODAY)
    for result in after:
        bad = result.verdict in (Verdict.FAIL, Verdict.WARN)
        has_bad_finding = any(one.verdict in (Verdict.FAIL, Verdict.WARN) for one in result.findings)
        assert bad == has_bad_finding
        assert (updated.excuse(result.id, result.findings) is not None) == bad
    assert updated.mended(after) == []
    assert updated.updated(after, TODAY) == updated


@given(bad_results)
def test_an_update_can_be_read_again(folder: Path, results: list[CheckResult]) -> None:
    path = folder / "baseline.toml"
    updated = Baseline().updated(results, TODAY)
    write_baseline(updated, path)
    assert load_baseline(path, {"a/b", "a/c", "b/d[x]"}) == updated


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.none() | st.text())
def test_any_reason_survives_the_file(folder: Path, reason: str, sentence: str | None) -> None:
    path = folder / "reasons.toml"
    written = baseline(entry(reason=reason, requirements=[MUST], seen='uvicorn "0.54"', sentence=sentence))
    write_baseline(written, path)
    assert load_baseline(path) == written


def test_an_empty_baseline_can_be_written_and_read(tmp_path: Path) -> None:
    write_baseline(Baseline(), tmp_path / "b.toml")
    assert load_baseline(tmp_path / "b.toml", []) == Baseline()


def test_written_form(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    write_baseline(baseline(entry(requirements=[MUST], verdict="warn", seen="uvicorn 0.54.0")), path)
    assert path.read_text("utf-8").split("\n\n", 1)[1] == (
        '[[known]]\nid = "a/b"\nreason = "known defect"\n'
        'requirements = ["rfc6455-5.5-2"]\nverdict = "warn"\nseen = "uvicorn 0.54.0"\n'
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[[known]]\nid = "a/b"\nreason = "r"\nreasn = "y"', 4, "unknown key 'reasn'; did you mean 'reason'?"),
        ('[[known]]\nid = "a/b"\nreason = "r"\n\n[[known]]\nid = "a/c"', 5, "the key 'reason' is missing; add it"),
        ('[[known]]\nid = 3\nreason = "r"', 2, "'id' holds a whole number where a string is wanted"),
        ('[[known]]\nid = "a/b"\nreason = ""', 3, "'reason' is empty; fill it in"),
        ('[[known]]\nid = "a/b"\nreason = "r"\nrequirements = []', 4, "'requirements' is empty; fill it in"),
        (
            '[[known]]\nid = "a/b"\nreason = "r"\nverdict = "bad"',
            4,
            "'verdict' is 'bad'; right would be 'fail' or 'warn'",
        ),
        ("[[known]\n", 1, "broken TOML: Expected ']]' at the end of an array declaration"),
        ('[[known]]\nid = "a/bb"\nreason = "r"', 2, "there is no check 'a/bb'; did you mean 'a/b'?"),
        ('[[known]]\nid = "nonsense"\nreason = "r"', 2, "there is no check 'nonsense'; `wsproof list` names them"),
        (
            '[[known]]\nid = "a/b"\nreason = "r"\n[[known]]\nid = "a/b"\nreason = "q"\nrequirements = ["x"]',
            5,
            "'a/b' is excused twice for the same requirement; keep one entry",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "baseline.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_baseline(path, ["a/b", "a/c"])
    assert str(caught.value) == f"{path}:{line}: {message}"


def test_one_check_may_have_entries_for_different_requirements(tmp_path: Path) -> None:
    path = tmp_path / "baseline.toml"
    write_baseline(baseline(entry(requirements=["x"]), entry(requirements=["y"])), path)
    assert len(load_baseline(path).known) == 2


def test_unwritable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        write_baseline(Baseline(), tmp_path / "no" / "b.toml")


def test_hostile_findings_do_not_reach_the_file(tmp_path: Path) -> None:
    result = checked("a/b", raw(MUST, Outcome.VIOLATED, HOSTILE))
    write_baseline(Baseline().updated([result], TODAY), tmp_path / "b.toml")
    assert "owned" not in (tmp_path / "b.toml").read_text("utf-8")


def test_a_finding_is_as_bad_with_and_without_strict() -> None:
    known = entry(verdict="warn")
    assert known.excuses(finding(verdict=Verdict.FAIL, contested=True))
    assert not known.excuses(finding(verdict=Verdict.FAIL))
