"""A client for the tests of the mutant server: octets out, octets in, and nothing in between."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType

from .server import MutantServer

TIMEOUT = 20.0
"""Seconds after which a test that still waits has failed; nothing here depends on it otherwise."""
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"\r\n"
)
FIELDS = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request(line: str = "GET /echo HTTP/1.1", *more: str, **changes: str | None) -> bytes:
    """A handshake: `changes` replace fields (`_` stands for `-`, None leaves the field out), `more` are lines."""
    fields: dict[str, str | None] = {**FIELDS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = [line, *(f"{name}: {value}" for name, value in fields.items() if value is not None), *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class RawClient:
    """One TCP (or TLS) connection to the server."""

    def __init__(self, server: MutantServer, *, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection((server.host, server.port), TIMEOUT)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1", suppress_ragged_eofs=False)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Send all of that."""
        self.socket.sendall(octets)

    def read(self, count: int) -> bytes:
        """Exactly so many octets; fewer only if the server has ended."""
        octets = bytearray()
        while len(octets) < count and (chunk := self.socket.recv(count - len(octets))):
            octets += chunk
        return bytes(octets)

    def read_to_end(self) -> bytes:
        """Everything up to the server's FIN."""
        octets = bytearray()
        while chunk := self.socket.recv(65536):
            octets += chunk
        return bytes(octets)

    def read_head(self) -> str:
        """A response up to its empty line."""
        octets = bytearray()
        while not octets.endswith(b"\r\n\r\n"):
            octet = self.socket.recv(1)
            if not octet:
                break
            octets += octet
        return octets.decode("latin-1")

    def read_response(self) -> tuple[str, bytes]:
        """A response that is no 101: its head, and the content that Content-Length announces."""
        head = self.read_head()
        length = next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("Content-Length:"))
        return head, self.read(int(length))

    def open(self, line: str = "GET /echo HTTP/1.1", *more: str, **changes: str | None) -> str:
        """Send a handshake, see to it that it is accepted, and return the head of the 101."""
        self.send(request(line, *more, **changes))
        head = self.read_head()
        assert head.startswith("HTTP/1.1 101 "), head
        return head

    def fence(self) -> None:
        """See to it that nothing more has been sent: the answer to a Ping comes next."""
        self.send(b"\x89\x85\0\0\0\0fence")
        assert self.read(7) == b"\x8a\x05fence"
