"""The mutant server, each message answered late. ``python -m benchmarks.late PORT SECONDS``."""

from __future__ import annotations

import asyncio
import sys

from tests.mutants import MutantServer
from tests.mutants.connection import Connection


def late_connection(seconds: float) -> type[Connection]:
    """A connection whose application takes ``seconds`` for each message."""

    class LateConnection(Connection):
        def deliver(self, opcode: int, message: bytes) -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, super().deliver, opcode, message)

    return LateConnection


async def main(port: int, seconds: float) -> None:
    server = MutantServer(port=port)
    server.connection_class = late_connection(seconds)
    async with server:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
