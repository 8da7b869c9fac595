"""What the console shows: plain in a pipe, lively on a terminal, and safe on both."""

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from wsproof.reports.console import Console, Verbosity, totals_text
from wsproof.reports.model import CheckResult, EndRecord, Outcome, Run, Totals, Verdict

from .samples import CATALOGUE, HOSTILE, TRANSCRIPT, checked, end_record, every_verdict, raw, run_record
from .strategies import runs

MUST = "rfc6455-5.5-2"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown does not hang on where the tests run."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def shown(
    results: list[CheckResult],
    *,
    stream: io.StringIO | None = None,
    end: EndRecord | None = None,
    verbosity: Verbosity = Verbosity.NORMAL,
    full_failures: int = 30,
) -> str:
    stream = io.StringIO() if stream is None else stream
    with Console(stream, catalogue=CATALOGUE, verbosity=verbosity, full_failures=full_failures) as console:
        console.header(run_record())
        for number, result in enumerate(results, start=1):
            console.result(result)
            console.progress(number, len(results))
        console.finish(results, end or end_record(results))
    return stream.getvalue()


GOLDEN = """\
wsproof 0.1.0  check  ws://127.0.0.1:8000/echo
  server  uvicorn
  echo    text=yes

Errors of wsproof's own (1)
  ERROR limits/bug
        A control frame whose payload is longer than 125 bytes fails the connection.
        Traceback:
          line 1
        KeyError: 'x'

Failures (3)
  FAIL  control-frames/long-ping
        A control frame whose payload is longer than 125 bytes fails the connection.
        requires  A control frame's payload is at most 125 bytes. (RFC 6455, 5.5, MUST, rfc6455-5.5-2)
        expected  the connection to be failed with 1002
        observed  the connection stayed open
        also      control-frames/long-pong

          0.0000 -> GET /echo HTTP/1.1
                    Host: 127.0.0.1
          0.0009 <- HTTP/1.1 101 Switching Protocols
          0.0012 -> Ping FIN=1 len=126                  89 fe 00 7e 01 02 03 04 00 00 00 00 00 00 00 00 ...
          0.0020 <- Text FIN=1 len=5 "hello"            81 05 68 65 6c 6c 6f
          0.0030 <- Close FIN=1 len=6 code=1000 "bye!"  88 06 03 e8 62 79 65 21
          0.0031 <- TCP end

  FAIL  control-frames/mute
        A control frame whose payload is longer than 125 bytes fails the connection.
        requires  A control frame's payload is at most 125 bytes. (RFC 6455, 5.5, MUST, rfc6455-5.5-2)
        expected  the connection to be failed with 1002
        observed  nothing
        retried   the check was run once more, alone
        example   size: 126
        replay    wsproof replay run.jsonl control-frames/mute

Warnings (2)
  warn  closing-handshake/no-close
        RFC 6455, 7.1.7: TCP end without Close; expected the connection to be failed with 1002
  warn  closing-handshake/inside
        RFC 6455, 7.1.5, contested: 1002; expected the connection to be failed with 1002

Undetermined (1)
  limits/busy: the fence stayed unanswered

Known (1)
  fail  masking/known: the stack lets it through

Mended, to be taken out of the baseline (1)
  framing/old

Skipped (3)
  2  needs ECHO
  1  needs TOKEN

13 checks in 2.9 s: 1 passed, 4 failed, 2 warned, 1 info, 1 undetermined, 1 in error, 3 skipped (1 of them known)
Nothing was proved: 1 check ended in an error of wsproof's own.
"""


def test_a_run_with_every_verdict_in_a_pipe() -> None:
    results = every_verdict()
    assert shown(results, end=end_record(results, mended=["framing/old"])) == GOLDEN


def test_a_clean_run_is_short() -> None:
    assert shown([checked("a/b", raw(MUST, Outcome.HOLDS))]).splitlines() == [
        "wsproof 0.1.0  check  ws://127.0.0.1:8000/echo",
        "  server  uvicorn",
        "  echo    text=yes",
        "",
        "1 check in 2.9 s: 1 passed",
        "The gate holds: 1 check passed.",
    ]


def test_quiet_names_failures_and_the_gate() -> None:
    results = [one for one in every_verdict() if one.verdict is not Verdict.ERROR]
    assert shown(results, verbosity=Verbosity.QUIET).splitlines() == [
        "  FAIL  control-frames/long-ping",
        "  FAIL  control-frames/long-pong",
        "  FAIL  control-frames/mute",
        "The gate fails: 3 new failures, 1 known.",
    ]


