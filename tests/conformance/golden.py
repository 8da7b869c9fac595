"""Golden bytes, and servers in a few lines, for the tests of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from tests.peers.scripted import Wire

HELLO = b"\x81\x05Hello"
PING = b"\x89\x02hi"
CLOSE_1000 = b"\x88\x02\x03\xe8"
CLOSE_1002 = b"\x88\x02\x03\xea"
CLOSE_1005 = b"\x88\x02\x03\xed"
CLOSE_EMPTY = b"\x88\x00"
RFC_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
RFC_101 = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
"""The answer to that key in RFC 6455, section 1.3."""
PONG_OUT = 0x8A
CLOSE_OUT = 0x88
TEXT_OUT = 0x81

T = TypeVar("T")


async def pongs(server: Wire) -> None:
    """Answer each Ping, until the connection ends."""
    while True:
        first, payload = await server.frame()
        if first == 0x89:
            await server.send(bytes((0x8A, len(payload))), payload)


async def beside(awaited: Awaitable[T], server: Awaitable[None]) -> T:
    """What the peer's side returns or raises, while the server's side runs along."""
    running = asyncio.ensure_future(server)
    try:
        return await awaited
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
