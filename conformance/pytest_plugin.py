"""``pytest --ws-target URL``: each check is a pytest item, all of them run as one batch by the one runner.

Without the option nothing happens, and nothing of wsproof but this module is imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .target import Target

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--ws-target", {"metavar": "URL", "help": "check this WebSocket server: one item for each check"}),
    ("--ws-profile", {"metavar": "NAME|FILE", "help": "what the target promises; the URL is then the base"}),
    ("--ws-header", {"metavar": "'K: V'", "action": "append", "default": [], "help": "a field for every handshake"}),
    ("--ws-cookie", {"metavar": "'k=v'", "action": "append", "default": [], "help": "a cookie for every handshake"}),
    ("--ws-subprotocol", {"metavar": "P", "action": "append", "default": [], "help": "a subprotocol to offer"}),
    ("--ws-ca", {"metavar": "FILE", "help": "certificates (PEM) to trust"}),
    ("--ws-insecure", {"action": "store_true", "help": "do not verify the target's certificate"}),
    ("--ws-patience", {"metavar": "S", "help": "seconds that an answer may take (default: 2)"}),
    ("--ws-jobs", {"metavar": "N", "help": "checks at a time (default: 16 on loopback, 4 elsewhere)"}),
    ("--ws-examples", {"metavar": "N", "help": "examples of each property (default: 50)"}),
    ("--ws-seed", {"metavar": "N|random", "default": "0", "help": "what the examples are drawn from (default: 0)"}),
    ("--ws-slow", {"action": "store_true", "help": "also the checks that wait for time-outs, over 5 s each"}),
    ("--ws-disruptive", {"action": "store_true", "help": "allow floods on a target that is not on loopback"}),
    ("--ws-strict", {"action": "store_true", "help": "warnings and contested readings fail too"}),
    ("--ws-baseline", {"metavar": "FILE", "action": "append", "default": [], "help": "known failures: xfailed"}),
    ("--ws-output", {"metavar": "FILE", "help": "write the run file (JSON Lines)"}),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this plugin, in a group of their own. They mean what those of ``wsproof check`` mean."""
    group = parser.getgroup("wsproof", "WebSocket conformance")
    for name, words in OPTIONS:
        group.addoption(name, **words)


def pytest_configure(config: pytest.Config) -> None:
    """With --ws-target the rest of the plugin is imported; what is wrong with the options is said here."""
    if not config.getoption("--ws-target"):
        return
    from .pytest_run import RunPlugin

    config.pluginmanager.register(RunPlugin(config), "wsproof-run")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> Any:
    """A function with @check in a test module is an item of that module; without --ws-target it is skipped."""
    if f"{__package__}.check" not in sys.modules or not isinstance(collector, pytest.Module):
        return None
    from .pytest_items import held_by

    return held_by(collector, obj)


@pytest.fixture
def wsproof_target(request: pytest.FixtureRequest) -> Target:
    """The server of --ws-target, for tests of your own: ``async with wsproof_target.connect() as peer: ...``.

    It connects when it is told to, on the loop of the test that uses it. Without --ws-target the test is skipped.
    """
    if not request.config.getoption("--ws-target"):
        pytest.skip("needs a WebSocket server: give pytest --ws-target URL")
    from .pytest_target import target_of

    return target_of(request.node)
