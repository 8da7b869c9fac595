"""A WebSocket server of our own, conformant by default, with switches that each make it wrong in one way."""

from __future__ import annotations

from . import (
    closing_handshake,
    contract_chat,
    contract_echo,
    contract_items,
    control_frames,
    fragmentation,
    framing,
    http_message,
    http_message_parsing,
    masking,
    negotiation,
    opening_handshake,
    opening_handshake_response,
    properties,
    properties_handshake,
    text_utf8,
)
from .http_phase import Limits
from .server import MutantServer, mutant_server
from .switch import SWITCHES, Switch

__all__ = [
    "SWITCHES",
    "Limits",
    "MutantServer",
    "Switch",
    "closing_handshake",
    "contract_chat",
    "contract_echo",
    "contract_items",
    "control_frames",
    "fragmentation",
    "framing",
    "http_message",
    "http_message_parsing",
    "masking",
    "mutant_server",
    "negotiation",
    "opening_handshake",
    "opening_handshake_response",
    "properties",
    "properties_handshake",
    "text_utf8",
]
