"""``wsproof check``, ``list`` and ``explain``."""

from __future__ import annotations

import asyncio
import datetime
import difflib
import importlib
import json
import pkgutil
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from .. import __version__
from ..reports.baseline import Baseline, load_baseline, write_baseline
from ..reports.console import Console, Verbosity
from ..reports.errors import ConfigError, ensure_writable
from ..reports.judge import gate, judge_check
from ..reports.junit import write_junit
from ..reports.model import CheckResult, EndRecord, RunRecord, Totals, Verdict
from ..reports.model import Outcome as Observed
from ..reports.runfile import RunWriter
from ..reports.text import visible
from ..reports.toml_file import read_toml
from .check import CATALOGUE, Check, select
from .discovered import Discovered
from .endpoint import Endpoint, Redactor, parse_endpoint
from .errors import UsageError
from .failures import DEFAULT_PATH, Failures, add_failures, failures_in, read_failures
from .profile import Profile, built_in, built_in_baselines
from .property import DEFAULT_EXAMPLES, Draws
from .reach import with_profile
from .requirements import Requirement, requirements
from .runner import Attempt
from .serve import ServedTarget, free_port
from .session import DEFAULT_PATIENCE, Listener, Options, Outcome, now, run_checks, versions

USAGE = 2
_TO_REPLAY = (Observed.WARNED, Observed.VIOLATED, Observed.DIED)


KEPT_RUN: Final = Path(".wsproof") / "run.jsonl"
"""Where a run without --output is kept if something failed."""


def load_checks() -> dict[str, Check]:
    """The catalogue, every chapter imported."""
    from . import checks as chapters

    for module in pkgutil.iter_modules(chapters.__path__):
        importlib.import_module(f"{chapters.__name__}.{module.name}")
    return CATALOGUE


def load_profile(name_or_path: str) -> Profile:
    """A built-in profile by its name, or one from a file. Raises UsageError or ConfigError: one line."""
    path = built_in().get(name_or_path) or Path(name_or_path)
    if path.suffix != ".toml" and not path.exists():
        names = ", ".join(built_in())
        raise UsageError(f"--profile {name_or_path!r}: no such profile; built in: {names}; or give a .toml file")
    return read_toml(path, Profile)[0]


@dataclass(frozen=True)
class CheckOptions:
    """The words of the command line, as they came."""

    url: str | None = None
    profile: str | None = None
    expression: str | None = None
    sections: Sequence[str] = ()
    autobahn: Sequence[str] = ()
    jobs: int | None = None
    patience: float = DEFAULT_PATIENCE
    serve: str | None = None
    headers: Sequence[str] = ()
    cookies: Sequence[str] = ()
    subprotocols: Sequence[str] = ()
    insecure: bool = False
    ca: str | None = None
    connect_to: str | None = None
    baseline: Sequence[str] = ()
    update_baseline: bool = False
    strict: bool = False
    slow: bool = False
    disruptive: bool = False
    examples: int = DEFAULT_EXAMPLES
    seed: int = 0
    wait: float = 0.0
    max_time: float | None = None
    output: Path | None = None
    junit: Path | None = None
    verbosity: Verbosity = Verbosity.NORMAL
    kind: str = "check"


@dataclass
class _Recorder(Listener):
    """Judges each attempt, writes it down, shows it."""

    console: Console
    header: RunRecord
    total: int
    baseline: Baseline
    strict: bool
    redactor: Redactor
    writer: RunWriter | None
    run_file: Path
    results: list[CheckResult] = field(default_factory=list)
    headed: bool = False

    def head(self, discovered: dict[str, Any] | None = None) -> None:
        """Write and show the run line, once."""
        if self.headed:
            return
        self.headed = True
        if discovered is not None:
            server = discovered.get("server")
            target = {**self.header.target, **({"server": server} if server else {})}
            self.header = self.header.model_copy(update={"discovered": discovered, "target": target})
        if self.writer is not None:
            self.writer.write(self.header)
        self.console.header(self.header)
        self.console.progress(0, self.total)

    def discovered(self, found: Discovered) -> None:
        self.head(found.as_dict())

    def attempted(self, attempt: Attempt) -> None:
        result = judged(
            attempt,
            strict=self.strict,
            baseline=self.baseline,
            redactor=self.redactor,
            run_file=str(self.run_file),
            whole=self.writer is not None,
        )
        self.results.append(result)
        if self.writer is not None:
            self.writer.write(result)
        self.console.result(result)
        self.console.progress(len(self.results), self.total)


