"""The conformant server: frames, messages and the closing handshake, with golden bytes written by hand.

Frames from the client have the masking key 00000000 unless masking is what is tested, so that they can be read.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from .http_phase import Limits
from .raw import RawClient
from .server import MutantServer, mutant_server

MASK = b"\0\0\0\0"
FRAGMENT = b"\x01\x82" + MASK + b"ab"
"""The first frame of a text message that goes on."""


@pytest.fixture(scope="module")
def server() -> Iterator[MutantServer]:
    """A conformant server."""
    with mutant_server() as running:
        yield running


@pytest.fixture
def client(server: MutantServer) -> Iterator[RawClient]:
    """An open WebSocket connection to its echo."""
    with RawClient(server) as connected:
        connected.open()
        yield connected


def closed(client: RawClient) -> int | None:
    """Read up to the server's FIN: the code of the one Close that comes, None if it has none."""
    octets = client.read_to_end()
    assert octets[:1] == b"\x88"
    assert octets[1] == len(octets) - 2
    octets[4:].decode()
    return int.from_bytes(octets[2:4], "big") if octets[1] else None


# Messages


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        pytest.param(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", b"\x81\x05Hello", id="the RFC's Hello"),
        pytest.param(b"\x81\x80" + MASK, b"\x81\x00", id="empty text"),
        pytest.param(b"\x82\xfd" + MASK + b"x" * 125, b"\x82\x7d" + b"x" * 125, id="125"),
        pytest.param(b"\x82\xfe\x00\x7e" + MASK + b"x" * 126, b"\x82\x7e\x00\x7e" + b"x" * 126, id="126"),
        pytest.param(b"\x82\xfe\xff\xff" + MASK + b"x" * 65535, b"\x82\x7e\xff\xff" + b"x" * 65535, id="65535"),
        pytest.param(
            b"\x82\xff\0\0\0\0\0\1\0\0" + MASK + b"x" * 65536,
            b"\x82\x7f\0\0\0\0\0\1\0\0" + b"x" * 65536,
            id="65536",
        ),
        pytest.param(b"\x82\x84\xff\xff\xff\xff\x00\x01\xfe\xff", b"\x82\x04\xff\xfe\x01\x00", id="key of ones"),
        pytest.param(FRAGMENT + b"\x80\x81\x01\x02\x03\x04b", b"\x81\x03abc", id="two fragments, two keys"),
        pytest.param(
            b"\x02\x80" + MASK + b"\x00\x81" + MASK + b"\xff" + b"\x80\x80" + MASK,
            b"\x82\x01\xff",
            id="empty fragments",
        ),
        pytest.param(
            FRAGMENT + b"\x89\x81" + MASK + b"!" + b"\x8a\x80" + MASK + b"\x80\x80" + MASK,
            b"\x8a\x01!\x81\x02ab",
            id="control frames within a message",
        ),
        pytest.param(
            (FRAGMENT + b"\x80\x80" + MASK) * 2, b"\x81\x02ab\x81\x02ab", id="two fragmented messages in a row"
        ),
        pytest.param(b"\x8a\x84" + MASK + b"what\x89\x80" + MASK, b"\x8a\x00", id="unsolicited Pong, empty Ping"),
        pytest.param(b"\x89\xfd" + MASK + b"\xff" * 125, b"\x8a\x7d" + b"\xff" * 125, id="Ping of 125"),
    ],
)
@pytest.mark.parametrize("step", [0, 1, 3])
def test_echo(client: RawClient, sent: bytes, echoed: bytes, step: int) -> None:
    """Every good sequence is answered so, whatever the segments are."""
    if step and len(sent) < 1000:
        for start in range(0, len(sent), step):
            client.send(sent[start : start + step])
    else:
        client.send(sent)
    assert client.read(len(echoed)) == echoed
    client.fence()


@pytest.mark.parametrize(
    "text", ["\0", "\x7f\x80\u07ff\u0800", "\ud7ff\ue000\ufeff\ufffd\ufffe\uffff", "\U00010000\U0001fffe\U0010ffff"]
)
def test_valid_text(client: RawClient, text: str) -> None:
    """Every valid character passes, also one octet a fragment."""
    octets = text.encode()
    client.send(b"\x01\x80" + MASK)
    for octet in octets:
        client.send(b"\x00\x81" + MASK + bytes((octet,)))
    client.send(b"\x80\x80" + MASK)
    assert client.read(2 + len(octets)) == bytes((0x81, len(octets))) + octets


