"""What the reports need to know of a requirement. The catalogue itself lives in conformance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .model import Level


class Requirement(Protocol):
    """One normative sentence, as the catalogue holds it."""

    @property
    def level(self) -> Level: ...

    @property
    def contested(self) -> str | bool | None:
        """Truthy where the text leaves room for another reading."""

    @property
    def rfc(self) -> int | None:
        """None for a documented behaviour (``contract:...``)."""

    @property
    def section(self) -> str: ...

    @property
    def source(self) -> str:
        """Where it stands, for people."""

    @property
    def statement(self) -> str:
        """The requirement in our own words."""


Catalogue = Mapping[str, Requirement]
"""Requirement id -> requirement."""
