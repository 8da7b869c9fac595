"""How much of what targets send may be held in memory, over all connections of a run."""

from __future__ import annotations


class Budget:
    """A shared allowance in bytes. A connection that gets none stops reading; what it waits for is undetermined."""

    def __init__(self, total: int = 128 * 1024 * 1024) -> None:
        self.total = total
        self.held = 0

    def take(self, size: int) -> None:
        self.held += size

    def give(self, size: int) -> None:
        self.held -= size

    @property
    def exhausted(self) -> bool:
        return self.held >= self.total
