"""A plain echo server of `aiohttp`, with its defaults. ``python -m tests.peers.aiohttp_echo PORT``."""

from __future__ import annotations

import sys

from aiohttp import WSMsgType, web


async def echo(request: web.Request) -> web.WebSocketResponse:
    connection = web.WebSocketResponse()
    await connection.prepare(request)
    async for message in connection:
        if message.type is WSMsgType.TEXT:
            await connection.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await connection.send_bytes(message.data)
    return connection


if __name__ == "__main__":
    application = web.Application()
    application.router.add_get("/", echo)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=lambda line: None)
