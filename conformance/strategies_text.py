"""Texts, drawn without the tables of Unicode that Hypothesis would make first.

``st.text()`` costs seconds of CPU in a fresh directory, and leaves files in it.
"""

from __future__ import annotations

import string
import unicodedata

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

SIMPLE = string.ascii_lowercase + string.digits


def text_of(characters: str, *, max_size: int, min_size: int = 0) -> SearchStrategy[str]:
    """Texts of these characters, the first being the simplest."""
    return _joined(st.sampled_from(characters), min_size, max_size)


def any_text(*, max_size: int, min_size: int = 0) -> SearchStrategy[str]:
    """Texts of any characters that UTF-8 can say, each of its lengths as often as the others."""
    return _joined(_characters(), min_size, max_size)


def visible_text(*, max_size: int, min_size: int = 0, without: str = "") -> SearchStrategy[str]:
    """The same without control characters, what is not assigned, white space, and those given."""
    seen = _characters().filter(lambda char: unicodedata.category(char)[0] not in "CZ" and char not in without)
    return _joined(seen, min_size, max_size)


def _characters() -> SearchStrategy[str]:
    ranges = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    return st.one_of(st.sampled_from(SIMPLE), *(st.integers(first, last).map(chr) for first, last in ranges))


def _joined(characters: SearchStrategy[str], min_size: int, max_size: int) -> SearchStrategy[str]:
    return st.lists(characters, min_size=min_size, max_size=max_size).map("".join)
