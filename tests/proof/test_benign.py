"""Servers that are unusual but conformant: the checks must find nothing to fail or to warn about.

Each is a small subclass of the conformant connection; its docstring says what it does otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.mutants import MutantServer, Switch
from tests.mutants.connection import BINARY, CONTINUATION, PING, PONG, TEXT, Connection, InFrame, Phase, Reaction
from tests.mutants.frames import close_payload
from wsproof.conformance.check import Check
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import Profile
from wsproof.conformance.property import Draws
from wsproof.conformance.runner import Runner
from wsproof.conformance.target import Setting
from wsproof.reports.toml_file import read_toml

from .harness import FEW_EXAMPLES, PATIENCE, PROFILE, Observation, load_checks

MOMENT = 0.02
"""Seconds: what a server may take for anything."""
FRAMES = ("framing", "masking", "control-frames", "fragmentation", "text-utf8", "closing-handshake")
"""The chapters that look at frames."""


def checks_of(*chapters: str) -> list[Check]:
    """The checks of these chapters."""
    return [check for check in load_checks().values() if check.chapter in chapters]


async def observe_class(part: type[Connection], checks: Sequence[Check], path: str = "/echo") -> Observation:
    """What those checks show on that path of a server whose connections are of that class."""
    observation = Observation()
    odd = Switch(part.__name__, part.__doc__ or "", ("-",), (), part, "-")
    async with MutantServer(odd) as server:
        profile, _ = read_toml(PROFILE, Profile)
        setting = Setting(parse_endpoint(server.url.replace("/echo", path)), profile=profile, patience=PATIENCE)
        setting = replace(setting, found=await discover(setting))
        runner = Runner(setting, checks, jobs=16, draws=Draws(examples=FEW_EXAMPLES))
        async for attempt in runner.run():
            observation.add(attempt)
        assert runner.stopped is None
    return observation


class PingsOften(Connection):
    """Sends a Ping when it opens, before each message and now and then."""

    def opened(self) -> None:
        self.tick()
        super().opened()

    def tick(self) -> None:
        if self.is_open:
            self.send_frame(PING, b"are you there?")
            asyncio.get_running_loop().call_later(MOMENT, self.tick)

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.is_open:
            self.send_frame(PING, b"")
        super().send_message(opcode, message)


class PongsAsHeartbeat(Connection):
    """Sends Pongs that nobody asked for as a heartbeat in one direction (5.5.3)."""

    def opened(self) -> None:
        self.tick()
        super().opened()

    def tick(self) -> None:
        if self.is_open:
            self.send_frame(PONG, b"")
            asyncio.get_running_loop().call_later(MOMENT, self.tick)

    def on_ping(self, payload: bytes) -> None:
        self.send_frame(PONG, b"")
        super().on_ping(payload)


class AnswersTheLatestPing(Connection):
    """Of several Pings that came together it answers the last one only (5.5.3)."""

    pending: bytes | None = None

    def on_ping(self, payload: bytes) -> None:
        self.pending = payload

    def read_frames(self) -> None:
        super().read_frames()
        if self.pending is not None and not self.close_sent:
            self.send_frame(PONG, self.pending)
        self.pending = None


class SendsFramesInPieces(Connection):
    """Every frame goes out in two TCP segments that part it after its first octet."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        octets = self.encode_frame(fin, rsv, opcode, payload)
        self.stream.write(octets[:1])
        self.stream.write(octets[1:])


class WritesLate(Connection):
    """What it sends goes out a moment later, the end of TCP too."""

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        octets = self.encode_frame(fin, rsv, opcode, payload)
        asyncio.get_running_loop().call_later(MOMENT, self.stream.write, octets)

    def end_tcp(self) -> None:
        asyncio.get_running_loop().call_later(2 * MOMENT, super().end_tcp)


class EchoesFragments(Connection):
    """Streams: each fragment comes back as a fragment before the message is complete (5.4)."""

    sent = 0
    streaming = False

    def on_fragment(self, frame: InFrame) -> None:
        if not self.is_open or self.handshake.path != "/echo":
            return
        whole = bytes(self.message)
        if self.message_opcode == TEXT:
            whole = whole.decode(errors="ignore").encode()
        opcode = CONTINUATION if self.streaming else self.message_opcode or TEXT
        self.streaming = True
        self.send_frame(opcode, whole[self.sent :], fin=False)
        self.sent = len(whole)

    def send_message(self, opcode: int, message: bytes) -> None:
        if not self.streaming:
            super().send_message(opcode, message)
            return
        self.send_frame(CONTINUATION, message[self.sent :])
        self.streaming = False
        self.sent = 0


