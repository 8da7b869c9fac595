"""The peer against a scripted server: what it answers by itself, what it waits for, and how it judges what comes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import trustme

from tests.conformance.talk import LONG, REQUIREMENT, SHORT, aim, talk
from tests.mutants import MutantServer
from tests.peers.scripted import Wire, scripted
from wsproof.conformance.budget import Budget
from wsproof.conformance.check import Findings, Undetermined, Violation
from wsproof.conformance.connection import MAX_INBOX, MAX_PARTS
from wsproof.conformance.discovered import EchoForm
from wsproof.conformance.endpoint import Redactor, parse_endpoint
from wsproof.conformance.errors import TargetGone
from wsproof.conformance.events import CUT, MAX_KEPT
from wsproof.conformance.link import Link, TcpEnd, open_link
from wsproof.conformance.peer import Ended, Failed, Message, Peer, Silence, describe_all
from wsproof.conformance.serve import free_port
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Frame, Masking, Opcode, ReceivedFrame
from wsproof.reports.model import Outcome

HELLO = b"\x81\x05Hello"
PING = b"\x89\x02hi"
CLOSE_1000 = b"\x88\x02\x03\xe8"
CLOSE_1002 = b"\x88\x02\x03\xea"
CLOSE_1005 = b"\x88\x02\x03\xed"
CLOSE_EMPTY = b"\x88\x00"
RFC_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
RFC_101 = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
"""The answer to that key in RFC 6455, section 1.3."""
PONG_OUT = 0x8A
CLOSE_OUT = 0x88
TEXT_OUT = 0x81

T = TypeVar("T")


async def pongs(server: Wire) -> None:
    """Answer each Ping, until the connection ends."""
    while True:
        first, payload = await server.frame()
        if first == 0x89:
            await server.send(bytes((0x8A, len(payload))), payload)


async def beside(awaited: Awaitable[T], server: Awaitable[None]) -> T:
    """What the peer's side returns or raises, while the server's side runs along."""
    running = asyncio.ensure_future(server)
    try:
        return await awaited
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


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


class TestExpectMessage:
    async def test_the_echo_in_the_target_s_wording(self) -> None:
        async with talk(echo=EchoForm(b"<", b">", None)) as at:
            echoing = asyncio.create_task(at.peer.echo("Hi", chop=2))
            assert await at.server.frame() == (TEXT_OUT, b"Hi")
            await at.server.send(b"\x81\x04<Hi>")
            assert await echoing == Message(Opcode.TEXT, b"<Hi>")

    async def test_without_a_known_echo_is_undetermined(self) -> None:
        async with talk() as at:
            with pytest.raises(Undetermined, match="not known to echo"):
                await at.peer.echo("Hi")

    @pytest.mark.parametrize(
        ("sent", "observed"),
        [
            (b"\x81\x05World", "Text message of 5 bytes 'World'"),
            (b"\x82\x05Hello", "Binary message of 5 bytes 'Hello'"),
            (CLOSE_1000, "Close 1000"),
        ],
    )
    async def test_anything_else_is_a_violation(self, sent: bytes, observed: str) -> None:
        async with talk(echo=EchoForm()) as at:
            await at.server.send(sent)
            with pytest.raises(Violation) as caught:
                await at.peer.expect_echo("Hello")
            assert caught.value.expected == "Text message of 5 bytes 'Hello'"
            assert caught.value.observed == observed
            assert not caught.value.silence

    async def test_the_end_is_a_violation(self) -> None:
        async with talk(echo=EchoForm()) as at:
            at.server.fin()
            with pytest.raises(Violation, match=r"TCP end \(FIN\)"):
                await at.peer.expect_echo("Hello")

    async def test_silence_says_that_it_is_silence(self) -> None:
        async with talk(echo=EchoForm(), patience=SHORT) as at:
            with pytest.raises(Violation, match=r"nothing within 0\.2 s") as caught:
                await at.peer.expect_echo("Hello")
            assert caught.value.silence

    async def test_a_patience_of_its_own_is_the_one_that_is_told(self) -> None:
        async with talk() as at:
            with pytest.raises(Violation, match=r"nothing within 0\.1 s"):
                await at.peer.expect_message(Opcode.TEXT, b"Hello", patience=0.1)
            with pytest.raises(Violation, match=r"none within 0\.1 s"):
                await at.peer.expect_pong(b"", patience=0.1)
            with pytest.raises(Violation, match=r"none within 0\.1 s"):
                await at.peer.expect_close(patience=0.1)
            with pytest.raises(Violation, match=r"still open after 0\.1 s"):
                await at.peer.expect_end(patience=0.1)

    async def test_pushes_of_a_chatty_target_are_passed_over(self) -> None:
        async with talk(echo=EchoForm(), chatty=True) as at:
            await at.server.send(b"\x81\x04tick", b"\x82\x04tock", HELLO)
            await at.peer.expect_echo("Hello")


class TestExpectPong:
    async def test_returns_what_came_before(self) -> None:
        async with talk() as at:
            pinging = asyncio.create_task(at.peer.ping(b"mine"))
            assert await at.server.frame() == (0x89, b"mine")
            await at.server.send(HELLO, b"\x8a\x05other", b"\x8a\x04mine")
            assert [str(event) for event in await pinging] == ["Text len=5 'Hello'", "Pong len=5 'other'"]

    async def test_a_wrong_payload_alone_is_a_violation_that_names_it(self) -> None:
        async with talk(patience=SHORT) as at:
            await at.server.send(b"\x8a\x05other")
            with pytest.raises(Violation, match=r"none within 0\.2 s \(but Pong len=5 'other'\)") as caught:
                await at.peer.expect_pong(b"mine")
            assert caught.value.silence

    async def test_close_instead_is_a_violation_at_once(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1002)
            with pytest.raises(Violation, match="Close 1002") as caught:
                await at.peer.expect_pong(b"mine")
            assert not caught.value.silence


class TestFence:
    async def test_returns_all_that_came_before_the_pong(self) -> None:
        async with talk() as at:
            fencing = asyncio.create_task(at.peer.fence())
            first, nonce = await at.server.frame()
            assert first == 0x89
            await at.server.send(HELLO, b"\x8a\x00", bytes((0x8A, len(nonce))), nonce, b"\x81\x04late")
            assert [str(event) for event in await fencing] == ["Text len=5 'Hello'", "Pong len=0"]

    async def test_each_has_a_payload_of_its_own(self) -> None:
        async with talk() as at:
            await beside(at.peer.fence(), pongs(at.server))
            await at.peer.send_text("between")
            second = asyncio.create_task(at.peer.fence())
            frames = [await at.server.frame(), await at.server.frame()]
            await at.server.send(bytes((0x8A, len(frames[1][1]))), frames[1][1])
            assert await second == []

    async def test_unanswered_is_undetermined(self) -> None:
        async with talk(patience=SHORT) as at:
            await at.server.send(HELLO)
            with pytest.raises(Undetermined, match="not answered within"):
                await at.peer.fence()

    async def test_close_or_the_end_is_the_last_event(self) -> None:
        async with talk() as at:
            await at.server.send(HELLO, CLOSE_1000)
            assert [str(event) for event in await at.peer.fence()] == ["Text len=5 'Hello'", "Close 1000"]
            at.server.fin()
            assert await at.peer.fence() == [Ended(TcpEnd.FIN)]

    async def test_alive(self) -> None:
        async with talk() as at:
            await at.server.send(HELLO)
            before = await beside(at.peer.expect_alive(), pongs(at.server))
            assert [str(event) for event in before] == ["Text len=5 'Hello'"]

    async def test_not_alive(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1002)
            with pytest.raises(Violation, match="Close 1002") as caught:
                await at.peer.expect_alive("rfc6455-5.5.2-2")
            assert caught.value.requirement == "rfc6455-5.5.2-2"


class TestExpectFailed:
    @pytest.mark.parametrize(
        ("sent", "code"),
        [(CLOSE_1002, 1002), (b"\x88\x06\x03\xeaoops", 1002), (CLOSE_EMPTY, None), (b"\x88\x02\x03\xef", 1007)],
    )
    async def test_the_right_close_passes(self, sent: bytes, code: int | None) -> None:
        async with talk() as at:
            await at.server.send(sent)
            assert (await at.peer.expect_failed(1002, 1007)).code == code
            assert at.found == []

    async def test_another_code_is_warned(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1000)
            failed = await at.peer.expect_failed(1002, requirement=REQUIREMENT)
            assert failed.code == 1000
            (finding,) = at.found
            assert finding.outcome is Outcome.WARNED
            assert finding.expected == "the connection failed with 1002, or TCP end"
            assert finding.observed == "Close 1000"

    async def test_without_codes_any_close_passes(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1000)
            assert (await at.peer.expect_failed()).code == 1000
            assert at.found == []

    @pytest.mark.parametrize("end", [TcpEnd.FIN, TcpEnd.RST])
    async def test_the_end_of_tcp_passes(self, end: TcpEnd) -> None:
        async with talk() as at:
            if end is TcpEnd.FIN:
                at.server.fin()
            else:
                at.server.reset()
            assert await at.peer.expect_failed(1002) == Failed(None, end)
            assert at.found == []

    async def test_open_and_working_is_a_violation(self) -> None:
        async with talk() as at:
            with pytest.raises(Violation, match="open and working") as caught:
                await beside(at.peer.expect_failed(1002, requirement=REQUIREMENT), pongs(at.server))
            assert not caught.value.silence
            assert caught.value.requirement == REQUIREMENT

    async def test_or_a_warning_where_the_frame_may_be_discarded(self) -> None:
        async with talk() as at:
            failed = await beside(at.peer.expect_failed(1002, discard_warns=True), pongs(at.server))
            assert failed == Failed(None, None)
            assert [(finding.outcome, finding.observed) for finding in at.found] == [
                (Outcome.WARNED, "the frame was discarded")
            ]

    async def test_silence_is_a_violation_that_rests_on_silence_after_a_later_ping(self) -> None:
        async with talk(patience=SHORT) as at:
            with pytest.raises(Violation, match="a later Ping stays unanswered") as caught:
                await at.peer.expect_failed(1002, discard_warns=True)
            assert caught.value.silence
            assert (await at.server.frame())[0] == 0x89

    async def test_no_ping_is_sent_to_a_target_that_fails_at_once(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1002)
            await at.peer.expect_failed(1002)
            assert await at.server.frame() == (CLOSE_OUT, b"\x03\xea")

    async def test_a_close_that_comes_after_the_ping_passes(self) -> None:
        async with talk() as at:

            async def late(server: Wire) -> None:
                assert (await server.frame())[0] == 0x89
                await server.send(CLOSE_1002)

            assert (await beside(at.peer.expect_failed(1002), late(at.server))).code == 1002

    async def test_a_pong_with_a_taken_payload_is_a_violation(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x8a\x03bad", CLOSE_1002)
            with pytest.raises(Violation, match="it was answered: Pong len=3 'bad'"):
                await at.peer.expect_failed(1002, taken=[b"bad"])

    async def test_another_pong_proves_nothing(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x8a\x00", CLOSE_1002)
            await at.peer.expect_failed(1002, taken=[b"bad"])

    @pytest.mark.parametrize("echo", [EchoForm(), EchoForm(b"<", b">"), None])
    @pytest.mark.parametrize(
        "sent", [b"\x81\x05<bad>", b"\x82\x07say:bad", b"\x01\x02<b\x80\x03ad>"], ids=["text", "binary", "fragments"]
    )
    async def test_a_message_that_holds_a_taken_payload_is_a_violation(
        self, sent: bytes, echo: EchoForm | None
    ) -> None:
        async with talk(echo=echo) as at:
            await at.server.send(sent, CLOSE_1002)
            with pytest.raises(Violation, match="it was taken as a message"):
                await at.peer.expect_failed(1002, taken=[b"bad"])

    async def test_an_empty_taken_payload_is_known_by_the_whole_echo(self) -> None:
        async with talk(echo=EchoForm(b"<", b">")) as at:
            await at.server.send(b"\x81\x02<>", CLOSE_1002)
            with pytest.raises(Violation, match="it was taken as a message"):
                await at.peer.expect_failed(1002, taken=[b""])

    async def test_echoes_of_earlier_messages_are_passed_over(self) -> None:
        async with talk(echo=EchoForm(b"<", b">")) as at:
            await at.server.send(b"\x81\x05<one>", b"\x01\x02<t", b"\x80\x03wo>", CLOSE_1002)
            assert (await at.peer.expect_failed(1002, taken=[b"bad"], earlier=[b"one", b"two"])).code == 1002
            assert at.found == []

    @pytest.mark.parametrize("echo", [EchoForm(), None])
    async def test_pushes_of_a_chatty_target_are_passed_over(self, echo: EchoForm | None) -> None:
        async with talk(echo=echo, chatty=True) as at:
            await at.server.send(b"\x81\x04tick", b"\x01\x02ti", b"\x80\x02ck", PING, CLOSE_1002)
            assert (await at.peer.expect_failed(1002, taken=[b"bad"])).code == 1002
            assert at.found == []

    async def test_a_chatty_target_that_goes_on_is_open_and_working(self) -> None:
        async with talk(chatty=True) as at:

            async def push(server: Wire) -> None:
                answering = asyncio.ensure_future(pongs(server))
                try:
                    while True:
                        await server.send(b"\x81\x04tick")
                        await asyncio.sleep(0.01)
                finally:
                    answering.cancel()

            with pytest.raises(Violation, match="open and working"):
                await beside(at.peer.expect_failed(1002, taken=[b"bad"]), push(at.server))

    async def test_a_sign_that_only_the_check_can_read(self) -> None:
        async with talk(echo=EchoForm()) as at:
            await at.server.send(b"\x81\x03bad", b"\x81\x04sign", CLOSE_1002)
            with pytest.raises(Violation, match="a sign of it"):
                await at.peer.expect_failed(
                    1002, taken=[b"bad"], sign_of=lambda frame: "a sign of it" if frame.payload == b"sign" else None
                )


class TestExpectClose:
    async def test_frames_before_it_are_passed_over(self) -> None:
        async with talk() as at:
            await at.server.send(HELLO, b"\x8a\x00", CLOSE_1000)
            assert (await at.peer.expect_close(1000)).close_code == 1000

    async def test_no_code(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_EMPTY)
            assert (await at.peer.expect_close(1000, None)).close_code is None

    async def test_another_code_is_a_violation(self) -> None:
        async with talk() as at:
            await at.server.send(CLOSE_1002)
            with pytest.raises(Violation, match="expected a Close frame with 1000 or no code; observed Close 1002"):
                await at.peer.expect_close(1000, None)

    async def test_the_end_without_it_is_a_violation(self) -> None:
        async with talk() as at:
            at.server.fin()
            with pytest.raises(Violation, match=r"TCP end \(FIN\) without a Close frame"):
                await at.peer.expect_close()

    async def test_silence(self) -> None:
        async with talk(patience=SHORT) as at:
            with pytest.raises(Violation, match="none within") as caught:
                await at.peer.expect_close()
            assert caught.value.silence


class TestExpectEnd:
    @pytest.mark.parametrize("end", [TcpEnd.FIN, TcpEnd.RST])
    async def test_how_it_ended(self, end: TcpEnd) -> None:
        async with talk() as at:
            await at.server.send(HELLO)
            if end is TcpEnd.FIN:
                at.server.fin()
            else:
                at.server.reset()
            assert await at.peer.expect_end() is end

    async def test_still_open_is_a_violation_by_silence(self) -> None:
        async with talk(patience=SHORT) as at:
            await at.server.send(HELLO)
            with pytest.raises(Violation, match=r"still open after 0\.2 s") as caught:
                await at.peer.expect_end(requirement=REQUIREMENT)
            assert caught.value.silence
            assert caught.value.requirement == REQUIREMENT


Waiting = Callable[[Peer], Awaitable[object]]


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


class TestTransport:
    async def test_nothing_listens(self) -> None:
        port = free_port()
        with pytest.raises(TargetGone, match=rf"no connection to 127\.0\.0\.1:{port}"):
            await open_link(parse_endpoint(f"ws://127.0.0.1:{port}/"), Link(lambda data: None, lambda: None), LONG)

    async def test_a_name_that_no_resolver_takes(self) -> None:
        with pytest.raises(TargetGone, match=r"no connection to a\.\.b:80"):
            await open_link(parse_endpoint("ws://a..b/"), Link(lambda data: None, lambda: None), LONG)

    async def test_a_tls_handshake_that_is_never_answered(self) -> None:
        async with scripted() as listener:
            endpoint = parse_endpoint(f"wss://127.0.0.1:{listener.port}/", insecure=True)
            with pytest.raises(TargetGone, match=r"within 0\.2 s"):
                await open_link(endpoint, Link(lambda data: None, lambda: None), SHORT)

    def test_before_it_is_connected_a_link_does_nothing(self) -> None:
        link = Link(lambda data: None, lambda: None)
        assert not link.open
        assert not link.can_half_close
        link.write(b"x")
        link.set_reading(False)
        link.half_close()
        link.reset()
        link.abort()
        assert link.end is None

    async def test_tls(self) -> None:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        names: list[str | None] = []
        context.sni_callback = lambda sock, name, own: names.append(name)
        async with scripted(context) as listener:
            endpoint = parse_endpoint(listener.url, insecure=True)
            transcript = Transcript(endpoint.redactor())
            target = Target(Setting(endpoint, patience=LONG), Findings((REQUIREMENT,)), transcript)
            accepting = asyncio.create_task(listener.accepted())
            async with target.connect() as peer:
                server = await accepting
                await server.send(HELLO)
                assert await peer.next_message() == Message(Opcode.TEXT, b"Hello")
                with pytest.raises(Undetermined, match="TLS connections cannot be half closed"):
                    peer.half_close()
                server.writer.close()
                assert await peer.expect_end() is TcpEnd.FIN
            assert transcript.entries[0].text == "connected, TLS agreed"
            async with target.open(server_name="other.example"):
                assert names[-1] == "other.example"
            async with target.open(tls=False) as peer:
                await peer.write_http(b"GET / HTTP/1.1\r\n\r\n")
                assert transcript.entries[-2].text == "connected"


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


def test_events_for_people() -> None:
    assert describe_all([]) == "nothing"
    assert describe_all([Ended(TcpEnd.RST)] * 7) == ", ".join(["TCP end (RST)"] * 5) + ", 2 more"


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
