"""What can come on a connection: frames, messages put together from them, the end of TCP; or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .link import TcpEnd
from .wire.frames import ReceivedFrame, opcode_name, shown

KEEP: Final = 2 * 1024 * 1024
"""Bytes of one frame, or of what is kept while something else is waited for."""
MAX_KEPT: Final = 1000
CUT: Final = 125


@dataclass(frozen=True, slots=True)
class Message:
    """A whole data message, put together from its frames (section 5.4)."""

    opcode: int
    payload: bytes
    frames: int = 1

    def __str__(self) -> str:
        return f"{opcode_name(self.opcode)} message of {len(self.payload)} bytes {shown(self.payload)}"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the target's direction of the connection."""

    how: TcpEnd

    def __str__(self) -> str:
        return f"TCP end ({self.how.value})"


Event = ReceivedFrame | Ended


class Silence(Exception):
    """Nothing that was waited for came within the patience."""


class Kept:
    """What came while something else was waited for: bounded in number and bytes, the last always among it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._bytes = 0

    def add(self, event: Event) -> None:
        if len(self.events) >= MAX_KEPT:
            self.events.pop()
        if isinstance(event, ReceivedFrame):
            self._bytes += len(event.payload)
            if self._bytes > KEEP:
                event = replace(event, payload=event.payload[:CUT], cut=True)
        self.events.append(event)


def describe_all(events: Sequence[Event], limit: int = 5) -> str:
    """A few events for people."""
    if not events:
        return "nothing"
    words = [str(event) for event in events[:limit]]
    if len(events) > limit:
        words.append(f"{len(events) - limit} more")
    return ", ".join(words)