def test_large_message(client: RawClient) -> None:
    """16 MiB pass."""
    client.send(b"\x82\xff\0\0\0\0\1\0\0\0" + MASK + bytes(1 << 24))
    assert client.read(10) == b"\x82\x7f\0\0\0\0\1\0\0\0"
    assert client.read(1 << 24) == bytes(1 << 24)


# Failures

UNMASKED = [
    pytest.param(octets, 1002, id=f"unmasked {octets.hex()}")
    for octets in (b"\x81\x00", b"\x81\x01a", b"\x82\x01a", b"\x89\x00", b"\x8a\x01a", b"\x88\x00", b"\x88\x02\x03\xe8")
]
RESERVED_BITS = [
    pytest.param(bytes((0x80 | rsv << 4 | opcode, 0x80)) + MASK, 1002, id=f"rsv {rsv} on {opcode}")
    for rsv in range(1, 8)
    for opcode in (1, 2, 8, 9, 10)
]
UNKNOWN_OPCODES = [
    pytest.param(bytes((fin | opcode, 0x80)), 1002, id=f"opcode {opcode} fin {fin >> 7}")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    for fin in (0x80, 0)
]
INVALID_TEXT = [
    pytest.param(b"\x01" + bytes((0xFE, 0x03, 0xE8)) + MASK + octets, 1007, id=f"beginning {octets.hex()}")
    for octets in (
        b"\x80",
        b"\xbf",
        b"\xc0",
        b"\xc1",
        b"\xc2\x41",
        b"\xe0\x80",
        b"\xe0\x9f",
        b"\xe2\x82\x41",
        b"\xed\xa0",
        b"\xed\xbf",
        b"\xf0\x80",
        b"\xf0\x8f",
        b"\xf4\x90",
        b"\xf5",
        b"\xfe",
        b"\xff",
        "\u03ba\u1f79\u03c3\u03bc\u03b5".encode() + b"\xed\xa0",
    )
]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        *UNMASKED,
        *RESERVED_BITS,
        *UNKNOWN_OPCODES,
        *INVALID_TEXT,
        pytest.param(FRAGMENT + b"\xc0\x80" + MASK, 1002, id="rsv on a continuation"),
        pytest.param(FRAGMENT + b"\x83\x80" + MASK, 1002, id="opcode 3 within a message"),
        pytest.param(FRAGMENT + b"\x80\x01a", 1002, id="unmasked continuation"),
        pytest.param(FRAGMENT + b"\x81\x80" + MASK, 1002, id="text within text"),
        pytest.param(FRAGMENT + b"\x02\x80" + MASK, 1002, id="binary within text"),
        pytest.param(b"\x80\x80" + MASK, 1002, id="continuation first"),
        pytest.param(b"\x00\x80" + MASK, 1002, id="continuation first, fin 0"),
        pytest.param(b"\x89\xfe\x00\x7e", 1002, id="long Ping"),
        pytest.param(b"\x8a\xff", 1002, id="very long Pong"),
        pytest.param(b"\x88\xfe", 1002, id="long Close"),
        pytest.param(b"\x09\x80", 1002, id="fragmented Ping"),
        pytest.param(b"\x0a\x80", 1002, id="fragmented Pong"),
        pytest.param(b"\x08\x80", 1002, id="fragmented Close"),
        pytest.param(b"\x81\xfe\x00\x05", 1002, id="5 in 16 bits"),
        pytest.param(b"\x81\xff\0\0\0\0\0\0\0\x05", 1002, id="5 in 64 bits"),
        pytest.param(b"\x81\xff\0\0\0\0\0\0\xff\xff", 1002, id="65535 in 64 bits"),
        pytest.param(b"\x81\xff\x80\0\0\0\0\0\0\0", 1002, id="top bit"),
        pytest.param(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1002, id="all bits"),
        pytest.param(b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009, id="2^63 - 1"),
        pytest.param(b"\x81\xff\0\0\0\0\1\0\0\1", 1009, id="limit + 1"),
        pytest.param(FRAGMENT + b"\x80\xff\0\0\0\0\0\xff\xff\xff", 1009, id="limit + 1 in fragments"),
        pytest.param(b"\x81\x81" + MASK + b"\xce", 1007, id="text cut"),
        pytest.param(b"\x01\x82" + MASK + b"\xe2\x82\x80\x80" + MASK, 1007, id="text cut, in fragments"),
        pytest.param(b"\x88\x81" + MASK + b"a", 1002, id="half a code"),
        pytest.param(b"\x88\x83" + MASK + b"\x03\xe8\xff", 1007, id="invalid reason"),
        pytest.param(b"\x88\x84" + MASK + b"\x03\xe8\xe2\x82", 1007, id="cut reason"),
    ],
)
def test_failed(client: RawClient, octets: bytes, code: int) -> None:
    """What is wrong fails the connection at once, whatever follows, and nothing that follows is answered."""
    client.send(octets + b"\x89\x80" + MASK + b"\x81\x81" + MASK + b"x" + b"\x88\x80" + MASK)
    assert closed(client) == code


