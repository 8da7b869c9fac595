"""A sample of switches of different kinds: what they make fail is replayed. `tests/proof/full_replay.py` does all."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

import pytest

from tests.mutants import SWITCHES, MutantServer
from tests.proof.replaying import failure_of, quietly
from wsproof.conformance.command import CheckOptions, run_check
from wsproof.conformance.replay_command import ReplayOptions, run_replay, run_script
from wsproof.conformance.serve import ServedTarget, free_port
from wsproof.reports.console import Verbosity

SAMPLE = {
    "long-control-taken": ["control-frames/payload-over-125[ping]"],
    "half-a-code-echoed": ["closing-handshake/close-body-begins-with-a-code", "closing-handshake/close-of-one-byte"],
    "close-unanswered": ["closing-handshake/close-is-answered[1000]"],
    "tcp-reset": ["closing-handshake/server-ends-tcp"],
    "close-answered-late": ["closing-handshake/close-is-answered-soon"],
    "masks-its-messages": ["masking/sent-frames-are-unmasked"],
    "fragments-reversed": ["fragmentation/fragments-keep-their-order"],
    "upgrade-by-prefix": ["opening-handshake/upgrade-to-another-protocol"],
    "folded-response-field": ["http-message/response-head-grammar"],
    "head-answered-with-content": ["http-message/no-content-for-head"],
    "no-closure-alert": ["http-message/closure-alert[refused]"],
    "endless-message-exhausts-memory": ["framing/endless-message"],
    "third-message-dropped": ["framing/any-messages-in-a-row"],
}
"""Switch -> the check whose failure is replayed, and others that run with it."""


@pytest.mark.parametrize(("name", "checks"), SAMPLE.items(), ids=SAMPLE)
async def test_still_fails_conforms_or_is_not_reached(
    name: str, checks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = await failure_of(SWITCHES[name], tmp_path / "run.jsonl", ids=checks)
    assert case is not None
    assert case.result.id == checks[0]
    for outcome in (await case.by_command(), await case.by_script(tmp_path / "again.py")):
        assert outcome.codes == (1, 0, 3), outcome.said


ROOT = Path(__file__).resolve().parents[2]
LETHAL = "control-frames/payload-over-125[ping]"
MORTAL = f"{shlex.quote(sys.executable)} -m tests.peers.mortal {{port}}"


async def test_a_server_that_dies_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it has died again shows only afterwards: it takes no further connection."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    run, script = tmp_path / "run.jsonl", tmp_path / "again.py"
    expression = LETHAL.replace("[", "?").replace("]", "?")
    options = CheckOptions(
        expression=expression, serve=MORTAL, patience=0.5, output=run, verbosity=Verbosity.QUIET,
    )  # fmt: skip
    assert (await quietly(lambda: run_check(options)))[0] == 1
    assert (await quietly(lambda: run_script(run, LETHAL, script)))[0] == 0

    async def by_script(url: str) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(script), url, stdout=asyncio.subprocess.DEVNULL
        )
        return await process.wait()

    async def by_command(url: str) -> int:
        code, said = await quietly(lambda: run_replay(ReplayOptions(run, LETHAL, url)))
        assert ("target died" in said.split("now  ", 1)[1]) is (code == 1)
        return code

    codes = []
    for replayed in (by_command, by_script):
        port = free_port()
        served = ServedTarget(MORTAL, "127.0.0.1", port)
        await served.start()
        try:
            codes.append(await replayed(f"ws://127.0.0.1:{port}/"))
        finally:
            await served.stop()
        async with MutantServer() as server:
            codes.append(await replayed(server.url.removesuffix("echo")))
        codes.append(await replayed(f"ws://127.0.0.1:{free_port()}/"))
    assert codes == [1, 0, 3, 1, 0, 3]
