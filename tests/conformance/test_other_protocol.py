"""A 101 to another protocol that was asked for is no WebSocket: what follows is not read as frames."""

from __future__ import annotations

import asyncio

import pytest

from wsproof.conformance.check import Findings
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.reports.model import RawFinding

SETTINGS = bytes.fromhex("0000120400000000000004000100000005000040000003000000")
"""The start of an HTTP/2 connection; read as a WebSocket frame it is a control frame in fragments with RSV bits."""


@pytest.mark.parametrize(
    ("asked", "switched", "frames"),
    [("h2c", "h2c", False), ("h2c", "websocket", True), ("websocket", "h2c", True), ("foo, h2c", "H2C", False)],
)
async def test_what_follows_a_switch(asked: str, switched: str, frames: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {switched}\r\nConnection: Upgrade\r\n\r\n"
        writer.write(head.encode() + b"\x8a\x00" + SETTINGS)
        writer.close()

    seen: list[RawFinding] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = parse_endpoint(f"ws://127.0.0.1:{port}/")
        target = Target(Setting(endpoint), Findings(("x",)), Transcript(endpoint.redactor()), seen.append)
        async with target.open() as peer:
            await peer.send_request(target.request().with_field("Upgrade", asked))
            response = await peer.read_response()
            assert response is not None
            assert response.accepted
            events = await peer.drain()
    assert (len(events) > 1) is frames
    assert any(finding.requirement.startswith("rfc6455-5.") for finding in seen) is frames
    assert (peer.unread == b"\x8a\x00" + SETTINGS) is not frames
