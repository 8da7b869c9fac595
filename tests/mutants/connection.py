"""One connection of the mutant server, conformant to RFC 6455 in its strictest reading.

Each rule has a small method of its own; a mutant is a subclass that overrides one of them.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable

from .app import App
from .frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CONTROL_OPCODES,
    DATA_OPCODES,
    LONGEST_CONTROL_PAYLOAD,
    PING,
    PONG,
    TEXT,
    InFrame,
    Reaction,
    close_payload,
    encode_frame,
    xor_mask,
)
from .http_phase import HttpPhase, Limits, Phase
from .request import Request
from .stream import Stream

__all__ = ["BINARY", "CLOSE", "CONTINUATION", "PING", "PONG", "TEXT", "Connection", "InFrame", "Phase", "Reaction"]

Utf8Decoder = codecs.getincrementaldecoder("utf-8")
NO_STATUS = 1005
ABNORMAL = 1006


class Connection(HttpPhase):
    """A connection from its first octet to its last."""

    def __init__(self, stream: Stream, app: App, limits: Limits) -> None:
        super().__init__(stream, app, limits)
        self.frame: InFrame | None = None
        """The frame that is arriving."""
        self.control = bytearray()
        """The payload so far of the control frame that is arriving."""
        self.message_opcode: int | None = None
        """The type of the message that is arriving, None between messages."""
        self.message = bytearray()
        self.utf8 = Utf8Decoder()
        self.close_sent = False
        self.app_informed = False

    @property
    def handshake(self) -> Request:
        """The request that opened this connection."""
        assert self.request is not None
        return self.request

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.phase is Phase.OPEN

    def opened(self) -> None:
        """The connection is OPEN: the application may send at once (4.2.2)."""
        self.call_app(lambda: self.app.opened(self))

    # Frames in (section 5.2)

    def read_frames(self) -> None:
        """Read what the buffer holds, up to the first fault."""
        while self.phase in (Phase.OPEN, Phase.CLOSING) and self.read_step():
            pass

    def read_step(self) -> bool:
        """Read the next part of a frame; False if more octets are needed."""
        if self.frame is None:
            return self.read_first_octets()
        if self.frame.length is None:
            return self.read_length(self.frame)
        if self.frame.masked and self.frame.key is None:
            return self.read_key(self.frame)
        return self.read_payload(self.frame, self.frame.length)

    def take(self, count: int) -> bytes | None:
        """`count` octets from the front of the buffer, or None if they are not there yet."""
        if len(self.buffer) < count:
            return None
        octets = bytes(self.buffer[:count])
        del self.buffer[:count]
        return octets

    def read_first_octets(self) -> bool:
        """FIN, RSV, opcode, MASK and the 7-bit length: most rules need no more."""
        octets = self.take(2)
        if octets is None:
            return False
        frame = self.frame = InFrame.from_first_octets(octets[0], octets[1])
        self.obey(frame, self.judge_header(frame))
        return True

    def read_length(self, frame: InFrame) -> bool:
        """The extended payload length, if there is one."""
        octets = self.take(frame.extended_length_size)
        if octets is None:
            return False
        frame.length = int.from_bytes(octets, "big") if octets else frame.length_code
        self.obey(frame, self.judge_length(frame))
        return True

    def read_key(self, frame: InFrame) -> bool:
        """The masking key."""
        frame.key = self.take(4)
        return frame.key is not None

    def read_payload(self, frame: InFrame, length: int) -> bool:
        """As much of the payload as has arrived."""
        chunk = self.take(min(length - frame.taken, len(self.buffer))) or b""
        if not chunk and frame.taken < length:
            return False
        offset = frame.taken
        frame.taken += len(chunk)
        if not frame.discarded:
            self.take_payload(frame, self.unmask(chunk, frame.key, offset) if frame.key else chunk)
        if frame.taken == length and self.phase is not Phase.ENDED:
            self.frame = None
            if not frame.discarded:
                self.end_frame(frame)
        return True

    def obey(self, frame: InFrame, reaction: Reaction) -> None:
        """Remember what a rule said about the frame."""
        if reaction is Reaction.DISCARD:
            frame.discarded = True

    def judge_header(self, frame: InFrame) -> Reaction:
        """All rules that the first two octets can break. The first that objects decides."""
        rules = (
            (frame.rsv != 0, self.on_reserved_bits),
            (frame.opcode not in DATA_OPCODES | CONTROL_OPCODES, self.on_unknown_opcode),
            (not frame.masked, self.on_unmasked),
        )
        for broken, rule in rules:
            if broken and (reaction := rule(frame)) is not Reaction.TAKE:
                return reaction
        return self.judge_control_header(frame) if frame.is_control else self.judge_data_header(frame)

    def judge_control_header(self, frame: InFrame) -> Reaction:
        """The rules of section 5.5."""
        if frame.length_code > LONGEST_CONTROL_PAYLOAD:
            reaction = self.on_long_control(frame)
            if reaction is not Reaction.TAKE:
                return reaction
        return Reaction.TAKE if frame.fin else self.on_fragmented_control(frame)

    def judge_data_header(self, frame: InFrame) -> Reaction:
        """The rules of section 5.4; a good first frame begins a message."""
        reaction = Reaction.TAKE
        if frame.opcode == CONTINUATION and self.message_opcode is None:
            reaction = self.on_unexpected_continuation(frame)
        elif frame.opcode != CONTINUATION and self.message_opcode is not None:
            reaction = self.on_interleaved_data(frame)
        if reaction is Reaction.TAKE and frame.opcode != CONTINUATION:
            self.begin_message(frame.opcode)
        return reaction

    def judge_length(self, frame: InFrame) -> Reaction:
        """The rules about the payload length."""
        assert frame.length is not None
        if frame.length >> 63:
            return self.on_length_beyond_63_bits(frame)
        if not frame.is_minimal:
            reaction = self.on_nonminimal_length(frame)
            if reaction is not Reaction.TAKE:
                return reaction
        if not frame.is_control and len(self.message) + frame.length > self.limits.message:
            return self.on_too_big(frame)
        return Reaction.TAKE

    # What breaks a rule

    def on_reserved_bits(self, frame: InFrame) -> Reaction:
        """RSV1-3 without an extension that gives them a meaning (5.2)."""
        return self.fail(1002, "reserved bits are set")

    def on_unknown_opcode(self, frame: InFrame) -> Reaction:
        """An opcode of 3-7 or 11-15 (5.2)."""
        return self.fail(1002, "unknown opcode")

    def on_unmasked(self, frame: InFrame) -> Reaction:
        """A frame from the client without a mask (5.1)."""
        return self.fail(1002, "frame is not masked")

    def on_long_control(self, frame: InFrame) -> Reaction:
        """A control frame of more than 125 octets (5.5)."""
        return self.fail(1002, "control frame is too long")

    def on_fragmented_control(self, frame: InFrame) -> Reaction:
        """A control frame with FIN=0 (5.5)."""
        return self.fail(1002, "control frame is fragmented")

    def on_unexpected_continuation(self, frame: InFrame) -> Reaction:
        """A continuation frame with no message in progress (5.4)."""
        return self.fail(1002, "continuation without a message")

    def on_interleaved_data(self, frame: InFrame) -> Reaction:
        """A new text or binary frame within a fragmented message (5.4)."""
        return self.fail(1002, "new message within a fragmented one")

    def on_nonminimal_length(self, frame: InFrame) -> Reaction:
        """A length in more octets than it needs (5.2)."""
        return self.fail(1002, "length is not minimally encoded")

    def on_length_beyond_63_bits(self, frame: InFrame) -> Reaction:
        """A 64-bit length with its top bit set (5.2)."""
        return self.fail(1002, "length has its top bit set")

    def on_too_big(self, frame: InFrame) -> Reaction:
        """More than the limit, in this frame or with the fragments before it (10.4)."""
        return self.fail(1009, "message is too big")

    def on_invalid_utf8(self) -> Reaction:
        """Text that is no UTF-8, or can no longer become it (8.1)."""
        return self.fail(1007, "text is not valid UTF-8")

    # Messages in (sections 5.4, 5.6, 8.1)

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        """A part of a payload without its mask; `offset` is its place in the payload of its frame (5.3)."""
        return xor_mask(chunk, key, offset)

    def begin_message(self, opcode: int) -> None:
        """The first frame of a message has come; its opcode is the type of the message."""
        self.message_opcode = opcode
        self.message.clear()
        self.utf8.reset()

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        """A part of a payload, unmasked. Text is checked at once."""
        if frame.is_control:
            self.control += chunk
            return
        self.message += chunk
        if self.message_opcode == TEXT:
            self.check_text(chunk)

    def check_text(self, chunk: bytes) -> None:
        """Fail as soon as no further octet could make the text valid (8.1)."""
        try:
            self.utf8.decode(chunk)
        except UnicodeDecodeError:
            self.on_invalid_utf8()
            return
        pending = self.utf8.getstate()[0]
        if pending[:1] == b"\xed" and pending[1:2] >= b"\xa0":  # of a surrogate the decoder awaits the third octet, too
            self.on_invalid_utf8()

    def check_text_end(self) -> None:
        """Fail if the text ends inside a character (8.1)."""
        try:
            self.utf8.decode(b"", True)
        except UnicodeDecodeError:
            self.on_invalid_utf8()

    def end_frame(self, frame: InFrame) -> None:
        """A frame is complete."""
        if frame.is_control:
            payload = bytes(self.control)
            self.control.clear()
            self.on_control_frame(frame, payload)
        elif frame.fin:
            self.end_message()
        else:
            self.on_fragment(frame)

    def on_fragment(self, frame: InFrame) -> None:
        """A frame of a message has come that more will follow: its content waits for them."""

    def end_message(self) -> None:
        """The last frame of a message is complete."""
        if self.message_opcode == TEXT:
            self.check_text_end()
            if self.phase is Phase.ENDED:
                return
        opcode, message = self.message_opcode, bytes(self.message)
        self.message_opcode = None
        self.message.clear()
        if self.phase is Phase.OPEN and opcode is not None:
            self.deliver(opcode, message)

    def deliver(self, opcode: int, message: bytes) -> None:
        """Hand a whole message to the application. After our own Close it gets none, since it could not answer."""
        self.call_app(lambda: self.app.message(self, opcode, message))

    def call_app(self, call: Callable[[], None]) -> None:
        """Run a handler of the application."""
        try:
            call()
        except Exception:
            self.on_handler_error()

    def on_handler_error(self) -> None:
        """The application has raised: 1011 (7.4.1)."""
        self.start_close(1011, "the handler has failed")

    # Control frames in (section 5.5)

    def on_control_frame(self, frame: InFrame, payload: bytes) -> None:
        """Act on a complete control frame, at once, also within a fragmented message."""
        if frame.opcode == PING:
            self.on_ping(payload)
        elif frame.opcode == PONG:
            self.on_pong(payload)
        else:
            self.on_close_frame(payload)

    def on_ping(self, payload: bytes) -> None:
        """Answer with a Pong of the same content, as long as no Close has been received (5.5.2, 5.5.3)."""
        self.send_frame(PONG, payload)

    def on_pong(self, payload: bytes) -> None:
        """A Pong needs no answer, asked for or not (5.5.3)."""
        self.app.pong(self)

    def on_close_frame(self, payload: bytes) -> None:
        """The first Close from the client: check it, answer it, end TCP (5.5.1)."""
        if len(payload) == 1:
            self.on_one_octet_close(payload)
            return
        code = struct.unpack("!H", payload[:2])[0] if payload else None
        reason = payload[2:]
        if code is not None and not self.is_legal_close_code(code):
            self.on_illegal_close_code(code, reason)
        elif not self.is_valid_reason(reason):
            self.on_invalid_close_reason(code, reason)
        else:
            self.finish_close(code, reason)

    def on_one_octet_close(self, payload: bytes) -> None:
        """A body that is too short for a code (5.5.1)."""
        self.fail(1002, "Close with half a code")

    def is_legal_close_code(self, code: int) -> bool:
        """Whether a peer may send that code (7.4 and the registry of section 11.7)."""
        return code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999

    def on_illegal_close_code(self, code: int, reason: bytes) -> None:
        """A code that nobody may send (7.4)."""
        self.fail(1002, "Close with an illegal code")

    def is_valid_reason(self, reason: bytes) -> bool:
        """Whether the reason is UTF-8 (5.5.1, 8.1)."""
        try:
            reason.decode()
        except UnicodeDecodeError:
            return False
        return True

    def on_invalid_close_reason(self, code: int | None, reason: bytes) -> None:
        """A reason that is no UTF-8 (8.1)."""
        self.fail(1007, "the reason of the Close is not valid UTF-8")

    def finish_close(self, code: int | None, reason: bytes) -> None:
        """A good Close: answer it unless ours is out already, then end TCP at once (5.5.1)."""
        if not self.close_sent:
            self.reply_to_close(code, reason)
        self.end_websocket(NO_STATUS if code is None else code, reason.decode(errors="replace"))
        self.end_tcp()

    def reply_to_close(self, code: int | None, reason: bytes) -> None:
        """Send our Close in answer to theirs."""
        self.send_close(self.close_reply(code, reason))

    def close_reply(self, code: int | None, reason: bytes) -> bytes:
        """The body of the Close in answer: the code and the reason as they came, or nothing."""
        return b"" if code is None else struct.pack("!H", code) + reason

    # Out

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        """The octets of a frame; see frames.encode_frame."""
        return encode_frame(fin, rsv, opcode, payload, masked=masked, length_form=length_form)

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        """Send one frame."""
        self.stream.write(self.encode_frame(fin, rsv, opcode, payload))

    def send_message(self, opcode: int, message: bytes) -> None:
        """Send a whole message in one frame. After our Close no data is sent (5.5.1)."""
        if self.phase is Phase.OPEN:
            self.send_frame(opcode, message)

    def send_close(self, payload: bytes) -> None:
        """Send the one Close that an endpoint sends."""
        self.close_sent = True
        self.send_frame(CLOSE, payload)

    # The end

    def start_close(self, code: int | None, reason: str = "") -> None:
        """Start the closing handshake (7.1.2) and wait for the client's Close, but not for ever."""
        if self.phase is Phase.OPEN:
            self.send_close(close_payload(code, reason))
            self.phase = Phase.CLOSING
            self.start_timer(self.limits.close_time, self.on_close_timeout)

    def on_close_timeout(self) -> None:
        """The client's Close has not come."""
        self.end_websocket(ABNORMAL, "")
        self.end_tcp()

    def fail(self, code: int, reason: str = "") -> Reaction:
        """Fail the WebSocket connection (7.1.7): Close unless it is sent, end of TCP, and nothing more is processed."""
        if not self.close_sent:
            self.send_close(self.failure_payload(code, reason))
        self.end_websocket(ABNORMAL, "")
        self.end_tcp()
        return Reaction.FAILED

    def failure_payload(self, code: int, reason: str) -> bytes:
        """The body of the Close that fails a connection."""
        return close_payload(code, reason)

    def end_websocket(self, code: int, reason: str) -> None:
        """Nothing more is read; the application learns the code (7.1.5: 1005 if it had none, 1006 without a Close)."""
        self.phase = Phase.ENDED
        self.buffer.clear()
        self.stop_timer()
        if not self.app_informed:
            self.app_informed = True
            self.app.ended(self, code, reason)

    def end_tcp(self) -> None:
        """End TCP cleanly: FIN first, then what the client still sends is discarded (7.1.1)."""
        self.stream.end()

    def peer_ended(self) -> None:
        """TCP has ended from the client's side."""
        if self.phase is Phase.HTTP:
            self.end_http()
        elif self.phase is not Phase.ENDED:
            self.end_websocket(ABNORMAL, "")
            self.end_tcp()

    def go_away(self) -> None:
        """The server is shutting down."""
        if self.phase is Phase.OPEN:
            self.send_close(close_payload(1001))
        if self.phase in (Phase.OPEN, Phase.CLOSING):
            self.end_websocket(ABNORMAL, "")
        self.end_http()
