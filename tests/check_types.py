"""Runs `mypy --strict` over the package `wsproof` and these tests: `python -m tests.check_types [MYPY ARGS...]`.

The folders stand at the top level but are installed inside one namespace, and mypy cannot follow the import hook of an
editable install. So it is shown the installed shape as a tree of links, made from the mapping in pyproject.toml.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def link_tree(root: Path, tree: Path) -> None:
    """Makes (or mends) below `tree` the package as it is installed from the checkout `root`, as symbolic links."""
    with (root / "pyproject.toml").open("rb") as file:
        folders: dict[str, str] = tomllib.load(file)["tool"]["setuptools"]["package-dir"]
    package = tree / "wsproof"
    package.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name: entry for entry in (root / folders.pop("wsproof")).iterdir() if entry.name != "__pycache__"}
    wanted |= {name.removeprefix("wsproof."): root / folder for name, folder in folders.items()}
    for link in package.iterdir():
        if link.name not in wanted or link.readlink() != wanted[link.name]:
            link.unlink()
    for name, target in wanted.items():
        if not (package / name).is_symlink():
            (package / name).symlink_to(target)


def main(arguments: list[str]) -> int:
    """Returns mypy's exit code."""
    tree = ROOT / "build" / "types"
    link_tree(ROOT, tree)
    command = [sys.executable, "-m", "mypy", "--strict", *arguments, "-p", "wsproof", "-p", "tests"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"MYPYPATH": str(tree)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
