"""What all tests share: Hypothesis draws the same examples each time and never judges the machine's speed."""

import pytest
from hypothesis import settings

settings.register_profile("wsproof-tests", deadline=None, derandomize=True, database=None)
settings.load_profile("wsproof-tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: "test_chapters.py" not in item.nodeid)
