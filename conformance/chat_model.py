"""What each member of a chat must have got, and may have: a model that judges every message that comes. No I/O.

Rules, each under a requirement of its own, so that what went wrong is told apart: see contracts.toml.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from .chat_program import name
from .check import Violation
from .profile import ChatContract
from .template import around, fill, pattern

PREFIX: Final = "contract:chat-"
DELIVERED: Final = PREFIX + "delivered"
ONCE: Final = PREFIX + "once"
ORDER: Final = PREFIX + "order"
ONE_ORDER: Final = PREFIX + "one-order"
WORDING: Final = PREFIX + "wording"
OWN: Final = PREFIX + "own"
SENDER_TOO: Final = PREFIX + "sender-too"
NOTICE: Final = PREFIX + "notice"
NOTICE_ONCE: Final = PREFIX + "notice-once"
NOTICE_WORDING: Final = PREFIX + "notice-wording"
NOTICE_OTHERS: Final = PREFIX + "notice-others"
HISTORY: Final = PREFIX + "history"
GONE: Final = PREFIX + "gone"
ROOMS: Final = PREFIX + "rooms"
NOTHING_ELSE: Final = PREFIX + "nothing-else"
UNDISTURBED: Final = PREFIX + "undisturbed"
SLOW_MEMBER: Final = PREFIX + "slow-member"

RULES: Final = (
    DELIVERED, ONCE, ORDER, ONE_ORDER, WORDING, OWN, SENDER_TOO, NOTICE, NOTICE_ONCE, NOTICE_WORDING, NOTICE_OTHERS,
    HISTORY, GONE, NOTHING_ELSE, UNDISTURBED,
)  # fmt: skip
"""Those that any conversation can break; ROOMS where there are rooms."""
FOREIGN: Final = re.compile(r"wsproof-[0-9a-f]{10}\.\d")
"""The mark that texts have, ours and those of other examples."""
SHOWN: Final = 80
PROOF: Final = 2
"""So many later messages of its author prove that one is lost; a single one could have changed places with it."""


class Kind(Enum):
    """What a message to all is about."""

    SAID = "message"
    LEFT = "notice of leaving"
    JOINED = "notice of joining"


@dataclass(frozen=True, slots=True)
class Event:
    """A message to all in a room. ``text`` is how they get it, ``own`` how its author alone does besides."""

    number: int
    kind: Kind
    author: int
    room: int
    text: str
    phase: int
    own: str | None = None

    def __str__(self) -> str:
        return f"{name(self.author)}'s {self.kind.value} {shown(self.text)}"


@dataclass
class Seat:
    """One member: what it must still get, what it may get, what it has got."""

    number: int
    room: int
    client_id: str
    since: int
    present: bool = True
    owed: dict[int, Event] = field(default_factory=dict)
    allowed: dict[int, Event] = field(default_factory=dict)
    owed_own: dict[int, Event] = field(default_factory=dict)
    log: list[int] = field(default_factory=list)
    overtaken: dict[tuple[int, bool], int] = field(default_factory=dict)
    """(event, own wording?) -> how many that should have come after it came while it was missing."""

    @property
    def name(self) -> str:
        return name(self.number)

    @property
    def content(self) -> bool:
        """Whether nothing is missing."""
        return not self.owed and not self.owed_own

    def all_overtaken(self, times: int) -> bool:
        """Whether so many later messages have come behind each that is missing."""
        missing = [(number, False) for number in self.owed] + [(number, True) for number in self.owed_own]
        return all(self.overtaken.get(one, 0) >= times for one in missing)


class ChatModel:
    """The members of one example, in rooms of their own or (``shared``) among strangers, whose messages are ignored.

    ``nonce`` stands in every text, with a number: by that our messages are known. All methods that are told what came
    raise Violation under the rule that it breaks.
    """

    def __init__(self, contract: ChatContract, nonce: str, *, shared: bool = False) -> None:
        self._contract = contract
        self._shared = shared
        self._nonce = nonce
        self._tag = re.compile(re.escape(nonce) + r"\.(\d+)")
        self._events: list[Event] = []
        self._notices: dict[str, Event] = {}
        self._ids: dict[str, int] = {}
        self._known: set[int] = set()
        """What somebody has got, so that the target has dealt with it."""
        self._settled: dict[int, int] = {}
        """Of that: in which phase it was."""
        self.named: int | None = None
        """The member that is there, of whom the notice that was judged last says that it is gone."""
        self._phase = 0
        self.seats: dict[int, Seat] = {}
        self._own_prefix = around(contract.own, "message", client_id="")[0] if contract.own is not None else ""
        templates = [text for text in (contract.left, contract.joined) if text is not None]
        self._notice_shapes = [pattern(text, os.environ) for text in templates]

    # -- what is done ------------------------------------------------------------------------------------------------

    def join(self, member: int, client_id: str, room: int = 0) -> None:
        """A member has its 101: from now on it is there. What nobody has got yet the target may tell it as well."""
        seat = Seat(member, room, client_id, since=len(self._events))
        self._ids[client_id] = member
        seat.allowed = {one.number: one for one in self._events if one.room == room and one.number not in self._known}
        if self._contract.joined is not None:
            event = self._add(Kind.JOINED, seat, fill(self._contract.joined, client_id=client_id))
            self._notices[event.text] = event
            self._owe(event)
            seat.allowed[event.number] = event  # whether it is told of itself is not said
        self.seats[member] = seat

    def say(self, member: int, text: str) -> str:
        """A member is about to say ``text``: what to send."""
        seat = self.seats[member]
        message = f"{self._nonce}.{len(self._events)} {text}"
        values = {"client_id": seat.client_id, "message": message}
        own = fill(self._contract.own, **values) if self._contract.own is not None else None
        event = self._add(Kind.SAID, seat, fill(self._contract.others, **values), own)
        self._owe(event)
        if self._contract.others_to_sender:
            seat.owed[event.number] = event
        if own is not None:
            seat.owed_own[event.number] = event
        return message

    def leave(self, member: int) -> None:
        """A member is about to leave: what is still on its way may reach it or not."""
        seat = self.seats[member]
        if any(event.kind is Kind.LEFT for event in self._notices_about(member)):
            self.has_left(member)
            return
        self.gone(member)
        if self._contract.left is not None:
            event = self._add(Kind.LEFT, seat, fill(self._contract.left, client_id=seat.client_id))
            self._notices[event.text] = event
            self._owe(event)

    def may_leave(self, member: int) -> None:
        """The target may end this member's connection for a reason of its own: the others may get the notice."""
        seat = self.seats[member]
        if self._contract.left is not None:
            event = self._add(Kind.LEFT, seat, fill(self._contract.left, client_id=seat.client_id))
            self._notices[event.text] = event
            for other in self.present(seat.room):
                if other is not seat:
                    other.allowed[event.number] = event

    def has_left(self, member: int) -> None:
        """It has: whoever has not got the notice yet has to get it."""
        self.gone(member)
        for seat in self.present(self.seats[member].room):
            for event in [e for e in seat.allowed.values() if e.kind is Kind.LEFT and e.author == member]:
                seat.owed[event.number] = seat.allowed.pop(event.number)

    def gone(self, member: int) -> None:
        """A member is owed nothing more, but what is on its way may reach it; what nobody has got of it may be lost."""
        seat = self.seats[member]
        for other in self.present(seat.room):
            for event in [e for e in other.owed.values() if e.author == member and e.number not in self._known]:
                other.allowed[event.number] = other.owed.pop(event.number)
                other.overtaken.pop((event.number, False), None)
        seat.present = False
        seat.allowed |= seat.owed
        seat.owed = {}

    def next_phase(self) -> None:
        """What has come to anybody so far comes before all that is said from now on, to those who read late as well."""
        for number in self._known - self._settled.keys():
            self._settled[number] = self._phase
        self._phase += 1

    def _add(self, kind: Kind, seat: Seat, text: str, own: str | None = None) -> Event:
        event = Event(len(self._events), kind, seat.number, seat.room, text, self._phase, own)
        self._events.append(event)
        return event

    def _owe(self, event: Event) -> None:
        """All who are there get it, but its author; one of whose leaving nobody knows yet may get it."""
        for seat in self.present(event.room):
            if seat.number != event.author:
                seat.owed[event.number] = event
        for notice in self._notices.values():
            if notice is not event and self._is_open(notice, event.room):
                self.seats[notice.author].allowed[event.number] = event

    def _is_open(self, notice: Event, room: int) -> bool:
        """Whether it is a notice of leaving that has come to nobody: the target may not know yet."""
        return notice.kind is Kind.LEFT and notice.room == room and notice.number not in self._known

    def present(self, room: int | None = None) -> Iterator[Seat]:
        """Those who are there, in a room or anywhere."""
        return (seat for seat in self.seats.values() if seat.present and room in (None, seat.room))

    # -- what comes --------------------------------------------------------------------------------------------------

    def hear(self, member: int, text: str) -> None:
        """This text has come to the member."""
        seat = self.seats[member]
        tag = self._tag.search(text)
        if tag is not None and int(tag[1]) < len(self._events):
            event = self._events[int(tag[1])]
            if event.kind is Kind.SAID:
                self._hear_said(seat, event, text)
                return
        notice = self._notices.get(text)
        if notice is not None:
            self._take(seat, notice)
        elif not self._shared or tag is not None or self._is_about_us(text):
            self._hear_other(seat, text)

    def _is_about_us(self, text: str) -> bool:
        return any(found in self._ids for found in re.findall(r"\d+", text))

    def _hear_said(self, seat: Seat, event: Event, text: str) -> None:
        number = event.number
        if event.author == seat.number and text == event.own and number in seat.owed_own:
            del seat.owed_own[number]
            self._keep_order(seat, event, own=True)
        elif text == event.text:
            self._take(seat, event)
        elif text == event.own:
            if event.author != seat.number:
                raise self._broken(OWN, "the answer to a sender goes to it alone", f"{seat.name} got {shown(text)}")
            raise self._broken(ONCE, "each message once", f"{seat.name} got twice: {shown(text)}")
        elif self._own_prefix and text.startswith(self._own_prefix):
            raise self._broken(OWN, f"the sender's answer {shown(str(event.own))}", f"{seat.name} got {shown(text)}")
        else:
            raise self._broken(WORDING, shown(event.text), f"{seat.name} got {shown(text)}")

    def _hear_other(self, seat: Seat, text: str) -> None:
        """Neither a message nor a notice of ours, word by word."""
        named = [found for found in re.findall(r"\d+", text) if found in self._ids]
        if any(shape.fullmatch(text) for shape in self._notice_shapes):
            self.named = next((self._ids[found] for found in named if self.seats[self._ids[found]].present), None)
            gone = [one.name for one in self.seats.values() if not one.present]
            expected = f"notices name {' or '.join(gone)}" if gone else "no notice, for nobody has left"
            who = f" ({name(self._ids[named[0]])}, who is still there)" if named else ""
            raise self._broken(NOTICE_WORDING, expected, f"{seat.name} got {shown(text)}{who}")
        about = next((event for found in named for event in self._notices_about(self._ids[found])), None)
        if about is not None and self._tag.search(text) is None:
            raise self._broken(NOTICE_WORDING, shown(about.text), f"{seat.name} got {shown(text)}")
        if FOREIGN.search(text) and not self._tag.search(text):
            raise self._broken(ROOMS, "each room hears its own members only", f"{seat.name} got {shown(text)}")
        raise self._broken(NOTHING_ELSE, "only what the members say, and notices", f"{seat.name} got {shown(text)}")

    def _notices_about(self, member: int) -> Iterator[Event]:
        return (event for event in self._notices.values() if event.author == member)

    def _take(self, seat: Seat, event: Event) -> None:
        number = event.number
        if seat.owed.pop(number, None) is None and seat.allowed.pop(number, None) is None:
            raise self._undue(seat, event)
        seat.log.append(number)
        self._known.add(number)
        self._keep_order(seat, event, own=False)

    def _undue(self, seat: Seat, event: Event) -> Violation:
        """Why this member should not have got that."""
        got = f"{seat.name} got {shown(event.text)}"
        if event.room != seat.room:
            return self._broken(ROOMS, "each room hears its own members only", f"{got} from another room")
        if event.number in seat.log:
            if event.kind is Kind.SAID:
                return self._broken(ONCE, "each message once", f"{seat.name} got twice: {shown(event.text)}")
            return self._broken(NOTICE_ONCE, "each notice once", f"{seat.name} got twice: {shown(event.text)}")
        if event.number < seat.since:
            return self._broken(HISTORY, "nothing from before a member joined", f"{got}, from before it joined")
        if event.author == seat.number:
            if event.kind is Kind.LEFT:
                return self._broken(NOTICE_OTHERS, "the notice goes to those who remain", f"the leaver {got}")
            return self._broken(SENDER_TOO, "what a member says does not come back to it", got)
        return self._broken(GONE, "nothing that is said after a member left reaches it", f"{got} after it left")

    def _keep_order(self, seat: Seat, event: Event, *, own: bool) -> None:
        """Of one member's messages, and of what was said after the other had come, the earlier comes first."""
        late = seat.overtaken.pop((event.number, own), 0)
        if late:
            raise self._broken(
                ORDER,
                f"{event} before what was said after it",
                f"{seat.name} got {shown(event.text)} after {late} later {'message' if late == 1 else 'messages'}",
            )
        for number, earlier in (seat.owed_own if own else seat.owed).items():
            if number > event.number:
                continue
            settled = self._settled.get(number, event.phase) < event.phase
            if settled or (earlier.author == event.author and earlier.kind is Kind.SAID):
                seat.overtaken[number, own] = seat.overtaken.get((number, own), 0) + 1

    @staticmethod
    def _broken(rule: str, expected: str, observed: str) -> Violation:
        return Violation(expected, observed, requirement=rule)

    # -- what did not come -------------------------------------------------------------------------------------------

    def lost(self) -> Violation | None:
        """What is proved lost, because enough of what comes after it has come."""
        found = [
            (seat, self._events[number], own)
            for seat in self.present()
            for (number, own), count in seat.overtaken.items()
            if count >= PROOF
        ]
        return self._worst(found, "later messages have come")

    def missing(self, patience: float, unread: Collection[int] = ()) -> Violation | None:
        """What has not come within the patience (in seconds) to those who read."""
        found = [
            (seat, event, own)
            for seat in self.present()
            if seat.number not in unread
            for own, owed in ((False, seat.owed), (True, seat.owed_own))
            for event in owed.values()
        ]
        return self._worst(found, f"nothing more within {patience:g} s", silence=True)

    def _worst(self, found: list[tuple[Seat, Event, bool]], proof: str, *, silence: bool = False) -> Violation | None:
        """The first thing that did not come, as it hits the others rather than its own author."""
        if not found:
            return None
        first = min(event.number for _, event, _ in found)
        alike = [one for one in found if one[1].number == first]
        seat, event, own = min(alike, key=lambda one: (one[0].number == one[1].author, one[2]))
        return self._missing(seat, event, own, proof, silence=silence)

    def _missing(self, seat: Seat, event: Event, own: bool, proof: str, *, silence: bool = False) -> Violation:
        wanted = event.own if own and event.own is not None else event.text
        if own:
            rule = OWN
        elif event.kind is not Kind.SAID:
            rule = NOTICE
        else:
            rule = SENDER_TOO if event.author == seat.number else DELIVERED
        expected = f"{seat.name} gets {shown(wanted)}"
        return Violation(expected, f"it did not come: {proof}", requirement=rule, silence=silence)

    def ended(self, seat: Seat, how: str) -> Violation:
        """The connection of a member that is there has ended."""
        return self._broken(UNDISTURBED, f"{seat.name}'s connection goes on", how)

    def agree(self) -> None:
        """All members of a room have got what several of them got in one order. Raises Violation."""
        for room in {seat.room for seat in self.seats.values()}:
            seats = sorted((s for s in self.seats.values() if s.room == room), key=lambda s: -len(s.log))
            first, *others = seats
            places = {number: place for place, number in enumerate(first.log)}
            for other in others:
                common = [number for number in other.log if number in places]
                for one, two in itertools.pairwise(common):
                    if places[one] > places[two]:
                        raise self._broken(
                            ONE_ORDER,
                            "one order for all",
                            f"{other.name} got {shown(self._events[one].text)} before "
                            f"{shown(self._events[two].text)}, {first.name} after it",
                        )


def shown(text: str) -> str:
    """A text for people: quoted, and cut where it is long."""
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}... ({len(text)} characters)"
