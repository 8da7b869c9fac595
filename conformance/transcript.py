"""The evidence: what passed in both directions during one check, with times. Bounded, and without secrets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from ..reports.model import TranscriptEntry
from .endpoint import Redactor
from .recording import Recording, Step
from .wire.frames import ReceivedFrame

HEAD_BYTES: Final = 64
"""Bytes of a payload that the transcript keeps."""
TEXT_CHARS: Final = 4096
MAX_ENTRIES: Final = 400


_Entry = TranscriptEntry | Callable[[], TranscriptEntry]
"""Most are never looked at, so the longer ones are made only then."""


class Transcript:
    """Entries of one check over all its connections. Beyond ``MAX_ENTRIES`` they are only counted.

    ``recording`` is the same exchange for a machine, which can be repeated from it.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.recording = Recording()
        self._redactor = redactor
        self._start = time.monotonic()
        self._entries: list[_Entry] = []
        self._dropped = 0
        self._connections = 0

    def connection(self) -> int:
        """The number of a new connection, from 1."""
        self._connections += 1
        return self._connections

    @property
    def entries(self) -> list[TranscriptEntry]:
        """All entries, the last one telling how many were left out."""
        entries = [entry if isinstance(entry, TranscriptEntry) else entry() for entry in self._entries]
        if self._dropped:
            last = entries[-1]
            told = f"{self._dropped} more entries"
            entries.append(TranscriptEntry(t=last.t, conn=last.conn, dir="in", what="note", text=told))
        return entries

    def steps(self) -> list[Step]:
        """The recording as the run file has it."""
        return self.recording.steps(self._redactor)

    def _add(self, entry: _Entry) -> None:
        if len(self._entries) < MAX_ENTRIES:
            self._entries.append(entry)
        else:
            self._dropped += 1

    def _now(self) -> float:
        return round(time.monotonic() - self._start, 6)

    def note(self, conn: int, direction: Literal["in", "out"], text: str) -> None:
        """Something that is not bytes: a connection opened, half closed, ended."""
        self._add(TranscriptEntry(t=self._now(), conn=conn, dir=direction, what="tcp", text=text))

    def head(self, conn: int, direction: Literal["in", "out"], raw: bytes) -> None:
        """A request or response head."""
        made = partial(self._of_head, self._now(), conn, direction, raw)
        self._add(made() if len(raw) > TEXT_CHARS else made)

    def _of_head(self, t: float, conn: int, direction: Literal["in", "out"], raw: bytes) -> TranscriptEntry:
        what: Literal["request", "response"] = "request" if direction == "out" else "response"
        text = self._redactor.text(raw.decode("latin-1"))[:TEXT_CHARS]  # cut last: no part of a secret may stay
        return TranscriptEntry(t=t, conn=conn, dir=direction, what=what, length=len(raw), text=text)

    def unfinished(self, conn: int, direction: Literal["in", "out"], start: bytes) -> None:
        """The start of a frame that never became whole, as it was on the wire."""
        head = self._redactor.payload(start)[:HEAD_BYTES].hex()
        text = "the start of an unfinished frame"
        self._add(TranscriptEntry(t=self._now(), conn=conn, dir=direction, what="bytes", head=head, text=text))

    def frame(self, conn: int, direction: Literal["in", "out"], frame: ReceivedFrame) -> None:
        """A whole frame, its payload unmasked."""
        if len(self._entries) >= MAX_ENTRIES:
            self._dropped += 1
            return
        made = partial(self._of_frame, self._now(), conn, direction, frame)
        # what is longer than will be shown is not to be held until then
        self._entries.append(made() if len(frame.payload) > HEAD_BYTES else made)

    def _of_frame(self, t: float, conn: int, direction: Literal["in", "out"], frame: ReceivedFrame) -> TranscriptEntry:
        payload = self._redactor.payload(frame.payload)[:HEAD_BYTES]
        hashed = frame.length > HEAD_BYTES and not frame.cut
        return TranscriptEntry(
            t=t,
            conn=conn,
            dir=direction,
            what="frame",
            fin=frame.fin,
            rsv=frame.rsv,
            opcode=frame.opcode,
            masked=frame.masked,
            length=frame.length,
            head=(frame.head + frame.masking_key + payload).hex(),
            sha256=hashlib.sha256(frame.payload).hexdigest() if hashed else None,
        )
