"""The probes of a profile, with which an application shows what its server tells it, or makes the server act."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ..check import Undetermined
from ..peer import Ended, Message, Peer, Silence
from ..profile import Probe
from ..target import Target
from ..wire.frames import ReceivedFrame


def probe_of(target: Target) -> Probe:
    """The profile's probes. Raises Undetermined where there is no profile."""
    if target.profile is None:
        raise Undetermined("no profile")
    return target.profile.probe


def closing_path(target: Target, code: int, reason: str) -> str:
    """The request target of the probe that closes first, with this code and reason."""
    return (probe_of(target).close or "").format(code=code, reason=quote(reason))


async def told_by(target: Target, path: str) -> dict[str, Any]:
    """The JSON object that the probe at ``path`` sends. Raises Undetermined where it sends none."""
    async with target.connect(target.request(path), echo=False) as peer:
        try:
            message = await peer.next_message()
        except Silence:
            raise Undetermined("the probe does not tell how the connection ended") from None
        if not isinstance(message, Message):
            raise Undetermined(f"the probe sent {message}")
    try:
        told = json.loads(message.payload)
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("code") is None:
        raise Undetermined(f"the probe sent {message}")
    return told


async def sentinel_or_end(peer: Peer, word: bytes) -> ReceivedFrame | Ended | None:
    """None once a message that holds ``word`` comes, else the end. Raises Silence."""
    while True:
        got = await peer.next_message()
        if not isinstance(got, Message):
            return got
        if word in got.payload:
            return None


__all__ = ["closing_path", "probe_of", "sentinel_or_end", "told_by"]
