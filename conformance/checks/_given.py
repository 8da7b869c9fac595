"""What the properties draw, for a target of which so much is known. Hypothesis is imported only when they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..target import Setting
from ..wire.frames import Opcode

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    Drawn = Mapping[str, SearchStrategy[Any]]

DATA = (Opcode.TEXT, Opcode.BINARY)


def taken(setting: Setting) -> tuple[int, ...]:
    """The types of message that the target takes, perhaps none."""
    return tuple(opcode for opcode in DATA if opcode not in setting.found.refused)


def echoed(setting: Setting) -> tuple[int, ...]:
    """The types of message that come back as what they were, perhaps none."""
    echo = setting.found.echo
    if echo is None:
        return ()
    return tuple(opcode for opcode in taken(setting) if opcode == Opcode.TEXT or echo.binary == Opcode.BINARY)


def fragmented_message(setting: Setting) -> Drawn:
    """One message of any type in any legal fragmentation, with control frames between."""
    from .. import strategies as draw

    return {"program": draw.fragmented(echoed(setting))}


def fragmented_text(setting: Setting) -> Drawn:
    """One text message of any characters in any legal fragmentation, with control frames between."""
    from .. import strategies as draw

    return {"program": draw.fragmented((Opcode.TEXT,), characters=draw.CHARACTERS, controls=1)}


def sized_message(setting: Setting) -> Drawn:
    """One message in one frame, of any size up to a little more than 64 KiB."""
    from .. import strategies as draw

    return {"message": draw.sized_messages(echoed(setting))}


def conversation(setting: Setting) -> Drawn:
    """Messages in a row."""
    from .. import strategies as draw

    return {"program": draw.conversations(echoed(setting))}


def masked_message(setting: Setting) -> Drawn:
    """One message with any masking keys, in any TCP segments."""
    from .. import strategies as draw

    return {"program": draw.masked(echoed(setting))}


def pings(setting: Setting) -> Drawn:
    """Pings in a row."""
    from .. import strategies as draw

    return {"program": draw.pings(taken(setting))}


def close(setting: Setting) -> Drawn:
    """A legal Close at any place."""
    from .. import strategies as draw

    return {"program": draw.closes(echoed(setting), taken(setting))}


def bad_close(setting: Setting) -> Drawn:
    """A Close that breaks a rule at any place."""
    from .. import strategies as draw

    return {"program": draw.bad_closes(echoed(setting), taken(setting))}


def bad_text(setting: Setting) -> Drawn:
    """A text that is no UTF-8 after any messages."""
    from .. import strategies as draw

    return {"program": draw.bad_texts(echoed(setting))}


def reserved(setting: Setting) -> Drawn:
    """A frame with reserved bits or a reserved opcode at any place."""
    from .. import strategies as draw

    return {"program": draw.broken(draw.RESERVED_CHANGES, echoed(setting), taken(setting))}


def bad_length(setting: Setting) -> Drawn:
    """A frame whose length is told in a wrong way at any place."""
    from .. import strategies as draw

    return {"program": draw.broken(draw.LENGTH_CHANGES, echoed(setting), taken(setting))}


def unmasked_frame(setting: Setting) -> Drawn:
    """An unmasked frame at any place."""
    from .. import strategies as draw

    return {"program": draw.broken(draw.MASKING_CHANGES, echoed(setting), taken(setting))}


def bad_control(setting: Setting) -> Drawn:
    """A control frame that is too long or fragmented at any place."""
    from .. import strategies as draw

    return {"program": draw.broken(draw.CONTROL_CHANGES, echoed(setting), taken(setting))}


def out_of_place(setting: Setting) -> Drawn:
    """A continuation with no message in progress, or a new message inside one."""
    from .. import strategies as draw

    changes = draw.ORDER_CHANGES if taken(setting) else draw.ORDER_CHANGES[:1]
    return {"program": draw.broken(changes, echoed(setting), taken(setting))}


# Contracts


def talk(setting: Setting) -> Drawn:
    """A few text messages."""
    from .. import strategies_contracts as draw

    return {"talk": draw.talks()}


def blobs(setting: Setting) -> Drawn:
    """A few binary messages."""
    from .. import strategies_contracts as draw

    return {"blobs": draw.blobs()}


def json_values(setting: Setting) -> Drawn:
    """A few JSON values."""
    from .. import strategies_contracts as draw

    return {"values": draw.values()}


def visit(setting: Setting) -> Drawn:
    """A visit to an item with any credentials."""
    from .. import strategies_contracts as draw

    return {"visit": draw.visits(setting)}


def visits_in_turn(setting: Setting) -> Drawn:
    """A few visits one after the other."""
    from .. import strategies_contracts as draw

    return {"visits": draw.visits_in_turn(setting)}


def visits_side_by_side(setting: Setting) -> Drawn:
    """A few visits at the same time."""
    from .. import strategies_contracts as draw

    return {"visits": draw.visits_side_by_side(setting)}


def conversation_in_rooms(setting: Setting) -> Drawn:
    """A conversation of members in two rooms."""
    from .. import strategies_chat as draw

    return {"conversation": draw.conversations(rooms=2)}


def conversation_in_one_room(setting: Setting) -> Drawn:
    """A conversation of members in one room."""
    from .. import strategies_chat as draw

    return {"conversation": draw.conversations()}
