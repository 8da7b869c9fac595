"""``wsproof run``: check, then a short load, then the report; without a URL on the embedded reference server."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .conformance.command import (
    BaselineOption,
    CheckOptions,
    Cookies,
    Headers,
    Jobs,
    MaxTime,
    Patience,
    ProfileOption,
    Quiet,
    Serve,
    Strictly,
    Url,
    Verbose,
    Wait,
    run_check,
    verbosity,
)
from .conformance.errors import UsageError


class Stack(StrEnum):
    """uvicorn's WebSocket stacks, on which the embedded reference server can run."""

    AUTO = "auto"
    WEBSOCKETS = "websockets"
    SANSIO = "websockets-sansio"
    WSPROTO = "wsproto"


def run(
    url: Url = None,
    profile: ProfileOption = None,
    ws: Annotated[
        Stack | None, typer.Option(metavar="STACK", help="The embedded server's WebSocket stack.", show_default="auto")
    ] = None,
    serve: Serve = None,
    header: Headers = None,
    cookie: Cookies = None,
    jobs: Jobs = None,
    patience: Patience = 2.0,
    baseline: BaselineOption = None,
    strict: Strictly = False,
    wait: Wait = 0.0,
    max_time: MaxTime = None,
    report_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where the report goes.")] = Path("wsproof-report"),
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Check a target and write the results to ./wsproof-report/. No URL: the embedded reference server on a free port.

    Exit code: 0 the gate holds, 1 it fails, 2 the command line or a file is wrong, 3 nothing was proved.
    """
    embedded = url is None and serve is None
    if ws is not None and not embedded:
        raise UsageError("--ws chooses the embedded server's stack; it goes with neither a URL nor --serve")
    if embedded:
        stack = Stack.SANSIO if ws in (None, Stack.AUTO) else ws
        words = [sys.executable, "-P", "-m", f"{__package__}.reference_server", "--port={port}", f"--ws={stack}"]
        serve = shlex.join([*words, "--log-level=warning", "--until-stdin-ends"])
        profile = profile or "reference"
        baseline = [*(baseline or ()), f"uvicorn-{stack}"]
    try:
        report_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--report-dir {report_dir}: cannot be made ({error.strerror})") from None
    code = run_check(
        CheckOptions(
            url=url,
            profile=profile,
            serve=serve,
            headers=header or (),
            cookies=cookie or (),
            jobs=jobs,
            patience=patience,
            baseline=baseline or (),
            strict=strict,
            wait=wait,
            max_time=max_time,
            output=report_dir / "run.jsonl",
            junit=report_dir / "junit.xml",
            verbosity=verbosity(verbose, quiet),
            kind="run",
        )
    )
    if not quiet:
        typer.echo(f"\nWritten to {report_dir}{'/' if report_dir.name else ''}: run.jsonl, junit.xml.")
        typer.echo("No load was run and no HTML report written: both come with later versions.")
    raise typer.Exit(code)
