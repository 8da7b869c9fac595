"""What an implementation promises: paths, probes, refusals, contracts. The models of a profile file; no I/O."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .endpoint import SECRET_FIELDS
from .template import check_names, expand, expand_path, placeholders, variables
from .wire.handshake import is_token

VALUE: Final = "{value}"
"""The string that stands for the JSON value that was sent, in ``echo.json_answer``."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# -- kinds of text -----------------------------------------------------------------------------------------------


def _is_set(text: str) -> str:
    for name in sorted(variables(text)):
        if name not in os.environ:
            raise ValueError(f"the environment variable {name} is not set; set it, or leave this key out")
    return text


def _path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} does not begin with '/'; write a path below the base URL, as in '/ws'")
    if "#" in path or re.search(r"[\x00-\x20\x7f-\U0010ffff]", path):
        raise ValueError(f"{path!r} holds '#' or a character that no URL can; percent-encode it")
    return _is_set(path)


def _template(*needed: str, known: tuple[str, ...] = ()) -> AfterValidator:
    return AfterValidator(lambda text: check_names(text, needed=needed, known=known))


def _token(name: str) -> str:
    if not is_token(name.encode("latin-1", "replace")):
        raise ValueError(f"{name!r} is no name that a cookie or a field can have (RFC 9110, section 5.6.2)")
    return name


def _parameter(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.~-]+", name):
        raise ValueError(f"{name!r} is no name of a query parameter; use letters, digits and -._~")
    return name


def _field_value(text: str) -> str:
    if any(ord(char) > 0xFF or not (char.isprintable() or char == "\t") for char in text):
        raise ValueError("the value holds a control character or one beyond Latin-1, which no field value can")
    return _is_set(text)


def _cookie_value(text: str) -> str:
    if re.search(r"[;,\s\x00-\x1f]", text):
        raise ValueError("the value of a cookie holds white space, ';' or ',', which it cannot; percent-encode it")
    return _field_value(text)


def _json_answer(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f'it is no JSON ({error}); write as in \'{{"message": "{VALUE}"}}\'') from None
    if text.count(json.dumps(VALUE)) != 1 or not _holds_value(found):
        raise ValueError(f'the string "{VALUE}" must stand in it once, where the value that was sent comes back')
    return text


def _holds_value(found: Any) -> bool:
    if isinstance(found, dict):
        return any(map(_holds_value, found.values()))
    return any(map(_holds_value, found)) if isinstance(found, list) else found == VALUE


RequestPath = Annotated[str, AfterValidator(_path)]
"""A path (and query) below the base URL; ``${NAME}`` stands for an environment variable."""
Secret = Annotated[str, AfterValidator(_is_set)]
"""Text in which ``${NAME}`` stands for an environment variable, whose value is never shown."""
FieldValue = Annotated[str, AfterValidator(_field_value)]
CookieValue = Annotated[str, AfterValidator(_cookie_value)]
TokenName = Annotated[str, AfterValidator(_token)]
ParameterName = Annotated[str, AfterValidator(_parameter)]
CloseCode = Annotated[int, Field(ge=1000, le=4999)]
AnswerTemplate = Annotated[str, _template("message")]


# -- the parts ---------------------------------------------------------------------------------------------------


class Paths(_Part):
    """Request targets below the base URL."""

    echo: RequestPath = "/"
    unavailable: RequestPath | None = None
    """One that does not exist."""
    refused: RequestPath | None = None
    """One that refuses the handshake for a reason of its own (credentials, say)."""
    authenticated: RequestPath | None = None
    """One that demands HTTP authentication (401)."""
    redirected: RequestPath | None = None
    """One that answers with a redirect (3xx)."""


