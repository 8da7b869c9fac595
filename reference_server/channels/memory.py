"""The channel within one process: a message is delivered before `publish` returns."""

from . import Deliver, State


class MemoryChannel:
    """A `Channel` for a server that is one process."""

    name = "memory"
    state: State = "ok"

    def __init__(self) -> None:
        self._deliver: dict[str, Deliver] = {}

    async def publish(self, room: str, message: str) -> None:
        """Deliver the message at once."""
        if deliver := self._deliver.get(room):
            deliver(message)

    async def subscribe(self, room: str, deliver: Deliver) -> None:
        """Deliver the room's messages from now on."""
        self._deliver[room] = deliver

    async def unsubscribe(self, room: str) -> None:
        """Deliver the room's messages no more."""
        self._deliver.pop(room, None)
