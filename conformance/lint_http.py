"""What holds for every response head that a server sends to a handshake, whatever the check (RFC 9110, RFC 9112).

Reported like :mod:`.lint`: by the check that watches the requirement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..reports.model import RawFinding
from .lint import violated
from .wire.handshake import Request, Response, ResponseHead, accept_for


def lint_response(request: Request, response: Response) -> Iterator[RawFinding]:
    """Judge a response and the informational ones before it."""
    for head in [*response.informational, response.head]:
        yield from _lint_head(head)
    if response.accepted:
        yield from _lint_switch(request, response.head)


def _lint_head(head: ResponseHead) -> Iterator[RawFinding]:
    for problem in head.problems:
        if problem == "no space after the status code":
            yield violated("rfc9112-4-1", "a space after the status code", problem)
        else:
            yield violated("rfc9110-2.2-1", "a head in the HTTP/1.1 grammar", problem)


# -- the 101 of an opening handshake (RFC 6455, section 4.2.2, step 5) ---------------------------------------------

_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


def _lint_switch(request: Request, head: ResponseHead) -> Iterator[RawFinding]:
    """Judge a 101 in answer to a request that asks for websocket."""
    if b"websocket" not in request.tokens("Upgrade"):
        return
    yield from _lint_status_line(head)
    upgrade = head.all("Upgrade")
    seen = shown_lines("Upgrade", upgrade)
    if b"websocket" not in head.tokens("Upgrade"):
        yield violated("rfc6455-4.2.2-19", "Upgrade: websocket in the 101", seen)
    if [value.lower() for value in upgrade] != [b"websocket"]:
        yield violated("rfc6455-4.1-11", "one Upgrade field in the 101, its value websocket", seen)
    if b"upgrade" not in head.tokens("Connection"):
        for requirement in ("rfc6455-4.2.2-20", "rfc6455-4.1-12"):
            yield violated(
                requirement, "Connection: Upgrade in the 101", shown_lines("Connection", head.all("Connection"))
            )
    yield from _lint_accept(request, head)


def _lint_status_line(head: ResponseHead) -> Iterator[RawFinding]:
    faults = list(head.problems)
    if head.version != b"HTTP/1.1":
        faults.append(f"the version {head.version.decode('latin-1')}")
    for fault in faults[:1]:
        for requirement in ("rfc6455-4.2.2-18", "rfc6455-4.2.2-1"):
            yield violated(requirement, "a 101 in the grammar of HTTP/1.1", fault)


def _lint_accept(request: Request, head: ResponseHead) -> Iterator[RawFinding]:
    """Sec-WebSocket-Accept, where the request has one key that every server reads alike."""
    values = head.all("Sec-WebSocket-Accept")
    seen = shown_lines("Sec-WebSocket-Accept", values)
    if len(values) > 1:
        yield violated("rfc6455-11.3.3-1", "Sec-WebSocket-Accept once in the 101", seen)
    keys = request.all("Sec-WebSocket-Key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        return
    right = accept_for(keys[0])
    if right not in values:
        for requirement in ("rfc6455-4.2.2-21", "rfc6455-4.1-13"):
            yield violated(requirement, f"Sec-WebSocket-Accept: {right.decode()} for the key {keys[0].decode()}", seen)


def shown_lines(name: str, values: Sequence[bytes]) -> str:
    """Field lines for people: ``no NAME`` where there are none; of many the first three."""
    if not values:
        return f"no {name}"
    lines = [f"'{name}: {value[:80].decode('latin-1')}'" for value in values[:3]]
    if len(values) > 3:
        lines.append(f"{len(values) - 3} more lines")
    return ", ".join(lines)
