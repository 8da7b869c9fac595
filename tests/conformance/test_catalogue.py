"""What the catalogue as a whole promises: ids never change, every requirement and every Autobahn case has its check."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.harness import load_checks
from wsproof.conformance.check import CATALOGUE, Need, check, param, select
from wsproof.conformance.requirements import not_checked, requirements
from wsproof.conformance.target import Target

GOLDEN = Path(__file__).with_name("check_ids.txt")
"""Every check id, sorted. An id that was released never changes; a new check adds its line."""
MOST_NOT_CHECKED = 15
RFCS = (6455, 9110, 9112)

# Autobahn|Testsuite 25.10.1, groups 1 to 7 and 10: how many cases each subgroup counts.
AUTOBAHN = {
    "1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20,
    "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2, "6.9": 4, "6.10": 3, "6.11": 5,
    "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3, "6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8,
    "6.22": 34, "6.23": 7,
    "7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2, "10.1": 1,
}  # fmt: skip


def test_ids_are_golden() -> None:
    assert sorted(load_checks()) == GOLDEN.read_text().split()


def test_every_requirement_that_a_check_names_exists() -> None:
    named = {name for item in load_checks().values() for name in item.requirements}
    assert sorted(named - requirements().keys()) == []


def test_every_testable_requirement_has_a_check_or_a_reason() -> None:
    named = {name for item in load_checks().values() for name in item.requirements}
    wanted = {item.id for item in requirements().values() if item.rfc in RFCS and item.testable != "no"}
    assert sorted(wanted - named - not_checked().keys()) == []
    assert sorted(not_checked().keys() & named) == []
    assert not_checked().keys() <= wanted
    assert len(not_checked()) <= MOST_NOT_CHECKED
    assert all(reason.endswith(".") for reason in not_checked().values())


def test_every_autobahn_case_of_these_groups_has_its_check() -> None:
    cases = {f"{group}.{number}" for group, count in AUTOBAHN.items() for number in range(1, count + 1)}
    assert len(cases) == 247
    mapped = [case for item in load_checks().values() for case in item.autobahn]
    assert set(mapped) == cases


def test_every_check_has_a_title_of_one_sentence() -> None:
    for item in load_checks().values():
        assert item.title.endswith("."), item.id
        assert len(item.title) <= 160, item.id


def test_checks_that_need_no_echo_are_most_of_those_that_provoke_failure() -> None:
    free = [item for item in load_checks().values() if Need.ECHO not in item.needs]
    assert len(free) > len(load_checks()) / 3


def ids(expression: str | None = None, **options: object) -> list[str]:
    return [item.id for item in select(load_checks().values(), expression=expression, **options)]  # type: ignore[arg-type]  # the names are those of select


class TestSelect:
    def test_a_word_is_a_part_of_an_id(self) -> None:
        found = ids("ping")
        assert found
        assert all("ping" in id for id in found)

    def test_an_exact_id_with_its_brackets(self) -> None:
        assert ids("control-frames/payload-over-125[ping]") == ["control-frames/payload-over-125[ping]"]

    def test_words_join(self) -> None:
        assert set(ids("ping and not control-frames")) == {id for id in ids("ping") if "control-frames" not in id}
        assert set(ids("(framing or masking) and not text")) == {
            id for id in ids() if ("framing" in id or "masking" in id) and "text" not in id
        }

    def test_globs(self) -> None:
        assert ids("control-frames/ping-is-answered*") == ids("ping-is-answered")

    @pytest.mark.parametrize("expression", ["(", "a and", "or a", "a b", "a )", "not", "(a"])
    def test_what_cannot_be_read_is_a_value_error(self, expression: str) -> None:
        with pytest.raises(ValueError, match="-k"):
            ids(expression)

    def test_autobahn_globs(self) -> None:
        assert all(any(case.startswith("6.4.") for case in CATALOGUE[id].autobahn) for id in ids(autobahn=["6.4.*"]))
        assert len(ids(autobahn=["2.5"])) == 1

    def test_a_section_takes_in_those_below(self) -> None:
        def section(name: str) -> str:
            return requirements()[name].section

        inner = ids(sections=["5.5.2"], sections_of=section)
        assert inner
        assert set(inner) < set(ids(sections=["5.5"], sections_of=section))


class TestRegistration:
    def test_a_check_needs_a_requirement(self) -> None:
        with pytest.raises(ValueError, match="at least one requirement"):
            check()

    def test_a_check_needs_a_title(self) -> None:
        async def untitled(target: Target) -> None: ...

        with pytest.raises(ValueError, match="no docstring"):
            check("rfc6455-5.5-2")(untitled)

    @pytest.mark.parametrize("id", ["", "With Space", "UPPER", "trailing-", "a_b"])
    def test_a_parameter_id_is_plain_words(self, id: str) -> None:
        with pytest.raises(ValueError, match="no parameter id"):
            param(id, None)
