"""``python -m tests.proof CHAPTER [SWITCH ...]``: what the conformant server and each switch of a chapter show."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from tests.mutants import SWITCHES

from .harness import (
    Observation,
    Proof,
    chapter_checks,
    compare,
    needs_tls,
    observe,
    switches_for,
    switches_of,
    with_smoke,
)


def tell(observation: Observation, kinds: Sequence[str]) -> None:
    """Print what a conformant server should not show, and what could not be run."""
    if observation.refused:
        print(f"  REFUSED {observation.refused}")
    for kind in kinds:
        for id, why in getattr(observation, kind).items():
            print(f"  {kind}: {id}: {why}")
    for (id, requirement), (verdict, observed) in sorted(observation.seen.items()):
        if verdict in ("fail", "warn"):
            print(f"  NOT PASSED {verdict}: {id}: {requirement}: {observed}")


async def main(chapter: str, names: list[str]) -> int:
    own = chapter_checks(chapter, tolerant=True)
    checks = with_smoke(own)
    begun = time.monotonic()
    conformant = await observe(None, checks)
    print(f"conformant: {len(checks)} checks in {time.monotonic() - begun:.2f} s")
    tell(conformant, ("skipped", "undetermined", "errors"))
    over_tls = await observe(None, checks, tls=True)
    print("conformant over TLS:")
    tell(over_tls, ("undetermined", "errors"))
    proofs: list[Proof] = []
    for item in [SWITCHES[name] for name in names] or switches_for(chapter, own):
        begun = time.monotonic()
        tls = needs_tls(item, own)
        proof = compare(item, over_tls if tls else conformant, await observe(item.name, checks, tls=tls))
        if item not in switches_of(chapter):
            proof.missed.clear()  # whether it is noticed at all is for its own chapter to show
        proofs.append(proof)
        caught = sum(len(ids) for ids in proof.changed.values())
        print(f"{'ok  ' if proof.holds else 'BAD '} {item.name}: {caught} findings, {time.monotonic() - begun:.2f} s")
        for what in ("missed", "unrelated", "errors"):
            for line in getattr(proof, what):
                print(f"     {what}: {line}")
    if not names:
        ids = {id for proof in proofs for found in proof.changed.values() for id in found}
        names_changed = {name for proof in proofs for name in proof.changed if name in proof.switch.violates}
        for check in own:
            if check.id not in ids:
                print(f"UNPROVED check {check.id}")
        for name in sorted({name for check in own for name in check.requirements} - names_changed):
            print(f"UNPROVED requirement {name}")
    return 0 if all(proof.holds for proof in proofs) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])))
