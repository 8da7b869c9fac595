"""The catalogue of normative sentences (requirements.toml) by id: statement, section and level live only there."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from ..reports.model import Level


class Requirement(BaseModel):
    """One normative sentence. ``how`` says what each outcome is worth; ``contested`` why readers differ, if they do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    rfc: int
    section: str
    level: Level
    subject: str
    keyword: str
    statement: str
    testable: str
    how: str
    why: str | None = None
    contested: str | None = None
    note: str | None = None
    autobahn: tuple[str, ...] = ()
    close_codes: tuple[int, ...] = ()

    @property
    def source(self) -> str:
        """``RFC 6455, section 5.5``."""
        return f"RFC {self.rfc}, section {self.section}"


@cache
def requirements() -> dict[str, Requirement]:
    """All requirements by id, in the order of the file."""
    found = [Requirement.model_validate(item) for item in _file()["requirement"]]
    by_id = {item.id: item for item in found}
    if len(by_id) != len(found):
        raise ValueError("requirements.toml names an id twice")
    return by_id


@cache
def not_checked() -> dict[str, str]:
    """Requirements that no check covers although they are testable, each with its reason."""
    return {item["id"]: item["reason"] for item in _file().get("not_checked", [])}


@cache
def _file() -> dict[str, list[dict[str, str]]]:
    text = (resources.files(__package__) / "requirements.toml").read_text("utf-8")
    return tomllib.loads(text)
