"""What a target thinks of the Origin of a handshake (RFC 6455, sections 4.2.2 and 10.2)."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..target import Answer, Target
from ..wire.handshake import Request
from ._answers import ask

FOREIGN = "http://foreign.invalid"


def own_origin(target: Target) -> str:
    """The Origin that a page of the target itself would have, or the one that the target is asked with anyway."""
    given = target.request().get("Origin")
    if given is not None:
        return given.decode("latin-1")
    return f"{'https' if target.endpoint.secure else 'http'}://{target.endpoint.host_field}"


def strangers(allowed: str) -> dict[str, tuple[str, ...]]:
    """Origin lines that are not the allowed one, each under a few words: other sites, look-alikes, two lines."""
    parts = urlsplit(allowed)
    host, port = parts.hostname or "", parts.port
    at = "" if port is None else f":{port}"
    return {
        "a foreign Origin": (FOREIGN,),
        "'null'": ("null",),
        "a look-alike with more at its end": (f"{parts.scheme}://{host}.foreign.invalid{at}",),
        "a look-alike with more at its front": (f"{parts.scheme}://not{host}{at}",),
        "another scheme": (f"{'http' if parts.scheme == 'https' else 'https'}://{host}{at}",),
        "another port": (f"{parts.scheme}://{host}:{8081 if port != 8081 else 8082}",),
        "two Origin lines": (allowed, FOREIGN),
    }


async def with_origin(target: Target, request: Request, *origins: str) -> Answer:
    """The answer to that handshake with these Origin lines instead of its own."""
    request = request.without("Origin").fresh()
    return await ask(target, request.with_field("Origin", *origins) if origins else request)
