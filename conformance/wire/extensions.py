"""What a handshake negotiates: Sec-WebSocket-Extensions and -Protocol read by their grammar (RFC 6455, 4.3 and 9.1).

Whitespace around ``,``, ``;`` and ``=`` and empty list elements are legal, and repeated lines are one list, as RFC 2616
has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .frames import RSV1, RSV2, RSV3
from .handshake import Request, is_token, split_list

DEFLATE: Final = b"permessage-deflate"

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER: Final = re.compile(rb'[ \t]*;[ \t]*(%b)(?:[ \t]*=[ \t]*(?:(%b)|"((?:[^"\\]|\\.)*)"))?' % (_TOKEN, _TOKEN))
_NAME: Final = re.compile(_TOKEN)
_WINDOW_BITS: Final = re.compile(rb"[89]|1[0-5]")


@dataclass(frozen=True)
class Extension:
    """One element of Sec-WebSocket-Extensions; the parameters in order, a value unquoted, None where there is none."""

    name: bytes
    parameters: tuple[tuple[bytes, bytes | None], ...] = ()

    def has(self, parameter: bytes) -> bool:
        """Whether a parameter of that name is there."""
        return any(name == parameter for name, _ in self.parameters)

    def value(self, parameter: bytes) -> bytes | None:
        """The value of the first parameter of that name; None without."""
        return next((value for name, value in self.parameters if name == parameter), None)


def read_extensions(values: Iterable[bytes]) -> list[Extension]:
    """The extension-list of these field lines. Raises ValueError, with the element, where one breaks the grammar."""
    return [_read_extension(element) for element in split_list(values)]


def _read_extension(element: bytes) -> Extension:
    name = _NAME.match(element)
    if name is None:
        raise ValueError(_shown(element))
    parameters: list[tuple[bytes, bytes | None]] = []
    at = name.end()
    while at < len(element):
        found = _PARAMETER.match(element, at)
        if found is None:
            raise ValueError(_shown(element))
        value: bytes | None = found[2]
        if found[3] is not None:
            value = re.sub(rb"(?s)\\(.)", rb"\1", found[3])
            if not is_token(value):
                raise ValueError(_shown(element))
        parameters.append((found[1], value))
        at = found.end()
    return Extension(name[0].lower(), tuple(parameters))


def _shown(element: bytes) -> str:
    return element[:80].decode("latin-1")


def reserved_bits_of(values: Iterable[bytes]) -> int:
    """The reserved bits that the extensions in these lines of a response may use: RSV1, of an unknown one any."""
    try:
        agreed = read_extensions(values)
    except ValueError:
        return RSV1 | RSV2 | RSV3
    bits = 0
    for extension in agreed:
        bits |= RSV1 if extension.name == DEFLATE else RSV1 | RSV2 | RSV3
    return bits


def offered_extensions(request: Request) -> list[Extension] | None:
    """The extensions that a request offers, none where it lacks the field; None where the field is malformed."""
    values = _lines(request, "Sec-WebSocket-Extensions")
    if values is None:
        return None
    try:
        offers = read_extensions(values)
    except ValueError:
        return None
    return offers if offers or not values else None


def offered_subprotocols(request: Request) -> list[bytes] | None:
    """The subprotocols that a request offers, none where it lacks the field; None where the field is malformed."""
    values = _lines(request, "Sec-WebSocket-Protocol")
    if values is None:
        return None
    names = split_list(values)
    return names if all(is_token(name) for name in names) and (names or not values) else None


def _lines(request: Request, name: str) -> list[bytes] | None:
    """The values of that field; None where some of it stands in lines that are written octet by octet."""
    raw = any(line.lower().startswith(name.lower().encode()) for line in request.raw_lines)
    return None if raw else request.all(name)


# -- permessage-deflate (RFC 7692, section 7.1) ----------------------------------------------------------------------

NO_CONTEXT_TAKEOVER: Final = (b"server_no_context_takeover", b"client_no_context_takeover")
MAX_WINDOW_BITS: Final = (b"server_max_window_bits", b"client_max_window_bits")


def undefined_parameters(agreed: Extension) -> list[bytes]:
    """The parameters of a permessage-deflate that are none of its four."""
    return [name for name, _ in agreed.parameters if name not in (*NO_CONTEXT_TAKEOVER, *MAX_WINDOW_BITS)]


def misfit(offers: Sequence[Extension], agreed: Extension) -> str | None:
    """Why permessage-deflate cannot be agreed to in this way in answer to any of the offers; None where it can."""
    names = [name for name, _ in agreed.parameters]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        return f"{repeated.decode()} stands twice"
    for name, value in agreed.parameters:
        if name in NO_CONTEXT_TAKEOVER and value is not None:
            return f"{name.decode()} has a value"
        if name in MAX_WINDOW_BITS and (value is None or not _WINDOW_BITS.fullmatch(value)):
            return f"the value of {name.decode()} is none of 8 to 15"
    reasons = [_departs(offer, agreed) for offer in offers if offer.name == DEFLATE]
    return None if None in reasons else next(iter(reasons), "it was not offered")


def _departs(offer: Extension, agreed: Extension) -> str | None:
    """Why this is no answer to this one offer."""
    if agreed.has(b"client_max_window_bits") and not offer.has(b"client_max_window_bits"):
        return "client_max_window_bits was not offered"
    if offer.has(b"server_no_context_takeover") and not agreed.has(b"server_no_context_takeover"):
        return "server_no_context_takeover was asked for"
    asked = offer.value(b"server_max_window_bits")
    if asked is not None and asked.isdigit() and int(agreed.value(b"server_max_window_bits") or 15) > int(asked):
        return f"server_max_window_bits={asked.decode()} was asked for"
    return None
