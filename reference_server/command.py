"""`wsproof serve`: run the reference server."""

import errno
import os
import signal
import socket
import sys
import threading
from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from .settings import ENVIRONMENT_PREFIX, Denial, Settings


class Stack(StrEnum):
    """uvicorn's WebSocket implementations."""

    AUTO = "auto"
    WEBSOCKETS = "websockets"
    SANSIO = "websockets-sansio"
    WSPROTO = "wsproto"


class LogLevel(StrEnum):
    """The least important log lines that are still written to stderr."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


def default(name: str) -> str:
    """Return the default of a setting, as --help shows it."""
    return str(Settings.model_fields[name].default)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8000,
    ws: Annotated[Stack, typer.Option(help="uvicorn's WebSocket implementation.")] = Stack.AUTO,
    denial: Annotated[
        Denial | None,
        typer.Option(help="Refuse a missing token with Close 1008, or with HTTP 403.", show_default=default("denial")),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A value of Origin that is let in, others get 403; may be repeated.", show_default="all"),
    ] = None,
    outbox_messages: Annotated[
        int | None,
        typer.Option(help="Unsent messages that a chat member may have.", show_default=default("outbox_messages")),
    ] = None,
    outbox_bytes: Annotated[
        int | None, typer.Option(help="Unsent bytes that a chat member may have.", show_default=default("outbox_bytes"))
    ] = None,
    overflow_code: Annotated[
        int | None,
        typer.Option(help="Close code for a member with more than that.", show_default=default("overflow_code")),
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="Least important log lines on stderr.")] = LogLevel.INFO,
    until_stdin_ends: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run the reference server until Ctrl-C: the behaviours of FastAPI's WebSockets tutorial, an echo and probes."""
    given = {
        "denial": denial,
        "origins": tuple(origin) if origin else None,
        "outbox_messages": outbox_messages,
        "outbox_bytes": outbox_bytes,
        "overflow_code": overflow_code,
    }
    settings = _settings({name: value for name, value in given.items() if value is not None})

    from .app import create_app
    from .server import listen, run_server

    try:
        listener = listen(host, port)
    except OSError as error:
        raise _refused(_why_not_listening(host, port, error)) from None

    def started() -> None:
        typer.echo(f"wsproof serve: ws://{_authority(listener)} (Ctrl-C stops)")
        sys.stdout.flush()

    if until_stdin_ends:
        threading.Thread(target=_stop_when_stdin_ends, daemon=True).start()
    run_server(create_app(settings), listener, started, ws, log_level)


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        source = f"--{name.replace('_', '-')}" if name in given else f"{ENVIRONMENT_PREFIX}{name.upper()}"
        raise _refused(f"{source}: {first['msg']}") from None
    except SettingsError as error:
        raise _refused(f"{ENVIRONMENT_PREFIX}*: {error}") from None


def _why_not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; choose another with --port (0 for a free one)"
    return f"cannot listen on port {port} on {host}: {error.strerror or error}"


def _refused(why: str) -> typer.Exit:
    typer.echo(f"wsproof serve: {why}", err=True)
    return typer.Exit(2)


def _authority(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _stop_when_stdin_ends() -> None:
    # Whoever started this process holds the other end, and the end comes also when that process is killed.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
