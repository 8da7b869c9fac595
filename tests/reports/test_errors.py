"""Errors that users read."""

from pathlib import Path

import pytest

from wsproof.reports.errors import ConfigError, ensure_writable


def test_config_error_is_one_line() -> None:
    error = ConfigError("wsproof.toml", 3, "this is\n  wrong")
    assert str(error) == "wsproof.toml:3: this is wrong"
    assert (error.path, error.line, error.message) == (Path("wsproof.toml"), 3, "this is wrong")
    assert str(ConfigError("wsproof.toml", None, "gone")) == "wsproof.toml: gone"


def test_ensure_writable_leaves_nothing_behind(tmp_path: Path) -> None:
    ensure_writable(tmp_path / "junit.xml")
    assert list(tmp_path.iterdir()) == []


def test_ensure_writable_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text("old", encoding="utf-8")
    ensure_writable(tmp_path / "junit.xml")
    assert (tmp_path / "junit.xml").read_text("utf-8") == "old"


@pytest.mark.parametrize("name", ["none/junit.xml", "."])
def test_ensure_writable_refuses(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be written: .*; name a file in a folder that you can write to"):
        ensure_writable(tmp_path / name)
