"""Writes and reads the run file: JSON Lines, one record a line, a ``run`` line first and an ``end`` line last."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pydantic import TypeAdapter, ValidationError

from .errors import NewerSchema, NotARun, TruncatedRun, unwritable, why
from .model import SCHEMA_VERSION, CheckResult, EndRecord, Finding, Record, Run, RunRecord, TranscriptEntry
from .text import plural, visible

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one line, its end included. Longer ones are not written and not read."""

_LONG_TEXT = 10_000
_LONG_LIST = 100
_RECORDS: TypeAdapter[RunRecord | CheckResult | EndRecord] = TypeAdapter(Record)


class RunWriter:
    """Writes records as they come, each flushed, so that a run that is cut short leaves what it had.

    Opened at once: a path that cannot be written raises ``ConfigError`` before the run starts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: IO[bytes] = path.open("wb")
        except OSError as error:
            raise unwritable(path, error) from error

    def write(self, record: RunRecord | CheckResult | EndRecord) -> None:
        """Write one line. A check whose evidence exceeds ``MAX_LINE`` loses its replay, then its transcript."""
        line = encode(record)
        if len(line) > MAX_LINE and isinstance(record, CheckResult):
            line = encode(record.model_copy(update={"replay": []}))
            if len(line) > MAX_LINE:
                line = encode(_without_evidence(record))
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        """Close the file; a file without an end record stays a truncated run."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def encode(record: RunRecord | CheckResult | EndRecord) -> bytes:
    """One line of ASCII JSON, its end included. Lone surrogates become JSON escapes and come back as they were."""
    # pydantic's own JSON refuses lone surrogates, which targets do send.
    data = record.model_dump(mode="python", by_alias=True)
    try:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(data), separators=(",", ":"), default=_plain)
    return text.encode("ascii") + b"\n"


def _plain(value: object) -> object:
    """What JSON has no word for: in a shrunk example, or in what was discovered."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return list(value) if isinstance(value, set | frozenset) else repr(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _without_evidence(result: CheckResult) -> CheckResult:
    note = TranscriptEntry(t=0.0, conn=0, dir="out", what="note", text="left out: too long for the run file")
    findings = [
        Finding(**{**dict(one), "expected": one.expected[:_LONG_TEXT], "observed": one.observed[:_LONG_TEXT]})
        for one in result.findings[:_LONG_LIST]
    ]
    shorter = {"findings": findings, "transcript": [note], "replay": [], "example": None}
    return result.model_copy(update={**shorter, "reason": result.reason and result.reason[:_LONG_TEXT]})


def read_run(path: Path) -> Run:
    """Read a whole run file back.

    Raises ``TruncatedRun`` without an end line, ``NewerSchema`` for a later version's file, ``NotARun`` for anything
    else that is no run file; each says so in one sentence.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise NotARun(path, f"cannot be read: {why(error)}.") from error


def _read(path: Path, file: IO[bytes]) -> Run:
    run: RunRecord | None = None
    end: EndRecord | None = None
    checks: list[CheckResult] = []
    for number, line in _lines(path, file, checks):
        record = _record(path, number, line)
        if end is not None:
            raise NotARun(path, f"line {number} stands after the end line.")
        if (run is None) is not isinstance(record, RunRecord):
            raise NotARun(path, "line 1 is no run line." if run is None else f"line {number} is a second run line.")
        if isinstance(record, RunRecord):
            run = record
        elif isinstance(record, CheckResult):
            checks.append(record)
        else:
            end = record
    if run is None or end is None:
        raise _truncated(path, checks)
    return Run(run=run, checks=checks, end=end)


def _lines(path: Path, file: IO[bytes], checks: list[CheckResult]) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise NotARun(path, f"line {number} is longer than {MAX_LINE:,} bytes.")
        if not line.endswith(b"\n") and (number > 1 or line.startswith(b'{"type":"run"')):
            raise _truncated(path, checks)
        yield number, line


def _record(path: Path, number: int, line: bytes) -> RunRecord | CheckResult | EndRecord:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotARun(path, f"line {number} is not JSON.") from error
    if not isinstance(data, dict):
        raise NotARun(path, f"line {number} is no record.")
    schema = data.get("schema")
    if data.get("type") == "run" and isinstance(schema, int) and schema > SCHEMA_VERSION:
        tool = visible(str(data.get("tool", "a later version")), 40)
        raise NewerSchema(path, f"written by {tool} with schema {schema}; this wsproof reads up to {SCHEMA_VERSION}.")
    if data.get("type") == "run" and (type(schema) is not int or schema != SCHEMA_VERSION):
        raise NotARun(path, f"line {number} names no schema that there is.")
    try:
        return _RECORDS.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "record"
        raise NotARun(path, f"line {number}: {visible(place, 80)}: {visible(first['msg'], 200)}.") from error


def _truncated(path: Path, checks: list[CheckResult]) -> TruncatedRun:
    return TruncatedRun(
        path, f"truncated: no end line after {plural(len(checks), 'check')}, so it proves nothing; run it again."
    )
