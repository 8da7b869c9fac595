"""Control frames: Ping, Pong and their limits (RFC 6455, sections 5.5, 5.5.2 and 5.5.3)."""

from __future__ import annotations

from ..check import check, param
from ..target import Target
from ..wire.frames import CloseCode, Frame, Opcode


@check(
    "rfc6455-5.5.2-2",
    "rfc6455-5.5.3-1",
    "rfc6455-5.5.2-1",
    each=[
        param("empty", b"", autobahn=["2.1"]),
        param("text", b"Hello, world!", autobahn=["2.2"]),
        param("binary", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", autobahn=["2.3"]),
        param("125-bytes", b"\xfe" * 125, autobahn=["2.4"]),
    ],
)
async def ping_is_answered(target: Target, payload: bytes) -> None:
    """A Ping is answered by a Pong with the same payload."""
    async with target.connect() as peer:
        await peer.ping(payload)


@check(
    "rfc6455-5.5-2",
    each=[
        param("ping", Opcode.PING, autobahn=["2.5"]),
        param("pong", Opcode.PONG),
    ],
)
async def payload_over_125(target: Target, opcode: Opcode) -> None:
    """A control frame whose payload is longer than 125 bytes fails the connection."""
    async with target.connect() as peer:
        payload = target.nonce().ljust(126, b"*")
        await peer.send(Frame(opcode, payload))
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[payload], discard_warns=True)
