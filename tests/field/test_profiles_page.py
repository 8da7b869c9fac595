"""docs/profiles.md: the profile that stands there holds its server to its word, and shows no secret."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsproof.cli import main
from wsproof.conformance.serve import free_port
from wsproof.reports.model import Verdict

from .runs import wsproof

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "profiles.md").read_text("utf-8")
KEY = "a-key-that-nobody-sees"


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's profile in a file, its variable set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAREHOUSE_KEY", KEY)
    found = re.search(r"<!-- (.*) -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    file = tmp_path / found[1]
    file.write_text(found[2], "utf-8")
    return file


@pytest.fixture
def url(profile: Path) -> Iterator[str]:
    """The server of the page, which knows the key from its environment."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "tests.peers.warehouse", str(port)], cwd=ROOT) as process:
        try:
            yield f"ws://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def test_the_contracts_hold_and_the_key_is_shown_nowhere(
    url: str, profile: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["check", url, "--profile", profile.name, "-k", "contract", "--wait", "60", "--output", "run.jsonl", "-v"]
    run = wsproof(words, Path("run.jsonl"))
    bad = {result.id for result in run.checks if result.verdict not in (Verdict.PASS, Verdict.INFO, Verdict.SKIP)}
    assert (run.end.exit, bad) == (0, set())
    ran = {result.id.partition("/")[0] for result in run.checks if result.verdict is not Verdict.SKIP}
    assert ran == {"contract-echo", "contract-items"}
    shown = capfd.readouterr()
    assert KEY not in Path("run.jsonl").read_text("utf-8")
    assert KEY not in shown.out + shown.err


def test_a_check_of_the_rfc_goes_through_the_login_first(url: str, profile: Path) -> None:
    words = [
        "check",
        url,
        "--profile",
        profile.name,
        "-k",
        "framing/text-sizes",
        "--wait",
        "60",
        "--output",
        "run.jsonl",
    ]
    run = wsproof([*words, "--quiet"], Path("run.jsonl"))
    assert run.end.exit == 0
    assert {result.verdict for result in run.checks} == {Verdict.PASS}


def test_a_login_that_is_not_answered_ends_the_run(url: str, profile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    profile.write_text(profile.read_text("utf-8").replace('"hello ${', '"hi ${'), "utf-8")
    words = ["check", url, "--profile", profile.name, "-k", "contract", "--wait", "60", "--output", "run.jsonl"]
    run = wsproof([*words, "--quiet"], Path("run.jsonl"))
    assert run.end.exit == 3
    shown = capfd.readouterr().out
    assert "step 1 of the profile's login was not answered as it says" in shown
    assert KEY not in shown


def test_without_its_variable_the_profile_is_refused_in_one_line(
    profile: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WAREHOUSE_KEY")
    with pytest.raises(SystemExit) as ended:
        main(["check", "ws://127.0.0.1:1/v1", "--profile", profile.name])
    shown = capfd.readouterr().err
    assert ended.value.code == 2
    assert shown.count("\n") == 1
    assert "the environment variable WAREHOUSE_KEY is not set" in shown


def test_the_line_that_the_page_shows_is_the_one_that_comes(profile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    profile.write_text(profile.read_text("utf-8").replace("{item_id}", "{item}", 1), "utf-8")
    with pytest.raises(SystemExit):
        main(["check", "ws://127.0.0.1:1/v1", "--profile", profile.name])
    shown = capfd.readouterr().err.removeprefix("wsproof: ").strip()
    assert f"    {shown}\n" in PAGE
