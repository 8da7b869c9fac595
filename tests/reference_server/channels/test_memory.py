"""The channel within one process."""

from wsproof.reference_server.channels.memory import MemoryChannel


async def test_a_message_is_delivered_before_publish_returns() -> None:
    channel = MemoryChannel()
    heard: list[str] = []
    await channel.subscribe("a", heard.append)
    await channel.publish("a", "one")
    assert heard == ["one"]


async def test_only_the_room_gets_it_and_only_while_subscribed() -> None:
    channel = MemoryChannel()
    heard: list[str] = []
    await channel.publish("a", "before")
    await channel.subscribe("a", heard.append)
    await channel.publish("b", "elsewhere")
    await channel.unsubscribe("a")
    await channel.unsubscribe("a")
    await channel.publish("a", "after")
    assert heard == []
    assert channel.state == "ok"