def test_verbose_tells_each_check_as_it_ends() -> None:
    lines = shown(every_verdict(), verbosity=Verbosity.VERBOSE).splitlines()
    assert "  pass          framing/fine  0.004 s" in lines
    assert "  known         masking/known  0.004 s" in lines
    assert "  fragmentation/may: fragments its messages" in lines
    assert "  seed    0" in lines


def test_the_last_line_is_the_gate() -> None:
    results = every_verdict()
    assert shown(results, end=end_record(results, gate="", exit=1)).splitlines()[-1] == "Exit code 1."
    end = end_record(results, stopped="Ctrl-C")
    assert shown(results, end=end).splitlines()[-4:-2] == ["Stopped early: Ctrl-C", ""]


def test_failures_beyond_the_cap_are_named() -> None:
    results = [checked(f"a/b{number}", raw(MUST, Outcome.VIOLATED, str(number))) for number in range(50)]
    text = shown(results)
    assert text.count("observed  ") == 30
    assert "  20 further failures (--verbose shows them in full):\n  FAIL  a/b30\n" in text
    assert all(f"a/b{number}\n" in text for number in range(50))
    assert shown(results, verbosity=Verbosity.VERBOSE).count("observed  ") == 50
    assert shown(results, full_failures=1).count("observed  ") == 1


def test_the_same_defect_is_told_once() -> None:
    results = [checked(f"a/b[{number}]", raw(MUST, Outcome.VIOLATED)) for number in range(50)]
    text = shown(results)
    assert text.count("observed  ") == 1
    assert "        also      a/b[1]\n                  a/b[2]\n" in text
    assert text.count("a/b[") == 11
    assert "                  and 39 more\n" in text


@pytest.mark.parametrize(
    "make",
    [
        lambda number: checked(f"a/b{number}", raw("rfc6455-7.1.7-1", Outcome.VIOLATED, str(number))),
        lambda number: checked(f"a/b{number}", ended=Verdict.UNDETERMINED, reason="why"),
        lambda number: checked(f"a/b{number}", raw(MUST, Outcome.VIOLATED)).model_copy(update={"known": "why"}),
    ],
)
def test_long_lists_are_cut(make: Callable[[int], CheckResult]) -> None:
    results = [make(number) for number in range(50)]
    text = shown(results)
    assert "  and 20 more (--verbose shows them)\n" in text
    assert text.count("a/b") == 30
    everything = shown(results, verbosity=Verbosity.VERBOSE)
    assert len(set(re.findall(r"a/b\d+", everything.split("\n\n", 1)[1]))) == 50


def test_a_warning_says_how_many_are_alike_and_how_many_findings() -> None:
    should = raw("rfc6455-7.1.7-1", Outcome.VIOLATED, "no Close")
    contract = raw("contract:echo", Outcome.WARNED, "late")
    alike = [checked(f"a/b{number}", should) for number in range(3)]
    lines = shown([*alike, checked("a/c", contract, should)]).splitlines()
    assert "  warn  a/b0  (and 2 checks more)" in lines
    assert "        contract:echo: late; expected the connection to be failed with 1002 (+1 more)" in lines


def test_a_warning_without_a_finding_says_its_title() -> None:
    result = checked("a/b", raw("rfc6455-7.1.7-1", Outcome.VIOLATED), title="the title")
    assert "  warn  a/b\n        the title\n" in shown([result.model_copy(update={"findings": []})])


def test_a_requirement_that_the_catalogue_lacks_is_named() -> None:
    stream = io.StringIO()
    results = [checked("a/b", raw(MUST, Outcome.VIOLATED))]
    Console(stream).finish(results, end_record(results))
    assert f"        requires  {MUST}\n" in stream.getvalue()


def test_a_contested_failure_says_why() -> None:
    result = checked("a/b", raw("rfc6455-7.1.5-1", Outcome.VIOLATED), strict=True)
    assert "        contested only typically, says 5.5.1\n" in shown([result])


def test_a_contract_has_no_rfc() -> None:
    assert "requires  Text comes back as text. (MUST, contract:echo)\n" in shown(
        [checked("a/b", raw("contract:echo", Outcome.VIOLATED))]
    )


