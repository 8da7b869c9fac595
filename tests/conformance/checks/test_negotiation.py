"""The chapter negotiation: what the proof by mutants does not show."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.mutants import MutantServer, Switch
from tests.mutants.connection import TEXT, Connection
from tests.proof.harness import PATIENCE, Observation, chapter_checks
from wsproof.conformance.check import Findings
from wsproof.conformance.checks._negotiation import deflated, known_subprotocols, with_extensions
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.lint_http import NOT_OFFERED, lint_response
from wsproof.conformance.profile import Profile
from wsproof.conformance.requirements import requirements
from wsproof.conformance.runner import Runner
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.handshake import Request, Response, accept_for, opening_request, read_head
from wsproof.reports.model import RawFinding, Verdict

ALONE = {"rfc6455-4.1-14", "rfc6455-4.1-15", "rfc6455-4.2.1-23", "rfc6455-4.2.1-24", "rfc6455-4.2.2-23"}
ALONE |= {f"rfc6455-4.2.2-{number}" for number in range(11, 18)}
SECTIONS = ("4.3", "9", "9.1", "11.3.2", "11.3.4")
REQUEST = opening_request("127.0.0.1", "/")


def test_every_requirement_of_the_chapter_has_a_check() -> None:
    wanted = ALONE | {
        id for id, known in requirements().items() if id.startswith("rfc6455") and known.section in SECTIONS
    }
    named = {name for item in chapter_checks("negotiation") for name in item.requirements}
    assert named == {id for id in wanted if requirements()[id].testable != "no"}


async def observe_path(path: str) -> Observation:
    """What the chapter shows on one path of the conformant mutant server, of which no profile tells."""
    observation = Observation()
    async with MutantServer() as server:
        setting = Setting(parse_endpoint(server.url.replace("/echo", path)), patience=PATIENCE)
        setting = replace(setting, found=await discover(setting))
        runner = Runner(setting, chapter_checks("negotiation"), jobs=16)
        async for attempt in runner.run():
            observation.add(attempt)
        assert runner.stopped is None
    return observation


@pytest.mark.parametrize("path", ["/push", "/swallow", "/constant", "/greet", "/prefix", "/deflate"])
async def test_every_kind_of_target_passes_all(path: str) -> None:
    seen = await observe_path(path)
    assert (seen.bad(), seen.errors, seen.undetermined, seen.skipped) == (set(), {}, {}, {})


async def test_a_target_that_compresses_says_how() -> None:
    seen = (await observe_path("/deflate")).seen
    assert seen["negotiation/offer-of-compression", "rfc6455-9-1"] == (Verdict.INFO, "accepts: permessage-deflate")
    chosen = "of three configurations: 101, Extensions permessage-deflate; server_max_window_bits=10"
    assert seen["negotiation/order-of-configurations", "rfc6455-9.1-6"] == (Verdict.INFO, chosen)


class Greeting(Connection):
    """Sends a message with RSV1 right after its 101, with permessage-deflate agreed to or not."""

    def opened(self) -> None:
        self.send_frame(TEXT, deflated(b"hello"), rsv=4)


@pytest.mark.parametrize(("path", "broken"), [("/deflate", set()), ("/echo", {"rfc6455-5.2-2", "rfc6455-5.8-1"})])
async def test_reserved_bits_are_free_for_an_extension_that_was_agreed_to(path: str, broken: set[str]) -> None:
    seen: list[RawFinding] = []
    async with MutantServer(Switch("greeting", "", (), (), Greeting, "negotiation")) as server:
        setting = Setting(parse_endpoint(server.url.replace("/echo", path)))
        asking = Target(setting, Findings(("rfc6455-9-1",)), Transcript(setting.endpoint.redactor()), seen.append)
        async with asking.connect(with_extensions(asking, "permessage-deflate")) as peer:
            await peer.fence()
    assert {finding.requirement for finding in seen} - {"rfc6455-5.6-1"} == broken


def target(*, subprotocols: Iterable[str] = (), profile: Profile | None = None) -> Target:
    """A target of which that much is known and that nothing is asked of."""
    setting = Setting(parse_endpoint("ws://127.0.0.1:9/", subprotocols=subprotocols), profile=profile)
    return Target(setting, Findings(("rfc6455-9-1",)), Transcript(setting.endpoint.redactor()))


def test_subprotocols_that_a_target_is_known_to_know() -> None:
    profile = Profile(name="x", subprotocols=["one", "two"])
    assert known_subprotocols(target()) == ("chat", "superchat")
    assert known_subprotocols(target(profile=profile)) == ("one", "two")
    assert known_subprotocols(target(subprotocols=["mqtt"], profile=profile)) == ("mqtt",)


def test_a_deflated_message_is_what_rfc_7692_inflates() -> None:
    assert zlib.decompressobj(-15).decompress(deflated(b"hello" * 9) + b"\0\0\xff\xff") == b"hello" * 9


class TestLint:
    def broken(self, request: Request, *lines: str) -> set[str]:
        """The requirements that a 101 with these lines breaks in answer to that request."""
        accept = accept_for(request.key).decode()
        start = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        head = "\r\n".join([*start, f"Sec-WebSocket-Accept: {accept}", *lines, "", ""]).encode("latin-1")
        return {finding.requirement for finding in lint_response(request, Response(read_head(head)))}

    def extensions(self, offer: str | None, *values: str) -> set[str]:
        request = REQUEST if offer is None else REQUEST.with_field("Sec-WebSocket-Extensions", offer)
        return self.broken(request, *(f"Sec-WebSocket-Extensions: {value}" for value in values))

    def subprotocols(self, offer: str | None, *values: str) -> set[str]:
        request = REQUEST if offer is None else REQUEST.with_field("Sec-WebSocket-Protocol", offer)
        return self.broken(request, *(f"Sec-WebSocket-Protocol: {value}" for value in values))

    def test_white_space_empty_elements_and_repeated_lines_are_legal(self) -> None:
        assert self.extensions("a, b; x", ' , a ,, b ; x = "1",') == set()
        assert self.extensions("a, b", "a", "b") == set()
        assert self.broken(REQUEST, "Sec-WebSocket-Version: 13,, 8", "Sec-WebSocket-Version: 7") == set()

    def test_extensions_are_compared_in_any_case(self) -> None:
        assert self.extensions("permessage-deflate", "Permessage-Deflate") == set()

    @pytest.mark.parametrize("offer", [None, "x"])
    def test_an_extension_that_was_not_offered(self, offer: str | None) -> None:
        assert self.extensions(offer, "permessage-deflate; speed=9") == set(NOT_OFFERED)

    def test_an_empty_and_a_malformed_list(self) -> None:
        assert self.extensions("a", " ,") == {"rfc6455-4.2.2-17", "rfc6455-4.3-2"}
        assert self.extensions("a", "a;") == {"rfc6455-4.3-2"}

    def test_a_malformed_offer_is_left_to_the_check_that_makes_it(self) -> None:
        assert self.extensions("a;", "b") == set()
        assert self.subprotocols("a b", "a b") == set()

    def test_parameters(self) -> None:
        assert self.extensions("permessage-deflate", "permessage-deflate; speed=9") == {"rfc6455-9.1-4"}
        assert self.extensions("permessage-deflate", "permessage-deflate; client_max_window_bits=9") == {"rfc6455-9-3"}
        assert self.extensions("x-own", "x-own; speed=9") == set()

    def test_one_subprotocol_of_those_offered_octet_for_octet(self) -> None:
        assert self.subprotocols("a, b", "b") == set()
        assert self.subprotocols("a, b", "B") == {"rfc6455-4.1-15", "rfc6455-4.2.2-11"}
        assert self.subprotocols(None, "a") == {"rfc6455-4.1-15", "rfc6455-4.2.2-13"}
        assert self.subprotocols("a, b", "a, b") == {"rfc6455-4.3-2", "rfc6455-4.2.2-14"}
        assert self.subprotocols("a, b", "a", "b") == {"rfc6455-11.3.4-2", "rfc6455-4.2.2-14"}
        assert self.subprotocols("a", "") == {"rfc6455-4.3-2", "rfc6455-4.2.2-14"}

    @pytest.mark.parametrize("version", ["256", "013", "13.0", "", "13 8"])
    def test_a_version_that_is_no_number_up_to_255(self, version: str) -> None:
        assert self.broken(REQUEST, f"Sec-WebSocket-Version: {version}") == {"rfc6455-4.3-2"}
