"""The property engine: what is drawn, which example counts, how it is shrunk, and what a run makes of it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.mutants import MutantServer
from wsproof.conformance.check import Check, Undetermined, Violation
from wsproof.conformance.endpoint import Redactor, parse_endpoint
from wsproof.conformance.property import TIMED, TRANSCRIPTS_KEPT, Draws, decode_example, encode_example
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Frame, Opcode
from wsproof.reports.model import Outcome

REQUIREMENT = "rfc6455-5.4-15"
OTHER = "rfc6455-5.1-4"
EXAMPLES = 200
LONG = 10.0


@dataclass(frozen=True)
class Pair:
    """Something drawn that is more than a plain value."""

    word: bytes
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.word.decode()} and {len(self.numbers)} numbers"


def numbers(setting: Setting) -> dict[str, st.SearchStrategy[int]]:
    return {"number": st.integers(0, 10_000)}


def made(function: Callable[..., Awaitable[None]], **changes: Any) -> Check:
    """A property of the test's own, not in the catalogue."""
    fields = {"given": numbers, **changes}
    return Check("made/property", "made", function, (), (REQUIREMENT, OTHER), **fields)


async def attempt(item: Check, *, jobs: int = 4, draws: Draws | None = None, patience: float = 0.5) -> Attempt:
    async with MutantServer() as server:
        setting = Setting(parse_endpoint(server.url), patience=patience)
        runner = Runner(setting, [item], jobs=jobs, draws=draws)
        (found,) = [one async for one in runner.run()]
    return found


def words(found: Attempt) -> list[str]:
    return [] if found.example is None else [held["words"] for held in found.example.values()]


class TestExamples:
    def test_values_come_back_from_json(self) -> None:
        async def takes(target: Target, pair: Pair, raw: bytes, text: str) -> None: ...

        values = {"pair": Pair(b"w", (1, 2)), "raw": b"\xfe", "text": "\u00e9\0"}
        item = made(takes)
        example = encode_example(item, values)
        assert [held["words"] for held in example.values()] == ["w and 2 numbers", "`fe`", "'\u00e9\\x00'"]
        assert decode_example(item, example) == values

    @pytest.mark.parametrize(
        "example", [{"number": {}}, {"number": {"value": "x"}}, {"other": {"value": 1}}, {"number": 3}], ids=str
    )
    def test_what_the_check_does_not_take_is_no_example(self, example: dict[str, Any]) -> None:
        async def takes(target: Target, number: int) -> None: ...

        with pytest.raises(ValueError, match="no example of made/property"):
            decode_example(made(takes), example)


