"""The memory of endings is bounded and keeps the latest."""

from wsproof.reference_server.last_close import Ending, LastCloses


async def test_the_latest_connection_of_an_id_counts() -> None:
    endings = LastCloses()
    endings.expect("a").set_result(Ending(1000, "first"))
    endings.expect("a").set_result(Ending(1001, "second"))
    assert await endings.wait("a", 0) == Ending(1001, "second")


async def test_an_open_connection_has_no_ending() -> None:
    endings = LastCloses()
    endings.expect("a")
    assert await endings.wait("a", 0) is None


async def test_the_oldest_are_forgotten() -> None:
    endings = LastCloses(capacity=2)
    for id in "abc":
        endings.expect(id).set_result(Ending(1000, id))
    assert [await endings.wait(id, 0) for id in "abc"] == [None, Ending(1000, "b"), Ending(1000, "c")]
