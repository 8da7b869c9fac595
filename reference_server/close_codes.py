"""Which close codes and reasons an endpoint may send (RFC 6455 sections 7.4 and 5.5)."""

REGISTERED = frozenset({*range(1000, 1004), *range(1007, 1015)})
"""What the IANA registry gives to an endpoint to send; 1004 is reserved, 1005, 1006 and 1015 are never sent."""
LONGEST_REASON = 123
"""Bytes that are left for the reason in a control frame of 125."""


def sendable_code(code: int) -> int:
    """Return the code. Raises ValueError if a Close frame must not carry it."""
    if code not in REGISTERED and not 3000 <= code <= 4999:
        raise ValueError(f"{code} is no close code that an endpoint may send")
    return code


def sendable_reason(reason: str) -> str:
    """Return the reason. Raises ValueError if it is longer than a Close frame can hold."""
    if len(reason.encode()) > LONGEST_REASON:
        raise ValueError(f"the reason is longer than {LONGEST_REASON} bytes")
    return reason
