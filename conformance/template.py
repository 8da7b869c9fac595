"""Templates of a profile: text with ``{placeholders}``, and ``${NAME}`` for the environment variable NAME. No I/O."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

_TOKEN: Final = re.compile(
    r"\$\{(?P<variable>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<escaped>\{\{|\}\})|\{(?P<name>[^{}]*)\}|(?P<lone>[{}])|[^${}]+|\$"
)


def placeholders(template: str) -> set[str]:
    """The names in braces. Raises ValueError for a brace that neither opens nor closes one."""
    return {match["name"] for match in _tokens(template) if match["name"] is not None}


def variables(text: str) -> set[str]:
    """The names of the environment variables that ``text`` refers to."""
    return {match["variable"] for match in _TOKEN.finditer(text) if match["variable"]}


def fill(template: str, **values: str) -> str:
    """The template with each placeholder replaced by its value, as it is. Raises KeyError for one without a value."""
    return "".join(_filled(match, values) for match in _tokens(template))


def around(template: str, name: str, **values: str) -> tuple[str, str]:
    """What stands before and after the placeholder ``name``, the others filled in. It must occur exactly once."""
    mark = "\0"
    before, _, after = fill(template, **values, **{name: mark}).partition(mark)
    return before, after


def expand(text: str, environment: Mapping[str, str]) -> str:
    """``text`` with each ``${NAME}`` replaced by that variable, as it is. Raises KeyError for one that is not set."""
    return _TOKEN.sub(lambda match: environment[match["variable"]] if match["variable"] else match[0], text)


def expand_path(path: str, environment: Mapping[str, str]) -> str:
    """The same for a path (and query): what is put in is percent-encoded."""
    return expand(path, {name: quote(environment[name], safe="") for name in variables(path)})


def pattern(template: str, environment: Mapping[str, str], **values: str) -> re.Pattern[str]:
    """A pattern (for ``fullmatch``) of what the template makes: a placeholder without a value stands for any text."""
    parts = []
    for match in _tokens(template):
        if match["variable"]:
            parts.append(re.escape(environment[match["variable"]]))
        elif match["name"] is not None and match["name"] not in values:
            parts.append(".*")
        else:
            parts.append(re.escape(_filled(match, values)))
    return re.compile("".join(parts), re.DOTALL)


def check_names(template: str, *, needed: Iterable[str] = (), known: Iterable[str] = ()) -> str:
    """The template itself. Raises ValueError for an unknown placeholder and for a needed one that is missing."""
    needed = tuple(needed)
    every = (*needed, *known)
    found = placeholders(template)
    for name in sorted(found - set(every)):
        near = difflib.get_close_matches(name, every, n=1)
        hint = f"did you mean {{{near[0]}}}?" if near else f"known here: {_listed(every)}; write {{{{ for a brace"
        raise ValueError(f"the placeholder {{{name}}} is unknown; {hint}")
    for name in needed:
        if name not in found:
            raise ValueError(f"the placeholder {{{name}}} is missing; write it where that value goes")
    return template


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names) or "none"


def _tokens(template: str) -> Iterator[re.Match[str]]:
    for match in _TOKEN.finditer(template):
        if match["lone"]:
            raise ValueError(f"a {match['lone']!r} stands alone; write {match['lone'] * 2!r} for a brace")
        yield match


def _filled(match: re.Match[str], values: Mapping[str, str]) -> str:
    if match["name"] is not None:
        return values[match["name"]]
    return match[0][0] if match["escaped"] else match[0]
