"""The tutorial's three applications as a third party: what the suite finds by URL, with a profile, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wsproof.conformance.serve import free_port
from wsproof.reports.model import CheckResult, Run, Verdict

from .runs import wsproof

ROOT = Path(__file__).parents[2]
ITEMS = """
name = "tutorial-items"
denial = "{denial}"

[paths]
echo = "/items/1/ws?token=t"

[items]
path = "/items/{{item_id}}/ws"
cookie = "session"
token = "token"
query = "q"
answers = [
    {{ text = "Session cookie or query token value is: {{credential}}" }},
    {{ text = "Query parameter q is: {{q}}", only_with_query = true }},
    {{ text = "Message text was: {{message}}, for item ID: {{item_id}}" }},
]
"""
CHAT = """
name = "tutorial-chat"

[paths]
echo = "/ws/0"

[chat]
path = "/ws/{client_id}"
own = "You wrote: {message}"
others = "Client #{client_id} says: {message}"
left = "Client #{client_id} left the chat"
"""
EMPTY_COOKIE = "let in with an empty one as credential"
SLASH = "not let in with a slash in the item id: 403 Forbidden"
EMPTY_QUERY = "not let in with an empty query parameter: 403 Forbidden"


@contextmanager
def application(name: str) -> Iterator[str]:
    """That application of the tutorial under uvicorn; its URL."""
    port = free_port()
    command = [sys.executable, "-m", f"tests.peers.tutorial_{name}", str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield f"ws://127.0.0.1:{port}"
        finally:
            process.terminate()


def run(url: str, profile: str, expression: str, folder: Path) -> Run:
    """The chosen checks of a run by URL, against a server that may still be starting."""
    file = folder / "run.jsonl"
    words = ["check", url, "--profile", profile, "-k", expression, "--wait", "60", "--output", str(file), "--quiet"]
    return wsproof(words, file)


def by_verdict(found: Run, *verdicts: Verdict) -> dict[str, CheckResult]:
    return {result.id: result for result in found.checks if result.verdict in verdicts}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the test's own, so that no configuration and no failure file of another is read."""
    monkeypatch.chdir(tmp_path)


def test_the_echo_keeps_its_promise_and_what_it_lacks_is_told_apart(tmp_path: Path) -> None:
    with application("echo") as url:
        found = run(url, "fastapi-tutorial", "contract-echo or contract-items", tmp_path)
    assert found.end.exit == 0
    passed = by_verdict(found, Verdict.PASS)
    assert len([id for id in passed if id.startswith("contract-echo/")]) >= 17
    unsure = by_verdict(found, Verdict.UNDETERMINED)
    assert unsure.keys() == {result.id for result in found.checks if result.id.startswith("contract-items/")}
    reasons = {(result.reason or "").rpartition(": ")[2] for result in unsure.values()}
    assert all(reason.endswith("answered 403 Forbidden") for reason in reasons)


def test_the_items_refuse_by_http_what_the_documentation_says_is_closed(tmp_path: Path) -> None:
    profile = tmp_path / "items.toml"
    profile.write_text(ITEMS.format(denial="any"))
    with application("items") as url:
        noted = run(url, str(profile), "contract-items", tmp_path)
        profile.write_text(ITEMS.format(denial="close"))
        warned = run(url, str(profile), "contract-items", tmp_path)
    assert (noted.end.exit, warned.end.exit) == (0, 0)
    assert by_verdict(noted, Verdict.FAIL, Verdict.WARN, Verdict.UNDETERMINED, Verdict.ERROR) == {}
    assert by_verdict(warned, Verdict.FAIL, Verdict.UNDETERMINED, Verdict.ERROR) == {}
    nobody = "contract-items/truth-table[cookie-absent.token-absent]"
    assert "403 Forbidden" in {finding.observed for finding in by_verdict(noted, Verdict.INFO)[nobody].findings}
    assert [finding.observed for finding in by_verdict(warned, Verdict.WARN)[nobody].findings if finding.observed] == [
        "403 Forbidden"
    ]


def test_what_the_tutorial_leaves_open_is_noted(tmp_path: Path) -> None:
    profile = tmp_path / "items.toml"
    profile.write_text(ITEMS.format(denial="any"))
    with application("items") as url:
        found = run(url, str(profile), "truth-table", tmp_path)
    seen = {result.id.partition("[")[2][:-1]: {each.observed for each in result.findings} for result in found.checks}
    assert EMPTY_COOKIE in seen["cookie-empty.token-absent"]
    assert EMPTY_COOKIE in seen["cookie-absent.token-empty"]
    assert {SLASH, EMPTY_QUERY} <= seen["cookie-given.token-absent"]


def test_in_the_chat_one_who_does_not_read_breaks_it_for_all(tmp_path: Path) -> None:
    profile = tmp_path / "chat.toml"
    profile.write_text(CHAT)
    with application("chat") as url:
        plain = run(url, str(profile), "joining-later", tmp_path)
        broken = run(url, str(profile), "one-does-not-read", tmp_path)
    assert (plain.end.exit, broken.end.exit) == (0, 1)
    assert by_verdict(broken, Verdict.FAIL).keys() == {result.id for result in broken.checks}
