"""What was discovered goes into the run file and comes back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.conformance.discovered import NOTHING_KNOWN, Discovered, EchoForm

pieces = st.text(st.characters(exclude_characters="\\{", exclude_categories=["Cs"]), max_size=8).map(str.encode)
forms = st.builds(EchoForm, pieces | st.just(b"\xff"), pieces, st.sampled_from([1, 2, None]))


@given(
    st.builds(
        Discovered,
        echo=st.none() | forms,
        greetings=st.integers(0, 5),
        chatty=st.booleans(),
        refused=st.sampled_from([(), (1,), (1, 2)]),
        server=st.none() | st.just("uvicorn"),
    )
)
def test_it_comes_back_as_it_was(found: Discovered) -> None:
    assert Discovered.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_of_an_older_file_what_is_missing_is_not_known() -> None:
    assert Discovered.from_dict({}) == NOTHING_KNOWN


@pytest.mark.parametrize(
    "told", [{"what": 1}, {"echo": {}}, {"echo": {"text": 5, "binary": None}}, {"echo": {"text": "", "binary": "x"}}]
)
def test_what_is_not_of_this_kind(told: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"discovered|echo form"):
        Discovered.from_dict(told)
