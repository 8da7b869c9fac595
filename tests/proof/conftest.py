"""Proofs wait for what does not come, hundreds of times at once: on a clock that a busy machine does not disturb."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.idle_clock import IdleClockLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of each proof. Those that start other processes keep their time."""
    if item.path.name == "full_replay.py":
        return {"asyncio": asyncio.new_event_loop}
    return {"idle-clock": IdleClockLoop}
