"""What all tests share: Hypothesis draws the same examples each time and never judges the machine's speed."""

import pytest
from hypothesis import settings

from tests.proof import extent

settings.register_profile("wsproof-tests", deadline=None, derandomize=True, database=None)
settings.load_profile("wsproof-tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What CI asks for beside the test command."""
    parser.addoption("--all-seeds", action="store_true", help="prove each property with 20 seeds, and 200 examples")


def pytest_configure(config: pytest.Config) -> None:
    """Before a test module is imported that is parametrized by it."""
    extent.all_seeds = bool(config.getoption("--all-seeds"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: "test_chapters.py" not in item.nodeid)
