"""The reference server in a process of its own, for the time of a `with` block."""

import os
import re
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from .settings import Settings

START_PATIENCE = 60.0
"""The longest wait, in seconds, for the line that says where the server listens."""
STOP_PATIENCE = 6.0
"""The longest wait, in seconds, for the end after SIGTERM."""


class ServerFailed(RuntimeError):
    """The reference server did not start; the message ends with its output."""


@contextmanager
def running(settings: Settings | None = None, ws: str = "auto", port: int = 0) -> Iterator[str]:
    """Run the reference server on 127.0.0.1 and yield its base URL, `ws://127.0.0.1:PORT`.

    `ws` is a name that `wsproof serve --ws` takes; port 0 picks a free port. The server is stopped at the end of the
    block, and also when this process is killed. Raises ServerFailed with the server's output if it does not start.
    """
    # -P: the working directory must not be searched for modules; it may hold a folder named wsproof.
    command = [sys.executable, "-P", "-m", __package__, f"--port={port}", f"--ws={ws}", "--log-level=warning"]
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(
            [*command, "--until-stdin-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, **(settings.environment() if settings else {})},
        )
        try:
            yield _address(server, output)
        finally:
            _stop(server)


def _address(server: subprocess.Popen[bytes], output: IO[bytes]) -> str:
    assert server.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(server.stdout, selectors.EVENT_READ)
        line = server.stdout.readline().decode() if selector.select(START_PATIENCE) else ""
    if found := re.search(r"ws://\S+", line):
        return found[0]
    _stop(server)
    output.seek(0)
    said = output.read().decode(errors="replace").strip()
    raise ServerFailed(f"the reference server did not start: {said or 'it said nothing'}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for stream in (server.stdin, server.stdout):
        if stream is not None:
            stream.close()
