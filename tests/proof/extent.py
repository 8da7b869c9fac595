"""How much is proved: in every run of the tests a little, with ``--all-seeds`` (CI) everything."""

all_seeds = False
"""Set by tests/conftest.py before any test is collected."""
