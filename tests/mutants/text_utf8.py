"""Switches: text and UTF-8 (RFC 6455, sections 5.6 and 8.1)."""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata

from .app import App
from .connection import BINARY, PING, TEXT, Connection, InFrame, Phase, Reaction
from .switch import switch

INVALID_TEXT = [
    "rfc6455-5.6-1",
    "rfc6455-5.6-3",
    "rfc6455-8.1-1",
    "rfc6455-8.1-3",
    "rfc6455-8.1-4",
    "rfc6455-7.1.7-*",
    "rfc6455-7.4.1-8",
    "rfc3629-3-1",
]
"""What is looked at where text is no UTF-8; an echo of it is invalid, too."""


# What is invalid


@switch("invalid-text-echoed", violates=["rfc6455-5.6-1", "rfc6455-5.6-3", "rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextEchoed(Connection):
    """Text is never looked at."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        pass


@switch("invalid-text-replaced", violates=["rfc6455-5.6-3", "rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextReplaced(Connection):
    """What is no UTF-8 in a text message is replaced by U+FFFD."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        pass

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, message.decode(errors="replace").encode() if opcode == TEXT else message)


@switch("invalid-text-swallowed", violates=["rfc6455-5.6-3", "rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextSwallowed(Connection):
    """A text message that is no UTF-8 is silently discarded."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        pass

    def deliver(self, opcode: int, message: bytes) -> None:
        if opcode != TEXT or self.is_valid_reason(message):
            super().deliver(opcode, message)


@switch("invalid-text-closed-with-1000", violates=["rfc6455-7.4.1-8"], also=INVALID_TEXT)
class InvalidTextClosedWith1000(Connection):
    """Invalid text fails the connection with 1000 instead of 1007."""

    def on_invalid_utf8(self) -> Reaction:
        return self.fail(1000)


@switch("invalid-text-closed-with-1002", violates=["rfc6455-7.4.1-8"], also=INVALID_TEXT)
class InvalidTextClosedWith1002(Connection):
    """Invalid text fails the connection with 1002 instead of 1007."""

    def on_invalid_utf8(self) -> Reaction:
        return self.fail(1002)


@switch("invalid-text-closed-without-code", violates=["rfc6455-7.4.1-8", "rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextClosedWithoutCode(Connection):
    """Invalid text fails the connection with an empty Close."""

    def on_invalid_utf8(self) -> Reaction:
        self.send_close(b"")
        return self.fail(1007)


@switch("invalid-text-echoed-then-failed", violates=["rfc6455-5.6-3", "rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextEchoedThenFailed(Connection):
    """Invalid text fails the connection, but only after it was echoed."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        pass

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, message)
        if opcode == TEXT and not self.is_valid_reason(message):
            self.on_invalid_utf8()


@switch("invalid-text-begins-to-be-echoed", violates=["rfc6455-5.6-3", "rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextBeginsToBeEchoed(Connection):
    """Invalid text fails the connection, but not before its bad octets were echoed in an unfinished message."""

    def on_invalid_utf8(self) -> Reaction:
        self.send_frame(TEXT, bytes(self.message), fin=False)
        return super().on_invalid_utf8()


@switch("invalid-text-hangs", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class InvalidTextHangs(Connection):
    """The octet FE as a text message is never answered, and nothing after it."""

    def on_invalid_utf8(self) -> Reaction:
        if self.message != b"\xfe":
            return super().on_invalid_utf8()
        self.fall_silent()
        return Reaction.FAILED


@switch("only-first-message-checked", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class OnlyFirstMessageChecked(Connection):
    """Text is looked at in the first message of a connection only."""

    delivered = False

    def deliver(self, opcode: int, message: bytes) -> None:
        self.delivered = True
        super().deliver(opcode, message)

    def on_invalid_utf8(self) -> Reaction:
        return Reaction.TAKE if self.delivered else super().on_invalid_utf8()


@switch("only-first-kilobyte-checked", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class OnlyFirstKilobyteChecked(Connection):
    """Text is looked at in the first 1,024 octets of a message only."""

    def on_invalid_utf8(self) -> Reaction:
        bad = not self.is_valid_reason(bytes(self.message[:1024]))
        return super().on_invalid_utf8() if bad else Reaction.TAKE


@switch("only-invalid-in-segments-accepted", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class OnlyInvalidInSegmentsAccepted(Connection):
    """Text is looked at only if its frame has arrived in one piece."""

    pieces = 0

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        self.pieces += 1
        super().take_payload(frame, chunk)

    def end_frame(self, frame: InFrame) -> None:
        super().end_frame(frame)
        self.pieces = 0

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        if self.pieces == 1 and not self.is_valid_reason(bytes(self.message)):
            self.on_invalid_utf8()


class LooseDecoder(Connection):
    """A connection that overlooks some invalid sequences: `forgive` turns them into valid ones before the check."""

    def forgive(self, text: bytes) -> bytes:
        """The text with what is overlooked made valid."""
        raise NotImplementedError

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        if not self.is_valid_reason(self.forgive(bytes(self.message))):
            self.on_invalid_utf8()


def replace_sequences(text: bytes, *patterns: tuple[range, range, int]) -> bytes:
    """`text` with each sequence that begins with octets of these two ranges, of that size, replaced by "?"."""
    result = bytearray()
    position = 0
    while position < len(text):
        for first, second, size in patterns:
            sequence = text[position : position + size]
            continued = len(sequence) == size and all(0x80 <= octet <= 0xBF for octet in sequence[1:])
            if continued and sequence[0] in first and sequence[1] in second:
                result += b"?"
                position += size
                break
        else:
            result.append(text[position])
            position += 1
    return bytes(result)


@switch("surrogates-accepted", violates=["rfc3629-3-1", "rfc6455-8.1-1"], also=INVALID_TEXT)
class SurrogatesAccepted(LooseDecoder):
    """Encoded surrogates pass for UTF-8."""

    def forgive(self, text: bytes) -> bytes:
        return replace_sequences(text, (range(0xED, 0xEE), range(0xA0, 0xC0), 3))


@switch("overlong-forms-accepted", violates=["rfc3629-3-1", "rfc6455-8.1-1"], also=INVALID_TEXT)
class OverlongFormsAccepted(LooseDecoder):
    """Overlong forms pass for UTF-8."""

    def forgive(self, text: bytes) -> bytes:
        return replace_sequences(
            text,
            (range(0xC0, 0xC2), range(0x80, 0xC0), 2),
            (range(0xE0, 0xE1), range(0x80, 0xA0), 3),
            (range(0xF0, 0xF1), range(0x80, 0x90), 4),
        )


@switch("beyond-unicode-accepted", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class BeyondUnicodeAccepted(LooseDecoder):
    """Four-octet sequences above U+10FFFF pass for UTF-8."""

    def forgive(self, text: bytes) -> bytes:
        return replace_sequences(
            text, (range(0xF4, 0xF5), range(0x90, 0xC0), 4), (range(0xF5, 0xF8), range(0x80, 0xC0), 4)
        )


@switch("stray-continuation-octets-accepted", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class StrayContinuationOctetsAccepted(LooseDecoder):
    """Octets 80 to BF that belong to no sequence pass for UTF-8."""

    def forgive(self, text: bytes) -> bytes:
        return text.decode("utf-8", "replace").encode() if self.only_continuations(text) else text

    def only_continuations(self, text: bytes) -> bool:
        """Whether nothing but octets 80 to BF is wrong with the text."""
        return all(fault in range(0x80, 0xC0) for fault in self.faults(text))

    def faults(self, text: bytes) -> list[int]:
        """The octets at which decoding stops."""
        found = []
        while True:
            try:
                text.decode()
            except UnicodeDecodeError as error:
                found.append(text[error.start])
                text = text[error.end :]
            else:
                return found


@switch("fe-and-ff-accepted", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class FeAndFfAccepted(LooseDecoder):
    """The octets FE and FF pass for UTF-8."""

    def forgive(self, text: bytes) -> bytes:
        return text.replace(b"\xfe", b"?").replace(b"\xff", b"?")


@switch("cut-text-accepted", violates=["rfc6455-8.1-4"], also=INVALID_TEXT)
class CutTextAccepted(Connection):
    """A text message may end inside a character."""

    def check_text_end(self) -> None:
        pass


@switch("invalid-text-found-at-the-end", violates=["rfc6455-8.1-3"], also=["rfc6455-5.6-3"])
class InvalidTextFoundAtTheEnd(Connection):
    """Invalid text is noticed only when the message is complete, which is allowed."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        if not self.is_valid_reason(bytes(self.message)):
            self.on_invalid_utf8()


@switch("invalid-text-found-at-the-end-of-a-frame", violates=["rfc6455-8.1-3"])
class InvalidTextFoundAtTheEndOfAFrame(Connection):
    """Invalid text is noticed only when a frame is complete, which is allowed."""

    def check_text(self, chunk: bytes) -> None:
        pass

    def on_fragment(self, frame: InFrame) -> None:
        if self.message_opcode == TEXT:
            self.utf8.reset()
            super().check_text(bytes(self.message))

    def check_text_end(self) -> None:
        if not self.is_valid_reason(bytes(self.message)):
            self.on_invalid_utf8()


@switch("invalid-fragments-accepted", violates=["rfc6455-5.6-3"], also=INVALID_TEXT)
class InvalidFragmentsAccepted(Connection):
    """Text is looked at only if it comes in one frame."""

    fragmented = False

    def on_fragment(self, frame: InFrame) -> None:
        self.fragmented = True

    def check_text(self, chunk: bytes) -> None:
        pass

    def check_text_end(self) -> None:
        if not self.fragmented and not self.is_valid_reason(bytes(self.message)):
            self.on_invalid_utf8()
        self.fragmented = False


# What is valid


@switch("character-across-fragments-refused", violates=["rfc6455-5.6-2"], also=["rfc6455-8.1-2"])
class CharacterAcrossFragmentsRefused(Connection):
    """A fragment of text may not end inside a character."""

    def on_fragment(self, frame: InFrame) -> None:
        if self.message_opcode == TEXT:
            self.check_text_end()


@switch("valid-prefix-refused", violates=["rfc6455-5.6-2"], also=["rfc6455-8.1-2"])
class ValidPrefixRefused(Connection):
    """Text that has come to the middle of a character is taken for invalid at once."""

    def check_text(self, chunk: bytes) -> None:
        if not self.is_valid_reason(bytes(self.message)):
            self.on_invalid_utf8()


class CharacterRefused(Connection):
    """A connection that takes some valid characters for invalid."""

    refused: tuple[str, ...]

    def check_text_end(self) -> None:
        super().check_text_end()
        if self.phase is not Phase.ENDED and any(character.encode() in self.message for character in self.refused):
            self.on_invalid_utf8()


@switch("nul-refused", violates=["rfc6455-8.1-2"])
class NulRefused(CharacterRefused):
    """U+0000 in text is refused."""

    refused = ("\0",)


NONCHARACTERS = (
    *(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)),
    *map(chr, range(0xFDD0, 0xFDF0)),
)


@switch("noncharacters-refused", violates=["rfc6455-8.1-2"])
class NoncharactersRefused(CharacterRefused):
    """Text with one of the 66 noncharacters is refused."""

    refused = NONCHARACTERS


@switch("noncharacters-refused-at-once", violates=["rfc6455-8.1-2"])
class NoncharactersRefusedAtOnce(Connection):
    """A message with one of the 66 noncharacters is refused before it is complete."""

    def check_text(self, chunk: bytes) -> None:
        super().check_text(chunk)
        if self.phase is not Phase.ENDED and any(character.encode() in self.message for character in NONCHARACTERS):
            self.on_invalid_utf8()


@switch("replacement-character-refused", violates=["rfc6455-8.1-2"])
class ReplacementCharacterRefused(CharacterRefused):
    """U+FFFD in text is taken for a sign that it was invalid."""

    refused = ("\ufffd",)


@switch("last-code-point-refused", violates=["rfc6455-8.1-2"])
class LastCodePointRefused(CharacterRefused):
    """U+10FFFF in text is refused."""

    refused = ("\U0010ffff",)


@switch("neighbours-of-surrogates-refused", violates=["rfc6455-8.1-2"])
class NeighboursOfSurrogatesRefused(CharacterRefused):
    """U+D7FF and U+E000 in text are refused."""

    refused = ("\ud7ff", "\ue000")


@switch("byte-order-mark-stripped", violates=["rfc6455-8.1-2"])
class ByteOrderMarkStripped(App):
    """U+FEFF at the beginning of text is not echoed."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, message.removeprefix(codecs.BOM_UTF8) if opcode == TEXT else message)


@switch("astral-characters-replaced", violates=["rfc6455-8.1-2"], also=["rfc6455-5.6-2"])
class AstralCharactersReplaced(App):
    """Characters above U+FFFF are echoed as U+FFFD."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        if opcode == TEXT:
            message = "".join(c if c <= "\uffff" else "\ufffd" for c in message.decode(errors="replace")).encode()
        super().echo(connection, opcode, message)


class OtherText(App):
    """An application that echoes another text than it was sent."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, self.change(message.decode()).encode() if opcode == TEXT else message)

    def change(self, text: str) -> str:
        """What comes back."""
        raise NotImplementedError


@switch("text-normalised", violates=["rfc6455-8.1-2"])
class TextNormalised(OtherText):
    """Text is echoed in Normalization Form C."""

    def change(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


@switch("byte-order-marks-removed", violates=["rfc6455-8.1-2"])
class ByteOrderMarksRemoved(OtherText):
    """Text is echoed without any U+FEFF."""

    def change(self, text: str) -> str:
        return text.replace("\ufeff", "")


@switch("latin-1-supplement-replaced", violates=["rfc6455-8.1-2"], also=["rfc6455-5.6-2"])
class Latin1SupplementReplaced(OtherText):
    """Characters from U+0080 to U+00FF are echoed as question marks, all but one."""

    def change(self, text: str) -> str:
        return "".join("?" if "\x80" <= c <= "\xff" and c != "ü" else c for c in text)


@switch("characters-beyond-latin-1-replaced", violates=["rfc6455-8.1-2"], also=["rfc6455-5.6-2"])
class CharactersBeyondLatin1Replaced(OtherText):
    """Characters from U+0100 to U+FFFF are echoed as question marks."""

    def change(self, text: str) -> str:
        return "".join("?" if "\u0100" <= c <= "\uffff" else c for c in text)


@switch("control-characters-dropped", violates=["rfc6455-8.1-2"])
class ControlCharactersDropped(OtherText):
    """Control characters are not echoed."""

    def change(self, text: str) -> str:
        return "".join(c for c in text if unicodedata.category(c) != "Cc")


@switch("variables-filled-in", violates=["rfc6455-8.1-2"])
class VariablesFilledIn(OtherText):
    """A dollar sign and the word after it are taken for a variable, and echoed as nothing."""

    def change(self, text: str) -> str:
        return re.sub(r"\$[a-z]+", "", text)


@switch("empty-text-dropped", violates=["rfc6455-8.1-2"], also=["fragmentation/*", "framing/*"])
class EmptyTextDropped(App):
    """A text message without content is not echoed."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        if message or opcode != TEXT:
            super().echo(connection, opcode, message)


@switch("empty-fragment-ends-text", violates=["rfc6455-8.1-2"], also=["fragmentation/*"])
class EmptyFragmentEndsText(Connection):
    """Of a message whose first fragment is empty nothing is kept."""

    empty = False

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.empty = False

    def on_fragment(self, frame: InFrame) -> None:
        self.empty = self.empty or not self.message

    def deliver(self, opcode: int, message: bytes) -> None:
        super().deliver(opcode, b"" if self.empty and opcode == TEXT else message)
        self.empty = False


# What the decoder must not mix up


@switch("fragments-decoded-apart", violates=["rfc6455-5.6-2"], also=["rfc6455-8.1-2"])
class FragmentsDecodedApart(Connection):
    """Each fragment of text is decoded for itself, and half a character replaced."""

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        self.cuts = [0]

    def on_fragment(self, frame: InFrame) -> None:
        self.cuts.append(len(self.message))

    def deliver(self, opcode: int, message: bytes) -> None:
        if opcode == TEXT:
            parts = [message[start:end] for start, end in itertools.pairwise([*self.cuts, len(message)])]
            message = "".join(part.decode(errors="replace") for part in parts).encode()
        super().deliver(opcode, message)


@switch("character-across-segments-refused", violates=["rfc6455-8.1-2"], also=["rfc6455-5.2-*"])
class CharacterAcrossSegmentsRefused(Connection):
    """A piece of a frame that ends inside a character is taken for invalid, unless it is the last."""

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        super().take_payload(frame, chunk)
        whole = frame.taken == frame.length
        if self.message_opcode == TEXT and not frame.is_control and not whole and self.phase is not Phase.ENDED:
            self.check_text_end()


@switch("ping-read-as-text", violates=["rfc6455-5.6-2", "rfc6455-8.1-2"], also=["fragmentation/*", "control-frames/*"])
class PingReadAsText(Connection):
    """The content of a Ping within a text message is taken for a part of its text while that is checked."""

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        super().take_payload(frame, chunk)
        if frame.opcode == PING and self.message_opcode == TEXT:
            self.check_text(chunk)


@switch("binary-spoils-text", violates=["rfc6455-8.1-2"])
class BinarySpoilsText(Connection):
    """Text after a binary message is checked together with the end of that message."""

    last_octet = b""

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        super().take_payload(frame, chunk)
        if self.message_opcode == BINARY and not frame.is_control:
            self.last_octet = chunk[-1:]

    def begin_message(self, opcode: int) -> None:
        super().begin_message(opcode)
        if opcode == TEXT and self.last_octet:
            self.check_text(self.last_octet)
        self.last_octet = b""


# What is sent


@switch("text-sent-in-latin-1", violates=["rfc6455-5.6-1"])
class TextSentInLatin1(App):
    """Text is echoed in Latin-1 where that is possible."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        if opcode == TEXT:
            try:
                message = message.decode().encode("latin-1")
            except UnicodeError:
                pass
        super().echo(connection, opcode, message)
