"""JUnit XML: a test suite per chapter, a test case per check. Valid XML whatever a target sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from .errors import unwritable
from .evidence import transcript_lines
from .groups import bad_findings
from .judge import NOTHING_PROVED
from .model import CheckResult, EndRecord, Finding, RunRecord, Verdict
from .text import visible, visible_block

_MESSAGE = 300


def write_junit(
    results: Sequence[CheckResult], run: RunRecord, end: EndRecord, path: Path, *, strict: bool = False
) -> None:
    """Write ``results`` to ``path``. Raises ``ConfigError`` where it cannot be written.

    A fail is a failure, an error an error; skip and undetermined are skipped, with the reason; all else passes, with
    what was found as its output. What the baseline excuses passes. With ``strict`` a warning is a failure too.
    Where nothing was proved (exit 3) and no check says so, a case ``wsproof/run`` is in error, so that CI sees it.
    """
    tree = ElementTree.ElementTree(_suites(results, run, end, strict))
    ElementTree.indent(tree)
    try:
        with path.open("wb") as file:
            tree.write(file, encoding="utf-8", xml_declaration=True)
            file.write(b"\n")
    except OSError as error:
        raise unwritable(path, error) from error


def _suites(results: Sequence[CheckResult], run: RunRecord, end: EndRecord, strict: bool) -> ElementTree.Element:
    chapters: dict[str, list[ElementTree.Element]] = {}
    for result in results:
        chapter, slash, name = result.id.partition("/")
        if not slash:
            chapter, name = "checks", result.id
        chapters.setdefault(chapter, []).append(_case(chapter, name, result, strict))
    if end.exit == NOTHING_PROVED and all(result.verdict is not Verdict.ERROR for result in results):
        chapters.setdefault("wsproof", []).append(_nothing_proved(end))
    suites = ElementTree.Element("testsuites", {"name": visible(run.tool), "time": f"{end.duration:.3f}"})
    for chapter, cases in chapters.items():
        suite = ElementTree.SubElement(suites, "testsuite", {"name": visible(chapter)})
        _count(suite, cases)
        suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
        suite.set("timestamp", visible(run.started, 40))
        properties = ElementTree.SubElement(suite, "properties")
        for key, value in {"target": run.target.get("url", ""), "tool": run.tool, "seed": run.seed}.items():
            ElementTree.SubElement(properties, "property", {"name": key, "value": visible(str(value))})
        suite.extend(cases)
    _count(suites, list(suites.iter("testcase")))
    return suites


def _count(suite: ElementTree.Element, cases: Sequence[ElementTree.Element]) -> None:
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))


def _case(chapter: str, name: str, result: CheckResult, strict: bool) -> ElementTree.Element:
    names = {"classname": visible(chapter), "name": visible(name), "time": f"{result.duration:.3f}"}
    case = ElementTree.Element("testcase", names)
    reason = visible(result.reason or "no reason given", _MESSAGE)
    match result.verdict:
        case Verdict.ERROR:
            ElementTree.SubElement(case, "error", {"message": reason, "type": "error"}).text = _output(result)
        case Verdict.FAIL | Verdict.WARN if result.known is None and (strict or result.verdict is Verdict.FAIL):
            failure = {"message": _message(result), "type": str(result.verdict)}
            ElementTree.SubElement(case, "failure", failure).text = _output(result)
        case Verdict.SKIP:
            ElementTree.SubElement(case, "skipped", {"message": reason})
        case Verdict.UNDETERMINED:
            ElementTree.SubElement(case, "skipped", {"message": f"undetermined: {reason}"})
        case Verdict.FAIL | Verdict.WARN | Verdict.INFO:
            ElementTree.SubElement(case, "system-out").text = _output(result)
        case Verdict.PASS:
            pass
    return case


def _nothing_proved(end: EndRecord) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"classname": "wsproof", "name": "run", "time": f"{end.duration:.3f}"})
    message = visible(end.gate or end.stopped or "nothing was proved", _MESSAGE)
    ElementTree.SubElement(case, "error", {"message": message, "type": "nothing-proved"})
    return case


def _message(result: CheckResult) -> str:
    findings = bad_findings(result)
    return visible(findings[0].observed, _MESSAGE) if findings else visible(result.title, _MESSAGE)


def _output(result: CheckResult) -> str:
    """What was found, as lines."""
    lines = [f"known: {visible(result.known)}"] if result.known is not None else []
    lines += [f"{result.verdict}: {visible(result.title)}"]
    lines += [f"reason: {visible_block(result.reason)}"] if result.reason else []
    for finding in result.findings:
        if finding.verdict is not Verdict.PASS:
            lines += _finding(finding)
    return "\n".join([*lines, *transcript_lines(result.transcript)])


def _finding(finding: Finding) -> list[str]:
    lines = [f"{finding.verdict} {visible(finding.requirement)}{' (contested)' if finding.contested else ''}"]
    lines += [f"  expected: {visible(finding.expected)}"] if finding.expected else []
    return [*lines, f"  observed: {visible(finding.observed)}"] if finding.observed else lines
