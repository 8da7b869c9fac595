"""Running servers: one for each of uvicorn's WebSocket stacks, and one where the stack does not matter."""

from collections.abc import Iterator

import pytest

from wsproof.reference_server.embedded import running

STACKS = ("websockets-sansio", "websockets", "wsproto")


@pytest.fixture(scope="session", params=STACKS)
def each_stack(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server; the test runs once on each stack."""
    with running(ws=request.param) as url:
        yield url


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server on the default stack."""
    with running() as url:
        yield url
