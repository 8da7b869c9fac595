"""Whether a run gives the same verdicts while both cores are kept busy: ``python -m benchmarks.stability [RUNS]``.

Runs ``wsproof run`` on the embedded reference server again and again and prints every check whose verdict differed.
Exit code 1 if one did.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from wsproof.reports.runfile import read_run


def burn() -> None:
    """Keep a core busy for ever."""
    while True:
        pass


def verdicts(folder: Path) -> dict[str, tuple[str, str]]:
    """One run's verdict for each check, and what was observed where it did not pass."""
    subprocess.run(
        [sys.executable, "-m", "wsproof", "run", "--report-dir", str(folder), "--quiet"],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    run = read_run(folder / "run.jsonl")
    found = {
        result.id: (
            str(result.verdict),
            "; ".join(finding.observed for finding in result.findings if finding.verdict != "pass"),
        )
        for result in run.checks
    }
    return found | {"(exit code)": (str(run.end.exit), run.end.gate)}


def main(runs: int) -> int:
    burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(os.cpu_count() or 1)]
    for burner in burners:
        burner.start()
    first: dict[str, tuple[str, str]] = {}
    differences = 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(1, runs + 1):
                found = verdicts(Path(folder))
                first = first or found
                print(f"run {number}: {len(found) - 1} checks, exit {found['(exit code)'][0]}", flush=True)
                for id in sorted(first.keys() | found.keys()):
                    before, now = first.get(id, ("absent", "")), found.get(id, ("absent", ""))
                    if before[0] != now[0]:
                        differences += 1
                        print(f"  DIFFERS {id}: {before[0]} ({before[1]}), now {now[0]} ({now[1]})", flush=True)
    finally:
        for burner in burners:
            burner.terminate()
    print(f"{runs} runs, {len(burners)} busy cores, differences: {differences or 'none'}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
