"""``wsproof profile``: writes a first profile of a target."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..reports.errors import ensure_writable
from .command import Ca, ConnectTo, Cookies, Headers, Insecure, Patience, Subprotocols
from .discovery import discover
from .endpoint import parse_endpoint
from .errors import TargetGone, TargetRefused, UsageError
from .profile_init import profile_text
from .session import DEFAULT_PATIENCE
from .target import Setting

NOTHING_PROVED = 3

group = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write a profile: what a server promises, so that it can be held to it.",
)


@group.callback()
def profile() -> None:
    """Write a profile: what a server promises, so that it can be held to it."""


@group.command("init")
def init(
    url: Annotated[str, typer.Argument(metavar="URL", help="ws:// or wss:// URL, of an echo if there is one.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there; it must not exist.")
    ] = None,
    patience: Patience = DEFAULT_PATIENCE,
    header: Headers = None,
    cookie: Cookies = None,
    subprotocol: Subprotocols = None,
    insecure: Insecure = False,
    ca: Ca = None,
    connect_to: ConnectTo = None,
) -> None:
    """Look at a target and write a commented profile of it.

    Exit code: 0 it is written, 2 the command line is wrong, 3 the target was not reached or refused.
    """
    endpoint = parse_endpoint(
        url,
        headers=header or (),
        cookies=cookie or (),
        subprotocols=subprotocol or (),
        insecure=insecure,
        ca=ca,
        connect_to=connect_to,
    )
    if output is not None:
        if output.exists():
            raise UsageError(f"--output {output}: the file exists, and may hold your own changes; name another")
        ensure_writable(output)
    try:
        found = asyncio.run(discover(Setting(endpoint, patience=patience)))
    except (TargetGone, TargetRefused) as why:
        sys.stderr.write(f"wsproof: {endpoint.redactor().text(str(why))}\n")
        raise typer.Exit(NOTHING_PROVED) from None
    text = profile_text(endpoint, found, __version__)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, "utf-8")
        sys.stdout.write(f"The profile is written to {output}.\n")
