"""The server: it listens, and is used from a coroutine, from a thread of its own, or as a program."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from .app import App
from .connection import Connection
from .http_phase import Limits
from .stream import Stream
from .switch import SWITCHES, Switch


class ServedStream(Stream):
    """A stream that gets a connection of its server as soon as TCP is there."""

    receiver: Connection

    def __init__(self, server: MutantServer) -> None:
        super().__init__(server.ssl)
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See Stream."""
        super().connection_made(transport)
        self.receiver = self.server.connection_class(self, self.server.app, self.server.limits)
        self.server.streams.add(self)
        self.server.idle.clear()

    def connection_lost(self, error: Exception | None) -> None:
        """See Stream."""
        super().connection_lost(error)
        self.server.streams.discard(self)
        if not self.server.streams:
            self.server.idle.set()


class MutantServer:
    """A WebSocket echo server, conformant without a switch. KeyError if there is no switch of that name."""

    def __init__(
        self,
        switch: str | Switch | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl: ssl.SSLContext | None = None,
        limits: Limits | None = None,
    ) -> None:
        chosen = SWITCHES[switch] if isinstance(switch, str) else switch
        self.connection_class = chosen.connection_class if chosen else Connection
        self.app: App = (chosen.app_class if chosen else App)()
        self.app.die = self.die
        self.host = host
        self.port = port
        self.ssl = ssl
        self.limits = limits or Limits()
        self.streams: set[ServedStream] = set()
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def url(self) -> str:
        """The URL of the echo."""
        return f"{'wss' if self.ssl else 'ws'}://{self.host}:{self.port}/echo"

    async def __aenter__(self) -> MutantServer:
        """Listen; `port` is the port then, also when it was 0. OSError if it is taken."""
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(lambda: ServedStream(self), self.host, self.port, backlog=1024)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    def die(self) -> None:
        """Stop listening and drop every connection, as a server that crashes."""
        self.listener.close()
        for stream in list(self.streams):
            stream.transport.abort()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection with 1001 and stop listening; nobody is waited for."""
        self.listener.close()
        for stream in list(self.streams):
            stream.receiver.go_away()
        await asyncio.sleep(0)
        for stream in list(self.streams):
            stream.transport.abort()
        await self.idle.wait()


@contextmanager
def mutant_server(
    switch: str | Switch | None = None, *, ssl: ssl.SSLContext | None = None, limits: Limits | None = None
) -> Iterator[MutantServer]:
    """A MutantServer on an event loop in a thread of its own, for callers that have no loop."""
    server = MutantServer(switch, ssl=ssl, limits=limits)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="mutant-server", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
