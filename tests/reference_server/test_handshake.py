"""What the application refuses in the opening handshake, seen in the ASGI scope and on the wire."""

import base64
from typing import Any

import pytest

from wsproof.reference_server.handshake import faults, is_authority, origin_form

from .raw import KEY, Answer, request, tcp

AUTHORITIES = " a a:80 a: a.example:8000 127.0.0.1:1 [::1] [::1]:80 [v1.a:b] a%20b a_b !$&'()*+,;="
NO_AUTHORITIES = "a:b:c a:b [::1 ::1 [::1]x [g::] a/b a@b a#b a?b a%2 \u00e9 []"


@pytest.mark.parametrize("value", AUTHORITIES.split(" "))
def test_authorities(value: str) -> None:
    assert is_authority(value.encode())


@pytest.mark.parametrize("value", ["a b", *NO_AUTHORITIES.split(" ")])
def test_no_authorities(value: str) -> None:
    assert not is_authority(value.encode("latin-1"))


def scope(raw_path: bytes = b"/echo", **changes: Any) -> dict[str, Any]:
    """Return the ASGI scope of a legal handshake, changed."""
    headers = [(b"host", b"a"), (b"sec-websocket-key", KEY.encode()), (b"sec-websocket-version", b"13")]
    return {
        "type": "websocket",
        "http_version": "1.1",
        "scheme": "ws",
        "path": raw_path.decode(),
        "raw_path": raw_path,
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "subprotocols": [],
        **changes,
    }


def test_a_legal_handshake_has_no_fault() -> None:
    assert list(faults(scope())) == []
    assert list(faults(scope(subprotocols=["", "chat", "a.b"]))) == []


def test_a_scope_in_origin_form_stays_as_it_is() -> None:
    given = scope()
    assert origin_form(given) is given


def test_the_absolute_form_gives_path_and_host() -> None:
    found = origin_form(scope(b"http://b:1/%C3%A9"))
    assert found["path"] == "/\u00e9"
    assert found["raw_path"] == b"/%C3%A9"
    assert found["headers"][0] == (b"host", b"b:1")


def test_the_absolute_form_may_lack_a_path_and_may_stand_behind_a_prefix() -> None:
    assert origin_form(scope(b"HTTP://b"))["path"] == "/"
    assert origin_form(scope(b"/prefixhttp://b/echo", root_path="/prefix"))["path"] == "/prefix/echo"


def test_a_request_by_http_1_0_needs_no_host() -> None:
    assert list(faults({**scope(headers=[]), "type": "http", "http_version": "1.0"})) == []


@pytest.mark.parametrize("version", ["0.9", "1.0"])
def test_a_handshake_needs_http_1_1(version: str) -> None:
    # In the scope only: uvicorn always writes 1.1 there for a handshake.
    assert [fault.status for fault in faults(scope(http_version=version))] == [505]


def test_a_websocket_scope_may_leave_version_and_scheme_out() -> None:
    given = scope(b"https://b/echo")
    del given["http_version"], given["scheme"]
    assert [fault.status for fault in faults(given)] == [421]


async def answer(server: str, data: bytes) -> Answer:
    """Send a request and return the answer."""
    async with tcp(server) as peer:
        peer.send(data)
        return await peer.answer()


def line(name: str, *values: str) -> list[str]:
    """Return one line for each value."""
    return [f"{name}: {value}" for value in values]


def key(*values: str) -> bytes:
    """Return a handshake with these lines of Sec-WebSocket-Key."""
    return request("/echo", *line("Sec-WebSocket-Key", *values), key=None)


