"""The chapter text_utf8: its samples, what bare targets may do, and targets that are odd but right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mutants import MutantServer, Switch
from tests.mutants.connection import PING, TEXT, Connection, InFrame, Reaction
from tests.mutants.text_utf8 import InvalidTextFoundAtTheEnd
from tests.proof.harness import chapter_checks
from wsproof.conformance.check import Check, Need
from wsproof.conformance.checks import _utf8_samples as samples
from wsproof.conformance.checks._bad_text import Answers, reaction_in
from wsproof.conformance.discovered import NOTHING_KNOWN, Discovered, EchoForm
from wsproof.conformance.discovery import discover, probe_target
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended
from wsproof.conformance.runner import Attempt, Runner
from wsproof.conformance.target import Setting
from wsproof.conformance.wire.frames import CloseCode, Frame, FrameParser, Opcode, ReceivedFrame, close_frame
from wsproof.reports.model import Outcome

GROUP_6 = {
    1: 3, 2: 4, 3: 2, 4: 4, 5: 5, 6: 11, 7: 4, 8: 2, 9: 4, 10: 3, 11: 5, 12: 8, 13: 5, 14: 10, 15: 1, 16: 3, 17: 5,
    18: 5, 19: 5, 20: 7, 21: 8, 22: 34, 23: 7,
}  # fmt: skip
"""How many cases each part of Autobahn's group 6 has."""


def checks(*names: str) -> list[Check]:
    """The chapter's checks whose id contains one of these words; all without any."""
    found = [item for item in chapter_checks("text_utf8") if not names or any(name in item.id for name in names)]
    assert found
    return found


def odd(part: type[Connection]) -> Switch:
    """A server with that connection."""
    return Switch(part.__name__, "", (), (), part, "text_utf8")


async def run(server: MutantServer, chosen: Iterable[Check], path: str = "/echo") -> list[Attempt]:
    """Run checks against a path of a server; none may end in an error."""
    setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=0.5)
    setting = replace(setting, found=await discover(setting))
    attempts = [attempt async for attempt in Runner(setting, list(chosen), jobs=16).run()]
    assert [attempt.error for attempt in attempts if attempt.error] == []
    return attempts


def seen(attempts: Iterable[Attempt], *outcomes: Outcome) -> list[str]:
    """The findings with those outcomes, in one line each."""
    return [
        f"{attempt.check.id}: {finding.requirement}: {finding.observed}"
        for attempt in attempts
        for finding in attempt.findings
        if finding.outcome in outcomes
    ]


class TestSamples:
    def test_autobahn_s_cases_are_all_named_once(self) -> None:
        named = sorted(case for item in checks() for case in item.autobahn)
        assert named == sorted(f"6.{part}.{case + 1}" for part, count in GROUP_6.items() for case in range(count))

    @pytest.mark.parametrize("word", [*samples.INVALID, *samples.CUT_OFF, *samples.UNSAFE])
    def test_bad_text_is_no_utf8(self, word: str) -> None:
        octets = {**samples.INVALID, **samples.CUT_OFF, **samples.UNSAFE}[word]
        with pytest.raises(UnicodeDecodeError):
            octets.decode()

    def test_the_other_bad_octets_are_no_utf8(self) -> None:
        cut_short = [octets + b"A" for beginnings in samples.CUT_SHORT.values() for octets in beginnings]
        for octets in (*samples.NEVER, *samples.BAD_SECOND, *cut_short):
            with pytest.raises(UnicodeDecodeError):
                octets.decode()

    def test_good_text_is_utf8(self) -> None:
        for octets in (*samples.VALID.values(), *samples.SPLIT.values()):
            assert octets.decode().encode() == octets

    @pytest.mark.parametrize(
        ("octets", "beginning"),
        [
            ("", ""),
            ("41", "41"),
            ("ff", ""),
            ("c0", ""),
            ("c1bf", ""),
            ("41c3", "41c3"),
            ("e282", "e282"),
            ("41e28241", "41e282"),
            ("eda080", "ed"),
            ("ed9f", "ed9f"),
            ("e080", "e0"),
            ("e0bf", "e0bf"),
            ("f48fbf", "f48fbf"),
            ("f490", "f4"),
            ("f080", "f0"),
            ("f09f98c3a9", "f09f98"),
            ("f5808080", ""),
            ("c3a9a9", "c3a9"),
        ],
    )
    def test_valid_beginning(self, octets: str, beginning: str) -> None:
        assert samples.valid_beginning(bytes.fromhex(octets)).hex() == beginning

    @given(st.text(), st.binary(max_size=4))
    def test_valid_beginning_holds_the_text_before_what_is_bad(self, text: str, rest: bytes) -> None:
        octets = text.encode() + rest
        beginning = samples.valid_beginning(octets)
        assert octets.startswith(beginning)
        assert beginning.startswith(text.encode())


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> ReceivedFrame:
    """A frame as it came."""
    return next(iter(FrameParser().feed(Frame(opcode, payload, fin=fin).encode())))


def answers(octets: bytes, found: Discovered) -> Answers:
    """Those to bad text from a target that was found to be like that."""
    return Answers(probe_target(Setting(parse_endpoint("ws://127.0.0.1:1/"), found=found)), octets)


