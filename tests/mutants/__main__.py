"""`python -m tests.mutants --port P [--switch NAME]` serves; `--list` names the switches."""

from __future__ import annotations

import argparse
import asyncio

from . import SWITCHES, MutantServer


async def serve(port: int, switch: str | None) -> None:
    """Serve until cancelled."""
    async with MutantServer(switch, port=port) as server:
        print(f"listening on {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="A server wrong in at most one way.")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--switch", choices=sorted(SWITCHES), metavar="NAME", help="what is wrong; see --list")
    parser.add_argument("--list", action="store_true", help="list the switches and end")
    arguments = parser.parse_args()
    if arguments.list:
        for switch in SWITCHES.values():
            print(f"{switch.chapter:18} {switch.name:40} {' '.join(switch.violates)}\n    {switch.title}")
        return
    try:
        asyncio.run(serve(arguments.port, arguments.switch))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
