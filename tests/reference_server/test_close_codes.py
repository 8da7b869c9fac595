"""Codes and reasons that a Close frame may carry."""

import pytest

from wsproof.reference_server.close_codes import sendable_code, sendable_reason


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_sendable(code: int) -> None:
    assert sendable_code(code) == code


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000])
def test_never_sent(code: int) -> None:
    with pytest.raises(ValueError, match=str(code)):
        sendable_code(code)


def test_a_reason_has_123_bytes_at_most() -> None:
    assert sendable_reason("\u00e9" * 61) == "\u00e9" * 61
    with pytest.raises(ValueError, match="123 bytes"):
        sendable_reason("\u00e9" * 62)
