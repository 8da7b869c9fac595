"""The paths, TLS, the three ways to run the server, and the switches."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from .app import App
from .connection import Connection, InFrame, Reaction
from .http_phase import Fields
from .raw import ACCEPTED, RawClient, request
from .request import Refusal, Request
from .server import MutantServer, mutant_server
from .switch import CHAPTERS, SWITCHES, Switch, switch

MASK = b"\0\0\0\0"
HELLO = b"\x81\x85" + MASK + b"Hello"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[MutantServer]:
    """A conformant server."""
    with mutant_server() as running:
        yield running


@pytest.fixture
def client(server: MutantServer) -> Iterator[RawClient]:
    """A connection to it, not yet open."""
    with RawClient(server) as connected:
        yield connected


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who vouches for the certificates."""
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_server(authority: trustme.CA) -> Iterator[MutantServer]:
    """A conformant server under TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with mutant_server(ssl=context) as running:
        yield running


@pytest.fixture
def tls_client(tls_server: MutantServer, authority: trustme.CA) -> Iterator[RawClient]:
    """A connection to it, not yet open."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with RawClient(tls_server, tls=context) as connected:
        yield connected


# Hooks of each family, overridden here since the switches themselves belong to the proof of the checks


def wrong(part: type[Connection] | type[App]) -> Switch:
    """A switch that is registered nowhere."""
    return Switch("of-this-test", "It is wrong.", ("rfc6455-5.2-3",), (), part, "framing")


class DiesOfPing(Connection):
    def on_ping(self, payload: bytes) -> None:
        self.app.die()


class SwallowsUnmasked(Connection):
    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


class TakesUnmasked(Connection):
    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


class JoinsInterleaved(Connection):
    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        frame.opcode = 0
        return Reaction.TAKE


class LongLengths(Connection):
    def send_message(self, opcode: int, message: bytes) -> None:
        self.stream.write(self.encode_frame(True, 0, opcode, message, length_form=16))


class Masks(Connection):
    def send_message(self, opcode: int, message: bytes) -> None:
        self.stream.write(self.encode_frame(True, 0, opcode, message, masked=True))


class EchoesFragments(Connection):
    def on_fragment(self, frame: InFrame) -> None:
        self.deliver(1, bytes(self.message))


class TakesAnyText(Connection):
    def check_text(self, chunk: bytes) -> None:
        pass


class AnswersEmptyClose(Connection):
    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return b"\x03\xed"


class Shouts(App):
    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, message.upper())


class TakesAnyMethod(Connection):
    def check_method(self, request: Request) -> None:
        pass


class TakesFolds(Connection):
    def on_folded_line(self, line: bytes) -> None:
        pass


class AddsContent(Connection):
    def send_accept(self, request: Request, fields: Fields) -> None:
        super().send_accept(request, fields)
        self.stream.write(b"0\r\n\r\n")


class ShortStatusLine(Connection):
    def status_line(self, status: int) -> bytes:
        return b"HTTP/1.1 %d\r\n" % status


class FindsNothing(App):
    def check_path(self, request: Request) -> None:
        raise Refusal(404, "no such resource")


# Paths


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("/", b"\x81\x05Hello"),
        ("/prefix", b"\x81\x17Message text was: Hello"),
        ("/greet", b"\x81\x0dGood morning.\x81\x11The line is open.\x81\x05Hello"),
        ("/swallow", b""),
        ("/constant", b"\x81\x02ok"),
        ("/probe/push?n=3", b"\x81\x010\x81\x011\x81\x012"),
        ("/probe/push?n=2&interval=0.001", b"\x81\x010\x81\x011"),
    ],
)
def test_paths(client: RawClient, path: str, answers: bytes) -> None:
    """What each path says to a Hello."""
    client.open(f"GET {path} HTTP/1.1")
    client.send(HELLO)
    assert client.read(len(answers)) == answers
    client.fence()


