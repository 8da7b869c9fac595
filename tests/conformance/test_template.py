"""Templates of a profile: what is filled in, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.conformance.template import (
    around,
    check_names,
    expand,
    expand_path,
    fill,
    pattern,
    placeholders,
    variables,
)


def test_names_are_found_and_variables_are_none_of_them() -> None:
    assert placeholders("{a} {{b}} ${C} {d}{a}") == {"a", "d"}
    assert variables("{a} ${B} $C ${D_1}{x}") == {"B", "D_1"}


@given(st.text(), st.text())
def test_values_are_filled_in_as_they_are(message: str, id: str) -> None:
    assert fill("{{{id}}}: {message}", message=message, id=id) == f"{{{id}}}: {message}"


def test_what_stands_around_a_placeholder() -> None:
    assert around("{{ {id} says: {message}!", "message", id="7") == ("{ 7 says: ", "!")


@given(st.text())
def test_a_pattern_matches_what_the_template_makes(message: str) -> None:
    assert pattern("(.*) {message} $ {any}", {}, message=message).fullmatch(f"(.*) {message} $ \n or so")
    assert not pattern("a {message}", {}, message=message).fullmatch(f"b {message}")


def test_a_pattern_takes_variables_as_they_are() -> None:
    assert pattern("hello ${NAME}", {"NAME": "a.c"}).fullmatch("hello a.c")
    assert not pattern("hello ${NAME}", {"NAME": "a.c"}).fullmatch("hello abc")


def test_variables_are_put_in_and_percent_encoded_in_a_path() -> None:
    assert expand("Bearer ${TOKEN}", {"TOKEN": "a/b {c}"}) == "Bearer a/b {c}"
    assert expand_path("/x/{id}?t=${TOKEN}", {"TOKEN": "a/b {c}"}) == "/x/{id}?t=a%2Fb%20%7Bc%7D"
    with pytest.raises(KeyError):
        expand("${MISSING}", {})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{mesage}", "the placeholder {mesage} is unknown; did you mean {message}?"),
        (
            "{zzz} {message}",
            "the placeholder {zzz} is unknown; known here: {message}, {client_id}; write {{ for a brace",
        ),
        ("plain", "the placeholder {message} is missing; write it where that value goes"),
        ("{message", "a '{' stands alone; write '{{' for a brace"),
        ("{message}}", "a '}' stands alone; write '}}' for a brace"),
        ("{message!r}", "the placeholder {message!r} is unknown; did you mean {message}?"),
        ("{} {message}", "the placeholder {} is unknown; known here: {message}, {client_id}; write {{ for a brace"),
    ],
)
def test_what_is_wrong_says_what_is_right(template: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        check_names(template, needed=["message"], known=["client_id"])
    assert str(error.value) == message


def test_what_is_right_comes_back() -> None:
    assert check_names("{{x}} {message} by {client_id}", needed=["message"], known=["client_id"])
