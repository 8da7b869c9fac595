"""What holds for every response head that a server sends to a handshake, whatever the check (RFC 9110, RFC 9112).

Reported like :mod:`.lint`: by the check that watches the requirement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..reports.model import Outcome, RawFinding
from .lint import violated
from .wire.handshake import Request, Response, ResponseHead

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