def test_push(client: RawClient) -> None:
    """Messages come unasked, and Pings are answered among them."""
    client.open("GET /push HTTP/1.1")
    assert client.read(18) == b"\x81\x04tick" * 3
    client.send(b"\x89\x80" + MASK)
    answers = b""
    while not answers.endswith(b"\x8a\x00"):
        answers += client.read(1)
    assert answers.removesuffix(b"\x8a\x00").replace(b"\x81\x04tick", b"") == b""


def test_probe_headers(client: RawClient) -> None:
    """The application adds a field to the 101."""
    assert "\r\nX-Wsproof: probe\r\n" in client.open("GET /probe/headers HTTP/1.1")


def test_probe_crash(client: RawClient) -> None:
    """A handler that fails is a Close 1011."""
    client.open("GET /probe/crash HTTP/1.1")
    client.send(HELLO)
    assert client.read(4)[2:] == b"\x03\xf3"


@pytest.mark.parametrize(
    ("name", "last", "told"),
    [
        ("empty", b"\x88\x80" + MASK, {"code": 1005, "reason": ""}),
        ("reason", b"\x88\x85" + MASK + b"\x0f\xa0bye", {"code": 4000, "reason": "bye"}),
        ("drop", b"", {"code": 1006, "reason": ""}),
        ("failed", b"\xf1\x80" + MASK, {"code": 1006, "reason": ""}),
    ],
)
def test_probe_last_close(client: RawClient, server: MutantServer, name: str, last: bytes, told: object) -> None:
    """How a connection ended can be asked, also before it has."""
    with RawClient(server) as watched:
        watched.open(f"GET /echo?id={name} HTTP/1.1")
        client.open(f"GET /probe/last-close?id={name} HTTP/1.1")
        watched.send(last)
    head = client.read(2)
    assert json.loads(client.read(head[1])) == told
    assert client.read(4) == b"\x88\x02\x03\xe8"


# TLS


def test_tls(tls_client: RawClient) -> None:
    """The same server under TLS ends with a closure alert: without one the client's recv would raise."""
    tls_client.send(request())
    assert tls_client.read(len(ACCEPTED)) == ACCEPTED
    tls_client.send(HELLO + b"\x88\x80" + MASK)
    assert tls_client.read_to_end() == b"\x81\x05Hello\x88\x00"


def test_tls_refusal_ends_with_alert(tls_client: RawClient) -> None:
    """So does an HTTP error with Connection: close."""
    tls_client.send(request(Connection="close"))
    assert tls_client.read_to_end().startswith(b"HTTP/1.1 426 ")


def test_tls_large_message(tls_client: RawClient) -> None:
    """A message of many records comes back whole."""
    tls_client.open()
    tls_client.send(b"\x82\xff\0\0\0\0\0\x0f\x42\x40" + MASK + bytes(1_000_000))
    assert tls_client.read(10 + 1_000_000) == b"\x82\x7f\0\0\0\0\0\x0f\x42\x40" + bytes(1_000_000)


def test_clear_text_on_tls_port(tls_server: MutantServer) -> None:
    """A handshake in clear gets no 101 there, only the end."""
    with RawClient(tls_server) as client:
        client.send(request())
        assert b"101" not in client.read_to_end()


# Ways to run


async def test_in_a_coroutine() -> None:
    """Used in a coroutine, it tells open connections that it goes away."""
    async with MutantServer() as server:
        assert server.url == f"ws://127.0.0.1:{server.port}/echo"
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(request())
        assert await reader.readexactly(len(ACCEPTED)) == ACCEPTED
    assert await reader.read() == b"\x88\x02\x03\xe9"
    writer.close()
    await writer.wait_closed()