def judged(
    attempt: Attempt,
    *,
    strict: bool,
    baseline: Baseline,
    redactor: Redactor,
    run_file: str | None = None,
    whole: bool = True,
) -> CheckResult:
    """A check's line: what it observed, judged; secrets are gone from every text.

    Without ``whole`` the evidence comes only with what was found wrong, or not found out.
    """
    ended = Verdict.SKIP if attempt.skipped else Verdict.ERROR if attempt.error else None
    reason = attempt.skipped or attempt.error or attempt.reason
    findings = [
        replace(raw, expected=redactor.text(raw.expected), observed=redactor.text(raw.observed))
        for raw in attempt.findings
    ]
    wrong = any(finding.outcome in _TO_REPLAY for finding in attempt.findings)
    told = wrong or ended is not None or attempt.undetermined
    return judge_check(
        id=attempt.check.id,
        title=attempt.check.title,
        requirements=attempt.check.requirements,
        findings=findings,
        catalogue=requirements(),
        strict=strict,
        baseline=baseline,
        ended=ended,
        reason=redactor.text(reason) if reason else None,
        autobahn=attempt.check.autobahn,
        duration=round(attempt.duration, 6),
        retried=attempt.retried,
        transcript=attempt.transcript if whole or told else (),
        replay=attempt.replay if wrong else (),
        example=attempt.example,
        run_file=run_file,
    )


