"""Profile files as users write them: what is wrong is one line, and what is secret is never shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from wsproof.cli import main
from wsproof.conformance.endpoint import Endpoint, parse_endpoint
from wsproof.conformance.profile import EchoContract, ItemAnswer, ItemsContract, LoginStep, Paths, Probe, Profile
from wsproof.conformance.reach import placed, with_profile

SECRET = "the-secret-value"


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        (
            '[items]\npath = "/items/{item}/ws"\nanswers = [{ text = "x" }]',
            3,
            "'path': the placeholder {item} is unknown; did you mean {item_id}?",
        ),
        (
            '[items]\npath = "/items/ws"\nanswers = [{ text = "x" }]',
            3,
            "'path': the placeholder {item_id} is missing; write it",
        ),
        ('[chat]\npath = "/ws/1"\nothers = "{message}"', 3, "'path': the placeholder {client_id} is missing; write it"),
        (
            '[chat]\npath = "/ws/{client_id}"\nothers = "hi"',
            4,
            "'others': the placeholder {message} is missing; write it",
        ),
        (
            '[chat]\npath = "/ws/{client_id}"\nroom_path = "/{room}"\nothers = "{message}"',
            4,
            "'room_path': the placeholder {client_id} is missing; write it",
        ),
        (
            '[echo]\ntext = "You said {massage}"',
            3,
            "'text': the placeholder {massage} is unknown; did you mean {message}?",
        ),
        ('[echo]\njson_answer = "{value}"', 3, "'json_answer': it is no JSON"),
        ("[echo]\njson_answer = '{\"a\": 1}'", 3, "'json_answer': the string \"{value}\" must stand in it once"),
        ('[paths]\necho = "ws"', 3, "'echo': 'ws' does not begin with '/'; write a path"),
        ('[paths]\necho = "/a b"', 3, "'echo': '/a b' holds '#' or a character that no URL can"),
        (
            '[headers]\nAuthorization = "Bearer ${WSPROOF_NOT_SET}"',
            3,
            "'Authorization': the environment variable WSPROOF_NOT_SET is not set; set it, or leave this key out",
        ),
        ('[cookies]\nsid = "a b"', 3, "'sid': the value of a cookie holds white space"),
        ('[[login]]\nexpect = "{name}"', 3, "'expect': the placeholder {name} is unknown; known here: {any}"),
        ("[[login]]", 2, "'login': the step has neither 'send' nor 'expect'; give one, or both"),
        ('[probe]\nclose = "/close?code={code}"', 3, "'close': the placeholder {reason} is missing; write it"),
        (
            '[items]\npath = "/{item_id}"\nquery = "q"\nanswers = [{ text = "{q}" }]',
            5,
            "the answer shows {q}, which may be absent; add only_with_query = true",
        ),
        (
            '[items]\npath = "/{item_id}"\nanswers = [{ text = "{credential}" }]',
            2,
            "an answer shows {credential}, but neither 'cookie' nor 'token' is given; name one",
        ),
        ('[items]\npath = "/{item_id}"\nclose_code = 99\nanswers = [{ text = "x" }]', 4, "'close_code' is 99"),
    ],
)
def test_it_is_one_line_with_the_place(
    body: str, line: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(f'name = "bad"\n{body}\n')
    with pytest.raises(SystemExit) as ended:
        main(["check", "ws://127.0.0.1:1/", "--profile", str(file)])
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert shown.count("\n") == 1
    assert shown.startswith(f"wsproof: {file}:{line}: ")
    assert message in shown


@pytest.fixture
def with_secrets(monkeypatch: pytest.MonkeyPatch) -> Profile:
    """A profile that takes values from the environment in every way."""
    monkeypatch.setenv("WSPROOF_SECRET", SECRET)
    monkeypatch.setenv("WSPROOF_PATH_TOKEN", "a/b")
    return Profile(
        name="secret",
        headers={"Authorization": "Bearer ${WSPROOF_SECRET}", "X-Client": "tests"},
        cookies={"sid": "id-${WSPROOF_SECRET}"},
        login=[LoginStep(send="hello ${WSPROOF_SECRET}", expect="ok {any}")],
        paths=Paths(echo="/ws?token=${WSPROOF_PATH_TOKEN}", refused="/no"),
        probe=Probe(close="/close?{code}{reason}"),
        echo=EchoContract(path="/ws"),
        items=ItemsContract(
            path="/items/{item_id}", token="t", accepted=["${WSPROOF_SECRET}"], answers=[ItemAnswer(text="{message}")]
        ),
    )


def reached(profile: Profile, headers: Sequence[str] = (), cookies: Sequence[str] = ()) -> Endpoint:
    return with_profile(parse_endpoint("ws://h/base/", headers=headers, cookies=cookies), profile)


def test_secrets_are_known_and_kept_out_of_texts(with_secrets: Profile) -> None:
    assert {SECRET, f"id-{SECRET}", "a/b"} <= with_secrets.secrets
    assert "tests" not in with_secrets.secrets
    assert SECRET not in repr(with_secrets)
    redactor = reached(with_secrets).redactor()
    assert SECRET not in redactor.text(f"it said {SECRET}; Cookie: sid=id-{SECRET}")
    assert SECRET.encode() not in redactor.payload(f"hello {SECRET}".encode())


def test_every_handshake_carries_fields_and_cookies(with_secrets: Profile) -> None:
    request = reached(with_secrets).request()
    assert request.target == b"/base/ws?token=a%2Fb"
    assert request.get("Authorization") == f"Bearer {SECRET}".encode()
    assert request.get("X-Client") == b"tests"
    assert request.all("Cookie") == [f"sid=id-{SECRET}".encode()]


def test_the_command_line_wins(with_secrets: Profile) -> None:
    request = reached(with_secrets, headers=["x-client: me"], cookies=["sid=1", "b=2"]).request()
    assert request.all("X-Client") == [b"me"]
    assert request.all("Cookie") == [b"sid=1; b=2"]
    joined = reached(with_secrets, cookies=["b=2"]).request()
    assert joined.all("Cookie") == [f"b=2; sid=id-{SECRET}".encode()]


def test_paths_are_below_the_base(with_secrets: Profile) -> None:
    profile = placed(with_secrets, reached(with_secrets))
    assert profile is not None and profile.echo is not None and profile.items is not None
    assert profile.paths.refused == "/base/no"
    assert profile.probe.close == "/base/close?{code}{reason}"
    assert (profile.echo.path, profile.echo.binary_path) == ("/base/ws", None)
    assert profile.items.path == "/base/items/{item_id}"
    assert profile.items.accepted == ["${WSPROOF_SECRET}"]
    assert placed(None, reached(with_secrets)) is None


def test_braces_of_the_base_are_no_placeholders() -> None:
    profile = Profile(name="x", probe=Probe(crash="/crash"), echo=EchoContract(path="/e"))
    found = placed(profile, with_profile(parse_endpoint("ws://h/{base}"), profile))
    assert found is not None and found.echo is not None
    assert (found.paths.echo, found.probe.crash, found.echo.path) == ("/{base}/", "/{{base}}/crash", "/{base}/e")
