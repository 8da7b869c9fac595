"""What can go wrong besides the target being wrong."""

from __future__ import annotations


class UsageError(Exception):
    """The command line or a configuration file is wrong; ``str()`` is one line that says what, where and what is right.

    Exit code 2.
    """


class TargetGone(Exception):
    """The target takes no new connection. Exit code 3, unless it comes back."""


class TargetRefused(Exception):
    """The target answers, but refuses the plain opening handshake. Exit code 3.

    ``final``: not because it is still starting, so waiting for it would be in vain.
    """

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final
