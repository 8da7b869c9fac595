"""An event loop for tests that have both ends of each connection in it: its time is that in which nothing is to do.

What a test computes, and what other processes compute beside it, hardly counts, so that a busy machine makes nobody
late; and where nothing is to do but to wait, what one waits for comes soon.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Final

IDLE: Final = 8.0
"""So many times as fast the clock goes while the loop has nothing to do but to wait for a timer."""
BUSY: Final = 0.1
"""The same while it has: it must go on, for what a flood keeps busy is ended by a timer."""


class _Clock(selectors.DefaultSelector):
    """Sees when the loop waits, and shortens it."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        self._read = time.monotonic()

    def now(self) -> float:
        """Seconds since the loop was made."""
        return self._seconds + (time.monotonic() - self._read) * BUSY

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As every selector's; ``timeout`` is in seconds of this clock."""
        if not timeout:
            return super().select(timeout)
        begun = time.monotonic()
        self._seconds = self.now()
        ready = super().select(timeout / IDLE)
        self._read = time.monotonic()
        self._seconds += timeout if not ready else min(timeout, (self._read - begun) * IDLE)
        return ready


class IdleClockLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop with that clock."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._clock.now()
