"""Sec-WebSocket-Version in requests, and in the error for a version that the server does not speak (section 4.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..lint_http import shown_lines
from ..target import Answer, Target
from ..wire.handshake import Request, split_list

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
