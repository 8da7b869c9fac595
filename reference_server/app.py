"""The application: `uvicorn reference_server.app:app --reload` from a checkout, `wsproof serve` anywhere."""

from fastapi import FastAPI, Request

from . import echo
from .connections import ConnectionMiddleware, Connections
from .last_close import LastCloses
from .settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return a new application with rooms and counts of its own; without `settings` it reads the environment."""
    app = FastAPI(title="wsproof reference server", docs_url=None, redoc_url=None)
    app.state.settings = settings or Settings()
    app.state.connections = Connections()
    app.state.last_closes = LastCloses()
    app.include_router(echo.router)
    app.add_api_route("/health", health)
    app.add_middleware(ConnectionMiddleware, connections=app.state.connections)
    return app


async def health(request: Request) -> dict[str, object]:
    """Tell what is open."""
    connections: Connections = request.app.state.connections
    return {"status": "ok", "connections": len(connections)}


app = create_app()
