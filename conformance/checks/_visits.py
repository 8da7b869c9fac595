"""A visit to an item: what is offered, asked for and said on one connection, and the strategies for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

from ..profile import ItemsContract
from ..strategies_text import SIMPLE, text_of, visible_text
from ..target import Setting
from ._talks import Said, Talk, texts


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


# -- strategies --------------------------------------------------------------------------------------------------

ODD_IDS: Final = ("%41+b", "a b?&c=d#e;,", "\u00e9\u4e16\U0001f600", "100%{item_id}..")
"""Parts of item ids whose encoding goes wrong easily."""
SLASH: Final = "a/b"
NUMBERS: Final = ("0", "-1", "0", "-7", "2147483647")
"""Whole numbers; 0 often, since careless code takes it for an absent one."""
WRONG_NUMBERS: Final = ("x", "1.5", "--1", "0x10", "1,000", "null", "true")
MOST_IN_TURN: Final = 3
"""Connections one after the other."""
MOST_AT_ONCE: Final = 4
"""Connections that are open at the same time."""
SURE: Final = ((Offer.GIVEN, Offer.ABSENT), (Offer.ABSENT, Offer.GIVEN), (Offer.GIVEN, Offer.GIVEN))
"""What lets in, as cookie and as token."""


def item_ids() -> st.SearchStrategy[str]:
    """Item ids: letters, then odd ones, then whatever is no control character and no dot segment."""
    plain = text_of(SIMPLE, min_size=1, max_size=6)
    odd = st.lists(st.sampled_from(ODD_IDS), min_size=1, max_size=8).map("".join)
    other = visible_text(min_size=1, max_size=8, without="/")
    return st.one_of(plain, odd, odd, odd, other.filter(lambda id: id not in (".", "..")))


def visits(setting: Setting) -> st.SearchStrategy[Visit]:
    """Visits with any credentials and query parameter, let in or not; little is said."""
    contract = _contract(setting)
    known = [Offer.ABSENT, Offer.GIVEN, Offer.EMPTY, *([Offer.WRONG] if contract.accepted else [])]
    cookies, tokens = (known if name else known[:1] for name in (contract.cookie, contract.token))
    pairs = [(cookie, token) for cookie in cookies for token in tokens]
    sure = [pair for pair in SURE if pair in pairs] or pairs[:1]
    out = [pair for pair in pairs if set(pair) <= {Offer.ABSENT, Offer.WRONG}]
    ids = st.one_of(item_ids(), item_ids(), st.just(SLASH))
    talk = st.just(Talk((Said("a"),)))
    none: st.SearchStrategy[str | None] = st.none()
    free = st.one_of(none, st.sampled_from(("", *NUMBERS))) if contract.query else none
    kinds = [
        _visits(contract, where, queries, ids, talk) for where, queries in ((sure, none), (out, none), (pairs, free))
    ]
    if contract.query:
        kinds.insert(1, _visits(contract, sure, st.sampled_from(WRONG_NUMBERS), ids, talk))
    return st.one_of(kinds)


def visits_let_in(setting: Setting, number: str = "") -> st.SearchStrategy[Visit]:
    """Visits that the documentation lets in; with a ``number`` by one credential, which has the number in it."""
    contract = _contract(setting)
    taken = (contract.cookie is not None, contract.token is not None)
    pairs = [pair for pair in SURE if all(has or offer is Offer.ABSENT for has, offer in zip(taken, pair, strict=True))]
    pairs = pairs or [(Offer.ABSENT, Offer.ABSENT)]
    queries: st.SearchStrategy[str | None] = st.none()
    if contract.query:
        queries = st.sampled_from((None, *NUMBERS))
    talk = st.builds(Talk, st.lists(st.builds(Said, texts()), min_size=1, max_size=3).map(tuple), st.booleans())
    return _visits(contract, pairs[:2] if number else pairs, queries, item_ids(), talk, number)


def visits_in_turn(setting: Setting) -> st.SearchStrategy[Visits]:
    """A few connections one after the other, all of them let in.

    How many of those drawn count is drawn last, and those are the last: shrinking sorts the simple ones to the front,
    so the one that fails stays.
    """
    each = visits_let_in(setting)
    return st.builds(
        lambda drawn, number: Visits(drawn[-number:]), st.tuples(*[each] * MOST_IN_TURN), st.integers(1, MOST_IN_TURN)
    )


def visits_side_by_side(setting: Setting) -> st.SearchStrategy[Visits]:
    """A few connections at the same time, all of them let in; every other time all of them say the same.

    An answer that has its text from one connection and its item from another can then be told from both their own.
    """
    each = [visits_let_in(setting, str(number)) for number in range(1, MOST_AT_ONCE + 1)]

    def beside(drawn: tuple[Visit, ...], same: bool) -> Visits:
        return Visits(tuple(replace(visit, talk=drawn[0].talk) for visit in drawn) if same else drawn)

    some = st.integers(2, MOST_AT_ONCE).flatmap(lambda size: st.tuples(*each[:size]))
    return st.builds(beside, some, st.booleans())


def _contract(setting: Setting) -> ItemsContract:
    assert setting.profile is not None and setting.profile.items is not None
    return setting.profile.items


def _visits(
    contract: ItemsContract,
    pairs: Sequence[tuple[Offer, Offer]],
    queries: st.SearchStrategy[str | None] | st.SearchStrategy[str],
    ids: st.SearchStrategy[str],
    talk: st.SearchStrategy[Talk],
    number: str = "",
) -> st.SearchStrategy[Visit]:
    """Visits of these parts. Credentials differ by their first letter, so that none passes for the other."""
    own = not contract.accepted
    cookies = text_of(SIMPLE + "-_.", max_size=6) if own else st.just("")
    tokens = texts() if own else st.just("")

    def visit(
        pair: tuple[Offer, Offer], cookie: str, token: str, item: str, q: str | None, talk: Talk, encoded: bool
    ) -> Visit:
        in_cookie = Credential(pair[0], f"c{number}{cookie}" if own and pair[0] is Offer.GIVEN else "")
        in_token = Credential(pair[1], f"t{number}{token}" if own and pair[1] is Offer.GIVEN else "")
        return Visit(item, in_cookie, in_token, q, talk, encoded)

    return st.builds(visit, st.sampled_from(pairs), cookies, tokens, ids, queries, talk, st.booleans())