class Probe(_Part):
    """Endpoints that make a server do what only an application can; ``{name}`` is filled in."""

    close: Annotated[RequestPath, _template("code", "reason")] | None = None
    """Closes first: ``{code}``, ``{reason}``."""
    push: Annotated[RequestPath, _template("n", "interval")] | None = None
    """Pushes ``{n}`` text messages, ``{interval}`` seconds apart."""
    crash: Annotated[RequestPath, _template()] | None = None
    """Fails in its handler at the first message."""
    headers: Annotated[RequestPath, _template()] | None = None
    """Sends header fields with the 101."""
    subprotocol: Annotated[RequestPath, _template()] | None = None
    """Chooses one of ``subprotocols``, then echoes."""
    last_close: Annotated[RequestPath, _template("id")] | None = None
    """Tells as JSON how the application saw the connection with ``{id}`` end: ``{"code": 1000, "reason": ""}``."""
    last_close_echo: Annotated[RequestPath, _template("id")] | None = None
    """The echo endpoint to which ``{id}`` can be given."""


class Refused(_Part):
    """What the target is known to refuse."""

    origin: str | None = None


class Allowed(_Part):
    """Whom a target that is meant for one site lets in."""

    origin: str | None = None
    """The only Origin."""
    path: RequestPath | None = None
    """Where that is so; without it at the echo endpoint."""


class LoginStep(_Part):
    """One step of the exchange that makes a connection usable: what is sent, what must come, or both in this order."""

    send: Secret | None = None
    expect: Annotated[Secret, _template(known=("any",))] | None = None
    """The whole text of the next message; ``{any}`` stands for any text."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.send is None and self.expect is None:
            raise ValueError("the step has neither 'send' nor 'expect'; give one, or both")
        return self


class EchoContract(_Part):
    """What the echo answers. ``{message}`` stands for the message."""

    path: RequestPath | None = None
    """Where text is echoed; without it ``paths.echo``."""
    text: AnswerTemplate = "{message}"
    binary_path: RequestPath | None = None
    """Where binary messages are echoed; without it that form is left out."""
    binary: AnswerTemplate = "{message}"
    json_path: RequestPath | None = None
    """Where JSON is echoed; without it that form is left out."""
    json_answer: Annotated[str, AfterValidator(_json_answer)] = '{"message": "{value}"}'
    """The answer as JSON, in which the string ``"{value}"`` stands for the value that was sent."""


class ItemAnswer(_Part):
    """One answer to each message. ``{credential}``, ``{q}``, ``{message}`` and ``{item_id}`` are filled in."""

    text: Annotated[str, _template(known=("credential", "q", "message", "item_id"))]
    only_with_query: bool = False

    @model_validator(mode="after")
    def _has_its_value(self) -> Self:
        if "q" in placeholders(self.text) and not self.only_with_query:
            raise ValueError("the answer shows {q}, which may be absent; add only_with_query = true")
        return self


class ItemsContract(_Part):
    """The items: who is let in, and what each message is answered with."""

    path: Annotated[RequestPath, _template("item_id")]
    """With ``{item_id}``."""
    cookie: TokenName | None = None
    """The name of the cookie that lets in."""
    token: ParameterName | None = None
    """The name of the query parameter that lets in."""
    accepted: list[CookieValue] = []
    """The credentials that let in. Empty: any that is not empty does."""
    first: Literal["cookie", "token"] = "cookie"
    """Which of the two counts where both are given."""
    query: ParameterName | None = None
    """The name of the optional query parameter, a whole number."""
    answers: Annotated[list[ItemAnswer], Field(min_length=1)]
    """In the order in which they come for each message."""
    close_code: CloseCode = 1008
    """With which a connection that is not let in is closed, where it is accepted first."""
    status: Annotated[int, Field(ge=400, le=499)] = 403
    """With which its handshake is refused, where it is not."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if "" in self.accepted:
            raise ValueError("'accepted' holds an empty credential; leave it out")
        shown = {name for answer in self.answers for name in placeholders(answer.text)}
        if self.query is None and (any(answer.only_with_query for answer in self.answers)):
            raise ValueError("an answer comes only with the query parameter, but 'query' does not name it; add it")
        if "credential" in shown and self.cookie is None and self.token is None:
            raise ValueError("an answer shows {credential}, but neither 'cookie' nor 'token' is given; name one")
        return self


