"""Starts the server under test (``--serve 'CMD {port}'``), starts it again, stops it, and keeps its output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import socket
from collections import deque
from typing import Final

from .errors import TargetGone, UsageError

KEPT_LINES: Final = 200
KEPT_LINE: Final = 4096
LAST_OUTPUT: Final = 1.0
"""Seconds in which the output of a process that has ended is awaited."""
POLL: Final = 0.02
"""Seconds between two looks whether the port is open: a process tells us nothing else."""


class ServedTarget:
    """A server process of ours. ``command`` holds ``{port}``, which is replaced by the port it is to listen on."""

    def __init__(self, command: str, host: str, port: int) -> None:
        if "{port}" not in command:
            raise UsageError(
                f"--serve {command!r} lacks {{port}}; write for example --serve 'my-server --port {{port}}'"
            )
        try:
            self._words = shlex.split(command.replace("{port}", str(port)))
        except ValueError as error:
            raise UsageError(f"--serve {command!r} cannot be split into words: {error}") from None
        self._command = command
        self._address = (host, port)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def output(self) -> list[str]:
        """The last lines that the server wrote, of all its starts."""
        return list(self._lines)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self, wait: float = 30.0) -> None:
        """Start it and wait until it listens, at most ``wait`` seconds. Raises TargetGone with its last words."""
        if _listening(self._address):
            raise UsageError(f"port {self._address[1]} is taken already; --serve needs a free one")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._words,
                # Open and silent; a server that watches it learns when we are gone.
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TargetGone(f"--serve {self._command!r} cannot be started: {error.strerror or error}") from None
        self._reading = asyncio.create_task(self._read())
        deadline = asyncio.get_running_loop().time() + wait
        while not await asyncio.to_thread(_listening, self._address):
            if not self.alive:
                await self._last_output()
                raise TargetGone(f"--serve {self._command!r} ended with {self._process.returncode} before it listened")
            if asyncio.get_running_loop().time() > deadline:
                await self.stop()
                raise TargetGone(
                    f"--serve {self._command!r} did not listen on port {self._address[1]} within {wait:g} s"
                )
            await asyncio.sleep(POLL)

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        rest = b""
        while data := await self._process.stdout.read(65536):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[:KEPT_LINE]
            self._lines.extend(line[:KEPT_LINE].decode("utf-8", "replace") for line in lines)
        if rest:
            self._lines.append(rest.decode("utf-8", "replace"))
        await self._process.wait()

    async def restart(self, wait: float = 30.0) -> None:
        """Stop what is left of it and start it again."""
        await self.stop()
        await self.start(wait)

    async def stop(self) -> None:
        """SIGTERM to its process group, SIGKILL after 5 s."""
        process = self._process
        if process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await process.wait()
                break
        with contextlib.suppress(ProcessLookupError):  # children that the server left behind
            os.killpg(process.pid, signal.SIGKILL)
        await self._last_output()
        self._process = None

    async def _last_output(self) -> None:
        """Read what the ended process has written; not for ever, for children that it left can hold the pipe open."""
        if self._reading is None:
            return
        await asyncio.wait({self._reading}, timeout=LAST_OUTPUT)
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


def _listening(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=1):
            return True
    except OSError:
        return False


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port
