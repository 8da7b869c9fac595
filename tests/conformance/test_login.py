"""The login of a profile: gone through on each usable connection, and told of where it is not answered."""

from __future__ import annotations

import pytest

from tests.conformance.talk import LONG, SHORT
from tests.mutants import MutantServer
from wsproof.conformance.check import Findings
from wsproof.conformance.discovery import discover
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetRefused
from wsproof.conformance.login import NotLoggedIn
from wsproof.conformance.profile import LoginStep, Profile
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Frame, Opcode


def setting_of(server: MutantServer, path: str, *steps: LoginStep, patience: float = LONG) -> Setting:
    profile = Profile(name="with a login", login=list(steps))
    return Setting(parse_endpoint(server.url.replace("/echo", path)), profile=profile, patience=patience)


def target_of(setting: Setting) -> Target:
    return Target(setting, Findings(("rfc6455-5.5-2",)), Transcript(setting.endpoint.redactor()))


async def test_it_is_gone_through_before_the_check_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSPROOF_LOGIN", "a.*b")
    steps = (LoginStep(send="hello ${WSPROOF_LOGIN}", expect="{any}: hello ${WSPROOF_LOGIN}"), LoginStep(send="go"))
    async with MutantServer() as server:
        target = target_of(setting_of(server, "/prefix", *steps))
        async with target.connect() as peer:
            assert (await peer.expect_message(Opcode.TEXT, b"Message text was: go")).frames == 1
            await peer.fence()


async def test_what_comes_of_itself_can_be_expected_without_a_word() -> None:
    steps = (LoginStep(expect="Good {any}."), LoginStep(expect="The line is open."))
    async with MutantServer() as server, target_of(setting_of(server, "/greet", *steps)).connect() as peer:
        await peer.send(Frame(Opcode.TEXT, b"x"))
        await peer.expect_message(Opcode.TEXT, b"x")


@pytest.mark.parametrize(
    ("path", "observed", "ended"),
    [
        ("/echo", "Text message of 5 bytes 'hello'", False),
        ("/swallow", "nothing within 0.2 s", False),
        ("/probe/close?code=4000", "Close 4000", True),
    ],
)
async def test_another_answer_is_told(path: str, observed: str, ended: bool) -> None:
    async with MutantServer() as server:
        target = target_of(setting_of(server, path, LoginStep(send="hello", expect="welcome"), patience=SHORT))
        with pytest.raises(NotLoggedIn) as why:
            async with target.connect():
                pass
    assert str(why.value) == (
        "step 1 of the profile's login was not answered as it says: expected 'welcome'; observed " + observed
    )
    assert (why.value.end is not None) == ended


async def test_connections_that_need_not_be_usable_go_without_it() -> None:
    async with MutantServer() as server:
        target = target_of(setting_of(server, "/echo", LoginStep(send="hello")))
        for greeted, echo, login in ((False, True, None), (True, False, None), (True, True, False)):
            async with target.connect(greeted=greeted, echo=echo, login=login) as peer:
                assert await peer.fence() == []
        async with target.connect(echo=False, login=True) as peer:
            assert len(await peer.fence()) == 1


async def test_a_run_ends_where_it_does_not_work() -> None:
    async with MutantServer() as server:
        with pytest.raises(TargetRefused, match=r"step 1 of the profile.* is the \[\[login\]\] of the profile"):
            await discover(setting_of(server, "/echo", LoginStep(send="hello", expect="welcome")))
