"""The negotiation of permessage-deflate (RFC 7692, section 7.1): the handshake only, no message is ever compressed."""

from __future__ import annotations

import re

Offers = list[tuple[str, dict[str, str | None]]]


def agree(offers: Offers, windows: range = range(8, 16)) -> str | None:
    """The element for Sec-WebSocket-Extensions that accepts the first offer which can be accepted; None without one.

    `windows` are the sizes, in bits, that the server can use for what it sends.
    """
    answers = (answer(parameters, windows) for name, parameters in offers if name.lower() == "permessage-deflate")
    return next((accepted for accepted in answers if accepted is not None), None)


def answer(offered: dict[str, str | None], windows: range) -> str | None:
    """The element that accepts this offer; None if the offer is invalid or asks for what cannot be done."""
    agreed = ["permessage-deflate"]
    for name, value in offered.items():
        match name, value:
            case "server_no_context_takeover" | "client_no_context_takeover", None:
                agreed.append(name)
            case "server_max_window_bits", str() if is_window(value) and int(value) >= windows.start:
                agreed.append(f"{name}={min(int(value), windows[-1])}")
            case "client_max_window_bits", None:
                pass
            case "client_max_window_bits", str() if is_window(value):
                pass
            case _:
                return None
    return "; ".join(agreed)


def is_window(value: str) -> bool:
    """Whether this is a window size of 8 to 15 bits in decimal, without leading zeros."""
    return re.fullmatch("[89]|1[0-5]", value, re.ASCII) is not None
