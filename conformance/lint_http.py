"""What holds for every response head that a server sends to a handshake, whatever the check.

Reported like :mod:`.lint`: by the check that watches the requirement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..reports.model import Outcome, RawFinding
from .lint import violated
from .wire.extensions import (
    DEFLATE,
    misfit,
    offered_extensions,
    offered_subprotocols,
    read_extensions,
    undefined_parameters,
)
from .wire.handshake import Request, Response, ResponseHead, accept_for, is_token, split_list

SINGLETONS: Final = ("Content-Length", "Content-Type", "Date", "Location", "Server")
"""Fields that are no lists (RFC 9110, section 5.3). Fields of unknown definition are not judged."""

DRAFTS: Final = [[b"%d" % version] for version in range(13)]
"""Sec-WebSocket-Version of requests whose 101 is made as a draft of the RFC says."""

NOT_OFFERED: Final = ("rfc6455-4.1-14", "rfc6455-4.2.2-15", "rfc6455-4.2.2-16", "rfc6455-9-2", "rfc6455-9.1-8")
"""What an extension breaks that a response names and its request does not."""


def warned(requirement: str, expected: str, observed: str) -> RawFinding:
    """A departure that is tolerated with a warning."""
    return RawFinding(requirement=requirement, outcome=Outcome.WARNED, expected=expected, observed=observed)


def lint_response(request: Request, response: Response) -> Iterator[RawFinding]:
    """Judge a response and the informational ones before it."""
    if not response.status and not _names_http(request):
        return  # HTTP/0.9, where a response has no head
    for head in [*response.informational, response.head]:
        yield from _lint_head(head)
        if head.status:
            yield from _lint_fields(head)
            yield from _lint_upgrade(head)
            yield from _lint_framing(request, head)
            yield from _lint_grammar(head)
    if response.accepted:
        yield from _lint_switch(request, response.head)


def _names_http(request: Request) -> bool:
    """Whether the request line names HTTP at all."""
    line = request.version if request.request_line is None else request.request_line
    return b"HTTP/" in line


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
    """Judge a 101 in answer to an HTTP/1.1 request that asks for websocket, and for no draft of it.

    To HTTP/1.0 it is wrong in itself, once; to HTTP/2.0 or to no version at all its own version is nobody's promise.
    """
    ordinary = request.version == b"HTTP/1.1" and request.request_line is None
    if not ordinary or b"websocket" not in request.tokens("Upgrade") or request.all("Sec-WebSocket-Version") in DRAFTS:
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
    yield from _lint_subprotocol(request, head)
    yield from _lint_extensions(request, head)


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


# -- the grammar of the Sec-WebSocket fields, and what is negotiated (RFC 6455, sections 4.2.2, 4.3 and 9.1) -----------

_BASE64 = re.compile(rb"(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_VERSION = re.compile(rb"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]")


def _lint_grammar(head: ResponseHead) -> Iterator[RawFinding]:
    """The fields whose value the request has no part in."""
    for value in head.all("Sec-WebSocket-Accept"):
        if not _BASE64.fullmatch(value):
            seen = shown_lines("Sec-WebSocket-Accept", [value])
            yield violated("rfc6455-4.3-2", "base64 in Sec-WebSocket-Accept", seen)
    lines = head.all("Sec-WebSocket-Version")
    versions = split_list(lines)
    if lines and not (versions and all(_VERSION.fullmatch(version) for version in versions)):
        seen = shown_lines("Sec-WebSocket-Version", lines)
        yield violated("rfc6455-4.3-2", "numbers from 0 to 255 in Sec-WebSocket-Version", seen)


def _lint_subprotocol(request: Request, head: ResponseHead) -> Iterator[RawFinding]:
    """Sec-WebSocket-Protocol of a 101, where the request's own is well-formed."""
    values = head.all("Sec-WebSocket-Protocol")
    offered = offered_subprotocols(request)
    if not values or offered is None:
        return
    seen = shown_lines("Sec-WebSocket-Protocol", values)
    if len(values) > 1:
        for requirement in ("rfc6455-11.3.4-2", "rfc6455-4.2.2-14"):
            yield violated(requirement, "Sec-WebSocket-Protocol at most once in the 101", seen)
    if not all(is_token(value) for value in values):
        for requirement in ("rfc6455-4.3-2", "rfc6455-4.2.2-14"):
            yield violated(requirement, "one token in Sec-WebSocket-Protocol, or no such field", seen)
    strange = [value for value in values if is_token(value) and value not in offered]
    if strange and offered:
        for requirement in ("rfc6455-4.1-15", "rfc6455-4.2.2-11"):
            yield violated(requirement, "one of the subprotocols that were offered", seen)
    elif strange:
        for requirement in ("rfc6455-4.1-15", "rfc6455-4.2.2-13"):
            yield violated(requirement, "no subprotocol where none was offered", seen)


def _lint_extensions(request: Request, head: ResponseHead) -> Iterator[RawFinding]:
    """Sec-WebSocket-Extensions of a 101, all its lines joined, where the request's own is well-formed."""
    values = head.all("Sec-WebSocket-Extensions")
    offers = offered_extensions(request)
    if not values or offers is None:
        return
    seen = shown_lines("Sec-WebSocket-Extensions", values)
    try:
        agreed = read_extensions(values)
    except ValueError:
        yield violated("rfc6455-4.3-2", "Sec-WebSocket-Extensions in its grammar", seen)
        return
    if not agreed:
        for requirement in ("rfc6455-4.2.2-17", "rfc6455-4.3-2"):
            yield violated(requirement, "no Sec-WebSocket-Extensions where there is no extension", seen)
        return
    names = {offer.name for offer in offers}
    if any(extension.name not in names for extension in agreed):
        for requirement in NOT_OFFERED:
            yield violated(requirement, "none but extensions that were offered", seen)
        return
    for extension in agreed:
        if extension.name == DEFLATE and undefined_parameters(extension):
            yield violated("rfc6455-9.1-4", "none but the parameters that RFC 7692 defines", seen)
        elif extension.name == DEFLATE and (reason := misfit(offers, extension)) is not None:
            yield violated("rfc6455-9-3", "parameters that fit an offer (RFC 7692, section 7.1)", f"{reason}: {seen}")


def shown_lines(name: str, values: Sequence[bytes]) -> str:
    """Field lines for people: ``no NAME`` where there are none; of many the first three."""
    if not values:
        return f"no {name}"
    lines = [f"'{name}: {value[:80].decode('latin-1')}'" for value in values[:3]]
    if len(values) > 3:
        lines.append(f"{len(values) - 3} more lines")
    return ", ".join(lines)