class TestAnswers:
    BAD = b"good\xc3\xa9\xffmore"
    ECHO = Discovered(echo=EchoForm(prefix=b"you: "))
    CHATTY = replace(ECHO, chatty=True)

    @pytest.mark.parametrize(
        "came", [b"you: good\xc3\xa9\xffmore", "you: goodé\ufffdmore".encode(), b"you: good??more", b"you: goodmore"]
    )
    def test_an_echo_of_bad_text_is_a_sign(self, came: bytes) -> None:
        assert "answered" in (answers(self.BAD, self.ECHO).sign_of(frame(TEXT, came)) or "")

    def test_other_messages_are_none(self) -> None:
        assert answers(self.BAD, self.ECHO).sign_of(frame(TEXT, b"invalid UTF-8, good-bye")) is None
        assert answers(self.BAD, self.CHATTY).sign_of(frame(TEXT, b"you: goodmore")) is None
        assert answers(self.BAD, self.CHATTY).sign_of(frame(PING, self.BAD)) is None

    def test_where_the_target_pushes_only_the_bad_text_itself_is_a_sign(self) -> None:
        assert answers(self.BAD, self.CHATTY).sign_of(frame(TEXT, b"you: " + self.BAD)) is not None
        assert answers(self.BAD, self.CHATTY).sign_of(frame(TEXT, "you: good\ufffd\ufffdmore".encode())) is not None
        assert answers(self.BAD, self.CHATTY).sign_of(frame(TEXT, b"you: ", fin=False)) is None

    def test_without_an_echo_form_nothing_is(self) -> None:
        assert answers(self.BAD, NOTHING_KNOWN).sign_of(frame(TEXT, self.BAD)) is None

    def test_the_valid_beginning_may_come_back_unfinished(self) -> None:
        reader = answers(self.BAD, self.ECHO)
        assert reader.sign_of(frame(TEXT, b"you: good\xc3", fin=False)) is None
        assert reader.sign_of(frame(Opcode.CONTINUATION, b"\xa9", fin=False)) is None
        assert "beginning" in (reader.sign_of(frame(Opcode.CONTINUATION, b"\xff", fin=False)) or "")

    def test_reactions(self) -> None:
        reader = answers(self.BAD, self.ECHO)
        ends = {
            Outcome.HOLDS: [close_frame(CloseCode.INVALID_PAYLOAD)],
            Outcome.WARNED: [close_frame(CloseCode.PROTOCOL_ERROR), close_frame(None)],
        }
        for outcome, frames in ends.items():
            for item in frames:
                reaction = reaction_in(reader, frame(item.opcode, item.payload))
                assert reaction is not None
                assert reaction.outcome is outcome
        for how in TcpEnd:
            end = reaction_in(reader, Ended(how))
            assert end is not None
            assert end.outcome is Outcome.HOLDS


class TestTargetsWithoutEcho:
    @pytest.mark.parametrize("path", ["/push", "/swallow", "/constant", "/greet", "/prefix"])
    async def test_nothing_is_held_against_them(self, path: str) -> None:
        async with MutantServer() as server:
            attempts = await run(server, checks(), path)
        assert seen(attempts, Outcome.VIOLATED, Outcome.WARNED, Outcome.UNDETERMINED) == []
        skipped = {attempt.skipped for attempt in attempts if attempt.skipped}
        assert skipped <= {Need.ECHO.value, Need.BINARY_ECHO.value}
        judged = [attempt.check.id for attempt in attempts if not attempt.skipped]
        assert {"text-utf8/invalid-in-one-frame[6.3.1]", "text-utf8/fail-fast[6.4.4]"} <= set(judged)

    @pytest.mark.parametrize("path", ["/push", "/swallow", "/constant"])
    async def test_bad_text_that_passes_is_found_there_too(self, path: str) -> None:
        async with MutantServer("invalid-text-echoed") as server:
            attempts = await run(server, checks("[6.3.1]", "[6.4.3]", "[cut-off]"), path)
        assert len(attempts) == 3
        for attempt in attempts:
            assert "the connection is open and working" in "".join(seen([attempt], Outcome.VIOLATED))


class Pinging(InvalidTextFoundAtTheEnd):
    """Sends a Ping for each piece of a data frame, so also while a frame is on its way; finds bad text at the end."""

    def take_payload(self, frame: InFrame, chunk: bytes) -> None:
        """See Connection."""
        if not frame.is_control:
            self.send_frame(PING, b"keep-alive")
        super().take_payload(frame, chunk)


class Streaming(Connection):
    """Echoes the valid beginning of bad text as a fragment, then fails the connection."""

    def on_invalid_utf8(self) -> Reaction:
        """See Connection."""
        try:
            self.message.decode()
        except UnicodeDecodeError as error:
            self.send_frame(TEXT, bytes(self.message[: error.start]), fin=False)
        return super().on_invalid_utf8()


class EndsTcp(Connection):
    """Fails the connection without a Close for bad text."""

    def on_invalid_utf8(self) -> Reaction:
        """See Connection."""
        self.close_sent = True
        return self.fail(1007)


class TestOddButRight:
    async def test_pings_in_the_middle_of_a_frame_disturb_nothing(self) -> None:
        async with MutantServer(odd(Pinging)) as server:
            attempts = await run(server, checks())
        assert seen(attempts, Outcome.VIOLATED, Outcome.WARNED, Outcome.UNDETERMINED) == []
        late = seen(attempts, Outcome.NOTED)
        assert len(late) == len(checks("fail-fast"))
        assert all("only when the message was complete" in line for line in late)

    @pytest.mark.parametrize("part", [Streaming, EndsTcp])
    async def test_other_ways_to_fail_a_connection(self, part: type[Connection]) -> None:
        async with MutantServer(odd(part)) as server:
            attempts = await run(server, checks())
        assert seen(attempts, Outcome.VIOLATED, Outcome.WARNED, Outcome.NOTED, Outcome.UNDETERMINED) == []
        if part is EndsTcp:
            assert len([line for line in seen(attempts, Outcome.HOLDS) if line.endswith("without a Close frame")]) > 90
