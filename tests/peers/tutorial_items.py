"""The items of the FastAPI WebSockets tutorial, as it teaches them. ``python -m tests.peers.tutorial_items PORT``.

What is raised before ``accept()`` never becomes a Close: the handshake is refused with 403.
"""

import sys
from typing import Annotated

import uvicorn
from fastapi import Cookie, Depends, FastAPI, Query, WebSocket, WebSocketException, status

app = FastAPI()


async def cookie_or_token(
    session: Annotated[str | None, Cookie()] = None, token: Annotated[str | None, Query()] = None
) -> str | None:
    if session is None and token is None:
        raise WebSocketException(code=status.WS_1008_POLICY_VIOLATION)
    return session or token


@app.websocket("/items/{item_id}/ws")
async def answer_about_item(
    websocket: WebSocket,
    item_id: str,
    credential: Annotated[str | None, Depends(cookie_or_token)],
    q: int | None = None,
) -> None:
    await websocket.accept()
    while True:
        data = await websocket.receive_text()
        await websocket.send_text(f"Session cookie or query token value is: {credential}")
        if q is not None:
            await websocket.send_text(f"Query parameter q is: {q}")
        await websocket.send_text(f"Message text was: {data}, for item ID: {item_id}")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
