"""What is random in a check run comes from one seed."""

from __future__ import annotations

import base64

from wsproof.conformance.source import Source


def drawn(source: Source) -> tuple[object, ...]:
    return source.masking_key(), source.handshake_key(), source.nonce("word"), source.hex(8), source.masking_key()


def test_the_same_seed_gives_the_same_again() -> None:
    assert drawn(Source("0/a-check/1")) == drawn(Source("0/a-check/1"))


def test_another_seed_gives_all_of_it_anew() -> None:
    assert not set(drawn(Source("0/a-check/1"))) & set(drawn(Source("0/a-check/2")))


def test_what_one_stream_gives_changes_no_other() -> None:
    busy, idle = Source("0/a-check/1"), Source("0/a-check/1")
    for _ in range(10):
        drawn(busy)
    drawn(busy.stream(1))
    assert drawn(busy.stream(2)) == drawn(idle.stream(2))
    assert busy.stream(1).masking_key() != busy.stream(2).masking_key()


def test_nonces_differ_within_a_run_and_are_short_printable_ascii() -> None:
    made = [Source(f"0/check-{check}/1").nonce() for check in range(300)]
    one = Source("0/check/1")
    made += [one.nonce() for _ in range(300)]
    assert len(set(made)) == 600
    assert all(nonce.startswith(b"wsproof-") and nonce.decode().isprintable() for nonce in made)
    assert max(map(len, made)) <= 20


def test_forms() -> None:
    source = Source("0")
    assert len(source.masking_key()) == 4
    assert len(base64.b64decode(source.handshake_key(), validate=True)) == 16
    assert len(source.hex(5)) == 10


def test_a_fresh_one_repeats_nothing() -> None:
    assert drawn(Source.fresh()) != drawn(Source.fresh())
