"""Requests of any form, responses read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.conformance.wire.handshake import (
    MAX_BODY,
    MAX_HEAD,
    Request,
    ResponseReader,
    accept_for,
    new_key,
    opening_request,
    read_head,
    split_list,
)


def test_accept_of_the_rfc_sample() -> None:
    assert accept_for(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_keys_are_fresh() -> None:
    assert len({new_key() for _ in range(50)}) == 50
    assert all(len(new_key()) == 24 for _ in range(5))


def test_the_plain_request() -> None:
    request = opening_request("example.org:81", "/chat?x=1", key=b"dGhlIHNhbXBsZSBub25jZQ==", extra=[("A", "b")])
    assert request.encode() == (
        b"GET /chat?x=1 HTTP/1.1\r\nHost: example.org:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nA: b\r\n\r\n"
    )


class TestRequest:
    request = Request(b"/", ((b"Host", b"h"), (b"Upgrade", b"websocket"), (b"X", b"1")))

    def test_without(self) -> None:
        assert self.request.without("upgrade", "HOST").fields == ((b"X", b"1"),)

    def test_a_field_is_replaced_in_its_place_by_several_lines(self) -> None:
        changed = self.request.with_field("Upgrade", "a", b"b")
        assert changed.fields == ((b"Host", b"h"), (b"Upgrade", b"a"), (b"Upgrade", b"b"), (b"X", b"1"))

    def test_a_field_that_was_absent_comes_last(self) -> None:
        assert self.request.with_field("New", "1").fields[-1] == (b"New", b"1")

    def test_every_part_can_be_wrong(self) -> None:
        changed = self.request.changed(
            method="get", target="x y", version="HTTP/9", eol=b"\n", body=b"B", prefix=b"\r\n", raw_lines=[b" folded"]
        )
        assert changed.encode() == b"\r\nget x y HTTP/9\n folded\nHost: h\nUpgrade: websocket\nX: 1\n\nB"

    def test_the_request_line_can_be_anything(self) -> None:
        assert self.request.changed(request_line=b"\xff\xfe").head().startswith(b"\xff\xfe\r\nHost")

    def test_fresh_changes_the_key_alone(self) -> None:
        request = opening_request("h", "/")
        again = request.fresh()
        assert again.key != request.key
        assert again.without("Sec-WebSocket-Key") == request.without("Sec-WebSocket-Key")
        assert self.request.fresh() == self.request


@pytest.mark.parametrize(
    ("lines", "elements"),
    [
        ([b"a, b"], [b"a", b"b"]),
        ([b",a,,b,"], [b"a", b"b"]),
        ([b"a", b"b , c"], [b"a", b"b", b"c"]),
        ([b'x; p="1,2", y'], [b'x; p="1,2"', b"y"]),
        ([b'x; p="a\\",b", y'], [b'x; p="a\\",b"', b"y"]),
        ([], []),
    ],
)
def test_lists(lines: list[bytes], elements: list[bytes]) -> None:
    assert split_list(lines) == elements


HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"


class TestReadHead:
    def test_a_good_head_has_no_problems(self) -> None:
        head = read_head(HEAD)
        assert (head.status, head.reason, head.problems, head.accepted) == (101, b"Switching Protocols", (), True)
        assert head.tokens("connection") == [b"keep-alive", b"upgrade"]
        assert head.get("UPGRADE") == b"websocket"

    def test_an_empty_reason_needs_its_space(self) -> None:
        assert read_head(b"HTTP/1.1 403 \r\n\r\n").problems == ()
        head = read_head(b"HTTP/1.1 403\r\n\r\n")
        assert (head.status, head.problems) == (403, ("no space after the status code",))

    @pytest.mark.parametrize(
        ("raw", "problem"),
        [
            (b"HTTP/1.1 200 OK\nA: b\n\n", "bare LF"),
            (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "field line"),
            (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "field line"),
            (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folding"),
            (b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", "NUL"),
            (b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "NUL or bare CR"),
            (b"HTTP/1.1 20 OK\r\n\r\n", "malformed status line"),
            (b"garbage\r\n\r\n", "malformed status line"),
        ],
    )
    def test_departures_from_the_grammar_are_named(self, raw: bytes, problem: str) -> None:
        assert any(problem in found for found in read_head(raw).problems)

    @given(st.binary(max_size=300))
    def test_anything_can_be_read(self, raw: bytes) -> None:
        assert read_head(raw + b"\r\n\r\n").status >= 0


def fed(*pieces: bytes, method: bytes = b"GET") -> ResponseReader:
    reader = ResponseReader(method)
    for piece in pieces:
        reader.feed(piece)
    return reader


class TestResponseReader:
    def test_what_follows_a_101_is_left_over(self) -> None:
        reader = fed(HEAD + b"\x81\x00")
        assert reader.response is not None
        assert reader.response.accepted
        assert reader.rest == b"\x81\x00"

    def test_a_response_octet_by_octet(self) -> None:
        raw = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nabcNEXT"
        reader = fed(*(raw[at : at + 1] for at in range(len(raw))))
        assert reader.response is not None
        assert (reader.response.status, reader.response.body, reader.response.reusable) == (400, b"abc", True)
        assert reader.rest == b"NEXT"

    def test_chunks(self) -> None:
        reader = fed(b"HTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert reader.response is not None
        assert (reader.response.body, reader.response.complete) == (b"abc", True)

    def test_until_the_end_of_the_stream(self) -> None:
        raw = b"HTTP/1.1 500 x\r\n\r\nabc"
        assert fed(raw).response is None
        reader = fed(raw, b"")
        assert reader.response is not None
        assert (reader.response.body, reader.response.complete, reader.response.reusable) == (b"abc", True, False)

    def test_the_response_to_head_has_no_body(self) -> None:
        reader = fed(b"HTTP/1.1 400 x\r\nContent-Length: 5\r\n\r\nextra", method=b"HEAD")
        assert reader.response is not None
        assert (reader.response.body, reader.rest) == (b"", b"extra")

    def test_informational_responses_come_before(self) -> None:
        reader = fed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + HEAD)
        assert reader.response is not None
        assert [head.status for head in reader.response.informational] == [100, 103]
        assert reader.response.accepted

    def test_a_head_without_end_is_bounded(self) -> None:
        reader = ResponseReader()
        while not reader.too_long:
            reader.feed(b"a" * 10_000)
        assert len(reader.rest) <= MAX_HEAD + 10_000

    def test_a_body_without_end_is_bounded(self) -> None:
        reader = fed(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(30):
            reader.feed(bytes(100_000))
        assert reader.too_long
        response = reader.give_up()
        assert response is not None
        assert len(response.body) <= MAX_BODY
        assert not response.complete

    def test_garbage_has_status_0(self) -> None:
        reader = fed(b"\xff\xfe\x00\r\n\r\n")
        assert reader.response is not None
        assert reader.response.status == 0

    def test_a_truncated_body_is_incomplete(self) -> None:
        reader = fed(b"HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\nabc", b"")
        response = reader.give_up()
        assert response is not None
        assert not response.complete

    @given(st.lists(st.binary(max_size=50), max_size=8))
    def test_anything_can_be_fed(self, pieces: list[bytes]) -> None:
        fed(b"HTTP/1.1 ", *pieces, b"")
