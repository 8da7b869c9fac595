"""How what is said in a room reaches the members of it: one small protocol, and the forms of it beside this file."""

from collections.abc import Callable
from typing import Literal, Protocol

Deliver = Callable[[str], None]
"""Takes one message of a room; must neither wait nor raise."""
State = Literal["ok", "degraded"]


class Channel(Protocol):
    """Carries messages to every subscriber of a room, to all of them in one and the same order.

    A server process subscribes to a room once, and hands each message to the members that it serves.
    """

    @property
    def name(self) -> str:
        """What carries the messages, e.g. `memory`."""

    @property
    def state(self) -> State:
        """Whether messages get through at this moment."""

    async def publish(self, room: str, message: str) -> None:
        """Give the room a message. It is delivered to those who are subscribed now."""

    async def subscribe(self, room: str, deliver: Deliver) -> None:
        """Have the messages of a room delivered from now on."""

    async def unsubscribe(self, room: str) -> None:
        """End the delivery of a room's messages; it is no error if there was none."""
