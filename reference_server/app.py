"""The application: `uvicorn reference_server.app:app --reload` from a checkout, `wsproof serve` anywhere."""

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketException, status
from fastapi.exceptions import WebSocketRequestValidationError
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIWebSocketRoute
from fastapi.websockets import WebSocketState

from . import chat, echo, health, items, probe, web
from .channels.memory import MemoryChannel
from .connections import ConnectionMiddleware, Connections
from .dependencies import allowed_origin
from .handshake import HandshakeMiddleware
from .last_close import LastCloses
from .rooms import Rooms
from .settings import Denial, Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return a new application with rooms and counts of its own; without `settings` it reads the environment."""
    app = FastAPI(title="wsproof reference server", openapi_url=None)
    app.state.settings = settings or Settings()
    app.state.connections = Connections()
    app.state.last_closes = LastCloses()
    app.state.rooms = Rooms(MemoryChannel())
    for part in (echo, items, chat, probe):
        app.include_router(part.router, dependencies=[Depends(allowed_origin)])
        for route in part.router.routes:
            if isinstance(route, APIWebSocketRoute):
                app.add_route(route.path, upgrade_required, include_in_schema=False)
    for router in (web.router, health.router, unknown):
        app.include_router(router)
    app.exception_handler(WebSocketException)(refuse)
    app.exception_handler(WebSocketRequestValidationError)(refuse_parameters)
    app.add_middleware(ConnectionMiddleware, connections=app.state.connections)
    app.add_middleware(HandshakeMiddleware)
    return app


async def refuse(websocket: WebSocket, error: WebSocketException) -> None:
    """End a connection with the error's code; before accept() the settings say how that is shown."""
    settings: Settings = websocket.app.state.settings
    if websocket.application_state is WebSocketState.CONNECTING and settings.denial is Denial.CLOSE:
        await websocket.accept()
    await websocket.close(error.code, error.reason)


async def refuse_parameters(websocket: WebSocket, error: WebSocketRequestValidationError) -> None:
    """End a connection whose path, query or fields do not fit; FastAPI's own handler puts a list for the reason."""
    names = ", ".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
    await refuse(websocket, WebSocketException(status.WS_1008_POLICY_VIOLATION, f"not understood: {names}"[:100]))


unknown = APIRouter()


@unknown.websocket("/{path:path}")
async def no_such_resource(websocket: WebSocket) -> None:
    """Refuse with 404 (RFC 6455 section 4.2.2); Starlette says 403."""
    raise HTTPException(status.HTTP_404_NOT_FOUND, "there is no WebSocket here")


async def upgrade_required(request: Request) -> Response:
    """Answer a plain GET for a WebSocket resource with 426 and what it must carry (RFC 9110 section 15.5.22)."""
    fields = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}
    return PlainTextResponse("this resource is a WebSocket\n", status.HTTP_426_UPGRADE_REQUIRED, fields)


app = create_app()
