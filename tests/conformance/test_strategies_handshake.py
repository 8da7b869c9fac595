"""Drawn handshakes: what is legal is legal, what is wrong is wrong in one thing, and every kind comes up."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import h11
import pytest

from wsproof.conformance.check import CATALOGUE, Check
from wsproof.conformance.checks import opening_handshake
from wsproof.conformance.checks._handshake_fault import FAULTS, Fault, FaultKind, FaultyHandshake, requirement_of
from wsproof.conformance.checks._handshake_variation import (
    AMONG_OTHERS,
    EMPTY_LINE,
    KEY,
    OWN,
    UPGRADE,
    Aspect,
    Cut,
    Further,
    Place,
    Spelling,
    Variation,
    head_of,
)
from wsproof.conformance.drawing import draw
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.property import decode_example, encode_example
from wsproof.conformance.target import Setting

SEEDS = range(20)
REQUEST = parse_endpoint("ws://127.0.0.1:9/echo").request(b"dGhlIHNhbXBsZSBub25jZQ==")
FOCUSED = [aspect for aspect in Aspect if aspect not in AMONG_OTHERS]


def properties(name: str) -> list[Check]:
    """The members of that family of properties."""
    start = f"{opening_handshake.__name__.rpartition('.')[2].replace('_', '-')}/{name}["
    return [item for item in CATALOGUE.values() if item.id.startswith(start)]


LEGAL = properties("any-legal-variation")
FAULTY = properties("any-fault-in-any-variation")


@cache
def examples(item: Check, seed: int) -> list[dict[str, object]]:
    """What a run of the suite draws with that seed."""
    assert item.given is not None
    return list(
        draw(item.given(Setting(parse_endpoint("ws://127.0.0.1:9/")), *item.arguments), seed, item.id, 50).values()
    )


def variations(item: Check, seed: int) -> list[Variation]:
    return [example["variation"] for example in examples(item, seed) if isinstance(example["variation"], Variation)]


def faulty(item: Check, seed: int) -> list[FaultyHandshake]:
    drawn = [example["handshake"] for example in examples(item, seed)]
    return [handshake for handshake in drawn if isinstance(handshake, FaultyHandshake)]


def aspects(variation: Variation) -> set[Aspect]:
    return {aspect for aspect, _ in variation.changes()}


def octets(variation: Variation, fault: Fault | None = None) -> bytes:
    head = head_of(REQUEST, variation)
    return b"".join((head if fault is None else fault.put_into(head)).pieces())


def lines(data: bytes) -> list[bytes]:
    assert data.endswith(b"\r\n\r\n")
    return data[:-4].split(b"\r\n")


def values(read: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in read if key == name]


def test_every_property_is_found() -> None:
    assert len(LEGAL) == 1 + len(FOCUSED)
    assert len(FAULTY) == len(FAULTS)


# -- legal handshakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", LEGAL, ids=lambda item: item.id)
def test_every_difference_is_drawn_with_every_seed(item: Check) -> None:
    focus = item.arguments[0]
    wanted = set(AMONG_OTHERS) if focus is None else {focus, Aspect.ORDER, Aspect.SEGMENTS, Aspect.FURTHER_FIELDS}
    for seed in SEEDS:
        drawn = [aspects(variation) for variation in variations(item, seed)]
        assert len(drawn) == 50
        assert set.union(*drawn) == wanted
        assert focus is None or all(focus in some for some in drawn)


@pytest.mark.parametrize("item", LEGAL, ids=lambda item: item.id)
def test_another_reader_takes_a_drawn_handshake_for_what_it_is(item: Check) -> None:
    for variation in variations(item, 0):
        data = octets(variation)
        assert len(data) < 5 * 1024
        reader = h11.Connection(h11.SERVER)
        reader.receive_data(data)
        read = reader.next_event()
        assert isinstance(read, h11.Request)
        assert (read.method, read.http_version) == (b"GET", b"1.1")
        assert read.target.startswith(b"/echo")
        fields = list(read.headers)
        assert values(fields, b"host") == [b"127.0.0.1:9"]
        assert values(fields, b"sec-websocket-version") == [b"13"]
        assert values(fields, b"sec-websocket-key") == [
            REQUEST.key if variation.key is None else variation.key.encode()
        ]
        options = b",".join(values(fields, b"connection")).lower().split(b",")
        assert [option.strip() for option in options].count(b"upgrade") == 1
        protocols = b",".join(values(fields, b"upgrade")).lower().split(b",")
        assert [protocol.strip() for protocol in protocols].count(b"websocket") == 1


@pytest.mark.parametrize("item", [*LEGAL, *FAULTY], ids=lambda item: item.id)
def test_an_example_survives_json(item: Check) -> None:
    for example in examples(item, 1):
        assert decode_example(item, encode_example(item, example)) == example


def test_without_a_difference_it_is_the_plain_handshake() -> None:
    assert octets(Variation()) == REQUEST.encode()
    assert str(Variation()) == "the plain handshake"


ONE_OF_EACH = {
    Aspect.NAMES: Variation(names=(Spelling.LOWER, *(Spelling.USUAL,) * 4)),
    Aspect.ORDER: Variation(order=(1, 0, 2, 3, 4)),
    Aspect.PROTOCOL: Variation(upgrade=("WebSocket",)),
    Aspect.OPTIONS: Variation(connection=("keep-alive, Upgrade",)),
    Aspect.SPACE: Variation(space=(("\t", ""), *((" ", ""),) * 4)),
    Aspect.FURTHER_FIELDS: Variation(further=(Further("X-Wsproof", "a", 3, 5),)),
    Aspect.SEGMENTS: Variation(cuts=(Cut(UPGRADE, Place.IN_NAME),)),
    Aspect.QUERY: Variation(query="wsproof=%41"),
    Aspect.KEY: Variation(key="AAAAAAAAAAAAAAAAAAAAAA=="),
    Aspect.PROTOCOLS: Variation(upgrade=("foo/1, websocket",)),
    Aspect.OPTION_LINES: Variation(connection=("keep-alive", "Upgrade")),
    Aspect.GAPS: Variation(connection=(",Upgrade",)),
    Aspect.SPACE_AFTER: Variation(space=((" ", " "), *((" ", ""),) * 4)),
    Aspect.EXTENSIONS: Variation(extensions=("x-unknown",)),
}
WORDS = {
    Aspect.NAMES: "names host",
    Aspect.ORDER: "order Upgrade, Host, Connection, Sec-WebSocket-Key, Sec-WebSocket-Version",
    Aspect.PROTOCOL: "'Upgrade: WebSocket'",
    Aspect.OPTIONS: "'Connection: keep-alive, Upgrade'",
    Aspect.SPACE: "a tab before the value of Host",
    Aspect.FURTHER_FIELDS: "'X-Wsproof: aaa' at the end",
    Aspect.SEGMENTS: "a TCP segment ends inside the name of Upgrade",
    Aspect.QUERY: "query 'wsproof=%41'",
    Aspect.KEY: "key 'AAAAAAAAAAAAAAAAAAAAAA=='",
    Aspect.PROTOCOLS: "'Upgrade: foo/1, websocket'",
    Aspect.OPTION_LINES: "'Connection: keep-alive' and 'Connection: Upgrade'",
    Aspect.GAPS: "'Connection: ,Upgrade'",
    Aspect.SPACE_AFTER: "a space after the value of Host",
    Aspect.EXTENSIONS: "'Sec-WebSocket-Extensions: x-unknown'",
}


@pytest.mark.parametrize("aspect", Aspect)
def test_a_difference_in_words(aspect: Aspect) -> None:
    assert list(ONE_OF_EACH[aspect].changes()) == [(aspect, WORDS[aspect])]


@pytest.mark.parametrize("aspect", AMONG_OTHERS)
def test_one_difference_is_told_from_others(aspect: Aspect) -> None:
    for variation in variations(LEGAL[0], 2):
        alone = variation.only(aspect)
        assert aspects(alone) == aspects(variation) & {aspect}


@pytest.mark.parametrize("item", LEGAL[1:], ids=lambda item: item.id)
def test_tamed_it_lacks_what_is_in_focus_and_nothing_else(item: Check) -> None:
    focus = item.arguments[0]
    for variation in variations(item, 2):
        left = aspects(variation.tamed(focus))
        assert focus not in left
        assert left - {Aspect.OPTIONS, Aspect.PROTOCOL} == aspects(variation) - {focus}


def test_a_query_is_tamed_to_a_plain_one() -> None:
    assert Variation(query="wsproof=%23", order=(4, 3, 2, 1, 0)).tamed(None) == Variation(query="wsproof=1")
    assert Variation(order=(4, 3, 2, 1, 0)).tamed(None) == Variation()


@pytest.mark.parametrize(
    ("cut", "end"),
    [
        (Cut(UPGRADE, Place.IN_NAME), b"9\r\nUpg"),
        (Cut(UPGRADE, Place.BEFORE_VALUE), b"\r\nUpgrade:"),
        (Cut(UPGRADE, Place.IN_VALUE), b"Upgrade: webs"),
        (Cut(UPGRADE, Place.IN_LINE_END), b"Upgrade: websocket\r"),
        (Cut(UPGRADE, Place.AFTER), b"Upgrade: websocket\r\n"),
        (Cut(EMPTY_LINE, Place.IN_VALUE), b"Sec-WebSocket-Version: 13\r\n"),
        (Cut(EMPTY_LINE, Place.IN_LINE_END), b"Sec-WebSocket-Version: 13\r\n\r"),
    ],
    ids=str,
)
def test_where_tcp_parts_it(cut: Cut, end: bytes) -> None:
    first, second = head_of(REQUEST, Variation(cuts=(cut, cut))).pieces()
    assert first.endswith(end)
    assert first + second == REQUEST.encode()


def test_what_the_user_gave_is_kept_whole_and_in_its_place() -> None:
    endpoint = parse_endpoint("ws://h/p?token=1", headers=["Authorization: Bearer s3cret"], cookies=["a=1"])
    cuts = tuple(Cut(line, place) for line in range(len(OWN) + 1) for place in Place)
    head = head_of(endpoint.request(), Variation(cookies=("wsproof=2",), query="wsproof=3", cuts=cuts))
    pieces = head.pieces()
    assert lines(b"".join(pieces))[0] == b"GET /p?token=1&wsproof=3 HTTP/1.1"
    assert lines(b"".join(pieces))[-2:] == [b"Authorization: Bearer s3cret", b"Cookie: a=1; wsproof=2"]
    assert any(b"Authorization: Bearer s3cret\r\nCookie: a=1; wsproof=2\r\n" in piece for piece in pieces)


def test_a_long_value_is_drawn_out() -> None:
    assert Further("X", " ab ", 5, 0).value == "ababa"
    assert Further("X", "", 3, 0).value == "xxx"
    assert Further("X", " ab ", 0, 0).value == "ab"


# -- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", FAULTY, ids=lambda item: item.id)
def test_every_kind_of_fault_is_drawn_with_every_seed(item: Check) -> None:
    kinds = FAULTS[item.arguments[0]]
    assert tuple(dict.fromkeys(kinds.values())) == item.requirements
    for seed in SEEDS:
        drawn = faulty(item, seed)
        assert len(drawn) == 50
        assert {handshake.fault.kind for handshake in drawn} == set(kinds)


def test_every_kind_belongs_to_one_group() -> None:
    assert sorted(kind.name for kinds in FAULTS.values() for kind in kinds) == sorted(kind.name for kind in FaultKind)
    assert requirement_of(FaultKind.NO_HOST) == "rfc6455-4.2.1-6"


@pytest.mark.parametrize("item", FAULTY, ids=lambda item: item.id)
def test_a_fault_changes_what_is_sent(item: Check) -> None:
    for handshake in faulty(item, 0):
        assert octets(handshake.variation, handshake.fault) != octets(handshake.variation)
        assert str(handshake).startswith(str(handshake.fault))


def without(name: str) -> list[bytes]:
    return [line for line in lines(REQUEST.encode()) if not line.startswith(name.encode())]


def instead(old: bytes, new: bytes) -> list[bytes]:
    return [new if line == old else line for line in lines(REQUEST.encode())]


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (Fault(FaultKind.NO_UPGRADE), without("Upgrade")),
        (Fault(FaultKind.OTHER_PROTOCOL, "foo"), instead(b"Upgrade: websocket", b"Upgrade: foo")),
        (Fault(FaultKind.OTHER_OPTION, "close"), instead(b"Connection: Upgrade", b"Connection: close")),
        (Fault(FaultKind.METHOD, "POST"), [b"POST /echo HTTP/1.1", *lines(REQUEST.encode())[1:], b"Content-Length: 0"]),
        (Fault(FaultKind.HTTP_1_0, "HTTP/1.0"), [b"GET /echo HTTP/1.0", *lines(REQUEST.encode())[1:]]),
        (Fault(FaultKind.REQUEST_LINE, "GET TARGET x"), [b"GET /echo x", *lines(REQUEST.encode())[1:]]),
        (Fault(FaultKind.SPACE_BEFORE_COLON, "\t", UPGRADE), instead(b"Upgrade: websocket", b"Upgrade\t: websocket")),
        (
            Fault(FaultKind.SPACE_BEFORE_COLON, " ", len(OWN)),
            [b"GET /echo HTTP/1.1", b"X-Wsproof : 1", *lines(REQUEST.encode())[1:]],
        ),
        (
            Fault(FaultKind.SPACE_FIRST, " ", UPGRADE),
            [b"GET /echo HTTP/1.1", b" Upgrade: websocket", *without("Upgrade")[1:]],
        ),
        (Fault(FaultKind.NO_COLON, "wsproof", 9), [*lines(REQUEST.encode()), b"wsproof"]),
        (
            Fault(FaultKind.SECOND_HOST, "", 1),
            [*lines(REQUEST.encode())[:2], b"Host: 127.0.0.1:9", *lines(REQUEST.encode())[2:]],
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
def test_the_octets_of_a_fault(fault: Fault, sent: list[bytes]) -> None:
    assert lines(octets(Variation(), fault)) == sent


def test_a_control_tells_a_spoilt_line_from_one_that_nobody_needs() -> None:
    head = head_of(REQUEST, Variation())
    control = Fault(FaultKind.SPACE_FIRST, " ", KEY).control(head)
    assert control is not None
    assert lines(b"".join(control.pieces())) == without("Sec-WebSocket-Key")
    assert Fault(FaultKind.NO_COLON, "x").control(head) is None
