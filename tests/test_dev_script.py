"""`./dev` on machines that lack something: a PATH of stand-ins plays the machine, so nothing is installed for real."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("cat", "chmod", "cmp", "dirname", "env", "mkdir", "rm", "sh")

PYTHON = """#!/bin/sh
echo "{name} $*" >>"$LOG"
case "$*" in
"-c import sys;"*) exit {too_old} ;;
"-c import ensurepip, venv") [ -e "$MACHINE/venv-module" ] ;;
"-m venv "*) mkdir -p "$CHECKOUT/.venv/bin" && cat "$MACHINE/venv-python" >"$CHECKOUT/.venv/bin/python" &&
    cat "$MACHINE/venv-wsproof" >"$CHECKOUT/.venv/bin/wsproof" && chmod +x "$CHECKOUT/.venv/bin/"* ;;
*) exit 99 ;;
esac
"""
VENV_PYTHON = """#!/bin/sh
echo "venv $*" >>"$LOG"
case "$*" in
"-m pip install "*) echo "Collecting everything"; [ ! -e "$MACHINE/pip-fails" ] ;;
"-m ruff "*) [ ! -e "$MACHINE/lint-fails" ] ;;
esac
"""
VENV_WSPROOF = """#!/bin/sh
echo "in $PWD:"
for argument; do echo "[$argument]"; done
exit 7
"""
APT_GET = """#!/bin/sh
echo "apt-get $* ($DEBIAN_FRONTEND)" >>"$LOG"
echo "Reading package lists"
case "$1" in install) cat "$MACHINE/apt-brings" >"$MACHINE/bin/python3" && chmod +x "$MACHINE/bin/python3" &&
    : >"$MACHINE/venv-module" ;; esac
