"""The conformant server: HTTP and the opening handshake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .http_phase import Limits
from .raw import ACCEPTED, KEY, RawClient, request
from .server import MutantServer, mutant_server


@pytest.fixture(scope="module")
def server() -> Iterator[MutantServer]:
    """A conformant server."""
    with mutant_server() as running:
        yield running


@pytest.fixture
def client(server: MutantServer) -> Iterator[RawClient]:
    """A connection to it."""
    with RawClient(server) as connected:
        yield connected


def test_golden_handshake(client: RawClient) -> None:
    """The example of RFC 6455, section 1.3."""
    client.send(request())
    assert client.read(len(ACCEPTED)) == ACCEPTED
    client.fence()


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(request("GET http://127.0.0.1/echo HTTP/1.1"), id="absolute-form"),
        pytest.param(request("GET http://127.0.0.1/echo HTTP/1.1", Host="elsewhere.invalid"), id="absolute-form wins"),
        pytest.param(request("GET /%65cho?x=%23 HTTP/1.1"), id="escapes and query"),
        pytest.param(request("GET /echo?" + "x" * 8000 + " HTTP/1.1"), id="request line of 8000"),
        pytest.param(request("GET /echo HTTP/1.2"), id="HTTP/1.2"),
        pytest.param(b"\r\n" + request(), id="empty line first"),
        pytest.param(request(Host=""), id="empty Host"),
        pytest.param(request(Host="localhost:8080"), id="Host with port"),
        pytest.param(request(Upgrade="WebSocket"), id="Upgrade in capitals"),
        pytest.param(request(Upgrade="foo/1, websocket"), id="Upgrade list"),
        pytest.param(request("GET /echo HTTP/1.1", "Upgrade: websocket", Upgrade="foo/1"), id="Upgrade on two lines"),
        pytest.param(request(Connection="keep-alive, UPGRADE"), id="Connection list"),
        pytest.param(request(Connection=", Upgrade,,"), id="empty list elements"),
        pytest.param(
            request("GET /echo HTTP/1.1", "Connection: x", Connection="Upgrade"), id="Connection on two lines"
        ),
        pytest.param(request(Sec_WebSocket_Key=f"\t  {KEY} \t"), id="white space around the key"),
        pytest.param(request("GET /echo HTTP/1.1", "X-Unknown: \xe9", "Sec-WebSocket-Foo: 1"), id="unknown fields"),
        pytest.param(request().replace(b"Sec-WebSocket", b"sEC-wEBsOCKET"), id="case of field names"),
        pytest.param(request(Host=None)[:-2] + b"Host:127.0.0.1\r\n\r\n", id="Host last, no white space"),
        pytest.param(request("GET /echo HTTP/1.1", "Origin: https://friend.invalid"), id="another Origin"),
        pytest.param(request("GET /echo HTTP/1.1", "Sec-WebSocket-Protocol: x, y"), id="no suitable subprotocol"),
        pytest.param(request("GET /echo HTTP/1.1", "Sec-WebSocket-Extensions: permessage-deflate"), id="deflate"),
        pytest.param(
            request("GET /echo HTTP/1.1", 'Sec-WebSocket-Extensions: x;a="1\\0" ; b = c,, y'), id="unknown extensions"
        ),
        pytest.param(request("GET /echo HTTP/1.1", "Content-Length: 5") + b"\x88\0abc", id="content"),
        pytest.param(
            request("GET /echo HTTP/1.1", "Transfer-Encoding: chunked") + b"3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
            id="chunked content",
        ),
    ],
)
def test_accepted(client: RawClient, octets: bytes) -> None:
    """What differs from the plain handshake within the rules is accepted alike."""
    client.send(octets)
    assert client.read(len(ACCEPTED)) == ACCEPTED
    client.fence()


EXTRA = "GET /echo HTTP/1.1"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        pytest.param(request("POST /echo HTTP/1.1", "Content-Length: 3") + b"abc", 405, id="POST with content"),
        pytest.param(request("OPTIONS * HTTP/1.1"), 405, id="OPTIONS"),
        pytest.param(request("get /echo HTTP/1.1"), 501, id="lower-case method"),
        pytest.param(request("X" * 1000 + " /echo HTTP/1.1"), 501, id="long method"),
        pytest.param(request("GET /nowhere HTTP/1.1"), 404, id="unknown path"),
        pytest.param(request("GET https://127.0.0.1/echo HTTP/1.1"), 421, id="https in clear"),
        pytest.param(request(Host=None), 400, id="no Host"),
        pytest.param(request(EXTRA, "Host: 127.0.0.1"), 400, id="two Hosts"),
        pytest.param(request(Host="a b"), 400, id="Host with space"),
        pytest.param(request(Host="a:b:c"), 400, id="Host with colons"),
        pytest.param(request(Host="[::1"), 400, id="Host with open bracket"),
        pytest.param(request(Host="elsewhere.invalid"), 421, id="foreign Host"),
        pytest.param(request(Upgrade=None), 426, id="no Upgrade"),
        pytest.param(request(Upgrade="websocketx"), 426, id="Upgrade: websocketx"),
        pytest.param(request(Upgrade="web socket"), 426, id="Upgrade: web socket"),
        pytest.param(request(Connection=None), 426, id="no Connection"),
        pytest.param(request(Connection="notupgrade"), 426, id="Connection: notupgrade"),
        pytest.param(request(Connection="Upgrade x"), 426, id="Connection: Upgrade x"),
        pytest.param(request(Sec_WebSocket_Version=None), 400, id="no version"),
        pytest.param(request(Sec_WebSocket_Version="013"), 400, id="version 013"),
        pytest.param(request(Sec_WebSocket_Version="13, 8"), 400, id="version list"),
        pytest.param(request(Sec_WebSocket_Version="256"), 400, id="version 256"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Version: 13"), 400, id="two versions"),
        pytest.param(request(Sec_WebSocket_Version="14"), 426, id="version 14"),
        pytest.param(request(Sec_WebSocket_Key=None), 400, id="no key"),
        pytest.param(request(Sec_WebSocket_Key=""), 400, id="empty key"),
        pytest.param(request(Sec_WebSocket_Key="AAAA"), 400, id="short key"),
        pytest.param(request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZ_=="), 400, id="base64url key"),
        pytest.param(request(EXTRA, f"Sec-WebSocket-Key: {KEY}"), 400, id="two keys"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Protocol:"), 400, id="empty subprotocol"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Protocol: ,"), 400, id="comma for subprotocol"),
        pytest.param(request(EXTRA, 'Sec-WebSocket-Protocol: "chat"'), 400, id="quoted subprotocol"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Protocol: \xc3("), 400, id="subprotocol not ASCII"),
        pytest.param(request(EXTRA, *["Sec-WebSocket-Protocol: chat"] * 2), 400, id="subprotocol twice"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Extensions:"), 400, id="empty extensions"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Extensions: x;"), 400, id="extension with nothing after ;"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Extensions: x; =1"), 400, id="parameter without name"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Extensions: x; y="), 400, id="parameter without value"),
        pytest.param(request(EXTRA, 'Sec-WebSocket-Extensions: x; y="1'), 400, id="open quote"),
        pytest.param(request(EXTRA, 'Sec-WebSocket-Extensions: x; y=""'), 400, id="empty quotes"),
        pytest.param(request(EXTRA, 'Sec-WebSocket-Extensions: x; y="1 0"'), 400, id="quoted space"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Extensions: x;;y"), 400, id="two semicolons"),
        pytest.param(request(EXTRA, "Sec-WebSocket-Extensions: x y"), 400, id="extension with space"),
        pytest.param(request(EXTRA, "Origin: http://evil.invalid"), 403, id="refused Origin"),
        pytest.param(request(EXTRA, "Origin: a", "Origin: b"), 400, id="two Origins"),
        pytest.param(request("GET /deny HTTP/1.1"), 403, id="refused path"),
    ],
)
def test_refused_and_kept_open(client: RawClient, octets: bytes, status: int) -> None:
    """A handshake that breaks a rule of its own gets an HTTP error, after which the connection goes on."""
    client.send(octets)
    head, content = client.read_response()
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert content.endswith(b"\n")
    assert "Connection: close" not in head
    client.open()
    client.fence()


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        pytest.param(request("GET /echo HTTP/1.0"), 426, id="HTTP/1.0"),
        pytest.param(request(Connection="Upgrade, close", Upgrade=None), 426, id="close asked for"),
        pytest.param(request("GET /echo HTTP/2.0"), 505, id="HTTP/2.0"),
        pytest.param(request("GET /echo http/1.1"), 400, id="http/1.1"),
        pytest.param(request("GET /echo HTTP/11"), 400, id="HTTP/11"),
        pytest.param(request("GET /echo HTTP/1.10"), 400, id="HTTP/1.10"),
        pytest.param(request("GET /echo#frag HTTP/1.1"), 400, id="fragment"),
        pytest.param(request("GET /ec ho HTTP/1.1"), 400, id="space in target"),
        pytest.param(request("GET /echo"), 400, id="no version"),
        pytest.param(request("GET /echo HTTP/1.1 x"), 400, id="further word"),
        pytest.param(request("GET /\xc3( HTTP/1.1"), 400, id="octets above 127 in target"),
        pytest.param(request("GET echo HTTP/1.1"), 400, id="target without slash"),
        pytest.param(request("GET ws://127.0.0.1/echo HTTP/1.1"), 400, id="ws URI as target"),
        pytest.param(request("GET /echo\rx HTTP/1.1"), 400, id="CR in request line"),
        pytest.param(request(EXTRA, "X: a\rb"), 400, id="CR in field"),
        pytest.param(request(EXTRA, "X: a\0b"), 400, id="NUL in field"),
        pytest.param(request(EXTRA, "X : 1"), 400, id="space before colon"),
        pytest.param(request(EXTRA, "X"), 400, id="no colon"),
        pytest.param(request(EXTRA, " folded", Connection="keep-alive,"), 400, id="obs-fold"),
        pytest.param(
            request("GET /echo HTTP/1.1\r\n Upgrade: websocket", Upgrade=None), 400, id="indented first field"
        ),
        pytest.param(request().replace(b"\r\n", b"\n"), 400, id="bare LF"),
        pytest.param(request(EXTRA, "Content-Length: abc"), 400, id="Content-Length: abc"),
        pytest.param(request(EXTRA, "Content-Length: -1"), 400, id="Content-Length: -1"),
        pytest.param(request(EXTRA, "Content-Length: 5, 6"), 400, id="Content-Length: 5, 6"),
        pytest.param(request(EXTRA, "Content-Length: 9999999"), 413, id="too much content"),
        pytest.param(request(EXTRA, "Transfer-Encoding: gzip"), 400, id="gzip"),
        pytest.param(request(EXTRA, "Transfer-Encoding: chunked, gzip"), 400, id="chunked, gzip"),
        pytest.param(request(EXTRA, "Transfer-Encoding: gzip, chunked"), 501, id="gzip, chunked"),
        pytest.param(request(EXTRA, "Transfer-Encoding: foo"), 501, id="unknown transfer coding"),
        pytest.param(
            request(EXTRA, "Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n", 400, id="two framings"
        ),
        pytest.param(request(EXTRA, "Transfer-Encoding: chunked") + b"x\r\n", 400, id="bad chunk size"),
        pytest.param(request(EXTRA, "Transfer-Encoding: chunked") + b"1\r\nabc\r\n", 400, id="bad chunk"),
        pytest.param(request(EXTRA, "Transfer-Encoding: chunked") + b"1\na\n", 400, id="chunk with bare LF"),
        pytest.param(request(EXTRA, "Transfer-Encoding: chunked") + b"ffffff\r\n", 413, id="too big a chunk"),
        pytest.param(request(EXTRA, "X: " + "x" * 20000), 431, id="long field"),
        pytest.param(request(EXTRA, *["X: " + "x" * 8000] * 10), 431, id="long head"),
        pytest.param(request(EXTRA, *["X: 1"] * 1000), 431, id="many fields"),
        pytest.param(request("GET /echo?" + "x" * (1 << 20) + " HTTP/1.1"), 414, id="endless target"),
        pytest.param(b"X" * (1 << 17), 501, id="endless method"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", 400, id="TLS in clear"),
        pytest.param(b"\r\n" * 100, 400, id="empty lines only"),
    ],
)
def test_refused_and_closed(client: RawClient, octets: bytes, status: int) -> None:
    """Where the framing of HTTP is lost, or the client says so, the server closes after the error, by FIN."""
    client.send(octets)
    head, _ = client.read_response()
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "close" in next(line for line in head.split("\r\n") if line.startswith("Connection:"))
    assert client.read_to_end() == b""


def test_fields_of_errors(client: RawClient) -> None:
    """405 has Allow; 426 has Upgrade, Connection and the version; HEAD gets no content."""
    client.send(request("HEAD /echo HTTP/1.1"))
    head = client.read_head()
    assert head.startswith("HTTP/1.1 405 ")
    assert "\r\nAllow: GET\r\n" in head
    client.send(request(Sec_WebSocket_Version="99"))
    head, _ = client.read_response()
    assert head.startswith("HTTP/1.1 426 Upgrade Required\r\nDate: ")
    assert "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n" in head
    client.send(request("GET /auth HTTP/1.1"))
    assert "\r\nWWW-Authenticate: Basic " in client.read_response()[0]
    client.send(request("GET /redirect HTTP/1.1"))
    assert "\r\nLocation: /echo\r\n" in client.read_response()[0]
    client.open("GET /auth HTTP/1.1", "Authorization: Basic eDp5")


def test_pipelining(client: RawClient) -> None:
    """Pipelined requests are answered in order."""
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + request("GET /nowhere HTTP/1.1") + request())
    assert client.read_response()[0].startswith("HTTP/1.1 426 ")
    assert client.read_response()[0].startswith("HTTP/1.1 404 ")
    assert client.read(len(ACCEPTED)) == ACCEPTED


def test_expect_continue(client: RawClient) -> None:
    """A client that expects 100 gets it before the 101."""
    client.send(request(EXTRA, "Expect: 100-continue", "Content-Length: 3"))
    assert client.read_head() == "HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"abc")
    assert client.read(len(ACCEPTED)) == ACCEPTED


def test_one_octet_a_time(client: RawClient) -> None:
    """Segments mean nothing; there is no answer before the last octet."""
    for octet in request():
        client.send(bytes((octet,)))
    assert client.read(len(ACCEPTED)) == ACCEPTED


def test_frame_with_the_handshake(client: RawClient) -> None:
    """What follows the request in the same segment is a frame."""
    client.send(request() + b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
    assert client.read(len(ACCEPTED) + 7) == ACCEPTED + b"\x81\x05Hello"


def test_subprotocols(client: RawClient, server: MutantServer) -> None:
    """The first of the client's that the server speaks, over all lines, in exactly one field."""
    head = client.open(
        "GET /probe/subprotocol HTTP/1.1", "Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: superchat, chat"
    )
    assert head.count("Sec-WebSocket-Protocol") == 1
    assert "\r\nSec-WebSocket-Protocol: superchat\r\n" in head


def test_head_timeout() -> None:
    """A request that does not come gets 408; a connection that was never used just ends."""
    with mutant_server(limits=Limits(head_time=0.05)) as server:
        with RawClient(server) as slow:
            slow.send(b"GET /echo HTTP/1.1\r\nHost: x\r\n")
            assert slow.read_to_end().startswith(b"HTTP/1.1 408 ")
        with RawClient(server) as idle:
            assert idle.read_to_end() == b""


def test_any_host() -> None:
    """The server can be told to take any Host."""
    with mutant_server(limits=Limits(hosts=None)) as server, RawClient(server) as client:
        client.open(Host="elsewhere.invalid")
