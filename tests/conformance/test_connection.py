"""What is sent and what comes, the Pings and Closes that answer themselves, and the bounds of it all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.conformance.golden import (
    CLOSE_1000,
    CLOSE_1002,
    CLOSE_1005,
    CLOSE_EMPTY,
    CLOSE_OUT,
    HELLO,
    PING,
    PONG_OUT,
    RFC_101,
    RFC_KEY,
    TEXT_OUT,
    beside,
)
from tests.conformance.talk import SHORT, aim, talk
from tests.mutants import MutantServer
from wsproof.conformance.budget import Budget
from wsproof.conformance.check import Findings, Undetermined, Violation
from wsproof.conformance.connection import MAX_INBOX, MAX_PARTS
from wsproof.conformance.discovered import EchoForm
from wsproof.conformance.endpoint import Redactor, parse_endpoint
from wsproof.conformance.events import CUT, MAX_KEPT
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended, Message, Peer, Silence
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Frame, Masking, Opcode, ReceivedFrame

Waiting = Callable[[Peer], Awaitable[object]]


class TestPings:
    async def test_are_answered_and_never_counted_as_an_answer(self) -> None:
        async with talk() as at:
            await at.server.send(PING, HELLO)
            assert await at.peer.next_message() == Message(Opcode.TEXT, b"Hello")
            assert await at.server.frame() == (PONG_OUT, b"hi")
            assert at.peer.pings_received == 1

    async def test_every_expectation_passes_over_them(self) -> None:
        async with talk(echo=EchoForm()) as at:
            await at.server.send(PING, HELLO)
            await at.peer.expect_echo("Hello")
            await at.server.send(PING, b"\x8a\x01x")
            assert await at.peer.expect_pong(b"x") == []
            await at.server.send(PING, CLOSE_1002)
            assert (await at.peer.expect_failed(1002)).code == 1002

    async def test_one_alone_is_silence(self) -> None:
        async with talk(patience=SHORT) as at:
            await at.server.send(PING)
            with pytest.raises(Silence):
                await at.peer.next_event()
            assert at.peer.pings_received == 1

    async def test_are_not_answered_where_the_check_says_so(self) -> None:
        async with talk() as at:
            at.peer.answers_pings = False
            await at.server.send(PING, HELLO)
            await at.peer.next_event()
            await at.peer.send_text("mine")
            assert await at.server.frame() == (TEXT_OUT, b"mine")

    async def test_are_not_answered_within_a_half_sent_frame(self) -> None:
        async with talk() as at:
            whole = Frame(Opcode.TEXT, b"whole").encode()
            await at.peer.write(whole[:7])
            await at.server.send(b"\x89\x03old", b"\x89\x03new", HELLO)
            await at.peer.next_event()
            await at.peer.write(whole[7:])
            await at.peer.send_text("after")
            assert await at.server.frame() == (TEXT_OUT, b"whole")
            assert await at.server.frame() == (PONG_OUT, b"new")  # only the latest has to be answered (5.5.3)
            assert await at.server.frame() == (TEXT_OUT, b"after")

    async def test_an_owed_pong_is_not_sent_after_a_later_one(self) -> None:
        async with talk() as at:
            half = Frame(Opcode.TEXT, b"half").encode()
            await at.peer.write(half[:3])
            await at.server.send(b"\x89\x03old", HELLO)
            await at.peer.next_event()
            # Two frames in pieces: at the boundary between them the second Ping can be answered at once.
            rest = asyncio.create_task(at.peer.write(half[3:] + Frame(Opcode.TEXT, b"more").encode(), chop=len(half)))
            await at.server.send(b"\x89\x03new", HELLO)
            await at.peer.next_event()
            await rest
            await at.peer.send_text("last")
            answered = []
            while (frame := await at.server.frame()) != (TEXT_OUT, b"last"):
                if frame[0] == PONG_OUT:
                    answered.append(frame[1])
            assert answered in ([b"new"], [b"old", b"new"])

    async def test_a_target_that_does_not_read_gets_the_latest_pong_only(self) -> None:
        async with talk() as at:
            size = 16 * 1024 * 1024  # more than any pair of socket buffers holds
            big = asyncio.create_task(at.peer.send(Frame(Opcode.BINARY, bytes(size), masking=b"\0\0\0\0")))
            for number in range(10):
                await at.server.send(bytes((0x89, 1, number)))
            await at.server.send(HELLO)
            await at.peer.next_event()
            assert len((await at.server.frame())[1]) == size
            await big
            assert await at.server.frame() == (PONG_OUT, b"\x09")

    async def test_none_is_answered_after_our_close(self) -> None:
        async with talk() as at:
            await at.peer.send(Frame(Opcode.CLOSE, b"\x03\xe8"))
            await at.server.send(PING, HELLO)
            await at.peer.next_event()
            at.peer.half_close()
            assert await at.server.frame() == (CLOSE_OUT, b"\x03\xe8")
            assert await at.server.rest() == b""


class TestClose:
    @pytest.mark.parametrize(
        ("sent", "answer"),
        [
            (CLOSE_1002, b"\x03\xea"),
            (CLOSE_EMPTY, b""),
            (CLOSE_1005, b""),  # may never be sent, so it is not repeated
            (b"\x88\x05\x0b\xb8bye", b"\x0b\xb8"),
        ],
    )
    async def test_is_answered_with_its_code(self, sent: bytes, answer: bytes) -> None:
        async with talk() as at:
            await at.server.send(sent)
            close = await at.peer.expect_close()
            assert at.peer.close_received is close
            assert at.peer.close_sent
            assert await at.server.frame() == (CLOSE_OUT, answer)

    async def test_is_not_answered_where_the_check_says_so(self) -> None:
        async with talk() as at:
            at.peer.answers_close = False
            await at.server.send(CLOSE_1000)
            await at.peer.expect_close(1000)
            at.peer.half_close()
            assert await at.server.rest() == b""

    async def test_is_answered_after_a_half_sent_frame_and_nothing_follows_it(self) -> None:
        async with talk() as at:
            whole = Frame(Opcode.TEXT, b"whole").encode()
            await at.peer.write(whole[:4])
            await at.server.send(CLOSE_1000, PING)
            await at.peer.expect_close()
            await at.peer.write(whole[4:])
            at.peer.half_close()
            assert await at.server.frame() == (TEXT_OUT, b"whole")
            assert await at.server.frame() == (CLOSE_OUT, b"\x03\xe8")
            assert await at.server.rest() == b""

    async def test_one_that_crosses_a_half_sent_close_of_ours_is_not_answered_by_a_second(self) -> None:
        async with talk() as at:
            ours = Frame(Opcode.CLOSE, b"\x03\xe9").encode()
            await at.peer.write(ours[:4])
            await at.server.send(PING, CLOSE_1002)
            await at.peer.expect_close()
            await at.peer.write(ours[4:])
            at.peer.half_close()
            assert await at.server.frame() == (CLOSE_OUT, b"\x03\xe9")
            assert await at.server.rest() == b""

    async def test_closing_handshake(self) -> None:
        async with talk() as at:

            async def answer() -> None:
                assert await at.server.frame() == (CLOSE_OUT, b"\x03\xe8bye")
                await at.server.send(CLOSE_1000)

            close = await beside(at.peer.closing_handshake(1000, "bye"), answer())
            assert close.close_code == 1000


class TestWriting:
    async def test_chopped_into_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with talk() as at:
            pieces: list[bytes] = []
            write = at.peer.link.write

            def recorded(data: bytes) -> None:
                pieces.append(data)
                write(data)

            monkeypatch.setattr(at.peer.link, "write", recorded)
            await at.peer.send(Frame(Opcode.TEXT, b"abcdefghij", masking=b"\1\2\3\4"), chop=3)
            assert [len(piece) for piece in pieces] == [3, 3, 3, 3, 3, 1]
            assert await at.server.frame() == (TEXT_OUT, b"abcdefghij")

    async def test_several_frames_go_out_in_one_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with talk() as at:
            pieces: list[bytes] = []
            monkeypatch.setattr(at.peer.link, "write", pieces.append)
            await at.peer.send(Frame(Opcode.TEXT, b"a"), Frame(Opcode.PING), Frame(Opcode.TEXT, b"b"))
            assert len(pieces) == 1

    async def test_to_a_target_that_stops_reading_is_a_violation_by_silence(self) -> None:
        async with talk(patience=SHORT) as at:
            with pytest.raises(Violation, match="the target to read on") as caught:
                await at.peer.send(Frame(Opcode.BINARY, bytes(32 * 1024 * 1024), masking=Masking.NONE))
            assert caught.value.silence

    async def test_to_a_target_that_ends_is_no_violation(self) -> None:
        async with talk() as at:
            big = asyncio.create_task(at.peer.send(Frame(Opcode.BINARY, bytes(32 * 1024 * 1024), masking=Masking.NONE)))
            await at.server.reader.readexactly(1000)
            at.server.reset()
            await big
            assert await at.peer.expect_end() is TcpEnd.RST

    async def test_half_close(self) -> None:
        async with talk() as at:
            at.peer.half_close()
            assert await at.server.rest() == b""
            await at.server.send(HELLO)
            assert await at.peer.next_message() == Message(Opcode.TEXT, b"Hello")
            await at.peer.send_text("not sent any more")
            at.server.fin()
            assert await at.peer.expect_end() is TcpEnd.FIN
            assert [entry.text for entry in at.transcript if entry.what == "tcp"][1:] == ["FIN (half close)", "FIN"]
            assert not [entry for entry in at.transcript if entry.what == "frame" and entry.dir == "out"]

    async def test_reset(self) -> None:
        async with talk() as at:
            at.peer.reset()
            with pytest.raises(ConnectionResetError):
                await at.server.rest()
            assert [entry.text for entry in at.transcript if entry.what == "tcp"][1:] == ["RST"]

    async def test_what_we_end_ourselves_is_not_told_as_the_target_s_doing(self) -> None:
        async with talk() as at:
            transcript = at.target.transcript
        async with talk():
            pass  # by now the first connection is gone
        assert [entry.text for entry in transcript.entries if entry.what == "tcp"] == ["connected"]


class TestReading:
    async def test_fragments_are_put_together_and_pongs_passed_over(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x02\x02ab", b"\x8a\x00", PING, b"\x00\x01c", b"\x80\x01d")
            assert await at.peer.next_message() == Message(Opcode.BINARY, b"abcd", 3)

    async def test_a_message_that_is_not_continued_gives_way_to_the_next(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x01\x01a", HELLO)
            assert await at.peer.next_message() == Message(Opcode.TEXT, b"Hello")

    async def test_close_and_the_end_are_told_as_they_are(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1000)
            at.server.fin()
            close = await at.peer.next_message()
            assert isinstance(close, ReceivedFrame) and close.close_code == 1000
            assert await at.peer.next_message() == Ended(TcpEnd.FIN)
            assert await at.peer.next_event() == Ended(TcpEnd.FIN)
            assert str(Ended(TcpEnd.FIN)) == "TCP end (FIN)"

    async def test_a_message_without_end_is_undetermined(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x01\x00", b"\x00\x00" * MAX_PARTS)
            with pytest.raises(Undetermined, match="without end"):
                await at.peer.next_message()

    async def test_the_start_of_a_frame_can_be_seen(self) -> None:
        async with talk(patience=SHORT) as at:
            seen = [at.peer.at_frame_boundary]
            await at.server.send(b"\x81\x05He")
            with pytest.raises(Silence):
                await at.peer.next_event()
            seen.append(at.peer.at_frame_boundary)
            assert seen == [True, False]
            assert at.peer.partial_frame == b"\x81\x05He"

    async def test_drain_takes_what_comes_until_the_end(self) -> None:
        async with talk() as at:
            await at.server.send(HELLO, PING, CLOSE_1000)
            at.server.fin()
            text, close, end = await at.peer.drain()
            assert [str(text), str(close), str(end)] == ["Text len=5 'Hello'", "Close 1000", "TCP end (FIN)"]

    async def test_drain_ends_with_the_patience(self) -> None:
        async with talk(patience=SHORT) as at:
            await at.server.send(HELLO)
            assert [str(event) for event in await at.peer.drain()] == ["Text len=5 'Hello'"]

    async def test_what_is_kept_is_bounded_and_holds_the_last(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x81\x01x" * (MAX_KEPT + 50))
            at.server.fin()
            came = await at.peer.drain()
            assert len(came) == MAX_KEPT
            assert came[-1] == Ended(TcpEnd.FIN)

    async def test_what_is_kept_is_bounded_in_bytes(self) -> None:
        async with talk() as at:
            big = b"\x82\x7f" + (2**20).to_bytes(8, "big") + bytes(2**20)
            sending = asyncio.create_task(at.server.send(*[big] * 4))
            await at.peer.send(Frame(Opcode.PING, b"end"))
            await sending
            await at.server.send(b"\x8a\x03end")
            came = await at.peer.expect_pong(b"end")
            kept = [len(frame.payload) for frame in came if isinstance(frame, ReceivedFrame)]
            assert kept == [2**20, 2**20, CUT, CUT]

    async def test_frames_are_read_along_by_the_lint(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x81\x7e\x00\x01x")
            await at.peer.next_event()
            assert [finding.requirement for finding in at.observed] == ["rfc6455-5.2-9"]

    async def test_an_impossible_length_is_judged_before_the_frame_is_whole(self) -> None:
        async with talk(patience=SHORT) as at:
            await at.server.send(b"\x82\x7f\x80" + bytes(7))
            with pytest.raises(Silence):
                await at.peer.next_event()
            assert [finding.requirement for finding in at.observed] == ["rfc6455-5.2-7"]


class TestMemory:
    @pytest.mark.parametrize(
        "expect",
        [
            lambda peer: peer.next_event(),
            lambda peer: peer.next_message(),
            lambda peer: peer.expect_message(Opcode.TEXT, b"Hello"),
            lambda peer: peer.expect_pong(b"x"),
            lambda peer: peer.fence(),
            lambda peer: peer.expect_alive(),
            lambda peer: peer.expect_failed(1002),
            lambda peer: peer.expect_failed(1002, discard_warns=True),
            lambda peer: peer.expect_close(),
            lambda peer: peer.expect_end(),
            lambda peer: peer.drain(),
            lambda peer: peer.send(Frame(Opcode.BINARY, bytes(32 * 1024 * 1024), masking=Masking.NONE)),
        ],
        ids=["event", "message", "expect-message", "pong", "fence", "alive", "failed", "discarded", "close", "end",
             "drain", "write"],
    )  # fmt: skip
    async def test_a_starved_connection_is_undetermined_and_never_a_violation(self, expect: Waiting) -> None:
        budget = Budget(1_000_000)
        async with talk(patience=SHORT, budget=budget) as at:
            budget.take(budget.total)  # other connections hold it all
            at.peer.link.data_received(PING)  # the last that is read
            await at.server.send(HELLO, b"\x8a\x01x", CLOSE_1002)
            at.server.fin()
            with pytest.raises(Undetermined, match="memory budget"):
                await expect(at.peer)

    async def test_what_was_read_before_is_still_judged(self) -> None:
        budget = Budget(1_000_000)
        async with talk(budget=budget) as at:
            budget.take(budget.total)
            await at.server.send(HELLO)
            assert await at.peer.next_message() == Message(Opcode.TEXT, b"Hello")

    async def test_a_flood_stops_being_read_until_it_is_taken(self) -> None:
        budget = Budget()
        chunk = b"\x82\x7e\xff\xff" + bytes(0xFFFF)
        async with talk(budget=budget) as at:
            sending = asyncio.create_task(at.server.send(*[chunk] * 1000))
            got = 0
            while got < 1000:
                event = await at.peer.next_event()
                assert isinstance(event, ReceivedFrame)
                got += 1
                assert budget.held < 8 * MAX_INBOX
            await sending
        assert budget.held == 0

    async def test_all_is_given_back_at_the_end(self) -> None:
        budget = Budget()
        async with talk(budget=budget) as at:
            await at.server.send(HELLO, b"\x82\x7f" + (1000).to_bytes(8, "big") + b"partial", PING)
            await at.peer.next_event()
            assert budget.held > 0
        assert budget.held == 0


class TestHttp:
    async def test_what_comes_with_the_101_is_frames(self) -> None:
        async with aim() as at, at.target.open() as peer:
            await peer.send_request(at.target.endpoint.request(RFC_KEY))
            peer.link.data_received(RFC_101 + HELLO)
            response = await peer.read_response()
            assert response is not None and response.accepted
            assert await peer.next_message() == Message(Opcode.TEXT, b"Hello")

    async def test_what_comes_before_the_response_is_looked_at_is_not_lost(self) -> None:
        """As on a request that is sent in pieces with pauses: nobody waits for the response yet."""
        async with aim() as at, at.target.open() as peer:
            await peer.send_request(at.target.endpoint.request(RFC_KEY))
            peer.link.data_received(RFC_101)
            peer.link.data_received(HELLO[:3])
            peer.link.data_received(HELLO[3:])
            await peer.read_response()
            assert await peer.next_message() == Message(Opcode.TEXT, b"Hello")

    async def test_bytes_after_another_response_stay_in_order(self) -> None:
        async with aim() as at, at.target.open() as peer:
            await peer.send_request(at.target.request())
            peer.link.data_received(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\nfirst ")
            peer.link.data_received(b"second ")
            response = await peer.read_response()
            peer.link.data_received(b"third")
            assert response is not None and response.status == 400
            assert peer.unread == b"first second third"


class TestUnfinishedFrames:
    async def test_what_was_left_unfinished_is_in_the_transcript(self) -> None:
        findings = Findings(("rfc6455-5.2-2",))
        transcript = Transcript(Redactor())
        async with MutantServer() as server:
            target = Target(Setting(parse_endpoint(server.url), patience=5), findings, transcript)
            async with target.connect() as peer:
                await peer.write(bytes.fromhex("8185000000006865"))
        (entry,) = [entry for entry in transcript.entries if entry.what == "bytes"]
        assert (entry.dir, entry.head) == ("out", "8185000000006865")
