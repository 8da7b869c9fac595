"""Sec-WebSocket-Extensions and -Protocol as they are read, and what fits an offer of permessage-deflate."""

from __future__ import annotations

import pytest

from wsproof.conformance.wire.extensions import (
    DEFLATE,
    Extension,
    misfit,
    offered_extensions,
    offered_subprotocols,
    read_extensions,
    reserved_bits_of,
    undefined_parameters,
)
from wsproof.conformance.wire.handshake import opening_request

NO_SIZE = "the value of %s_max_window_bits is none of 8 to 15"
REQUEST = opening_request("127.0.0.1", "/")


def one(value: bytes) -> Extension:
    """The only extension in that value."""
    (extension,) = read_extensions([value])
    return extension


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([b""], []),
        ([b" , ,"], []),
        ([b"a"], [Extension(b"a")]),
        ([b"A, b"], [Extension(b"a"), Extension(b"b")]),
        ([b"a", b"b"], [Extension(b"a"), Extension(b"b")]),
        ([b'a\t; x ;y=1; z = "2"'], [Extension(b"a", ((b"x", None), (b"y", b"1"), (b"z", b"2")))]),
        ([b'a; x="1\\0"'], [Extension(b"a", ((b"x", b"10"),))]),
        ([b"a; x, a"], [Extension(b"a", ((b"x", None),)), Extension(b"a")]),
    ],
)
def test_what_is_well_formed(lines: list[bytes], expected: list[Extension]) -> None:
    assert read_extensions(lines) == expected


@pytest.mark.parametrize(
    "value",
    [b";", b"; x", b"a;", b"a;;b", b"a b", b"a; =1", b"a; x=", b'a; x="1', b'a; x="', b'a; x=""', b'a; x="1 0"',
     b'a; x="1,0"', b"a; x=\x01", b"a\x7f", b"a=1", b"a; x=1 2", b'"a"', "ü".encode()],
)  # fmt: skip
def test_what_breaks_the_grammar(value: bytes) -> None:
    with pytest.raises(ValueError):
        read_extensions([b"good", value])


def test_a_parameter_may_be_asked_for() -> None:
    extension = one(b"a; x; y=1; y=2")
    assert (extension.has(b"x"), extension.has(b"z")) == (True, False)
    assert (extension.value(b"x"), extension.value(b"y"), extension.value(b"z")) == (None, b"1", None)


def test_what_a_request_offers() -> None:
    assert offered_extensions(REQUEST) == []
    assert offered_subprotocols(REQUEST) == []
    several = REQUEST.with_field("Sec-WebSocket-Extensions", "a", "b").with_field("Sec-WebSocket-Protocol", "c", "D, e")
    assert offered_extensions(several) == [Extension(b"a"), Extension(b"b")]
    assert offered_subprotocols(several) == [b"c", b"D", b"e"]


@pytest.mark.parametrize("value", [b"", b",", b"a;"])
def test_a_malformed_offer_of_extensions_is_none(value: bytes) -> None:
    assert offered_extensions(REQUEST.with_field("Sec-WebSocket-Extensions", value)) is None


@pytest.mark.parametrize("value", [b"", b",", b"a b", b'"a"', b"a/b"])
def test_a_malformed_offer_of_subprotocols_is_none(value: bytes) -> None:
    assert offered_subprotocols(REQUEST.with_field("Sec-WebSocket-Protocol", value)) is None


def test_an_offer_in_raw_lines_is_not_known() -> None:
    raw = REQUEST.changed(raw_lines=[b"sec-websocket-extensions : a", b"Sec-WebSocket-Protocol\t: b"])
    assert offered_extensions(raw) is None
    assert offered_subprotocols(raw) is None


@pytest.mark.parametrize(
    ("lines", "bits"), [([], 0), ([b""], 0), ([DEFLATE], 4), ([DEFLATE, b"x"], 7), ([b"x"], 7), ([b"a;"], 7)]
)
def test_reserved_bits_that_an_agreement_allows(lines: list[bytes], bits: int) -> None:
    assert reserved_bits_of(lines) == bits


def test_parameters_that_permessage_deflate_does_not_define() -> None:
    assert undefined_parameters(one(DEFLATE + b"; client_max_window_bits=9; speed=9; mode")) == [b"speed", b"mode"]


@pytest.mark.parametrize(
    ("offer", "agreed", "reason"),
    [
        (b"", b"", None),
        (b"", b"; server_max_window_bits=8", None),
        (b"", b"; server_no_context_takeover; client_no_context_takeover", None),
        (b"; client_max_window_bits", b"; client_max_window_bits=15", None),
        (b"; client_max_window_bits=10", b"; client_max_window_bits=9", None),
        (b"; server_max_window_bits=10", b"; server_max_window_bits=10", None),
        (b"; server_max_window_bits=10", b'; server_max_window_bits="9"', None),
        (b"; server_max_window_bits=9, permessage-deflate", b"", None),
        (b"; server_max_window_bits=10", b"", "server_max_window_bits=10 was asked for"),
        (b"; server_max_window_bits=10", b"; server_max_window_bits=11", "server_max_window_bits=10 was asked for"),
        (b"; server_no_context_takeover", b"", "server_no_context_takeover was asked for"),
        (b"", b"; client_max_window_bits=15", "client_max_window_bits was not offered"),
        (b"; client_max_window_bits", b"; client_max_window_bits", NO_SIZE % "client"),
        (b"", b"; server_max_window_bits=7", NO_SIZE % "server"),
        (b"", b"; server_max_window_bits=16", NO_SIZE % "server"),
        (b"", b"; server_max_window_bits=08", NO_SIZE % "server"),
        (b"", b"; server_no_context_takeover=1", "server_no_context_takeover has a value"),
        (b"", b"; server_max_window_bits=9; server_max_window_bits=9", "server_max_window_bits stands twice"),
    ],
)  # fmt: skip
def test_what_fits_an_offer(offer: bytes, agreed: bytes, reason: str | None) -> None:
    assert misfit(read_extensions([DEFLATE + offer]), one(DEFLATE + agreed)) == reason


def test_nothing_fits_where_it_was_not_offered() -> None:
    assert misfit([Extension(b"x")], Extension(DEFLATE)) == "it was not offered"
