"""Several workers, one run: who runs it, what the others read, and what happens when the one who runs it dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mutants import MutantServer, mutant_server
from wsproof.conformance.check import Check
from wsproof.conformance.command import load_checks
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.pytest_batch import Batch, NothingProved, Plan
from wsproof.conformance.pytest_shared import SharedBatch, Stopped, stop_file
from wsproof.reports.model import CheckResult, Level, Verdict
from wsproof.reports.runfile import encode, read_run

PING = "control-frames/ping-is-answered[text]"
LONG = "control-frames/payload-over-125[ping]"


def few() -> list[Check]:
    """Two checks."""
    return [load_checks()[PING], load_checks()[LONG]]


def result(id: str) -> CheckResult:
    """A result as no run would have it, to be known again."""
    return CheckResult(
        id=id, title="as it was", section="5.5", level=Level.MUST, requirements=["rfc6455-5.5-2"], verdict=Verdict.INFO
    )


@pytest.fixture(scope="module")
def server() -> Iterator[MutantServer]:
    with mutant_server() as running:
        yield running


@pytest.fixture
def plan(server: MutantServer, tmp_path: Path) -> Plan:
    return Plan(parse_endpoint(server.url), tmp_path, output=tmp_path / "run.jsonl")


Worker = Callable[[], SharedBatch]


@pytest.fixture
def worker(plan: Plan, tmp_path: Path) -> Iterator[Worker]:
    """Makes workers that share one folder."""
    (tmp_path / "shared").mkdir()
    made: list[SharedBatch] = []

    def make() -> SharedBatch:
        made.append(SharedBatch(plan, tmp_path / "shared", few))
        return made[-1]

    yield make
    for one in made:
        one.finish(early=True)


def test_the_second_reads_what_the_first_has_run(worker: Worker, plan: Plan) -> None:
    first, second = worker(), worker()
    assert first.result(PING) == second.result(PING)
    assert second.result(LONG) == first.result(LONG)
    first.finish(early=False)
    assert plan.output is not None
    assert len(read_run(plan.output).checks) == 2


def test_one_that_has_its_own_results_waits_until_the_others_have_theirs(worker: Worker) -> None:
    first, second = worker(), worker()
    first.result(PING)
    first.finish(early=False)
    assert second.result(LONG).verdict is Verdict.PASS


def test_what_was_not_selected_has_no_result(worker: Worker) -> None:
    with pytest.raises(NothingProved):
        worker().result("control-frames/another")


def test_when_the_host_dies_another_runs_the_rest(worker: Worker, plan: Plan, tmp_path: Path) -> None:
    """The dead one has left a result, and half a line; its lock went with it."""
    line = encode(result(PING))
    (tmp_path / "shared" / "results.jsonl").write_bytes(line + line[:40])
    second, third = worker(), worker()
    assert third.result(PING).title == "as it was"
    assert second.result(LONG).verdict is Verdict.PASS
    assert third.result(LONG) == second.result(LONG)
    second.finish(early=False)
    assert plan.output is not None
    assert {one.id for one in read_run(plan.output).checks} == {PING, LONG}


def test_a_stop_ends_the_waiting(worker: Worker, tmp_path: Path) -> None:
    stop_file(tmp_path / "shared").touch()
    with pytest.raises(Stopped):
        worker().wait(PING)


def test_a_batch_that_cannot_write_its_run_file_says_so(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").mkdir()
    batch = Batch(plan, few())
    batch.start()
    with pytest.raises(Exception, match=r"run\.jsonl"):
        batch.result(PING)
    assert batch.join()


def test_a_batch_can_be_stopped_at_any_time(plan: Plan) -> None:
    batch = Batch(plan, few())
    batch.stop()
    batch.start()
    assert batch.join()
    with pytest.raises(NothingProved, match="pytest has stopped"):
        batch.result(PING)
    batch.stop()
    assert plan.output is not None
    assert read_run(plan.output).end.exit == 3
