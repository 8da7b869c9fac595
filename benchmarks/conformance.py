"""How long the checks take: ``python -m benchmarks.conformance``. Prints goals beside figures; judges nothing.

Seconds depend on the machine; the ratio of ``--jobs 16`` to ``--jobs 1`` is of one run on one machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from wsproof.conformance.serve import free_port

ROOT = Path(__file__).parent.parent
RUNS = 3
FIXED = ("-k", "not /any- and not contract-")
"""Without properties and contracts, which benchmarks.properties measures."""


def wsproof(*words: str) -> tuple[float, int, str]:
    """Wall seconds, exit code and last line of one command."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "wsproof", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return time.perf_counter() - begun, done.returncode, lines[-1] if lines else done.stderr.strip()


class Server:
    """A server program of this repository on a free port."""

    def __init__(self, *words: str) -> None:
        self.port = free_port()
        self._words = [word.format(port=self.port) for word in words]

    def __enter__(self) -> str:
        self._process = subprocess.Popen([sys.executable, *self._words], cwd=ROOT, stdout=subprocess.DEVNULL)
        return f"ws://127.0.0.1:{self.port}/echo"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def times(url: str, *words: str, runs: int = RUNS) -> float:
    """The median of some runs, each a whole process; its last line is printed once."""
    found = [wsproof("check", url, "--wait", "20", *FIXED, *words) for _ in range(runs)]
    print(f"    {found[0][2]}  (exit {found[0][1]})")
    return statistics.median(seconds for seconds, _, _ in found)


def show(what: str, figure: str, goal: str) -> None:
    print(f"  {what:<64}{figure:>12}    goal: {goal}")


def main() -> None:
    print("Conformance checks, wall clock of the whole command, median of", RUNS)
    with Server("-m", "tests.mutants", "--port", "{port}") as url:
        show("all fixed checks against the conformant mutant server", f"{times(url):.2f} s", "at most 3 s")
        seconds, _, _ = wsproof("check", url)
        show("the same with properties", f"{seconds:.2f} s", "-")
    seconds, _, last = wsproof("run", "--report-dir", "build/benchmark-report")
    print(f"    {last}")
    show("wsproof run, the embedded reference server", f"{seconds:.2f} s", "3 s plus the baseline's silences")
    with Server("-m", "benchmarks.late", "{port}", "0.05") as url:
        one = times(url, "--jobs", "1")
        many = times(url)
    show("each message 50 ms late, --jobs 1", f"{one:.2f} s", "-")
    show("each message 50 ms late, default jobs", f"{many:.2f} s", "-")
    show("ratio", f"{one / many:.1f}", "at least 8")
    seconds, code, _ = wsproof("check", f"ws://127.0.0.1:{free_port()}/")
    show(f"a refused port (exit {code})", f"{seconds:.2f} s", "at most 2 s, exit 3")
    found = [wsproof("--help")[0] for _ in range(RUNS)]
    show("wsproof --help", f"{statistics.median(found):.2f} s", "at most 0.4 s")


if __name__ == "__main__":
    main()
