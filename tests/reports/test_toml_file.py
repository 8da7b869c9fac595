"""Where something stands in a TOML file, and how it is said what is wrong there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from wsproof.reports.errors import ConfigError
from wsproof.reports.toml_file import line_of, read_toml

TEXT = '''# a comment = 1
title = "t"
long = """
fake = 1
[[fake]]
"""
dotted.inner.key = 2
"quoted.key" = 3

[table]
one = 1
[table.sub] # comment
two = 2
[[items]]
name = "first"
[[items]]
  name = "second"
  [[items.parts]]
  size = 1
  [[items.parts]]
  size = 2
[[items]]
[[items.parts]]
size = 3
'''


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("title",), 2),
        (("long",), 3),
        (("fake",), 1),
        (("dotted", "inner"), 7),
        (("dotted", "inner", "key"), 7),
        (("quoted.key",), 8),
        (("table",), 10),
        (("table", "one"), 11),
        (("table", "sub", "two"), 13),
        (("items", 0), 14),
        (("items", 0, "name"), 15),
        (("items", 1, "name"), 17),
        (("items", 1, "missing"), 16),
        (("items", 1, "parts", 1, "size"), 21),
        (("items", 2, "parts", 0, "size"), 24),
        (("items", 1, "name", 5, "deep"), 17),
        ((), 1),
    ],
)
def test_line_of(location: tuple[int | str, ...], line: int) -> None:
    assert line_of(TEXT, location) == line


@given(st.text(), st.lists(st.text() | st.integers(), max_size=3))
def test_line_of_never_fails_and_stays_in_the_text(text: str, location: list[int | str]) -> None:
    assert 1 <= line_of(text, tuple(location)) <= text.count("\n") + 1


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = 0
    ratio: float = 0.0
    kind: str = Field(default="", alias="type")


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    flag: bool = False
    limit: int = Field(default=1, le=10)
    inner: Inner = Inner()
    many: list[Inner] = []
    free: dict[str, Inner] = {}
    even: int = 0

    @field_validator("even")
    @classmethod
    def is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


def complaint(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "f.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        read_toml(path, Outer)
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flag = 1", "1: 'flag' holds a whole number where true or false is wanted"),
        ("\nlimit = '1'", "2: 'limit' holds a string where a whole number is wanted"),
        ("limit = true", "1: 'limit' holds a boolean where a whole number is wanted"),
        ("limit = 11", "1: 'limit' is 11: input should be less than or equal to 10"),
        ("limit = 1979-05-27", "1: 'limit' holds date where a whole number is wanted"),
        ("inner = 1", "1: 'inner' holds a whole number where a table is wanted"),
        ("many = 1", "1: 'many' holds a whole number where a list is wanted"),
        ("free = []", "1: 'free' holds a list where a table is wanted"),
        ("[inner]\nsiez = 1", "2: unknown key 'siez'; did you mean 'size'?"),
        ("[inner]\nzzz = 1", "2: unknown key 'zzz'; known keys: ratio, size, type"),
        ("[[many]]\n[[many]]\nratio = 'x'", "3: 'ratio' holds a string where a number is wanted"),
        ("[free.mine]\nzzz = 1", "2: unknown key 'zzz'; known keys: ratio, size, type"),
        ("[free.flag]\nzzz = 1", "2: unknown key 'zzz'; known keys: ratio, size, type"),
        ("[free.size]\nzzz = 1", "2: unknown key 'zzz'; leave it out"),
        ("\neven = 3", "2: 'even': must be even"),
        ("flga = true", "1: unknown key 'flga'; did you mean 'flag'?"),
        ("flag = true\nflag", "2: broken TOML: Expected '=' after a key in a key/value pair"),
        ("a = [\n", "2: broken TOML: Invalid value"),
        (b"flag = true\n# \xff", "2: is not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert complaint(tmp_path, text) == said


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    assert len(complaint(tmp_path, f"limit = {'9' * 4000}")) < 200


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_toml(tmp_path / "none.toml", Outer)
    assert str(caught.value) == f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory"


def test_what_is_right_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_text("flag = true\n[[many]]\nsize = 3\ntype = 'x'\n", encoding="utf-8")
    found, text = read_toml(path, Outer)
    assert (found.flag, found.many[0].size, found.many[0].kind) == (True, 3, "x")
    assert line_of(text, ("many", 0, "size")) == 3


keys = st.sampled_from(["flag", "limit", "inner", "many", "free", "size", "other"])
values = st.sampled_from(["true", "3", "'s'", "[1]", "{ size = 'x' }", "1.5", "[[[]]]", "nonsense"])
headers = st.sampled_from(["[inner]", "[[many]]", "[free.x]"])


@given(lines=st.lists(st.builds("{} = {}".format, keys, values) | headers))
def test_a_complaint_is_always_one_line(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    complaint = _complaint(path)
    if complaint is not None:
        assert "\n" not in str(complaint)
        assert complaint.line is not None
        assert 1 <= complaint.line <= len(lines) + 1


def _complaint(path: Path) -> ConfigError | None:
    try:
        read_toml(path, Outer)
    except ConfigError as error:
        return error
    return None