def test_failed_after_message(client: RawClient) -> None:
    """The message before is still echoed."""
    client.send(b"\x81\x81" + MASK + b"x" + b"\xa1\x80" + MASK)
    assert client.read(3) == b"\x81\x01x"
    assert closed(client) == 1002


# The closing handshake


@pytest.mark.parametrize(
    "body",
    [
        b"",
        *(code.to_bytes(2, "big") for code in (1000, 1001, 1003, 1007, 1010, 1011, 1012, 1014, 3000, 3999, 4000, 4999)),
        b"\x03\xe8" + "\u20ac".encode() * 41,
    ],
)
def test_close_answered(client: RawClient, body: bytes) -> None:
    """A good Close comes back as it is, then the server ends TCP; what follows the Close is discarded."""
    client.send(bytes((0x88, 0x80 | len(body))) + MASK + body)
    client.send(b"\x81\x81" + MASK + b"x" + b"\x89\x80" + MASK + b"\x88\x80" + MASK + bytes(100_000))
    assert client.read_to_end() == bytes((0x88, len(body))) + body


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_illegal_close_code(client: RawClient, code: int) -> None:
    """A code that nobody may send is a protocol error."""
    client.send(b"\x88\x82" + MASK + code.to_bytes(2, "big"))
    assert closed(client) == 1002


def test_close_within_message(client: RawClient) -> None:
    """A Close need not wait for the end of a message."""
    client.send(FRAGMENT + b"\x88\x82" + MASK + b"\x03\xe8")
    assert closed(client) == 1000


def test_half_close(client: RawClient) -> None:
    """When the client ends TCP the server does too; a cut message is not delivered."""
    client.send(b"\x81\x81" + MASK + b"x" + b"\x81\x8a" + MASK + b"ab")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.read_to_end() == b"\x81\x01x"


def test_pings_are_answered_until_the_clients_close(server: MutantServer) -> None:
    """Between the server's Close and the client's a Ping is answered; data are not; there is no second Close."""
    with RawClient(server) as client:
        client.open("GET /probe/close?code=4000&reason=bye HTTP/1.1")
        assert client.read(7) == b"\x88\x05\x0f\xa0bye"
        client.send(b"\x81\x81" + MASK + b"x" + b"\x89\x81" + MASK + b"?" + b"\x88\x82" + MASK + b"\x03\xe8")
        assert client.read_to_end() == b"\x8a\x01?"


def test_failure_after_the_servers_close(server: MutantServer) -> None:
    """A fault after the server's Close ends TCP without a second one."""
    with RawClient(server) as client:
        client.open("GET /probe/close HTTP/1.1")
        assert client.read(4) == b"\x88\x02\x03\xe8"
        client.send(b"\xf1\x80" + MASK)
        assert client.read_to_end() == b""


def test_close_timeout() -> None:
    """The server does not wait for ever for the client's Close."""
    with mutant_server(limits=Limits(close_time=0.05)) as server, RawClient(server) as client:
        client.open("GET /probe/close?code=1001 HTTP/1.1")
        assert client.read_to_end() == b"\x88\x02\x03\xe9"


def test_a_client_that_does_not_read(server: MutantServer) -> None:
    """Much unread data costs neither an answer nor an order, once the client reads."""
    count, size = 400, 65535
    with RawClient(server) as client:
        client.open()
        client.send(b"".join(b"\x82\xfe\xff\xff" + MASK + bytes((n % 251,)) * size for n in range(count)))
        for n in range(count):
            assert client.read(4 + size) == b"\x82\x7e\xff\xff" + bytes((n % 251,)) * size