class SendsFragments(Connection):
    """Every message goes out in fragments, one of them empty, with a Ping between them."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if not self.is_open:
            return
        half = len(message) // 2
        self.send_frame(opcode, message[:half], fin=False)
        self.send_frame(PING, b"between")
        self.send_frame(CONTINUATION, b"", fin=False)
        self.send_frame(CONTINUATION, message[half:])


class EndsTcpOnFailure(Connection):
    """Fails a connection by the end of TCP alone, but for bad text (7.1.7)."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        self.close_sent = self.close_sent or code != 1007
        return super().fail(code, reason)


class FailsWithoutCode(Connection):
    """Fails a connection with a Close that has no code, but for bad text."""

    def failure_payload(self, code: int, reason: str) -> bytes:
        return super().failure_payload(code, reason) if code == 1007 else b""


class AwaitsTheCloseAfterFailure(Connection):
    """After the Close that fails a connection it waits for the client's, and then ends TCP."""

    failed = False

    def fail(self, code: int, reason: str = "") -> Reaction:
        if not self.close_sent:
            self.send_close(self.failure_payload(code, reason))
        self.end_websocket(1006, "")
        self.failed = True
        return Reaction.FAILED

    def receive(self, data: bytes) -> None:
        if self.failed and data[0] == 0x88:  # a Close of the suite always comes in a segment of its own
            self.end_tcp()
        super().receive(data)


class ClosesWith1000(Connection):
    """Answers every good Close with 1000 and no reason."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return close_payload(1000)


class ClosesEmpty(Connection):
    """Answers every good Close with an empty one."""

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        return b""


class AnswersLate(Connection):
    """Its application is slow: each message is answered a moment later, one after the other."""

    def deliver(self, opcode: int, message: bytes) -> None:
        self.queue.append((opcode, message))
        if len(self.queue) == 1:
            asyncio.get_running_loop().call_later(MOMENT / 4, self.work)

    @property
    def queue(self) -> list[tuple[int, bytes]]:
        if not hasattr(self, "_queue"):
            self._queue: list[tuple[int, bytes]] = []
        return self._queue

    def work(self) -> None:
        super().deliver(*self.queue[0])
        del self.queue[0]
        if self.queue:
            asyncio.get_running_loop().call_later(MOMENT / 4, self.work)


class JudgesWholeFrames(Connection):
    """Looks at a frame only when the whole of it has come, and at text only when the message is complete."""

    def read_frames(self) -> None:
        while len(self.buffer) >= 2 and self.is_open:
            code = self.buffer[1] & 0x7F
            extended = {126: 2, 127: 8}.get(code, 0)
            head = 2 + extended + (4 if self.buffer[1] & 0x80 else 0)
            if len(self.buffer) < head:
                return
            length = int.from_bytes(self.buffer[2 : 2 + extended], "big") if extended else code
            if length <= self.limits.message and len(self.buffer) < head + length:
                return
            rest = bytes(self.buffer[head + length :])
            del self.buffer[head + length :]
            super().read_frames()
            if self.phase is Phase.ENDED:
                return
            self.buffer += rest
        if not self.is_open:
            super().read_frames()


class JudgesTextLate(Connection):
    """Its application decodes text, behind a stack that answers Pings at once: bad text fails the connection later."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        pass

    def deliver(self, opcode: int, message: bytes) -> None:
        asyncio.get_running_loop().call_later(MOMENT, self.decode, opcode, message)

    def decode(self, opcode: int, message: bytes) -> None:
        if not self.is_open:
            return
        if opcode == TEXT:
            try:
                message.decode()
            except UnicodeDecodeError:
                self.fail(1007)
                return
        super().deliver(opcode, message)


class FailsLate(Connection):
    """Ends a connection that it has failed a moment later; what comes meanwhile is not answered."""

    def fail(self, code: int, reason: str = "") -> Reaction:
        self.end_websocket(1006, "")
        asyncio.get_running_loop().call_later(2 * MOMENT, self.fail_now, code, reason)
        return Reaction.FAILED

    def fail_now(self, code: int, reason: str) -> None:
        super().fail(code, reason)


