"""The server under test as a check sees it: connections to it, what is known of it, and where to report findings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..reports.model import RawFinding
from .budget import Budget
from .check import Findings, Need, Undetermined
from .discovered import NOTHING_KNOWN, Discovered, EchoForm
from .endpoint import Endpoint
from .link import TcpEnd
from .login import log_in
from .peer import KEEP, Message, Peer, Silence
from .profile import Profile
from .source import Source
from .transcript import Transcript
from .wire.frames import Opcode
from .wire.handshake import Request, Response

DEFAULT_PATIENCE = 2.0


@dataclass(frozen=True)
class Setting:
    """What stays the same for all checks of a run. ``patience`` is in seconds."""

    endpoint: Endpoint
    found: Discovered = NOTHING_KNOWN
    profile: Profile | None = None
    patience: float = DEFAULT_PATIENCE
    budget: Budget = field(default_factory=Budget)
    disruptive: bool = False
    salt: str = ""
    """What tells the nonces of this run from those of another against the same target."""

    def missing(self, need: Need) -> bool:
        """Whether the target lacks what a check needs."""
        echo = self.found.echo
        profile = self.profile
        probe = profile.probe if profile else None
        have = {
            Need.ECHO: echo is not None,
            Need.TEXT: Opcode.TEXT not in self.found.refused,
            Need.BINARY_ECHO: echo is not None and echo.binary == 2,
            Need.PLAIN_ECHO: echo is not None and echo.plain and not self.found.chatty,
            Need.TLS: self.endpoint.secure,
            Need.CLEAR: not self.endpoint.secure,
            Need.LOOPBACK: self.endpoint.is_loopback,
            Need.PROBE_CLOSE: bool(probe and probe.close),
            Need.PROBE_PUSH: bool(probe and probe.push),
            Need.PROBE_CRASH: bool(probe and probe.crash),
            Need.PROBE_HEADERS: bool(probe and probe.headers),
            Need.PROBE_SUBPROTOCOL: bool(probe and probe.subprotocol),
            Need.PROBE_LAST_CLOSE: bool(probe and probe.last_close and probe.last_close_echo),
            Need.REFUSED_ORIGIN: bool(profile and profile.refused.origin),
            Need.REFUSED_PATH: bool(profile and profile.paths.refused),
            Need.UNAVAILABLE_PATH: bool(profile and profile.paths.unavailable),
            Need.ECHO_CONTRACT: bool(profile and profile.echo),
            Need.ECHO_BINARY_CONTRACT: bool(profile and profile.echo and profile.echo.binary_path),
            Need.ECHO_JSON_CONTRACT: bool(profile and profile.echo and profile.echo.json_path),
            Need.ITEMS_CONTRACT: bool(profile and profile.items),
            Need.ITEMS_QUERY: bool(profile and profile.items and profile.items.query),
            Need.CHAT_CONTRACT: bool(profile and profile.chat),
            Need.CHAT_ROOMS: bool(profile and profile.chat and profile.chat.room_path),
        }
        return not have[need]


@dataclass(frozen=True)
class Answer:
    """What came back for one HTTP request on a connection of its own.

    ``response`` is None where none came: ``end`` then says how TCP ended, or is None where nothing came at all within
    the patience (``silent``).
    """

    response: Response | None
    end: TcpEnd | None

    @property
    def silent(self) -> bool:
        return self.response is None and self.end is None

    @property
    def status(self) -> int | None:
        return self.response.status if self.response else None

    @property
    def accepted(self) -> bool:
        return self.response is not None and self.response.accepted

    def __str__(self) -> str:
        if self.response is not None and self.response.status == 0:
            return "bytes that are no HTTP response"
        if self.response is not None:
            reason = self.response.head.reason.decode("latin-1")
            return f"{self.response.status} {reason}".rstrip()
        return "no answer within the patience" if self.end is None else f"TCP end ({self.end.value}) without a response"


class Target:
    """The target in the hands of one check. Findings are reported on ``findings`` (and by raising).

    All that is random in what the check sends comes from ``source``; without one it can't be repeated.
    """

    def __init__(
        self,
        setting: Setting,
        findings: Findings,
        transcript: Transcript,
        observe: Callable[[RawFinding], None] = lambda finding: None,
        source: Source | None = None,
    ) -> None:
        self.setting = setting
        self.findings = findings
        self.transcript = transcript
        self.endpoint = setting.endpoint
        self.found = setting.found
        self.profile = setting.profile
        self.patience = setting.patience
        self.source = source or Source.fresh()
        self._observe = observe

    def nonce(self, prefix: str = "wsproof") -> bytes:
        """A payload that no other message of this run has: short printable ASCII."""
        return self.source.nonce(prefix)

    def request(self, target: str | None = None) -> Request:
        """A valid opening handshake for the target's path, or for another request target, with a fresh key."""
        endpoint = self.endpoint if target is None else self.endpoint.at(target)
        return endpoint.request(self.source.handshake_key())

    @asynccontextmanager
    async def open(
        self,
        *,
        tls: bool | None = None,
        server_name: str | None = None,
        keep: int = KEEP,
        echo: bool = True,
        watched: bool = True,
    ) -> AsyncIterator[Peer]:
        """A TCP (TLS) connection without any handshake; see :func:`.link.open_link`. Raises TargetGone.

        ``watched=False`` where what comes may be no fault of its own, because we went astray first.
        """
        peer = Peer(
            endpoint=self.endpoint,
            findings=self.findings,
            transcript=self.transcript,
            budget=self.setting.budget,
            patience=self.patience,
            echo=self.found.echo if echo else None,
            chatty=self.found.chatty,
            deaf=self.found.deaf,
            observe=self._observe if watched else lambda finding: None,
            keep=keep,
            source=self.source,
        )
        try:
            await peer.open(tls=tls, server_name=server_name)
            yield peer
        finally:
            peer.close()

    @asynccontextmanager
    async def connect(
        self,
        request: Request | None = None,
        *,
        greeted: bool = True,
        echo: bool = True,
        login: bool | None = None,
        keep: int = KEEP,
    ) -> AsyncIterator[Peer]:
        """An open WebSocket connection; greetings that the target is known to send have been read (``greeted``).

        Raises Undetermined where the handshake does not end with 101, TargetGone where nothing takes the connection.
        ``echo=False`` for a request to a path that does not echo as the target's own does. ``login``: whether the
        profile's login is gone through first; without a word it is wherever greetings are read.
        """
        async with self.open(keep=keep, echo=echo) as peer:
            await peer.send_request(request if request is not None else self.request())
            try:
                response = await peer.read_response()
            except Silence:
                raise Undetermined(f"the opening handshake was not answered within {self.patience:g} s") from None
            if response is None:
                raise Undetermined("the target ended TCP in the opening handshake")
            if not response.accepted:
                raise Undetermined(f"the opening handshake was answered with {response.status}")
            if (greeted and echo) if login is None else login:
                await log_in(peer, self.profile)
            if greeted and echo:
                for _ in range(self.found.greetings):
                    await self._greeting(peer)
            yield peer

    @staticmethod
    async def _greeting(peer: Peer) -> None:
        try:
            message = await peer.next_message()
        except Silence:
            raise Undetermined("the greeting that the target sends did not come") from None
        if not isinstance(message, Message):
            raise Undetermined(f"instead of the greeting came: {message}")

    async def ask(self, request: Request, *, chop: int | None = None, tls: bool | None = None) -> Answer:
        """Send one HTTP request on a connection of its own; what came back. Raises TargetGone."""
        async with self.open(tls=tls) as peer:
            await peer.send_request(request, chop=chop)
            return await self.answer(peer)

    @staticmethod
    async def answer(peer: Peer, patience: float | None = None) -> Answer:
        """The answer to the request that was sent on ``peer``; silence is an answer too."""
        try:
            response = await peer.read_response(patience)
        except Silence:
            return Answer(None, None)
        return Answer(response, peer.ended)

    @property
    def data_opcode(self) -> Opcode:
        """The type of a message whose content does not matter: text, or binary on a target that takes no text.

        Raises Undetermined where it takes neither.
        """
        return self.taking(Opcode.BINARY if Opcode.TEXT in self.found.refused else Opcode.TEXT)

    def taking(self, opcode: Opcode) -> Opcode:
        """That type of message, where the target takes it. Raises Undetermined where it does not."""
        if opcode in self.found.refused:
            raise Undetermined(f"the target takes no {opcode.name.lower()} messages")
        return opcode

    @property
    def echo(self) -> EchoForm:
        """The target's echo form. Raises Undetermined where it has none."""
        if self.found.echo is None:
            raise Undetermined("the target is not known to echo")
        return self.found.echo
