"""What an implementation promises: paths, probes, refusals. The models of a profile file; no I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Paths(_Part):
    """Request targets below the base URL."""

    echo: str = "/"
    unavailable: str | None = None
    """One that does not exist."""
    refused: str | None = None
    """One that refuses the handshake for a reason of its own (credentials, say)."""
    authenticated: str | None = None
    """One that demands HTTP authentication (401)."""
    redirected: str | None = None
    """One that answers with a redirect (3xx)."""


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


class Allowed(_Part):
    """Whom a target that is meant for one site lets in."""

    origin: str | None = None
    """The only Origin."""
    path: str | None = None
    """Where that is so; without it at the echo endpoint."""


class Profile(_Part):
    """A whole profile file."""

    name: str
    title: str = ""
    paths: Paths = Paths()
    probe: Probe = Probe()
    refused: Refused = Refused()
    allowed: Allowed = Allowed()
    subprotocols: list[str] = []
    """Those that ``probe.subprotocol`` supports."""
    denial: Literal["any", "close", "http"] = "any"
    clear_and_tls: bool = False
    """Whether the TLS port speaks ws:// in clear too, by intent."""


def built_in() -> dict[str, Path]:
    """The profiles that come with wsproof: name -> file."""
    return _toml_files("profiles")


def built_in_baselines() -> dict[str, Path]:
    """The baselines that come with wsproof: name -> file. One per stack on which the reference server runs."""
    return _toml_files("baselines")


def _toml_files(folder: str) -> dict[str, Path]:
    files = Path(__file__).parent / folder
    return {path.stem: path for path in sorted(files.glob("*.toml"))}
