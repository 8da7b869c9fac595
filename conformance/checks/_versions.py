"""Sec-WebSocket-Version in requests, and in the error for a version that the server does not speak (section 4.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..check import Undetermined, Violation
from ..lint_http import shown_lines
from ..target import Answer, Target
from ..wire.handshake import Request, split_list
from ._answers import ask, ready

_VERSION = re.compile(r"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]")  # section 4.3


def with_version(target: Target, *values: str) -> Request:
    """The plain handshake with these Sec-WebSocket-Version lines."""
    return target.request().with_field("Sec-WebSocket-Version", *values)


def listed_versions(lines: Sequence[bytes]) -> list[str]:
    """The elements of Sec-WebSocket-Version over all its lines, well-formed or not."""
    return [element.decode("latin-1") for element in split_list(lines)]


def judge_version_error(target: Target, answer: Answer, version: str, requirements: Sequence[str]) -> bool:
    """Grade the answer to a version that is not spoken; True where a fault was reported under ``requirements``.

    Right is a 4xx whose Sec-WebSocket-Version is a list of versions that contains 13. Another status with that field,
    the end of TCP and silence warn; a 101, and an HTTP error without the field or with a bad one, are violations.
    """
    expected = "a 4xx with Sec-WebSocket-Version: 13"
    sent = f"for version {version}"
    findings = target.findings
    if answer.accepted or answer.response is None:
        report = findings.violated if answer.accepted else findings.warned
        for requirement in requirements:
            report(expected, f"{answer} {sent}", requirement=requirement, silence=answer.silent)
        return True
    lines = answer.response.head.all("Sec-WebSocket-Version")
    versions = listed_versions(lines)
    well_formed = bool(versions) and all(_VERSION.fullmatch(item) for item in versions)
    observed = f"{answer} with {shown_lines('Sec-WebSocket-Version', lines)} {sent}"
    named = well_formed and "13" in versions
    is_client_error = 400 <= answer.response.status < 500
    if named and is_client_error:
        return False
    report = findings.warned if named or answer.response.status < 400 else findings.violated
    for requirement in requirements:
        report(expected, observed, requirement=requirement)
    return True


async def note_form_of_list(target: Target) -> None:
    """Note how the error for another version lists the versions (rfc6455-4.4-2, rfc6455-11.3.5-1)."""
    answer = await ask(target, with_version(target, "99"))
    lines = answer.response.head.all("Sec-WebSocket-Version") if answer.response and not answer.accepted else []
    if not lines:
        for requirement in target.findings.requirements:
            target.findings.noted(f"names no version in its answer {answer}", requirement=requirement)
        return
    versions = listed_versions(lines)
    several = "one version" if len(versions) == 1 else "a list of versions"
    target.findings.noted(f"names {several}: {', '.join(versions)}", requirement="rfc6455-4.4-2")
    form = "one field line" if len(lines) == 1 else "several field lines"
    target.findings.noted(f"names its versions in {form}", requirement="rfc6455-11.3.5-1")


async def judge_retry(target: Target) -> None:
    """After a version error, ask for 13 on the same connection or a new one (rfc6455-4.4-3, rfc6455-4.4-4)."""
    async with target.open() as peer:
        await peer.send_request(with_version(target, "99"))
        answer = await target.answer(peer)
        ready(answer)
        if answer.response is None or answer.accepted:
            raise Undetermined(f"version 99 got no error to go on from: {answer}")
        advertised = listed_versions(answer.response.head.all("Sec-WebSocket-Version"))
        again: Answer | None = None
        if answer.response.reusable and peer.ended is None:
            await peer.send_request(target.request())
            again = await target.answer(peer)
            ready(again)
    await _note_advertised(target, advertised)
    if again is not None and again.accepted:
        target.findings.noted("takes the retry on the same connection", requirement="rfc6455-4.4-4")
        return
    fresh = await ask(target, target.request())
    if not fresh.accepted:
        raise Violation("101 for version 13 on a new connection", str(fresh), silence=fresh.silent)
    if again is None or again.response is None:
        silent = again is not None and again.silent
        way = (
            "leaves the retry on the same connection unanswered" if silent else "closes the connection after the error"
        )
        target.findings.noted(f"{way}, takes it on a new one", requirement="rfc6455-4.4-4")
        return
    target.findings.noted("refuses the retry on the same connection", requirement="rfc6455-4.4-4")
    target.findings.violated("101 for version 13 on the connection that goes on", str(again))


async def _note_advertised(target: Target, versions: Sequence[str]) -> None:
    """Try the versions beside 13 that the error names; the first few will do."""
    for version in [item for item in versions if item != "13" and _VERSION.fullmatch(item)][:5]:
        answer = await ask(target, with_version(target, version))
        if not answer.accepted:
            target.findings.noted(f"names version {version}, and answers it with {answer}", requirement="rfc6455-4.4-3")
        if answer.silent:
            return
