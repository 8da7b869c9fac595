"""The echo of the FastAPI WebSockets tutorial, as it teaches it. ``python -m tests.peers.tutorial_echo PORT``."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def answer_texts(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        data = await websocket.receive_text()
        await websocket.send_text(f"Message text was: {data}")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
