"""Switches: masking (RFC 6455, sections 5.1, 5.3 and 6.2)."""

from __future__ import annotations

from .app import App
from .connection import BINARY, CLOSE, PING, PONG, Connection, InFrame, Reaction
from .switch import switch

UNMASKED = ("rfc6455-5.1-2", "rfc6455-5.1-1", "rfc6455-5.3-1", "rfc6455-6.1-7")
"""The client may not send such a frame, and the server has to end the connection."""


@switch("unmasked-accepted", violates=UNMASKED, also=["rfc6455-5.1-*", "rfc6455-5.5.1-6", "rfc6455-7.1.7-*"])
class UnmaskedAccepted(Connection):
    """A frame without a mask is taken as it is."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE


@switch("unmasked-data-accepted", violates=UNMASKED, also=["rfc6455-5.1-3", "rfc6455-7.1.7-*"])
class UnmaskedDataAccepted(Connection):
    """A data frame without a mask is taken as it is."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return super().on_unmasked(frame) if frame.is_control else Reaction.TAKE


@switch(
    "unmasked-control-accepted",
    violates=UNMASKED,
    also=["rfc6455-5.1-3", "rfc6455-5.5.1-6", "rfc6455-7.1.7-*"],
)
class UnmaskedControlAccepted(Connection):
    """A control frame without a mask is taken as it is."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.is_control else super().on_unmasked(frame)


@switch("unmasked-close-accepted", violates=["rfc6455-5.5.1-6", "rfc6455-5.1-2", "rfc6455-5.1-3"])
class UnmaskedCloseAccepted(Connection):
    """A Close without a mask is answered as any other."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.TAKE if frame.opcode == CLOSE else super().on_unmasked(frame)


@switch("unmasked-empty-accepted", violates=UNMASKED, also=["rfc6455-5.1-3", "rfc6455-5.5.1-6", "rfc6455-7.1.7-*"])
class UnmaskedEmptyAccepted(Connection):
    """An empty frame needs no mask."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return super().on_unmasked(frame) if frame.length_code else Reaction.TAKE


@switch("unmasked-within-message-accepted", violates=UNMASKED, also=["rfc6455-5.1-3"])
class UnmaskedWithinMessageAccepted(Connection):
    """Within a fragmented message a frame needs no mask."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return super().on_unmasked(frame) if self.message_opcode is None else Reaction.TAKE


@switch("unmasked-swallowed", violates=UNMASKED, also=["rfc6455-5.1-*", "rfc6455-5.5.1-6", "rfc6455-7.1.7-*"])
class UnmaskedSwallowed(Connection):
    """A frame without a mask is silently discarded."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return Reaction.DISCARD


@switch(
    "unmasked-closed-with-1008",
    violates=["rfc6455-5.1-3"],
    also=["rfc6455-5.1-2", "rfc6455-5.5.1-6", "rfc6455-7.1.7-3"],
)
class UnmaskedClosedWith1008(Connection):
    """A frame without a mask fails the connection with 1008 instead of 1002."""

    def on_unmasked(self, frame: InFrame) -> Reaction:
        return self.fail(1008)


@switch("pushes-only-when-asked", violates=["rfc6455-5.1-6"])
class PushesOnlyWhenAsked(App):
    """/probe/push sends nothing before the client has sent a message."""

    def probe_push(self, connection: Connection) -> None:
        """Nothing."""

    def swallow(self, connection: Connection, opcode: int, message: bytes) -> None:
        if connection.handshake.path == "/probe/push":
            super().probe_push(connection)


@switch("masks-its-frames", violates=["rfc6455-5.1-4", "rfc6455-5.1-5"], also=["rfc6455-5.2-13"])
class MasksItsFrames(Connection):
    """The server masks what it sends."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        return super().encode_frame(fin, rsv, opcode, payload, masked=True, length_form=length_form)


@switch("masks-its-messages", violates=["rfc6455-5.1-4", "rfc6455-5.1-5"], also=["rfc6455-5.2-13"])
class MasksItsMessages(Connection):
    """The server masks the data frames that it sends."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        return super().encode_frame(fin, rsv, opcode, payload, masked=opcode < 8, length_form=length_form)


@switch("masks-its-pongs", violates=["rfc6455-5.1-4", "rfc6455-5.1-5"], also=["rfc6455-5.2-13"])
class MasksItsPongs(Connection):
    """The server masks its Pongs."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        return super().encode_frame(fin, rsv, opcode, payload, masked=opcode == PONG, length_form=length_form)


@switch("masks-its-close", violates=["rfc6455-5.1-4", "rfc6455-5.1-5"], also=["rfc6455-5.2-13"])
class MasksItsClose(Connection):
    """The server masks its Close."""

    def encode_frame(
        self, fin: bool, rsv: int, opcode: int, payload: bytes, *, masked: bool = False, length_form: int | None = None
    ) -> bytes:
        return super().encode_frame(fin, rsv, opcode, payload, masked=opcode == CLOSE, length_form=length_form)


