"""Imports point one way (ARCHITECTURE.md): read from the source, without importing anything."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("conformance", "load", "reference_server", "reports")

# What a folder's modules may import of the other packages; a module named by itself may import that as well.
ALLOWED: dict[str, tuple[str, ...]] = {
    "wsproof": ("wsproof.conformance", "wsproof.load", "wsproof.reference_server", "wsproof.reports"),
    "wsproof.conformance": ("wsproof.reports.model",),
    "wsproof.conformance.command": ("wsproof.reports",),
    "wsproof.conformance.pytest_batch": ("wsproof.reports",),
    "wsproof.conformance.pytest_items": ("wsproof.reports",),
    "wsproof.conformance.pytest_options": ("wsproof.reports",),
    "wsproof.conformance.pytest_run": ("wsproof.reports",),
    "wsproof.conformance.pytest_shared": ("wsproof.reports",),
    "wsproof.conformance.profile_command": ("wsproof.reports",),
    "wsproof.conformance.replay_command": ("wsproof.reports",),
    "wsproof.conformance.replay_script": ("wsproof.reports",),
    "wsproof.load": (
        "wsproof.conformance.endpoint",
        "wsproof.conformance.profile",
        "wsproof.conformance.wire",
        "wsproof.reports.model",
    ),
    "wsproof.load.command": ("wsproof.reports",),
    "wsproof.reference_server": (),
    "wsproof.reports": (),
}
# The version is everybody's.
ALWAYS_ALLOWED = ("wsproof.__version__",)
# `import locust` replaces socket.socket in the whole process.
MONKEY_PATCHING = ("locust", "gevent", "geventhttpclient")
NOT_IN_LOAD = ("asyncio", "hypothesis")


class Import(NamedTuple):
    """One imported name: its absolute dotted name, how many dots a relative import had, and where it stands."""

    name: str
    dots: int
    where: str


def within(name: str, package: str) -> bool:
    """Says whether the dotted `name` is `package` or lies in it."""
    return name == package or name.startswith(f"{package}.")


def imports_of(source: str, module: str, *, is_package: bool, where: str) -> Iterator[Import]:
    """Yields each name that `source` imports, at any depth; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, 0, f"{where}:{node.lineno}")
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                kept = len(parents) - node.level + is_package
                base = ".".join([*parents[:kept], *filter(None, [node.module])])
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.level, f"{where}:{node.lineno}")


def modules() -> dict[str, list[Import]]:
    """Returns the imports of every module of the package, by the module's installed name."""
    found: dict[str, list[Import]] = {}
    for folder in ("wsproof", *FOLDERS):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            dotted = ".".join(parts[:-1] if is_package else parts)
            module = dotted if folder == "wsproof" else f"wsproof.{dotted}"
            where = str(path.relative_to(ROOT))
            found[module] = list(imports_of(path.read_text("utf-8"), module, is_package=is_package, where=where))
    return found


def layer(name: str) -> str:
    """Returns the package of ours that the dotted `name` lies in; the command's own modules are `wsproof`."""
    return next((f"wsproof.{folder}" for folder in FOLDERS if within(name, f"wsproof.{folder}")), "wsproof")


def crossings(module: str, imports: list[Import]) -> list[str]:
    """Returns the imports of `module` that leave its layer against the rules, with their places."""
    rules = [key for key in ALLOWED if key != "wsproof" and within(module, key)] or ["wsproof"]
    allowed = [package for key in rules for package in ALLOWED[key]]
    return [
        f"{found.where}: {module} imports {found.name}"
        for found in imports
        if within(found.name, "wsproof")
        and layer(found.name) != layer(module)
        and found.name not in ALWAYS_ALLOWED
        and not any(within(found.name, package) for package in allowed)
    ]


def test_imports_point_one_way() -> None:
    """No module imports a layer that it may not know."""
    assert [line for module, imports in modules().items() for line in crossings(module, imports)] == []


def test_imports_between_own_modules_are_relative() -> None:
    """A path in the code is a path in the tree, and no top-level name can be shadowed by a user's folder."""
    absolute = [
        f"{found.where}: {found.name}"
        for imports in modules().values()
        for found in imports
        if not found.dots and found.name.partition(".")[0] in ("wsproof", "tests", *FOLDERS)
    ]
    assert absolute == []


def test_only_load_imports_what_replaces_sockets() -> None:
    """Locust and gevent are imported in load alone, and load knows neither asyncio nor Hypothesis."""
    misplaced = [
        f"{found.where}: {found.name}"
        for module, imports in modules().items()
        for found in imports
        if found.name.partition(".")[0] in (NOT_IN_LOAD if layer(module) == "wsproof.load" else MONKEY_PATCHING)
    ]
    assert misplaced == []


def test_mutants_share_nothing_with_the_package() -> None:
    """The mutant server shares no bug with the suite: its tests alone know the suite, and even they not its codec."""
    shared = [
        f"{found.where}: {found.name}"
        for path in sorted((ROOT / "tests" / "mutants").rglob("*.py"))
        for found in imports_of(
            path.read_text("utf-8"),
            f"tests.mutants.{path.stem}",
            is_package=path.name == "__init__.py",
            where=str(path.relative_to(ROOT)),
        )
        if within(found.name, "wsproof.conformance.wire")
        or (within(found.name, "wsproof") and not path.name.startswith(("test_", "conftest")))
    ]
    assert shared == []


def test_tests_import_the_installed_names() -> None:
    """`conformance.x` beside `wsproof.conformance.x` would be a second copy of the module."""
    bare = [
        f"{found.where}: {found.name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for found in imports_of(path.read_text("utf-8"), "tests", is_package=True, where=str(path.relative_to(ROOT)))
        if not found.dots and found.name.partition(".")[0] in FOLDERS
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("module", "source", "refused"),
    [
        ("wsproof.reports.judge", "from ..conformance import check", ["wsproof.conformance.check"]),
        ("wsproof.reports.judge", "from .model import Run", []),
        ("wsproof.reference_server.app", "from ..reports.model import Run", ["wsproof.reports.model.Run"]),
        ("wsproof.reference_server.app", "from .. import __version__", []),
        ("wsproof.conformance.runner", "from ..reports.model import Run", []),
        ("wsproof.conformance.runner", "from ..reports import judge, model", ["wsproof.reports.judge"]),
        ("wsproof.conformance.checks.masking", "from ...reports.html import x", ["wsproof.reports.html.x"]),
        ("wsproof.conformance.command", "from ..reports.junit import write", []),
        ("wsproof.conformance.command", "from ..reference_server import app", ["wsproof.reference_server.app"]),
        ("wsproof.conformance.runner", "def f():\n    from ..cli import main", ["wsproof.cli.main"]),
        ("wsproof.load.users", "from ..conformance.wire.frames import Frame", []),
        ("wsproof.load.users", "from ..conformance.peer import Peer", ["wsproof.conformance.peer.Peer"]),
        ("wsproof.cli", "from .conformance.command import check", []),
    ],
)
def test_the_rules_catch_what_they_forbid(module: str, source: str, refused: list[str]) -> None:
    """Each rule is shown a breach: a reader of imports that finds nothing would pass every test above."""
    found = crossings(module, list(imports_of(source, module, is_package=False, where="x.py")))
    assert [line.rpartition(" ")[2] for line in found] == refused
