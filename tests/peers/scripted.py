"""A server that does what the test says, byte by byte, so that one test holds both ends of a connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.mutants.frames import xor_mask
from tests.peers.hostile import accept


class Wire:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """A request head."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def accept(self) -> None:
        """Answer the opening handshake with 101."""
        await accept(self.reader, self.writer)

    async def send(self, *data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(b"".join(data))
        await self.writer.drain()

    async def frame(self) -> tuple[int, bytes]:
        """A frame from the client: its first octet and its payload without the mask, which must be there."""
        first, second = await self.reader.readexactly(2)
        assert second & 0x80, "a client masks"
        size = {126: 2, 127: 8}.get(second & 0x7F, 0)
        length = int.from_bytes(await self.reader.readexactly(size), "big") if size else second & 0x7F
        key = await self.reader.readexactly(4)
        return first, xor_mask(await self.reader.readexactly(length), key)

    async def rest(self) -> bytes:
        """All bytes until the client ends its direction."""
        return await self.reader.read()

    def fin(self) -> None:
        """End our direction."""
        self.writer.write_eof()

    def reset(self) -> None:
        """End the connection with RST."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Listener:
    """Where connections arrive, in the order in which they were made."""

    def __init__(self, scheme: str, port: int, arrived: asyncio.Queue[Wire]) -> None:
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}/"
        self._arrived = arrived

    async def next(self) -> Wire:
        """The next connection, before any byte of it was read."""
        return await self._arrived.get()

    async def accepted(self) -> Wire:
        """The next connection, its opening handshake answered."""
        wire = await self.next()
        await wire.accept()
        return wire


@asynccontextmanager
async def scripted(tls: ssl.SSLContext | None = None) -> AsyncIterator[Listener]:
    """A listener on a free port of loopback; afterwards all its connections are dropped."""
    arrived: asyncio.Queue[Wire] = asyncio.Queue()
    wires: list[Wire] = []

    def made(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        wires.append(wire)
        arrived.put_nowait(wire)

    server = await asyncio.start_server(made, "127.0.0.1", 0, ssl=tls)
    try:
        yield Listener("wss" if tls else "ws", server.sockets[0].getsockname()[1], arrived)
    finally:
        server.close()
        for wire in wires:
            wire.writer.transport.abort()
        for wire in wires:
            with suppress(OSError):
                await wire.writer.wait_closed()
