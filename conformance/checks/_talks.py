"""What is said on one connection of a contract: messages, one by one or all at once, and the strategies for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from ..strategies_text import SIMPLE, any_text, text_of
from ..wire.frames import Frame, Opcode

ODD_TEXTS: Final = (
    " line \r\n",
    "a\0b",
    "{message}",
    "{}%s$1\\n",
    "e\u0301\ufeff",
    "\U0001f469\u200d\U0001f467\U0010ffff",
    "\u05e9\u05dc\u05d5\u05dd \u0639\u0627\u0644\u0645",
    '"quoted" <b>&amp;',
)
"""Texts that careless code changes: white space, NUL, placeholders, right to left, beyond the BMP, two normal forms."""
ODD_BYTES: Final = (b"a", b"\0", b"\n", b"\x80", b"\xff")
"""Octets that careless code changes."""
TIMES: Final = (1, 1, 1, 1, 50, 700)
"""How often a text is repeated within one message: mostly once; else it takes a longer form of the payload length."""
MOST_MESSAGES: Final = 5
EDGES: Final = (2**32, 2**31, -(2**31) - 1, 2**53 - 1, 1 - 2**53)
"""Whole numbers that need more bits than careless code gives them; every JSON library keeps them (RFC 8259)."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text message: ``text`` so many ``times``."""

    text: str
    times: int = 1

    @property
    def whole(self) -> str:
        return self.text * self.times

    @property
    def frame(self) -> Frame:
        """The message in one frame."""
        return Frame(Opcode.TEXT, self.whole.encode())

    def __str__(self) -> str:
        return f"{self.text!a}" if self.times == 1 else f"{self.text!a} {self.times} times"


@dataclass(frozen=True, slots=True)
class Talk:
    """Texts that are said on one connection, each after the answer to the one before or all ``at_once``."""

    said: tuple[Said, ...]
    at_once: bool = False

    def __str__(self) -> str:
        words = "; ".join(map(str, self.said))
        return f"{words}; all at once" if self.at_once else words


@dataclass(frozen=True, slots=True)
class Values:
    """JSON values, as JSON, that are said on one connection."""

    texts: tuple[str, ...]
    at_once: bool = False

    def __str__(self) -> str:
        words = "; ".join(self.texts)
        return f"{words}; all at once" if self.at_once else words


@dataclass(frozen=True, slots=True)
class Blobs:
    """Binary messages that are said on one connection, each so many ``times``."""

    parts: tuple[bytes, ...]
    times: int = 1
    at_once: bool = False

    def __str__(self) -> str:
        words = "; ".join(f"`{part.hex()}`" for part in self.parts)
        words += f", each {self.times} times" if self.times > 1 else ""
        return f"{words}; all at once" if self.at_once else words


def texts() -> st.SearchStrategy[str]:
    """Any text: from the empty one over plain and odd ones to whatever Unicode holds."""
    odd = st.sampled_from(ODD_TEXTS)
    return st.one_of(
        text_of(SIMPLE, max_size=8),
        odd,
        st.lists(odd, min_size=1, max_size=6).map("".join),
        st.lists(odd, min_size=1, max_size=6).map("".join),
        any_text(max_size=12),
    )


def said() -> st.SearchStrategy[Said]:
    """A message of any text."""
    return st.builds(Said, texts(), st.sampled_from(TIMES))


def talks() -> st.SearchStrategy[Talk]:
    """A few messages."""
    return st.builds(Talk, st.lists(said(), min_size=1, max_size=MOST_MESSAGES).map(tuple), st.booleans())


def blobs() -> st.SearchStrategy[Blobs]:
    """A few binary messages."""
    part = st.one_of(st.binary(max_size=20), st.lists(st.sampled_from(ODD_BYTES), max_size=10).map(b"".join))
    parts = st.lists(part, min_size=1, max_size=MOST_MESSAGES).map(tuple)
    return st.builds(Blobs, parts, st.sampled_from(TIMES), st.booleans())


def json_texts() -> st.SearchStrategy[str]:
    """One JSON value of any kind, as JSON text; numbers are such that every JSON library keeps them."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1000, 1000),
        st.sampled_from(EDGES),
        st.sampled_from(EDGES),
        st.integers(-1000, 1000).map(lambda number: number + 0.5),
        texts(),
    )
    lists = st.lists(scalars, max_size=3)
    objects = st.lists(st.tuples(texts(), scalars), max_size=3).map(dict)
    inner = st.one_of(lists, objects)
    nested = st.one_of(st.lists(inner, max_size=2), st.builds(lambda name, value: {name: value}, texts(), inner))
    values = st.one_of(scalars, lists, objects, nested)
    return st.builds(lambda value, plain: json.dumps(value, ensure_ascii=plain), values, st.booleans())


def values() -> st.SearchStrategy[Values]:
    """A few JSON values."""
    found = st.lists(json_texts(), min_size=1, max_size=MOST_MESSAGES).map(tuple)
    return st.builds(Values, found, st.booleans())