@switch("key-of-zeros-refused", violates=["rfc6455-5.3-2"])
class KeyOfZerosRefused(Connection):
    """The masking key 00000000 fails the connection."""

    def read_key(self, frame: InFrame) -> bool:
        read = super().read_key(frame)
        if frame.key == bytes(4) and not frame.discarded:
            self.fail(1002, "that is no mask")
        return read


@switch("poor-keys-refused", violates=["rfc6455-5.3-2"])
class PoorKeysRefused(Connection):
    """The masking keys FFFFFFFF and 000000FF fail the connection."""

    def read_key(self, frame: InFrame) -> bool:
        read = super().read_key(frame)
        if frame.key in (b"\xff\xff\xff\xff", b"\0\0\0\xff") and not frame.discarded:
            self.fail(1002, "that key is too easy to guess")
        return read


@switch("repeated-key-refused", violates=["rfc6455-5.3-2"])
class RepeatedKeyRefused(Connection):
    """The same masking key twice in a row fails the connection."""

    last: bytes | None = None

    def read_key(self, frame: InFrame) -> bool:
        read = super().read_key(frame)
        if read:
            if frame.key == self.last:
                self.fail(1002, "that key was used before")
            self.last = frame.key
        return read


@switch("messages-not-unmasked", violates=["rfc6455-5.3-3"], also=["rfc6455-5.2-*", "rfc6455-6.*", "rfc6455-10.4-2"])
class MessagesNotUnmasked(Connection):
    """Binary messages of 1000 octets or more reach the application still masked."""

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        is_binary = self.frame is not None and not self.frame.is_control and self.message_opcode == BINARY
        is_long = self.frame is not None and (self.frame.length or 0) >= 1000
        return chunk if is_binary and is_long else super().unmask(chunk, key, offset)


@switch("key-counts-as-payload", violates=["rfc6455-5.3-4"])
class KeyCountsAsPayload(Connection):
    """The length of a message of 1000 to 1009 octets is taken to include the key: its last four are lost."""

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, message[:-4] if 1000 <= len(message) <= 1009 else message)


@switch("last-octets-of-pings-not-unmasked", violates=["rfc6455-5.3-3"], also=["rfc6455-5.4-5", "rfc6455-5.5.*"])
class LastOctetsOfPingsNotUnmasked(Connection):
    """Of a Ping only whole groups of four octets are unmasked, if it has more than 119."""

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        whole = super().unmask(chunk, key, offset)
        if self.frame is None or self.frame.opcode != PING or (self.frame.length or 0) < 120:
            return whole
        end = max((self.frame.length or 0) // 4 * 4 - offset, 0)
        return whole[:end] + chunk[end:]


@switch(
    "mask-restarts-with-each-segment", violates=["rfc6455-5.3-3"], also=["rfc6455-5.*", "rfc6455-6.*", "rfc6455-8.1-2"]
)
class MaskRestartsWithEachSegment(Connection):
    """Each segment of a payload is unmasked from the first octet of the key on."""

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        return super().unmask(chunk, key, 0)


@switch(
    "mask-continues-across-fragments", violates=["rfc6455-5.3-3"], also=["rfc6455-5.*", "rfc6455-6.*", "rfc6455-8.*"]
)
class MaskContinuesAcrossFragments(Connection):
    """The place in the key is carried over from one fragment of a message to the next."""

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        is_control = self.frame is not None and self.frame.is_control
        return super().unmask(chunk, key, offset if is_control else len(self.message))


@switch("last-odd-octets-not-unmasked", violates=["rfc6455-5.3-3"], also=["rfc6455-5.2-*", "rfc6455-6.*"])
class LastOddOctetsNotUnmasked(Connection):
    """Only whole groups of four octets are unmasked in a payload of more than 1000."""

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        whole = super().unmask(chunk, key, offset)
        if self.frame is None or self.frame.length is None or self.frame.length <= 1000:
            return whole
        end = self.frame.length // 4 * 4 - offset
        return whole[: max(end, 0)] + chunk[max(end, 0) :]


@switch("last-of-three-octets-not-unmasked", violates=["rfc6455-5.3-3"], also=["rfc6455-*", "rfc3629-*"])
class LastOfThreeOctetsNotUnmasked(Connection):
    """The last octet of a message of three is left as it came."""

    length = 3

    def unmask(self, chunk: bytes, key: bytes, offset: int) -> bytes:
        whole = super().unmask(chunk, key, offset)
        frame = self.frame
        if frame is None or frame.is_control or frame.length != self.length or offset + len(chunk) != self.length:
            return whole
        return whole[:-1] + chunk[-1:]


@switch("last-of-124-octets-not-unmasked", violates=["rfc6455-5.3-3"], also=["rfc6455-5.2-*", "rfc6455-6.*"])
class LastOf124OctetsNotUnmasked(LastOfThreeOctetsNotUnmasked):
    """The last octet of a message of 124 is left as it came."""

    length = 124
