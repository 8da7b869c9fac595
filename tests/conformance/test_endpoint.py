"""URLs and how to reach them; secrets."""

from __future__ import annotations

import pytest

from wsproof.conformance.endpoint import Redactor, parse_endpoint
from wsproof.conformance.errors import UsageError


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "field"),
    [
        ("ws://example.org", "example.org", 80, "/", "example.org"),
        ("http://example.org:80/a?b=c", "example.org", 80, "/a?b=c", "example.org"),
        ("ws://example.org:8080/a/", "example.org", 8080, "/a/", "example.org:8080"),
        ("wss://example.org/", "example.org", 443, "/", "example.org"),
        ("https://example.org:80/", "example.org", 80, "/", "example.org:80"),
        ("ws://[::1]:9/x", "::1", 9, "/x", "[::1]:9"),
        ("ws://h?q=1", "h", 80, "/?q=1", "h"),
    ],
)
def test_urls(url: str, host: str, port: int, target: str, field: str) -> None:
    endpoint = parse_endpoint(url)
    assert (endpoint.host, endpoint.port, endpoint.target, endpoint.host_field) == (host, port, target, field)
    assert endpoint.secure == url.startswith(("wss", "https"))
    assert endpoint.url.startswith(("ws://", "wss://"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("example.org", "no scheme"),
        ("ftp://example.org", "scheme 'ftp'"),
        ("ws://", "no host"),
        ("ws:///path", "no host"),
        ("ws://h/#frag", "fragment"),
        ("ws://h/a b", "percent-encode"),
        ("ws://h/\u00fc", "percent-encode"),
        ("ws://h/\r\nX: y", "percent-encode"),
        ("ws://h:99999/", "wrong"),
        ("ws://h:x/", "wrong"),
        ("ws://user:pw@h/", "user name"),
    ],
)
def test_urls_that_are_refused_with_one_line(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        parse_endpoint(url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("headers", "no colon here", "no colon"),
        ("headers", "A: b\r\nC: d", "CR, LF"),
        ("headers", "A: b\nC: d", "CR, LF"),
        ("headers", "bad name: b", "no field name"),
        ("headers", "A: \u20ac", "Latin-1"),
        ("cookies", "novalue", "name=value"),
        ("cookies", "a=b; c=d", "name=value"),
        ("cookies", "a=\u20ac", "Latin-1"),
        ("subprotocols", "a b", "token"),
    ],
)
def test_options_that_are_refused(option: str, value: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_endpoint("ws://h/", **{option: [value]})  # type: ignore[arg-type]  # each of these takes a list of str


@pytest.mark.parametrize("address", ["h", "h:", ":1", "h:0", "h:99999", "h:x"])
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        parse_endpoint("ws://h/", connect_to=address)


def test_an_unreadable_ca_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        parse_endpoint("wss://h/", ca="no-such-file.pem")


def test_every_request_carries_the_fields() -> None:
    endpoint = parse_endpoint("ws://h/", headers=["X-A: 1"], cookies=["a=b", "c=d"], subprotocols=["chat", "superchat"])
    request = endpoint.request()
    assert request.get("X-A") == b"1"
    assert request.get("Cookie") == b"a=b; c=d"
    assert request.get("Sec-WebSocket-Protocol") == b"chat, superchat"


def test_connect_to_changes_the_dialled_address_alone() -> None:
    endpoint = parse_endpoint("ws://example.org/x", connect_to="[::1]:99")
    assert endpoint.address == ("::1", 99)
    assert endpoint.request().get("Host") == b"example.org"
    assert endpoint.is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("[::1]", True), ("10.0.0.1", False), ("h", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert parse_endpoint(f"ws://{host}/").is_loopback is loopback


def test_at_keeps_the_server() -> None:
    endpoint = parse_endpoint("wss://example.org/a", headers=["X: 1"]).at("/b?c=d")
    assert (endpoint.url, endpoint.target) == ("wss://example.org/b?c=d", "/b?c=d")
    assert endpoint.request().get("X") == b"1"


class TestRedaction:
    endpoint = parse_endpoint(
        "ws://h/x?token=tok-en-1&q=open",
        headers=["Authorization: Bearer s3cr3t-value", "X-Open: fine"],
        cookies=["session=cookie-value"],
    )

    def test_secret_fields_and_parameters(self) -> None:
        text = self.endpoint.redactor().text(self.endpoint.request().encode().decode("latin-1"))
        for secret in ("s3cr3t-value", "cookie-value", "tok-en-1"):
            assert secret not in text
        assert "Authorization: ***" in text
        assert "token=***" in text
        assert "q=open" in text
        assert "X-Open: fine" in text

    def test_what_a_target_reflects(self) -> None:
        redactor = self.endpoint.redactor()
        assert "s3cr3t-value" not in redactor.text("you said Bearer s3cr3t-value")
        assert redactor.payload(b'{"c":"cookie-value"}') == b'{"c":"************"}'

    def test_secrets_do_not_show_in_repr(self) -> None:
        assert "cookie-value" not in repr(self.endpoint.secrets) or "secrets" not in repr(self.endpoint)

    def test_without_secrets_nothing_changes(self) -> None:
        assert Redactor().text("plain") == "plain"
        assert Redactor().payload(b"plain") == b"plain"
