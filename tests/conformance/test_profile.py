"""Profile files: what they may say, and those that come with wsproof."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from pydantic import ValidationError

from wsproof.conformance.command import load_checks
from wsproof.conformance.profile import Paths, Profile, built_in, built_in_baselines
from wsproof.reports.baseline import load_baseline
from wsproof.reports.toml_file import read_toml

FILLED = {
    "close": {"code", "reason"},
    "push": {"n", "interval"},
    "last_close": {"id"},
    "last_close_echo": {"id"},
}
"""The names in braces that each probe takes."""


def test_only_the_name_is_needed() -> None:
    profile = Profile(name="mine")
    assert profile.paths == Paths(echo="/")
    assert profile.denial == "any"
    assert profile.subprotocols == []
    assert not profile.clear_and_tls


@pytest.mark.parametrize(
    "changes",
    [
        {"nmae": "x"},
        {"name": 3},
        {"denial": "perhaps"},
        {"paths": {"ecko": "/"}},
        {"probe": {"close": 3}},
        {"refused": {"origins": "x"}},
        {"allowed": {"path": []}},
        {"subprotocols": "chat"},
        {"clear_and_tls": "maybe"},
    ],
    ids=str,
)
def test_what_it_does_not_know_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Profile.model_validate({"name": "mine", **changes})


def test_a_profile_never_changes() -> None:
    profile = Profile(name="mine")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(profile, "name", "yours")  # noqa: B010 - mypy knows it, too


@pytest.mark.parametrize("path", built_in().values(), ids=lambda path: path.stem)
def test_built_in_profiles_can_be_read_and_bear_their_file_s_name(path: Path) -> None:
    profile, _ = read_toml(path, Profile)
    assert profile.name == path.stem
    paths = [value for value in profile.paths.model_dump().values() if value is not None]
    probes = {name: value for name, value in profile.probe.model_dump().items() if value is not None}
    assert all(value.startswith("/") for value in [*paths, *probes.values()])
    for name, value in probes.items():
        assert {word for _, word, _, _ in string.Formatter().parse(value) if word} == FILLED.get(name, set())


def test_the_reference_server_has_one() -> None:
    assert "reference" in built_in()


@pytest.mark.parametrize("path", built_in_baselines().values(), ids=lambda path: path.stem)
def test_built_in_baselines_name_checks_that_there_are(path: Path) -> None:
    load_baseline(path, set(load_checks()))
