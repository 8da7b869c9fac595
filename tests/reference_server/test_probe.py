"""`/probe/*`."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from .raw import PATIENCE, RawPeer, close, end_of, eventually, frame, health, text, websocket


async def last_close(server: str, id: str) -> object:
    """Ask how the connection with this id ended."""
    async with connect(f"{server}/probe/last-close?id={id}") as asking, asyncio.timeout(PATIENCE):
        answer = json.loads(await asking.recv())
        assert await end_of(asking) == (1000, "")
        return answer


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], None),
        (["chat"], "chat"),
        (["superchat", "chat"], "superchat"),
        (["mqtt", "chat"], "chat"),
        (["mqtt"], None),
        (["CHAT"], None),
    ],
)
async def test_subprotocol_takes_the_first_known_one(each_stack: str, offered: list[str], chosen: str | None) -> None:
    names = [Subprotocol(name) for name in offered]
    async with connect(f"{each_stack}/probe/subprotocol", subprotocols=names or None) as websocket:
        assert websocket.subprotocol == chosen


async def test_subprotocol_reads_a_list_over_several_lines(each_stack: str) -> None:
    lines = [f"Sec-WebSocket-Protocol: {names}" for names in ("mqtt", "superchat, chat")]
    async with websocket(each_stack, "/probe/subprotocol", *lines):
        pass


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "\u00e9" * 61), (4999, "x" * 123)])
async def test_close_sends_this_code_and_reason(each_stack: str, code: int, reason: str) -> None:
    async with connect(f"{each_stack}/probe/close?code={code}&reason={quote(reason)}") as websocket:
        assert await end_of(websocket) == (code, reason)


@pytest.mark.parametrize("query", ["code=1005", "code=999", "code=2000", "code=5000", "code=x", f"reason={'x' * 124}"])
async def test_close_refuses_what_no_close_frame_carries(server: str, query: str) -> None:
    async with connect(f"{server}/probe/close?{query}") as websocket:
        assert await end_of(websocket) == (1008, f"not understood: {query.partition('=')[0]}")


async def test_push_sends_without_being_asked(each_stack: str) -> None:
    async with connect(f"{each_stack}/probe/push?n=3&interval=0.01") as websocket:
        assert [message async for message in websocket] == ["push 1", "push 2", "push 3"]
        assert await end_of(websocket) == (1000, "")


async def test_push_answers_ping_and_close_between_its_messages(each_stack: str) -> None:
    async with websocket(each_stack, "/probe/push?n=2&interval=60") as peer:
        assert await peer.frame() == (1, b"push 1")
        # Two messages first: some stacks stop reading when the application does.
        peer.send(text("a") + text("b") + frame(9, b"ping") + close(1001, "enough"))
        assert await peer.frame() == (10, b"ping")
        assert await peer.frame() == close_frame(1001, "enough")


def close_frame(code: int, reason: str) -> tuple[int, bytes]:
    """Return the Close that a peer should read."""
    return 8, code.to_bytes(2) + reason.encode()


async def test_crash_closes_with_1011(each_stack: str) -> None:
    async with connect(f"{each_stack}/probe/crash") as websocket:
        await websocket.send("now")
        assert await end_of(websocket) == (1011, "internal error")


async def test_headers_sends_a_field_with_the_101(each_stack: str) -> None:
    async with connect(f"{each_stack}/probe/headers") as websocket:
        assert websocket.response is not None
        assert websocket.response.headers["X-Wsproof"] == "probe"


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "\u00e9"), (4999, "x" * 123)])
async def test_last_close_tells_code_and_reason(each_stack: str, code: int, reason: str) -> None:
    id = f"code-{code}"
    async with connect(f"{each_stack}/echo?id={id}") as websocket:
        await websocket.close(code, reason)
    assert await last_close(each_stack, id) == {"code": code, "reason": reason}


async def test_last_close_tells_1005_for_a_close_without_code(each_stack: str) -> None:
    async with websocket(each_stack, "/echo?id=empty") as peer:
        peer.send(frame(8))
        assert await peer.frame() == (8, b"")
    assert await last_close(each_stack, "empty") == {"code": 1005, "reason": ""}


def end_tcp(peer: RawPeer) -> None:
    """End TCP with a FIN."""
    peer.writer.close()


@pytest.mark.parametrize(("id", "end"), [("rst", RawPeer.reset), ("fin", end_tcp)])
async def test_last_close_tells_1006_for_no_close(each_stack: str, id: str, end: Callable[[RawPeer], None]) -> None:
    async with websocket(each_stack, f"/echo?id={id}") as peer:
        end(peer)
    assert await last_close(each_stack, id) == {"code": 1006, "reason": ""}


async def test_last_close_tells_of_the_close_after_unread_messages(each_stack: str) -> None:
    async with websocket(each_stack, "/echo?id=burst") as peer:
        peer.send(text("a") * 20 + close(4000, "done"))
        await peer.frames()
    assert await last_close(each_stack, "burst") == {"code": 4000, "reason": "done"}


async def test_last_close_waits_for_the_end_of_the_connection(server: str) -> None:
    async with connect(f"{server}/echo?id=late") as echo:
        asking = asyncio.create_task(last_close(server, "late"))
        await eventually(lambda: bool(health(server)["connections"] >= 2))
        await echo.close(1001)
    assert await asking == {"code": 1001, "reason": ""}


async def test_last_close_knows_nothing_of_an_unknown_id(server: str) -> None:
    assert await last_close(server, "nobody") == {"code": None, "reason": None}
