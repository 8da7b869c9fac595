"""The chat model: what each kind of wrong message is called, and what is no fault."""

from __future__ import annotations

import pytest

from wsproof.conformance import chat_model
from wsproof.conformance.chat_model import ChatModel
from wsproof.conformance.check import Violation
from wsproof.conformance.profile import ChatContract

NONCE = "wsproof-0123456789"
TUTORIAL = ChatContract(
    path="/ws/{client_id}",
    own="You wrote: {message}",
    others="Client #{client_id} says: {message}",
    left="Client #{client_id} left the chat",
)
A, B, C = 0, 1, 2


def chat(contract: ChatContract = TUTORIAL, *, rooms: tuple[int, ...] = (0, 0, 0), shared: bool = False) -> ChatModel:
    """Members with the ids 10, 11, ... in these rooms."""
    model = ChatModel(contract, NONCE, shared=shared)
    for member, room in enumerate(rooms):
        model.join(member, str(10 + member), room)
    return model


def says(member: int, message: str) -> str:
    """How the members get it."""
    return f"Client #{10 + member} says: {message}"


def gets(model: ChatModel, message: str, author: int, *members: int) -> None:
    """The message comes to the author, both ways, and to these."""
    model.hear(author, f"You wrote: {message}")
    for member in (author, *members):
        model.hear(member, says(author, message))


def broken(model: ChatModel, member: int, text: str) -> str | None:
    """The rule that this text breaks."""
    with pytest.raises(Violation) as caught:
        model.hear(member, text)
    return caught.value.requirement


def test_a_message_that_comes_to_all_leaves_nothing_missing() -> None:
    model = chat()
    gets(model, model.say(A, "hello"), A, B, C)
    assert model.missing(1.0) is None
    assert all(seat.content for seat in model.present())


def test_what_comes_twice() -> None:
    model = chat()
    message = model.say(A, "hello")
    gets(model, message, A, B, C)
    assert broken(model, B, says(A, message)) == chat_model.ONCE
    assert broken(model, A, f"You wrote: {message}") == chat_model.ONCE


def test_other_words_and_another_speaker() -> None:
    model = chat()
    message = model.say(A, "hello")
    assert broken(model, B, f"{says(A, message)}!") == chat_model.WORDING
    assert broken(model, B, says(C, message)) == chat_model.WORDING
    assert broken(model, A, f"You wrote: {message}!") == chat_model.OWN


def test_the_senders_answer_goes_to_the_sender_alone() -> None:
    model = chat()
    assert broken(model, B, f"You wrote: {model.say(A, 'hello')}") == chat_model.OWN


def test_a_message_is_lost_when_two_later_ones_have_come() -> None:
    model = chat()
    lost, second, third = (model.say(A, text) for text in "123")
    model.hear(B, says(A, second))
    assert model.lost() is None
    model.hear(B, says(A, third))
    violation = model.lost()
    assert violation is not None and not violation.silence
    assert (violation.requirement, lost in violation.expected) == (chat_model.DELIVERED, True)


def test_a_message_that_comes_after_a_later_one_is_out_of_order() -> None:
    model = chat()
    first, second = model.say(A, "1"), model.say(A, "2")
    model.hear(B, says(A, second))
    assert broken(model, B, says(A, first)) == chat_model.ORDER


def test_messages_of_several_may_come_in_any_order_that_is_one_for_all() -> None:
    model = chat()
    one, two = model.say(A, "1"), model.say(B, "2")
    model.hear(C, says(B, two))
    model.hear(C, says(A, one))
    model.hear(A, says(B, two))
    model.hear(A, says(A, one))
    model.agree()
    model.hear(B, says(A, one))
    model.hear(B, says(B, two))
    with pytest.raises(Violation) as caught:
        model.agree()
    assert caught.value.requirement == chat_model.ONE_ORDER


@pytest.mark.parametrize(
    ("heard_by", "rule"),
    [((A, B), chat_model.DELIVERED), ((B, C), chat_model.SENDER_TOO), ((), chat_model.DELIVERED)],
)
def test_what_is_missing_is_told_as_it_hits_the_others(heard_by: tuple[int, ...], rule: str) -> None:
    model = chat()
    message = model.say(A, "hello")
    model.hear(A, f"You wrote: {message}")
    for member in heard_by:
        model.hear(member, says(A, message))
    violation = model.missing(1.0)
    assert violation is not None and violation.silence
    assert violation.requirement == rule


