"""Every switch: what it makes fail is replayed, by command and by script, against the broken server, the mended, none.

Takes too long for every save, so its name is none that pytest collects: `pytest -n auto tests/proof/full_replay.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import SWITCHES
from wsproof.conformance.check import Need

from .harness import load_checks
from .repeating import sent_otherwise
from .replaying import failure_of

STILL_FAILS, CONFORMS, NOT_REACHED = 1, 0, 3
CHOSEN = {
    "endless-message-exhausts-memory": "framing/endless-message",
    "huge-length-exhausts-memory": "framing/huge-length[2-32]",
    "mask-restarts-with-each-segment": "masking/segments-continue-the-key",
    "partial-frames-lost": "framing/split-frame[header]",
}
"""The check to replay where others fail too: of what that one leaves in the server, or as TCP happens to cut."""
UNREPEATABLE: dict[str, str] = {
    "chat-silent-not-told": "shows only with --slow: the server waits for its own time-out before it is wrong",
    "chat-slow-member-blocks": "shows once the kernel's buffers are full, which is sooner or later",
    "ping-in-segments-unanswered": "shows unless TCP joins the segments again",
}
"""Switches whose fault shows at random, or not twice, and why."""
NOTHING_TO_REPLAY: frozenset[str] = frozenset(
    {
        "401-without-challenge",
        "bare-line-feed-ends-line",
        "binary-refused",
        "close-above-3000-answered-with-1002",
        "close-answered-without-code",
        "close-within-message-answered-with-1002",
        "codes-from-5000-ignored",
        "content-of-403-cut-off",
        "crash-without-close",
        "deflate-used-twice",
        "extensions-on-two-lines",
        "extensions-on-two-lines-refused",
        "foreign-host-accepted",
        "foreign-server-name-refused",
        "https-resource-in-clear",
        "invalid-text-found-at-the-end",
        "invalid-text-found-at-the-end-of-a-frame",
        "key-with-pad-bits-refused",
        "last-configuration-chosen",
        "long-echo-delayed",
        "long-echo-in-frames",
        "long-reason-refused",
        "nonminimal-length-accepted",
        "only-latest-ping-answered",
        "ping-before-101",
        "ping-with-close-answered",
        "ping-within-message-answered-twice",
        "pings-of-its-own",
        "pong-twice",
        "pongs-in-reverse",
        "pongs-of-its-own",
        "pushes-only-when-asked",
        "redirect-without-location",
        "repeated-protocol-accepted",
        "second-protocol-line-ignored",
        "several-versions-listed",
        "tcp-reset-after-failure",
        "tls-connections-closed-at-once",
        "unsolicited-pong-answered",
        "upgrade-in-every-error",
        "versions-in-several-lines",
    }
)
"""Switches with a fault that is allowed, so that nothing fails or warns, or with one with which no run comes about."""


@pytest.mark.parametrize("name", [name for name in SWITCHES if name not in UNREPEATABLE])
async def test_what_it_makes_fail_can_be_replayed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = [CHOSEN[name]] if name in CHOSEN else []
    case = await failure_of(SWITCHES[name], tmp_path / "run.jsonl", ids=chosen)
    assert (case is None) == (name in NOTHING_TO_REPLAY)
    if case is None:
        return
    outcomes = [await case.by_command()]
    if case.has_script:
        outcomes.append(await case.by_script(tmp_path / "again.py"))
    for outcome in outcomes:
        assert outcome.codes == (STILL_FAILS, CONFORMS, NOT_REACHED), f"{case.result.id}\n{outcome.said}"


async def test_every_check_sends_the_same_again() -> None:
    checks = [item for item in load_checks().values() if not (item.given or item.slow or Need.TLS in item.needs)]
    assert await sent_otherwise(item for item in checks if not item.chapter.startswith("contract-")) == {}


def test_the_list_of_exceptions_names_switches() -> None:
    assert UNREPEATABLE.keys() | CHOSEN.keys() | NOTHING_TO_REPLAY <= SWITCHES.keys()
