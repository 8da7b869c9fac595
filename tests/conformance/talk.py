"""Both ends of one connection in the hands of a test: the peer that is tested, and a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.peers.scripted import Listener, Wire, scripted
from wsproof.conformance.budget import Budget
from wsproof.conformance.check import Findings
from wsproof.conformance.discovered import Discovered, EchoForm
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.peer import Peer
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.reports.model import RawFinding, TranscriptEntry

LONG = 20.0
"""A patience that no test waits for: whatever is awaited comes, however slow the machine is."""
SHORT = 0.2
"""A patience for tests in which nothing comes."""
REQUIREMENT = "rfc6455-7.1.7-1"


@dataclass
class Talk:
    """``peer`` is ours, ``server`` the other end; what the peer reported and wrote down is beside them."""

    peer: Peer
    server: Wire
    target: Target
    observed: list[RawFinding]

    @property
    def found(self) -> list[RawFinding]:
        """What was reported as findings of the check."""
        return self.target.findings.made

    @property
    def transcript(self) -> Sequence[TranscriptEntry]:
        return self.target.transcript.entries


@dataclass
class Aim:
    """A target that is a scripted server."""

    listener: Listener
    target: Target
    observed: list[RawFinding] = field(default_factory=list)


@asynccontextmanager
async def aim(
    *, echo: EchoForm | None = None, chatty: bool = False, greetings: int = 0, patience: float = LONG,
    budget: Budget | None = None,
) -> AsyncIterator[Aim]:  # fmt: skip
    """A target on a scripted server to which nothing is connected yet."""
    async with scripted() as listener:
        setting = Setting(
            parse_endpoint(listener.url),
            found=Discovered(echo=echo, chatty=chatty, greetings=greetings),
            patience=patience,
            budget=budget or Budget(),
        )
        observed: list[RawFinding] = []
        transcript = Transcript(setting.endpoint.redactor())
        target = Target(setting, Findings((REQUIREMENT,)), transcript, observed.append)
        yield Aim(listener, target, observed)


@asynccontextmanager
async def talk(
    *, echo: EchoForm | None = None, chatty: bool = False, patience: float = LONG, budget: Budget | None = None
) -> AsyncIterator[Talk]:
    """An open WebSocket connection. ``patience`` counts from when the handshake is over."""
    async with aim(echo=echo, chatty=chatty, budget=budget) as at:
        accepting = asyncio.create_task(at.listener.accepted())
        async with at.target.connect() as peer:
            peer.patience = patience
            yield Talk(peer, await accepting, at.target, at.observed)
