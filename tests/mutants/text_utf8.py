"""Switches: text and UTF-8 (RFC 6455, sections 5.6 and 8.1)."""

from __future__ import annotations

import codecs

from .app import App
from .connection import BINARY, TEXT, Connection, InFrame, Phase, Reaction
from .switch import switch

INVALID_TEXT = [
    "rfc6455-5.6-3",
    "rfc6455-8.1-1",
    "rfc6455-8.1-3",
    "rfc6455-8.1-4",
    "rfc6455-7.1.7-*",
    "rfc6455-7.4.1-8",
]


# What is invalid


@switch("invalid-text-echoed", violates=["rfc6455-5.6-3", "rfc6455-8.1-1"], also=[*INVALID_TEXT, "rfc6455-5.6-1"])
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


@switch("surrogates-accepted", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
class SurrogatesAccepted(LooseDecoder):
    """Encoded surrogates pass for UTF-8."""

    def forgive(self, text: bytes) -> bytes:
        return replace_sequences(text, (range(0xED, 0xEE), range(0xA0, 0xC0), 3))


@switch("overlong-forms-accepted", violates=["rfc6455-8.1-1"], also=INVALID_TEXT)
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


@switch("character-across-fragments-refused", violates=["rfc6455-5.6-2"], also=["rfc6455-8.1-2", "rfc6455-8.1-3", "*"])
class CharacterAcrossFragmentsRefused(Connection):
    """A fragment of text may not end inside a character."""

    def on_fragment(self, frame: InFrame) -> None:
        if self.message_opcode == TEXT:
            self.check_text_end()


@switch(
    "valid-prefix-refused", violates=["rfc6455-5.6-2"], also=["rfc6455-8.1-2", "rfc6455-8.1-3", "rfc6455-6.2-1", "*"]
)
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


@switch("noncharacters-refused", violates=["rfc6455-8.1-2"])
class NoncharactersRefused(CharacterRefused):
    """The noncharacters U+FFFE, U+FFFF and U+1FFFE in text are refused."""

    refused = ("\ufffe", "\uffff", "\U0001fffe", "\U0001ffff")


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


@switch("astral-characters-replaced", violates=["rfc6455-8.1-2"], also=["*"])
class AstralCharactersReplaced(App):
    """Characters above U+FFFF are echoed as U+FFFD."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        if opcode == TEXT:
            message = "".join(c if c <= "\uffff" else "\ufffd" for c in message.decode(errors="replace")).encode()
        super().echo(connection, opcode, message)


# Binary messages and what is sent


@switch("binary-checked-as-text", violates=["rfc6455-5.6-4"], also=["*"])
class BinaryCheckedAsText(Connection):
    """A binary message that is no UTF-8 is refused with 1007."""

    def deliver(self, opcode: int, message: bytes) -> None:
        if opcode == BINARY and not self.is_valid_reason(message):
            self.on_invalid_utf8()
        else:
            super().deliver(opcode, message)


@switch("binary-ends-at-nul", violates=["rfc6455-5.6-4"], also=["*"])
class BinaryEndsAtNul(App):
    """A binary message is echoed up to its first NUL."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo(connection, opcode, message.partition(b"\0")[0] if opcode == BINARY else message)


@switch("text-sent-in-latin-1", violates=["rfc6455-5.6-1"], also=["*"])
class TextSentInLatin1(App):
    """Text is echoed in Latin-1 where that is possible."""

    def echo(self, connection: Connection, opcode: int, message: bytes) -> None:
        if opcode == TEXT:
            try:
                message = message.decode().encode("latin-1")
            except UnicodeError:
                pass
        super().echo(connection, opcode, message)
