"""One connection to the target: what is sent and what comes, each with a transcript, and all of it bounded.

Waiting is always bounded by a patience in seconds. Memory is bounded: a frame keeps at most ``keep`` payload bytes,
and while more than ``MAX_INBOX`` bytes lie unread, or the run's budget is spent, the connection stops reading.
The target's Pings are answered as they come, never inside one of our own half-sent frames.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from ..reports.model import RawFinding
from .budget import Budget
from .check import Undetermined, Violation
from .endpoint import Endpoint
from .errors import TargetGone
from .events import KEEP, Ended, Event, Message, Silence
from .link import Link, TcpEnd, open_link
from .lint import FrameLint
from .lint_http import lint_response
from .source import Source
from .transcript import Transcript
from .wire.extensions import reserved_bits_of
from .wire.frames import Frame, FrameParser, Opcode, ReceivedFrame, close_frame, is_wire_legal
from .wire.handshake import Request, Response, ResponseReader

MAX_INBOX: Final = 1024 * 1024
FRAME_COST: Final = 200
"""What a frame costs in memory beside its payload, for the budget."""
MAX_PARTS: Final = 20_000
"""Fragments of one message from the target before it counts as endless."""


class Connection:
    """Bytes, HTTP messages and frames in both directions; judges nothing. :class:`~.peer.Peer` adds expectations."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        transcript: Transcript,
        budget: Budget,
        patience: float,
        observe: Callable[[RawFinding], None] = lambda finding: None,
        keep: int = KEEP,
        source: Source | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.patience = patience
        self.response: Response | None = None
        self.close_received: ReceivedFrame | None = None
        self.close_sent = False
        self._answers_pings = True
        self._answers_close = True
        self.pings_received = 0
        self.frame_lint = FrameLint()
        self.conn = transcript.connection()
        self.recording = transcript.recording
        self.source = (source or Source.fresh()).stream(self.conn)
        self._answers = self.source.stream("answers")  # when they are due is the target's doing
        self._observe = observe
        self._transcript = transcript
        self._budget = budget
        self._held = 0
        self._starved = False
        self.link = Link(self._received, self._link_changed)
        self._reader: ResponseReader | None = None
        self._request: Request | None = None
        self._early = bytearray()
        self._in = FrameParser(keep)
        self._keep = keep
        self._out = FrameParser(keep)
        self._framing = False
        self._owed: list[Frame] = []
        self._inbox: deque[ReceivedFrame] = deque()
        self._odd = 0
        self._odd_start = False
        self._end_told = False
        self.message: Message | None = None
        self._parts: list[ReceivedFrame] = []
        self._parts_size = 0
        self._endless = False
        self._changed = asyncio.Event()

    # -- the connection ------------------------------------------------------------------------------------------

    async def open(self, *, tls: bool | None = None, server_name: str | None = None) -> None:
        """Connect. Raises TargetGone."""
        secure = self.endpoint.secure and tls is not False
        try:
            await open_link(self.endpoint, self.link, max(self.patience, 5.0), tls=tls, server_name=server_name)
        except TargetGone as why:
            self.recording.opened(self.conn, tls=secure, server_name=server_name, refused=str(why))
            raise
        self.recording.opened(self.conn, tls=secure, server_name=server_name)
        self._transcript.note(self.conn, "out", "connected, TLS agreed" if secure else "connected")

    @property
    def ended(self) -> TcpEnd | None:
        """How the target ended the connection, None while it is open."""
        return self.link.end

    def close(self) -> None:
        """Let go of the connection and of what it holds in memory. A frame that is not whole is written down."""
        if not self._out.at_boundary:
            self._transcript.unfinished(self.conn, "out", self._out.partial)
        if not self._in.at_boundary:
            self._transcript.unfinished(self.conn, "in", self._in.partial)
        self._end_told = True  # from now on the end is not the target's doing
        for _ in range(self._odd):  # not looked at by the check, but by the lint
            frame = self._inbox.popleft()
            if frame.opcode != Opcode.PING:
                self.recording.awaited(self.conn, "frame", self.patience, frame)
        if self._odd_start:
            self.recording.awaited(self.conn, "rest", self.patience, self._in.partial)
        self.recording.did(self.conn, "close")
        self.link.abort()
        self._inbox.clear()
        self._parts.clear()
        self._budget.give(self._held)
        self._held = 0

    def reset(self) -> None:
        """End the connection with RST."""
        self._transcript.note(self.conn, "out", "RST")
        self.recording.did(self.conn, "reset")
        self._end_told = True
        self.link.reset()

    def half_close(self) -> None:
        """FIN in our direction; the target may still send. Raises Undetermined over TLS, which cannot."""
        if not self.link.can_half_close:
            raise Undetermined("TLS connections cannot be half closed")
        self._transcript.note(self.conn, "out", "FIN (half close)")
        self.recording.did(self.conn, "half_close")
        self.link.half_close()

    # -- what comes ----------------------------------------------------------------------------------------------

    def _link_changed(self) -> None:
        if self.link.end is not None and not self._end_told:
            self._end_told = True
            self._transcript.note(self.conn, "in", self.link.end.value)
            if self._reader is not None and self._reader.response is None:
                self._reader.feed(b"")
        self._pay()
        self._changed.set()

    def _received(self, data: bytes) -> None:
        if self._framing:
            self._take_frames(data)
        elif self._reader is not None and self._reader.response is None:
            self._reader.feed(data)
        else:
            self._early += data
            self._hold(len(data))
        self._changed.set()

    def _take_frames(self, data: bytes) -> None:
        """Read frames until the inbox is full; the rest waits, as bytes, until there is room again."""
        before = self._in.buffered
        for frame in self._in.feed(data):
            self._transcript.frame(self.conn, "in", frame)
            self._inbox.append(frame)
            for finding in self.frame_lint.see(frame):
                self._observe(finding)
                if frame.opcode == Opcode.PING:
                    self.recording.awaited(self.conn, "ping", self.patience, frame)
                else:
                    self._odd = len(self._inbox)
            self._hold(len(frame.payload) + FRAME_COST)
            if frame.opcode == Opcode.PING:
                self.pings_received += 1
                if self._answers_pings and not self.close_sent:
                    self._answer(Frame(Opcode.PONG, frame.payload[:125]))
            elif frame.opcode == Opcode.CLOSE and self.close_received is None:
                self.close_received = frame
                if self._answers_close and not self.close_sent:
                    code = frame.close_code
                    self._answer(close_frame(code if code is not None and is_wire_legal(code) else None))
            if self._full:
                break
        if self._in.announced is not None:
            for finding in self.frame_lint.see_announced(self._in.announced):
                self._observe(finding)
                self._odd_start = True
        self._hold(self._in.buffered - before)

    def _hold(self, size: int) -> None:
        self._held += size
        self._budget.take(size)
        if self._budget.exhausted:
            self._starved = True
        if self._full:
            self.link.set_reading(False)

    @property
    def _full(self) -> bool:
        """Whether no more is to be read: of what is unread (a frame that is not whole aside), or over all peers."""
        return self._budget.exhausted or self._held - self._in.buffered > MAX_INBOX

    def _release(self, size: int) -> None:
        self._held -= size
        self._budget.give(size)
        if not self._full:
            self._starved = False
            self.link.set_reading(True)
            if self._framing and not self._in.at_boundary:
                self._take_frames(b"")

    def _answer(self, frame: Frame) -> None:
        """Send it as soon as no frame of ours is half sent and the target reads."""
        if frame.opcode == Opcode.PONG:  # only the latest Ping has to be answered (section 5.5.3)
            self._owed = [owed for owed in self._owed if owed.opcode != Opcode.PONG]
        self._owed.append(frame)
        self._pay()

    def _pay(self) -> None:
        while self._owed and self._out.at_boundary and self.link.writable and self.link.open:
            if self.close_sent:  # nothing follows our Close (section 5.5.1), a second one least of all
                self._owed.clear()
                return
            self._send_now(self._owed.pop(0))

    def _send_now(self, frame: Frame) -> None:
        if frame.opcode == Opcode.CLOSE:
            self.close_sent = True
        self._write_now(frame.encode(self._answers.masking_key()))

    def _write_now(self, data: bytes) -> None:
        if not self.link.open:
            return  # nothing goes out, so nothing is written down
        if self._framing:
            for frame in self._out.feed(data):
                self._transcript.frame(self.conn, "out", frame)
                if frame.opcode == Opcode.CLOSE:
                    self.close_sent = True
                    if frame.close_code is not None:
                        self.frame_lint.repeated_codes.add(frame.close_code)
        self.link.write(data)

    # -- sending -------------------------------------------------------------------------------------------------

    async def write(self, data: bytes, *, chop: int | None = None, pause: float = 0.0) -> None:
        """Send bytes as they are; ``chop`` writes pieces of that many bytes, each a TCP segment of its own.

        Raises Violation (silence) when the target stops reading for the patience.
        """
        self.recording.sent(self.conn, data, chop, pause)
        pieces: Iterable[bytes] = [data]
        if chop is not None:
            pieces = (data[at : at + chop] for at in range(0, len(data), chop))
        for piece in pieces:
            self._write_now(piece)
            if chop is not None:
                await asyncio.sleep(pause)
            if not self.link.writable:
                await self._wait(lambda: self.link.writable or not self.link.open, "the target to read on")
        self._pay()

    async def send(self, *frames: Frame, chop: int | None = None) -> None:
        """Send frames in one write, or chopped into TCP segments of ``chop`` bytes."""
        await self.write(self.encoded(*frames), chop=chop)

    def encoded(self, *frames: Frame) -> bytes:
        """The bytes of frames, with fresh masking keys of this connection."""
        return b"".join(frame.encode(self.source.masking_key()) for frame in frames)

    async def send_text(self, text: str | bytes) -> None:
        """Send a text message in one frame."""
        await self.send(Frame(Opcode.TEXT, text.encode() if isinstance(text, str) else text))

    async def send_request(self, request: Request, *, chop: int | None = None, pause: float = 0.0) -> None:
        """Send an HTTP request head (and body) as it is; the answer is read by :meth:`read_response`."""
        self._transcript.head(self.conn, "out", request.encode())
        self._request = request
        self.expect_response(request.method)
        await self.write(request.encode(), chop=chop, pause=pause)

    async def write_http(self, data: bytes, *, chop: int | None = None, pause: float = 0.0) -> None:
        """Send bytes that are not (yet) frames, and keep them in the transcript."""
        self._transcript.head(self.conn, "out", data)
        await self.write(data, chop=chop, pause=pause)

    # -- HTTP ----------------------------------------------------------------------------------------------------

    def expect_response(self, method: bytes = b"GET") -> None:
        """From now on what comes is the response to a request of that method."""
        self._reader = ResponseReader(method)
        early = bytes(self._early)
        self._early.clear()
        self._release(len(early))
        if early:
            self._reader.feed(early)
        if self.link.end is not None:
            self._reader.feed(b"")

    async def read_response(self, patience: float | None = None) -> Response | None:
        """The response that is awaited; None where the connection ended without one.

        After a 101 the connection carries frames. Raises Silence when nothing whole came within the patience.
        """
        reader = self._reader
        assert reader is not None, "send_request() or expect_response() comes first"
        timeout = self._seconds(patience)
        deadline = self._deadline(patience)
        while reader.response is None and self.link.end is None and not reader.too_long:
            if not await self._change(deadline):
                if reader.give_up() is None:
                    if reader.partial:
                        self._transcript.head(self.conn, "in", reader.partial)
                    self.recording.awaited(self.conn, "response", timeout, reader.partial or None, method=reader.method)
                    raise Silence("no response")
                break
        response = reader.response or reader.give_up()
        if response is None:
            if reader.partial:
                self._transcript.head(self.conn, "in", reader.partial)
            end = None if self.link.end is None else Ended(self.link.end)
            self.recording.awaited(self.conn, "response", timeout, reader.partial or end, method=reader.method)
            if reader.too_long:
                raise Violation("a response", "a response head without end")
            return None
        framed = response.accepted and not _is_to_another(self._request, response)
        after = timeout - (deadline - asyncio.get_running_loop().time())
        self.recording.awaited(
            self.conn, "response", timeout, response, after=after, method=reader.method, framed=framed
        )
        for head in [*response.informational, response.head]:
            self._transcript.head(self.conn, "in", head.raw)
        self.response = response
        if self._request is not None:
            for finding in lint_response(self._request, response):
                self._observe(finding)
        rest = reader.rest + bytes(self._early)  # some may have come before anybody looked at the response
        self._release(len(self._early))
        self._early.clear()
        if framed:
            self._framing = True
            self.frame_lint.rsv_allowed = reserved_bits_of(response.head.all("Sec-WebSocket-Extensions"))
            self._take_frames(rest)
        else:
            self._early += rest
            self._hold(len(rest))
        return response

    @property
    def unread(self) -> bytes:
        """Bytes that came after a response which was not a 101."""
        self.recording.awaited(self.conn, "rest", self.quiet, bytes(self._early))
        return bytes(self._early)

    @property
    def at_frame_boundary(self) -> bool:
        """Whether the last byte that came ended a frame."""
        return self._in.at_boundary

    @property
    def partial_frame(self) -> bytes:
        """The start of an incoming frame that is not whole."""
        self.recording.awaited(self.conn, "rest", self.quiet, self._in.partial)
        return self._in.partial

    @property
    def answers_pings(self) -> bool:
        """Whether the target's Pings are answered as they come."""
        return self._answers_pings

    @answers_pings.setter
    def answers_pings(self, on: bool) -> None:
        self._answers_pings = on
        self.recording.did(self.conn, "answers_pings" if on else "ignores_pings")

    @property
    def answers_close(self) -> bool:
        """Whether the target's Close is answered by ours as it comes."""
        return self._answers_close

    @answers_close.setter
    def answers_close(self, on: bool) -> None:
        self._answers_close = on
        self.recording.did(self.conn, "answers_close" if on else "ignores_close")

    # -- waiting -------------------------------------------------------------------------------------------------

    def _deadline(self, patience: float | None) -> float:
        return asyncio.get_running_loop().time() + (self.patience if patience is None else patience)

    @property
    def quiet(self) -> float:
        """Seconds of silence after which a target that has something to say is taken to have said it."""
        return min(0.25, self.patience / 4)

    def _seconds(self, patience: float | None) -> float:
        return self.patience if patience is None else patience

    def _told(self, patience: float | None) -> str:
        return f"{self._seconds(patience):g} s"

    async def _change(self, deadline: float) -> bool:
        """Wait until something has come or changed; False at the deadline. Never longer, even if much comes."""
        remaining = deadline - asyncio.get_running_loop().time()
        if remaining <= 0:
            self._check_starved()
            return False
        self._changed.clear()
        try:
            async with asyncio.timeout(remaining):
                await self._changed.wait()
        except TimeoutError:
            self._check_starved()
            return False
        return True

    def _check_starved(self) -> None:
        if self._starved:
            raise Undetermined("the run's memory budget was spent on other connections")

    async def _wait(self, condition: Callable[[], bool], what: str, patience: float | None = None) -> None:
        deadline = self._deadline(patience)
        while not condition():
            if not await self._change(deadline):
                if self._full:
                    raise Undetermined("the target sends more than can be kept while it is being written to")
                self.recording.awaited(self.conn, "reading", self._seconds(patience), None)
                raise Violation(what, f"nothing within {self._told(patience)}", silence=True)

    async def next_event(self, patience: float | None = None, *, deadline: float | None = None) -> Event:
        """The next frame, or the end of the connection. The target's Pings are passed over (they are answered).

        ``message`` is the data message that this frame completes, None where it completes none. Raises Silence when
        nothing came within the patience.
        """
        if deadline is None:
            deadline = self._deadline(patience)
        clock = asyncio.get_running_loop().time
        begun = clock()
        timeout = deadline - begun
        while True:
            while self._inbox:
                frame = self._inbox.popleft()
                self._odd -= self._odd > 0
                self._release(len(frame.payload) + FRAME_COST)
                if frame.opcode != Opcode.PING:
                    self.message = self._assemble(frame)
                    self.recording.awaited(self.conn, "frame", timeout, frame, after=clock() - begun)
                    return frame
            if self.link.end is not None:
                end = Ended(self.link.end)
                self.recording.awaited(self.conn, "frame", timeout, end, after=clock() - begun)
                return end
            if not await self._change(deadline) or (clock() > deadline and not self._inbox):
                self._check_starved()
                self.recording.awaited(self.conn, "frame", timeout, None)
                raise Silence("nothing came")

    async def next_message(self, patience: float | None = None) -> Message | ReceivedFrame | Ended:
        """The next whole data message, put together, or a Close frame, or the end. Pongs are passed over."""
        deadline = self._deadline(patience)
        while True:
            event = await self.next_event(deadline=deadline)
            if isinstance(event, Ended) or event.opcode == Opcode.CLOSE:
                return event
            if self.message is not None:
                return self.message
            if self._endless:
                raise Undetermined("the target sends a message without end")

    def _assemble(self, frame: ReceivedFrame) -> Message | None:
        if frame.is_control:
            return None
        if frame.opcode != Opcode.CONTINUATION:
            self._parts.clear()
            self._parts_size = 0
            self._endless = False
        self._parts.append(frame)
        self._parts_size += len(frame.payload)
        if not frame.fin:
            if self._parts_size > self._keep or len(self._parts) > MAX_PARTS:
                self._endless = True
                self._parts.clear()
                self._parts_size = 0
            return None
        parts = list(self._parts)
        self._parts.clear()
        self._parts_size = 0
        if self._endless:
            self._endless = False
            return None
        return Message(parts[0].opcode, b"".join(part.payload for part in parts), len(parts))


def _is_to_another(request: Request | None, response: Response) -> bool:
    """Whether a 101 switches to another protocol that was asked for: what follows are no frames (h2c, say)."""
    asked = set() if request is None else set(request.tokens("Upgrade"))
    named = set(response.head.tokens("Upgrade"))
    return b"websocket" not in named and bool(asked & named)
