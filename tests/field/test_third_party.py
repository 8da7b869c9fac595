"""Plain echo servers of other people, each as it comes from PyPI: the suite finds what is known of it and no more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .runs import EXPECTED, assert_known, known, wsproof

UNDETERMINED = {
    # It does not take the absolute-form at all, so nothing shows whose Host it would go by.
    "tornado": frozenset({"http-message/absolute-form-goes-before-host"}),
}


@pytest.mark.parametrize("name", ["websockets", "aiohttp", "tornado"])
def test_the_whole_catalogue(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    expected = EXPECTED / f"{name}.toml"
    serve = f"{sys.executable} -m tests.peers.{name}_echo {{port}}"
    words = ["check", "--serve", serve, "--baseline", str(expected), "--output", "run.jsonl", "--quiet"]
    assert_known(wsproof(words, Path("run.jsonl")), known(expected), UNDETERMINED.get(name, frozenset()))
