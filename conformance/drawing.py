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
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.strategies import SearchStrategy

Strategies = Mapping[str, SearchStrategy[Any]]
Values = dict[str, Any]


_patching: Final = threading.Lock()
_users = 0
_constants: Any = None


def _no_constant(self: HypothesisProvider, *_: Any, **__: Any) -> None:
    """In the place of a constant found in the source of loaded modules, with which a seed would mean something else

    in each environment. Hypothesis has no setting for this.
    """


@contextmanager
def _without_constants() -> Iterator[None]:
    global _users, _constants
    with _patching:
        if _users == 0:
            _constants = HypothesisProvider._maybe_draw_constant
            setattr(HypothesisProvider, "_maybe_draw_constant", _no_constant)  # noqa: B010  # mypy: a method
        _users += 1
    try:
        yield
    finally:
        with _patching:
            _users -= 1
            if _users == 0:
                setattr(HypothesisProvider, "_maybe_draw_constant", _constants)  # noqa: B010  # mypy: a method


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

    with _without_constants():
        collect()
    return drawn


class _Falsified(Exception):
    """An example fails."""


class _Over(BaseException):
    """The time is over. Hypothesis takes any Exception for a failing example."""


def shrink(
    strategies: Strategies, run_seed: int, id: str, examples: int, fails: Callable[[Values], bool | None]
) -> Values | None:
    """The smallest failing example that Hypothesis finds from the same draws; None where none fails again.

    ``fails`` must say the same whenever it is asked about the same values, or None when no more are to be tried: the
    smallest failing one so far is returned then.
    """
    failing: list[Values] = []

    @seed(seed_of(run_seed, id))
    @_settings(examples, Phase.generate, Phase.shrink)
    @given(**strategies)
    def falsify(**values: Any) -> None:
        found = fails(values)
        if found is None:
            raise _Over
        if found:
            failing.append(values)
            raise _Falsified

    with _without_constants():
        try:
            falsify()
        except (_Falsified, HypothesisException):
            return failing[-1] if failing else None  # Hypothesis ends with the smallest
        except _Over:
            return min(failing, key=lambda values: len(repr(values)), default=None)
    return None
