"""`/echo`, `/ws`, `/ws/bytes`, `/ws/json`."""

import json

import pytest
from websockets.asyncio.client import connect

from .raw import end_of


async def ending(websocket_url: str, *messages: str | bytes) -> tuple[int | None, str | None]:
    """Send messages, and return code and reason of the Close that answers the last of them."""
    async with connect(websocket_url) as websocket:
        for message in messages:
            await websocket.send(message)
        return await end_of(websocket)


MESSAGES: list[str | bytes] = [
    "",
    "hello",
    "nul \0, emoji \U0001f600, right to left \u05e9",
    "x" * 2**20,
    b"",
    b"\xff\x00",
    bytes(2**20),
]


async def test_echo_sends_text_as_text_and_binary_as_binary(each_stack: str) -> None:
    async with connect(f"{each_stack}/echo", max_size=None) as websocket:
        for message in MESSAGES:
            await websocket.send(message)
            assert await websocket.recv() == message


async def test_echo_takes_messages_up_to_16_mib(server: str) -> None:
    async with connect(f"{server}/echo", max_size=None, compression=None) as websocket:
        message = bytes(16 * 2**20)
        await websocket.send(message)
        assert await websocket.recv() == message
    assert (await ending(f"{server}/echo", bytes(16 * 2**20 + 1)))[0] == 1009


async def test_echo_keeps_the_order(each_stack: str) -> None:
    sent = [str(number) for number in range(500)]
    async with connect(f"{each_stack}/echo") as websocket:
        for message in sent:
            await websocket.send(message)
        assert [await websocket.recv() for _ in sent] == sent


async def test_ws_answers_as_the_tutorial_does(each_stack: str) -> None:
    async with connect(f"{each_stack}/ws") as websocket:
        for data in ["", "hello", "{data}", "<b>\U0001f600</b>"]:
            await websocket.send(data)
            assert await websocket.recv() == f"Message text was: {data}"


async def test_a_binary_message_to_a_text_resource_closes_with_1003(each_stack: str) -> None:
    assert await ending(f"{each_stack}/ws", b"\0") == (1003, "only text messages are understood here")


async def test_ws_bytes_answers_in_binary(each_stack: str) -> None:
    async with connect(f"{each_stack}/ws/bytes") as websocket:
        for data in [b"", b"\x00\xff"]:
            await websocket.send(data)
            assert await websocket.recv() == b"Message bytes were: " + data


async def test_a_text_message_to_ws_bytes_closes_with_1003(each_stack: str) -> None:
    assert await ending(f"{each_stack}/ws/bytes", "") == (1003, "only binary messages are understood here")


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "\u00e9\ud800", [], {"a": [{"b": "c"}]}], ids=repr)
async def test_ws_json_answers_with_the_value(server: str, value: object) -> None:
    async with connect(f"{server}/ws/json") as websocket:
        await websocket.send(json.dumps(value))
        assert json.loads(await websocket.recv()) == {"message": value}


@pytest.mark.parametrize("message", ["", "{", "NaN", "-Infinity", "1e999", "'a'", "[" * 100_000, "1" * 5000])
async def test_what_is_no_json_closes_with_1007(server: str, message: str) -> None:
    assert await ending(f"{server}/ws/json", message) == (1007, "the message is not JSON")


async def test_binary_json_closes_with_1003(each_stack: str) -> None:
    assert (await ending(f"{each_stack}/ws/json", b"1"))[0] == 1003
