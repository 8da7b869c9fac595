"""A third party with ways of its own, for docs/profiles.md. ``python -m tests.peers.warehouse PORT``.

A client names itself in a field, and says hello with the key in WAREHOUSE_KEY before anything else. ``/v1/say`` repeats
what it is told; ``/v1/stock/ITEM?limit=N`` tells of an item to whoever shows the key as ``?key=`` or in the cookie
``badge``; others get Close 4401.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

KEY = os.environ.get("WAREHOUSE_KEY", "")
STOCK = re.compile(r"/v1/stock/([^/]+)")
UNAUTHORIZED = 4401


def is_served(connection: ServerConnection, request: Request) -> Response | None:
    path = urlsplit(request.path).path
    if path != "/v1/say" and not STOCK.fullmatch(path):
        return connection.respond(HTTPStatus.NOT_FOUND, "nothing is kept there\n")
    if "X-Client" not in request.headers:
        return connection.respond(HTTPStatus.FORBIDDEN, "who are you?\n")
    return None


def credential(connection: ServerConnection, query: dict[str, list[str]]) -> str | None:
    assert connection.request is not None
    pairs = [pair.strip().partition("=") for pair in connection.request.headers.get("Cookie", "").split(";")]
    badge = next((value for name, _, value in pairs if name == "badge"), None)
    shown = [*query.get("key", []), *([badge] if badge is not None else [])]
    return next((found for found in shown if found == KEY), None)


async def handle(connection: ServerConnection) -> None:
    assert connection.request is not None
    parts = urlsplit(connection.request.path)
    query = parse_qs(parts.query, keep_blank_values=True)
    stock = STOCK.fullmatch(parts.path)
    limit = query.get("limit", [None])[0]
    shown = credential(connection, query)
    if stock and (shown is None or (limit is not None and not re.fullmatch("-?[0-9]+", limit))):
        await connection.close(UNAUTHORIZED, "no")
        return
    if await connection.recv() != f"hello {KEY}":
        await connection.close(UNAUTHORIZED, "say hello")
        return
    await connection.send("welcome, session 1")
    async for message in connection:
        if stock is None:
            await connection.send(f"You said <{message!s}>" if isinstance(message, str) else message)
            continue
        await connection.send(f"{unquote(stock[1])}: {message!s}")
        if limit is not None:
            await connection.send(f"at most {int(limit)}")
        await connection.send(f"for {shown}")


async def main(port: int) -> None:
    async with serve(handle, "127.0.0.1", port, process_request=is_served) as server:
        await server.serve_forever()


if __name__ == "__main__":
    logging.disable()  # the suite ends connections in every way there is
    asyncio.run(main(int(sys.argv[1])))
