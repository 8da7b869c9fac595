"""The chapter of HTTP messages: what the proof by mutants does not show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.mutants import SWITCHES, MutantServer, Switch
from tests.mutants.connection import Connection
from tests.mutants.http_phase import Fields
from tests.mutants.request import Refusal, Request
from tests.proof.harness import BAD, PATIENCE, Observation, chapter_checks, compare, observe, tls_contexts
from wsproof.conformance.check import Findings, Need, Undetermined
from wsproof.conformance.checks._answers import Expected, judge, kinds
from wsproof.conformance.checks._closure_alert import TlsEnd, closure
from wsproof.conformance.checks._connections import Exchange, judge_closing
from wsproof.conformance.checks._requests import client_hello, negotiated, padded, reflected, spelled, window_bits
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.link import TcpEnd
from wsproof.conformance.requirements import requirements
from wsproof.conformance.runner import Runner
from wsproof.conformance.source import Source
from wsproof.conformance.target import Answer, Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.handshake import Response, opening_request, read_head
from wsproof.reports.model import Outcome

CHAPTER = "http-message"
ELSEWHERE = {"rfc9110-7.8-9", "rfc9110-15.2-1"}
"""HTTP/1.0 handshakes are judged in the chapter of the opening handshake."""
CLOSED = Answer(None, TcpEnd.FIN)
SILENT = Answer(None, None)


def answered(status: int, *fields: str, body: bytes = b"") -> Answer:
    """A response with that status and those field lines."""
    raw = "\r\n".join([f"HTTP/1.1 {status} Reason", *fields, "", ""]).encode("latin-1")
    return Answer(Response(read_head(raw), body=body), None)


def a_target(url: str = "ws://127.0.0.1:1/echo", requirement: str = "rfc9112-3.2-2") -> Target:
    """A target on which findings are made; nothing is sent to it."""
    endpoint = parse_endpoint(url)
    setting = Setting(endpoint, patience=PATIENCE)
    return Target(setting, Findings((requirement,)), Transcript(endpoint.redactor()))


# -- the chapter as a whole -----------------------------------------------------------------------------------------


def test_every_testable_requirement_of_http_has_a_check() -> None:
    wanted = {
        id for id, known in requirements().items() if known.rfc in (9110, 9112) and known.testable != "no"
    } - ELSEWHERE
    assert {name for item in chapter_checks(CHAPTER) for name in item.requirements} == wanted


def test_every_requirement_that_is_read_along_has_one_watching_check() -> None:
    watched = [name for item in chapter_checks(CHAPTER) if item.watches for name in item.requirements]
    assert len(watched) == len(set(watched))


async def run_chapter(server: MutantServer, path: str = "/echo") -> Observation:
    """What the chapter shows on one path of a server, without a profile."""
    observation = Observation()
    setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
    setting = replace(setting, found=await discover(setting))
    async for attempt in Runner(setting, chapter_checks(CHAPTER), jobs=16).run():
        observation.add(attempt)
    return observation


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant", "/greet"])
async def test_targets_without_an_echo_are_judged_alike(path: str) -> None:
    async with MutantServer() as server:
        observation = await run_chapter(server, path)
    assert not observation.bad()
    assert not observation.undetermined
    assert not observation.errors
    assert set(observation.skipped.values()) == {Need.TLS.value}


# -- TLS ------------------------------------------------------------------------------------------------------------


async def test_a_missing_closure_alert_is_seen_over_tls_only() -> None:
    checks = [item for item in chapter_checks(CHAPTER) if Need.TLS in item.needs]
    conformant = await observe(None, checks, tls=True)
    assert {verdict for verdict, _ in conformant.seen.values()} == {"pass"}
    assert not conformant.undetermined
    proof = compare(SWITCHES["no-closure-alert"], conformant, await observe("no-closure-alert", checks, tls=True))
    assert proof.holds
    assert proof.changed == {"rfc9112-9.8-1": {item.id for item in checks}}
    assert set((await observe(None, checks)).skipped) == {item.id for item in checks}


async def test_the_chapter_passes_over_tls() -> None:
    observation = await observe(None, chapter_checks(CHAPTER), tls=True)
    assert not observation.bad()
    assert not observation.undetermined
    assert set(observation.skipped.values()) == {Need.CLEAR.value}


class Resetting(Connection):
    """Ends connections by RST."""

    def end_tcp(self) -> None:
        self.stream.reset()

    def end_http(self) -> None:
        self.stream.reset()


class Staying(Connection):
    """Ends no connection."""

    def end_tcp(self) -> None:
        self.fall_silent()


@pytest.mark.parametrize(("part", "expected"), [(Resetting, TlsEnd.RESET), (Staying, TlsEnd.OPEN)])
async def test_the_ways_in_which_tls_ends(part: type[Connection], expected: TlsEnd) -> None:
    server_side, client_side = tls_contexts()
    async with MutantServer(ssl=server_side) as server:
        server.connection_class = part
        target = a_target(server.url)
        target.endpoint = replace(target.endpoint, tls=client_side)
        assert await closure(target, target.request().encode(), b"\x88\x80\0\0\0\0") == (101, expected)


class Mute(Connection):
    """Ends the connection instead of answering."""

    def send_accept(self, request: Request, fields: Fields) -> None:
        self.end_http()


async def test_tls_that_ends_without_an_answer_is_undetermined() -> None:
    server_side, client_side = tls_contexts()
    async with MutantServer(ssl=server_side) as server:
        server.connection_class = Mute
        target = a_target(server.url)
        target.endpoint = replace(target.endpoint, tls=client_side)
        with pytest.raises(Undetermined, match="instead of an answer"):
            await closure(target, target.request().encode())


# -- servers that no switch stands for ------------------------------------------------------------------------------


class VirtualHosts(Connection):
    """Knows one host, which it reads from Host whatever the request-target says; others are not found."""

    def effective_authority(self, request: Request) -> str:
        return next(iter(request.lines("host")), "")

    def check_authority(self, authority: str) -> None:
        if authority.partition(":")[0] != "127.0.0.1":
            raise Refusal(404, "no such host")


async def test_a_target_served_as_the_host_of_host_fails() -> None:
    async with MutantServer() as server:
        server.connection_class = VirtualHosts
        observation = await run_chapter(server)
    assert observation.seen["http-message/absolute-form-goes-before-host", "rfc9112-3.2.2-2"][0] == "fail"
    assert {key for key in observation.bad() if "absolute" in key[0]} == {
        ("http-message/absolute-form-goes-before-host", "rfc9112-3.2.2-2")
    }


class HeadOpens(Connection):
    """Takes HEAD for GET in a handshake, and sends content to an ordinary HEAD."""

    def check_method(self, request: Request) -> None:
        if request.method != "HEAD":
            super().check_method(request)

    def refusal_content(self, request: Request | None, refusal: Refusal) -> bytes:
        return refusal.text.encode() + b"\n"


async def test_an_ordinary_head_is_judged_where_the_handshake_with_head_is_accepted() -> None:
    async with MutantServer() as server:
        server.connection_class = HeadOpens
        observation = await run_chapter(server)
    verdict, observed = observation.seen["http-message/no-content-for-head", "rfc9110-9.3.2-1"]
    assert verdict == "warn"
    assert "426" in observed


class Busy(Connection):
    """Has no time for what is not a plain handshake."""

    def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
        super().send_refusal(request, Refusal(503, "busy", close=refusal.close))


async def test_a_busy_target_fails_nothing_that_its_503_says_nothing_about() -> None:
    async with MutantServer() as server:
        server.connection_class = Busy
        observation = await run_chapter(server)
    assert not {key for key, (verdict, _) in observation.seen.items() if verdict in BAD}
    assert observation.undetermined


class WithoutKeepAlive(Connection):
    """Ends the connection after every error, and says so."""

    def closes_after(self, request: Request | None, refusal: Refusal) -> bool:
        return True


async def test_a_target_without_keep_alive_is_conformant() -> None:
    async with MutantServer() as server:
        server.connection_class = WithoutKeepAlive
        observation = await run_chapter(server)
    assert not observation.bad()
    assert not observation.undetermined


# -- grading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answered(404), {"404", "4xx"}),
        (answered(101), {"101", "1xx"}),
        (CLOSED, {"close"}),
        (SILENT, {"silence"}),
        (Answer(Response(read_head(b"SSH-2.0\r\n\r\n")), None), {"malformed"}),
    ],
)
def test_kinds_of_answers(answer: Answer, expected: set[str]) -> None:
    assert kinds(answer) == expected


@pytest.mark.parametrize(
    ("answers", "outcome", "observed", "silence"),
    [
        ({"a": answered(400)}, Outcome.HOLDS, "400 Reason for a", False),
        ({"a": answered(400), "b": answered(500)}, Outcome.WARNED, "500 Reason for b", False),
        ({"a": answered(101), "b": answered(500)}, Outcome.VIOLATED, "101 Reason for a", False),
        ({"a": SILENT}, Outcome.WARNED, "no answer within the patience for a", True),
        ({"a": SILENT, "b": CLOSED}, Outcome.WARNED, "patience for a; TCP end", False),
    ],
)
def test_several_answers_make_one_finding(
    answers: Mapping[str, Answer], outcome: Outcome, observed: str, silence: bool
) -> None:
    target = a_target()
    judge(target, Expected("400", ("400",), ("5xx", "close", "silence")), answers)
    (finding,) = target.findings.made
    assert (finding.outcome, finding.silence) == (outcome, silence)
    assert observed in finding.observed


@pytest.mark.parametrize(
    ("exchange", "outcome"),
    [
        (Exchange(answered(400), CLOSED), Outcome.HOLDS),
        (Exchange(answered(403), CLOSED), Outcome.WARNED),
        (Exchange(CLOSED, None), Outcome.WARNED),
        (Exchange(answered(400), SILENT), Outcome.WARNED),
        (Exchange(SILENT, None), Outcome.WARNED),
        (Exchange(answered(400), answered(101)), Outcome.VIOLATED),
        (Exchange(answered(101), None), Outcome.VIOLATED),
    ],
)
def test_a_request_of_doubtful_framing_ends_the_connection(exchange: Exchange, outcome: Outcome) -> None:
    target = a_target()
    judge_closing(target, Expected("400", ("400",)), {"a request": exchange})
    (finding,) = target.findings.made
    assert finding.outcome is outcome


# -- requests and what is read out of answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "bits"),
    [
        ([], None),
        (["x-other; server_max_window_bits=9"], None),
        (["permessage-deflate"], b"15"),
        (["x-other", "permessage-deflate; server_max_window_bits=10"], b"10"),
        (['permessage-deflate; a="b"; server_max_window_bits = "1\\0"'], b"10"),
        (["permessage-deflate; server_max_window_bits=1\\0"], b"1\\0"),
    ],
)
def test_window_bits_of_an_answer(fields: list[str], bits: bytes | None) -> None:
    assert window_bits(answered(101, *(f"Sec-WebSocket-Extensions: {value}" for value in fields))) == bits


def test_what_was_negotiated_is_compared_by_value() -> None:
    assert negotiated(answered(101, "Sec-WebSocket-Protocol: chat")) == "101, Protocol chat"
    assert negotiated(answered(426)) == "426"
    assert negotiated(CLOSED) != negotiated(SILENT)


async def test_content_without_end_is_no_connection_that_stays_open() -> None:
    class EventStream(Connection):
        """An ordinary GET of the path gets a stream of events."""

        def send_refusal(self, request: Request | None, refusal: Refusal) -> None:
            if request is None or request.lines("upgrade") or request.is_http_1_0 or refusal.close:
                super().send_refusal(request, refusal)
                return
            self.stream.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            self.fall_silent()

    async with MutantServer(Switch("event-stream", "", ("-",), (), EventStream, "-")) as server:
        seen = await run_chapter(server)
    assert seen.bad() == set()


def test_octets_are_reflected_in_the_head_or_in_content_that_is_no_refusal() -> None:
    assert reflected(answered(400, "X-Value: a\0b"), b"a\0b")
    assert reflected(answered(200, body=b"hello a\0b"), b"a\0b")
    assert not reflected(answered(400, body=b"bad: a\0b"), b"a\0b")  # to say what is rejected is to reject it
    assert not reflected(answered(400, "X-Value: a b"), b"a\0b")
    assert not reflected(CLOSED, b"a")


@pytest.mark.parametrize("path", [b"/echo", b"/echo?id=1"])
def test_a_padded_target_keeps_its_path_and_query(path: bytes) -> None:
    target = padded(path, 8000)
    assert len(target) == 8000
    assert target.startswith(path)
    assert target.count(b"?") == 1


def test_white_space_is_put_around_each_value() -> None:
    head = spelled(opening_request("h", "/"), b"\t", b" ").head()
    assert b"\r\nUpgrade:\twebsocket \r\n" in head
    assert b": " not in head


def test_a_client_hello_is_a_tls_record() -> None:
    hello = client_hello(Source("0"))
    assert hello.startswith(b"\x16\x03")
    assert hello == client_hello(Source("0"))
    assert hello != client_hello(Source("1"))