class AcceptsLongLengths(Connection):
    """Takes lengths in more octets than they need (5.2 prescribes no reaction)."""

    def on_nonminimal_length(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


class AnyCloseCode(Connection):
    """Takes every close code for one that may be registered one day, and answers it with 1000."""

    def is_legal_close_code(self, code: int) -> bool:
        return code >= 1000

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        known = code is not None and super().is_legal_close_code(code)
        return super().close_reply(code, reason) if known else close_payload(1000)


class PongsAfterClose(Connection):
    """Answers a Ping that came behind a Close before it answers the Close."""

    def on_close_frame(self, payload: bytes) -> None:
        if len(self.buffer) >= 6 and self.buffer[0] == 0x89 and self.buffer[1] & 0x7F < 126:
            size = self.buffer[1] & 0x7F
            key, masked = bytes(self.buffer[2:6]), bytes(self.buffer[6 : 6 + size])
            self.send_frame(PONG, self.unmask(masked, key, 0))
        super().on_close_frame(payload)


class EchoesBehindPongs(Connection):
    """Pongs overtake the echoes: those are sent by another task than control frames."""

    def send_message(self, opcode: int, message: bytes) -> None:
        if self.handshake.path == "/echo":
            asyncio.get_running_loop().call_later(MOMENT, super().send_message, opcode, message)
        else:
            super().send_message(opcode, message)


class RefusesText(Connection):
    """Takes binary messages only: text is answered with 1003 at its first octet (7.4.1)."""

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        if opcode == TEXT:
            self.fail(1003)


class EndsTcpForText(Connection):
    """Takes binary messages only: for text it ends TCP, as MQTT (version 5, section 6) wants it."""

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        if opcode == TEXT:
            self.close_sent = True
            self.fail(1003)


class RefusesBinary(Connection):
    """Takes text only: binary messages are answered with 1003 at their first octet (7.4.1)."""

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        if opcode == BINARY:
            self.fail(1003)


class RefusesMessages(Connection):
    """Takes no messages at all: any is answered with 1003 at its first octet."""

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.fail(1003)


class RefusesStrangers(Connection):
    """Has a protocol of its own: a message that is none of it ends the connection with a private code (7.4.2)."""

    def on_nonminimal_length(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE

    def deliver(self, opcode: int, message: bytes) -> None:
        self.start_close(4400, "what is this?")


class PushesRarely(Connection):
    """Sends a notice of its own on every tenth connection, when it is opened; at first on none."""

    opened_so_far = 0

    def opened(self) -> None:
        super().opened()
        PushesRarely.opened_so_far += 1
        if PushesRarely.opened_so_far > 10 and PushesRarely.opened_so_far % 10 == 0:
            self.send_message(TEXT, b"There is something new.")


class SmallMessages(Connection):
    """Takes messages up to 512 octets."""

    def judge_length(self, frame: InFrame) -> Reaction:
        assert frame.length is not None
        if not frame.is_control and len(self.message) + frame.length > 512 and not frame.length >> 63:
            return self.fail(1009)
        return super().judge_length(frame)


class ClosesWhenIdle(Connection):
    """Closes with 1001 a connection on which nothing has come for a while."""

    def opened(self) -> None:
        super().opened()
        self.rearm()

    def rearm(self) -> None:
        if self.is_open:
            self.start_timer(PATIENCE * 1.2, lambda: self.start_close(1001, "idle"))

    def receive(self, data: bytes) -> None:
        super().receive(data)
        self.rearm()


ECHOING: list[type[Connection]] = [
    PingsOften,
    PongsAsHeartbeat,
    AnswersTheLatestPing,
    SendsFramesInPieces,
    WritesLate,
    EchoesFragments,
    SendsFragments,
    EndsTcpOnFailure,
    FailsWithoutCode,
    AwaitsTheCloseAfterFailure,
    ClosesWith1000,
    ClosesEmpty,
    AnswersLate,
    JudgesWholeFrames,
    JudgesTextLate,
    FailsLate,
    AcceptsLongLengths,
    AnyCloseCode,
    PongsAfterClose,
    EchoesBehindPongs,
    PushesRarely,
    SmallMessages,
    ClosesWhenIdle,
    RefusesBinary,
]
SILENT: list[type[Connection]] = [RefusesText, EndsTcpForText, RefusesMessages, RefusesStrangers]
"""They never echo."""
BENIGN = [*ECHOING, *SILENT]


@pytest.mark.parametrize("part", BENIGN, ids=lambda part: part.__name__)
async def test_nothing_is_held_against_it(part: type[Connection]) -> None:
    seen = await observe_class(part, checks_of(*FRAMES))
    assert {key: seen.seen[key] for key in seen.bad()} == {}
    assert seen.errors == {}
