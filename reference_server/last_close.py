"""How the application saw recent connections end: what `/probe/last-close` tells (RFC 6455 sections 7.1.5, 7.1.6)."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """The close code and reason that the application was told; 1005 for a Close without code, 1006 for none."""

    code: int
    reason: str


class LastCloses:
    """The endings of the most recent connections, one for each id that a peer chose; the oldest are forgotten."""

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._endings: OrderedDict[str, asyncio.Future[Ending]] = OrderedDict()

    def expect(self, id: str) -> asyncio.Future[Ending]:
        """Return the future that the connection with this id sets when it ends; an earlier one is forgotten."""
        self._endings.pop(id, None)
        ending = self._endings[id] = asyncio.get_running_loop().create_future()
        while len(self._endings) > self._capacity:
            self._endings.popitem(last=False)
        return ending

    async def wait(self, id: str, timeout: float) -> Ending | None:
        """Wait at most `timeout` seconds for the connection with this id to end; None if it did not, or is unknown."""
        ending = self._endings.get(id)
        if ending is None:
            return None
        await asyncio.wait({ending}, timeout=timeout)
        return ending.result() if ending.done() else None
