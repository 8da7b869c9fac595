"""The recording of a check: its steps in the run file's form, bounded and without secrets."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.talk import LONG, SHORT, aim, talk
from tests.peers.scripted import scripted
from wsproof.conformance import recording
from wsproof.conformance.check import Violation
from wsproof.conformance.discovered import EchoForm
from wsproof.conformance.endpoint import Redactor, parse_endpoint
from wsproof.conformance.errors import TargetGone
from wsproof.conformance.events import Ended
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Peer, Silence
from wsproof.conformance.recording import Recording, unmasked
from wsproof.conformance.serve import free_port
from wsproof.conformance.source import Source
from wsproof.conformance.target import Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Frame, FrameParser, LengthForm, Masking, Opcode, ReceivedFrame, close_frame

HELLO = b"\x81\x05Hello"
NO_SECRETS = Redactor()
Step = dict[str, Any]


def received(payload: bytes, opcode: int = Opcode.TEXT) -> ReceivedFrame:
    return ReceivedFrame(True, 0, opcode, payload, b"", len(payload), LengthForm.BITS_7)


def frames_of(step: Step) -> list[ReceivedFrame]:
    return list(FrameParser().feed(base64.b64decode(step["bytes"])))


def steps_of(target: Target) -> list[Step]:
    return target.transcript.steps()


async def flood(peer: Peer) -> None:
    """Send until the other side takes no more."""
    while True:
        await peer.send(Frame(Opcode.BINARY, bytes(1 << 20), masking=Masking.NONE))


class TestWhatAConnectionNotes:
    async def test_an_exchange_step_by_step(self) -> None:
        async with talk() as at:
            await at.peer.send(Frame(Opcode.TEXT, b"Hi"))
            await at.server.send(HELLO)
            await at.peer.next_event()
            at.server.fin()
            await at.peer.next_event()
        opened, request, response, sent, message, end, closed = steps_of(at.target)
        assert opened == {"conn": 1, "do": "open"}
        assert base64.b64decode(request["bytes"]).startswith(b"GET / HTTP/1.1\r\n")
        assert (response["what"], response["method"], response["came"]["complete"]) == ("response", "GET", True)
        assert response["came"]["framed"] is True
        assert response["came"]["response"].startswith("HTTP/1.1 101 ")
        assert [frame.payload for frame in frames_of(sent)] == [b"Hi"]
        assert message["came"] == {
            "frame": {
                "opcode": 1, "fin": True, "rsv": 0, "masked": False, "length": 5, "form": 0,
                "payload": base64.b64encode(b"Hello").decode(),
            }
        }  # fmt: skip
        assert 0 < message["timeout"] <= LONG
        assert end["came"] == {"end": "FIN"}
        assert closed == {"conn": 1, "do": "close"}

    async def test_silence(self) -> None:
        async with talk(patience=SHORT) as at:
            with pytest.raises(Silence):
                await at.peer.next_event()
        assert [step["came"] for step in steps_of(at.target) if step["do"] == "await"][1:] == [None]

    async def test_how_a_request_was_cut_and_that_no_response_came(self) -> None:
        async with aim(patience=SHORT) as at, at.target.open() as peer:
            await peer.send_request(at.target.request(), chop=50, pause=0.001)
            assert (await at.target.answer(peer)).silent
        sent, awaited = steps_of(at.target)[1:3]
        assert (sent["chop"], sent["pause"]) == (50, 0.001)
        assert (awaited["what"], awaited["came"]) == ("response", None)

    async def test_the_answers_that_are_switched_off_and_the_ways_to_end(self) -> None:
        async with talk() as at:
            at.peer.answers_close = False
            at.peer.answers_pings = False
            assert not at.peer.answers_pings
            at.peer.answers_pings = True
            at.peer.half_close()
            at.peer.reset()
        done = [step["do"] for step in steps_of(at.target)][3:]
        assert done == ["ignores_close", "ignores_pings", "answers_pings", "half_close", "reset", "close"]

    async def test_that_nothing_took_the_connection(self) -> None:
        async with aim() as at:
            target = Target(
                replace(at.target.setting, endpoint=parse_endpoint(f"ws://127.0.0.1:{free_port()}/")),
                at.target.findings,
                at.target.transcript,
            )
            with pytest.raises(TargetGone):
                async with target.open():
                    pass
        assert "no connection" in steps_of(target)[0]["refused"]

    async def test_a_ping_counts_only_where_it_is_wrong(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x89\x01a", b"\x09\x01b", HELLO)
            await at.peer.next_event()
        awaited = [step["what"] for step in steps_of(at.target) if step["do"] == "await"]
        assert awaited == ["response", "ping", "frame"]

    async def test_a_wrong_frame_that_the_check_never_looked_at(self) -> None:
        async with talk() as at:
            await at.server.send(HELLO, b"\x89\x00", b"\xc1\x00", HELLO)
            await at.peer._wait(lambda: bool(at.observed), "a finding")
        awaited = [step["came"]["frame"] for step in steps_of(at.target)[3:-1]]
        assert [(frame["opcode"], frame["rsv"]) for frame in awaited] == [(1, 0), (1, 4)]

    async def test_a_target_that_reads_no_more(self) -> None:
        async with talk(patience=SHORT) as at:
            with pytest.raises(Violation, match="read on"):
                await flood(at.peer)
        steps = steps_of(at.target)
        assert [step["what"] for step in steps if step["do"] == "await"][-1] == "reading"
        assert any("sha256" in step and "bytes" not in step for step in steps)
        assert at.target.transcript.recording.overflowed

    async def test_what_is_left_over(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x81\x05He")
            await at.peer._wait(lambda: not at.peer.at_frame_boundary, "the start of a frame")
            assert at.peer.partial_frame == b"\x81\x05He"
        rest = steps_of(at.target)[-2]
        assert (rest["what"], base64.b64decode(rest["came"]["bytes"])) == ("rest", b"\x81\x05He")


class TestRules:
    @pytest.mark.parametrize(
        ("reply", "observed"), [(b"\x8a\x01x", "it was answered"), (b"\x88\x02\x03\xe8", "Close 1000")]
    )
    async def test_of_a_broken_rule_all_on_which_the_judgement_rests(self, reply: bytes, observed: str) -> None:
        async with talk(echo=EchoForm(b">")) as at:
            await at.server.send(reply)
            try:
                await at.peer.expect_failed(1002, taken=[b"x"])
            except Violation:
                pass
        rule = next(step for step in steps_of(at.target) if step["do"] == "expect")
        assert (rule["rule"], rule["codes"], rule["taken"]) == ("failed", [1002], ["eA=="])
        assert rule["echo"] == {"prefix": "Pg==", "suffix": "", "binary": 2}
        assert rule["observed"][0].startswith(observed)
        assert (rule["may_be_late"], rule["earlier"]) == (0, [])

    async def test_rules_that_held_are_left_out(self) -> None:
        async with talk() as at:
            await at.server.send(b"\x8a\x01x", HELLO, b"\x88\x02\x03\xe8")
            await at.peer.expect_pong(b"x")
            await at.peer.expect_message(1, b"Hello")
            await at.peer.expect_close(1000)
            at.server.fin()
            await at.peer.expect_end()
        assert not [step for step in steps_of(at.target) if step["do"] == "expect"]

    async def test_each_primitive_has_its_own(self) -> None:
        async with talk(patience=SHORT) as at:
            for expectation in (
                at.peer.expect_pong(b"x"), at.peer.expect_message(1, b"x"), at.peer.expect_close(1000),
                at.peer.expect_end(),
            ):  # fmt: skip
                with pytest.raises(Violation):
                    await expectation
        rules = [step["rule"] for step in steps_of(at.target) if step["do"] == "expect"]
        assert rules == ["pong", "message", "close", "end"]

    def test_what_has_no_form_in_the_run_file(self) -> None:
        made = Recording()
        made.broken(made.rule(1, "pong", {"odd": object()}), "a Pong", "none")
        with pytest.raises(TypeError, match="no form"):
            made.steps(NO_SECRETS)


class TestBounds:
    def test_a_long_payload_is_kept_by_its_start_and_hash(self) -> None:
        made = Recording()
        made.awaited(1, "frame", 1.0, received(b"x" * 5000))
        told = made.steps(NO_SECRETS)[0]["came"]["frame"]
        assert len(base64.b64decode(told["payload"])) == recording.START
        assert (told["length"], len(told["sha256"])) == (5000, 64)

    def test_beyond_the_most_steps_nothing_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recording, "MAX_STEPS", 3)
        made = Recording()
        for _ in range(5):
            made.sent(1, b"x")
        assert len(made.steps(NO_SECRETS)) == 3
        assert made.overflowed

    def test_how_long_it_took_where_that_is_long(self) -> None:
        made = Recording()
        for after in (0.01, 0.5):
            made.awaited(1, "frame", 1.0, Ended(TcpEnd.FIN), after=after)
        made.awaited(1, "frame", 0.5, None, after=0.5)
        assert [step.get("after") for step in made.steps(NO_SECRETS)] == [None, 0.5, None]


class TestSecrets:
    REDACTOR = parse_endpoint(
        "ws://h/?token=ab&x=1", headers=["Authorization: Bearer xyz&more", "X-Api-Key: hunter2"]
    ).redactor()

    def sent(self, *pieces: bytes, framed: bool = False) -> list[bytes]:
        made = Recording()
        if framed:
            made.awaited(1, "response", 1.0, None, framed=True)  # stands for a 101
            made._steps[0] = (*made._steps[0][:4], b"", *made._steps[0][5:])
        for piece in pieces:
            made.sent(1, piece)
        return [base64.b64decode(step["bytes"]) for step in made.steps(self.REDACTOR) if step["do"] == "send"]

    def test_in_a_request(self) -> None:
        (sent,) = self.sent(b"GET /?token=ab&x=1 HTTP/1.1\r\nAuthorization: Bearer a&b\r\nX: hunter2\r\n\r\n")
        assert sent == b"GET /?token=***&x=1 HTTP/1.1\r\nAuthorization: ***\r\nX: ***\r\n\r\n"

    def test_credentials_that_a_check_makes_up_stay(self) -> None:
        request = b"GET /items?auth=made-up HTTP/1.1\r\nCookie: session=made-up\r\n\r\n"
        assert self.sent(request) == [request]

    def test_in_a_request_that_was_written_in_parts(self) -> None:
        sent = self.sent(b"GET / HTTP/1.1\r\nX: hun", b"ter2\r\n\r\n")
        assert sent == [b"GET / HTTP/1.1\r\nX: ***\r\n\r\n", b""]

    def test_in_a_frame_that_was_written_in_parts(self) -> None:
        whole = Frame(Opcode.TEXT, b"my hunter2!", masking=b"abcd").encode() + close_frame().encode(b"efgh")
        sent = self.sent(whole[:12], whole[12:], framed=True)
        assert [len(piece) for piece in sent] == [12, len(whole) - 12]
        assert [frame.payload for frame in FrameParser().feed(b"".join(sent))] == [b"my *******!", b"\x03\xe8"]

    def test_in_what_came(self) -> None:
        made = Recording()
        made.awaited(1, "frame", 1.0, received(b"hunter2"))
        made.awaited(1, "rest", 1.0, b"hunter2")
        told = made.steps(self.REDACTOR)
        assert told[0]["came"]["frame"]["payload"] == base64.b64encode(b"*******").decode()
        assert told[1]["came"]["bytes"] == base64.b64encode(b"*******").decode()

    def test_unmasked_leaves_headers_and_keys(self) -> None:
        stream = (
            Frame(Opcode.TEXT, b"x" * 300, masking=b"abcd").encode() + Frame(Opcode.PING, b"a").encode(b"efgh")[:-1]
        )
        plain = unmasked(stream)
        assert len(plain) == len(stream)
        assert plain[:8] == stream[:8]
        assert plain[8:308] == b"x" * 300
        assert plain[308:] == stream[308:]


async def test_the_same_source_and_the_same_answers_give_the_same_sends() -> None:
    sent = []
    for _ in range(2):
        async with aim(echo=EchoForm()) as at:
            transcript = Transcript(at.target.endpoint.redactor())
            endpoint = replace(at.target.endpoint, host="h", connect_to=at.target.endpoint.address)
            setting = replace(at.target.setting, endpoint=replace(endpoint, port=80))
            target = Target(setting, at.target.findings, transcript, source=Source("0/a-check/0"))

            async def answer(listener: Any = at.listener) -> None:
                wire = await listener.accepted()
                await wire.send(b"\x89\x02hi")  # answered by a Pong whose key changes none of the others
                for _ in range(3):
                    first, payload = await wire.frame()
                    if first == 0x89:
                        await wire.send(bytes((0x8A, len(payload))), payload)

            answering = asyncio.create_task(answer())
            async with target.connect() as peer:
                await peer.send(Frame(Opcode.TEXT, target.nonce()))
                await peer.fence()
            await answering
            sent.append([step for step in transcript.steps() if step["do"] == "send"])
    assert sent[0] == sent[1]
    assert len(sent[0]) == 3


async def test_a_tls_connection_is_said_to_be_one() -> None:
    from tests.proof.harness import tls_contexts

    server, client = tls_contexts()
    async with scripted(server) as listener:
        async with aim() as at:
            setting = replace(at.target.setting, endpoint=replace(parse_endpoint(listener.url), tls=client))
            target = Target(setting, at.target.findings, at.target.transcript)
            async with target.open(), target.open(tls=False):
                await listener.next()
        assert [step.get("tls") for step in steps_of(target) if step["do"] == "open"] == [True, None]
