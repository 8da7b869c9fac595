"""What holds for every response head that a server sends to a handshake, whatever the check (RFC 9110, RFC 9112).

Reported like :mod:`.lint`: by the check that watches the requirement.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..reports.model import RawFinding
from .lint import violated
from .wire.handshake import Request, Response, ResponseHead


def lint_response(request: Request, response: Response) -> Iterator[RawFinding]:
    """Judge a response and the informational ones before it."""
    for head in [*response.informational, response.head]:
        yield from _lint_head(head)


def _lint_head(head: ResponseHead) -> Iterator[RawFinding]:
    for problem in head.problems:
        if problem == "no space after the status code":
            yield violated("rfc9112-4-1", "a space after the status code", problem)
        else:
            yield violated("rfc9110-2.2-1", "a head in the HTTP/1.1 grammar", problem)
