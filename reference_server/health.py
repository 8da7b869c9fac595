"""`/health`: what is open at this moment."""

from fastapi import APIRouter
from pydantic import BaseModel

from .channels import State
from .dependencies import ConnectionsOf, RoomsOf

router = APIRouter()


class ChannelHealth(BaseModel):
    """What carries the chat's messages, and whether it does."""

    name: str
    state: State


class Health(BaseModel):
    """The answer of `/health`."""

    status: State
    connections: int
    rooms: int
    members: int
    channel: ChannelHealth


@router.get("/health")
async def health(connections: ConnectionsOf, rooms: RoomsOf) -> Health:
    """Count the open WebSocket connections, the rooms in use and the members in them."""
    channel = ChannelHealth(name=rooms.channel.name, state=rooms.channel.state)
    return Health(
        status=channel.state, connections=len(connections), rooms=len(rooms), members=rooms.members, channel=channel
    )
