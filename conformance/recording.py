"""What a check did and met, step by step, so that its exchange can be repeated byte for byte.

While a check runs, tuples are noted; only what failed is made into the run file's form (:meth:`Recording.steps`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .discovered import EchoForm
from .endpoint import Redactor
from .events import Ended
from .wire.frames import ReceivedFrame, apply_mask
from .wire.handshake import Response

MAX_SENT: Final = 4 * 1024 * 1024
"""Bytes sent by one check that are kept; of what is sent beyond them only length and SHA-256."""
MAX_STEPS: Final = 20_000
MAX_PAYLOAD: Final = 1024
"""Bytes of a payload that came and is kept whole; of a longer one the start and the SHA-256."""
START: Final = 64
LATE: Final = 0.1
"""Seconds of waiting that are told."""
MAX_HEAD: Final = 16 * 1024

Step = dict[str, Any]
Came = ReceivedFrame | Ended | Response | bytes | str | None
"""What came: None for silence, bytes for what is neither a whole frame nor a whole response, str for the way TLS
ended."""


@dataclass(frozen=True, slots=True)
class _Long:
    """A frame whose payload is too long to be kept."""

    frame: ReceivedFrame
    sha256: str


class Recording:
    """The steps of one check over all its connections. ``overflowed``: not all of them are kept."""

    def __init__(self) -> None:
        self._steps: list[tuple[Any, ...]] = []
        self._sent = 0
        self._broken: dict[int, list[tuple[str, str]]] = {}
        self.overflowed = False

    def _add(self, step: tuple[Any, ...]) -> None:
        if len(self._steps) < MAX_STEPS:
            self._steps.append(step)
        else:
            self.overflowed = True

    def opened(self, conn: int, *, tls: bool, server_name: str | None, refused: str | None = None) -> None:
        """A connection was opened, or nothing took it."""
        self._add(("open", conn, tls, server_name, refused))

    def sent(self, conn: int, data: bytes, chop: int | None = None, pause: float = 0.0) -> None:
        """Bytes were sent as they are, in pieces of ``chop`` bytes with ``pause`` seconds after each."""
        self._sent += len(data)
        if self._sent > MAX_SENT:
            self.overflowed = True
            self._add(("long", conn, len(data), hashlib.sha256(data).hexdigest()))
        else:
            self._add(("send", conn, data, chop, pause))

    def did(self, conn: int, what: str) -> None:
        """``half_close``, ``reset``, ``close``; or, of the target's Close or Pings from now on, ``ignores_close``,

        ``answers_close``, ``ignores_pings``, ``answers_pings``.
        """
        self._add((what, conn))

    def awaited(
        self, conn: int, what: str, timeout: float, came: Came, *,
        after: float = 0.0, method: bytes = b"", framed: bool = False,
    ) -> None:  # fmt: skip
        """What came when ``what`` was awaited for at most ``timeout`` seconds, and ``after`` how many.

        ``what``: ``frame`` (or the end), ``response`` (to a request of that ``method``; ``framed``: frames follow it),
        ``ping`` (one that is no legal frame), ``rest`` (bytes after the last whole frame or response), ``reading``
        (the target reads on), ``tls-end``.
        """
        kept: Came | _Long = came
        if isinstance(came, ReceivedFrame) and len(came.payload) > MAX_PAYLOAD:
            kept = _Long(replace(came, payload=came.payload[:START]), hashlib.sha256(came.payload).hexdigest())
        self._add(("await", conn, what, timeout, kept, after, method, framed))

    def rule(self, conn: int, name: str, told: dict[str, Any]) -> int:
        """A primitive of the peer begins to expect something; ``told`` is all that its judgement rests on."""
        self._add(("expect", conn, name, told))
        return len(self._steps) - 1

    def broken(self, rule: int, expected: str, observed: str) -> None:
        """That rule was found broken."""
        self._broken.setdefault(rule, []).append((expected, observed))

    def steps(self, redactor: Redactor) -> list[Step]:
        """The steps as the run file has them, without secrets; of the rules only those that were broken."""
        sent = self._without_secrets(redactor)
        made: list[Step] = []
        for index, (do, *rest) in enumerate(self._steps):
            step: Step = {"conn": rest[0], "do": do}
            match do:
                case "open":
                    _, tls, server_name, refused = rest
                    step |= {"tls": True} if tls else {}
                    step |= {"server_name": server_name} if server_name else {}
                    step |= {"refused": redactor.text(refused)} if refused else {}
                case "send":
                    _, _, chop, pause = rest
                    step["bytes"] = _base64(sent[index])
                    step |= {"chop": chop} if chop else {}
                    step |= {"pause": pause} if pause else {}
                case "long":
                    step |= {"do": "send", "length": rest[1], "sha256": rest[2]}
                case "await":
                    _, what, timeout, came, after, method, framed = rest
                    step |= {"what": what, "timeout": round(max(timeout, 0.0), 3)}
                    step |= {"method": method.decode("latin-1")} if method else {}
                    step |= {"after": round(after, 3)} if came is not None and after > LATE else {}
                    step["came"] = _came(came, redactor)
                    if framed:
                        step["came"]["framed"] = True
                case "expect":
                    if index not in self._broken:
                        continue
                    _, name, told = rest
                    pairs = [(redactor.text(expected), redactor.text(seen)) for expected, seen in self._broken[index]]
                    step |= {"rule": name, "expected": pairs[0][0], "observed": [seen for _, seen in pairs]}
                    step |= {key: _plain(value) for key, value in told.items()}
            made.append(step)
        return made

    def _without_secrets(self, redactor: Redactor) -> dict[int, bytes]:
        """What was sent, by the index of its step."""
        sent: dict[int, bytes] = {}
        heads: dict[int, list[int]] = {}
        frames: dict[int, list[int]] = {}
        open_: set[int] = set()
        for index, (do, conn, *rest) in enumerate(self._steps):
            if do == "send":
                sent[index] = rest[0]
                (frames if conn in open_ else heads).setdefault(conn, []).append(index)
            elif do == "await" and rest[5]:
                open_.add(conn)
        for places in heads.values():
            sent |= zip(places, _redacted_heads([sent[place] for place in places], redactor), strict=True)
        for places in frames.values():
            sent |= zip(places, _redacted_frames([sent[place] for place in places], redactor), strict=True)
        return sent


def _plain(told: object) -> Any:
    """What a rule rests on as JSON; payloads in base64."""
    match told:
        case bytes():
            return _base64(told)
        case EchoForm():
            binary = None if told.binary is None else int(told.binary)
            return {"prefix": _base64(told.prefix), "suffix": _base64(told.suffix), "binary": binary}
        case list() | tuple():
            return [_plain(item) for item in told]
        case int() | None | float():
            return told if told is None or isinstance(told, float) else int(told)
    raise TypeError(f"{told!r} has no form in the run file")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _redacted_heads(pieces: Sequence[bytes], redactor: Redactor) -> list[bytes]:
    """HTTP as it was written, piece by piece. A secret that reaches over pieces pulls them together into the first."""
    whole = redactor.sent(b"".join(pieces).decode("latin-1"))
    apart = [redactor.sent(piece.decode("latin-1")) for piece in pieces]
    if "".join(apart) != whole:
        apart = [whole, *("" for _ in pieces[1:])]
    return [text.encode("latin-1") for text in apart]


def _redacted_frames(pieces: Sequence[bytes], redactor: Redactor) -> list[bytes]:
    """Frames as they were written, piece by piece; secrets are overwritten below the masking."""
    stream = b"".join(pieces)
    plain = unmasked(stream)
    clean = redactor.payload(plain)
    if clean == plain:
        return list(pieces)
    changed = int.from_bytes(stream, "big") ^ int.from_bytes(plain, "big") ^ int.from_bytes(clean, "big")
    octets = changed.to_bytes(len(stream), "big")
    made, at = [], 0
    for piece in pieces:
        made.append(octets[at : at + len(piece)])
        at += len(piece)
    return made


def unmasked(stream: bytes) -> bytes:
    """Frames with each payload unmasked in its place (RFC 6455, section 5.3); what is no whole frame as far as it goes.

    As long as ``stream``: headers and masking keys stay.
    """
    plain = bytearray(stream)
    at = 0
    while at + 2 <= len(stream):
        seven = stream[at + 1] & 0x7F
        extended = {126: 2, 127: 8}.get(seven, 0)
        start = at + 2 + extended
        length = int.from_bytes(stream[at + 2 : start], "big") if extended else seven
        if stream[at + 1] & 0x80:
            key = stream[start : start + 4]
            start += 4
            if len(key) == 4:
                plain[start : start + length] = apply_mask(stream[start : start + length], key)
        at = start + length
    return bytes(plain)


def _came(came: Came | _Long, redactor: Redactor) -> Step | None:
    match came:
        case _Long():
            return {"frame": frame_seen(came.frame, came.sha256, redactor)}
        case None:
            return None
        case Ended():
            return {"end": came.how.value}
        case str():
            return {"end": came}
        case bytes():
            return {"bytes": _base64(redactor.payload(came[:START]))}
        case Response():
            heads = b"".join(head.raw for head in [*came.informational, came.head])[:MAX_HEAD]
            told = {"response": redactor.text(heads.decode("latin-1"))}
            return {**told, "complete": came.complete} if came.framed else told
        case ReceivedFrame():
            return {"frame": frame_seen(came, None, redactor)}


def frame_seen(frame: ReceivedFrame, sha256: str | None, redactor: Redactor) -> Step:
    """All that is told of a frame that came; a masking key differs each time and is none of it."""
    seen: Step = {"opcode": frame.opcode, "fin": frame.fin, "rsv": frame.rsv, "masked": frame.masked}
    seen |= {"length": frame.length, "form": frame.length_form.value}
    seen["payload"] = _base64(redactor.payload(frame.payload))
    return seen if sha256 is None else {**seen, "sha256": sha256}


def sendings(steps: Iterable[Step]) -> list[Step]:
    """The sends among the steps."""
    return [step for step in steps if step["do"] == "send"]
