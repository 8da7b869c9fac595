"""Runs checks against a mutant and tells what changed against the conformant server."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
import ssl
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import trustme

from tests.mutants import SWITCHES, MutantServer, Switch
from wsproof.conformance import checks as chapters
from wsproof.conformance import property as engine
from wsproof.conformance.check import CATALOGUE, Check, Need
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetRefused
from wsproof.conformance.profile import Profile
from wsproof.conformance.property import Draws
from wsproof.conformance.requirements import requirements
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting
from wsproof.reports.judge import judge_finding
from wsproof.reports.model import Verdict
from wsproof.reports.toml_file import read_toml

PATIENCE = 0.5
"""Seconds. Long for a server in the same process, short enough for hundreds of silent mutants."""
PROFILE = Path(__file__).with_name("mutants.toml")
CONTRACTS = Path(__file__).with_name("contracts.toml")
FEW_EXAMPLES = 5
BAD = (Verdict.FAIL, Verdict.WARN)

SMOKE = (
    "control-frames/ping-is-answered[text]",
    "control-frames/payload-over-125[ping]",
    "framing/text-sizes[125]",
    "framing/reserved-bits[rsv2]",
    "fragmentation/text-in-two-fragments",
    "closing-handshake/close-is-answered[1000]",
    "masking/unmasked-frame[text]",
    "opening-handshake/accepts-a-valid-handshake",
    "text-utf8/invalid-in-one-frame[6.3.1]",
)
"""Run with every switch, whatever its chapter. A name that is not in the catalogue fails test_smoke_set_exists."""


def load_checks(tolerant: bool = False) -> dict[str, Check]:
    """The whole catalogue; ``tolerant`` passes over a chapter that is being written and cannot be imported."""
    for module in pkgutil.iter_modules(chapters.__path__):
        try:
            importlib.import_module(f"{chapters.__name__}.{module.name}")
        except Exception:
            if not tolerant:
                raise
            sys.stderr.write(f"passed over: {module.name} cannot be imported\n")
    return CATALOGUE


def chapter_checks(chapter: str, tolerant: bool = False) -> list[Check]:
    """The checks of one chapter, given as a file name or as the first part of ids."""
    name = chapter.replace("_", "-")
    return [item for item in load_checks(tolerant).values() if item.chapter == name]


Seen = dict[tuple[str, str], tuple[Verdict, str]]
"""(check id, requirement) -> the worst verdict under that requirement and what was observed."""


@dataclass
class Observation:
    """One run: findings, what was skipped, undetermined checks and our own errors."""

    seen: Seen = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    undetermined: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    refused: str | None = None

    def add(self, attempt: Attempt) -> None:
        """Take in one final attempt."""
        id = attempt.check.id
        if attempt.skipped is not None:
            self.skipped[id] = attempt.skipped
        if attempt.error is not None:
            self.errors[id] = attempt.error
        if attempt.reason is not None:
            self.undetermined[id] = attempt.reason
        for raw in attempt.findings:
            known = requirements()[raw.requirement]
            verdict = judge_finding(raw, known.level, bool(known.contested), strict=False).verdict
            key = (id, raw.requirement)
            if key not in self.seen or _rank(verdict) > _rank(self.seen[key][0]):
                self.seen[key] = (verdict, raw.observed)

    def bad(self) -> set[tuple[str, str]]:
        """The findings that fail or warn."""
        return {key for key, (verdict, _) in self.seen.items() if verdict in BAD}


def _rank(verdict: Verdict) -> int:
    order = (Verdict.PASS, Verdict.INFO, Verdict.UNDETERMINED, Verdict.WARN, Verdict.FAIL)
    return order.index(verdict)


async def observe(
    switch: str | Switch | None, checks: Sequence[Check], *, jobs: int = 16, tls: bool = False
) -> Observation:
    """Run ``checks`` against the mutant server with that switch (None: conformant), in clear or over ``tls``.

    Of properties a few examples, and what fails is not shrunk: the files with seeds in them prove those.
    """
    observation = Observation()
    server_side, client_side = tls_contexts() if tls else (None, None)
    async with MutantServer(switch, ssl=server_side) as server:
        profile, _ = read_toml(profile_for(checks), Profile)
        endpoint = parse_endpoint(server.url)
        if client_side is not None:
            endpoint = replace(endpoint, tls=client_side)
        setting = Setting(endpoint, profile=profile, patience=PATIENCE)
        try:
            setting = replace(setting, found=await discover(setting))
        except TargetRefused as refusal:
            observation.refused = str(refusal)
            return observation
        runner = Runner(setting, checks, jobs=jobs, draws=Draws(examples=FEW_EXAMPLES), return_wait=1.0)
        with patch.object(engine, "SHRINK_SECONDS", 0.0) if any(item.given for item in checks) else nullcontext():
            async for attempt in runner.run():
                observation.add(attempt)
        if runner.stopped is not None:
            observation.errors["run"] = runner.stopped.reason
    return observation


def profile_for(checks: Iterable[Check]) -> Path:
    """The profile that these checks need: with the contracts as soon as one of them is of a contract."""
    return CONTRACTS if any(item.chapter.startswith("contract-") for item in checks) else PROFILE


@cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The TLS of a server on 127.0.0.1, and of a client that trusts it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@dataclass
class Proof:
    """What one switch changed. ``missed`` are violated requirements without a changed finding, as far as the run judges
    them (all, if it judges none); ``unrelated`` are bad findings that the switch does not explain."""

    switch: Switch
    changed: dict[str, set[str]]
    missed: list[str]
    unrelated: list[str]
    errors: list[str]

    @property
    def holds(self) -> bool:
        return not (self.missed or self.unrelated or self.errors)


def compare(switch: Switch, conformant: Observation, mutant: Observation) -> Proof:
    """Hold a mutant's run against the conformant one."""
    if mutant.refused is not None:  # the plain handshake does not pass: the run ends with exit 3, which is the catch
        return Proof(switch, {}, [], [], [] if "refused" in switch.also else [f"refused: {mutant.refused}"])
    changed: dict[str, set[str]] = {}
    for (id, requirement), (verdict, observed) in mutant.seen.items():
        before = conformant.seen.get((id, requirement))
        if before is not None and (verdict, observed) != before and verdict is not Verdict.UNDETERMINED:
            if verdict is before[0] and not (verdict is Verdict.INFO and _stable(observed) != _stable(before[1])):
                continue
            changed.setdefault(requirement, set()).add(id)
    judged = {requirement for _, requirement in conformant.seen}.intersection(switch.violates) or switch.violates
    missed = [name for name in switch.violates if name in judged and name not in changed]
    unrelated = [
        f"{id}: {requirement}: {mutant.seen[id, requirement][1]}"
        for id, requirement in sorted(mutant.bad() - conformant.bad())
        if not _explained(switch, id, requirement)
    ]
    errors = [f"{id}: {text}" for id, text in mutant.errors.items()]
    return Proof(switch, changed, missed, unrelated, errors)


