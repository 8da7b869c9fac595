"""The command ``wsproof``: composes each part's command and imports it only when it is called."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

USAGE = 2
INTERRUPTED = 130
GARBAGE = 5_000
"""New objects after which the garbage among them is looked for; Python's own 700 is a tenth of a run's time."""


class Part(NamedTuple):
    """Where a command lives, and the line that ``wsproof --help`` shows for it.

    ``function`` of a ``group`` is the typer app that holds its commands.
    """

    module: str
    function: str
    help: str
    group: bool = False


COMMANDS = {
    "run": Part("wsproof.run", "run", "Check a target, then write a report; no URL: the embedded reference server."),
    "check": Part("wsproof.conformance.command", "check", "Check a WebSocket server against RFC 6455."),
    "list": Part("wsproof.conformance.command", "list_checks", "List the checks."),
    "explain": Part("wsproof.conformance.command", "explain", "Explain a check or a requirement."),
    "replay": Part("wsproof.conformance.replay_command", "replay_check", "Repeat one recorded failure, byte for byte."),
    "profile": Part("wsproof.conformance.profile_command", "group", "Write a first profile of a target.", group=True),
    "serve": Part("wsproof.reference_server.command", "serve", "Run the reference server."),
}


class LazyGroup(TyperGroup):
    """Knows its commands by name; imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the help line, for listings."""
        part = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=part.help) if part else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, imported now."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        if stand_in is None or name is None:
            return name, stand_in, rest
        command = load_command(name)
        gc.freeze()  # what is loaded stays: not to be looked through again and again
        gc.enable()
        return name, command, rest


def load_command(name: str) -> Any:
    """The typer command of that name."""
    part = COMMANDS[name]
    function = getattr(importlib.import_module(part.module), part.function)
    settings = {"help_option_names": ["-h", "--help"]}
    if part.group:
        app = function
        app.info.context_settings = settings
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(name, context_settings=settings)(function)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _version(value: bool) -> None:
    if value:
        from . import __version__

        typer.echo(f"wsproof {__version__}")
        raise typer.Exit


def build() -> Any:
    """The whole command."""
    app = typer.Typer(
        cls=LazyGroup,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )

    @app.callback()
    def wsproof(
        version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    ) -> None:
        """Prove a WebSocket server: does it speak the protocol, does it behave as documented, how much can it carry."""

    return typer.main.get_command(app)


def main(args: list[str] | None = None) -> None:
    """Run the command and exit with its code. What is wrong with the input is one line on stderr, exit code 2."""
    gc.disable()  # until the command is loaded
    gc.set_threshold(GARBAGE, 20, 20)
    from .config import configured

    command = build()
    words = sys.argv[1:] if args is None else args
    try:
        defaults = configured(words, COMMANDS)
        code = command(args=words, prog_name="wsproof", default_map=defaults, standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception as error:
        line = _bad_input(error)
        if line is None:
            raise
        sys.stderr.write(f"{line}\n")
        sys.exit(USAGE)
    finally:
        gc.enable()
    sys.exit(code or 0)


def _bad_input(error: Exception) -> str | None:
    """The one line that says what is wrong with the input; None for any other error."""
    if isinstance(error, typer.TyperException) and hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError":
            return str(error.format_message())
        message = str(error.format_message()).rstrip(".")
        where = context.command_path if context is not None else "wsproof"
        return f"{where}: {message}; see `{where} --help`"
    from .conformance.errors import UsageError
    from .reports.errors import ConfigError

    return f"wsproof: {error}" if isinstance(error, UsageError | ConfigError) else None
