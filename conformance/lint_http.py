"""What holds for every response head that a server sends to a handshake, whatever the check (RFC 9110, RFC 9112).

Reported like :mod:`.lint`: by the check that watches the requirement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..reports.model import Outcome, RawFinding
from .lint import violated
from .wire.handshake import Request, Response, ResponseHead, accept_for

SINGLETONS: Final = ("Content-Length", "Content-Type", "Date", "Location", "Server")
"""Fields that are no lists (RFC 9110, section 5.3). Fields of unknown definition are not judged."""


def warned(requirement: str, expected: str, observed: str) -> RawFinding:
    """A departure that is tolerated with a warning."""
    return RawFinding(requirement=requirement, outcome=Outcome.WARNED, expected=expected, observed=observed)


def lint_response(request: Request, response: Response) -> Iterator[RawFinding]:
    """Judge a response and the informational ones before it."""
    for head in [*response.informational, response.head]:
        yield from _lint_head(head)
        if head.status:
            yield from _lint_fields(head)
            yield from _lint_upgrade(head)
            yield from _lint_framing(request, head)
    if response.accepted:
        yield from _lint_switch(request, response.head)


def _lint_head(head: ResponseHead) -> Iterator[RawFinding]:
    for problem in head.problems:
        if problem == "no space after the status code":
            yield violated("rfc9112-4-1", "a space after the status code", problem)
        else:
            yield violated("rfc9110-2.2-1", "a head in the HTTP/1.1 grammar", problem)


def _lint_fields(head: ResponseHead) -> Iterator[RawFinding]:
    """Fields that are there once at most, or that a status demands (RFC 9110, sections 5.3, 11.6.1 and 15.5.6)."""
    for name in SINGLETONS:
        lines = len(head.all(name))
        if lines > 1:
            yield violated("rfc9110-5.3-3", f"one {name} line", f"{lines} of them in a {head.status}")
    if head.status == 401 and not head.all("WWW-Authenticate"):
        yield violated("rfc9110-11.6.1-1", "WWW-Authenticate in a 401", "a 401 without it")
    if head.status == 405 and not head.all("Allow"):
        yield violated("rfc9110-15.5.6-1", "Allow in a 405", "a 405 without it")


def _lint_upgrade(head: ResponseHead) -> Iterator[RawFinding]:
    """Upgrade in a response (RFC 9110, sections 7.8, 15.2.2 and 15.5.22)."""
    named = head.tokens("Upgrade")
    if head.status == 101 and not named:
        for requirement in ("rfc9110-7.8-3", "rfc9110-15.2.2-1"):
            yield violated(requirement, "Upgrade with the new protocol in a 101", "a 101 without it")
    if head.status == 426 and not named:
        for requirement in ("rfc9110-7.8-5", "rfc9110-15.5.22-1"):
            yield violated(requirement, "Upgrade with the acceptable protocols in a 426", "a 426 without it")
    if named and b"upgrade" not in head.tokens("Connection"):
        judge = violated if head.status == 101 else warned
        yield judge("rfc9110-7.8-8", "Connection: Upgrade beside Upgrade", f"a {head.status} without it")


def _lint_framing(request: Request, head: ResponseHead) -> Iterator[RawFinding]:
    """Where no content may be announced, or not in this way (RFC 9110, section 8.6; RFC 9112, section 6.1)."""
    if 100 <= head.status < 200:
        if head.all("Content-Length"):
            yield violated("rfc9110-8.6-1", "no Content-Length in a 1xx", f"a {head.status} with it")
        if head.all("Transfer-Encoding"):
            yield violated("rfc9112-6.1-1", "no Transfer-Encoding in a 1xx", f"a {head.status} with it")
    if request.version == b"HTTP/1.0" and head.all("Transfer-Encoding"):
        yield violated("rfc9112-6.1-4", "no Transfer-Encoding for HTTP/1.0", f"a {head.status} with it")


# -- the 101 of an opening handshake (RFC 6455, section 4.2.2, step 5) ---------------------------------------------

_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


def _lint_switch(request: Request, head: ResponseHead) -> Iterator[RawFinding]:
    """Judge a 101 in answer to a request that asks for websocket; to HTTP/1.0 it is wrong in itself, once."""
    if b"websocket" not in request.tokens("Upgrade") or request.version == b"HTTP/1.0":
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