"""


@dataclass
class Machine:
    """A PATH, a log of what was called on it, and a checkout that holds `dev` alone."""

    folder: Path
    checkout: Path
    environment: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, text: str) -> None:
        """Places the command `name` on PATH."""
        command = self.folder / "bin" / name
        command.write_text(text)
        command.chmod(0o755)

    def dev(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `./dev ARGUMENTS` from a directory that is not the checkout."""
        environment = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{self.folder / 'tools'}",
            "LOG": str(self.folder / "log"),
            "MACHINE": str(self.folder),
            "CHECKOUT": str(self.checkout),
        }
        return subprocess.run(
            [self.checkout / "dev", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def called(self, word: str) -> list[str]:
        """Returns the calls so far whose line holds `word`."""
        return [line for line in (self.folder / "log").read_text().splitlines() if word in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a usable Python 3 with the venv module, used by somebody who is not root."""
    for name in ("bin", "tools", "a checkout"):
        (tmp_path / name).mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (tmp_path / "tools" / name).symlink_to(found)
    made = Machine(tmp_path, tmp_path / "a checkout")
    shutil.copy(ROOT / "dev", made.checkout / "dev")
    (made.checkout / "pyproject.toml").write_text("first\n")
    (made.checkout / "tests").mkdir()
    (made.checkout / "tests" / "constraints.txt").write_text("none\n")
    (tmp_path / "log").touch()
    (tmp_path / "venv-module").touch()
    (tmp_path / "venv-python").write_text(VENV_PYTHON)
    (tmp_path / "venv-wsproof").write_text(VENV_WSPROOF)
    (tmp_path / "apt-brings").write_text(PYTHON.format(name="python3", too_old=0))
    made.put("python3", PYTHON.format(name="python3", too_old=0))
    made.put("id", "#!/bin/sh\necho 1000\n")
    return made


def become_root(machine: Machine) -> None:
    """Gives the machine's user what it takes to install packages."""
    machine.put("id", "#!/bin/sh\necho 0\n")
    machine.put("apt-get", APT_GET)


def test_run_prepares_once_and_hands_everything_over(machine: Machine) -> None:
    """Arguments, working directory, output and exit code are the command's own; preparing says one line."""
    first = machine.dev("run", "ws://x", "two words", "")
    assert first.stdout == f"in {machine.folder}:\n[run]\n[ws://x]\n[two words]\n[]\n"
    assert first.returncode == 7
    assert len(first.stderr.splitlines()) == 1
    assert "preparing" in first.stderr

    second = machine.dev("run")
    assert second.stderr == ""
    assert len(machine.called("pip install")) == 1


def move(machine: Machine) -> None:
    """Moves the checkout: the scripts in its environment still name the old place."""
    machine.checkout = machine.checkout.rename(machine.folder / "elsewhere")


def change_dependencies(machine: Machine) -> None:
    """Changes what pyproject.toml declares."""
    (machine.checkout / "pyproject.toml").write_text("second\n")


@pytest.mark.parametrize("change", [move, change_dependencies])
def test_a_changed_project_is_installed_again(machine: Machine, change: Callable[[Machine], None]) -> None:
    """The environment is kept, the installation repeated, once."""
    machine.dev("run")
    change(machine)
    assert machine.dev("run").returncode == 7
    machine.dev("run")
    assert len(machine.called("pip install")) == 2
    assert len(machine.called("-m venv")) == 1


def test_a_broken_environment_is_made_again(machine: Machine) -> None:
    """An environment whose Python has gone is no environment."""
    machine.dev("run")
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    assert machine.dev("run").returncode == 7
    assert len(machine.called("-m venv")) == 2


def test_a_missing_venv_module_is_installed_by_root(machine: Machine) -> None:
    """With apt-get and the right to use it, nobody is asked."""
    (machine.folder / "venv-module").unlink()
    become_root(machine)
    assert machine.dev("run").returncode == 7
    assert machine.called("apt-get") == [
        "apt-get update -q (noninteractive)",
        "apt-get install -q -y --no-install-recommends python3-venv (noninteractive)",
    ]


def test_a_missing_python_is_installed_by_root(machine: Machine) -> None:
    """A bare container has no Python at all."""
    (machine.folder / "bin" / "python3").unlink()
    become_root(machine)
    assert machine.dev("run").returncode == 7
    assert len(machine.called("apt-get install")) == 1


@pytest.mark.parametrize("as_root", [False, True], ids=["user", "root-without-apt-get"])
def test_a_missing_venv_module_is_named(machine: Machine, as_root: bool) -> None:
    """Who may not install is told what to install, in one line."""
    (machine.folder / "venv-module").unlink()
    if as_root:
        machine.put("id", "#!/bin/sh\necho 0\n")
    else:
        machine.put("apt-get", APT_GET)
    ended = machine.dev("run")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert (
        ended.stderr == "dev: python3 has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv)\n"
    )
    assert machine.called("apt-get") == []


def test_a_newer_python_beside_an_old_one_is_found(machine: Machine) -> None:
    """python3 is too old and python3.13 a shim that leads nowhere, python3.12 will do."""
    machine.put("python3", PYTHON.format(name="python3", too_old=1))
    machine.put("python3.13", "#!/bin/sh\nexit 127\n")
    machine.put("python3.12", PYTHON.format(name="python3.12", too_old=0))
    assert machine.dev("run").returncode == 7
    assert machine.called("-m venv")[0].startswith("python3.12 ")


@pytest.mark.parametrize("present", [True, False], ids=["too-old", "none"])
def test_no_usable_python_is_one_line(machine: Machine, present: bool) -> None:
    """Nothing is installed over an old Python, and nothing without the right to."""
    if present:
        machine.put("python3", PYTHON.format(name="python3", too_old=1))
        become_root(machine)
    else:
        (machine.folder / "bin" / "python3").unlink()
    ended = machine.dev("run")
    assert ended.returncode == 2
    assert ended.stderr.startswith("dev: no Python 3.11 or newer found; install one")
    assert len(ended.stderr.splitlines()) == 1
    assert machine.called("apt-get") == []


def test_a_failing_installation_is_shown_and_tried_again(machine: Machine) -> None:
    """pip's words are shown when it fails, and only then; half an environment is never taken for a whole one."""
    (machine.folder / "pip-fails").touch()
    failed = machine.dev("run")
    assert failed.returncode == 2
    assert "Collecting everything" in failed.stderr

    (machine.folder / "pip-fails").unlink()
    mended = machine.dev("run")
    assert mended.returncode == 7
    assert "Collecting" not in mended.stdout + mended.stderr


def test_test_does_everything_although_something_fails(machine: Machine) -> None:
    """Lint, types, tests and coverage all run; the last line names what failed."""
    (machine.folder / "lint-fails").touch()
    ended = machine.dev("test", "-k", "one thing")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "dev: failed: lint"
    steps = machine.called("venv -m")[-6:]
    assert [step.split()[2] for step in steps] == [
        "ruff",
        "tests.check_types",
        "coverage",
        "coverage",
        "coverage",
        "coverage",
    ]
    assert steps[3].endswith("-k one thing")

    (machine.folder / "lint-fails").unlink()
    assert machine.dev("test").returncode == 0


@pytest.mark.parametrize("arguments", [(), ("tset",), ("--help",)])
def test_anything_else_is_answered_with_the_usage(machine: Machine, arguments: tuple[str, ...]) -> None:
    """The two commands are all there is."""
    ended = machine.dev(*arguments)
    assert ended.returncode == 2
    assert ended.stderr == "dev: usage: ./dev run [ARGS...]  or  ./dev test [ARGS...]\n"
    assert machine.called("") == []
