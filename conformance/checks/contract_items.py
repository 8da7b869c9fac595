"""The items, as the profile's [items] promises them: who is let in, and the answers to each message in their order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import product
from typing import Final

from ..check import Need, Undetermined, Violation, check, param
from ..login import log_in
from ..target import Target
from . import _given
from ._contracts import not_served, told
from ._items import (
    CREDENTIAL,
    DENIED,
    FORM,
    ITEM,
    LET_IN,
    ORDER,
    QUERY,
    WRONG_QUERY,
    contract,
    converse,
    expect_as_promised,
    first_wrong,
    request_of,
    shake_hands,
)
from ._talks import Said, Talk
from ._visits import Credential, Offer, Visit, Visits

OWN: Final = "contract:items-own"
OFFERS: Final = (Offer.ABSENT, Offer.EMPTY, Offer.GIVEN)
QUERIES: Final = (None, "", "0", "-7", "seven")
IDS: Final = ("foo", "100% r\u00e9al & co?", "\u4e16\U0001f600", "a/b")
TALK: Final = Talk((Said("Hello"), Said("")))
OF_ONE_LET_IN: Final = (LET_IN, FORM, CREDENTIAL, QUERY, WRONG_QUERY, ITEM, ORDER)
TABLE: Final = [
    param(
        f"cookie-{cookie.value}.token-{token.value}",
        (cookie, token),
        requirements=(DENIED, FORM) if cookie is token is Offer.ABSENT else OF_ONE_LET_IN,
    )
    for cookie in OFFERS
    for token in OFFERS
]
AT_ONCE: Final = 4
"""Visits of the truth table at a time."""


@check(*OF_ONE_LET_IN, needs=[Need.ITEMS_CONTRACT], each=TABLE)
async def truth_table(target: Target, offered: tuple[Offer, Offer]) -> None:
    """With this cookie and token, any query parameter and any item id, the connection goes as documented."""
    promised = contract(target)
    cookie, token = Credential(offered[0], "the-cookie"), Credential(offered[1], "the token, \u00e9+&=%")
    names = (promised.cookie, promised.token)
    if any(offer is not Offer.ABSENT and not name for offer, name in zip(offered, names, strict=True)):
        target.findings.holds("the profile names no such credential")
        return
    queries = QUERIES if promised.query else QUERIES[:1]
    table = [
        Visit(item, _plain(cookie), _plain(token), q, TALK, encoded)
        for item, q, encoded in [(item, q, False) for item, q in product(IDS, queries)] + [(IDS[0], None, True)]
    ]
    for first in range(0, len(table), AT_ONCE):
        await asyncio.gather(
            *(expect_as_promised(target, visit, notes=True) for visit in table[first : first + AT_ONCE])
        )


def _plain(credential: Credential) -> Credential:
    return credential if credential.offer is Offer.GIVEN else Credential(credential.offer)


@check(*OF_ONE_LET_IN, DENIED, needs=[Need.ITEMS_CONTRACT], given=_given.visit)
async def any_visit(target: Target, visit: Visit) -> None:
    """Whatever cookie, token, query parameter and item id: the connection is let in, or not, as documented."""
    await expect_as_promised(target, visit)


@check(ITEM, ORDER, CREDENTIAL, QUERY, LET_IN, needs=[Need.ITEMS_CONTRACT], given=_given.visits_in_turn)
async def any_visits_let_in(target: Target, visits: Visits) -> None:
    """Whatever is said on a connection that is let in: the answers are the documented ones, in their order."""
    for visit in visits.each:
        await expect_as_promised(target, visit)


@check(OWN, needs=[Need.ITEMS_CONTRACT], alone=True)
async def three_at_the_same_time(target: Target) -> None:
    """Three connections that are open at the same time each get their own answers."""
    promised = contract(target)
    cookie, token = (Offer.GIVEN if name else Offer.ABSENT for name in (promised.cookie, promised.token))
    given = [(cookie, Offer.ABSENT), (Offer.ABSENT, token), (cookie, Offer.ABSENT)]
    if not (promised.cookie and promised.token):
        given = [(cookie, token)] * len(given)
    each = [
        Visit(
            f"item-{number}",
            _plain(Credential(in_cookie, f"cookie-{number}")),
            _plain(Credential(in_token, f"token-{number}")),
            str(number) if promised.query else None,
            TALK,
        )
        for number, (in_cookie, in_token) in enumerate(given, 1)
    ]
    await expect_their_own(target, Visits(tuple(each)))


@check(OWN, needs=[Need.ITEMS_CONTRACT], given=_given.visits_side_by_side, examples_at_once=1)
async def visits_at_the_same_time(target: Target, visits: Visits) -> None:
    """Connections that are open at the same time each get their own answers."""
    await expect_their_own(target, visits)


async def expect_their_own(target: Target, visits: Visits) -> None:
    """Raises Violation where a connection gets an answer that belongs to another."""
    async with AsyncExitStack() as stack:
        entered = []
        for visit in visits.each:
            peer = await stack.enter_async_context(target.open(echo=False))
            request = request_of(target, visit)
            answer = await shake_hands(target, peer, request)
            if not answer.accepted:
                raise not_served("items", request, str(answer))
            await log_in(peer, target.profile)
            entered.append((peer, visit, answer))
        seen = await asyncio.gather(*(converse(target, peer, visit, answer) for peer, visit, answer in entered))
    for number, each in enumerate(seen, 1):
        if each.heard is None or each.denied is not None:
            raise Undetermined(f"connection {number} is not let in: {each.denied}")
        place = first_wrong(each)
        if place is None or place >= len(each.heard.messages):
            continue  # a missing answer is for a visit on its own to show
        came = each.heard.messages[place]
        owners = [at for at, other in enumerate(seen, 1) if any(due.met_by(came) for due in other.due)]
        if owners and number not in owners:
            wanted = f"connection {number} gets {each.due[place].words!a}"
            raise Violation(wanted, f"an answer of connection {owners[0]}: {told(came)}")
