"""Nothing that a target sends reaches a terminal or an XML file as it is."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.reports.text import plural, visible, visible_block

from .samples import HOSTILE

everything = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é ü 漢字 \U0001f600", "plain text, é ü 漢字 \U0001f600"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\r\nb\tc\0", "a\\r\\nb\\tc\\x00"),
        ("\x7f\x80\x9b", "\\x7f\\x80\\x9b"),
        ("".join(map(chr, range(0x202A, 0x202F))), "\\u202a\\u202b\\u202c\\u202d\\u202e"),
        ("".join(map(chr, range(0x2066, 0x206A))), "\\u2066\\u2067\\u2068\\u2069"),
        ("\u200f\u2028\u2029\ufeff\u200b", "\\u200f\\u2028\\u2029\\ufeff\\u200b"),
        ("\ud800\udfff\ufffe\uffff", "\\ud800\\udfff\\ufffe\\uffff"),
        ("\U000e0001", "\\U000e0001"),
        ("\xa0\u3000", "\\xa0\\u3000"),
        ("back\\slash", "back\\slash"),
        ("", ""),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_long_text_is_cut_and_says_its_length() -> None:
    assert visible("x" * 1_000_000, 5) == "xxxxx... (1,000,000 characters)"
    assert visible("xxxxx", 5) == "xxxxx"


@given(everything, st.integers(0, 50))
def test_visible_is_one_line_of_characters_with_a_glyph(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert shown.isprintable()
    assert len(shown) <= 10 * limit + len("... (999,999 characters)")
    shown.encode("utf-8")


@given(everything)
def test_what_is_visible_survives_xml(text: str) -> None:
    element = ElementTree.Element("x", {"a": visible(text)})
    element.text = visible_block(text)
    read = ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8"))
    assert read.get("a") == visible(text)
    assert (read.text or "") == visible_block(text)


@given(everything)
def test_visible_is_stable(text: str) -> None:
    assert visible(visible(text, 100), 2000) == visible(text, 100)


def test_block_keeps_lines_and_cuts_both_ways() -> None:
    assert visible_block("a\nb\x1b\n") == "a\nb\\x1b\n"
    assert visible_block("abc\n" * 5, lines=2, limit=2) == "ab... (3 characters)\nab... (3 characters)\n... (6 lines)"


def test_hostile_text() -> None:
    shown = visible(HOSTILE)
    assert not set(shown) & set("\0\x07\x1b\r\n\x85\u202e\u2066\ud800\ufffe")
    assert "<script>" in shown


def test_plural() -> None:
    assert [plural(n, "check") for n in (0, 1, 2, 1024)] == ["0 checks", "1 check", "2 checks", "1,024 checks"]
    assert plural(2, "entry", "entries") == "2 entries"
