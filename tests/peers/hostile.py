"""Servers of bad intent. Each handler gets the streams of a fresh connection; the suite must survive all of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HANDLERS: dict[str, Handler] = {}


def handler(function: Handler) -> Handler:
    HANDLERS[getattr(function, "__name__", "").replace("_", "-")] = function
    return function


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A right answer to a right handshake, to gain trust."""
    head = await reader.readuntil(b"\r\n\r\n")
    match = re.search(rb"(?im)^sec-websocket-key:[ \t]*([^\r\n]*)", head)
    key = match[1].strip() if match else b""
    accepted = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
    )
    await writer.drain()


async def flood(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    """The same bytes for ever, as fast as the other side takes them."""
    while not writer.is_closing():
        writer.write(chunk)
        await writer.drain()


async def stay(reader: asyncio.StreamReader) -> None:
    """Read and ignore, for ever; never close."""
    while await reader.read(65536):
        pass
    await asyncio.Event().wait()


@handler
async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await stay(reader)


@handler
async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(os.urandom(4096) + b"\r\n\r\n" + b"\x1b[2J\x1b]0;owned\x07" * 100)
    await writer.drain()
    await stay(reader)


@handler
async def endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
    await flood(writer, b"X-More: " + b"a" * 8000 + b"\r\n")


@handler
async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await flood(writer, b"a" * 65536)


@handler
async def one_byte_at_a_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.2)


@handler
async def silent_after_101(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    await stay(reader)


@handler
async def garbage_after_101(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(os.urandom(100_000))
    await writer.drain()
    await stay(reader)


@handler
async def endless_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    await flood(writer, (b"\x81\x05hello" * 1000))


@handler
async def endless_pings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    await flood(writer, b"\x89\x05hello" * 1000)


@handler
async def endless_fragments(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(b"\x01\x00")
    await flood(writer, (b"\x00\x7e\xff\xff" + b"a" * 65535))


@handler
async def huge_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(b"\x82\x7f" + (2**63 - 1).to_bytes(8, "big"))
    await flood(writer, b"\0" * 65536)


@handler
async def huge_frame_announced(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    writer.write(b"\x82\x7f" + (2**63 - 1).to_bytes(8, "big") + b"little")
    await writer.drain()
    await stay(reader)


@handler
async def never_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each Close with Close, and leaves TCP open."""
    await accept(reader, writer)
    while data := await reader.read(65536):
        if data[0] & 0x0F == 8:
            writer.write(b"\x88\x02\x03\xe8")
    await asyncio.Event().wait()


@handler
async def unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and never reads a byte again."""
    await accept(reader, writer)
    await asyncio.Event().wait()


@handler
async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    await reader.read(1)
    writer.transport.abort()


@asynccontextmanager
async def hostile(name: str) -> AsyncIterator[int]:
    """The server of that name on a free port of loopback; yields the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await HANDLERS[name](reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over; asyncio would report a cancelled handler
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
