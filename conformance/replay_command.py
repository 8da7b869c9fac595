"""``wsproof replay``: one recorded failure again, against the same target or another."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..reports.errors import RunFileError, ensure_writable
from ..reports.judge import NOTHING_PROVED, judge_check
from ..reports.model import CheckResult, Finding, Run, Verdict
from ..reports.runfile import read_run
from ..reports.side_by_side import side_by_side
from ..reports.text import plural, visible, visible_block
from .command import (
    Ca,
    CheckOptions,
    ConnectTo,
    Cookies,
    Disruptive,
    Headers,
    Insecure,
    ProfileOption,
    Subprotocols,
    Url,
    endpoint_of,
    load_checks,
    load_profile,
)
from .discovered import Discovered
from .endpoint import REDACTED, Endpoint, Redactor
from .errors import UsageError
from .profile import Profile
from .reach import placed
from .recording import Step
from .replay import BAD, Recorded, Replayed, compare_sends, recorded, replay, still_bad
from .replay_script import host_of, secret_fields, write_script
from .requirements import requirements
from .session import DEFAULT_PATIENCE
from .target import Setting

CONFORMS = 0
STILL_FAILS = 1
TRIES = 3
SECONDS_OF_TRIES = 5.0
"""After so long there is no further try."""
PIPE_WIDTH = 140


@dataclass(frozen=True)
class ReplayOptions:
    """The words of the command line; what is not given is taken from the run file."""

    run: Path
    id: str
    url: str | None = None
    profile: str | None = None
    headers: Sequence[str] = ()
    cookies: Sequence[str] = ()
    subprotocols: Sequence[str] = ()
    insecure: bool = False
    ca: str | None = None
    connect_to: str | None = None
    patience: float | None = None
    disruptive: bool = False


def read(path: Path) -> Run:
    """The run file. Raises UsageError where it is none, or is cut short: there is nothing to replay then."""
    try:
        return read_run(path)
    except RunFileError as error:
        raise UsageError(str(error)) from None


def run_replay(options: ReplayOptions) -> int:
    """Replay it as the command line wants it; returns the exit code. Raises UsageError and ConfigError."""
    run = read(options.run)
    before = recorded(run, options.id, load_checks())
    setting = setting_of(run, options, before)
    watcher = load_checks()[before.result.id]
    redactor = setting.endpoint.redactor()
    begun = time.monotonic()
    tries = 0
    while True:  # what shows only now and then has more than one chance to
        tries += 1
        replayed = asyncio.run(replay(setting, before, watcher))
        now = _judged(before.result, replayed, redactor)
        code = _code(before.result, now, replayed, bool(run.run.options.get("strict")))
        if code != CONFORMS or tries == TRIES or time.monotonic() - begun > SECONDS_OF_TRIES:
            break
    hosts = _recorded_host(before.steps) or setting.endpoint.host_field, setting.endpoint.host_field
    _show(run, before, replayed, now, hosts, redactor.text(setting.endpoint.url))
    sys.stdout.write(f"{_conclusion(before.result.verdict, now, code, tries)}\n")
    return code


def setting_of(run: Run, options: ReplayOptions, before: Recorded) -> Setting:
    """The target as the run knew it, at the URL that is given now. Raises UsageError."""
    kept = run.run.options
    name = options.profile or kept.get("profile") or run.run.target.get("profile")
    profile = load_profile(str(name)) if name else None
    endpoint = endpoint_of(
        CheckOptions(
            url=options.url or _recorded_url(run, profile),
            headers=options.headers,
            cookies=options.cookies,
            subprotocols=options.subprotocols or _words(kept.get("subprotocols")),
            insecure=options.insecure or kept.get("insecure") is True,
            ca=options.ca or _word(kept.get("ca")),
            connect_to=options.connect_to or (None if options.url else _word(kept.get("connect_to"))),
        ),
        profile,
    )
    _demand_secrets(before.steps, endpoint)
    try:
        found = Discovered.from_dict(run.run.discovered)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{options.run}: what the run discovered cannot be used: {error}") from None
    patience = options.patience or kept.get("patience")
    setting = Setting(
        endpoint,
        found=found,
        profile=placed(profile, endpoint),
        patience=float(patience) if isinstance(patience, int | float) and patience > 0 else DEFAULT_PATIENCE,
        disruptive=options.disruptive,
    )
    missing = next((need for need in before.item.needs if setting.missing(need)), None)
    if missing is not None:
        raise UsageError(f"{before.item.id} needs {missing.value}")
    if before.item.disruptive and not (endpoint.is_loopback or options.disruptive):
        raise UsageError(f"{before.item.id} floods, and the target is not on loopback; --disruptive allows it")
    return setting


def _recorded_url(run: Run, profile: Profile | None) -> str:
    url = str(run.run.target.get("url", ""))
    if REDACTED in url:
        raise UsageError("the recorded URL carried a secret, which is not in the run file; give the URL")
    return url if profile is None else url.removesuffix(profile.echo_path)


def _recorded_host(steps: Sequence[Step]) -> str | None:

    return next((host for step in steps if (host := host_of(step))), None)


def _demand_secrets(steps: Sequence[Step], endpoint: Endpoint) -> None:
    """Raise UsageError where a header field that is not in the run file, being secret, is not given again."""

    given = {name.lower() for name, _ in endpoint.fields}
    gone = sorted({name for step in steps for name in secret_fields(step)} - given)
    if gone:
        again = "--cookie 'NAME=VALUE'" if gone == ["cookie"] else f"--header '{gone[0].title()}: ...'"
        raise UsageError(f"the recorded run sent {' and '.join(gone)}, which is not in the run file; give it: {again}")


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []


def _judged(before: CheckResult, replayed: Replayed, redactor: Redactor) -> CheckResult:
    """The same line of the run file as before, from what was observed now; no baseline, not strict."""
    return judge_check(
        id=before.id,
        title=before.title,
        requirements=before.requirements,
        findings=replayed.findings,
        catalogue=requirements(),
        ended=Verdict.ERROR if replayed.trial.error else None if replayed.reached else Verdict.UNDETERMINED,
        reason=redactor.text(replayed.reason) if replayed.reason else None,
        transcript=replayed.trial.transcript.entries,
    )


def _code(before: CheckResult, now: CheckResult, replayed: Replayed, strict: bool) -> int:
    if not replayed.reached or now.verdict is Verdict.ERROR:
        return NOTHING_PROVED
    if still_bad(before, now, strict=strict):
        return STILL_FAILS
    unclear = {finding.requirement for finding in now.findings if finding.verdict is Verdict.UNDETERMINED}
    bad = {finding.requirement for finding in before.findings if finding.verdict in BAD}
    return NOTHING_PROVED if unclear & bad else CONFORMS


# -- what is shown -------------------------------------------------------------------------------------------------


def _show(run: Run, before: Recorded, replayed: Replayed, now: CheckResult, hosts: tuple[str, str], url: str) -> None:
    lines = [before.result.id, f"  {before.result.title}"]
    if before.in_passing:
        lines.append(f"  seen in the exchange of {before.item.id}, which is replayed")
    lines += [f"  recorded  {before.result.verdict:<12} {run.run.started}  {visible(str(run.run.target.get('url')))}"]
    lines += _told(before.result.findings)
    lines += [f"  now       {now.verdict:<12} {visible(url)}", *_told(now.findings)]
    if now.reason and now.verdict is Verdict.ERROR:
        lines += visible_block(now.reason).splitlines()
    elif now.reason:
        lines.append(f"            {visible(now.reason)}")
    width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if sys.stdout.isatty() else PIPE_WIDTH
    if replayed.reached:
        titles = ("recorded", "now")
        lines += ["", *side_by_side(before.result.transcript, now.transcript, titles=titles, width=width), ""]
        sent = compare_sends(before.steps, replayed.steps, hosts)
        lines.append(f"{sent.alike} of {sent.recorded} recorded sends went out again byte for byte.")
        if sent.but_for_host:
            lines.append(f"{sent.but_for_host} more differ only in the name of the host.")
    sys.stdout.write("\n".join(lines) + "\n")


def _told(findings: Iterable[Finding]) -> list[str]:
    lines = []
    for finding in findings:
        if finding.verdict in BAD:
            lines.append(f"            {finding.requirement}: expected {visible(finding.expected)}")
            lines.append(f"            {' ' * len(finding.requirement)}  observed {visible(finding.observed)}")
    return lines


def _conclusion(verdict: Verdict, now: CheckResult, code: int, tries: int) -> str:
    if code == STILL_FAILS:
        return "It still warns." if now.verdict is Verdict.WARN or verdict is Verdict.WARN else "It still fails."
    if code == CONFORMS:
        conforms = "It no longer fails, but warns" if now.verdict is Verdict.WARN else "The target now conforms"
        return f"{conforms} ({plural(tries, 'try', 'tries')})."
    return "Nothing was proved."


def replay_check(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run file.", show_default=False)],
    id: Annotated[str, typer.Argument(metavar="ID", help="The check that failed or warned.", show_default=False)],
    url: Url = None,
    script: Annotated[
        bool, typer.Option("--script", help="Write a Python file that does it without wsproof, and connect nowhere.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write the script; else stdout.")
    ] = None,
    profile: ProfileOption = None,
    header: Headers = None,
    cookie: Cookies = None,
    subprotocol: Subprotocols = None,
    insecure: Insecure = False,
    ca: Ca = None,
    connect_to: ConnectTo = None,
    patience: Annotated[
        float | None, typer.Option(min=0.05, metavar="S", help="Seconds; else as recorded.", show_default=False)
    ] = None,
    disruptive: Disruptive = False,
) -> None:
    """Repeat one recorded failure: the same bytes, on as many connections, judged by the check's own rule.

    Exit code: 0 the target now conforms, 1 it still fails, 2 the command line or a file is wrong, 3 nothing was proved
    (the target was not reached).
    """
    if script:
        raise typer.Exit(run_script(run, id, output))
    if output is not None:
        raise UsageError("-o FILE goes with --script")
    options = ReplayOptions(
        run=run,
        id=id,
        url=url,
        profile=profile,
        headers=header or (),
        cookies=cookie or (),
        subprotocols=subprotocol or (),
        insecure=insecure,
        ca=ca,
        connect_to=connect_to,
        patience=patience,
        disruptive=disruptive,
    )
    raise typer.Exit(run_replay(options))


def run_script(path: Path, id: str, output: Path | None) -> int:
    run = read(path)
    before: Any = recorded(run, id, load_checks())
    if output is not None:
        ensure_writable(output)
    text = write_script(run, before)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{output} does it again: python {output} [ws://HOST:PORT]\n")
    return 0