def meeting(switch: Switch, checks: Iterable[Check]) -> list[Check]:
    """Those that can be expected to notice it."""
    return [item for item in checks if any(_explained(switch, item.id, name) for name in item.requirements)]


def _explained(switch: Switch, id: str, requirement: str) -> bool:
    globs = [_literal(glob) for glob in switch.also]
    names = (requirement, id)
    return requirement in switch.violates or any(fnmatch.fnmatchcase(name, glob) for name in names for glob in globs)


def _literal(glob: str) -> str:
    return glob.replace("[", "[[]")


def _stable(observed: str) -> str:
    """What was observed without numbers that differ from run to run."""
    return "".join(char for char in observed if not char.isdigit())


def switches_of(chapter: str) -> list[Switch]:
    """The switches of a chapter's file."""
    name = chapter.replace("-", "_")
    return [item for item in SWITCHES.values() if item.chapter == name]


def switches_for(chapter: str, checks: Iterable[Check]) -> list[Switch]:
    """The switches of a chapter's file, then those of other chapters that violate what ``checks`` judge."""
    own = switches_of(chapter)
    named = {name for item in checks for name in item.requirements}
    return own + [item for item in SWITCHES.values() if item not in own and named.intersection(item.violates)]


def needs_tls(switch: Switch, checks: Iterable[Check]) -> bool:
    """Whether a switch shows on a TLS port only: every check of what it violates needs one."""
    judges = [item for item in checks if set(item.requirements).intersection(switch.violates)]
    return bool(judges) and all(Need.TLS in item.needs for item in judges)


def with_smoke(checks: Iterable[Check]) -> list[Check]:
    """Those checks and the smoke set."""
    chosen = {item.id: item for item in checks}
    chosen.update({id: CATALOGUE[id] for id in SMOKE if id in CATALOGUE})
    return list(chosen.values())
