"""A sample of checks sends the same bytes again; `full_replay.py` does all."""

from __future__ import annotations

from .harness import SMOKE, load_checks
from .repeating import first_difference, sent_otherwise

MORE = ("http-message/no-http-at-all[tls-client-hello]", "opening-handshake/fields-in-any-order")


async def test_the_same_seed_and_the_same_answers_give_the_same_sends() -> None:
    assert await sent_otherwise(load_checks()[id] for id in (*SMOKE, *MORE)) == {}


def test_a_difference_is_seen_on_its_connection() -> None:
    first = [{"conn": 1, "bytes": "a"}, {"conn": 2, "bytes": "b"}]
    assert first_difference(first, [*reversed(first), {"conn": 2, "bytes": "c"}]) is None
    other = [{"conn": 1, "bytes": "a"}, {"conn": 2, "bytes": "x"}]
    assert first_difference(first, other) == (first[1], other[1])
