"""What the contracts of echo and items draw: what is said on a connection, and with what somebody visits an item."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from .checks._talks import Blobs, Said, Talk, Values
from .checks._visits import Credential, Offer, Visit, Visits
from .profile import ItemsContract
from .strategies_text import SIMPLE, any_text, text_of, visible_text
from .target import Setting

ODD_TEXTS: Final = (
    " line \r\n",
    "a\0b",
    "{message}",
    "{}%s$1\\n",
    "e\u0301\ufeff",
    "\U0001f469\u200d\U0001f467\U0010ffff",
    "\u05e9\u05dc\u05d5\u05dd \u0639\u0627\u0644\u0645",
    '"quoted" <b>&amp;',
)
"""Texts that careless code changes: white space, NUL, placeholders, right to left, beyond the BMP, two normal forms."""
ODD_BYTES: Final = (b"a", b"\0", b"\n", b"\x80", b"\xff")
"""Octets that careless code changes."""
TIMES: Final = (1, 1, 1, 1, 50, 700)
"""How often a text is repeated within one message: mostly once; else it takes a longer form of the payload length."""
MOST_MESSAGES: Final = 5
EDGES: Final = (2**32, 2**31, -(2**31) - 1, 2**53 - 1, 1 - 2**53)
"""Whole numbers that need more bits than careless code gives them; every JSON library keeps them (RFC 8259)."""
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


# -- what is said ------------------------------------------------------------------------------------------------


def texts() -> st.SearchStrategy[str]:
    """Any text: from the empty one over plain and odd ones to whatever Unicode holds."""
    odd = st.sampled_from(ODD_TEXTS)
    return st.one_of(
        text_of(SIMPLE, max_size=8),
        odd,
        st.lists(odd, min_size=1, max_size=6).map("".join),
        st.lists(odd, min_size=1, max_size=6).map("".join),
        any_text(max_size=12),
    )


def said() -> st.SearchStrategy[Said]:
    """A message of any text."""
    return st.builds(Said, texts(), st.sampled_from(TIMES))


def talks() -> st.SearchStrategy[Talk]:
    """A few messages."""
    return st.builds(Talk, st.lists(said(), min_size=1, max_size=MOST_MESSAGES).map(tuple), st.booleans())


def blobs() -> st.SearchStrategy[Blobs]:
    """A few binary messages."""
    part = st.one_of(st.binary(max_size=20), st.lists(st.sampled_from(ODD_BYTES), max_size=10).map(b"".join))
    parts = st.lists(part, min_size=1, max_size=MOST_MESSAGES).map(tuple)
    return st.builds(Blobs, parts, st.sampled_from(TIMES), st.booleans())


def json_texts() -> st.SearchStrategy[str]:
    """One JSON value of any kind, as JSON text; numbers are such that every JSON library keeps them."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1000, 1000),
        st.sampled_from(EDGES),
        st.sampled_from(EDGES),
        st.integers(-1000, 1000).map(lambda number: number + 0.5),
        texts(),
    )
    lists = st.lists(scalars, max_size=3)
    objects = st.lists(st.tuples(texts(), scalars), max_size=3).map(dict)
    inner = st.one_of(lists, objects)
    nested = st.one_of(st.lists(inner, max_size=2), st.builds(lambda name, value: {name: value}, texts(), inner))
    values = st.one_of(scalars, lists, objects, nested)
    return st.builds(lambda value, plain: json.dumps(value, ensure_ascii=plain), values, st.booleans())


def values() -> st.SearchStrategy[Values]:
    """A few JSON values."""
    found = st.lists(json_texts(), min_size=1, max_size=MOST_MESSAGES).map(tuple)
    return st.builds(Values, found, st.booleans())


# -- visits ------------------------------------------------------------------------------------------------------


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
