"""What users import for checks of their own, and the requirements that they declare."""

from __future__ import annotations

import importlib

import pytest

import wsproof.conformance as package
from wsproof.conformance.check import check as decorator
from wsproof.conformance.own import requirement, unknown_requirements
from wsproof.conformance.requirements import requirements
from wsproof.reports.model import Level


@pytest.fixture(autouse=True)
def _as_before() -> object:
    """The catalogue as it was: what a test declares must not be seen by others."""
    known = requirements()
    before = dict(known)
    yield
    known.clear()
    known.update(before)


def test_a_declared_requirement_is_known() -> None:
    id = requirement("own:test-words", "It says words.", level=Level.SHOULD)
    assert id == "own:test-words"
    assert unknown_requirements((id, "rfc6455-5.5-2", "own:test-others")) == ["own:test-others"]
    found = requirements()[id]
    assert (found.level, found.statement, found.section) == (Level.SHOULD, "It says words.", "own")


def test_the_same_declaration_twice_is_one() -> None:
    """A helper module can be imported under two names."""
    assert requirement("own:test-twice", "Once.") == requirement("own:test-twice", "Once.")
    with pytest.raises(ValueError, match="declared twice, with different words"):
        requirement("own:test-twice", "Otherwise.")


@pytest.mark.parametrize("id", ["greeting", "Own:greeting", "own:", "own:a b", "contract:echo-text", "rfc6455-5.5-2"])
def test_an_id_of_another_form_is_refused(id: str) -> None:
    with pytest.raises(ValueError, match="is no id of a requirement of your own"):
        requirement(id, "It says words.")


def test_every_exported_name_is_there() -> None:
    for name in package.__all__:
        assert getattr(package, name).__module__.startswith("wsproof.")
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing  # type: ignore[attr-defined]  # that it is not there is what is tried


def test_check_is_the_decorator_whatever_was_imported_before() -> None:
    module = importlib.import_module("wsproof.conformance.check")
    package.check = module  # type: ignore[assignment, unused-ignore]  # as the import of a submodule does
    assert package.check is decorator
