"""The loop whose time is idle time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from .idle_clock import IDLE, IdleClockLoop

HOUR = 3600.0


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=IdleClockLoop) as runner:
        runner.run(work)


def test_a_timer_comes_when_it_is_due_and_not_before() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.sleep(1.0)
        assert loop.time() >= begun + 1.0

    begun = time.monotonic()
    run(work())
    assert time.monotonic() - begun >= 0.99 / IDLE


def test_timers_come_in_their_order() -> None:
    came: list[float] = []

    async def work() -> None:
        async def wait(seconds: float) -> None:
            await asyncio.sleep(seconds)
            came.append(seconds)

        await asyncio.gather(*map(wait, (0.3, 0.1, 0.2)))

    run(work())
    assert came == [0.1, 0.2, 0.3]


def test_work_makes_nobody_late() -> None:
    async def work() -> None:
        left, right = asyncio.Event(), asyncio.Event()

        async def answers() -> None:
            await left.wait()
            time.sleep(0.3)  # noqa: ASYNC251  # stands for computing, which is not to be waited for
            right.set()

        async with asyncio.timeout(0.1), asyncio.TaskGroup() as group:
            group.create_task(answers())
            left.set()
            await right.wait()

    run(work())


def test_a_flood_is_ended_by_a_timer() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        loop.call_later(0.02, over.set)

        def again() -> None:
            if not over.is_set():
                loop.call_soon(again)

        again()
        await over.wait()

    run(work())


def test_what_comes_over_a_socket_ends_the_wait() -> None:
    async def work() -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.05)
            writer.write(b"hello")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, asyncio.timeout(HOUR):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.read() == b"hello"
            writer.close()
        assert asyncio.get_running_loop().time() < HOUR / 2

    run(work())
