"""The options of the pytest plugin, read: what is wrong is said in one line, with the names that pytest has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from wsproof.conformance.pytest_batch import Plan
from wsproof.conformance.pytest_options import plan_of
from wsproof.conformance.pytest_plugin import OPTIONS

URL = "ws://127.0.0.1:9/echo"


def read(folder: Path, seed: int | None = None, **given: object) -> Plan:
    """The plan for these options; ``ws_jobs`` stands for ``--ws-jobs``."""
    values: dict[str, Any] = {
        name: words.get("default", False if words.get("action") == "store_true" else None) for name, words in OPTIONS
    }
    values |= {"--ws-target": URL}
    for name, value in given.items():
        values[f"--{name.replace('_', '-')}"] = value
    config = SimpleNamespace(
        getoption=values.__getitem__, rootpath=folder, invocation_params=SimpleNamespace(dir=folder)
    )
    return plan_of(cast(pytest.Config, config), seed=seed)


def test_without_a_word_all_is_as_in_the_command(tmp_path: Path) -> None:
    plan = read(tmp_path)
    assert (plan.endpoint.url, plan.profile, plan.jobs, plan.seed, plan.strict) == (URL, None, None, 0, False)
    assert (plan.patience, plan.examples) == (2.0, 50)


def test_what_is_given_counts(tmp_path: Path) -> None:
    plan = read(tmp_path, ws_jobs="3", ws_patience="0.5", ws_examples="7", ws_seed="12", ws_output="sub.jsonl")
    assert (plan.jobs, plan.patience, plan.examples, plan.seed) == (3, 0.5, 7, 12)
    assert plan.output == tmp_path / "sub.jsonl"


def test_a_profile_gives_the_path(tmp_path: Path) -> None:
    plan = read(tmp_path, ws_profile="reference", ws_target="ws://127.0.0.1:9")
    assert plan.endpoint.url == "ws://127.0.0.1:9/echo"


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert "hush" not in read(tmp_path, ws_target=f"{URL}?token=hush").shown_url


def test_a_random_seed_is_the_controllers_in_every_worker(tmp_path: Path) -> None:
    assert read(tmp_path, ws_seed="random").seed >= 0
    assert read(tmp_path, seed=77, ws_seed="random").seed == 77


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"ws_jobs": "0"}, "--ws-jobs '0': write a whole number from 1 to 512"),
        ({"ws_jobs": "two"}, "--ws-jobs 'two': write a whole number from 1 to 512"),
        ({"ws_patience": "nan"}, "--ws-patience 'nan': write a number from 0.05 to 600"),
        ({"ws_seed": "-1"}, "--ws-seed '-1': write a whole number from 0 to 999999999999999999"),
        ({"ws_profile": "nope"}, "--ws-profile 'nope': no such profile; built in: "),
        ({"ws_header": ["no colon"]}, "--ws-header"),
        ({"ws_output": "no/such/folder/run.jsonl"}, "run.jsonl: cannot be written"),
        ({"ws_baseline": ["nope.toml"]}, "nope.toml: cannot be read"),
        ({"ws_target": "ws://"}, "the URL 'ws://'"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        read(tmp_path, **given)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_baseline_may_know_own_checks_but_no_wrong_name_of_ours(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[known]]\nid = "test-own/any"\nreason = "so"\n')
    assert [entry.id for entry in read(tmp_path, ws_baseline=[str(known)]).baseline.known] == ["test-own/any"]
    known.write_text('[[known]]\nid = "masking/no-such-check"\nreason = "so"\n')
    with pytest.raises(pytest.UsageError, match="there is no check 'masking/no-such-check'"):
        read(tmp_path, ws_baseline=[str(known)])
