"""What a target thinks of the Origin of a handshake (RFC 6455, sections 4.2.2 and 10.2)."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..check import Undetermined, Violation
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
    if ":" in host:
        host = f"[{host}]"
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
    request = request.without("Origin").fresh(target.source.handshake_key())
    return await ask(target, request.with_field("Origin", *origins) if origins else request)


async def note_policy(target: Target) -> None:
    """Note how the answers to a foreign Origin, the target's own and none differ (rfc6455-4.2.2-6)."""
    foreign = (target.profile.refused.origin if target.profile else None) or FOREIGN
    without = await with_origin(target, target.request())
    own = await with_origin(target, target.request(), own_origin(target))
    other = await with_origin(target, target.request(), foreign)
    policy = "takes" if other.accepted else "refuses"
    target.findings.noted(f"{policy} a foreign Origin: {other}; its own Origin: {own}; none: {without}")


async def judge_verification(target: Target) -> None:
    """Hold the answers to all kinds of strangers against the site that is allowed (rfc6455-10.2-1)."""
    allowed = target.profile.allowed if target.profile else None
    declared = allowed.origin if allowed else None
    request = target.request(allowed.path if allowed else None)
    right = declared or own_origin(target)
    if declared and not (control := await with_origin(target, request, right)).accepted:
        raise Undetermined(f"the Origin {right} was answered with {control}")
    let_in = []
    for words, origins in strangers(right).items():
        answer = await with_origin(target, request, *origins)
        if answer.accepted:
            let_in.append(words)
        elif answer.silent:
            target.findings.warned("an HTTP error", f"{answer} for {words}", silence=True)
            return
    if let_in and declared:
        raise Violation(f"101 for the Origin {declared} only", f"101 for {', '.join(let_in)} too")
    if let_in:
        target.findings.noted(f"no policy is known, and it would have gaps: 101 for {', '.join(let_in)}")
