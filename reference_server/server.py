"""uvicorn as the reference server runs it: Close 1001 to everyone, and an end within 5 seconds."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from .connections import Connections
from .settings import Settings

GOING_AWAY = 1001

CLOSE_PATIENCE = 1.0
"""The longest that sending Close 1001 to all peers takes, and then the longest wait for their answers."""
UNREAD_PATIENCE_MS = 20_000
"""A peer that takes none of the sent bytes for so long is gone (TCP_USER_TIMEOUT, RFC 5482)."""


def logging_to_stderr(level: str) -> dict[str, Any]:
    """Return a logging configuration that writes to stderr only, from this level on."""
    level = level.upper()
    # At INFO uvicorn writes the query of each handshake, with its token.
    quiet = "WARNING" if level == "INFO" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
        "loggers": {name: {"level": quiet} for name in ("uvicorn", "websockets")},
        "root": {"handlers": ["stderr"], "level": level},
    }


class Server(uvicorn.Server):
    """uvicorn's server, but peers are told 1001 (uvicorn says 1012), and none of them can delay the end."""

    def __init__(self, config: uvicorn.Config, connections: Connections, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self.connections = connections
        self.on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once signals are heeded and connections are taken."""
        await super().startup(sockets)
        self.on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal. The process then ends by itself with exit code 0, not by the signal."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, close those that are open, and drop the peers that do not read."""
        for listener in self.servers:
            listener.close()
        await self.connections.close_all(GOING_AWAY, "the server is shutting down", CLOSE_PATIENCE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                while self.server_state.connections:  # noqa: ASYNC110 # uvicorn keeps a set, and no event
                    await asyncio.sleep(0.01)
        for protocol in tuple(self.server_state.connections):
            if protocol.transport.get_write_buffer_size() > 0:
                protocol.transport.abort()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free one. Raises OSError if it cannot be had."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    listener = socket.create_server((host, port), family=family, backlog=2048)
    # asyncio sets this only where a socket names its protocol; without it a notice waits 40 ms behind a message.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_PATIENCE_MS)
    return listener


def run_server(
    app: FastAPI, listener: socket.socket, on_started: Callable[[], None], ws: str = "auto", log_level: str = "info"
) -> None:
    """Serve the application on a listening socket until SIGINT or SIGTERM."""
    settings: Settings = app.state.settings
    config = uvicorn.Config(
        app,
        # Not "auto": every machine is to serve the same handshake, whatever else is installed on it.
        http="httptools",
        loop="asyncio",
        ws=ws,
        ws_max_size=settings.max_message,
        log_config=logging_to_stderr(log_level),
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    Server(config, app.state.connections, on_started).run(sockets=[listener])
