"""What all tests share: Hypothesis draws the same examples each time and never judges the machine's speed."""

from hypothesis import settings

settings.register_profile("wsproof-tests", deadline=None, derandomize=True, database=None)
settings.load_profile("wsproof-tests")
