"""``pytest --ws-target URL``: each check is a pytest item, all of them run as one batch by the one runner.

Without the option nothing happens, and nothing of wsproof but this module is imported.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..reports.model import CheckResult
    from .check import Check
    from .endpoint import Endpoint
    from .profile import Profile
    from .runner import Attempt


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this plugin, in a group of their own."""
    group = parser.getgroup("wsproof")
    group.addoption("--ws-target", metavar="URL", help="check this WebSocket server: one item for each check")
    group.addoption("--ws-profile", metavar="NAME|FILE", help="what the target promises (wsproof check --profile)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the checks behind the tests that pytest has found; -k and -m then choose among all."""
    url = config.getoption("--ws-target")
    if not url:
        return
    from ..reports.errors import ConfigError
    from .command import CheckOptions, chosen_checks, endpoint_of, load_profile
    from .errors import UsageError

    name = config.getoption("--ws-profile")
    try:
        profile = load_profile(name) if name else None
        endpoint = endpoint_of(CheckOptions(url=url), profile)
    except (UsageError, ConfigError) as error:
        raise pytest.UsageError(str(error)) from None
    batch = _Batch(endpoint, profile)
    checks = chosen_checks(CheckOptions(url=url))
    items += [CheckItem.from_parent(session, name=check.id, check=check, batch=batch) for check in checks]


class _Batch:
    """Runs the selected checks together when the first of them is asked for."""

    def __init__(self, endpoint: Endpoint, profile: Profile | None) -> None:
        self.endpoint = endpoint
        self.profile = profile
        self._results: dict[str, CheckResult] | None = None
        self._stopped: str | None = None

    def result(self, item: CheckItem) -> CheckResult:
        """The result of one check. Fails the item where the run ended before it."""
        if self._results is None:
            self._run([other.check for other in item.session.items if isinstance(other, CheckItem)])
        assert self._results is not None
        if item.check.id not in self._results:
            pytest.fail(f"nothing was proved: {self._stopped}", pytrace=False)
        return self._results[item.check.id]

    def _run(self, checks: list[Check]) -> None:
        from ..reports.baseline import Baseline
        from .command import judged
        from .session import Listener, Options, run_checks

        redactor = self.endpoint.redactor()
        results: dict[str, CheckResult] = {}

        class Keep(Listener):
            def attempted(self, attempt: Attempt) -> None:
                found = judged(attempt, strict=False, baseline=Baseline(), redactor=redactor)
                results[found.id] = found

        outcome = asyncio.run(run_checks(Options(self.endpoint, checks, self.profile), Keep()))
        self._results, self._stopped = results, outcome.stopped


class CheckFailed(Exception):
    """A check's verdict is fail or error; the text is what pytest shows."""


class CheckItem(pytest.Item):
    """One check as a pytest item, named by its id."""

    def __init__(self, *, check: Check, batch: _Batch, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.check = check
        self.batch = batch

    def runtest(self) -> None:
        """Pass, skip (also what is undetermined) or fail, as the judge has it."""
        result = self.batch.result(self)
        if result.verdict in ("skip", "undetermined"):
            pytest.skip(f"{result.verdict}: {result.reason}")
        if result.verdict in ("fail", "error"):
            raise CheckFailed(_explained(result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Expected, observed and the exchange, without a traceback of ours."""
        if isinstance(excinfo.value, CheckFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, None, str]:
        return self.check.chapter, None, self.check.id


def _explained(result: CheckResult) -> str:
    from ..reports.evidence import transcript_lines
    from ..reports.text import visible

    lines = [result.title]
    for finding in result.findings:
        if finding.verdict == "fail":
            lines.append(f"  {finding.requirement}: expected {visible(finding.expected)}")
            lines.append(f"  {' ' * len(finding.requirement)}  observed {visible(finding.observed)}")
    if result.verdict == "error":
        lines.append(visible(result.reason or "", 4000))
    return "\n".join([*lines, *(f"  {line}" for line in transcript_lines(result.transcript, most=24))])
