"""What a check expects of a connection, and when the target has disappointed it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.conformance.golden import (
    CLOSE_1000,
    CLOSE_1002,
    CLOSE_EMPTY,
    CLOSE_OUT,
    HELLO,
    PING,
    TEXT_OUT,
    beside,
    pongs,
)
from tests.conformance.talk import REQUIREMENT, SHORT, talk
from tests.peers.scripted import Wire
from wsproof.conformance.check import Undetermined, Violation
from wsproof.conformance.discovered import EchoForm
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended, Failed, Message, Peer
from wsproof.conformance.wire.frames import Opcode
from wsproof.reports.model import Outcome


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
