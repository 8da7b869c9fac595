"""`/health` counts what is open."""

import pytest
from websockets.asyncio.client import connect

from wsproof.reference_server.embedded import running

from .conftest import STACKS
from .raw import eventually, health


@pytest.mark.parametrize("ws", STACKS)
async def test_health_counts_connections_rooms_and_members(ws: str) -> None:
    with running(ws=ws) as server:
        channel = {"name": "memory", "state": "ok"}
        nothing = {"status": "ok", "connections": 0, "rooms": 0, "members": 0, "channel": channel}
        assert health(server) == nothing
        async with connect(f"{server}/echo"), connect(f"{server}/ws/1"), connect(f"{server}/ws/2?room=a"):
            assert health(server) == nothing | {"connections": 3, "rooms": 2, "members": 2}
        await eventually(lambda: bool(health(server) == nothing))
