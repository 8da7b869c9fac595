"""docs/own-checks.md: its files are written, its server is started, its commands are run, as they are printed."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wsproof.conformance

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-checks.md").read_text("utf-8")
FILES = {
    block.partition("\n")[0].removeprefix("# "): block.partition("\n")[2]
    for block in re.findall(r"^```python\n(.+?)^```$", PAGE, re.M | re.S)
}
COMMANDS = [block.splitlines() for block in re.findall(r"^```console\n(.+?)^```$", PAGE, re.M | re.S)]
PRINTED_ADDRESS = "127.0.0.1:8000"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the page's server, which uvicorn serves on a socket that is already bound."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "uvicorn", "app:app", "--fd", str(listener.fileno())]
        with subprocess.Popen(command, cwd=folder, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL) as server:
            try:
                yield f"127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.terminate()


def run(folder: Path, line: str, address: str) -> str:
    """What a printed command prints."""
    words = shlex.split(line.removeprefix("$ ").replace(PRINTED_ADDRESS, address))
    assert words[0] == "pytest"
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the page's files."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_the_page_has_the_files_and_commands_that_are_tried() -> None:
    assert list(FILES) == ["app.py", "test_greeting.py", "test_any_name.py", "test_talk.py"]
    assert len(COMMANDS) == 2


def test_the_checks_pass_on_the_server_as_printed(folder: Path) -> None:
    command, *printed = COMMANDS[0]
    with served(folder) as address:
        out = run(folder, command, address)
    shown = [re.sub(r" +\[ *\d+%\]$", "", line) for line in out.splitlines()]
    assert [line for line in shown if line.endswith("PASSED")] == printed, out


def test_the_broken_server_fails_as_printed(folder: Path) -> None:
    command, *printed = COMMANDS[1]
    (folder / "app.py").write_text(FILES["app.py"].replace('close(4000, "no name")', "close()"))
    with served(folder) as address:
        out = run(folder, command, address)
    assert "\n".join(printed) in out


def test_every_name_that_the_page_imports_or_lists_is_exported() -> None:
    imported = re.findall(r"^from wsproof\.conformance import (.+)$", PAGE, re.M)
    names = {name.strip() for line in imported for name in line.split(",")}
    rows = re.findall(r"^\| (`.+?`) \|", PAGE.partition("## What a check can do")[2], re.M)
    names |= {name for row in rows for name in re.findall(r"`([A-Za-z_]+)", row) if not name.startswith("findings")}
    assert names <= set(wsproof.conformance.__all__), names - set(wsproof.conformance.__all__)
