"""The chat that a profile promises: what each member must get, and must not."""

from __future__ import annotations

from typing import Final

from ..chat_model import DELIVERED, HISTORY, NOTICE, ORDER, ROOMS, RULES, SLOW_MEMBER
from ..chat_program import Burst, Conversation, Ending, How, Join, Leave, Pause, Resume, Say
from ..check import Need, Param, check, param
from ..target import Target
from . import _given
from ._chat import converse
from ._chat_slow import stay_silent, talk_beside_one_that_does_not_read

CHAT: Final = (Need.CHAT_CONTRACT,)
IN_ROOMS: Final = (Need.CHAT_CONTRACT, Need.CHAT_ROOMS)
CLOSE_CODES: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)


def _first(rule: str, *more: str) -> tuple[str, ...]:
    """All rules of a conversation, this one first: whichever is broken is named."""
    return (rule, *more, *(other for other in RULES if other not in (rule, *more)))


@check(*_first(DELIVERED, ROOMS), needs=IN_ROOMS, given=_given.conversation_in_rooms)
async def any_conversation(target: Target, conversation: Conversation) -> None:
    """Whoever joins, says, leaves or reads late, each member gets exactly what is for it; each room hears its own."""
    await converse(target, conversation)


async def _converse(target: Target, conversation: Conversation) -> None:
    """A plain case, in the room that all share: no other check runs beside it."""
    await converse(target, conversation, shared=True)


LEAVING: Final[list[Param]] = [
    *(param(f"close-{code}", Ending(How.CLOSE, code)) for code in CLOSE_CODES),
    param("close-without-code", Ending(How.CLOSE, None)),
    param("close-with-a-reason", Ending(How.CLOSE, 1000, "so long")),
    param("tcp-end", Ending(How.FIN, None)),
    param("rst", Ending(How.RST, None)),
]


@check(*_first(NOTICE), needs=CHAT, each=LEAVING, alone=True)
async def leaving_is_told(target: Target, ending: Ending) -> None:
    """Those who remain are told once that a member has left, however it left, and talk on."""
    await _converse(target, Conversation((0, 0, 0), (Say(1, "hello"), Leave(1, ending), Say(2, "still here"))))


@check(*_first(NOTICE), needs=CHAT, alone=True)
async def leaving_with_messages_unread(target: Target) -> None:
    """A member that reads nothing any more and resets TCP is told to the others like any other leaver."""
    steps = (Pause(1), Say(0, "hello", 50), Leave(1, Ending(How.RST, None)), Say(2, "still here"))
    await _converse(target, Conversation((0, 0, 0), steps))


@check(*_first(DELIVERED), needs=CHAT, alone=True)
async def twenty_members(target: Target) -> None:
    """Twenty members hear each other, in one order for all, while some leave."""
    everybody = (0,) * 20
    half = tuple(range(0, 20, 2))
    steps = (Say(19, "hello"), Burst(half, 3), Leave(7), Burst((0, 2, 4), 3, 9, Ending(How.RST, None)), Say(0, "bye"))
    await _converse(target, Conversation(everybody, steps))


@check(*_first(HISTORY), needs=CHAT, alone=True)
async def joining_later(target: Target) -> None:
    """One who joins later gets what is said from then on and nothing from before."""
    await _converse(target, Conversation((0, 0), (Say(0, "early"), Leave(1), Join(2), Say(0, "late"), Say(2, "hello"))))


@check(*_first(DELIVERED), needs=CHAT, alone=True)
async def long_message(target: Target) -> None:
    """A message of 64 KiB reaches everybody whole."""
    await _converse(target, Conversation((0, 0, 0), (Say(1, "0123456789abcdef", 4096), Say(0, "short"))))


@check(*_first(ORDER), needs=CHAT, alone=True)
async def reading_late(target: Target) -> None:
    """A member that reads late gets everything, in order."""
    steps = (Pause(1), Say(0, "one"), Burst((0, 2), 5), Say(2, "last"), Resume(1))
    await _converse(target, Conversation((0, 0, 0), steps))


@check(*_first(ROOMS), needs=IN_ROOMS, alone=True)
async def rooms_are_apart(target: Target) -> None:
    """What is said in one room, and who leaves it, is not heard in another."""
    steps = (Say(0, "here"), Say(1, "there"), Burst((0, 1), 3), Leave(2), Leave(3), Say(0, "here"), Say(1, "there"))
    await converse(target, Conversation((0, 1, 0, 1, 0, 1), steps))


@check(
    *_first(SLOW_MEMBER),
    needs=CHAT,
    each=[
        param("reads-on", None),
        param("closes", Ending(How.CLOSE, 1000)),
        param("resets", Ending(How.RST, None)),
    ],
    disruptive=True,
    alone=True,
)
async def one_does_not_read(target: Target, ending: Ending | None) -> None:
    """A member that does not read holds up nobody; once it reads again it gets all, or its connection is ended."""
    await talk_beside_one_that_does_not_read(target, ending)


@check(*_first(DELIVERED), needs=CHAT, given=_given.conversation_in_one_room, examples_at_once=1, alone=True)
async def any_conversation_in_one_room(target: Target, conversation: Conversation) -> None:
    """In the room that all share, among strangers, each member gets exactly what is for it."""
    await converse(target, conversation, shared=True)


@check(*_first(NOTICE), needs=CHAT, slow=True, alone=True)
async def one_falls_silent(target: Target) -> None:
    """A member that answers no Ping, and whose connection is ended for that, is told to the others."""
    await stay_silent(target)