class ChatContract(_Part):
    """The chat. ``{client_id}`` and ``{message}`` are filled in."""

    path: Annotated[RequestPath, _template("client_id")]
    """With ``{client_id}``."""
    room_path: Annotated[RequestPath, _template("client_id", "room")] | None = None
    """The same with ``{room}`` too, where there are rooms."""
    own: Annotated[str, _template("message", known=("client_id",))] | None = None
    """What the sender alone gets for its message."""
    others: Annotated[str, _template("message", known=("client_id",))]
    """What the members get for a message."""
    others_to_sender: bool = True
    """Whether the sender gets that too."""
    left: Annotated[str, _template("client_id")] | None = None
    """What the remaining members get once for a leaver."""
    joined: Annotated[str, _template("client_id")] | None = None
    """What the members get for one that joins."""
    slow_code: CloseCode | None = None
    """With which one that takes its messages too slowly is closed, where it is."""


class Profile(_Part):
    """A whole profile file."""

    name: str
    title: str = ""
    headers: dict[TokenName, FieldValue] = {}
    """Fields for every handshake."""
    cookies: dict[TokenName, CookieValue] = {}
    """Cookies for every handshake."""
    login: list[LoginStep] = []
    """What makes a connection usable, in order."""
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
    """How one who is not let in is told: 101 and then Close, an HTTP error, or either."""
    clear_and_tls: bool = False
    """Whether the TLS port speaks ws:// in clear too, by intent."""

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be shown: the value of each ``${NAME}``, of cookies, credentials and secret fields."""
        texts = [text for step in self.login for text in (step.send, step.expect) if text is not None]
        values = [value for name, value in self.headers.items() if name.lower() in SECRET_FIELDS]
        values += [*self.cookies.values(), *(self.items.accepted if self.items else ())]
        shown = [*texts, *values, *self.headers.values(), *_paths_of(self)]
        whole = {expand(value, os.environ) for value in values}
        bare = {value.split(" ", 1)[1] for value in whole if re.match(r"[A-Za-z]+ \S", value)}  # Bearer, Basic
        return frozenset(whole | bare | {os.environ[name] for text in shown for name in variables(text)})

    def field_pairs(self) -> list[tuple[str, str]]:
        """``headers`` with the environment's values put in."""
        return [(name, expand(value, os.environ)) for name, value in self.headers.items()]

    def cookie_pairs(self) -> list[tuple[str, str]]:
        """``cookies`` with the environment's values put in."""
        return [(name, expand(value, os.environ)) for name, value in self.cookies.items()]

    @property
    def echo_path(self) -> str:
        """``paths.echo`` with the environment's values put in."""
        return expand_path(self.paths.echo, os.environ)

    def below(self, base: str) -> Profile:
        """The same with every path as a request target of the server: below ``base``, and the environment put in."""
        changes: dict[str, Any] = {}
        for name, keys in _PATH_KEYS.items():
            part = getattr(self, name)
            if part is not None:
                written = {key: getattr(part, key) for key in keys if getattr(part, key) is not None}
                escaped = base.replace("{", "{{").replace("}", "}}") if name in _TEMPLATES else base
                moved = {key: escaped + expand_path(path, os.environ) for key, path in written.items()}
                changes[name] = part.model_copy(update=moved)
        return self.model_copy(update=changes)


_PATH_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "paths": tuple(Paths.model_fields),
    "probe": tuple(Probe.model_fields),
    "allowed": ("path",),
    "echo": ("path", "binary_path", "json_path"),
    "items": ("path",),
    "chat": ("path", "room_path"),
}
_TEMPLATES: Final = ("probe", "items", "chat")
"""The parts whose paths are templates."""


def _paths_of(profile: Profile) -> list[str]:
    found = [getattr(getattr(profile, name), key, None) for name, keys in _PATH_KEYS.items() for key in keys]
    return [path for path in found if path is not None]


def built_in() -> dict[str, Path]:
    """The profiles that come with wsproof: name -> file."""
    return _toml_files("profiles")


def built_in_baselines() -> dict[str, Path]:
    """The baselines that come with wsproof: name -> file. One per stack on which the reference server runs."""
    return _toml_files("baselines")


def _toml_files(folder: str) -> dict[str, Path]:
    files = Path(__file__).parent / folder
    return {path.stem: path for path in sorted(files.glob("*.toml"))}
