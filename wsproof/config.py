"""Options that stand in ``wsproof.toml`` or ``[tool.wsproof]`` of pyproject.toml; the command line wins.

A key is the option's long name, as in ``max-time = 60``. At the top it holds for each command that has the option; in a
table of a command's name, as in ``[check]``, for that command only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILES = ("wsproof.toml", "pyproject.toml")


def configured(words: Iterable[str], commands: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Defaults for the command that is called, by parameter name, from the configuration file of this folder.

    Raises ConfigError (file and line) for broken TOML, an unknown key or a value of the wrong type.
    """
    name = next((word for word in words if not word.startswith("-")), None)
    if name is None or name not in commands:
        return {}
    found = _table()
    if found is None:
        return {}
    path, prefix, text, table = found
    from .cli import load_command

    parameters = {command: _parameters(load_command(command)) for command in commands}
    for command, options in parameters.items():
        _check(path, prefix, text, table.get(command, {}), options, (command,))
    everywhere = {option: parameter for options in parameters.values() for option, parameter in options.items()}
    general = {key: value for key, value in table.items() if key not in commands}
    _check(path, prefix, text, general, everywhere, ())
    own = parameters[name]
    merged = {**{key: value for key, value in general.items() if key in own}, **table.get(name, {})}
    return {name: {own[key].name: value for key, value in merged.items()}}


def _table() -> tuple[Path, tuple[str, ...], str, dict[str, Any]] | None:
    """The file, where the table stands in it, its text, and the table."""
    path = next((Path(name) for name in FILES if Path(name).is_file()), None)
    if path is None:
        return None
    if path.name == "pyproject.toml" and "tool.wsproof" not in path.read_text("utf-8", "replace"):
        return None
    from pydantic import RootModel

    from .reports.errors import ConfigError
    from .reports.toml_file import line_of, read_toml

    root, text = read_toml(path, RootModel[dict[str, Any]])
    if path.name == "wsproof.toml":
        return path, (), text, root.root
    table = root.root.get("tool", {}).get("wsproof", {})
    if not isinstance(table, dict):
        raise ConfigError(path, line_of(text, ("tool", "wsproof")), "'tool.wsproof' must be a table")
    return path, ("tool", "wsproof"), text, table


def _parameters(command: Any) -> dict[str, Any]:
    """A command's parameters by the long name of their option; an argument by its own name."""
    found = {}
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        names = [name for name in parameter.opts if name.startswith("--")] or parameter.opts
        found["-k" if parameter.name == "expression" else names[0].removeprefix("--")] = parameter
    found.pop("help", None)
    if "-k" in found:
        found["k"] = found.pop("-k")
    return found


def _check(
    path: Path,
    prefix: tuple[str, ...],
    text: str,
    table: Any,
    options: Mapping[str, Any],
    where: tuple[str, ...],
) -> None:
    from .reports.errors import ConfigError
    from .reports.toml_file import line_of

    if not isinstance(table, dict):
        raise ConfigError(path, line_of(text, (*prefix, *where)), f"{where[0]!r} must be a table")
    for key, value in table.items():
        line = line_of(text, (*prefix, *where, key))
        if key not in options:
            near = difflib.get_close_matches(key, options, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(sorted(options))}"
            raise ConfigError(path, line, f"unknown key {key!r}; {hint}")
        wanted = _wanted(options[key])
        if not _fits(value, wanted):
            raise ConfigError(path, line, f"{key!r} must be {wanted}, not {value!r}")


def _wanted(parameter: Any) -> str:
    if getattr(parameter, "multiple", False):
        return "a list of strings"
    if getattr(parameter, "is_flag", False):
        return "true or false"
    kind = parameter.type.name
    if kind.startswith("integer"):
        return "a whole number"
    return "a number" if kind.startswith("float") else "a string"


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
