"""JUnit XML as CI systems read it."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given

from wsproof.reports.errors import ConfigError
from wsproof.reports.junit import write_junit
from wsproof.reports.model import CheckResult, EndRecord, Outcome, Run, Verdict

from .samples import HOSTILE, TRANSCRIPT, checked, end_record, every_verdict, raw, run_record
from .strategies import runs

MUST = "rfc6455-5.5-2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "junit.xml"


def written(
    path: Path, results: list[CheckResult], *, strict: bool = False, end: EndRecord | None = None
) -> ElementTree.Element:
    write_junit(results, run_record(), end or end_record(results), path, strict=strict)
    return ElementTree.parse(path).getroot()


def case(root: ElementTree.Element, id: str) -> ElementTree.Element:
    chapter, name = id.split("/")
    (found,) = root.findall(f"testsuite[@name='{chapter}']/testcase[@name='{name}']")
    assert found.get("classname") == chapter
    return found


def kinds(element: ElementTree.Element) -> list[str]:
    return [child.tag for child in element]


def test_every_verdict(path: Path) -> None:
    root = written(path, every_verdict())
    assert kinds(case(root, "framing/fine")) == []
    assert kinds(case(root, "control-frames/long-ping")) == ["failure"]
    assert kinds(case(root, "closing-handshake/no-close")) == ["system-out"]
    assert kinds(case(root, "fragmentation/may")) == ["system-out"]
    assert kinds(case(root, "masking/known")) == ["system-out"]
    assert kinds(case(root, "text-utf8/echo")) == ["skipped"]
    assert kinds(case(root, "limits/busy")) == ["skipped"]
    assert kinds(case(root, "limits/bug")) == ["error"]
    assert len(list(root.iter("testcase"))) == len(every_verdict())


def test_strict_makes_warnings_failures_but_not_known_ones(path: Path) -> None:
    known = checked("masking/warn", raw("rfc6455-7.1.7-1", Outcome.VIOLATED)).model_copy(update={"known": "why"})
    root = written(path, [*every_verdict(), known], strict=True)
    assert kinds(case(root, "closing-handshake/no-close")) == ["failure"]
    assert kinds(case(root, "masking/known")) == kinds(case(root, "masking/warn")) == ["system-out"]
    assert kinds(case(root, "fragmentation/may")) == ["system-out"]


def test_what_stands_in_them(path: Path) -> None:
    root = written(path, every_verdict())
    (failure,) = case(root, "control-frames/long-ping")
    assert (failure.get("message"), failure.get("type")) == ("the connection stayed open", "fail")
    text = failure.text or ""
    assert "fail rfc6455-5.5-2\n  expected: the connection to be failed with 1002\n" in text
    assert '0.0020 <- Text FIN=1 len=5 "hello"' in text
    assert (case(root, "masking/known")[0].text or "").startswith("known: the stack lets it through\n")
    assert case(root, "text-utf8/echo")[0].get("message") == "needs ECHO"
    assert case(root, "limits/busy")[0].get("message") == "undetermined: the fence stayed unanswered"
    assert "KeyError: 'x'" in (case(root, "limits/bug")[0].text or "")
    assert "(contested)" in (case(root, "closing-handshake/inside")[0].text or "")


def test_suites_count_their_cases(path: Path) -> None:
    root = written(path, every_verdict())
    assert [suite.get("name") for suite in root] == [
        "framing",
        "control-frames",
        "closing-handshake",
        "fragmentation",
        "masking",
        "text-utf8",
        "limits",
    ]
    for suite in [root, *root]:
        cases = list(suite.iter("testcase"))
        counts = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {
            "tests": len(cases),
            "failures": sum(one.find("failure") is not None for one in cases),
            "errors": sum(one.find("error") is not None for one in cases),
            "skipped": sum(one.find("skipped") is not None for one in cases),
        }
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("13", "3", "1", "4")
    assert root[1].get("time") == "0.012"
    assert root[1].get("timestamp") == "2026-01-02T03:04:05+00:00"
    assert root[1].findall("properties/property[@name='target']")[0].get("value") == "ws://127.0.0.1:8000/echo"


def test_nothing_proved_is_seen_by_ci(path: Path) -> None:
    results = [checked("a/b", ended=Verdict.SKIP, reason="needs ECHO")]
    root = written(path, results)
    (error,) = case(root, "wsproof/run")
    assert error.get("message") == "Nothing was proved: no check could be judged (1 skipped)."
    assert root.get("errors") == "1"
    empty = written(path, [], end=end_record([], stopped="Ctrl-C"))
    assert kinds(case(empty, "wsproof/run")) == ["error"]


def test_an_id_without_a_chapter(path: Path) -> None:
    root = written(path, [checked("alone", raw(MUST, Outcome.HOLDS))])
    assert kinds(case(root, "checks/alone")) == []


def test_a_failure_without_a_finding_says_its_title(path: Path) -> None:
    result = checked("a/b", raw(MUST, Outcome.VIOLATED)).model_copy(update={"findings": [], "title": "the title"})
    assert case(written(path, [result]), "a/b")[0].get("message") == "the title"


def test_hostile_content(path: Path) -> None:
    entries = [replace(entry, text=HOSTILE, head=HOSTILE) for entry in TRANSCRIPT]
    bad = raw(MUST, Outcome.VIOLATED, HOSTILE * 1000)
    result = checked("a/b", bad, title=HOSTILE, transcript=entries, reason=HOSTILE)
    (failure,) = case(written(path, [result]), "a/b")
    for text in (failure.get("message") or "", failure.text or ""):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "</failure><script>" in text
    assert len(failure.get("message") or "") < 2500
    assert path.stat().st_size < 20_000


def test_unwritable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        written(tmp_path / "none" / "junit.xml", [])


@given(run=runs())
def test_any_run_is_valid_xml_with_a_case_per_check(tmp_path_factory: pytest.TempPathFactory, run: Run) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xml"
    for strict in (False, True):
        write_junit(run.checks, run.run, run.end, path, strict=strict)
        root = ElementTree.parse(path).getroot()
        cases = list(root.iter("testcase"))
        assert len(cases) - len(run.checks) in (0, 1)
        failures = [
            result
            for result in run.checks
            if result.known is None and result.verdict in (Verdict.FAIL, *([Verdict.WARN] if strict else []))
        ]
        assert root.get("failures") == str(len(failures))
        assert root.get("tests") == str(len(cases))
