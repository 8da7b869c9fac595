"""What was found out about a target before the checks run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .wire.frames import Opcode

_BINARY: dict[int | None, str | None] = {None: None, int(Opcode.TEXT): "text", int(Opcode.BINARY): "binary"}


@dataclass(frozen=True)
class EchoForm:
    """How an endpoint answers: text comes back as ``prefix + text + suffix``.

    ``binary`` is the opcode in which a binary message comes back unchanged, None where it does not.
    """

    prefix: bytes = b""
    suffix: bytes = b""
    binary: int | None = Opcode.BINARY

    def of(self, opcode: int, payload: bytes) -> tuple[int, bytes]:
        """Opcode and payload of the answer to such a message."""
        if opcode == Opcode.BINARY:
            return (Opcode.BINARY if self.binary is None else self.binary), payload
        return Opcode.TEXT, self.prefix + payload + self.suffix

    @property
    def plain(self) -> bool:
        """Whether text comes back as it is."""
        return not self.prefix and not self.suffix


@dataclass(frozen=True)
class Discovered:
    """The target's ways. ``greetings`` messages come unasked after the handshake; ``chatty`` targets go on pushing."""

    echo: EchoForm | None = None
    greetings: int = 0
    chatty: bool = False
    deflate: bool = False
    subprotocol: str | None = None
    server: str | None = None
    refused: tuple[int, ...] = ()
    """Types of message (opcodes) that the target does not take: their very first fragment ends the connection."""
    deaf: bool = False
    """Not even a Ping on a fresh connection is answered: the target may not read at all."""
    ends_at_once: str | None = None
    """How it ended a fresh connection instead of answering a Ping; an accepted handshake can still be a refusal."""

    def as_dict(self) -> dict[str, Any]:
        """For the run file."""
        found = asdict(self)
        if self.echo is not None:
            template = b"{message}".join([self.echo.prefix, self.echo.suffix])
            found["echo"] = {
                "text": template.decode("utf-8", "backslashreplace"),
                "binary": _BINARY[self.echo.binary],
            }
        return found

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Discovered:
        """What :meth:`as_dict` gave, read back; octets that are no UTF-8 from their escapes. Raises ValueError."""
        known = {item.name for item in fields(cls)}
        if found.keys() - known:
            raise ValueError(f"nothing like {min(found.keys() - known)!r} is discovered")
        values = dict(found)
        values["refused"] = tuple(values.get("refused", ()))
        if values.get("echo") is not None:
            values["echo"] = _echo_form(values["echo"])
        return cls(**values)


def _echo_form(echo: Any) -> EchoForm:
    try:
        prefix, _, suffix = echo["text"].partition("{message}")
        binary = next(opcode for opcode, name in _BINARY.items() if name == echo["binary"])
    except (AttributeError, KeyError, TypeError, StopIteration):
        raise ValueError("the echo form is not written as text and binary") from None
    return EchoForm(_octets(prefix), _octets(suffix), binary)


def _octets(text: str) -> bytes:
    whole = re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(0xDC00 + int(match[1], 16)), text)
    return whole.encode("utf-8", "surrogateescape")


NOTHING_KNOWN = Discovered()
"""Before the target was looked at."""
