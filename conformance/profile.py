"""What an implementation promises: paths, echo form, probes, refusals. No I/O but reading the file."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import UsageError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Paths(_Part):
    """Request targets below the base URL."""

    echo: str = "/"
    unavailable: str | None = None
    """One that does not exist."""
    refused: str | None = None
    """One that refuses the handshake for a reason of its own (credentials, say)."""


class Probe(_Part):
    """Endpoints that make a server do what only an application can; ``{name}`` is filled in."""

    close: str | None = None
    """Closes first: ``{code}``, ``{reason}``."""
    push: str | None = None
    """Pushes ``{n}`` text messages, ``{interval}`` seconds apart."""
    crash: str | None = None
    """Fails in its handler at the first message."""
    headers: str | None = None
    """Sends header fields with the 101."""
    subprotocol: str | None = None
    """Chooses one of ``subprotocols``, then echoes."""
    last_close: str | None = None
    """Tells as JSON how the application saw the connection with ``{id}`` end: ``{"code": 1000, "reason": ""}``."""
    last_close_echo: str | None = None
    """The echo endpoint to which ``{id}`` can be given."""


class Refused(_Part):
    """What the target is known to refuse."""

    origin: str | None = None


class Profile(_Part):
    """A whole profile file."""

    name: str
    title: str = ""
    paths: Paths = Paths()
    probe: Probe = Probe()
    refused: Refused = Refused()
    subprotocols: tuple[str, ...] = ()
    """Those that ``probe.subprotocol`` supports."""
    denial: Literal["any", "close", "http"] = "any"
    baseline: dict[str, str] = {}
    """Baseline files that ship with the profile, by the server stack."""


def built_in() -> list[str]:
    """The names of the profiles that come with wsproof."""
    folder = resources.files(__package__) / "profiles"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_profile(name_or_path: str) -> Profile:
    """A built-in profile by its name, or one from a file. Raises UsageError with one line (file and line)."""
    if name_or_path in built_in():
        text = (resources.files(__package__) / "profiles" / f"{name_or_path}.toml").read_text("utf-8")
        return parse_profile(text, name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.exists():
        names = ", ".join(built_in()) or "none"
        raise UsageError(f"--profile {name_or_path!r}: no such profile; built in: {names}; or give a .toml file")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--profile {name_or_path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return parse_profile(text, name_or_path)


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """TOML as a table. Raises UsageError with file and line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(r"\(at line (\d+), column (\d+)\)", message)
        line = place[1] if place else str(text.count("\n") + 1)
        what = re.sub(r" \(at .*\)$", "", message)
        raise UsageError(f"{source}:{line}: broken TOML: {what}") from None


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """The line (from 1) on which the key at ``path`` stands, or the nearest table that holds it."""
    lines = text.splitlines()
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    tables = [str(part) for part in path[:-1] if isinstance(part, str)]
    start = 0
    if tables:
        header = re.compile(rf"\s*\[+\s*{re.escape('.'.join(tables))}\s*\]+")
        start = next((number for number, line in enumerate(lines) if header.match(line)), 0)
    wanted = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    found = next((number for number in range(start, len(lines)) if wanted.match(lines[number])), start)
    return found + 1


def explain_validation(error: ValidationError, text: str, source: str) -> str:
    """The first thing that is wrong, in one line: ``SOURCE:LINE: 'key' ...``."""
    first = error.errors()[0]
    path = tuple(first["loc"])
    name = ".".join(str(part) for part in path)
    what = f"unknown key {name!r}" if first["type"] == "extra_forbidden" else f"{name!r}: {first['msg']}"
    return f"{source}:{line_of(text, path)}: {what}"


def parse_profile(text: str, source: str) -> Profile:
    """Read a profile's TOML. Raises UsageError that begins with ``SOURCE:LINE:``."""
    try:
        return Profile.model_validate(parse_toml(text, source))
    except ValidationError as error:
        raise UsageError(explain_validation(error, text, source)) from None
