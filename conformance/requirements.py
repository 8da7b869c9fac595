"""The catalogue by id: normative sentences (requirements.toml) and documented behaviours (contracts.toml).

Statement, section and level live only there.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Final

from pydantic import BaseModel, ConfigDict

from ..reports.model import Level

FILES: Final = ("requirements.toml", "contracts.toml")


class Requirement(BaseModel):
    """One normative sentence, or a documented behaviour (``contract:...``, which stands in no RFC).

    ``how`` says what each outcome is worth; ``contested`` why readers differ, if they do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    rfc: int | None = None
    section: str
    level: Level
    subject: str = "server"
    keyword: str = "documented"
    statement: str
    testable: str = "app"
    how: str
    why: str | None = None
    contested: str | None = None
    note: str | None = None
    autobahn: tuple[str, ...] = ()
    close_codes: tuple[int, ...] = ()

    @property
    def source(self) -> str:
        """``RFC 6455, section 5.5``; ``the documentation of the chat``."""
        return f"RFC {self.rfc}, section {self.section}" if self.rfc else f"the documentation of the {self.section}"


@cache
def requirements() -> dict[str, Requirement]:
    """All requirements by id, in the order of the files."""
    found = [Requirement.model_validate(item) for name in FILES for item in _file(name)["requirement"]]
    by_id = {item.id: item for item in found}
    if len(by_id) != len(found):
        raise ValueError(f"{' or '.join(FILES)} names an id twice")
    return by_id


@cache
def not_checked() -> dict[str, str]:
    """Requirements that no check covers although they are testable, each with its reason."""
    return {item["id"]: item["reason"] for name in FILES for item in _file(name).get("not_checked", [])}


@cache
def _file(name: str) -> dict[str, list[dict[str, str]]]:
    return tomllib.loads((resources.files(__package__) / name).read_text("utf-8"))
