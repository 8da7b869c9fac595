"""Visiting items, and holding what was seen against what the profile promises."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from ..check import Undetermined, Violation
from ..login import NotLoggedIn, log_in
from ..peer import Ended, Message, Peer
from ..profile import ItemAnswer, ItemsContract
from ..target import Answer, Target
from ..template import expand, fill, pattern, placeholders
from ..wire.frames import Frame, Opcode, ReceivedFrame
from ..wire.handshake import Request
from ._answers import ready
from ._contracts import Heard, closed_in, not_served, say, told
from ._talks import Said, Talk
from ._visits import ABSENT, EMPTY, WRONG, Asked, Credential, Offer, Visit

LET_IN: Final = "contract:items-let-in"
DENIED: Final = "contract:items-denied"
FORM: Final = "contract:items-denial-form"
CREDENTIAL: Final = "contract:items-credential"
QUERY: Final = "contract:items-query"
WRONG_QUERY: Final = "contract:items-wrong-query"
ITEM: Final = "contract:items-item"
ORDER: Final = "contract:items-order"
NOT_ACCEPTED: Final = "no-such-credential"


def contract(target: Target) -> ItemsContract:
    """The profile's [items]; checks that need it run only where there is one."""
    assert target.profile is not None and target.profile.items is not None
    return target.profile.items


# -- what is asked -----------------------------------------------------------------------------------------------


def value_of(promised: ItemsContract, credential: Credential) -> str | None:
    """The credential as it is sent; None where it is absent."""
    if credential.offer is Offer.GIVEN:
        return expand(promised.accepted[0], os.environ) if promised.accepted else credential.text
    return {Offer.ABSENT: None, Offer.EMPTY: "", Offer.WRONG: NOT_ACCEPTED}[credential.offer]


def request_of(target: Target, visit: Visit) -> Request:
    """The opening handshake of a visit: the profile's other cookies and parameters stay as they are."""
    promised = contract(target)
    path = fill(promised.path, item_id=visit.path_segment)
    token = value_of(promised, visit.token)
    pairs = [(promised.token, None if token is None else quote(token, safe="")), (promised.query, visit.q)]
    query = "&".join(f"{name}={quote(value, safe='%')}" for name, value in pairs if name and value is not None)
    request = target.request(f"{path}{'&' if '?' in path else '?'}{query}" if query else path)
    if promised.cookie is None:
        return request
    kept = [part.strip() for line in request.all("Cookie") for part in line.decode("latin-1").split(";")]
    kept = [part for part in kept if part and part.partition("=")[0] != promised.cookie]
    value = value_of(promised, visit.cookie)
    cookies = kept if value is None else [*kept, f"{promised.cookie}={value}"]
    return request.with_field("Cookie", "; ".join(cookies)) if cookies else request.without("Cookie")


# -- what is promised --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Promise:
    """What the documentation says of a visit. ``let_in`` is None where it says nothing: of what, says ``open``.

    ``credential`` is what the answers show; None where that, too, is open. ``form``: whether a denial has to have the
    form that the profile gives; a path that is not even found need not.
    """

    let_in: bool | None
    requirement: str
    credential: str | None = None
    open: tuple[str, ...] = ()
    form: bool = True


def promise(promised: ItemsContract, visit: Visit) -> Promise:
    """What of the truth table applies to this visit."""
    both = {"cookie": (promised.cookie, visit.cookie), "token": (promised.token, visit.token)}
    order = [both[promised.first], *(pair for name, pair in both.items() if name != promised.first)]
    offered = [credential for name, credential in order if name and credential.offer is not Offer.ABSENT]
    right = any(credential.offer is Offer.GIVEN for credential in offered)
    needed = bool(promised.cookie or promised.token)
    slash = "/" in visit.item_id
    if needed and not right and EMPTY not in offered:
        return Promise(False, DENIED, form=not slash)
    if visit.asked is Asked.WRONG:
        return Promise(False, WRONG_QUERY, form=not slash)
    unclear = needed and (not right or offered[0].offer is not Offer.GIVEN)
    said = {
        f"{_words(offered)} as credential": unclear,
        "an empty query parameter": visit.asked is Asked.EMPTY,
        "a slash in the item id": slash,
    }
    whats = tuple(what for what, applies in said.items() if applies)
    return Promise(None if whats else True, LET_IN, _shown(promised, offered), whats)


def _shown(promised: ItemsContract, offered: Sequence[Credential]) -> str | None:
    """The credential that answers show: the first that lets in. Beside a wrong one that is open."""
    given = [credential for credential in offered if credential.offer is Offer.GIVEN]
    if not given or (WRONG in offered and offered[0] != given[0]):
        return None
    return value_of(promised, given[0])


def _words(offered: Sequence[Credential]) -> str:
    words = {Offer.EMPTY: "an empty one", Offer.WRONG: "a wrong one", Offer.GIVEN: "a right one"}
    return " before ".join(words[credential.offer] for credential in offered)