REFUSED = {
    "no Host": request(host=None),
    "two equal Host": request("/echo", "Host: 127.0.0.1"),
    "two Host": request("/echo", "Host: other"),
    "Host with a space": request(host="a b"),
    "Host with two ports": request(host="a:b:c"),
    "Host with an open bracket": request(host="[::1"),
    "fragment": request("/echo#fragment"),
    "fragment after a query": request("/echo?x#fragment"),
    "target without a slash": request("*"),
    "target with userinfo": request("http://a@127.0.0.1/echo"),
    "https target on a clear port": request("https://127.0.0.1/echo"),
    "empty key": key(""),
    "key of 15 bytes": key(base64.b64encode(bytes(15)).decode()),
    "key of 17 bytes": key(base64.b64encode(bytes(17)).decode()),
    "key that is no base64": key("!" * 22 + "=="),
    "key without padding": key(KEY[:-2]),
    "key by base64url": key("-" * 22 + "=="),
    "two equal keys": key(KEY, KEY),
    "two keys": key(KEY, base64.b64encode(bytes(16)).decode()),
    "two keys on one line": key(f"{KEY}, {KEY}"),
    "two versions": request("/echo", "Sec-WebSocket-Version: 13"),
    "versions 8 and 13": request("/echo", *line("Sec-WebSocket-Version", "8", "13"), version=None),
    "two Origin": request("/echo", *line("Origin", "http://a", "http://b")),
    "empty subprotocol": request("/echo", "Sec-WebSocket-Protocol: "),
    "subprotocols that are only a comma": request("/echo", "Sec-WebSocket-Protocol: ,"),
    "subprotocol with a space": request("/echo", "Sec-WebSocket-Protocol: a b"),
    "subprotocol with an at sign": request("/echo", "Sec-WebSocket-Protocol: a@b"),
    "subprotocol twice": request("/echo", "Sec-WebSocket-Protocol: chat, chat"),
    "subprotocol on two lines": request("/echo", *line("Sec-WebSocket-Protocol", "chat", "chat")),
    "Expect": request("/echo", "Expect: 100-continue"),
}
STATUS = {"https target on a clear port": 421, "Expect": 417}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_on_every_stack(each_stack: str, name: str) -> None:
    found = await answer(each_stack, REFUSED[name])
    assert found.status == STATUS.get(name, 400)


@pytest.mark.parametrize("field", ["Transfer-Encoding: chunked", "Transfer-Encoding: foo", "Content-Length: 5"])
def test_content_is_refused(field: str) -> None:
    # In the scope only: the default stack never answers such a request.
    name, _, value = field.lower().partition(": ")
    given = scope()
    given["headers"].append((name.encode(), value.encode()))
    assert [fault.status for fault in faults(given)] == [400]


ACCEPTED = {
    "absolute-form": request("http://127.0.0.1/echo"),
    "absolute-form with another Host": request("http://127.0.0.1/echo?a=b", host="other"),
    "empty Host": request(host=""),
    "Host with a port": request(host="127.0.0.1:1"),
    "white space after values": request(
        "/echo", f"Sec-WebSocket-Key: {KEY} \t", "Content-Length: 0 ", host="127.0.0.1 ", key=None
    ),
    "Host that is an IPv6 address": request(host="[::1]:80"),
    "escaped number sign": request("/echo?x=%23"),
    "key with pad bits": key("AQIDBAUGBwgJCgsMDQ4PEC=="),
    "empty list elements": request("/echo", "Sec-WebSocket-Protocol: , chat,,"),
    "no content": request("/echo", "Content-Length: 0"),
    "unknown fields": request("/echo", "Sec-WebSocket-Foo: x", "X-Foo: bar"),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_accepted_on_every_stack(each_stack: str, name: str) -> None:
    assert (await answer(each_stack, ACCEPTED[name])).status == 101


@pytest.mark.parametrize(("target", "status"), [("/nope", 404), ("/items", 404), ("/ws/", 404), ("/echo/", 404)])
async def test_an_unknown_resource_is_refused_with_404(each_stack: str, target: str, status: int) -> None:
    found = await answer(each_stack, request(target))
    assert found.status == status
    assert found.fields["connection"] == "close"
    assert len(found.body) == int(found.fields["content-length"])


async def test_the_answer_says_why(each_stack: str) -> None:
    found = await answer(each_stack, request(host="a b"))
    assert found.body == b"the value of Host is invalid\n"
    assert found.fields["connection"] == "close"
    assert found.fields["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "handshake",
    [
        request().replace(b"Upgrade: websocket\r\n", b""),
        request().replace(b"Upgrade: websocket\r\n", b"Upgrade: foo/1, websocket\r\n"),
        request().replace(b"Connection: Upgrade\r\n", b"Connection: close\r\n"),
    ],
    ids=["no Upgrade", "Upgrade list", "no Upgrade in Connection"],
)
async def test_what_the_stack_takes_for_plain_http_gets_426(each_stack: str, handshake: bytes) -> None:
    async with tcp(each_stack) as peer:
        peer.send(handshake)
        found = await peer.head()
    assert found.status == 426
    assert found.fields["upgrade"] == "websocket"
    assert found.fields["connection"].lower().startswith("upgrade")
    assert found.fields["sec-websocket-version"] == "13"


async def test_plain_http_needs_a_host_as_well(server: str) -> None:
    async with tcp(server) as peer:
        peer.send(b"GET / HTTP/1.1\r\n\r\n")
        assert (await peer.answer()).status == 400