def test_as_a_program() -> None:
    """As a program it says where it listens."""
    name = next(name for name, entry in SWITCHES.items() if entry.part.__dict__.get("on_ping"))
    command = [sys.executable, "-m", "tests.mutants", "--port", "0", "--switch", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("listening on ").strip()
            server = MutantServer(port=int(url.rpartition(":")[2].partition("/")[0]))
            assert server.url == url
            with RawClient(server) as client:
                client.open()
        finally:
            process.terminate()


def test_list() -> None:
    """The program lists the switches."""
    command = [sys.executable, "-m", "tests.mutants", "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert all(f" {name} " in listed for name in SWITCHES)


def test_crash_of_the_server() -> None:
    """A server that dies drops its connections and takes no new ones."""
    with mutant_server(wrong(DiesOfPing)) as server:
        with RawClient(server) as client:
            client.open()
            client.send(b"\x89\x80" + MASK)
            assert client.read_to_end() == b""
        with pytest.raises(ConnectionRefusedError):
            RawClient(server)


# Switches


def test_registry() -> None:
    """Every switch names requirements that exist; there are some in every chapter."""
    files = [ROOT / "conformance" / name for name in ("requirements.toml", "contracts.toml")]
    catalogues = [tomllib.loads(file.read_text("utf-8")) for file in files]
    known = {requirement["id"] for catalogue in catalogues for requirement in catalogue["requirement"]}
    assert [entry.name for entry in SWITCHES.values() if not set(entry.violates) <= known] == []
    assert {entry.chapter for entry in SWITCHES.values()} == set(CHAPTERS)
    assert len(SWITCHES) >= 60


def test_registration_is_strict() -> None:
    """A name is given once; a switch says what is wrong and names what it violates."""

    class Documented(Connection):
        """It is wrong."""

    class Undocumented(Connection):
        pass

    Undocumented.__doc__ = None
    with pytest.raises(ValueError, match="exists already"):
        switch(next(iter(SWITCHES)), violates=["rfc6455-5.2-3"])(Documented)
    with pytest.raises(ValueError, match="docstring"):
        switch("undocumented", violates=["rfc6455-5.2-3"])(Undocumented)
    with pytest.raises(ValueError, match="requirement"):
        switch("harmless", violates=[])(Documented)


def test_unknown_switch() -> None:
    """A misspelt switch is an error, not a conformant server."""
    with pytest.raises(KeyError):
        MutantServer("no-such-switch")


@pytest.mark.parametrize(
    ("part", "sent", "answer"),
    [
        (SwallowsUnmasked, b"\x81\x01x" + HELLO, b"\x81\x05Hello"),
        (TakesUnmasked, b"\x81\x01x", b"\x81\x01x"),
        (JoinsInterleaved, b"\x01\x81" + MASK + b"a\x81\x81" + MASK + b"b", b"\x81\x02ab"),
        (LongLengths, HELLO, b"\x81\x7e\x00\x05Hello"),
        (Masks, HELLO, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        (EchoesFragments, b"\x01\x81" + MASK + b"a", b"\x81\x01a"),
        (TakesAnyText, b"\x81\x81" + MASK + b"\xff", b"\x81\x01\xff"),
        (AnswersEmptyClose, b"\x88\x80" + MASK, b"\x88\x02\x03\xed"),
        (Shouts, HELLO, b"\x81\x05HELLO"),
    ],
)
def test_hooks_of_frames(part: type[Connection] | type[App], sent: bytes, answer: bytes) -> None:
    """One method overridden changes one behaviour."""
    with mutant_server(wrong(part)) as server, RawClient(server) as client:
        client.open()
        client.send(sent)
        assert client.read(len(answer)) == answer


@pytest.mark.parametrize(
    ("part", "sent", "answer"),
    [
        (TakesAnyMethod, request("POST /echo HTTP/1.1", "Content-Length: 0"), ACCEPTED),
        (TakesFolds, request("GET /echo HTTP/1.1", " folded"), ACCEPTED),
        (AddsContent, request(), ACCEPTED + b"0\r\n\r\n"),
        (ShortStatusLine, request(), b"HTTP/1.1 101\r\nUpgrade"),
        (FindsNothing, request(), b"HTTP/1.1 404 "),
    ],
)
def test_hooks_of_http(part: type[Connection] | type[App], sent: bytes, answer: bytes) -> None:
    """One method overridden changes one behaviour."""
    with mutant_server(wrong(part)) as server, RawClient(server) as client:
        client.send(sent)
        assert client.read(len(answer)) == answer
