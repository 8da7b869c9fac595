"""A WebSocket peer as bare as it can be: for what a proper client library would not send, or would not hold back."""

import asyncio
import contextlib
import json
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection

PATIENCE = 20.0
"""Seconds; only a test that fails waits so long."""
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ZERO_KEY = bytes(4)


def authority(url: str) -> tuple[str, int]:
    """Return host and port of a ws URL without a path."""
    host, port = url.removeprefix("ws://").split(":")
    return host, int(port)


def request(
    target: str = "/echo",
    *lines: str,
    host: str | None = "127.0.0.1",
    key: str | None = KEY,
    version: str | None = "13",
    http: str = "HTTP/1.1",
) -> bytes:
    """Return an opening handshake with these further lines; a None leaves a field out."""
    fields = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key}
    fields["Sec-WebSocket-Version"] = version
    given = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {target} {http}", *given, *lines, "", ""]).encode("latin-1")


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return one final masked frame."""
    length = len(payload)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 65536:
        size = b"\xfe" + struct.pack("!H", length)
    else:
        size = b"\xff" + struct.pack("!Q", length)
    return bytes([0x80 | opcode]) + size + ZERO_KEY + payload


def text(payload: str) -> bytes:
    """Return one text message."""
    return frame(1, payload.encode())


def close(code: int, reason: str = "") -> bytes:
    """Return a Close frame."""
    return frame(8, struct.pack("!H", code) + reason.encode())


@dataclass
class Answer:
    """An HTTP response: status, fields (names in lower case, lines joined), and the body if TCP ended with it."""

    status: int
    fields: dict[str, str]
    body: bytes = b""


class RawPeer:
    """A TCP connection that reads only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Write without waiting."""
        self.writer.write(data)

    async def head(self) -> Answer:
        """Read the head of a response."""
        async with asyncio.timeout(PATIENCE):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        fields: dict[str, str] = {}
        for line in filter(None, lines[1:]):
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return Answer(int(lines[0].split(" ")[1]), fields)

    async def answer(self) -> Answer:
        """Read a whole response, which must be the last thing before the end of TCP unless it is a 101."""
        found = await self.head()
        if found.status != 101:
            async with asyncio.timeout(PATIENCE):
                found.body = await self.reader.read()
        return found

    async def frame(self) -> tuple[int, bytes] | None:
        """Read one frame as opcode and payload; None at the end of TCP."""
        async with asyncio.timeout(PATIENCE):
            try:
                first, second = await self.reader.readexactly(2)
                length = second & 0x7F
                if length == 126:
                    length = int.from_bytes(await self.reader.readexactly(2))
                elif length == 127:
                    length = int.from_bytes(await self.reader.readexactly(8))
                return first & 0x0F, await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return None

    async def frames(self) -> list[tuple[int, bytes]]:
        """Read every frame until the end of TCP."""
        found = []
        while (one := await self.frame()) is not None:
            found.append(one)
            if one[0] == 8:
                self.send(frame(8, one[1]))
        return found

    def reset(self) -> None:
        """End TCP with a RST, if it has not ended."""
        if self.writer.transport.is_closing():
            return
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    @property
    def socket(self) -> socket.socket:
        """The socket itself."""
        found: socket.socket = self.writer.get_extra_info("socket")
        return found


@contextlib.asynccontextmanager
async def tcp(url: str, receive_buffer: int | None = None) -> AsyncIterator[RawPeer]:
    """Open a TCP connection to the server at `url`, if wanted with a small receive buffer (bytes)."""
    connection = socket.socket()
    connection.setblocking(False)
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(connection, authority(url))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024 if receive_buffer else 2**16)
    try:
        yield RawPeer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def websocket(url: str, target: str, *lines: str, receive_buffer: int | None = None) -> AsyncIterator[RawPeer]:
    """Open a WebSocket connection."""
    async with tcp(url, receive_buffer) as peer:
        peer.send(request(target, *lines))
        answer = await peer.head()
        assert answer.status == 101, answer
        yield peer


async def end_of(connection: ClientConnection) -> tuple[int | None, str | None]:
    """Wait for the server's Close on a connection of the `websockets` library: code and reason."""
    async with asyncio.timeout(PATIENCE):
        await connection.wait_closed()
    return connection.close_code, connection.close_reason


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something holds that cannot be waited for; fail after the patience."""
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 # what it asks about is another process
            await asyncio.sleep(0.01)


def get(url: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """GET a resource by plain HTTP: status, fields (names in lower case), body."""
    host, port = authority(url)
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=PATIENCE) as response:
            return response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def health(url: str) -> Any:
    """Return what `/health` says."""
    return json.loads(get(url, "/health")[2])
