"""One run for all workers of pytest-xdist: the first that needs a result runs all checks, the others read along.

A run in each worker would try everything several times, and worse: a check that runs alone, or kills the target, would
do so in the midst of the others' checks. The workers share a folder with three files:

- ``host``: locked by the worker that runs the checks, and free again when that worker is gone, whatever ended it.
- ``results.jsonl``: a line for each result, then one that says why there are no more.
- ``stop``: made by the controller when pytest stops early (``-x``, Ctrl-C).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from ..reports.model import CheckResult
from ..reports.runfile import encode
from .check import Check
from .pytest_batch import STOPPED, Batch, NothingProved, Plan

POLL: Final = 0.02
"""Seconds between two looks at what the other worker has written."""


def stop_file(folder: Path) -> Path:
    """Where the controller says that pytest stops."""
    return folder / "stop"


class Stopped(Exception):
    """pytest stops: the result is not waited for."""


class SharedBatch:
    """The results, in one of several workers. ``checks`` gives what all of them have selected."""

    def __init__(self, plan: Plan, folder: Path, checks: Callable[[], Sequence[Check]]) -> None:
        self._plan = plan
        self._folder = folder
        self._checks = checks
        self._log = (folder / "results.jsonl").open("a+b")
        self._position = 0
        self._results: dict[str, CheckResult] = {}
        self._ended: str | None = None
        self._lock: IO[bytes] | None = None
        self._batch: Batch | None = None

    def result(self, id: str) -> CheckResult:
        """The result of that check, once it is final. Raises NothingProved, or Stopped."""
        self.wait(id)
        if id not in self._results:
            raise NothingProved(self._ended or STOPPED)
        return self._results[id]

    def wait(self, id: str) -> None:
        """Return when there is a result of that check, or there will be none. Raises Stopped."""
        while True:
            self._read()
            if id in self._results:
                return
            if stop_file(self._folder).exists():
                raise Stopped
            if self._ended is not None:
                return
            if self._batch is None and self._is_host():
                self._start()
            time.sleep(POLL)

    def finish(self, *, early: bool) -> None:
        """At the end of this worker: where it runs the checks it stays until the others have what they need."""
        if self._batch is not None:
            while not self._batch.join(POLL):
                if early or stop_file(self._folder).exists():
                    self._batch.stop()
        if self._lock is not None:
            self._lock.close()
        self._log.close()

    def _is_host(self) -> bool:
        lock = (self._folder / "host").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _start(self) -> None:
        """Run what no earlier host has a result of."""
        self._read()
        if self._ended is not None:
            return
        os.truncate(self._folder / "results.jsonl", self._position)  # an earlier host's last line may be half a line
        checks = [check for check in self._checks() if check.id not in self._results]
        self._batch = Batch(self._plan, checks, known=self._results.values(), tell=self._tell, ended=self._tell_end)
        self._batch.start()

    def _tell(self, result: CheckResult) -> None:
        self._write(encode(result))

    def _tell_end(self, reason: str | None) -> None:
        self._write(json.dumps({"ended": reason or STOPPED}).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        self._log.write(line)
        self._log.flush()

    def _read(self) -> None:
        """Take in the whole lines that are new."""
        with (self._folder / "results.jsonl").open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):  # a host that died in the midst of it, or is just writing it
                    break
                self._position += len(line)
                record = json.loads(line)
                if "ended" in record:
                    self._ended = record["ended"]
                else:
                    result = CheckResult.model_validate(record)
                    self._results[result.id] = result
