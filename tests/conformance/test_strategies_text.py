"""Texts of any characters come without the tables of Unicode, and are what they are called."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

from wsproof.conformance.drawing import draw
from wsproof.conformance.strategies_text import any_text, text_of, visible_text


def drawn(strategy: object, examples: int = 300) -> list[str]:
    return [values["text"] for values in draw({"text": strategy}, 0, "a/b", examples).values()]  # type: ignore[dict-item]  # any strategy


def test_texts_are_of_the_characters_given() -> None:
    texts = drawn(text_of("a\u00e9", max_size=5))
    assert set("".join(texts)) == {"a", "\u00e9"}
    assert max(map(len, texts)) == 5


def test_any_text_has_characters_of_each_length_in_utf_8() -> None:
    texts = drawn(any_text(max_size=6, min_size=1))
    assert {len(char.encode()) for text in texts for char in text} == {1, 2, 3, 4}
    assert min(map(len, texts)) == 1


def test_visible_text_can_be_seen() -> None:
    characters = "".join(drawn(visible_text(max_size=6, without="/")))
    assert characters
    assert not [char for char in characters if unicodedata.category(char)[0] in "CZ" or char == "/"]


def test_no_property_leaves_files_in_the_working_directory(tmp_path: Path) -> None:
    program = """
from wsproof.conformance.command import load_checks, load_profile
from wsproof.conformance.discovered import Discovered, EchoForm
from wsproof.conformance.drawing import draw
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.target import Setting

found = Discovered(echo=EchoForm())
setting = Setting(parse_endpoint("ws://127.0.0.1:9/"), found=found, profile=load_profile("reference"))
for id, item in load_checks().items():
    if item.given is not None:
        draw(item.given(setting, *item.arguments), 0, id, 50)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
