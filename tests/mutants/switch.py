"""Switches: each makes the server wrong in exactly one way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from .app import App
from .connection import Connection

CHAPTERS: Final = (
    "opening_handshake",
    "negotiation",
    "http_message",
    "framing",
    "masking",
    "control_frames",
    "fragmentation",
    "text_utf8",
    "closing_handshake",
    "properties",
    "contract_echo",
    "contract_items",
    "contract_chat",
)
Part = TypeVar("Part", bound=type[Connection] | type[App])


@dataclass(frozen=True)
class Switch:
    """One way to be wrong.

    `violates` are the requirements whose finding must change; `also` are requirement ids or globs of check ids that
    may change with them, because they look at the same behaviour. `part` is the class that replaces the conformant one,
    `chapter` the chapter of checks that has to notice it.
    """

    name: str
    title: str
    violates: tuple[str, ...]
    also: tuple[str, ...]
    part: type[Connection] | type[App]
    chapter: str

    @property
    def connection_class(self) -> type[Connection]:
        """The class of the connections under this switch."""
        return self.part if issubclass(self.part, Connection) else Connection

    @property
    def app_class(self) -> type[App]:
        """The class of the application under this switch."""
        return self.part if issubclass(self.part, App) else App


SWITCHES: dict[str, Switch] = {}


def switch(name: str, violates: Iterable[str], also: Iterable[str] = ()) -> Callable[[Part], Part]:
    """Register the decorated subclass of Connection or App; its docstring says what is wrong. ValueError if taken."""
    violated, touched = tuple(violates), tuple(also)

    def register(part: Part) -> Part:
        if name in SWITCHES:
            raise ValueError(f"the switch {name} exists already")
        title = " ".join((part.__doc__ or "").split())
        if not title or not violated:
            raise ValueError(f"the switch {name} needs a docstring and a requirement that it violates")
        module = part.__module__.rpartition(".")[2]
        chapter = next(chapter for chapter in CHAPTERS if module.startswith(chapter))
        SWITCHES[name] = Switch(name, title, violated, touched, part, chapter)
        return part

    return register
