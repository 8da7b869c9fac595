"""What the contracts of echo and items draw, and that nothing is loaded for it before it is drawn."""

from __future__ import annotations

import json
import subprocess
import sys

from wsproof.conformance.checks._talks import Blobs, Talk, Values
from wsproof.conformance.checks._visits import ABSENT, Offer, Visit, Visits
from wsproof.conformance.drawing import draw
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import ItemAnswer, ItemsContract, Profile
from wsproof.conformance.strategies_contracts import (
    EDGES,
    MOST_MESSAGES,
    ODD_TEXTS,
    blobs,
    json_texts,
    talks,
    values,
    visits,
    visits_in_turn,
    visits_side_by_side,
)
from wsproof.conformance.target import Setting

EXAMPLES = 100
MANY = 300
"""So many show every pair of credentials."""
FEW = 20
BARE = ItemsContract(path="/{item_id}", token="t", answers=[ItemAnswer(text="{message}")])
WHOLE = BARE.model_copy(update={"cookie": "c", "query": "q"})


def setting(contract: ItemsContract) -> Setting:
    profile = Profile.model_validate({"name": "own", "denial": "any", "items": contract.model_dump()})
    return Setting(parse_endpoint("ws://h/"), profile=profile)


def test_the_catalogue_is_loaded_without_hypothesis() -> None:
    program = """
import sys
from wsproof.conformance.command import load_checks
assert any(item.given for item in load_checks().values())
assert "hypothesis" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_plain_and_odd_texts_are_said_alone_and_in_a_row() -> None:
    drawn: list[Talk] = [found["talk"] for found in draw({"talk": talks()}, 0, "talk", EXAMPLES).values()]
    assert {len(talk.said) for talk in drawn} == set(range(1, MOST_MESSAGES + 1))
    assert {talk.at_once for talk in drawn} == {False, True}
    said = {one.text for talk in drawn for one in talk.said}
    assert said.issuperset(ODD_TEXTS)
    assert "" in said


def test_binary_messages_are_of_any_octets_and_sizes() -> None:
    drawn: list[Blobs] = [found["blobs"] for found in draw({"blobs": blobs()}, 0, "blobs", EXAMPLES).values()]
    assert any(b"\xff" in part for made in drawn for part in made.parts)
    assert {len(part) * made.times > 0xFF for made in drawn for part in made.parts} == {False, True}


def test_json_values_are_json_and_of_every_kind() -> None:
    texts = [found["text"] for found in draw({"text": json_texts()}, 0, "json", EXAMPLES).values()]
    found = [json.loads(text) for text in texts]
    assert {type(value) for value in found} == {type(None), bool, int, float, str, list, dict}
    assert any(edge in [value for value in found if type(value) is int] for edge in EDGES)
    rows: list[Values] = [found["values"] for found in draw({"values": values()}, 0, "values", EXAMPLES).values()]
    assert {len(made.texts) for made in rows} == set(range(1, MOST_MESSAGES + 1))


def test_every_credential_is_offered_and_every_query_asked() -> None:
    strategy = {"visit": visits(setting(WHOLE))}
    drawn: list[Visit] = [found["visit"] for found in draw(strategy, 0, "visit", MANY).values()]
    offers = {Offer.ABSENT, Offer.EMPTY, Offer.GIVEN}
    assert {(made.cookie.offer, made.token.offer) for made in drawn} == {(one, two) for one in offers for two in offers}
    assert len({made.asked for made in drawn}) == 4
    assert {made.encoded for made in drawn} == {False, True}


def test_a_part_that_the_profile_leaves_out_is_never_drawn() -> None:
    for found in draw({"visit": visits(setting(BARE))}, 0, "bare", EXAMPLES).values():
        made: Visit = found["visit"]
        assert made.cookie == ABSENT
        assert made.q is None


def test_those_that_are_let_in_come_in_turn_or_side_by_side() -> None:
    for strategy in (visits_in_turn(setting(WHOLE)), visits_side_by_side(setting(WHOLE))):
        drawn: list[Visits] = [found["visits"] for found in draw({"visits": strategy}, 0, "row", FEW).values()]
        assert len({len(made.each) for made in drawn}) > 1
        for made in drawn:
            assert all(Offer.GIVEN in (visit.cookie.offer, visit.token.offer) for visit in made.each)