def chosen_checks(options: CheckOptions) -> list[Check]:
    """The selected checks. Raises UsageError where a selection names nothing."""
    catalogue = load_checks()
    known = requirements()
    for section in options.sections:
        if not any(item.section == section or item.section.startswith(f"{section}.") for item in known.values()):
            raise UsageError(f"--section {section!r}: no requirement stands in such a section; write it as in 5.5.1")
    try:
        found = select(
            catalogue.values(),
            expression=options.expression,
            sections=options.sections,
            autobahn=options.autobahn,
            sections_of=lambda name: known[name].section,
            slow=options.slow,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not found:
        near = difflib.get_close_matches(options.expression or "", catalogue, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`wsproof list` names all"
        words = [f"-k {options.expression!r}"] if options.expression else []
        words += [f"--section {section}" for section in options.sections]
        words += [f"--autobahn {case}" for case in options.autobahn]
        raise UsageError(f"no check matches {' '.join(words)}; {hint}")
    return found


def endpoint_of(options: CheckOptions, profile: Profile | None) -> Endpoint:
    """Where the checks go. Without a URL it is a free port of this machine, for --serve."""
    url = options.url
    if url is None:
        if options.serve is None:
            raise UsageError("no URL: give ws://HOST:PORT/PATH, or --serve 'CMD {port}', or use `wsproof run`")
        url = f"ws://127.0.0.1:{free_port()}/"
    endpoint = parse_endpoint(
        url,
        headers=options.headers,
        cookies=options.cookies,
        subprotocols=options.subprotocols,
        insecure=options.insecure,
        ca=options.ca,
        connect_to=options.connect_to,
    )
    if profile is None:
        return endpoint
    return with_profile(endpoint, profile)


def run_check(options: CheckOptions) -> int:
    """One conformance run as the command line wants it; returns the exit code. Raises UsageError and ConfigError."""
    profile = load_profile(options.profile) if options.profile else None
    checks = chosen_checks(options)
    endpoint = endpoint_of(options, profile)
    serve = None
    if options.serve is not None:
        if not endpoint.is_loopback:
            raise UsageError("--serve starts a server on this machine; the URL must then be on loopback")
        serve = ServedTarget(options.serve, *endpoint.address)
    baseline = _baselines(options)
    for path in (options.output, options.junit):
        if path is not None:
            ensure_writable(path)
    remembered = read_failures(DEFAULT_PATH)
    writer = RunWriter(options.output) if options.output is not None else None
    redactor = endpoint.redactor()
    header = RunRecord(
        tool=f"wsproof {__version__}",
        kind="run" if options.kind == "run" else "check",
        target={"url": redactor.text(endpoint.url), **({"profile": profile.name} if profile else {})},
        started=now(),
        seed=options.seed,
        versions=versions(),
        options={
            "patience": options.patience,
            "strict": options.strict,
            "examples": options.examples,
            **how_to_reach(options),
        },
    )
    with Console(sys.stdout, catalogue=requirements(), verbosity=options.verbosity) as console:
        run_file = options.output or KEPT_RUN
        recorder = _Recorder(console, header, len(checks), baseline, options.strict, redactor, writer, run_file)
        outcome = asyncio.run(
            run_checks(
                Options(
                    endpoint=endpoint,
                    checks=checks,
                    profile=profile,
                    jobs=options.jobs,
                    patience=options.patience,
                    serve=serve,
                    wait=options.wait,
                    max_time=options.max_time,
                    disruptive=options.disruptive,
                    draws=Draws(options.seed, options.examples, remembered),
                ),
                recorder,
            )
        )
        recorder.head()
        end = _end(recorder, outcome, options)
        if writer is not None:
            writer.write(end)
            writer.close()
        else:
            _keep(recorder, end)
        results = sorted(recorder.results, key=_catalogue_order())
        console.finish(results, end)
    _remember(remembered, recorder.results)
    if serve is not None and (outcome.gone or _deaths(recorder.results)):
        _show_output(serve)
    if options.junit is not None:
        write_junit(results, recorder.header, end, options.junit, strict=options.strict)
    if options.update_baseline:
        _update_baseline(options, baseline, recorder.results, outcome)
    return end.exit


def _keep(recorder: _Recorder, end: EndRecord) -> None:
    """Without --output: write the run file where something failed, so that it can be replayed."""
    if not any(result.reproduce and result.known is None for result in recorder.results):
        return
    try:
        KEPT_RUN.parent.mkdir(parents=True, exist_ok=True)
        with RunWriter(KEPT_RUN) as writer:
            writer.write(recorder.header)
            for result in recorder.results:
                writer.write(result)
            writer.write(end)
    except (OSError, ConfigError) as error:
        sys.stderr.write(f"wsproof: {KEPT_RUN}, from which failures are replayed, is not written: {error}\n")


def how_to_reach(options: CheckOptions) -> dict[str, Any]:
    """What a replay needs to reach the target in the same way, as far as it is no secret."""
    given = {
        "profile": options.profile,
        "subprotocols": list(options.subprotocols),
        "insecure": options.insecure,
        "ca": options.ca,
        "connect_to": options.connect_to,
    }
    return {name: value for name, value in given.items() if value}


def _remember(known: Failures, results: Sequence[CheckResult]) -> None:
    """Keep the examples that failed anew; a directory that cannot be written to costs one line, not the run."""
    try:
        add_failures(DEFAULT_PATH, known, failures_in(results))
    except OSError as error:
        sys.stderr.write(f"wsproof: the failure file {DEFAULT_PATH} is not written: {error.strerror or error}\n")


def _end(recorder: _Recorder, outcome: Outcome, options: CheckOptions) -> EndRecord:
    mended = [str(entry) for entry in recorder.baseline.mended(recorder.results)]
    stopped = recorder.redactor.text(outcome.stopped) if outcome.stopped else None
    verdict = gate(recorder.results, strict=options.strict, stopped=stopped, gone=outcome.gone, mended=len(mended))
    return EndRecord(
        totals=Totals.of(recorder.results),
        duration=round(outcome.duration, 3),
        exit=verdict.exit,
        gate=verdict.sentence,
        stopped=stopped,
        mended=mended,
    )


def _catalogue_order() -> Any:
    order = {name: index for index, name in enumerate(CATALOGUE)}
    return lambda result: order[result.id]


def _deaths(results: Sequence[CheckResult]) -> bool:
    return any(finding.observed == "target died" for result in results for finding in result.findings)


def _show_output(serve: ServedTarget) -> None:
    if serve.output:
        sys.stderr.write("\nThe served target's last output:\n")
        for line in serve.output[-30:]:
            sys.stderr.write(f"  | {visible(line, 300)}\n")


def _baselines(options: CheckOptions) -> Baseline:
    """All baselines together. The first file named is the one that --update-baseline writes, and need not exist yet."""
    together = Baseline()
    ids = set(load_checks())
    for index, name in enumerate(options.baseline):
        path = built_in_baselines().get(name) or Path(name)
        if index == 0 and options.update_baseline and not path.exists():
            continue
        together |= load_baseline(path, ids)
    if options.update_baseline:
        if not options.baseline:
            raise UsageError("--update-baseline needs --baseline FILE, the file to write")
        if options.baseline[0] in built_in_baselines():
            raise UsageError(
                f"--update-baseline would write {options.baseline[0]!r}, which comes with wsproof; name a file"
            )
        ensure_writable(Path(options.baseline[0]))
    return together


def _update_baseline(
    options: CheckOptions, baseline: Baseline, results: Sequence[CheckResult], outcome: Outcome
) -> None:
    if outcome.gone:
        return
    path = Path(options.baseline[0])
    ids = set(CATALOGUE)
    own = load_baseline(path, ids) if path.exists() and path.stat().st_size else Baseline()
    beside = Baseline()
    for name in options.baseline[1:]:
        beside |= load_baseline(built_in_baselines().get(name) or Path(name), ids)
    today = datetime.datetime.now(datetime.UTC).date()
    write_baseline(own.updated(results, today, beside=beside), path)
    sys.stdout.write(f"The baseline is written to {path}.\n")


# -- the command line --------------------------------------------------------------------------------------------

Url = Annotated[str | None, typer.Argument(metavar="URL", help="ws://, wss://, http:// or https:// URL of the target.")]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE", help="What the target promises: a built-in name or a TOML file; the URL is then the base."
    ),
]
Expression = Annotated[
    str | None, typer.Option("-k", metavar="EXPR", help="Checks whose id matches: words with and, or, not, globs.")
]
Sections = Annotated[
    list[str] | None, typer.Option("--section", metavar="N", help="Checks of an RFC section, as in 5.5.")
]
AutobahnOption = Annotated[
    list[str] | None, typer.Option("--autobahn", metavar="CASE", help="Checks of these Autobahn cases, as in '6.4.*'.")
]
Strictly = Annotated[bool, typer.Option("--strict", help="Warnings and contested readings fail the gate too.")]
Slow = Annotated[bool, typer.Option("--slow", help="Also the checks that wait for time-outs, over 5 s each.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, max=512, metavar="N", help="Checks at a time.", show_default="16 on loopback, 4 elsewhere"),
]
Patience = Annotated[
    float,
    typer.Option(
        min=0.05,
        max=600,
        metavar="S",
        help="Seconds that an answer may take. One check as a whole takes at most 10 times as long.",
    ),
]
Serve = Annotated[
    str | None,
    typer.Option(
        metavar="'CMD {port}'", help="Start this server, wait for it, restart it if a check kills it, stop it."
    ),
]
Headers = Annotated[list[str] | None, typer.Option("--header", metavar="'K: V'", help="A field for every handshake.")]
Cookies = Annotated[list[str] | None, typer.Option("--cookie", metavar="'k=v'", help="A cookie for every handshake.")]
Subprotocols = Annotated[list[str] | None, typer.Option("--subprotocol", metavar="P", help="A subprotocol to offer.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Do not verify the target's certificate.")]
Ca = Annotated[str | None, typer.Option(metavar="FILE", help="Certificates (PEM) to trust.")]
ConnectTo = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Dial this address; the requests stay as they are.")
]
BaselineOption = Annotated[
    list[str] | None,
    typer.Option("--baseline", metavar="FILE", help="Known failures, which do not gate. A file or a built-in name."),
]
UpdateBaseline = Annotated[
    bool, typer.Option("--update-baseline", help="Write the first --baseline file anew, keeping its reasons.")
]
Examples = Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="Examples of each property.")]
Seed = Annotated[
    str, typer.Option(metavar="N|random", help="What the examples are drawn from; the same seed gives the same ones.")
]
Disruptive = Annotated[
    bool, typer.Option("--disruptive", help="Allow floods, bombs and limits on a target that is not on loopback.")
]
Wait = Annotated[
    float, typer.Option(min=0, max=3600, metavar="S", help="Seconds to wait for a target that is still starting.")
]
MaxTime = Annotated[
    float | None, typer.Option(min=0.1, metavar="S", help="End the run after so many seconds.", show_default=False)
]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the run file (JSON Lines).")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every check as it ends, everything in full.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="One line per failure, and the gate.")]