def test_progress_in_a_pipe_breaks_long_silences_only() -> None:
    now = 0.0
    stream = io.StringIO()
    console = Console(stream, clock=lambda: now)
    for done in range(1, 5):
        now += 6
        console.progress(done, 1000)
    console.result(checked("a/b", raw(MUST, Outcome.VIOLATED)))
    now += 10
    console.progress(5, 1000)
    assert stream.getvalue() == "  2 of 1,000 checks\n  4 of 1,000 checks\n  5 of 1,000 checks, 1 failed\n"


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    text = shown(every_verdict(), stream=Terminal())
    assert "13/13" in text
    assert "4 failed" in text
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "\x1b[1;31mFailures (3)\x1b[0m" in text
    assert text.splitlines()[-1] == "\x1b[1;35mNothing was proved: 1 check ended in an error of wsproof's own.\x1b[0m"


def test_an_exception_gives_the_cursor_back() -> None:
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), Console(stream) as console:  # noqa: PT012 - the bar has to be there first
        console.progress(1, 2)
        raise KeyboardInterrupt
    assert "\x1b[?25h" in stream.getvalue()


def test_a_terminal_wraps_behind_the_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = shown([checked("a/b", raw(MUST, Outcome.VIOLATED, "word " * 30))], stream=Terminal())
    text = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    lines = text[text.index("Failures") :].splitlines()
    assert max(map(len, lines)) <= 60
    start = next(number for number, line in enumerate(lines) if "observed" in line)
    assert lines[start + 1].startswith(" " * 18 + "word")


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(every_verdict(), stream=Terminal())


def test_forced_colour_does_not_reach_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert "\x1b" not in shown(every_verdict())


def test_a_stream_that_knows_ascii_only() -> None:
    raw_stream = io.BytesIO()
    stream = io.TextIOWrapper(raw_stream, encoding="ascii")
    results = [checked("a/b", raw(MUST, Outcome.VIOLATED, "é漢"))]
    Console(stream).finish(results, end_record(results))
    stream.flush()
    assert b"observed  \\xe9\\u6f22\n" in raw_stream.getvalue()


def hostile_run() -> tuple[list[CheckResult], EndRecord]:
    entries = [replace(entry, text=HOSTILE, head=HOSTILE) for entry in TRANSCRIPT]
    bad = [raw(name, Outcome.VIOLATED, HOSTILE) for name in (MUST, "rfc6455-7.1.7-1", "rfc6455-5.4-8")]
    results = [checked(f"a/{n}", one, title=HOSTILE, transcript=entries, reason=HOSTILE) for n, one in enumerate(bad)]
    results += [checked(f"b/{v}", ended=v, reason=HOSTILE) for v in (Verdict.SKIP, Verdict.UNDETERMINED, Verdict.ERROR)]
    results += [results[0].model_copy(update={"known": HOSTILE})]
    return results, end_record(results, mended=[HOSTILE], stopped=HOSTILE)


@pytest.mark.parametrize("verbosity", Verbosity)
def test_hostile_content_in_a_pipe(verbosity: Verbosity) -> None:
    results, end = hostile_run()
    text = shown(results, end=end, verbosity=verbosity)
    assert all(line.isprintable() for line in text.split("\n"))
    if verbosity is not Verbosity.QUIET:
        assert "\\x1b[31m" in text
        assert "[bold]" in text


def test_hostile_content_on_a_terminal() -> None:
    results, end = hostile_run()
    text = shown(results, end=end, stream=Terminal())
    ours = re.compile(r"\x1b\[(\d+(;\d+)*m|0m|\?25[lh]|\d?[AK])|\r")
    left = ours.sub("", text)
    assert all(line.isprintable() for line in left.split("\n"))
    assert "\x1b[31m" not in text.replace("\x1b[1;31m", "")
    assert "owned" in left


@given(runs())
def test_any_run_is_shown_in_plain_lines(run: Run) -> None:
    for verbosity in Verbosity:
        stream = io.StringIO()
        with Console(stream, catalogue=CATALOGUE, verbosity=verbosity) as console:
            console.header(run.run)
            for number, result in enumerate(run.checks):
                console.result(result)
                console.progress(number, len(run.checks))
            console.finish(run.checks, run.end)
        assert all(line.isprintable() for line in stream.getvalue().split("\n"))


def test_totals_text() -> None:
    assert totals_text(Totals()) == "nothing was run"
    assert totals_text(Totals(passed=1200, fail=2, known=1)) == "1,200 passed, 2 failed (1 of them known)"
