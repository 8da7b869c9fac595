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


class EchoContract(_Part):
    """What the echo answers. ``{message}`` stands for the message, ``{value}`` for the JSON value that was sent."""

    path: str | None = None
    """Where text is echoed; without it ``paths.echo``."""
    text: str = "{message}"
    bytes_path: str | None = None
    """Where binary messages are echoed; without it that form is left out."""
    bytes: str = "{message}"
    json_path: str | None = None
    """Where JSON is echoed; without it that form is left out."""
    json_answer: str = '{{"message": {value}}}'


class ItemAnswer(_Part):
    """One answer to each message. ``{credential}``, ``{q}``, ``{message}`` and ``{item_id}`` are filled in."""

    text: str
    only_with_query: bool = False


class ItemsContract(_Part):
    """The items: who is let in, and what each message is answered with."""

    path: str
    """With ``{item_id}``."""
    cookie: str | None = None
    """The name of the cookie that lets in."""
    token: str | None = None
    """The name of the query parameter that lets in."""
    query: str | None = None
    """The name of the optional query parameter, a whole number."""
    answers: list[ItemAnswer]
    close_code: int = 1008
    """With which a connection without credentials is closed, where it is accepted first."""


class ChatContract(_Part):
    """The chat. ``{client_id}`` and ``{message}`` are filled in."""

    path: str
    """With ``{client_id}``."""
    room_path: str | None = None
    """The same with ``{room}`` too, where there are rooms."""
    own: str | None = None
    """What the sender alone gets for its message."""
    others: str
    """What the members get for a message."""
    others_to_sender: bool = True
    """Whether the sender gets that too."""
    left: str | None = None
    """What the remaining members get once for a leaver."""
    joined: str | None = None
    """What the members get for one that joins."""


class Profile(_Part):
    """A whole profile file."""

    name: str
    title: str = ""
    paths: Paths = Paths()
    probe: Probe = Probe()
    refused: Refused = Refused()
    allowed: Allowed = Allowed()
    echo: EchoContract | None = None
    items: ItemsContract | None = None
    chat: ChatContract | None = None
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
