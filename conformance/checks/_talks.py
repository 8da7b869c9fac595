"""What is said on one connection of a contract: messages, one by one or all at once."""

from __future__ import annotations

from dataclasses import dataclass

from ..wire.frames import Frame, Opcode


@dataclass(frozen=True, slots=True)
class Said:
    """A text message: ``text`` so many ``times``."""

    text: str
    times: int = 1

    @property
    def whole(self) -> str:
        return self.text * self.times

    @property
    def frame(self) -> Frame:
        """The message in one frame."""
        return Frame(Opcode.TEXT, self.whole.encode())

    def __str__(self) -> str:
        return f"{self.text!a}" if self.times == 1 else f"{self.text!a} {self.times} times"


@dataclass(frozen=True, slots=True)
class Talk:
    """Texts that are said on one connection, each after the answer to the one before or all ``at_once``."""

    said: tuple[Said, ...]
    at_once: bool = False

    def __str__(self) -> str:
        words = "; ".join(map(str, self.said))
        return f"{words}; all at once" if self.at_once else words


@dataclass(frozen=True, slots=True)
class Values:
    """JSON values, as JSON, that are said on one connection."""

    texts: tuple[str, ...]
    at_once: bool = False

    def __str__(self) -> str:
        words = "; ".join(self.texts)
        return f"{words}; all at once" if self.at_once else words


@dataclass(frozen=True, slots=True)
class Blobs:
    """Binary messages that are said on one connection, each so many ``times``."""

    parts: tuple[bytes, ...]
    times: int = 1
    at_once: bool = False

    def __str__(self) -> str:
        words = "; ".join(f"`{part.hex()}`" for part in self.parts)
        words += f", each {self.times} times" if self.times > 1 else ""
        return f"{words}; all at once" if self.at_once else words
