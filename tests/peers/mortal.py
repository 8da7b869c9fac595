"""A server that dies of a control frame longer than 125 bytes. ``python -m tests.peers.mortal PORT``."""

from __future__ import annotations

import asyncio
import os
import sys

from tests.mutants import MutantServer
from tests.mutants.connection import Connection, InFrame, Reaction


class Mortal(Connection):
    def on_long_control(self, frame: InFrame) -> Reaction:
        sys.stderr.write("mortal: a control frame was too long for me\n")
        sys.stderr.flush()
        os._exit(7)


async def main(port: int) -> None:
    server = MutantServer(port=port)
    server.connection_class = Mortal
    async with server:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
