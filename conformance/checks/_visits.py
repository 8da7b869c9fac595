"""A visit to an item: what is offered, asked for and said on one connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote

from ._talks import Talk


class Offer(Enum):
    """What is offered as a credential."""

    ABSENT = "absent"
    EMPTY = "empty"
    GIVEN = "given"
    """One that lets in."""
    WRONG = "wrong"
    """One that does not; there are such only where the profile lists those that do."""


class Asked(Enum):
    """What is put into the query parameter."""

    ABSENT = "absent"
    EMPTY = "empty"
    NUMBER = "number"
    WRONG = "wrong"


WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential; ``text`` is it where the profile takes any."""

    offer: Offer
    text: str = ""

    def __str__(self) -> str:
        return f"{self.text!a}" if self.offer is Offer.GIVEN and self.text else self.offer.value


ABSENT: Final = Credential(Offer.ABSENT)
EMPTY: Final = Credential(Offer.EMPTY)
WRONG: Final = Credential(Offer.WRONG)


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection to an item. ``q`` is the query parameter as it is written, None where it is absent.

    ``encoded``: every octet of the item id is percent-encoded, not only those that must be.
    """

    item_id: str
    cookie: Credential
    token: Credential
    q: str | None
    talk: Talk
    encoded: bool = False

    def __str__(self) -> str:
        words = [f"item {self.item_id!a}{', all of it percent-encoded' if self.encoded else ''}"]
        words += [f"cookie {self.cookie}"] if self.cookie != ABSENT else []
        words += [f"token {self.token}"] if self.token != ABSENT else []
        words += [f"q={self.q!a}"] if self.q is not None else []
        return f"{', '.join(words)}: {self.talk}"

    @property
    def asked(self) -> Asked:
        """What kind of thing the query parameter holds."""
        if not self.q:
            return Asked.ABSENT if self.q is None else Asked.EMPTY
        return Asked.NUMBER if WHOLE.fullmatch(self.q) else Asked.WRONG

    @property
    def path_segment(self) -> str:
        """The item id within a path."""
        if self.encoded:
            return "".join(f"%{octet:02X}" for octet in self.item_id.encode())
        return quote(self.item_id, safe="")


@dataclass(frozen=True, slots=True)
class Visits:
    """Several connections."""

    each: tuple[Visit, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.each))
