"""The server under test as a process of ours: starting it, waiting for it, its output, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import psutil
import pytest

from tests.mutants import MutantServer
from wsproof.conformance.errors import TargetGone, UsageError
from wsproof.conformance.serve import KEPT_LINE, KEPT_LINES, ServedTarget, free_port

MORTAL = f"{sys.executable} -m tests.peers.mortal {{port}}"
LISTENS = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
ACCEPTS = "\nwhile True: s.accept()"
NEVER = 60.0
"""Seconds that no test waits for."""


def command(code: str, *words: str) -> str:
    """A server command that runs this code."""
    return shlex.join([sys.executable, "-c", code, "{port}", *words])


def served(code: str, *words: str) -> ServedTarget:
    return ServedTarget(command(code, *words), "127.0.0.1", free_port())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def group_gone(group: int) -> None:
    """Wait until the system has cleaned up behind the killed processes of this group."""
    async with asyncio.timeout(NEVER):
        while any(member_of(process, group) for process in psutil.process_iter()):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


def member_of(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


class TestStart:
    async def test_waits_until_it_listens(self) -> None:
        server = served(f"print('up'); {LISTENS}{ACCEPTS}")
        await server.start()
        states = [(server.alive, server.pid)]
        await server.stop()
        states.append((server.alive, server.pid))
        (alive, pid), after = states
        assert alive
        assert pid is not None and gone(pid)
        assert after == (False, None)

    async def test_a_command_that_ends_before_it_listens(self) -> None:
        server = served("print('no luck'); raise SystemExit(3)")
        with pytest.raises(TargetGone, match="ended with 3 before it listened"):
            await server.start()
        assert server.output == ["no luck"]
        assert not server.alive
        await server.stop()

    async def test_one_that_ends_and_leaves_a_child_that_holds_its_output(self) -> None:
        server = ServedTarget("sh -c 'echo bye; sleep 600 & exit 3' {port}", "127.0.0.1", free_port())
        async with asyncio.timeout(NEVER):
            with pytest.raises(TargetGone, match="ended with 3 before it listened"):
                await server.start()
        group = server.pid
        assert server.output == ["bye"]
        await server.stop()
        assert group is not None
        await group_gone(group)

    async def test_a_command_that_never_listens_is_stopped(self) -> None:
        server = served("import time; time.sleep(600)")
        with pytest.raises(TargetGone, match=r"did not listen on port \d+ within 0\.3 s"):
            await server.start(wait=0.3)
        assert not server.alive

    async def test_a_command_that_cannot_be_started(self) -> None:
        server = ServedTarget("no-such-command-at-all {port}", "127.0.0.1", free_port())
        with pytest.raises(TargetGone, match="cannot be started: No such file"):
            await server.start()
        await server.stop()

    async def test_a_port_that_is_taken(self) -> None:
        async with MutantServer() as server:
            with pytest.raises(UsageError, match="taken already"):
                await ServedTarget(MORTAL, "127.0.0.1", server.port).start()

    @pytest.mark.parametrize(
        ("words", "why"), [("server", "lacks {port}"), ("server '{port}", "cannot be split"), ("", "lacks {port}")]
    )
    def test_a_command_that_is_wrong(self, words: str, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            ServedTarget(words, "127.0.0.1", 1)


class TestStop:
    async def test_one_that_ignores_sigterm_is_killed(self) -> None:
        code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LISTENS}{ACCEPTS}"
        server = served(code)
        await server.start()
        pid = server.pid
        await server.stop()
        assert pid is not None and gone(pid)

    async def test_its_children_go_with_it(self) -> None:
        code = f"import os; os.system('sleep 600 &'); {LISTENS}{ACCEPTS}"
        server = served(code)
        await server.start()
        assert server.pid is not None
        group = server.pid
        await server.stop()
        await group_gone(group)

    async def test_before_a_start_and_twice(self) -> None:
        server = served("")
        await server.stop()
        await server.stop()
        assert server.output == []

    async def test_restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        server = ServedTarget(MORTAL, "127.0.0.1", free_port())
        await server.start()
        first = server.pid
        await server.restart()
        second = server.pid
        await server.stop()
        assert first != second
        assert first is not None and gone(first)


class TestOutput:
    async def test_is_kept_over_all_starts_and_from_both_streams(self) -> None:
        code = f"import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True); {LISTENS}{ACCEPTS}"
        server = served(code)
        await server.start()
        await server.restart()
        await server.stop()
        assert server.output == ["out", "err"] * 2

    async def test_the_last_words_of_one_that_is_stopped_are_heard(self) -> None:
        handler = "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), os._exit(0)))"
        server = served(f"import os, signal; {handler}; {LISTENS}{ACCEPTS}")
        await server.start()
        await server.stop()
        assert server.output == ["bye"]

    async def test_is_bounded_and_never_breaks(self) -> None:
        code = (
            "import os, sys; out = os.fdopen(1, 'wb')\n"
            f"out.write(b''.join(b'%d\\n' % n for n in range({KEPT_LINES * 3})))\n"
            "out.write(b'\\xff\\xfe' + b'x' * 1_000_000 + b'\\nlast'); out.flush(); raise SystemExit(1)"
        )
        server = served(code)
        with pytest.raises(TargetGone):
            await server.start()
        assert len(server.output) == KEPT_LINES
        assert server.output[-1] == "last"
        assert server.output[-2].startswith("\ufffd\ufffdxxx")
        assert len(server.output[-2]) <= KEPT_LINE
        assert server.output[-3] == str(KEPT_LINES * 3 - 1)


def test_a_free_port_of_either_family() -> None:
    assert 0 < free_port() < 65536
    assert 0 < free_port("::1") < 65536
