"""The end of the server: Close 1001 to everyone, exit code 0, and no peer can delay it."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from wsproof.reference_server.server import listen

from .conftest import STACKS
from .raw import PATIENCE, end_of, frame, get, websocket

COMMAND = (sys.executable, "-P", "-m", "wsproof.reference_server", "--port=0")
SECRET = "hunter2"


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command as a user does; yield the process and the URL that it prints."""
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=output, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.fullmatch(
                r"wsproof serve: (ws://127\.0\.0\.1:\d+) \(Ctrl-C stops\)\n", process.stdout.readline()
            )
            assert found, output.seek(0) or output.read()
            yield process, found[1]
        finally:
            process.kill()
        output.seek(0)
        said = output.read()
        assert "Traceback" not in said
        assert SECRET not in said


async def exit_code(process: subprocess.Popen[str]) -> int:
    """Wait for the end of the process."""
    return await asyncio.to_thread(process.wait, PATIENCE)


@pytest.mark.parametrize("ws", STACKS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_every_connection_gets_1001_and_the_process_ends(ws: str, number: signal.Signals) -> None:
    with serving("--ws", ws) as (process, url):
        async with AsyncExitStack() as stack:
            targets = ["/echo", "/ws", "/items/foo/ws?token=t", "/probe/push?n=2&interval=60", *(["/ws/1"] * 5)]
            peers = [await stack.enter_async_context(connect(url + target)) for target in targets]
            process.send_signal(number)
            ends = await asyncio.gather(*(end_of(peer) for peer in peers))
            assert set(ends) == {(1001, "the server is shutting down")}
        assert await exit_code(process) == 0


@pytest.mark.parametrize("ws", STACKS)
@pytest.mark.parametrize("target", ["/echo", "/ws/99"])
async def test_peers_that_do_not_read_do_not_delay_the_end(ws: str, target: str) -> None:
    with serving("--ws", ws) as (process, url):
        async with websocket(url, target, receive_buffer=4096) as deaf, connect(f"{url}/echo") as healthy:
            message = frame(1, b"x" * 60_000)
            # Until nothing moves any more: what is sent waits here because the server's answers wait there.
            with suppress(TimeoutError):
                while True:
                    deaf.send(message)
                    async with asyncio.timeout(1):
                        await deaf.writer.drain()
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert (await end_of(healthy))[0] == 1001
            assert await exit_code(process) == 0
            assert time.monotonic() - started < 5
            deaf.reset()


async def test_a_half_done_handshake_does_not_delay_the_end(server: str) -> None:
    with serving() as (process, url):
        host, port = url.removeprefix("ws://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /echo HTTP/1.1\r\nHost: a\r\n")
        await writer.drain()
        process.send_signal(signal.SIGTERM)
        assert await exit_code(process) == 0
        writer.close()


async def test_tokens_are_not_logged() -> None:
    with serving() as (process, url):
        async with connect(f"{url}/items/foo/ws?token={SECRET}", additional_headers={"Cookie": f"session={SECRET}"}):
            pass
        process.terminate()
        assert await exit_code(process) == 0


def test_the_application_runs_from_a_checkout_as_the_tutorial_says() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "uvicorn", "reference_server.app:app", "--port=0"]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = next(found[1] for line in process.stderr if (found := re.search(r"http://(127\S+)", line)))
            assert get(f"ws://{url}", "/health")[0] == 200
        finally:
            process.kill()


def test_what_is_sent_in_two_pieces_does_not_wait_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
