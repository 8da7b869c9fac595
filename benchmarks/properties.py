"""How long properties and contracts take, and the shrinking of a failure: ``python -m benchmarks.properties``.

Prints goals beside figures; judges nothing. The ratio is of one run on one machine.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from wsproof.conformance.command import load_checks
from wsproof.reports.runfile import read_run

from .conformance import RUNS, Server, show, wsproof

SHRUNK = ("echo-swaps-two", "echo-drops-the-third", "ping-unanswered", "second-message-joined")
"""Switches whose failing examples are shrunk; ``ping-unanswered`` costs a patience for each example that fails."""


def expression() -> str:
    """Every property and every contract check."""
    return " or ".join(id for id, item in load_checks().items() if item.given is not None or "contract" in item.chapter)


def main() -> None:
    chosen = expression()
    count = chosen.count(" or ") + 1
    print(f"{count} properties and contract checks, wall clock of the whole command, median of {RUNS}")
    seconds: dict[str, list[float]] = {"50": [], "200": []}
    with Server("-m", "wsproof.reference_server", "--port={port}", "--log-level=critical") as url:
        base = url.rsplit("/", 1)[0]
        wsproof("check", base, "--profile", "reference", "--wait", "20", "-k", "ping-is-answered")
        for _ in range(RUNS):
            for examples, found in seconds.items():
                words = ("--profile", "reference", "-k", chosen, "--examples", examples, "-q")
                taken, code, last = wsproof("check", base, *words)
                found.append(taken)
        print(f"    {last}  (exit {code})")
    default = statistics.median(seconds["50"])
    show("default examples, against the reference server", f"{default:.2f} s", "at most 15 s")
    show("200 examples", f"{statistics.median(seconds['200']):.2f} s", "-")
    show("ratio, 200 to 50 examples", f"{statistics.median(seconds['200']) / default:.1f}", "below 4")
    for switch in SHRUNK:
        show(f"the slowest property that fails, shrunk: {switch}", f"{slowest(switch, chosen):.2f} s", "at most 10 s")


def slowest(switch: str, chosen: str) -> float:
    """Seconds that the slowest failing property took on a server with this switch, its shrinking included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        with Server("-m", "tests.mutants", "--port", "{port}", "--switch", switch) as url:
            base = url.rsplit("/", 1)[0]
            profile = "tests/proof/contracts.toml"
            wsproof("check", base, "--profile", profile, "--wait", "20", "-k", chosen, "-o", str(path), "-q")
        return max((one.duration for one in read_run(path).checks if one.example is not None), default=0.0)


if __name__ == "__main__":
    main()
