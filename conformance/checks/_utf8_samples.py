"""Texts for the chapter text_utf8: octets, each by the word that names it in a check's id.

Autobahn's samples are named by its case numbers. What the classes mean is said by RFC 3629, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _octets(samples: Mapping[str, str]) -> Mapping[str, bytes]:
    return MappingProxyType({word: bytes.fromhex(text) for word, text in samples.items()})


KOSME: Final = bytes.fromhex("ceba e1bdb9 cf83 cebc ceb5")
"""A Greek word in sequences of two and three octets; its second character has another form under NFC."""
GREETING: Final = bytes.fromhex("48656c6c6f 2d c2b5 40 c39f c3b6 c3a4 c3bc c3a0 c3a1 2d 5554462d382121")

VALID: Final = _octets(
    {
        "6.1.1": "",
        "6.2.1": GREETING.hex(),
        # one character of each length between ASCII, and only others than ASCII
        "6.5.1": "68656c6c6f 24 776f726c64",
        "6.5.2": "68656c6c6f c2a2 776f726c64",
        "6.5.3": "68656c6c6f e282ac 776f726c64",
        "6.5.4": "68656c6c6f f0a4ada2 776f726c64",
        "6.5.5": KOSME.hex(),
        # the beginnings of a word that end with a character
        "6.6.2": "ceba",
        "6.6.5": "ceba e1bdb9",
        "6.6.7": "ceba e1bdb9 cf83",
        "6.6.9": "ceba e1bdb9 cf83 cebc",
        "6.6.11": KOSME.hex(),
        # the first character of each length
        "6.7.1": "00",
        "6.7.2": "c280",
        "6.7.3": "e0a080",
        "6.7.4": "f0908080",
        # the last character of each length
        "6.9.1": "7f",
        "6.9.2": "dfbf",
        "6.9.3": "efbfbf",
        "6.9.4": "f48fbfbf",
        # around the surrogates, U+FFFD, and the last code point
        "6.11.1": "ed9fbf",
        "6.11.2": "ee8080",
        "6.11.3": "efbfbd",
        "6.11.4": "f48fbfbf",
        # non-characters: the last two code points of each plane
        "6.22.1": "efbfbe",
        "6.22.2": "efbfbf",
        "6.22.3": "f09fbfbe",
        "6.22.4": "f09fbfbf",
        "6.22.5": "f0afbfbe",
        "6.22.6": "f0afbfbf",
        "6.22.7": "f0bfbfbe",
        "6.22.8": "f0bfbfbf",
        "6.22.9": "f18fbfbe",
        "6.22.10": "f18fbfbf",
        "6.22.11": "f19fbfbe",
        "6.22.12": "f19fbfbf",
        "6.22.13": "f1afbfbe",
        "6.22.14": "f1afbfbf",
        "6.22.15": "f1bfbfbe",
        "6.22.16": "f1bfbfbf",
        "6.22.17": "f28fbfbe",
        "6.22.18": "f28fbfbf",
        "6.22.19": "f29fbfbe",
        "6.22.20": "f29fbfbf",
        "6.22.21": "f2afbfbe",
        "6.22.22": "f2afbfbf",
        "6.22.23": "f2bfbfbe",
        "6.22.24": "f2bfbfbf",
        "6.22.25": "f38fbfbe",
        "6.22.26": "f38fbfbf",
        "6.22.27": "f39fbfbe",
        "6.22.28": "f39fbfbf",
        "6.22.29": "f3afbfbe",
        "6.22.30": "f3afbfbf",
        "6.22.31": "f3bfbfbe",
        "6.22.32": "f3bfbfbf",
        "6.22.33": "f48fbfbe",
        "6.22.34": "f48fbfbf",
        # the specials U+FFF9 to U+FFFF
        "6.23.1": "efbfb9",
        "6.23.2": "efbfba",
        "6.23.3": "efbfbb",
        "6.23.4": "efbfbc",
        "6.23.5": "efbfbd",
        "6.23.6": "efbfbe",
        "6.23.7": "efbfbf",
    }
)

INVALID: Final = _octets(
    {
        # a surrogate between valid text
        "6.3.1": f"{KOSME.hex()} eda080 656469746564",
        # five and six octets: the first sequence of each length
        "6.8.1": "f888808080",
        "6.8.2": "fc8480808080",
        # above U+10FFFF: the last sequence of each length, and the first code point beyond
        "6.10.1": "f7bfbfbf",
        "6.10.2": "fbbfbfbfbf",
        "6.10.3": "fdbfbfbfbfbf",
        "6.11.5": "f4908080",
        # continuation octets that continue nothing
        "6.12.1": "80",
        "6.12.2": "bf",
        "6.12.3": "80bf",
        "6.12.4": "80bf80",
        "6.12.5": "80bf80bf",
        "6.12.6": "80bf80bf80",
        "6.12.7": "80bf80bf80bf",
        "6.12.8": bytes(range(0x80, 0xBF)).hex(),
        # first octets that are followed by a space
        "6.13.1": "".join(f"{first:02x}20" for first in range(0xC0, 0xDF)),
        "6.13.2": "".join(f"{first:02x}20" for first in range(0xE0, 0xEF)),
        "6.13.3": "".join(f"{first:02x}20" for first in range(0xF0, 0xF7)),
        "6.13.4": "f820f920fa20",
        "6.13.5": "fc20",
        # sequences without their last octet, one after the other
        "6.15.1": "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf",
        # octets that never occur
        "6.16.1": "fe",
        "6.16.2": "ff",
        "6.16.3": "fefeffff",
    }
)

CUT_OFF: Final = _octets(
    {
        # the beginnings of a word that end within a character
        "6.6.1": "ce",
        "6.6.3": "ceba e1",
        "6.6.4": "ceba e1bd",
        "6.6.6": "ceba e1bdb9 cf",
        "6.6.8": "ceba e1bdb9 cf83 ce",
        "6.6.10": "ceba e1bdb9 cf83 cebc ce",
        # sequences without their last octet
        "6.14.1": "c0",
        "6.14.2": "e080",
        "6.14.3": "f08080",
        "6.14.4": "f8808080",
        "6.14.5": "fc80808080",
        "6.14.6": "df",
        "6.14.7": "efbf",
        "6.14.8": "f7bfbf",
        "6.14.9": "fbbfbfbf",
        "6.14.10": "fdbfbfbfbf",
    }
)
"""Messages that end inside a sequence."""

UNSAFE: Final = _octets(
    {
        # overlong forms of a slash
        "6.17.1": "c0af",
        "6.17.2": "e080af",
        "6.17.3": "f08080af",
        "6.17.4": "f8808080af",
        "6.17.5": "fc80808080af",
        # the last overlong sequence of each length
        "6.18.1": "c1bf",
        "6.18.2": "e09fbf",
        "6.18.3": "f08fbfbf",
        "6.18.4": "f887bfbfbf",
        "6.18.5": "fc83bfbfbfbf",
        # overlong forms of U+0000
        "6.19.1": "c080",
        "6.19.2": "e08080",
        "6.19.3": "f0808080",
        "6.19.4": "f880808080",
        "6.19.5": "fc8080808080",
        # single surrogates
        "6.20.1": "eda080",
        "6.20.2": "edadbf",
        "6.20.3": "edae80",
        "6.20.4": "edafbf",
        "6.20.5": "edb080",
        "6.20.6": "edbe80",
        "6.20.7": "edbfbf",
        # pairs of surrogates
        "6.21.1": "eda080 edb080",
        "6.21.2": "eda080 edbfbf",
        "6.21.3": "edadbf edb080",
        "6.21.4": "edadbf edbfbf",
        "6.21.5": "edae80 edb080",
        "6.21.6": "edae80 edbfbf",
        "6.21.7": "edafbf edb080",
        "6.21.8": "edafbf edbfbf",
        # the examples of RFC 3629, sections 3 and 10
        "overlong-nul": "c080",
        "surrogate-pair": "eda18c edbeb4",
        "overlong-dot": "2f c0ae 2e 2f",
    }
)
"""Sequences against which RFC 3629 wants decoders to protect: other spellings of what has one spelling only."""

CHARACTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "u-0000": "\u0000",
        "controls": "".join(map(chr, range(0x01, 0x20))) + "".join(map(chr, range(0x7F, 0xA0))),
        "u-d7ff": "\ud7ff",
        "u-e000": "\ue000",
        "u-fdd0-to-fdef": "".join(map(chr, range(0xFDD0, 0xFDF0))),
        "u-feff": "\ufeff",
        "u-fffd": "\ufffd",
        "u-fffe": "\ufffe",
        "u-ffff": "\uffff",
        "planes-1-to-16": "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF)),
        "u-10ffff": "\U0010ffff",
        "lengths": "\u007f\u0080\u07ff\u0800\uffff\U00010000",
        "combining": "A\u030a \u212b \u00c5 \ufb01",
    }
)
"""Valid characters that a careless endpoint refuses, drops or replaces."""

SPLIT: Final = _octets({"2-octets": "c3a9", "3-octets": "e282ac", "4-octets": "f09f9880"})
"""A character of each length, to be split."""

CUT_SHORT: Final = {
    "2-octets": (b"\xc3",),
    "3-octets": (b"\xe2", b"\xe2\x82"),
    "4-octets": (b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98"),
}
"""The beginnings of those characters, after which ASCII follows."""


def _completed(beginning: bytes) -> bytes:
    """A sequence as long as its first octet says, in the scheme that once went up to six octets."""
    first = beginning[0]
    length = next((length for length, limit in enumerate((0xE0, 0xF0, 0xF8, 0xFC, 0xFE), start=2) if first < limit), 1)
    return beginning.ljust(length, b"\x80")


NEVER: Final = tuple(_completed(bytes([first])) for first in (0xC0, 0xC1, *range(0xF5, 0x100)))
"""Each octet that occurs in no valid text (RFC 3629, section 4), with as many others as it calls for."""

BAD_SECOND: Final = tuple(
    _completed(bytes([first, second]))
    for first, seconds in (
        (0xC2, (0x7F, 0xC0)),
        (0xE0, (0x7F, 0x80, 0x9F, 0xC0)),
        (0xE1, (0x7F, 0xC0)),
        (0xED, (0x7F, 0xA0, 0xBF)),
        (0xEF, (0x7F, 0xC0)),
        (0xF0, (0x7F, 0x80, 0x8F, 0xC0)),
        (0xF1, (0x7F, 0xC0)),
        (0xF4, (0x7F, 0x90, 0xBF)),
    )
    for second in seconds
)
"""First octets with the second octets next to those that may follow them (the table of RFC 3629, section 4)."""


def valid_beginning(octets: bytes) -> bytes:
    """The longest beginning that further octets could still make valid UTF-8."""
    try:
        octets.decode()
    except UnicodeDecodeError as error:
        ends = range(error.start + 3, error.start, -1)
        return octets[: next((end for end in ends if _can_be_completed(octets[error.start : end])), error.start)]
    return octets


def _can_be_completed(octets: bytes) -> bool:
    """Whether one to three more octets make this a character. Of the octets that may come second where others may
    not, 80 or BF is always one."""
    return any(_is_valid(octets + second + b"\x80" * others) for second in (b"\x80", b"\xbf") for others in range(3))


def _is_valid(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def each_octet(octets: bytes) -> list[bytes]:
    """The octets one by one."""
    return [octets[at : at + 1] for at in range(len(octets))]
