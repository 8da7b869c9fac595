"""The failure file: shrunk examples of properties that failed, which the next run tries first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..reports.model import CheckResult, Verdict
from .errors import UsageError
from .property import Example

DEFAULT_PATH: Final = Path(".wsproof") / "failures.jsonl"
KEPT_PER_CHECK: Final = 20
MAX_BYTES: Final = 16 * 1024 * 1024
"""A file that is larger was not written by us."""

Failures = Mapping[str, Sequence[Example]]
"""Check id -> examples, the latest last."""


def failures_in(results: Iterable[CheckResult]) -> dict[str, list[Example]]:
    """The examples that failed or warned, but for those that a baseline knows."""
    bad = (Verdict.FAIL, Verdict.WARN)
    return {one.id: [one.example] for one in results if one.example and one.verdict in bad and one.known is None}


def read_failures(path: Path) -> dict[str, list[Example]]:
    """What the file holds; nothing where there is none. Raises UsageError where it cannot be read: one line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES} bytes, so no failure file; delete it or name another")
        lines = path.read_text("utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: this failure file cannot be read: {_why(error)}") from None
    found: dict[str, list[Example]] = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            id, example = entry["check"], entry["example"]
        except (ValueError, KeyError, TypeError, RecursionError):
            id = example = None
        if not isinstance(id, str) or not isinstance(example, dict):
            raise UsageError(f"{path}, line {number}: no entry of a failure file; delete the line, or the file")
        found.setdefault(id, []).append(example)
    return found


def add_failures(path: Path, known: Failures, new: Failures) -> None:
    """Write the file anew with what is new behind what is known. Raises OSError; the old file then stays as it is."""
    kept = {id: list(examples) for id, examples in known.items()}
    for id, examples in new.items():
        before = kept.setdefault(id, [])
        kept[id] = [*(one for one in before if one not in examples), *examples][-KEPT_PER_CHECK:]
    if kept == known or not new:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    text = "".join(_line(id, example) for id, examples in sorted(kept.items()) for example in examples)
    try:
        partial.write_text(text, "utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _line(id: str, example: Mapping[str, Any]) -> str:
    return json.dumps({"check": id, "example": example}, separators=(",", ":")) + "\n"


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or "it is no UTF-8 text")
