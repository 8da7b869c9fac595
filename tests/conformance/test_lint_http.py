"""What every response to a handshake is judged by: each rule kept and broken, in golden heads."""

from __future__ import annotations

import pytest

from wsproof.conformance.lint_http import NOT_OFFERED, lint_response, shown_lines
from wsproof.conformance.requirements import requirements
from wsproof.conformance.wire.handshake import Request, ResponseReader
from wsproof.reports.model import Outcome

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The answer to that key in RFC 6455, section 1.3."""
UPGRADE = b"Upgrade: websocket"
CONNECTION = b"Connection: Upgrade"
REQUEST = Request(
    b"/",
    (
        (b"Host", b"h"),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", KEY),
        (b"Sec-WebSocket-Version", b"13"),
    ),
)
ANY_HEAD = "rfc9110-2.2-1"
STATUS_LINE = ["rfc6455-4.2.2-18", "rfc6455-4.2.2-1"]
GRAMMAR = "rfc6455-4.3-2"
WRONG_ACCEPT = ["rfc6455-4.2.2-21", "rfc6455-4.1-13"]
NO_CONNECTION = ["rfc6455-4.2.2-20", "rfc6455-4.1-12"]


def head(*lines: bytes, status: bytes = b"HTTP/1.1 101 Switching Protocols") -> bytes:
    return b"\r\n".join([status, *lines, b"", b""])


def switched(*more: bytes) -> bytes:
    return head(UPGRADE, CONNECTION, ACCEPT, *more)


def broken(raw: bytes, request: Request = REQUEST, outcome: Outcome = Outcome.VIOLATED) -> list[str]:
    reader = ResponseReader(request.method)
    reader.feed(raw)
    response = reader.response or reader.give_up()
    assert response is not None
    findings = list(lint_response(request, response))
    assert {finding.requirement for finding in findings} <= requirements().keys()
    return [finding.requirement for finding in findings if finding.outcome is outcome]


def answer(status: bytes, *lines: bytes) -> bytes:
    return head(*lines, b"Content-Length: 0", status=b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "raw",
    [
        switched(),
        switched(b"Server: a", b"Date: b", b"X: 1", b"X: 2"),
        head(b"UPGRADE: WebSocket", b"connection: keep-alive, UPGRADE", ACCEPT),
        head(b"Link: x", status=b"HTTP/1.1 103 Early Hints") + switched(),
        answer(b"400 Bad Request"),
        answer(b"401 Unauthorized", b"WWW-Authenticate: Basic"),
        answer(b"405 Method Not Allowed", b"Allow: GET"),
        answer(b"405 Method Not Allowed", b"Allow:"),
        answer(b"426 Upgrade Required", UPGRADE, CONNECTION, b"Sec-WebSocket-Version: 13, 8, 0, 255"),
        answer(b"400 "),
        answer(b"200 OK", b"Connection: close"),
    ],
    ids=lambda raw: raw[:24].decode(),
)
def test_nothing_is_said_of_what_is_right(raw: bytes) -> None:
    assert broken(raw) == []
    assert broken(raw, outcome=Outcome.WARNED) == []


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        # the grammar of the head
        (answer(b"400"), ["rfc9112-4-1"]),
        (answer(b"400 Bad", b"Bad name: x"), [ANY_HEAD]),
        (answer(b"400 Bad", b"X: a", b" folded"), [ANY_HEAD]),
        (answer(b"400 Bad").replace(b"\r\n", b"\n"), [ANY_HEAD]),
        (b"HTTP/1.1  400 Bad\r\nContent-Length: 0\r\n\r\n", [ANY_HEAD]),
        (b"SSH-2.0-nonsense\r\n\r\n", [ANY_HEAD]),
        # fields
        (answer(b"400 Bad", b"Server: a", b"Server: b"), ["rfc9110-5.3-3"]),
        (answer(b"400 Bad", b"Date: a", b"date: a"), ["rfc9110-5.3-3"]),
        (answer(b"401 Unauthorized"), ["rfc9110-11.6.1-1"]),
        (answer(b"405 Method Not Allowed"), ["rfc9110-15.5.6-1"]),
        (answer(b"426 Upgrade Required"), ["rfc9110-7.8-5", "rfc9110-15.5.22-1"]),
        (answer(b"426 Upgrade Required", CONNECTION), ["rfc9110-7.8-5", "rfc9110-15.5.22-1"]),
        (switched(b"Content-Length: 0"), ["rfc9110-8.6-1"]),
        (switched(b"Transfer-Encoding: chunked"), ["rfc9112-6.1-1"]),
        (head(b"Content-Length: 3", status=b"HTTP/1.1 103 Early Hints") + switched(), ["rfc9110-8.6-1"]),
        (answer(b"400 Bad", b"Sec-WebSocket-Version: thirteen"), [GRAMMAR]),
        (answer(b"400 Bad", b"Sec-WebSocket-Version: 013"), [GRAMMAR]),
        (answer(b"400 Bad", b"Sec-WebSocket-Version: 256"), [GRAMMAR]),
        (answer(b"400 Bad", b"Sec-WebSocket-Version:"), [GRAMMAR]),
        (answer(b"400 Bad", b"Sec-WebSocket-Accept: =="), [GRAMMAR]),
        # the 101
        (
            head(CONNECTION, ACCEPT),
            ["rfc9110-7.8-3", "rfc9110-15.2.2-1", "rfc6455-4.2.2-19", "rfc6455-4.1-11"],
        ),
        (head(b"Upgrade: h2c", CONNECTION, ACCEPT), ["rfc6455-4.2.2-19", "rfc6455-4.1-11"]),
        (head(b"Upgrade: websocket, h2c", CONNECTION, ACCEPT), ["rfc6455-4.1-11"]),
        (head(UPGRADE, UPGRADE, CONNECTION, ACCEPT), ["rfc6455-4.1-11"]),
        (head(UPGRADE, ACCEPT), ["rfc9110-7.8-8", *NO_CONNECTION]),
        (head(UPGRADE, b"Connection: close", ACCEPT), ["rfc9110-7.8-8", *NO_CONNECTION]),
        (head(UPGRADE, CONNECTION), WRONG_ACCEPT),
        (head(UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: " + KEY), WRONG_ACCEPT),
        (head(UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo"), [GRAMMAR, *WRONG_ACCEPT]),
        (head(UPGRADE, CONNECTION, b"Sec-WebSocket-Accept:"), [GRAMMAR, *WRONG_ACCEPT]),
        (switched(ACCEPT), ["rfc6455-11.3.3-1"]),
        (switched().replace(b"HTTP/1.1", b"HTTP/1.0"), STATUS_LINE),
        (head(UPGRADE, CONNECTION, ACCEPT, status=b"HTTP/1.1 101"), ["rfc9112-4-1", *STATUS_LINE]),
        (switched(b"Bad name: x"), [ANY_HEAD, *STATUS_LINE]),
        # what is negotiated where nothing was offered
        (switched(b"Sec-WebSocket-Protocol: chat"), ["rfc6455-4.1-15", "rfc6455-4.2.2-13"]),
        (switched(b"Sec-WebSocket-Protocol: "), [GRAMMAR, "rfc6455-4.2.2-14"]),
        (switched(b"Sec-WebSocket-Extensions: permessage-deflate"), list(NOT_OFFERED)),
        (switched(b"Sec-WebSocket-Extensions: "), ["rfc6455-4.2.2-17", GRAMMAR]),
        (switched(b"Sec-WebSocket-Extensions: a b"), [GRAMMAR]),
    ],
)
def test_each_rule_is_broken(raw: bytes, wanted: list[str]) -> None:
    assert broken(raw) == wanted


def test_upgrade_without_connection_only_warns_beside_another_status() -> None:
    raw = answer(b"426 Upgrade Required", UPGRADE)
    assert broken(raw) == []
    assert broken(raw, outcome=Outcome.WARNED) == ["rfc9110-7.8-8"]


def test_a_transfer_coding_is_unknown_to_http_1_0() -> None:
    raw = answer(b"400 Bad").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"
    assert broken(raw) == []
    assert broken(raw, REQUEST.changed(version="HTTP/1.0")) == ["rfc9112-6.1-4"]


class TestOnlyWhatTheRequestPromises:
    """A 101 is held to RFC 6455 where the request was a handshake that every server reads alike."""

    wrong = head(UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: " + KEY)

    def test_a_key_that_stands_twice_or_is_no_key_has_no_answer(self) -> None:
        assert broken(self.wrong, REQUEST.with_field("Sec-WebSocket-Key", KEY, KEY)) == []
        assert broken(self.wrong, REQUEST.with_field("Sec-WebSocket-Key", b"short")) == []
        assert broken(self.wrong, REQUEST.without("Sec-WebSocket-Key")) == []

    def test_a_request_for_something_else_is_not_judged(self) -> None:
        assert broken(self.wrong, REQUEST.with_field("Upgrade", "h2c")) == []
        assert broken(self.wrong, REQUEST.changed(version="HTTP/1.0")) == []
        assert broken(self.wrong, REQUEST.changed(request_line=b"GET /")) == []


class TestSubprotocol:
    request = REQUEST.with_field("Sec-WebSocket-Protocol", "chat, superchat")

    def broken(self, *values: bytes) -> list[str]:
        return broken(switched(*(b"Sec-WebSocket-Protocol: " + value for value in values)), self.request)

    def test_one_that_was_offered_or_none(self) -> None:
        assert self.broken(b"superchat") == []
        assert self.broken() == []

    def test_another_one(self) -> None:
        assert self.broken(b"other") == ["rfc6455-4.1-15", "rfc6455-4.2.2-11"]

    def test_names_are_compared_as_they_are(self) -> None:
        assert self.broken(b"Chat") == ["rfc6455-4.1-15", "rfc6455-4.2.2-11"]

    def test_more_than_one(self) -> None:
        assert self.broken(b"chat, superchat") == [GRAMMAR, "rfc6455-4.2.2-14"]
        assert self.broken(b"chat", b"superchat") == ["rfc6455-11.3.4-2", "rfc6455-4.2.2-14"]

    def test_an_offer_that_is_malformed_is_answered_by_anything(self) -> None:
        raw = switched(b"Sec-WebSocket-Protocol: other")
        assert broken(raw, REQUEST.with_field("Sec-WebSocket-Protocol", "a b")) == []
        assert broken(raw, REQUEST.changed(raw_lines=[b"Sec-WebSocket-Protocol : chat"])) == []


class TestExtensions:
    request = REQUEST.with_field("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10, x-other")

    def broken(self, *values: bytes) -> list[str]:
        return broken(switched(*(b"Sec-WebSocket-Extensions: " + value for value in values)), self.request)

    @pytest.mark.parametrize(
        "values",
        [
            (),
            (b"permessage-deflate; server_max_window_bits=10",),
            (b'permessage-deflate ; server_max_window_bits = "9"',),
            (b"permessage-deflate; server_max_window_bits=10; server_no_context_takeover", b"x-other; a; b=c"),
            (b"x-other",),
        ],
    )
    def test_what_fits_the_offer(self, values: tuple[bytes, ...]) -> None:
        assert self.broken(*values) == []

    def test_one_that_was_not_offered(self) -> None:
        assert self.broken(b"x-another") == list(NOT_OFFERED)

    def test_a_parameter_that_is_not_defined(self) -> None:
        assert self.broken(b"permessage-deflate; server_max_window_bits=10; level=9") == ["rfc6455-9.1-4"]

    @pytest.mark.parametrize(
        "value",
        [
            b"permessage-deflate",  # the server would use more than it was asked for
            b"permessage-deflate; server_max_window_bits=11",
            b"permessage-deflate; server_max_window_bits=7",
            b"permessage-deflate; server_max_window_bits=010",
            b"permessage-deflate; server_max_window_bits",
            b"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            b"permessage-deflate; server_max_window_bits=10; client_max_window_bits=10",
            b"permessage-deflate; server_max_window_bits=10; client_no_context_takeover=1",
        ],
    )
    def test_parameters_that_fit_no_offer(self, value: bytes) -> None:
        assert self.broken(value) == ["rfc6455-9-3"]

    def test_takeover_that_was_to_be_switched_off(self) -> None:
        request = REQUEST.with_field("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover")
        assert broken(switched(b"Sec-WebSocket-Extensions: permessage-deflate"), request) == ["rfc6455-9-3"]

    @pytest.mark.parametrize("value", [b"a b", b"permessage-deflate; =1", b'x-other; a="b c"', b'x-other; a="b', b"@"])
    def test_what_breaks_the_grammar(self, value: bytes) -> None:
        assert self.broken(value) == [GRAMMAR]

    def test_an_offer_that_is_malformed_is_answered_by_anything(self) -> None:
        raw = switched(b"Sec-WebSocket-Extensions: x-another")
        assert broken(raw, REQUEST.with_field("Sec-WebSocket-Extensions", "a b")) == []
        assert broken(raw, REQUEST.with_field("Sec-WebSocket-Extensions", ",")) == []


def test_field_lines_for_people() -> None:
    assert shown_lines("X", []) == "no X"
    assert shown_lines("X", [b"a", b"b" * 100]) == f"'X: a', 'X: {'b' * 80}'"
    assert shown_lines("X", [b"1", b"2", b"3", b"4", b"5"]) == "'X: 1', 'X: 2', 'X: 3', 2 more lines"


def test_a_response_to_no_http_at_all_needs_no_head() -> None:
    body = b"<html>\r\n\r\n"
    for line in (b"GET /", b"\x16\x03\x01"):
        assert broken(body, REQUEST.changed(request_line=line)) == []
    assert broken(body, REQUEST.changed(request_line=b"GET / HTTP/1.1 more")) == [ANY_HEAD]


def test_the_101_of_a_draft_is_made_as_the_draft_says() -> None:
    draft = head(UPGRADE, CONNECTION, b"Sec-WebSocket-Origin: null")
    assert broken(draft, REQUEST.with_field("Sec-WebSocket-Version", "0")) == []
    assert broken(draft, REQUEST.with_field("Sec-WebSocket-Version", "14")) == WRONG_ACCEPT