class TestRuns:
    async def test_examples_that_go_well_are_counted(self) -> None:
        tried: list[int] = []

        async def well(target: Target, number: int) -> None:
            tried.append(number)

        found = await attempt(made(well), draws=Draws(examples=30))
        assert len(tried) == len(set(tried)) == 30
        assert [(one.outcome, one.observed) for one in found.findings] == [(Outcome.HOLDS, "30 examples")] * 2
        assert found.example is None

    async def test_one_property_draws_at_a_time_and_not_on_the_loop(self) -> None:
        threads: set[threading.Thread] = set()

        async def well(target: Target, number: int) -> None: ...

        def drawing(setting: Setting) -> dict[str, st.SearchStrategy[int]]:
            threads.add(threading.current_thread())
            return numbers(setting)

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(attempt(made(well, given=drawing)))
        assert len(threads) == 1
        assert threading.current_thread() not in threads

    async def test_of_many_examples_few_exchanges_are_held(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held: weakref.WeakSet[Transcript] = weakref.WeakSet()
        most = tried = 0

        class Watched(Transcript):
            def __init__(self, redactor: Redactor) -> None:
                super().__init__(redactor)
                held.add(self)

        async def well(target: Target, number: int) -> None:
            nonlocal most, tried
            tried += 1
            if tried == EXAMPLES:
                gc.collect()
                most = len(held)

        monkeypatch.setattr("wsproof.conformance.trial.Transcript", Watched)
        await attempt(made(well), draws=Draws(examples=EXAMPLES), jobs=4, patience=LONG)
        assert TRANSCRIPTS_KEPT <= most < 2 * TRANSCRIPTS_KEPT

    @pytest.mark.parametrize("jobs", [1, 4, 32])
    async def test_the_smallest_failing_example_is_reported_whatever_goes_on_beside_it(self, jobs: int) -> None:
        async def fails(target: Target, number: int) -> None:
            async with target.connect() as peer:
                await peer.send(Frame(Opcode.PING, str(number).encode()))
                if number >= 321:
                    raise Violation("a small number", f"{number}")

        found = await attempt(made(fails), jobs=jobs)
        assert words(found) == ["321"]
        assert [(one.outcome, one.observed) for one in found.findings] == [(Outcome.VIOLATED, "321")]
        assert [entry.what for entry in found.transcript].count("request") == 1

    async def test_what_fails_only_beside_another_example_is_not_the_one_that_is_shown(self) -> None:
        beside = 0

        async def fails(target: Target, number: int) -> None:
            nonlocal beside
            beside += 1
            await asyncio.sleep(0)  # gives way to the other examples
            others = beside - 1
            beside -= 1
            if others or number >= 5000:
                raise Violation("a small number, and nobody beside", f"{number}")

        found = await attempt(made(fails), jobs=4)
        assert words(found) == ["5000"]

    async def test_it_shrinks_towards_the_same_requirement(self) -> None:
        async def fails(target: Target, number: int) -> None:
            if number >= 5000:
                raise Violation("large", str(number))
            if number >= 10:
                target.findings.warned("none", "a smaller one", requirement=OTHER)

        found = await attempt(made(fails))
        assert words(found) == ["5000"]

    async def test_a_warning_is_shrunk_where_nothing_is_violated(self) -> None:
        async def warns(target: Target, number: int) -> None:
            if number >= 12:
                target.findings.warned("less", str(number), requirement=OTHER)

        found = await attempt(made(warns))
        assert words(found) == ["12"]
        assert [one.outcome for one in found.findings] == [Outcome.WARNED, Outcome.HOLDS]

    async def test_silence_is_shrunk_alone_and_shortly_and_confirmed_in_full(self) -> None:
        patiences: list[float] = []

        async def silent(target: Target, number: int) -> None:
            patiences.append(target.patience)
            if number >= 100:
                raise Violation("an answer", "nothing", silence=True)

        found = await attempt(made(silent), patience=5.0)
        assert found.retried
        assert words(found) == ["100"]
        assert patiences[-1] == 5.0
        assert min(patiences) < 1.0

    async def test_what_fails_only_within_a_short_patience_is_reported_as_it_was(self) -> None:
        async def silent(target: Target, number: int) -> None:
            if number >= 2000 or (number >= 100 and target.patience < 5.0):
                raise Violation("an answer", "nothing", silence=True)

        found = await attempt(made(silent), patience=5.0)
        assert found.example is not None
        assert found.example["number"]["value"] >= 2000

    async def test_repeated_alone_is_what_failed_and_of_what_went_well_a_few_only(self) -> None:
        tried: list[int] = []

        async def silent(target: Target, number: int) -> None:
            tried.append(number)
            if number in tried[9:10]:
                raise Violation("an answer", "nothing", silence=True)

        found = await attempt(made(silent), jobs=1)
        assert words(found) == [str(tried[9])]
        assert tried[10:16] == [tried[9], *tried[:TIMED]]
        assert set(tried[16:]).isdisjoint(tried[:9])

    async def test_what_is_well_when_repeated_alone_is_tried_with_all_examples_again(self) -> None:
        tried: Counter[int] = Counter()

        async def once(target: Target, number: int) -> None:
            tried[number] += 1
            if number >= 9000 and tried[number] == 1 and max(tried.values()) == 1:
                raise Violation("an answer", "nothing", silence=True)

        found = await attempt(made(once), jobs=1)
        assert found.retried
        assert found.example is None
        assert {one.outcome for one in found.findings} == {Outcome.HOLDS}
        assert len(tried) == 50

    async def test_undetermined_examples_that_wait_do_not_make_shrinking_slow(self) -> None:
        patiences: list[float] = []

        async def silent(target: Target, number: int) -> None:
            patiences.append(target.patience)
            if number % 2:
                await asyncio.sleep(target.patience)
                raise Undetermined("nothing came")
            if number >= 9000:
                raise Violation("an answer", "nothing", silence=True)

        await attempt(made(silent), jobs=8)
        assert min(patiences) < 0.5

    async def test_one_that_fails_only_once_is_still_reported(self) -> None:
        tried: set[int] = set()

        async def once(target: Target, number: int) -> None:
            if not tried:
                tried.add(number)
                raise Violation("nothing", f"wrong bytes for {number}")

        found = await attempt(made(once), jobs=1)
        assert [one.observed for one in found.findings] == [f"wrong bytes for {number}" for number in tried]
        assert words(found) == [str(number) for number in tried]

    async def test_failures_of_earlier_runs_come_first(self) -> None:
        tried: list[int] = []

        async def fails(target: Target, number: int) -> None:
            tried.append(number)
            if number == 7777:
                raise Violation("another number", str(number))

        item = made(fails)
        remembered = {item.id: [encode_example(item, {"number": 7777}), {"number": {"value": "not this"}}]}
        found = await attempt(item, jobs=1, draws=Draws(remembered=remembered))
        assert tried[0] == 7777
        assert words(found) == ["7777"]

    async def test_most_examples_undetermined_make_the_property_so(self) -> None:
        async def unclear(target: Target, number: int) -> None:
            if number % 4:
                raise Undetermined("nothing can be said")

        found = await attempt(made(unclear))
        assert found.reason == "nothing can be said"

    async def test_a_few_undetermined_examples_are_counted_out(self) -> None:
        async def unclear(target: Target, number: int) -> None:
            if number % 16 == 0:
                raise Undetermined("nothing can be said")

        found = await attempt(made(unclear))
        assert found.reason is None
        assert {one.outcome for one in found.findings} == {Outcome.HOLDS}
        assert all(one.observed.endswith("of 50 examples") for one in found.findings)

    async def test_a_bug_of_the_property_is_an_error(self) -> None:
        async def broken(target: Target, number: int) -> None:
            raise RuntimeError("a bug of ours")

        found = await attempt(made(broken))
        assert found.error is not None and "a bug of ours" in found.error

    async def test_a_bug_of_the_strategies_is_an_error(self) -> None:
        async def well(target: Target, number: int) -> None: ...

        def broken(setting: Setting) -> dict[str, st.SearchStrategy[int]]:
            raise RuntimeError("no strategy")

        found = await attempt(made(well, given=broken))
        assert found.error is not None and "no strategy" in found.error

    async def test_where_time_is_short_what_was_tried_counts(self) -> None:
        first = asyncio.Event()

        async def slow(target: Target, number: int) -> None:
            if first.is_set():
                await asyncio.Event().wait()
            first.set()

        found = await attempt(made(slow), jobs=1, patience=0.05)
        assert {one.observed for one in found.findings} == {"1 of 50 examples"}

    async def test_where_there_was_time_for_none_it_is_undetermined(self) -> None:
        async def endless(target: Target, number: int) -> None:
            await asyncio.Event().wait()

        found = await attempt(made(endless), jobs=1, patience=0.05)
        assert found.reason == "none of 50 examples was done within 1 s"

    async def test_families_give_their_parameter_to_the_strategies(self) -> None:
        tried: list[tuple[int, int]] = []

        async def well(target: Target, most: int, number: int) -> None:
            tried.append((most, number))

        item = Check(
            "made/property[3]", "made", well, (3,), (REQUIREMENT,),
            given=lambda setting, most: {"number": st.integers(0, most)},
        )  # fmt: skip
        await attempt(item)
        assert sorted(tried) == [(3, 0), (3, 1), (3, 2), (3, 3)]
