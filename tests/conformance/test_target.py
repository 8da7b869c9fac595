"""The target in the hands of a check: connecting, asking, and what it is said to lack."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

import pytest

from tests.conformance.talk import LONG, SHORT, aim
from wsproof.conformance.check import Findings, Need, Undetermined
from wsproof.conformance.discovered import Discovered, EchoForm
from wsproof.conformance.endpoint import Endpoint, parse_endpoint
from wsproof.conformance.errors import TargetGone
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Message
from wsproof.conformance.profile import (
    ChatContract,
    EchoContract,
    ItemAnswer,
    ItemsContract,
    Paths,
    Probe,
    Profile,
    Refused,
)
from wsproof.conformance.serve import free_port
from wsproof.conformance.target import Answer, Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.handshake import Response, read_head

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"


class TestConnect:
    async def test_a_greeting_is_read_before_the_check_begins(self) -> None:
        async with aim(greetings=2) as at:

            async def greet() -> None:
                server = await at.listener.accepted()
                await server.send(b"\x81\x05Hello", b"\x01\x02yo\x80\x01u", b"\x81\x04next")

            greeting = asyncio.create_task(greet())
            async with at.target.connect() as peer:
                assert await peer.next_message() == Message(1, b"next")
            await greeting

    @pytest.mark.parametrize(("greeted", "echo"), [(False, True), (True, False)])
    async def test_or_left_to_the_check(self, greeted: bool, echo: bool) -> None:
        async with aim(greetings=1) as at:

            async def greet() -> None:
                await (await at.listener.accepted()).send(b"\x81\x05Hello")

            greeting = asyncio.create_task(greet())
            async with at.target.connect(greeted=greeted, echo=echo) as peer:
                assert await peer.next_message() == Message(1, b"Hello")
            await greeting

    async def test_a_path_that_does_not_echo_as_the_target_does(self) -> None:
        async with aim(echo=EchoForm()) as at:
            accepting = asyncio.create_task(at.listener.accepted())
            async with at.target.connect(at.target.request("/other"), echo=False) as peer:
                await accepting
                with pytest.raises(Undetermined, match="not known to echo"):
                    await peer.echo("x")

    async def test_a_greeting_that_does_not_come_is_undetermined(self) -> None:
        async with aim(greetings=1, patience=SHORT) as at:
            accepting = asyncio.create_task(at.listener.accepted())
            with pytest.raises(Undetermined, match="greeting that the target sends did not come"):
                async with at.target.connect():
                    raise AssertionError
            await accepting

    async def test_something_else_instead_of_the_greeting_is_undetermined(self) -> None:
        async with aim(greetings=1) as at:

            async def close() -> None:
                await (await at.listener.accepted()).send(b"\x88\x02\x03\xe9")

            closing = asyncio.create_task(close())
            with pytest.raises(Undetermined, match="instead of the greeting came: Close 1001"):
                async with at.target.connect():
                    raise AssertionError
            await closing

    @pytest.mark.parametrize(
        ("sent", "why"),
        [
            (NOT_FOUND, "answered with 404"),
            (b"HTTP/1.1 503 Busy\r\n\r\nstill going on", "answered with 503"),
            (b"", "ended TCP in the opening handshake"),
            (b"HTTP/1.1 101 Swi", "ended TCP in the opening handshake"),
        ],
    )
    async def test_another_answer_is_undetermined(self, sent: bytes, why: str) -> None:
        async with aim() as at:

            async def refuse() -> None:
                server = await at.listener.next()
                await server.head()
                await server.send(sent)
                server.fin()

            refusing = asyncio.create_task(refuse())
            with pytest.raises(Undetermined, match=why):
                async with at.target.connect():
                    raise AssertionError
            await refusing

    async def test_silence_is_undetermined(self) -> None:
        async with aim(patience=SHORT) as at:
            with pytest.raises(Undetermined, match=r"not answered within 0\.2 s"):
                async with at.target.connect():
                    raise AssertionError

    async def test_nothing_listens(self) -> None:
        endpoint = parse_endpoint(f"ws://127.0.0.1:{free_port()}/")
        target = Target(Setting(endpoint), Findings(("r",)), Transcript(endpoint.redactor()))
        with pytest.raises(TargetGone):
            async with target.connect():
                raise AssertionError

    async def test_the_connection_ends_with_the_check(self) -> None:
        async with aim() as at:
            accepting = asyncio.create_task(at.listener.accepted())
            async with at.target.connect():
                server = await accepting
            assert await server.rest() == b""

    async def test_the_request_as_it_went_out(self) -> None:
        async with aim() as at:
            request = at.target.request("/other?x=1").adding(("X-Test", "1"))
            async with at.target.open() as peer:
                server = await at.listener.next()
                await peer.send_request(request, chop=7)
                assert await server.head() == request.encode()
            first, second = at.target.request(), at.target.request()
            assert first.target == b"/"
            assert first.key != second.key


class TestAsk:
    async def ask(self, *sent: bytes, end: TcpEnd | None = None, patience: float = LONG) -> tuple[Answer, str]:
        """The answer to such bytes, and what of them the transcript holds."""
        async with aim(patience=patience) as at:

            async def serve() -> None:
                server = await at.listener.next()
                await server.head()
                await server.send(*sent)
                if end is TcpEnd.FIN:
                    server.fin()
                elif end is TcpEnd.RST:
                    server.reset()

            serving = asyncio.create_task(serve())
            answer = await at.target.ask(at.target.request())
            await serving
            heads = [entry.text or "" for entry in at.target.transcript.entries if entry.what == "response"]
            return answer, "".join(heads)

    async def test_a_whole_response(self) -> None:
        answer, seen = await self.ask(NOT_FOUND)
        assert answer.response is not None
        assert (answer.status, answer.response.body, answer.accepted, answer.silent) == (404, b"gone", False, False)
        assert answer.response.complete and answer.response.reusable
        assert str(answer) == "404 Not Found"
        assert seen.startswith("HTTP/1.1 404 Not Found")

    async def test_informational_responses_come_before_it(self) -> None:
        answer, seen = await self.ask(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", NOT_FOUND)
        assert answer.status == 404
        assert answer.response is not None
        assert [head.status for head in answer.response.informational] == [103]
        assert "103 Early Hints" in seen

    async def test_101(self) -> None:
        async with aim() as at:
            accepting = asyncio.create_task(at.listener.accepted())
            answer = await at.target.ask(at.target.request())
            await accepting
        assert answer.accepted
        assert str(answer) == "101 Switching Protocols"

    @pytest.mark.parametrize("end", TcpEnd)
    async def test_the_end_without_a_response(self, end: TcpEnd) -> None:
        answer, _ = await self.ask(end=end)
        assert (answer.response, answer.end, answer.silent, answer.status) == (None, end, False, None)
        assert str(answer) == f"TCP end ({end.value}) without a response"

    async def test_silence(self) -> None:
        answer, _ = await self.ask(patience=SHORT)
        assert answer.silent
        assert not answer.accepted
        assert str(answer) == "no answer within the patience"

    async def test_half_a_head_is_silence_and_stands_in_the_transcript(self) -> None:
        answer, seen = await self.ask(b"HTTP/1.1 404 Not", patience=SHORT)
        assert answer.silent
        assert seen == "HTTP/1.1 404 Not"

    async def test_half_a_body_is_a_response_that_is_not_whole(self) -> None:
        for end in (None, TcpEnd.FIN):
            answer, _ = await self.ask(NOT_FOUND[:-1], end=end, patience=SHORT)
            assert answer.response is not None
            assert (answer.status, answer.response.complete) == (404, False)

    async def test_no_http_at_all(self) -> None:
        answer, _ = await self.ask(b"\x15\x03\x01 what is this\r\n\r\n")
        assert answer.status == 0
        assert str(answer) == "bytes that are no HTTP response"

    async def test_findings_about_the_head_are_observed(self) -> None:
        async with aim() as at:

            async def serve() -> None:
                server = await at.listener.next()
                await server.head()
                await server.send(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")

            serving = asyncio.create_task(serve())
            await at.target.ask(at.target.request())
            await serving
            assert [finding.requirement for finding in at.observed] == ["rfc9110-15.5.6-1"]


def test_an_answer_without_a_reason_phrase() -> None:
    head = read_head(b"HTTP/1.1 400 \r\n\r\n")
    assert str(Answer(Response(head), None)) == "400"


CLEAR = parse_endpoint("ws://example.org/")
EVERYTHING = Profile(
    name="everything",
    paths=Paths(refused="/no", unavailable="/gone"),
    probe=Probe(
        close="/c?{code}{reason}",
        push="/p?{n}{interval}",
        crash="/x",
        headers="/h",
        subprotocol="/s",
        last_close="/l?{id}",
        last_close_echo="/e?{id}",
    ),
    refused=Refused(origin="evil.example"),
    echo=EchoContract(binary_path="/b", json_path="/j"),
    items=ItemsContract(path="/i/{item_id}", cookie="session", query="q", answers=(ItemAnswer(text="{message}"),)),
    chat=ChatContract(path="/{client_id}", room_path="/{client_id}?r={room}", others="{message}"),
)
PROFILED = {
    Need.PROBE_CLOSE: "close",
    Need.PROBE_PUSH: "push",
    Need.PROBE_CRASH: "crash",
    Need.PROBE_HEADERS: "headers",
    Need.PROBE_SUBPROTOCOL: "subprotocol",
}


def having(**changes: object) -> Setting:
    return replace(Setting(CLEAR), **changes)  # type: ignore[arg-type]  # the names are those of the fields


def echoing(echo: EchoForm, *, chatty: bool = False) -> Setting:
    return having(found=Discovered(echo=echo, chatty=chatty))


def at(url: str) -> Setting:
    return having(endpoint=parse_endpoint(url))


TLS_ENDPOINT: Endpoint = replace(CLEAR, tls=ssl.create_default_context())


class TestNeeds:
    def test_a_target_of_which_nothing_is_known_takes_text_over_a_clear_url(self) -> None:
        assert {need for need in Need if not Setting(CLEAR).missing(need)} == {Need.TEXT, Need.CLEAR}

    @pytest.mark.parametrize("need", Need)
    def test_each_can_be_had(self, need: Need) -> None:
        setting = Setting(
            TLS_ENDPOINT if need is Need.TLS else parse_endpoint("ws://127.0.0.1/"),
            found=Discovered(echo=EchoForm()),
            profile=EVERYTHING,
        )
        assert not setting.missing(need)

    def test_echo(self) -> None:
        assert not echoing(EchoForm(b"<", b">", None)).missing(Need.ECHO)
        assert echoing(EchoForm(b"<", b">", None)).missing(Need.PLAIN_ECHO)
        assert echoing(EchoForm(), chatty=True).missing(Need.PLAIN_ECHO)
        assert echoing(EchoForm(binary=None)).missing(Need.BINARY_ECHO)
        assert echoing(EchoForm(binary=1)).missing(Need.BINARY_ECHO)
        assert not echoing(EchoForm(b"<", binary=2)).missing(Need.BINARY_ECHO)

    def test_tls(self) -> None:
        secure = having(endpoint=TLS_ENDPOINT)
        assert secure.missing(Need.CLEAR)
        assert not secure.missing(Need.TLS)

    def test_loopback(self) -> None:
        assert not at("ws://[::1]/").missing(Need.LOOPBACK)
        assert at("ws://192.0.2.1/").missing(Need.LOOPBACK)

    @pytest.mark.parametrize("need", PROFILED)
    def test_each_probe_is_a_need_of_its_own(self, need: Need) -> None:
        setting = having(
            profile=Profile(name="one", probe=Probe(**{PROFILED[need]: getattr(EVERYTHING.probe, PROFILED[need])}))
        )
        assert not setting.missing(need)
        assert all(setting.missing(other) for other in PROFILED if other is not need)

    def test_the_last_close_needs_both_its_ends(self) -> None:
        for probe in (Probe(last_close="/l?{id}"), Probe(last_close_echo="/e?{id}")):
            assert having(profile=Profile(name="one", probe=probe)).missing(Need.PROBE_LAST_CLOSE)

    def test_what_is_refused(self) -> None:
        bare = having(profile=Profile(name="bare"))
        assert all(bare.missing(need) for need in (Need.REFUSED_ORIGIN, Need.REFUSED_PATH, Need.UNAVAILABLE_PATH))


class TestTarget:
    async def test_echo_of_a_target_that_has_none(self) -> None:
        async with aim() as at:
            with pytest.raises(Undetermined, match="not known to echo"):
                _ = at.target.echo
        async with aim(echo=EchoForm(b">")) as at:
            assert at.target.echo == EchoForm(b">")

    async def test_nonces_never_repeat(self) -> None:
        async with aim() as at:
            made = [at.target.nonce() for _ in range(100)]
        assert len(set(made)) == 100
        assert all(nonce.isascii() and nonce.startswith(b"wsproof-") for nonce in made)
