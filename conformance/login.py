"""The exchange that makes a connection usable, as the profile says."""

from __future__ import annotations

import os

from .check import Undetermined
from .events import Event, Message, Silence
from .peer import Peer
from .profile import Profile
from .template import expand, pattern
from .wire.frames import Opcode


class NotLoggedIn(Undetermined):
    """A step was not answered as the profile says; ``end`` is what ended the connection instead, if anything did."""

    def __init__(self, why: str, end: Event | None = None) -> None:
        super().__init__(why)
        self.end = end


async def log_in(peer: Peer, profile: Profile | None) -> None:
    """Go through the profile's login, if it has one. Raises NotLoggedIn where an answer is not as expected."""
    for number, step in enumerate(profile.login if profile else (), 1):
        if step.send is not None:
            await peer.send_text(expand(step.send, os.environ))
        if step.expect is not None:
            got = await _next(peer)
            text = got.payload.decode("utf-8", "replace") if isinstance(got, Message) else None
            right = isinstance(got, Message) and got.opcode == Opcode.TEXT
            if text is None or not right or not pattern(step.expect, os.environ).fullmatch(text):
                raise NotLoggedIn(
                    f"step {number} of the profile's login was not answered as it says: "
                    f"expected {step.expect!r}; observed {got or f'nothing within {peer.patience:g} s'}",
                    None if isinstance(got, Message) else got,
                )


async def _next(peer: Peer) -> Message | Event | None:
    try:
        return await peer.next_message()
    except Silence:
        return None
