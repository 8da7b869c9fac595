"""The chat of the tutorial, with rooms: nobody in it can hold up or break the others."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket, WebSocketException

from .dependencies import ConnectionOf, RoomsOf, SettingsOf
from .members import Member
from .messages import receive_text
from .rooms import Room

router = APIRouter()


@router.websocket("/ws/{client_id}")
async def chat(
    websocket: WebSocket,
    client_id: Annotated[int, Path()],
    rooms: RoomsOf,
    connection: ConnectionOf,
    settings: SettingsOf,
    room: Annotated[str, Query(max_length=128)] = "",
) -> None:
    """Tell everybody in the room what this client writes, and the rest when it is gone; one room if none is named."""
    async with rooms.room(room) as entered:
        await websocket.accept()
        # Nothing may wait between accept() and join(): what is said once the peer has its 101 is for it as well.
        member = Member(websocket, settings)
        entered.join(member)
        try:
            await member.take_part(_listen(websocket, client_id, member, entered))
        finally:
            if entered.leave(member):
                await entered.say(f"Client #{client_id} left the chat")
    if member.slow:
        await connection.close(settings.overflow_code, "messages were taken too slowly", settings.close_timeout)


async def _listen(websocket: WebSocket, client_id: int, member: Member, room: Room) -> None:
    try:
        while True:
            data = await receive_text(websocket)
            answer = f"You wrote: {data}"
            member.offer(answer, len(answer.encode()))
            await member.has_room()
            await room.say(f"Client #{client_id} says: {data}")
            # The others' senders must get their turn even if the next message is here already.
            await asyncio.sleep(0)
            await member.has_room()
    except WebSocketException:
        await member.flush()
        raise
