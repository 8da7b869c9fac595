"""Protocol conformance: the wire, the peer, the checks and the runner that judges a WebSocket server by them.

What users need for checks of their own can be imported from here (docs/own-checks.md); each name is imported when it
is first asked for, so that importing the package, as pytest does with its plugin, costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check import Check, Findings, Level, Need, Undetermined, Violation, check, param
    from .events import Ended, Message, Silence
    from .own import requirement
    from .peer import Peer
    from .target import Setting, Target
    from .wire.frames import CloseCode, Frame, Opcode, ReceivedFrame, close_frame
    from .wire.handshake import Request, Response

__all__ = [
    "Check", "CloseCode", "Ended", "Findings", "Frame", "Level", "Message", "Need", "Opcode", "Peer", "ReceivedFrame",
    "Request", "Response", "Setting", "Silence", "Target", "Undetermined", "Violation",
    "check", "close_frame", "param", "requirement",
]  # fmt: skip

_MODULES = {
    "check": ("Check", "Findings", "Level", "Need", "Undetermined", "Violation", "check", "param"),
    "events": ("Ended", "Message", "Silence"),
    "own": ("requirement",),
    "peer": ("Peer",),
    "target": ("Setting", "Target"),
    "wire.frames": ("CloseCode", "Frame", "Opcode", "ReceivedFrame", "close_frame"),
    "wire.handshake": ("Request", "Response"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def _exported(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)


if not TYPE_CHECKING:  # a type checker would take it for a promise of every name
    __getattr__ = _exported


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Here ``check`` is the decorator, whether or not the module of that name was imported before."""

    @property
    def check(self) -> Any:
        return _exported("check")

    @check.setter
    def check(self, module: ModuleType) -> None:
        """The import of the submodule would put it here."""


sys.modules[__name__].__class__ = _Package
