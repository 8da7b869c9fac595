"""The catalogue of normative sentences: readable, without doubles, and saying all that a report shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from wsproof.conformance import requirements as module
from wsproof.conformance.requirements import Requirement, not_checked, requirements

PLAIN = {
    "id": "rfc6455-0-1",
    "rfc": 6455,
    "section": "0",
    "level": "MUST",
    "subject": "server",
    "keyword": "MUST",
    "statement": "A server is right.",
    "testable": "yes",
    "how": "It is looked at.",
}


@pytest.fixture
def own_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[dict[str, object]]]]:
    """A catalogue of the test's own."""
    content: dict[str, list[dict[str, object]]] = {"requirement": []}
    monkeypatch.setattr(module, "_file", lambda name: content)
    monkeypatch.setattr(module, "FILES", ("own.toml",))
    for cached in (requirements, not_checked):
        cached.cache_clear()
    yield content
    for cached in (requirements, not_checked):
        cached.cache_clear()


def test_every_one_has_its_id_in_order_and_stands_where_it_says() -> None:
    for name, item in requirements().items():
        assert name == item.id
        if item.rfc is None:
            assert item.id.startswith(f"contract:{item.section}-")
            assert item.source == f"the documentation of the {item.section}"
        else:
            assert item.id.startswith(f"rfc{item.rfc}-{item.section}-")
            assert item.source == f"RFC {item.rfc}, section {item.section}"


def test_every_one_says_what_a_report_shows() -> None:
    for item in requirements().values():
        assert item.statement.strip()
        assert item.how.strip()


def test_what_is_not_checked_is_known_and_has_a_reason() -> None:
    assert not_checked().keys() <= requirements().keys()
    assert all(not_checked().values())


def test_a_double_is_an_error(own_file: dict[str, list[dict[str, object]]]) -> None:
    own_file["requirement"] = [dict(PLAIN), dict(PLAIN)]
    with pytest.raises(ValueError, match="names an id twice"):
        requirements()


def test_none_need_stand_as_not_checked(own_file: dict[str, list[dict[str, object]]]) -> None:
    own_file["requirement"] = [dict(PLAIN)]
    assert not_checked() == {}
    assert list(requirements()) == ["rfc6455-0-1"]


@pytest.mark.parametrize("changes", [{"level": "SHALL NOT EVER"}, {"rfc": "six"}, {"more": 1}, {"how": None}], ids=str)
def test_what_is_malformed_is_an_error(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Requirement.model_validate({**PLAIN, **changes})
