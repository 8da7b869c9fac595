"""What the handlers depend on: the parts of their application, and the Origin that may use it."""

from typing import Annotated

from fastapi import Depends, Header, HTTPException, status
from starlette.requests import HTTPConnection

from .connections import Connection, Connections
from .last_close import LastCloses
from .rooms import Rooms
from .settings import Settings


def _settings(connection: HTTPConnection) -> Settings:
    settings: Settings = connection.app.state.settings
    return settings


def _rooms(connection: HTTPConnection) -> Rooms:
    rooms: Rooms = connection.app.state.rooms
    return rooms


def _last_closes(connection: HTTPConnection) -> LastCloses:
    last_closes: LastCloses = connection.app.state.last_closes
    return last_closes


def _connections(connection: HTTPConnection) -> Connections:
    connections: Connections = connection.app.state.connections
    return connections


def _connection(connection: HTTPConnection) -> Connection:
    found: Connection = connection.scope["wsproof.connection"]
    return found


SettingsOf = Annotated[Settings, Depends(_settings)]
RoomsOf = Annotated[Rooms, Depends(_rooms)]
LastClosesOf = Annotated[LastCloses, Depends(_last_closes)]
ConnectionsOf = Annotated[Connections, Depends(_connections)]
ConnectionOf = Annotated[Connection, Depends(_connection)]


def allowed_origin(settings: SettingsOf, origin: Annotated[str | None, Header()] = None) -> None:
    """Refuse a page of a foreign origin with 403 (RFC 6455 section 10.2), if the settings name any that may come."""
    if settings.origins and origin is not None and origin not in settings.origins:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "this Origin is not allowed here")
