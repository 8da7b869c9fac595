"""Hypothesis in our hands: draws examples without running anything, and shrinks one that failed.

Nothing but the seed, the strategies and the version of Hypothesis decides what is drawn: no database, no profile of the
user's, and no constants picked from modules that happen to be loaded. Each example is drawn afresh: Hypothesis makes
most of them by varying the one before, which serves where thousands are tried; but fifty should be fifty quite
different ones, and of a few kinds all should come up.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.strategies import SearchStrategy

Strategies = Mapping[str, SearchStrategy[Any]]
Values = dict[str, Any]


class _Afresh(HypothesisProvider):
    """The distributions of Hypothesis. What any backend but its own draws, it neither varies nor steers."""


DRAWS_PER_EXAMPLE: Final = 10
"""So many times as many draws as examples are made at most, where few are possible and most come again."""
BACKEND: Final = "wsproof"
AVAILABLE_PROVIDERS[BACKEND] = _Afresh

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
        backend=BACKEND,
    )


class _Falsified(Exception):
    """An example fails."""


class _Over(BaseException):
    """No more examples are wanted. Hypothesis takes any Exception for a failing example."""


def seed_of(run_seed: int, id: str) -> int:
    """Each property's own seed, the same wherever and beside whatever it runs."""
    return zlib.crc32(f"{run_seed}/{id}".encode())


def draw(
    strategies: Strategies, run_seed: int, id: str, examples: int, key: Callable[[Values], str] = repr
) -> dict[str, Values]:
    """At most ``examples`` examples by their ``key``, all different, the simplest first; fewer where there are no more.

    Takes no time but the CPU's.
    """
    drawn: dict[str, Values] = {}

    @seed(seed_of(run_seed, id))
    @_settings(examples * DRAWS_PER_EXAMPLE, Phase.generate)
    @given(**strategies)
    def collect(**values: Any) -> None:
        drawn.setdefault(key(values), values)
        if len(drawn) >= examples:
            raise _Over

    with _without_constants(), suppress(_Over):
        collect()
    return drawn


def shrink(
    strategies: Strategies,
    run_seed: int,
    id: str,
    examples: int,
    fails: Callable[[Values], bool | None],
    key: Callable[[Values], str] = repr,
) -> Values | None:
    """The smallest failing example that Hypothesis finds from the same draws; None where none fails again.

    ``fails`` must say the same whenever it is asked about the same values, or None when no more are to be tried: the
    smallest failing one so far is returned then.
    """
    failing: list[Values] = []
    held: set[str] = set()

    @seed(seed_of(run_seed, id))
    @_settings(examples * DRAWS_PER_EXAMPLE, Phase.generate, Phase.shrink)
    @given(**strategies)
    def falsify(**values: Any) -> None:
        found = fails(values)
        if found is None:
            raise _Over
        if found:
            failing.append(values)
            raise _Falsified
        if not failing:
            held.add(key(values))
            if len(held) >= examples:
                raise _Over

    with _without_constants():
        try:
            falsify()
        except (_Falsified, HypothesisException):
            return failing[-1] if failing else None  # Hypothesis ends with the smallest
        except _Over:
            return min(failing, key=lambda values: len(repr(values)), default=None)
    return None
