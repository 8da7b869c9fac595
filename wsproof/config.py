"""Options that stand in ``wsproof.toml`` or ``[tool.wsproof]`` of pyproject.toml; the command line wins.

A key is the option's long name, as in ``max-time = 60``. At the top it holds for each command that has the option; in a
table of a command's name, as in ``[check]``, for that command only.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

FILES = ("wsproof.toml", "pyproject.toml")


def configured(words: Iterable[str], commands: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Defaults for the command that is called, by parameter name, from the configuration file of this folder.

    Raises ConfigError (file and line) for broken TOML, an unknown key or a value of the wrong type.
    """
    name = next((word for word in words if not word.startswith("-")), None)
    if name is None or name not in commands or commands[name].group:
        return {}
    found = _table()
    if found is None:
        return {}
    path, prefix, text, table = found
    parameters = {command: _parameters(command, part) for command, part in commands.items() if not part.group}
    for command, options in parameters.items():
        _check(path, prefix, text, table.get(command, {}), options, (command,))
    everywhere = {option: parameter for options in parameters.values() for option, parameter in options.items()}
    general = {key: value for key, value in table.items() if key not in parameters}
    _check(path, prefix, text, general, everywhere, (), parameters)
    own = parameters[name]
    merged = {**{key: value for key, value in general.items() if key in own}, **table.get(name, {})}
    return {name: {own[key].name: value for key, value in merged.items()}}


def _table() -> tuple[Path, tuple[str, ...], str, dict[str, Any]] | None:
    """The file, where the table stands in it, its text, and the table."""
    path = next((Path(name) for name in FILES if Path(name).is_file()), None)
    if path is None:
        return None
    if path.name == "pyproject.toml" and "wsproof" not in path.read_text("utf-8", "replace"):
        return None
    from pydantic import RootModel

    from .reports.errors import ConfigError
    from .reports.toml_file import line_of, read_toml

    root, text = read_toml(path, RootModel[dict[str, Any]])
    if path.name == "wsproof.toml":
        return path, (), text, root.root
    table: Any = root.root
    for depth, key in enumerate(("tool", "wsproof"), 1):
        where = ("tool", "wsproof")[:depth]
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise ConfigError(path, line_of(text, where), f"{'.'.join(where)!r} must be a table")
    return (path, ("tool", "wsproof"), text, table) if table else None


class _Parameter(NamedTuple):
    """A parameter of a command: its name there, and what its value must be."""

    name: str
    wanted: str


def _parameters(name: str, part: Any) -> dict[str, _Parameter]:
    """A command's parameters by the long name of their option (``k`` for -k); an argument by its own name."""
    from .cli import load_command

    hints = get_type_hints(getattr(importlib.import_module(part.module), part.function))
    found = {}
    for parameter in load_command(name).params:
        if not getattr(parameter, "hidden", False):
            option = next((word for word in parameter.opts if word.startswith("--")), parameter.opts[0])
            found[option.lstrip("-")] = _Parameter(parameter.name, _wanted(hints[parameter.name]))
    return found


def _check(
    path: Path,
    prefix: tuple[str, ...],
    text: str,
    table: Any,
    options: Mapping[str, _Parameter],
    where: tuple[str, ...],
    tables: Iterable[str] = (),
) -> None:
    from .reports.errors import ConfigError
    from .reports.toml_file import line_of

    if not isinstance(table, dict):
        raise ConfigError(path, line_of(text, (*prefix, *where)), f"{where[0]!r} must be a table")
    for key, value in table.items():
        line = line_of(text, (*prefix, *where, key))
        if key not in options:
            near = difflib.get_close_matches(key, [*options, *tables], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(sorted(options))}"
            raise ConfigError(path, line, f"unknown key {key!r}; {hint}")
        wanted = options[key].wanted
        if not _fits(value, wanted):
            raise ConfigError(path, line, f"{key!r} must be {wanted}, not {value!r}")


def _wanted(hint: Any) -> str:
    """What a value of this annotation is in TOML."""
    kinds = {get_origin(kind) or kind for kind in (get_args(hint) if isinstance(hint, UnionType) else [hint])}
    for kind, wanted in ((list, "a list of strings"), (bool, "true or false"), (int, "a whole number")):
        if kind in kinds:
            return wanted
    return "a number" if float in kinds else "a string"


def _fits(value: object, wanted: str) -> bool:
    match wanted:
        case "a list of strings":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "true or false":
            return isinstance(value, bool)
        case "a whole number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "a number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)