@dataclass(frozen=True)
class Due:
    """An answer that is due: its text, or the pattern of it where a part is open; which requirement it falls under."""

    words: str
    pattern: re.Pattern[str]
    requirement: str

    def met_by(self, message: Message) -> bool:
        """Whether that is the answer."""
        text = _text(message)
        return text is not None and self.pattern.fullmatch(text) is not None


def due_answers(promised: ItemsContract, visit: Visit, credential: str | None, texts: Sequence[str]) -> list[Due]:
    """All answers to ``texts``, in order."""
    return [
        _due(answer, visit, credential, text)
        for text in texts
        for answer in promised.answers
        if visit.asked is Asked.NUMBER or not answer.only_with_query
    ]


def _due(answer: ItemAnswer, visit: Visit, credential: str | None, text: str) -> Due:
    values = {"message": text, "item_id": visit.item_id, **({"q": visit.q} if visit.q is not None else {})}
    if credential is not None:
        values["credential"] = credential
    names = placeholders(answer.text)
    open_ = {name: f"{{{name}}}" for name in names - values.keys()}
    requirement = QUERY if answer.only_with_query else CREDENTIAL if "credential" in names else ITEM
    return Due(fill(answer.text, **values, **open_), pattern(answer.text, {}, **values), requirement)


def _text(message: Message) -> str | None:
    if message.opcode != Opcode.TEXT:
        return None
    return message.payload.decode("utf-8", "replace")


