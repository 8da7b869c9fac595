"""Switches: the echo does not answer as its documentation says."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .app import App
from .switch import switch

if TYPE_CHECKING:
    from .connection import Connection

LONGEST = 2000

# Text


@switch("echo-loses-trailing-newline", violates=["contract:echo-text"])
class EchoLosesTrailingNewline(App):
    """White space at the end of a text is lost."""

    def text_answer(self, text: str) -> str:
        return super().text_answer(text.rstrip())


@switch("echo-cut-at-nul", violates=["contract:echo-text"])
class EchoCutAtNul(App):
    """A text ends before its first NUL."""

    def text_answer(self, text: str) -> str:
        return super().text_answer(text.partition("\0")[0])


@switch("echo-normalises", violates=["contract:echo-text"])
class EchoNormalises(App):
    """A text is brought into a normal form of Unicode."""

    def text_answer(self, text: str) -> str:
        return super().text_answer(unicodedata.normalize("NFC", text))


@switch("echo-without-astral-characters", violates=["contract:echo-text"])
class EchoWithoutAstralCharacters(App):
    """A character beyond the Basic Multilingual Plane becomes a question mark."""

    def text_answer(self, text: str) -> str:
        return super().text_answer("".join(char if ord(char) < 0x10000 else "?" for char in text))


@switch("echo-fills-placeholders", violates=["contract:echo-text"])
class EchoFillsPlaceholders(App):
    """The text is taken for a template."""

    def text_answer(self, text: str) -> str:
        return super().text_answer(text.replace("{message}", "").replace("{}", ""))


@switch("echo-cuts-long-texts", violates=["contract:echo-text"])
class EchoCutsLongTexts(App):
    """A text has at most 2,000 characters."""

    def text_answer(self, text: str) -> str:
        return super().text_answer(text[:LONGEST])


@switch("echo-ignores-empty-texts", violates=["contract:echo-text"])
class EchoIgnoresEmptyTexts(App):
    """An empty text gets no answer."""

    def echo_text(self, connection: Connection, opcode: int, message: bytes) -> None:
        if message:
            super().echo_text(connection, opcode, message)


# Several messages


class Counting(App):
    """Knows how many messages have come on each connection."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()

    def message(self, connection: Connection, opcode: int, message: bytes) -> None:
        self.counts[connection] = self.counts.get(connection, 0) + 1
        super().message(connection, opcode, message)


@switch("echo-drops-the-third", violates=["contract:echo-text"])
class EchoDropsTheThird(Counting):
    """The third message of a connection gets no answer."""

    def echo_text(self, connection: Connection, opcode: int, message: bytes) -> None:
        if self.counts[connection] != 3:
            super().echo_text(connection, opcode, message)


@switch("echo-answers-the-second-twice", violates=["contract:echo-text"])
class EchoAnswersTheSecondTwice(Counting):
    """The second message of a connection gets its answer twice."""

    def echo_text(self, connection: Connection, opcode: int, message: bytes) -> None:
        super().echo_text(connection, opcode, message)
        if self.counts[connection] == 2:
            super().echo_text(connection, opcode, message)


class Swapping(App):
    """Of messages that come in one go the first two are answered the wrong way round."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: defaultdict[Connection, list[Callable[[], None]]] = defaultdict(list)

    def hold(self, connection: Connection, answer: Callable[[], None]) -> None:
        """Answer later, together with what else comes now."""
        self.waiting[connection].append(answer)
        if len(self.waiting[connection]) == 1:
            asyncio.get_running_loop().call_soon(self.answer, connection)

    def answer(self, connection: Connection) -> None:
        """Answer what has come."""
        came = self.waiting.pop(connection)
        for answer in [*came[1:2], *came[:1], *came[2:]]:
            answer()


@switch("echo-swaps-two", violates=["contract:echo-order"], also=["contract:echo-text"])
class EchoSwapsTwo(Swapping):
    """Of texts that come in one go the first two are answered the wrong way round.

    On a busy machine a text and what the check says behind it come in one go, too.
    """

    def echo_text(self, connection: Connection, opcode: int, message: bytes) -> None:
        self.hold(connection, partial(super().echo_text, connection, opcode, message))


# Bytes and JSON


@switch("binary-cut-at-nul", violates=["contract:echo-binary"])
class BinaryCutAtNul(App):
    """A binary message ends before its first octet 0."""

    def binary_answer(self, message: bytes) -> bytes:
        return super().binary_answer(message.partition(b"\0")[0])


@switch("binary-made-utf8", violates=["contract:echo-binary"])
class BinaryMadeUtf8(App):
    """Octets that are no UTF-8 are replaced."""

    def binary_answer(self, message: bytes) -> bytes:
        return super().binary_answer(message.decode(errors="replace").encode())


@switch("binary-answered-as-text", violates=["contract:echo-binary"])
class BinaryAnsweredAsText(App):
    """A binary message that is UTF-8 is answered as text."""

    def echo_binary(self, connection: Connection, opcode: int, message: bytes) -> None:
        try:
            self.send_text(connection, self.binary_answer(message).decode())
        except UnicodeDecodeError:
            super().echo_binary(connection, opcode, message)


@switch("binary-swaps-two", violates=["contract:echo-order"], also=["contract:echo-binary"])
class BinarySwapsTwo(Swapping):
    """Of binary messages that come in one go the first two are answered the wrong way round."""

    def echo_binary(self, connection: Connection, opcode: int, message: bytes) -> None:
        self.hold(connection, partial(super().echo_binary, connection, opcode, message))


class JsonChanged(App):
    """Changes JSON values at any depth."""

    def json_answer(self, value: Any) -> Any:
        return super().json_answer(self.changed(value))

    def changed(self, value: Any) -> Any:
        """The value as it comes back."""
        if isinstance(value, list):
            return [self.changed(inner) for inner in value]
        if isinstance(value, dict):
            return {self.changed_key(name): self.changed(inner) for name, inner in value.items()}
        return value

    def changed_key(self, name: str) -> str:
        """The name of a member as it comes back."""
        return name


@switch("json-falsy-becomes-null", violates=["contract:echo-json"])
class JsonFalsyBecomesNull(JsonChanged):
    """What counts as false becomes null."""

    def changed(self, value: Any) -> Any:
        return super().changed(value) or None


@switch("json-loses-fractions", violates=["contract:echo-json"])
class JsonLosesFractions(JsonChanged):
    """Numbers are whole."""

    def changed(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) else super().changed(value)


@switch("json-integers-of-32-bits", violates=["contract:echo-json"])
class JsonIntegersOf32Bits(JsonChanged):
    """Whole numbers have 32 bits."""

    def changed(self, value: Any) -> Any:
        return value & 0xFFFFFFFF if type(value) is int and value > 0 else super().changed(value)


@switch("json-without-escapes", violates=["contract:echo-json"])
class JsonWithoutEscapes(App):
    """Quotes and control characters within strings are not escaped."""

    def json_text(self, value: Any) -> str:
        return super().json_text(value).replace('\\"', '"')


@switch("json-twice", violates=["contract:echo-json"])
class JsonTwice(JsonChanged):
    """A string comes back as the JSON of a string within a string."""

    def changed(self, value: Any) -> Any:
        return self.json_text(value) if isinstance(value, str) else super().changed(value)


@switch("json-swaps-two", violates=["contract:echo-order"])
class JsonSwapsTwo(Swapping):
    """Of JSON values that come in one go the first two are answered the wrong way round."""

    def echo_json(self, connection: Connection, opcode: int, message: bytes) -> None:
        self.hold(connection, partial(super().echo_json, connection, opcode, message))
