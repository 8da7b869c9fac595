"""Whether a run gives the same verdicts while both cores are kept busy: ``python -m benchmarks.stability [RUNS]``.

Runs ``wsproof run`` on the embedded reference server again and again and prints every check whose verdict differed.
Exit code 1 if one did.
"""

from __future__ import annotations

import collections
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


def verdicts(folder: Path) -> dict[str, str]:
    """One run's verdict for each check."""
    subprocess.run(
        [sys.executable, "-m", "wsproof", "run", "--report-dir", str(folder), "--quiet"],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    run = read_run(folder / "run.jsonl")
    return {result.id: result.verdict for result in run.checks} | {"(exit code)": str(run.end.exit)}


def main(runs: int) -> int:
    burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(os.cpu_count() or 1)]
    for burner in burners:
        burner.start()
    seen: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(runs):
                found = verdicts(Path(folder))
                for id, verdict in found.items():
                    seen[id][verdict] += 1
                print(f"run {number + 1}: {len(found) - 1} checks, exit {found['(exit code)']}", flush=True)
    finally:
        for burner in burners:
            burner.terminate()
    different = {id: counts for id, counts in seen.items() if len(counts) > 1 or sum(counts.values()) != runs}
    for id, counts in sorted(different.items()):
        print(f"DIFFERS {id}: {dict(counts)}")
    print(f"{runs} runs, {len(burners)} busy cores, differences: {len(different) or 'none'}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
