"""Reads a TOML file strictly into a pydantic model; whatever is wrong is one line with file and line number."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .errors import ConfigError, why

_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_KEY_PART}(?:\s*\.\s*{_KEY_PART})*"
_ARRAY_HEADER = re.compile(rf"\s*\[\[\s*({_DOTTED})\s*\]\]")
_TABLE_HEADER = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=\s*(.*)")
_TOML_PLACE = re.compile(r"^(?P<what>.*?)\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)

Location = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)

_KINDS: dict[type, str] = {bool: "a boolean", int: "a whole number", float: "a number", str: "a string"}
_KINDS |= {list: "a list", dict: "a table"}
_WANTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def read_toml(path: Path, model: type[Model]) -> tuple[Model, str]:
    """Read ``path`` into ``model``: closed, no coercion. Returns it with the file's text (for ``line_of``).

    Raises ``ConfigError`` for an unreadable file, broken TOML, an unknown key, a missing key or a wrong type.
    """
    text = _read_text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.match(str(error))
        what = place["what"] if place else str(error)
        line = int(place["line"]) if place and place["line"] else text.count("\n") + 1
        raise ConfigError(path, line, f"broken TOML: {what}") from error
    try:
        return model.model_validate(data, strict=True), text
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(path, line_of(text, first["loc"]), _explain(first, model)) from error


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(path, None, f"cannot be read: {why(error)}") from error
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, line, "is not UTF-8; save the file as UTF-8") from error


def line_of(text: str, location: Location) -> int:
    """The line (from 1) of ``location`` (keys and list positions) in a TOML text, or of its nearest known parent."""
    lines: dict[Location, int] = {}
    for place, number in _places(text):
        lines.setdefault(place, number)
    for end in range(len(location), 0, -1):
        if location[:end] in lines:
            return lines[location[:end]]
    return 1


def _places(text: str) -> Iterator[tuple[Location, int]]:
    """Every table header and key of a TOML text with its line."""
    table: Location = ()
    counts: dict[Location, int] = {}
    open_quote: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if open_quote:
            if open_quote in line:
                open_quote = None
            continue
        if header := _ARRAY_HEADER.match(line):
            name = _resolve(_parts(header[1]), counts)
            index = counts[name] = counts.get(name, -1) + 1
            table = (*name, index)
            yield table, number
        elif header := _TABLE_HEADER.match(line):
            table = _resolve(_parts(header[1]), counts)
            yield table, number
        elif key := _KEY.match(line):
            parts = _parts(key[1])
            for end in range(1, len(parts) + 1):
                yield (*table, *parts[:end]), number
            for quote in ('"""', "'''"):
                if key[2].startswith(quote) and quote not in key[2][3:]:
                    open_quote = quote


def _parts(dotted: str) -> Location:
    return tuple(next(iter(tomllib.loads(f"{part} = 0"))) for part in re.findall(_KEY_PART, dotted))


def _resolve(name: Location, counts: dict[Location, int]) -> Location:
    """``name`` with the current position put in after each array of tables that it goes through."""
    place: Location = ()
    for part in name[:-1]:
        place = (*place, part)
        if place in counts:
            place = (*place, counts[place])
    return (*place, *name[-1:])


def _explain(error: ErrorDetails, model: type[BaseModel]) -> str:
    names = [part for part in error["loc"] if isinstance(part, str)]
    key = names[-1] if names else "the file"
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields(model, error["loc"][:-1])
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"known keys: {', '.join(known)}" if known else "leave it out"
        return f"unknown key {key!r}; {f'did you mean {near[0]!r}?' if near else hint}"
    if kind == "missing":
        return f"the key {key!r} is missing; add it"
    if kind == "literal_error":
        return f"{key!r} is {_short(error['input'])}; right would be {context['expected']}"
    if kind in ("string_too_short", "too_short"):
        return f"{key!r} is empty; fill it in"
    if kind in _WANTED:
        found = _KINDS.get(type(error["input"]), type(error["input"]).__name__)
        return f"{key!r} holds {found} where {_WANTED[kind]} is wanted"
    if kind == "value_error":
        return f"{key!r}: {context['error']}"
    return f"{key!r} is {_short(error['input'])}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that ``model`` knows at ``location``; none where that is no model of its own."""
    current: type[BaseModel] = model
    for part in location:
        field = None if isinstance(part, int) else current.model_fields.get(part)
        if field is None:  # a position in a list, or a user's own key in a table of models
            continue
        inner = next(_models_in(field.annotation), None)
        if inner is None:
            return []
        current = inner
    return sorted(field.alias or name for name, field in current.model_fields.items())


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
