"""A chat member: a bounded outbox and a sender of its own, so that a slow member holds up nobody else."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from .settings import Settings


class Member:
    """One connection in a room. Its outbox is filled without waiting and emptied by a task of its own."""

    def __init__(self, websocket: WebSocket, settings: Settings) -> None:
        self._websocket = websocket
        self._settings = settings
        self._outbox: deque[tuple[str, int]] = deque()
        self._outbox_bytes = 0
        self._sending = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._slow = asyncio.Event()

    @property
    def slow(self) -> bool:
        """Whether the member took its messages too slowly; it gets no more of them."""
        return self._slow.is_set()

    def offer(self, message: str, size: int) -> None:
        """Put a message of `size` bytes into the outbox; if that is full already, the member is slow from now on."""
        if self.slow:
            return
        if not self._has_room():
            self._slow.set()
            self._outbox.clear()
            return
        self._outbox.append((message, size))
        self._outbox_bytes += size
        self._filled.set()

    async def has_room(self) -> None:
        """Wait until the outbox takes a message: nobody is heard faster than it listens."""
        while not self._has_room():
            self._emptied.clear()
            await self._emptied.wait()

    async def flush(self) -> None:
        """Wait until the outbox is empty, but no longer than a send may take."""
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                while self._outbox or self._sending:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            self._slow.set()

    async def take_part(self, listening: Coroutine[Any, Any, None]) -> None:
        """Run `listening` and the sender until the first of them ends or the member is slow.

        Raises what `listening` raised; that the peer is gone is no error.
        """
        listener = asyncio.create_task(listening)
        tasks = (listener, asyncio.create_task(self._send()), asyncio.create_task(self._slow.wait()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.slow or listener.cancelled():
            return
        try:
            listener.result()
        except WebSocketDisconnect:
            return

    def _has_room(self) -> bool:
        return len(self._outbox) < self._settings.outbox_messages and self._outbox_bytes < self._settings.outbox_bytes

    async def _send(self) -> None:
        while True:
            while self._outbox:
                message, size = self._outbox.popleft()
                self._outbox_bytes -= size
                self._sending = True
                try:
                    async with asyncio.timeout(self._settings.send_timeout):
                        await self._websocket.send_text(message)
                except TimeoutError:
                    self._slow.set()
                    return
                finally:
                    self._sending = False
                    self._emptied.set()
            self._filled.clear()
            await self._filled.wait()
