"""The package as users get it: built from the sources, installed elsewhere, used from any working directory."""

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import Any

import pytest

import wsproof

ROOT = Path(__file__).resolve().parents[1]
with (ROOT / "pyproject.toml").open("rb") as pyproject_file:
    PYPROJECT: dict[str, Any] = tomllib.load(pyproject_file)
FOLDERS: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]

# uvicorn imports these by the name of its option.
IMPORTED_BY_PYTEST_ALONE = {"pytest"}
"""The plugin is loaded by pytest, where there is one."""
IMPORTED_BY_UVICORN = {"httptools", "websockets", "wsproto"}
# Import names that another distribution brings as a part of itself.
PART_OF = {"pydantic_core": "pydantic"}


def installed_name(path: Path) -> str:
    """Returns where a file of the tree lies once installed: `conformance/x.py` is `wsproof/conformance/x.py`."""
    relative = path.relative_to(ROOT).as_posix()
    return relative if relative.startswith("wsproof/") else f"wsproof/{relative}"


def shipped_files() -> list[Path]:
    """Returns the files below the package's folders."""
    return [
        path
        for folder in FOLDERS.values()
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, built from a copy of the tree."""
    source = tmp_path_factory.mktemp("source")
    for folder in FOLDERS.values():
        copytree(ROOT / folder, source / folder, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(source / "dist"), str(source)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = (source / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment with the wheel; this environment lends the dependencies, and not its wsproof."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    (own,) = folder.glob("lib/python3*/site-packages")
    # What a .pth file adds comes after the environment's own, and no .pth file (an editable wsproof) is read in it.
    (own / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


@pytest.fixture
def hostile_directory(tmp_path: Path) -> Path:
    """A working directory that holds packages with the names of our folders, each of which must not be imported."""
    for name in ("conformance", "load", "reference_server", "reports", "tests"):
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text(f"raise RuntimeError('the user\\'s own {name} was imported')\n")
    return tmp_path


def test_the_packages_are_the_folders() -> None:
    """Each folder with an __init__.py is a listed package, and each listed package is such a folder."""
    found = {
        installed_name(path).removesuffix("/__init__.py").replace("/", ".")
        for path in shipped_files()
        if path.name == "__init__.py"
    }
    assert sorted(found) == PYPROJECT["tool"]["setuptools"]["packages"]


def test_the_wheel_holds_every_file_of_the_folders_and_nothing_else(wheel: Path) -> None:
    """No page, profile or catalogue is left behind."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith(f"wsproof-{wsproof.__version__}.dist-info/")}
    assert held == {installed_name(path) for path in shipped_files()}


def test_the_command_works_beside_folders_of_the_same_names(installed: Path, hostile_directory: Path) -> None:
    """`wsproof --help`, as a script and as a module, from a directory with packages named like ours."""
    for command in ([installed / "wsproof"], [installed / "python", "-m", "wsproof"]):
        ended = subprocess.run(
            [*command, "--help"], cwd=hostile_directory, capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 0, ended.stderr
        assert "Usage" in ended.stdout


def test_every_module_is_imported_from_the_installed_package(installed: Path, hostile_directory: Path) -> None:
    """The working directory stands first on sys.path, as under pytest and Locust, and shadows nothing."""
    names = sorted(
        installed_name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in shipped_files()
        if path.suffix == ".py" and path.name != "__main__.py"
    )
    program = (
        "import importlib, sys\n"
        "assert sys.path[0] == ''\n"
        "for name in sys.argv[1:]: print(importlib.import_module(name).__file__)\n"
    )
    ended = subprocess.run(
        [installed / "python", "-c", program, *names],
        cwd=hostile_directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    elsewhere = [line for line in ended.stdout.splitlines() if not Path(line).is_relative_to(installed.parent)]
    assert elsewhere == []
    assert len(ended.stdout.splitlines()) == len(names)


def test_the_dependencies_are_what_is_imported() -> None:
    """Nothing works by the luck of a dependency's dependency, and nothing is installed for no reason."""
    declared = {re.split(r"[<>=!~\[;]", line)[0].replace("-", "_") for line in PYPROJECT["project"]["dependencies"]}
    imported: set[str] = set()
    for path in shipped_files():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    imported.add(node.module.partition(".")[0])
    imported -= set(sys.stdlib_module_names) | IMPORTED_BY_PYTEST_ALONE
    needed = {PART_OF.get(name, name) for name in imported} | IMPORTED_BY_UVICORN
    assert needed == declared
