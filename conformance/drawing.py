"""Hypothesis in our hands: draws examples without running anything, and shrinks one that failed.

Nothing but the seed, the strategies and the version of Hypothesis decides what is drawn: no database, no profile of the
user's, and no constants picked from modules that happen to be loaded.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.strategies import SearchStrategy

Strategies = Mapping[str, SearchStrategy[Any]]
Values = dict[str, Any]


class _NoConstants(HypothesisProvider):
    """Draws no constants found in the source of loaded modules: a seed would mean something else each time."""

    def _maybe_draw_constant(self, choice_type: Any, constraints: Any, *, p: float = 0.05) -> None:
        return None


_swapping: Final = threading.Lock()
_swapped = 0
_theirs: Any = None


@contextmanager
def _our_provider() -> Iterator[None]:
    global _swapped, _theirs
    with _swapping:
        if _swapped == 0:
            _theirs = AVAILABLE_PROVIDERS["hypothesis"]
            AVAILABLE_PROVIDERS["hypothesis"] = _NoConstants
        _swapped += 1
    try:
        yield
    finally:
        with _swapping:
            _swapped -= 1
            if _swapped == 0:
                AVAILABLE_PROVIDERS["hypothesis"] = _theirs


def _settings(examples: int, *phases: Phase) -> settings:
    """Every setting that could differ from place to place, said."""
    return settings(
        max_examples=examples,
        phases=phases,
        database=None,
        derandomize=False,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        backend="hypothesis",
    )


def seed_of(run_seed: int, id: str) -> int:
    """Each property's own seed, the same wherever and beside whatever it runs."""
    return zlib.crc32(f"{run_seed}/{id}".encode())


def draw(strategies: Strategies, run_seed: int, id: str, examples: int) -> list[Values]:
    """At most ``examples`` examples, all different; fewer where there are no more. Takes no time but the CPU's."""
    drawn: list[Values] = []

    @seed(seed_of(run_seed, id))
    @_settings(examples, Phase.generate)
    @given(**strategies)
    def collect(**values: Any) -> None:
        drawn.append(values)

    with _our_provider():
        collect()
    return drawn


class _Falsified(Exception):
    """An example fails."""


def shrink(
    strategies: Strategies, run_seed: int, id: str, examples: int, fails: Callable[[Values], bool]
) -> Values | None:
    """The smallest failing example that Hypothesis finds from the same draws; None where none fails again.

    ``fails`` must say the same whenever it is asked about the same values.
    """
    last: Values | None = None

    @seed(seed_of(run_seed, id))
    @_settings(examples, Phase.generate, Phase.shrink)
    @given(**strategies)
    def falsify(**values: Any) -> None:
        nonlocal last
        if fails(values):
            last = values
            raise _Falsified

    with _our_provider():
        try:
            falsify()
        except (_Falsified, HypothesisException):
            return last
    return None
