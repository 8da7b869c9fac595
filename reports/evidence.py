"""The transcript as lines that a person reads: when, which way, frame heads decoded. Safe to show anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .model import TranscriptEntry
from .text import visible

ARROWS = {"out": "->", "in": "<-"}
"""As seen from us: out is to the target."""

_HEX_BYTES = 16
_TEXT = 60
_BEFORE_HEX = 34
"""Columns that are kept for what stands before the hex digits."""
_HEAD_LINES = 24
_OPCODES = {0x0: "Continuation", 0x1: "Text", 0x2: "Binary", 0x8: "Close", 0x9: "Ping", 0xA: "Pong"}
_CLOSE = 0x8
_BINARY = 0x2


def transcript_lines(transcript: Sequence[TranscriptEntry], *, most: int = 40) -> list[str]:
    """The transcript in lines of ``seconds arrow what``, with the connection's number where there are several.

    Of more than ``most`` entries the middle is left out, with a line that says so.
    """
    return [lead + what for lead, what in transcript_rows(transcript, most=most)]


def transcript_rows(transcript: Sequence[TranscriptEntry], *, most: int = 40) -> list[tuple[str, str]]:
    """The same, what passed apart from what leads it in, for writers that wrap."""
    numbered = len({entry.conn for entry in transcript}) > 1
    if len(transcript) <= most:
        return [row for entry in transcript for row in _rows(entry, numbered)]
    first, last = transcript[: most // 2], transcript[len(transcript) - (most - most // 2) :]
    return [
        *(row for entry in first for row in _rows(entry, numbered)),
        (" " * 9, f"... {len(transcript) - most:,} more ..."),
        *(row for entry in last for row in _rows(entry, numbered)),
    ]


def _rows(entry: TranscriptEntry, numbered: bool) -> list[tuple[str, str]]:
    connection = f"#{entry.conn} " if numbered else ""
    arrow = "  " if entry.what == "note" else ARROWS[entry.dir]
    lead = f"{entry.t:8.4f} {connection}{arrow} "
    first, *rest = describe(entry)
    return [(lead, first), *((" " * len(lead), line) for line in rest)]


def describe(entry: TranscriptEntry) -> list[str]:
    """What passed, in one line; a request's or response's head in several."""
    match entry.what:
        case "frame":
            return [frame_head(entry)]
        case "bytes":
            return [_joined(_text(entry) or f"{_length(entry)} bytes", _hex(entry))]
        case "tcp":
            return [f"TCP {_text(entry)}"]
        case "note":
            return [_text(entry)]
        case "request" | "response":
            lines = (entry.text or "").replace("\r\n", "\n").rstrip("\n").split("\n")
            more = [f"... {len(lines) - _HEAD_LINES:,} more lines"] if len(lines) > _HEAD_LINES else []
            return [*(visible(line, 200) for line in lines[:_HEAD_LINES]), *more]


def frame_head(entry: TranscriptEntry) -> str:
    """A frame's head decoded, e.g. ``Text FIN=1 len=5 "hello"  81 05 68 65 6c 6c 6f``."""
    reserved = entry.rsv or 0
    parts = [_opcode(entry.opcode)]
    parts += [f"FIN={int(entry.fin)}"] if entry.fin is not None else []
    parts += [name for bit, name in ((4, "RSV1"), (2, "RSV2"), (1, "RSV3")) if reserved & bit]
    # Only the masking that RFC 6455 5.1 forbids is worth a word: ours is masked, the target's is not.
    parts += ["unmasked"] if entry.dir == "out" and entry.masked is False else []
    parts += ["masked"] if entry.dir == "in" and entry.masked else []
    parts += [f"len={entry.length}"] if entry.length is not None else []
    return _joined(" ".join([*parts, *_payload(entry)]), _hex(entry))


def _opcode(opcode: int | None) -> str:
    if opcode is None:
        return "Frame"
    return _OPCODES.get(opcode, f"Opcode {opcode:#x}")


def _payload(entry: TranscriptEntry) -> list[str]:
    payload = _payload_start(entry)
    if entry.opcode == _CLOSE:
        code = [f"code={int.from_bytes(payload[:2], 'big')}"] if len(payload) >= 2 else []
        return [*code, *_quoted(entry.text if entry.text is not None else _decoded(payload[2:]))]
    if entry.text is not None:
        return _quoted(entry.text)
    return [] if entry.opcode == _BINARY else _quoted(_decoded(payload))


def _payload_start(entry: TranscriptEntry) -> bytes:
    """What ``head`` holds of the payload, behind the frame's header (RFC 6455, 5.2)."""
    try:
        head = bytes.fromhex(entry.head or "")
    except ValueError:
        return b""
    if len(head) < 2:
        return b""
    extended = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    return head[2 + extended + (4 if head[1] & 0x80 else 0) :]


def _decoded(payload: bytes) -> str:
    """The payload as text; nothing where it is none, since the hex digits tell more."""
    text = payload.decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text[:-1] else ""


def _quoted(text: str) -> list[str]:
    return [f'"{visible(text, _TEXT)}"'] if text else []


def _length(entry: TranscriptEntry) -> str:
    return "?" if entry.length is None else f"{entry.length:,}"


def _text(entry: TranscriptEntry) -> str:
    return visible(entry.text or "", 200)


def _hex(entry: TranscriptEntry) -> str:
    """The first bytes in pairs of hex digits."""
    if not entry.head:
        return ""
    digits = visible(entry.head[: 2 * _HEX_BYTES], 2 * _HEX_BYTES)
    pairs = " ".join(digits[start : start + 2] for start in range(0, len(digits), 2))
    return f"{pairs} ..." if len(entry.head) > 2 * _HEX_BYTES else pairs


def _joined(text: str, hexadecimal: str) -> str:
    return f"{text:<{_BEFORE_HEX}}  {hexadecimal}" if hexadecimal else text


def example_words(example: Mapping[str, Any]) -> dict[str, str]:
    """The shrunk example for people: parameter name -> words, as the run file holds them."""
    held = {name: value.get("words") if isinstance(value, dict) else None for name, value in example.items()}
    return {name: words if isinstance(words, str) else repr(example[name]) for name, words in held.items()}