def seed_of(word: str) -> int:
    """The seed that the option asks for; ``random`` picks one, which the run line tells. Raises UsageError."""
    if word == "random":
        return secrets.randbelow(1_000_000)
    if not word.isascii() or not word.isdigit() or len(word) > 18:
        raise UsageError(f"--seed {word!r}: write a whole number, 0 or above, or random")
    return int(word)


def verbosity(verbose: bool, quiet: bool) -> Verbosity:
    """The verbosity that the two flags ask for; --verbose wins."""
    return Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else Verbosity.NORMAL


def check(
    url: Url = None,
    profile: ProfileOption = None,
    expression: Expression = None,
    section: Sections = None,
    autobahn: AutobahnOption = None,
    jobs: Jobs = None,
    patience: Patience = DEFAULT_PATIENCE,
    serve: Serve = None,
    header: Headers = None,
    cookie: Cookies = None,
    subprotocol: Subprotocols = None,
    insecure: Insecure = False,
    ca: Ca = None,
    connect_to: ConnectTo = None,
    baseline: BaselineOption = None,
    update_baseline: UpdateBaseline = False,
    strict: Strictly = False,
    slow: Slow = False,
    disruptive: Disruptive = False,
    examples: Examples = DEFAULT_EXAMPLES,
    seed: Seed = "0",
    wait: Wait = 0.0,
    max_time: MaxTime = None,
    output: Output = None,
    junit: Junit = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Check a WebSocket server against RFC 6455 and the HTTP around it.

    Exit code: 0 the gate holds, 1 it fails, 2 the command line or a file is wrong, 3 nothing was proved (the target
    was not reached, refused, or went away).
    """
    raise typer.Exit(
        run_check(
            CheckOptions(
                url=url,
                profile=profile,
                expression=expression,
                sections=section or (),
                autobahn=autobahn or (),
                jobs=jobs,
                patience=patience,
                serve=serve,
                headers=header or (),
                cookies=cookie or (),
                subprotocols=subprotocol or (),
                insecure=insecure,
                ca=ca,
                connect_to=connect_to,
                baseline=baseline or (),
                update_baseline=update_baseline,
                strict=strict,
                slow=slow,
                disruptive=disruptive,
                examples=examples,
                seed=seed_of(seed),
                wait=wait,
                max_time=max_time,
                output=output,
                junit=junit,
                verbosity=verbosity(verbose, quiet),
            )
        )
    )


def list_checks(
    expression: Expression = None,
    section: Sections = None,
    autobahn: AutobahnOption = None,
    format: Annotated[str, typer.Option(help="text or json.")] = "text",
) -> None:
    """List the checks: id, level, section and title."""
    if format not in ("text", "json"):
        raise UsageError(f"--format {format!r}: write text or json")
    known = requirements()
    options = CheckOptions(expression=expression, sections=section or (), autobahn=autobahn or (), slow=True)
    found = chosen_checks(options)
    rows = [
        {
            "id": item.id,
            "title": item.title,
            "rfc": known[item.requirements[0]].rfc,
            "section": known[item.requirements[0]].section,
            "level": known[item.requirements[0]].level,
            "requirements": list(item.requirements),
            "autobahn": list(item.autobahn),
            "needs": [need.name for need in item.needs],
        }
        for item in found
    ]
    if format == "json":
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    width = max(len(str(row["id"])) for row in rows)
    for item, row in zip(found, rows, strict=True):
        source = known[item.requirements[0]].source
        sys.stdout.write(f"{row['id']:<{width}}  {row['level']:<10}  {source:<24}  {row['title']}\n")


def explain(
    id: Annotated[str, typer.Argument(help="The id of a check or of a requirement.")],
) -> None:
    """Explain a check or a requirement: what the RFC demands, how it is tested, what a failure may mean."""
    catalogue = load_checks()
    known = requirements()
    if id in catalogue:
        lines = _explain_check(catalogue[id])
    elif any(item.id.split("[", 1)[0] == id for item in catalogue.values()):
        family = [item for item in catalogue.values() if item.id.split("[", 1)[0] == id]
        lines = [*_explain_check(family[0], id), "", "Members: " + ", ".join(item.id for item in family)]
    elif id in known:
        users = [item.id for item in catalogue.values() if id in item.requirements]
        lines = [*_explain_requirement(known[id]), "", "Checks: " + (", ".join(users) or "none")]
    else:
        near = difflib.get_close_matches(id, [*catalogue, *known], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`wsproof list` names all"
        raise UsageError(f"there is no check and no requirement {id!r}; {hint}")
    sys.stdout.write("\n".join(lines) + "\n")


def _explain_check(item: Check, id: str | None = None) -> list[str]:
    lines = [id or item.id, f"  {item.title}"]
    if item.autobahn and id is None:
        lines.append(f"  Autobahn: {', '.join(item.autobahn)}")
    if item.needs:
        lines.append("  Needs: " + "; ".join(need.value for need in item.needs))
    for name in item.requirements:
        lines += ["", *_explain_requirement(requirements()[name])]
    return lines


def _explain_requirement(item: Requirement) -> list[str]:
    lines = [f"{item.id}  ({item.source}, {item.level})", f"  {item.statement}", f"  How it is judged: {item.how}"]
    if item.contested:
        lines.append(f"  Contested, so a violation only warns (--strict fails it): {item.contested}")
    if item.note:
        lines.append(f"  Note: {item.note}")
    return lines
