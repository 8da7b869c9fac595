"""The embedded server: its own process, its own interpreter, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from wsproof.reference_server.embedded import ServerFailed, running
from wsproof.reference_server.settings import Denial, Settings

from .conftest import STACKS
from .raw import PATIENCE, authority, health


def children() -> set[psutil.Process]:
    """Return the processes that this one has started."""
    return set(psutil.Process().children())


@pytest.mark.parametrize("ws", ["auto", *STACKS])
async def test_it_runs_on_a_free_port_and_is_gone_afterwards(ws: str) -> None:
    before = children()
    with running(ws=ws) as url:
        (child,) = children() - before
        async with connect(f"{url}/echo") as websocket:
            await websocket.send("hello")
            assert await websocket.recv() == "hello"
    assert not child.is_running()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(authority(url), PATIENCE)


async def test_it_gets_the_settings() -> None:
    with running(Settings(denial=Denial.HTTP)) as url, pytest.raises(InvalidStatus):
        await connect(f"{url}/items/foo/ws")


def test_it_is_gone_after_an_exception() -> None:
    with pytest.raises(KeyError), running() as url:
        raise KeyError
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(authority(url), PATIENCE)


def test_its_output_says_why_it_did_not_start() -> None:
    before = children()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerFailed, match=f"port {port} on 127.0.0.1 is taken"), running(port=port):
            pass
    assert children() == before


def test_a_server_that_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproof.reference_server.embedded.STOP_PATIENCE", 0.01)
    before = children()
    with running():
        (child,) = children() - before
        child.suspend()
    assert not child.is_running()


def test_a_working_directory_with_our_names_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wsproof", "reference_server", "reports", "load"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    with running() as url:
        assert health(url)["connections"] == 0


def test_it_ends_when_the_process_that_runs_it_is_killed() -> None:
    source = """
from wsproof.reference_server.embedded import running
with running() as url:
    print(url, flush=True)
    input()
"""
    command = [sys.executable, "-P", "-c", source]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        started = psutil.Process(parent.pid).children()
        assert health(url)["connections"] == 0
        os.kill(parent.pid, signal.SIGKILL)
    assert psutil.wait_procs(started, timeout=PATIENCE)[1] == []
