"""Everything random in what one check run sends, from one seed: the same seed gives the same bytes again."""

from __future__ import annotations

import base64
import hashlib
import os
from random import Random
from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
TAG_DIGITS: Final = 6


class Source:
    """Nonces, masking keys and handshake keys, drawn in a row from ``seed``.

    What is drawn from one stream does not change what comes from another: each connection has its own
    (:meth:`stream`), so what it sends does not depend on what goes on beside it.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._random: Random | None = None
        self._tag = ""
        self._nonces = 0

    @classmethod
    def fresh(cls) -> Source:
        """One that nobody can repeat, for what is no part of a check."""
        return cls(os.urandom(8).hex())

    def stream(self, name: str | int) -> Source:
        """An independent stream of that name."""
        return Source(f"{self.seed}/{name}")

    def _octets(self, count: int) -> bytes:
        if self._random is None:
            self._random = Random(self.seed)
        return self._random.getrandbits(8 * count).to_bytes(count, "big")

    def nonce(self, prefix: str = "wsproof") -> bytes:
        """A payload that no other message of this run has: short, the prefix and some ASCII letters and digits."""
        if not self._tag:
            number = int.from_bytes(hashlib.blake2b(self.seed.encode(), digest_size=8).digest(), "big")
            for _ in range(TAG_DIGITS):
                number, digit = divmod(number, len(_DIGITS))
                self._tag += _DIGITS[digit]
        self._nonces += 1
        return f"{prefix}-{self._tag}{self._nonces}".encode()

    def masking_key(self) -> bytes:
        """A masking key (RFC 6455, section 5.3)."""
        return self._octets(4)

    def handshake_key(self) -> bytes:
        """A Sec-WebSocket-Key: base64 of 16 bytes (RFC 6455, section 4.1)."""
        return base64.b64encode(self._octets(16))

    def hex(self, count: int = 8) -> str:
        """Twice ``count`` hexadecimal digits."""
        return self._octets(count).hex()