# -- a visit -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What a visit saw: the answer to its handshake; after a 101 what it heard, and the answers due.

    Of these so many are ``needed``. The rest is there to be heard where one before it is lost.
    """

    answer: Answer
    heard: Heard | None
    due: tuple[Due, ...] = ()
    needed: int = 0

    @property
    def denied(self) -> str | None:
        """How it was not let in, in words; None where its messages were answered or nothing tells."""
        if self.heard is None:
            return str(self.answer)
        end = self.heard.end
        if end is None or self.heard.messages:
            return None
        return f"101, then Close {end.close_code}" if isinstance(end, ReceivedFrame) else f"101, then {end}"


async def see(target: Target, visit: Visit, request: Request | None = None) -> Seen:
    """Go through a visit. Raises Undetermined for 429 and 503, and where nothing answers the handshake."""
    promised = contract(target)
    async with target.open(echo=False) as peer:
        answer = await shake_hands(target, peer, request or request_of(target, visit))
        if not answer.accepted:
            return Seen(answer, None)
        if promise(promised, visit).let_in is False:
            # A refusal comes by itself; only where none does is something said, to see whether it is answered.
            end = await closed_in(peer, peer.quiet)
            if end is not None:
                return Seen(answer, Heard([], end))
        try:
            await log_in(peer, target.profile)
        except NotLoggedIn as why:
            if why.end is None:
                raise
            return Seen(answer, Heard([], why.end))
        return await converse(target, peer, visit, answer)


async def shake_hands(target: Target, peer: Peer, request: Request) -> Answer:
    """The answer to the handshake. Raises Undetermined for 429 and 503, and where nothing answers."""
    await peer.send_request(request)
    answer = ready(await target.answer(peer))
    if answer.silent:
        raise Undetermined("the opening handshake was not answered")
    return answer


async def converse(target: Target, peer: Peer, visit: Visit, answer: Answer) -> Seen:
    """Say what is to be said, and a last message whose answers end it."""
    promised = contract(target)
    last = (target.nonce(), target.nonce())
    texts = [*(said.whole for said in visit.talk.said), *(nonce.decode() for nonce in last)]
    due = due_answers(promised, visit, promise(promised, visit).credential, texts)
    answers = [it for it in promised.answers if visit.asked is Asked.NUMBER or not it.only_with_query]
    show = [place for place, it in enumerate(answers) if "message" in placeholders(it.text)]
    heard = await say(
        peer,
        [said.frame for said in visit.talk.said],
        (Frame(Opcode.TEXT, last[0]), Frame(Opcode.TEXT, last[1])),
        lambda place, message: due[place].met_by(message),
        answers=len(answers),
        holding=len(show),
        after=len(answers) - 1 - show[-1] if show else 0,
        at_once=visit.talk.at_once,
    )
    return Seen(answer, heard, tuple(due), len(due) - len(answers))


async def expect_as_promised(target: Target, visit: Visit, *, notes: bool = False) -> None:
    """The visit goes as the truth table says. ``notes``: say which way the target goes where that is open."""
    promised = contract(target)
    said = promise(promised, visit)
    seen = await see(target, visit)
    if said.let_in is not True and seen.heard is None:
        await _must_be_served(target, visit)
    notes = notes and len(said.open) <= 1
    if said.let_in is False:
        judge_denial(target, seen, said, notes=notes)
        return
    if seen.denied is not None:
        if said.let_in:
            await _must_be_served(target, visit)
            raise Violation("the connection is let in", f"{seen.denied} with {_offered(visit)}", requirement=LET_IN)
        if notes:
            note(target, f"not let in with {said.open[0]}: {seen.denied}", LET_IN)
        return
    if said.let_in is None:
        if notes:
            note(target, f"let in with {said.open[0]}", LET_IN)
        if visit.asked is Asked.EMPTY:
            return  # whether it counts as absent is as open
    assert seen.heard is not None
    judge_answers(promised, visit, seen)


def _offered(visit: Visit) -> str:
    return ", ".join(f"{name} {it}" for name, it in (("cookie", visit.cookie), ("token", visit.token)) if it != ABSENT)


async def _must_be_served(target: Target, visit: Visit) -> None:
    """Raises Undetermined where not even a visit with all credentials to a plain item is let in."""
    given = Credential(Offer.GIVEN, "plain")
    plain = replace(visit, item_id="1", cookie=given, token=given, q=None, talk=Talk((Said("a"),)), encoded=False)
    request = request_of(target, plain)
    seen = await see(target, plain, request)
    if seen.denied is not None:
        raise not_served("items", request, seen.denied)


def note(target: Target, observed: str, requirement: str) -> None:
    """Say once what is worth knowing, however many visits see it."""
    if not any(made.observed == observed for made in target.findings.made):
        target.findings.noted(observed, requirement=requirement)


def warn(target: Target, expected: str, observed: str) -> None:
    """Say once which tolerated form of denial was seen."""
    if not any(made.observed == observed for made in target.findings.made):
        target.findings.warned(expected, observed, requirement=FORM)


# -- judging -----------------------------------------------------------------------------------------------------


def judge_denial(target: Target, seen: Seen, said: Promise, *, notes: bool) -> None:
    """The connection must not have been let in, and must have been told so as the profile says."""
    heard = seen.heard
    expected = f"not let in: {_denial_words(target)}"
    if heard is not None and heard.end is None:
        came = told(heard.messages[0]) if heard.messages else "101, and the connection stays open"
        raise Violation(expected, came, requirement=said.requirement, silence=not heard.messages)
    if heard is not None and heard.messages:
        raise Violation(expected, told(heard.messages[0]), requirement=said.requirement)
    if said.form:
        _judge_form(target, seen, expected, notes=notes)


def _judge_form(target: Target, seen: Seen, expected: str, *, notes: bool) -> None:
    assert target.profile is not None
    promised, denial = contract(target), target.profile.denial
    observed = seen.denied or ""
    if seen.heard is not None:
        end = seen.heard.end
        right = isinstance(end, ReceivedFrame) and end.close_code == promised.close_code
        form = "close"
    else:
        status = seen.answer.status or 0
        right = status == promised.status
        form = "http"
        if not right and 400 <= status < 500 and denial != "close":
            warn(target, expected, observed)
            return
        right = right or 400 <= status < 500
    if not right:
        raise Violation(expected, observed, requirement=FORM)
    if denial not in ("any", form):
        warn(target, expected, observed)
    elif denial == "any" and notes:
        note(target, observed, FORM)


def _denial_words(target: Target) -> str:
    assert target.profile is not None
    promised = contract(target)
    forms = {"close": f"101 and Close {promised.close_code}", "http": f"HTTP {promised.status}"}
    return forms.get(target.profile.denial) or " or ".join(forms.values())


def first_wrong(seen: Seen) -> int | None:
    """The place of the first answer that is not the one due, or missing; None where all are there."""
    came = seen.heard.messages if seen.heard is not None else []
    pairs = zip(seen.due, came, strict=False)
    place = next((at for at, (wanted, got) in enumerate(pairs) if not wanted.met_by(got)), len(came))
    return None if place >= seen.needed else place


def judge_answers(promised: ItemsContract, visit: Visit, seen: Seen) -> None:
    """Raises Violation for the first answer that is not as promised, under the requirement that it breaks."""
    assert seen.heard is not None
    heard, due, came = seen.heard, seen.due, seen.heard.messages
    place = first_wrong(seen)
    if place is None:
        return
    wanted = due[place]
    if place == len(came):
        observed = str(heard.end) if isinstance(heard.end, ReceivedFrame | Ended) else "nothing"
        raise Violation(ascii(wanted.words), observed, requirement=ORDER, silence=heard.silent)
    got = came[place]
    unasked = [_due(answer, visit, None, "") for answer in promised.answers if answer.only_with_query and not visit.q]
    raise Violation(ascii(wanted.words), told(got), requirement=_broken(due, came, place, unasked))


def _broken(due: Sequence[Due], came: Sequence[Message], place: int, unasked: Sequence[Due]) -> str:
    """Which requirement the first wrong answer breaks: that of the answer due, unless it is another one that is due."""
    wanted, got = due[place], came[place]
    if not any(other.met_by(got) for other in due):
        return QUERY if any(other.met_by(got) for other in unasked) else wanted.requirement
    if wanted.requirement == QUERY and not any(wanted.met_by(message) for message in came):
        return QUERY
    return ORDER


__all__ = [
    "CREDENTIAL", "DENIED", "FORM", "ITEM", "LET_IN", "ORDER", "QUERY", "WRONG_QUERY", "contract", "converse",
    "due_answers", "expect_as_promised", "first_wrong", "promise", "request_of", "see", "shake_hands",
]  # fmt: skip
