"""The Origin allow-list."""

from collections.abc import Iterator

import pytest

from wsproof.reference_server.embedded import running
from wsproof.reference_server.settings import Settings

from .conftest import STACKS
from .raw import request, tcp

ALLOWED = "https://good.example"


@pytest.fixture(scope="module", params=STACKS)
def choosy(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that lets one Origin in."""
    with running(Settings(origins=(ALLOWED,)), ws=request.param) as url:
        yield url


async def status(server: str, target: str, *lines: str) -> int:
    """Return the status of the answer to a handshake."""
    async with tcp(server) as peer:
        peer.send(request(target, *lines))
        return (await peer.answer()).status


@pytest.mark.parametrize("target", ["/echo", "/ws", "/ws/1", "/items/foo/ws?token=t", "/probe/headers"])
async def test_an_allowed_or_absent_origin_is_let_in(choosy: str, target: str) -> None:
    assert await status(choosy, target, f"Origin: {ALLOWED}") == 101
    assert await status(choosy, target) == 101


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://good.example",
        f"{ALLOWED}:8443",
        f"{ALLOWED}.evil.example",
        "",
        "HTTPS://GOOD",
    ],
)
async def test_another_origin_gets_403(choosy: str, origin: str) -> None:
    assert await status(choosy, "/echo", f"Origin: {origin}") == 403


async def test_by_default_every_origin_is_let_in(each_stack: str) -> None:
    assert await status(each_stack, "/echo", "Origin: https://anything.example") == 101
