"""`/items/{item_id}/ws`: the truth table of cookie, token, API key and q."""

import asyncio
from itertools import product

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from wsproof.reference_server.embedded import running
from wsproof.reference_server.settings import Denial, Settings

from .conftest import STACKS
from .raw import PATIENCE, end_of

COOKIES = [None, "", "fakesession"]
TOKENS = [None, "", "some token"]
KEYS = [None, "fakekey"]
QS = [None, "0", "-7"]


def address(server: str, token: str | None, q: str | None, item: str = "foo") -> str:
    """Return the URL of an item with what the query is to hold."""
    query = [f"{name}={value.replace(' ', '%20')}" for name, value in (("token", token), ("q", q)) if value is not None]
    return f"{server}/items/{item}/ws?{'&'.join(query)}"


def fields(cookie: str | None, key: str | None) -> dict[str, str]:
    """Return the request fields that carry a session cookie and an API key."""
    found = {} if cookie is None else {"Cookie": f"session={cookie}"}
    return found if key is None else found | {"X-API-Key": key}


async def test_the_whole_truth_table(server: str) -> None:
    for cookie, token, key, q in product(COOKIES, TOKENS, KEYS, QS):
        async with connect(address(server, token, q), additional_headers=fields(cookie, key)) as websocket:
            if cookie is None and token is None and key is None:
                assert (await end_of(websocket))[0] == 1008
                continue
            await websocket.send("hello")
            expected = [f"Session cookie or query token value is: {cookie or token or key or ''}"]
            if q is not None:
                expected.append(f"Query parameter q is: {q}")
            expected.append("Message text was: hello, for item ID: foo")
            async with asyncio.timeout(PATIENCE):
                assert [await websocket.recv() for _ in expected] == expected


@pytest.mark.parametrize(
    ("written", "item"), [("a%20b", "a b"), ("%C3%A9", "\u00e9"), ("%3Cb%3E", "<b>"), ("a+b", "a+b"), ("%00", "\0")]
)
async def test_an_item_id_is_percent_decoded(each_stack: str, written: str, item: str) -> None:
    async with connect(address(each_stack, "t", None, written)) as websocket:
        await websocket.send("")
        assert await websocket.recv() == "Session cookie or query token value is: t"
        assert await websocket.recv() == f"Message text was: , for item ID: {item}"


async def test_a_slash_is_no_part_of_an_item_id(server: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(server, "t", None, "a%2Fb"))
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("q", ["abc", "", "1.5", "1e3"])
async def test_a_wrong_q_is_refused(server: str, q: str) -> None:
    async with connect(address(server, "t", q)) as websocket:
        assert await end_of(websocket) == (1008, "not understood: q")


@pytest.mark.parametrize("ws", STACKS)
async def test_denial_http_refuses_with_403(ws: str) -> None:
    with running(Settings(denial=Denial.HTTP), ws=ws) as server:
        for token, q in [(None, None), ("t", "abc")]:
            with pytest.raises(InvalidStatus) as refused:
                await connect(address(server, token, q))
            response = refused.value.response
            assert response.status_code == 403
            assert response.headers["Connection"] == "close"
        async with connect(address(server, "t", None)) as websocket:
            await websocket.send("")
            assert await websocket.recv() == "Session cookie or query token value is: t"


async def test_denial_close_accepts_and_closes_with_1008(each_stack: str) -> None:
    async with connect(address(each_stack, None, None)) as websocket:
        assert await end_of(websocket) == (1008, "a session cookie, a token or an API key is needed")
