"""Requirements that a user declares for checks of their own; see docs/own-checks.md."""

from __future__ import annotations

import re
from typing import Final

from .check import Level
from .requirements import Requirement, requirements

_DECLARED: Final[dict[str, Requirement]] = {}
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]*:[a-z0-9][a-z0-9.-]*")


def requirement(
    id: str,
    statement: str,
    *,
    level: Level = Level.MUST,
    section: str | None = None,
    contested: str | None = None,
) -> str:
    """Declare what your own server owes, and get its id back, for ``@check``.

    ``id`` is like ``own:greeting``: lower-case words, a colon between the first and the rest. ``statement`` is the
    sentence that reports quote, ``section`` where it stands (the id's first word without it). A broken MUST fails, a
    broken SHOULD warns, a MAY informs; with ``contested`` (why readers differ) it only warns.
    Raises ValueError for an id that is malformed, or declared before with other words.
    """
    if not _ID.fullmatch(id) or id.startswith("contract:"):
        raise ValueError(f"{id!r} is no id of a requirement of your own: write one like 'own:greeting'")
    made = Requirement(
        id=id,
        section=section or id.partition(":")[0],
        level=level,
        statement=statement,
        how="fail: what the check says; see its code.",
        contested=contested,
    )
    if _DECLARED.setdefault(id, made) != made:
        raise ValueError(f"the requirement {id!r} is declared twice, with different words")
    return id


def adopt_requirements() -> None:
    """Put all that was declared beside the requirements of the catalogue, which is only read when it is needed."""
    requirements().update(_DECLARED)


def unknown_requirements(ids: tuple[str, ...]) -> list[str]:
    """Those of ``ids`` that neither the catalogue nor a declaration knows."""
    adopt_requirements()
    return [id for id in ids if id not in requirements()]
