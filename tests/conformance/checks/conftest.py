"""Both ends of a connection are in the test's own loop here, whose time is idle time: see :mod:`tests.idle_clock`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.idle_clock import IdleClockLoop

OTHER_PROCESSES = ("test_contract_chat.py",)
"""Where the reference server runs in a process of its own."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of each test."""
    if item.path.name in OTHER_PROCESSES:
        return {"asyncio": asyncio.new_event_loop}
    return {"idle-clock": IdleClockLoop}
