"""What is drawn depends on the seed, the id and the strategies, and on nothing that happens to be there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from wsproof.conformance.drawing import draw, shrink

TEXTS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.lists(st.sampled_from("abc\u00e9"), max_size=20).map("".join),
    "number": st.integers(),
    "octets": st.binary(max_size=20),
}


def test_the_seed_and_the_id_decide() -> None:
    first = draw(TEXTS, 1, "a/b", 50)
    assert len(first) == 50
    assert first == draw(TEXTS, 1, "a/b", 50)
    assert first != draw(TEXTS, 2, "a/b", 50)
    assert first != draw(TEXTS, 1, "a/c", 50)


def test_modules_that_are_loaded_meanwhile_change_nothing(tmp_path: Path) -> None:
    """Hypothesis would draw the constants that stand in them."""
    before = draw(TEXTS, 1, "a/b", 200)
    path = tmp_path / "users_module.py"
    path.write_text("".join(f"N{number} = {number * 7919 + 100_003}\n" for number in range(500)))
    spec = importlib.util.spec_from_file_location("users_module", path)
    assert spec is not None and spec.loader is not None
    sys.modules["users_module"] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        assert draw(TEXTS, 1, "a/b", 200) == before
    finally:
        del sys.modules["users_module"]


def test_a_profile_of_the_user_changes_nothing() -> None:
    before = draw(TEXTS, 1, "a/b", 50)
    theirs = settings.get_current_profile_name()
    settings.register_profile("theirs", max_examples=3, derandomize=True)
    settings.load_profile("theirs")
    try:
        assert draw(TEXTS, 1, "a/b", 50) == before
    finally:
        settings.load_profile(theirs)


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hypothesis.configuration.__hypothesis_home_directory", tmp_path / "home")
    draw(TEXTS, 1, "a/b", 50)
    shrink(TEXTS, 1, "a/b", 50, lambda values: values["number"] > 3)
    assert list(tmp_path.iterdir()) == []


def test_all_are_different_and_a_small_space_is_drawn_whole() -> None:
    drawn = draw({"flag": st.booleans(), "digit": st.integers(0, 3)}, 0, "a/b", 50)
    assert len(drawn) == 8
    assert len({(values["flag"], values["digit"]) for values in drawn.values()}) == 8


def test_the_smallest_failing_example_is_found() -> None:
    strategies = {"number": st.integers(0, 1000)}
    assert shrink(strategies, 0, "a/b", 50, lambda values: values["number"] >= 17) == {"number": 17}
    assert shrink(strategies, 0, "a/b", 50, lambda values: False) is None


def test_when_no_more_are_to_be_tried_the_smallest_so_far_is_it() -> None:
    tried: list[int] = []

    def fails(values: dict[str, int]) -> bool | None:
        if len(tried) == 12:
            return None
        tried.append(values["number"])
        return values["number"] >= 17

    found = shrink({"number": st.integers(0, 100_000)}, 0, "a/b", 50, fails)
    assert found is not None
    assert len(str(found["number"])) == min(len(str(number)) for number in tried if number >= 17)
    assert len(tried) == 12
    assert shrink({"number": st.integers()}, 0, "a/b", 50, lambda values: None) is None
