"""A failure on a mutant, recorded by the command, and replayed: by the command and by the script that it writes."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import MutantServer, Switch
from wsproof.conformance.check import Check
from wsproof.conformance.command import CheckOptions, run_check
from wsproof.conformance.replay_command import ReplayOptions, run_replay, run_script
from wsproof.conformance.serve import free_port
from wsproof.reports.console import Verbosity
from wsproof.reports.model import CheckResult, Run, Verdict
from wsproof.reports.runfile import read_run

from .harness import PATIENCE, _explained, chapter_checks, load_checks, needs_tls, profile_for, tls_contexts

BAD = (Verdict.FAIL, Verdict.WARN)


@dataclass(frozen=True)
class Outcome:
    """Exit codes of a replay against the broken server, the mended one, and one that is not there; what was said."""

    broken: int
    mended: int
    dead: int
    said: str

    @property
    def codes(self) -> tuple[int, int, int]:
        return self.broken, self.mended, self.dead


async def quietly(function: Callable[[], int]) -> tuple[int, str]:
    """What a command function returns and writes, called in a thread, so that servers of this loop answer it."""
    written = io.StringIO()

    def call() -> int:
        with contextlib.redirect_stdout(written):
            return function()

    return await asyncio.to_thread(call), written.getvalue()


@dataclass(frozen=True)
class Case:
    """One failure of one switch."""

    switch: Switch
    path: Path
    result: CheckResult
    tls: bool

    @property
    def shows_the_fault(self) -> bool:
        """Whether the failure is under what the switch violates, and not merely touched by it."""
        bad = {finding.requirement for finding in self.result.findings if finding.verdict in BAD}
        return bool(bad.intersection(self.switch.violates))

    @property
    def has_script(self) -> bool:
        """Whether the run file holds all that was sent: it does not beyond some MiB."""
        return not any("sha256" in step for step in self.result.replay if step["do"] == "send")

    def server(self, *, broken: bool) -> MutantServer:
        """The server with its fault, or without any."""
        return MutantServer(self.switch if broken else None, ssl=tls_contexts()[0] if self.tls else None)

    async def by_command(self) -> Outcome:
        """Replayed by ``wsproof replay``."""

        async def replayed(url: str) -> tuple[int, str]:
            options = ReplayOptions(self.path, self.result.id, url, insecure=self.tls)
            return await quietly(lambda: run_replay(options))

        return await self._against_each(replayed)

    async def by_script(self, script: Path) -> Outcome:
        """Replayed by the script that ``wsproof replay --script`` writes, in a process of its own."""
        await quietly(lambda: run_script(self.path, self.result.id, script))

        async def replayed(url: str) -> tuple[int, str]:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(script), url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            output, _ = await process.communicate()
            return process.returncode or 0, output.decode()

        return await self._against_each(replayed)

    async def _against_each(self, replayed: Callable[[str], Awaitable[tuple[int, str]]]) -> Outcome:
        codes, said = [], ""
        for broken in (True, False):
            async with self.server(broken=broken) as server:
                code, text = await replayed(base(server))
            codes.append(code)
            said += f"--- {'broken' if broken else 'mended'}: {code}\n{text}"
        scheme = "wss" if self.tls else "ws"
        code, text = await replayed(f"{scheme}://127.0.0.1:{free_port()}/")
        return Outcome(codes[0], codes[1], code, f"{said}--- dead: {code}\n{text}")


def base(server: MutantServer) -> str:
    """The URL below which the profile's paths are."""
    return server.url.removesuffix("/echo")


def choices(switch: Switch) -> Iterator[list[Check]]:
    """The checks that show the fault: those that judge what it violates, and where they don't, its whole chapter.

    Where it has no chapter of checks, the properties that judge it.
    """
    violated, chapter = set(switch.violates), chapter_checks(switch.chapter)
    judges = [item for item in chapter or load_checks().values() if violated.intersection(item.requirements)]
    if chapter:
        yield from filter(None, [judges])
        yield chapter
    else:
        yield [item for item in judges if item.given]


async def recorded_run(switch: Switch, ids: Iterable[str], path: Path, *, tls: bool, profile: Path) -> Run:
    """Check the mutant as ``wsproof check`` does, and read the run file back."""
    async with MutantServer(switch, ssl=tls_contexts()[0] if tls else None) as server:
        options = CheckOptions(
            url=base(server),
            profile=str(profile),
            expression=" or ".join(id.replace("[", "?").replace("]", "?") for id in ids),
            patience=PATIENCE,
            insecure=tls,
            output=path,
            verbosity=Verbosity.QUIET,
        )
        await quietly(lambda: run_check(options))
    return read_run(path)


async def failure_of(switch: Switch, path: Path, *, ids: Sequence[str] = ()) -> Case | None:
    """The first failure (or else warning) that the switch explains, one with a script if there is one; of the check

    that is the first of ``ids``, if that fails.

    None where it makes nothing fail.
    """
    for checks in choices(switch):
        tls = needs_tls(switch, checks)
        wanted = ids or [item.id for item in checks]
        run = await recorded_run(switch, wanted, path, tls=tls, profile=profile_for(checks))
        cases = []
        for result in run.checks:
            bad = [finding.requirement for finding in result.findings if finding.verdict is result.verdict]
            if result.verdict in BAD and any(_explained(switch, result.id, name) for name in bad):
                cases.append(Case(switch, path, result, tls))
        cases.sort(
            key=lambda case: (
                case.result.id not in ids[:1],
                not case.shows_the_fault,
                not case.has_script,
                BAD.index(case.result.verdict),
            )
        )
        if cases:
            return cases[0]
    return None
