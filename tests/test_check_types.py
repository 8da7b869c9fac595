"""The tree of links that mypy sees has the installed shape, and mends itself when the checkout changes."""

from pathlib import Path

from tests.check_types import link_tree

PYPROJECT = """
[tool.setuptools.package-dir]
"wsproof" = "wsproof"
"wsproof.reports" = "reports"
"""


def test_the_tree_follows_the_checkout(tmp_path: Path) -> None:
    """New modules and folders appear, deleted ones go, and a second run changes nothing."""
    checkout, tree = tmp_path / "checkout", tmp_path / "tree"
    for folder in ("wsproof", "reports"):
        (checkout / folder).mkdir(parents=True)
        (checkout / folder / "__init__.py").touch()
    (checkout / "wsproof" / "__pycache__").mkdir()
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    (checkout / "wsproof" / "old.py").touch()
    link_tree(checkout, tree)
    (checkout / "wsproof" / "old.py").rename(checkout / "wsproof" / "new.py")
    for _ in range(2):
        link_tree(checkout, tree)
        assert sorted(path.name for path in (tree / "wsproof").iterdir()) == ["__init__.py", "new.py", "reports"]
        assert (tree / "wsproof" / "reports" / "__init__.py").is_file()
