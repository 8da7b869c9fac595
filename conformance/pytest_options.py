"""The options of the pytest plugin, read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import pytest

from ..reports.baseline import Baseline, load_baseline
from ..reports.errors import ConfigError, ensure_writable
from .command import CheckOptions, endpoint_of, how_to_reach, load_checks, load_profile, seed_of
from .errors import UsageError
from .failures import DEFAULT_PATH, read_failures
from .profile import built_in_baselines
from .property import DEFAULT_EXAMPLES
from .pytest_batch import Plan
from .session import DEFAULT_PATIENCE

N = TypeVar("N", int, float)
_COMMAND_OPTION: Final = re.compile(r"(?<![\w-])--(profile|header|cookie|subprotocol|ca|insecure|disruptive)\b")


def plan_of(config: pytest.Config, *, seed: int | None = None) -> Plan:
    """What the options ask for; ``seed`` is the one that a pytest-xdist controller has chosen.

    Raises pytest.UsageError where one of them is wrong: one line, exit code 4.
    """
    try:
        return _plan(config, seed)
    except (UsageError, ConfigError) as error:
        raise pytest.UsageError(in_words_of_pytest(str(error))) from None


def in_words_of_pytest(message: str) -> str:
    """What names an option of ``wsproof check``, with the name that it has here."""
    return _COMMAND_OPTION.sub(r"--ws-\1", message)


def _plan(config: pytest.Config, seed: int | None) -> Plan:
    option = config.getoption
    words = CheckOptions(
        url=option("--ws-target"),
        profile=option("--ws-profile"),
        headers=option("--ws-header"),
        cookies=option("--ws-cookie"),
        subprotocols=option("--ws-subprotocol"),
        insecure=option("--ws-insecure"),
        ca=option("--ws-ca"),
    )
    profile = load_profile(words.profile) if words.profile else None
    output = option("--ws-output")
    plan = Plan(
        endpoint=endpoint_of(words, profile),
        folder=config.rootpath,
        remembered=read_failures(config.rootpath / DEFAULT_PATH),
        profile=profile,
        baseline=_baseline(option("--ws-baseline")),
        patience=_number(config, "--ws-patience", float, 0.05, 600) or DEFAULT_PATIENCE,
        jobs=_number(config, "--ws-jobs", int, 1, 512),
        seed=_seed(config) if seed is None else seed,
        examples=_number(config, "--ws-examples", int, 1, 100_000) or DEFAULT_EXAMPLES,
        strict=option("--ws-strict"),
        disruptive=option("--ws-disruptive"),
        output=config.invocation_params.dir / output if output else None,
        cwd=config.invocation_params.dir,
        reach=how_to_reach(words),
    )
    if plan.output is not None:
        ensure_writable(plan.output)
    return plan


def _baseline(names: Sequence[str]) -> Baseline:
    """All baselines together. An id in a chapter of ours must exist; a user's own checks are not imported yet."""
    together = Baseline()
    ours = set(load_checks())
    chapters = {id.split("/", 1)[0] for id in ours}
    for name in names:
        path = built_in_baselines().get(name) or Path(name)
        entries = load_baseline(path).known
        own = {entry.id for entry in entries if entry.id.split("/", 1)[0] not in chapters}
        together |= load_baseline(path, ours | own)
    return together


def _seed(config: pytest.Config) -> int:
    word = config.getoption("--ws-seed")
    return seed_of(word) if word == "random" else _number(config, "--ws-seed", int, 0, 10**18 - 1) or 0


def _number(config: pytest.Config, name: str, kind: type[N], least: N, most: N) -> N | None:
    """The option as a number within these bounds; None where it is not given. Raises UsageError."""
    word = config.getoption(name)
    if word is None:
        return None
    try:
        value = kind(word)
    except ValueError:
        pass
    else:
        if least <= value <= most:
            return value
    what = {"int": "a whole number", "float": "a number"}[kind.__name__]
    raise UsageError(f"{name} {word!r}: write {what} from {least} to {most}")
