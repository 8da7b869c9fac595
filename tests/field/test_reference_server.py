"""`wsproof run` on each of the reference server's stacks, and what is skipped on a conformant target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import mutant_server
from wsproof.conformance.command import load_checks
from wsproof.conformance.profile import built_in_baselines
from wsproof.reports.baseline import Baseline

from .runs import assert_known, known, skips, wsproof

SKIPPED_ON_THE_REFERENCE_SERVER = {
    "a wss:// URL": {
        "http-message/closure-alert[refused]",
        "http-message/closure-alert[websocket]",
        "opening-handshake/no-101-in-clear",
        "opening-handshake/server-name-not-hosted",
        "opening-handshake/speaks-over-tls",
    },
    "an Origin that the profile says is refused": {"opening-handshake/unwilling-to-serve-an-origin"},
}
SKIPPED_WITHOUT_PROFILE = {
    **SKIPPED_ON_THE_REFERENCE_SERVER,
    "a path that the profile says is refused": {"opening-handshake/unwilling-to-serve-a-path"},
    "the profile's probe that closes first": {
        "closing-handshake/both-close-at-once",
        "closing-handshake/server-closes-first-and-ends-tcp",
        "closing-handshake/server-closes-first[1000]",
        "closing-handshake/server-closes-first[1001]",
        "closing-handshake/server-closes-first[3000]",
        "closing-handshake/server-closes-first[4000]",
        "opening-handshake/service-by-the-resource-name",
    },
    "the profile's probe that pushes messages": {"masking/either-side-may-send"},
    "the profile's probe that tells how the application saw a connection end": {
        "closing-handshake/application-is-told[code-and-reason]",
        "closing-handshake/application-is-told[code]",
        "closing-handshake/application-is-told[empty]",
        "closing-handshake/application-is-told[first-of-two]",
        "closing-handshake/application-is-told[no-close]",
    },
    "the profile's probe whose handler fails": {"closing-handshake/handler-failure"},
}


def test_the_embedded_server_as_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No option says which stack; silences that the baseline names cost the patience, twice each."""
    monkeypatch.chdir(tmp_path)
    run = wsproof(["run", "--patience", "1"], Path("wsproof-report/run.jsonl"))
    assert run.run.kind == "run"
    assert_known(run, known(built_in_baselines()["uvicorn-websockets-sansio"]))
    assert run.end.exit == 0
    assert skips(run) == SKIPPED_ON_THE_REFERENCE_SERVER
    assert Path("wsproof-report/junit.xml").exists()
    out = capsys.readouterr().out
    assert "The gate holds" in out
    assert "Written to wsproof-report/" in out


@pytest.mark.parametrize("stack", ["websockets", "wsproto"])
def test_each_other_stack_with_its_baseline(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = wsproof(["run", "--ws", stack, "--report-dir", "report", "--quiet"], Path("report/run.jsonl"))
    assert_known(run, known(built_in_baselines()[f"uvicorn-{stack}"]))
    assert run.end.exit == 0
    assert skips(run) == SKIPPED_ON_THE_REFERENCE_SERVER


def test_a_conformant_echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with mutant_server() as server:
        run = wsproof(["check", server.url, "--output", "run.jsonl", "--quiet"], Path("run.jsonl"))
    assert_known(run, Baseline())
    assert run.end.exit == 0
    skipped = skips(run)
    contracts = {id for id in load_checks() if id.startswith("contract-")}
    assert {id for id in contracts if load_checks()[id].slow} == contracts - set().union(*skipped.values())
    outside = {reason: ids - contracts for reason, ids in skipped.items()}
    assert {reason: ids for reason, ids in outside.items() if ids} == SKIPPED_WITHOUT_PROFILE
    assert all(reason.startswith("the profile's [") for reason, ids in skipped.items() if ids & contracts)
