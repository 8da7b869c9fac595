"""A member's outbox: bounded in count and bytes, and never waited for."""

import asyncio
from typing import cast

import pytest
from fastapi import WebSocket, WebSocketDisconnect, WebSocketException

from wsproof.reference_server.members import Member
from wsproof.reference_server.settings import Settings

from .raw import PATIENCE


class FakeSocket:
    """Takes messages while its gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.sent: list[str] = []

    async def send_text(self, message: str) -> None:
        """Take one message."""
        await self.gate.wait()
        self.sent.append(message)


def member(**settings: float) -> tuple[Member, FakeSocket]:
    """Return a member and its socket."""
    websocket = FakeSocket()
    return Member(cast(WebSocket, websocket), Settings.model_validate(settings)), websocket


async def forever() -> None:
    """Listen to somebody who says nothing."""
    await asyncio.Event().wait()


async def test_too_many_messages_make_a_member_slow() -> None:
    slow, _ = member(outbox_messages=3)
    for number in range(3):
        slow.offer(str(number), 1)
    assert not slow.slow
    slow.offer("one too many", 1)
    assert slow.slow


async def test_too_many_bytes_make_a_member_slow_but_one_message_never_does() -> None:
    slow, _ = member(outbox_bytes=10)
    slow.offer("large", 1000)
    assert not slow.slow
    slow.offer("small", 1)
    assert slow.slow


async def test_a_slow_member_stops_taking_part_and_gets_nothing_more() -> None:
    slow, websocket = member(outbox_messages=1)
    part = asyncio.create_task(slow.take_part(forever()))
    for number in range(10):
        slow.offer(str(number), 1)
    async with asyncio.timeout(PATIENCE):
        await part
    slow.offer("later", 1)
    assert websocket.sent == []


async def test_a_send_that_takes_too_long_makes_a_member_slow() -> None:
    slow, _ = member(send_timeout=0.01)
    slow.offer("a", 1)
    async with asyncio.timeout(PATIENCE):
        await slow.take_part(forever())
    assert slow.slow


async def test_messages_are_sent_in_order() -> None:
    quick, websocket = member()
    websocket.gate.set()

    async def listening() -> None:
        for number in range(5):
            quick.offer(str(number), 1)
        await quick.flush()

    await quick.take_part(listening())
    assert websocket.sent == ["0", "1", "2", "3", "4"]


async def test_room_is_waited_for() -> None:
    quick, websocket = member(outbox_messages=1)
    part = asyncio.create_task(quick.take_part(forever()))
    quick.offer("a", 1)
    waiting = asyncio.create_task(quick.has_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    websocket.gate.set()
    async with asyncio.timeout(PATIENCE):
        await waiting
    part.cancel()


async def test_flush_gives_up_on_a_member_that_takes_nothing() -> None:
    slow, _ = member(send_timeout=0.01)
    slow.offer("a", 1)
    await slow.flush()
    assert slow.slow


async def test_that_the_peer_is_gone_is_no_error() -> None:
    async def leaving() -> None:
        raise WebSocketDisconnect(1006)

    gone, _ = member()
    await gone.take_part(leaving())
    assert not gone.slow


async def test_what_listening_raises_is_raised() -> None:
    async def failing() -> None:
        raise WebSocketException(1003)

    with pytest.raises(WebSocketException):
        await member()[0].take_part(failing())