def test_the_senders_answer_can_be_missing() -> None:
    model = chat()
    message = model.say(A, "hello")
    for member in (A, B, C):
        model.hear(member, says(A, message))
    violation = model.missing(1.0)
    assert violation is not None and violation.requirement == chat_model.OWN


def test_notices() -> None:
    model = chat()
    model.leave(B)
    model.hear(A, "Client #11 left the chat")
    assert broken(model, A, "Client #11 left the chat") == chat_model.NOTICE_ONCE
    assert broken(model, B, "Client #11 left the chat") == chat_model.NOTICE_OTHERS
    assert broken(model, C, "Client #10 left the chat") == chat_model.NOTICE_WORDING
    assert model.named == A
    assert broken(model, C, "Client #11 was lost") == chat_model.NOTICE_WORDING
    violation = model.missing(1.0)
    assert violation is not None and violation.requirement == chat_model.NOTICE


def test_one_who_joins_gets_nothing_from_before() -> None:
    model = chat()
    message = model.say(A, "hello")
    gets(model, message, A, B, C)
    model.join(3, "13")
    assert broken(model, 3, says(A, message)) == chat_model.HISTORY


def test_what_nobody_has_got_yet_may_come_to_one_who_joins() -> None:
    model = chat()
    message = model.say(A, "hello")
    model.join(3, "13")
    model.hear(3, says(A, message))


def test_one_who_has_left_gets_nothing_once_the_others_know() -> None:
    model = chat()
    model.leave(C)
    model.hear(C, says(A, model.say(A, "at the same time")))
    model.hear(A, "Client #12 left the chat")
    assert broken(model, C, says(A, model.say(A, "later"))) == chat_model.GONE


def test_what_a_leaver_said_last_may_be_lost_unless_somebody_has_got_it() -> None:
    model = chat()
    model.say(C, "perhaps")
    told = model.say(C, "surely")
    model.hear(A, says(C, told))
    model.leave(C)
    assert [event.text for event in model.seats[B].owed.values() if "says" in event.text] == [says(C, told)]


def test_rooms() -> None:
    model = chat(rooms=(0, 0, 1))
    message = model.say(A, "hello")
    assert broken(model, C, says(A, message)) == chat_model.ROOMS
    model.leave(A)
    assert broken(model, C, "Client #10 left the chat") == chat_model.ROOMS
    assert broken(model, B, "Client #99 says: wsproof-ffffffffff.7 hello") == chat_model.ROOMS
    assert broken(model, B, "welcome") == chat_model.NOTHING_ELSE


def test_among_strangers_only_what_bears_our_mark_is_judged() -> None:
    model = chat(shared=True)
    for text in ("Client #99 says: wsproof-ffffffffff.7 hello", "Client #99 left the chat", "welcome"):
        model.hear(A, text)
    assert broken(model, A, "Client #11 left the chat") == chat_model.NOTICE_WORDING


def test_a_chat_that_announces_and_does_not_give_back() -> None:
    contract = ChatContract(
        path="/talk/{client_id}", others="{client_id}: {message}", others_to_sender=False, left="{client_id} is gone",
        joined="{client_id} is here",
    )  # fmt: skip
    model = chat(contract, rooms=(0, 0))
    violation = model.missing(1.0)
    assert violation is not None and violation.requirement == chat_model.NOTICE
    model.hear(A, "11 is here")
    message = model.say(B, "hello")
    assert broken(model, B, f"11: {message}") == chat_model.SENDER_TOO
    model.hear(A, f"11: {message}")
    assert model.missing(1.0) is None


def test_what_a_late_reader_gets_keeps_the_order_that_the_others_saw() -> None:
    model = chat()
    first = model.say(A, "1")
    model.hear(B, says(A, first))
    model.next_phase()
    model.hear(C, says(B, model.say(B, "2")))
    assert broken(model, C, says(A, first)) == chat_model.ORDER


def test_the_target_may_end_a_member_and_then_tells_it() -> None:
    model = chat()
    model.may_leave(C)
    assert model.missing(1.0) is None
    model.hear(A, "Client #12 left the chat")
    model.has_left(C)
    violation = model.missing(1.0)
    assert violation is not None and violation.expected == "B gets 'Client #12 left the chat'"


def test_an_end_that_nobody_asked_for() -> None:
    model = chat()
    violation = model.ended(model.seats[B], "Close 1011")
    assert (violation.requirement, violation.observed) == (chat_model.UNDISTURBED, "Close 1011")
