"""A WebSocket server of our own, conformant by default, with switches that each make it wrong in one way."""

from __future__ import annotations

from .server import MutantServer, mutant_server
from .switch import SWITCHES, Switch

__all__ = ["SWITCHES", "MutantServer", "Switch", "mutant_server"]
