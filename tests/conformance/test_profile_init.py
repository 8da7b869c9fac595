"""``wsproof profile init``: what it writes can be used at once, and holds no secret."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.mutants import mutant_server
from wsproof.cli import main
from wsproof.conformance.discovered import Discovered, EchoForm
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.profile import Profile
from wsproof.conformance.profile_init import profile_text, quoted
from wsproof.conformance.template import fill
from wsproof.reports.toml_file import read_toml


def code_of(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("path", ["/echo", "/prefix", "/greet", "/swallow", "/push"])
def test_what_is_written_can_be_used(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with mutant_server() as server:
        url = server.url.replace("/echo", path)
        assert code_of("profile", "init", url, "-o", "mine.toml", "--patience", "0.5") == 0
        profile, _ = read_toml(Path("mine.toml"), Profile)
        base = url.removesuffix(path)
        if profile.echo is not None:
            assert code_of("check", base, "--profile", "mine.toml", "-k", "contract-echo/text", "-q") == 0
    assert profile.paths.echo == path
    assert (profile.echo is None) == (path in ("/swallow", "/push"))
    if path == "/prefix":
        assert profile.echo is not None
        assert profile.echo.text == "Message text was: {message}"


def test_without_a_file_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with mutant_server() as server:
        assert code_of("profile", "init", server.url) == 0
    assert tomllib.loads(capsys.readouterr().out)["paths"] == {"echo": "/echo"}


def test_a_file_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine")
    assert code_of("profile", "init", "ws://127.0.0.1:1/", "-o", str(file)) == 2
    assert file.read_text() == "mine"
    assert capsys.readouterr().err.count("\n") == 1


def test_a_target_that_is_not_there_or_refuses_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    assert code_of("profile", "init", "ws://127.0.0.1:1/", "-o", str(file)) == 3
    with mutant_server() as server:
        assert code_of("profile", "init", server.url + "/nowhere", "-o", str(file)) == 3
    assert not file.exists()
    assert capsys.readouterr().err.count("\n") == 2


def test_no_secret_is_written() -> None:
    endpoint = parse_endpoint(
        "wss://h/ws?token=tell-nobody", headers=["X-Api-Key: tell-nobody"], cookies=["a=tell-nobody"]
    )
    text = profile_text(endpoint, Discovered(server="some\nserver"), "1")
    assert "tell-nobody" not in text
    assert '# X-Api-Key = "${X_API_KEY}"' in text
    assert tomllib.loads(text)["paths"] == {"echo": "/ws?token=***"}


@pytest.mark.parametrize("prefix", [b'"quoted" \\ {braces} ${HOME}', b"\x7f\n\t\x00", "é".encode(), b"\xff"])
def test_any_wording_is_written_so_that_it_comes_back(prefix: bytes, tmp_path: Path) -> None:
    found = Discovered(echo=EchoForm(prefix, b"}", None), greetings=1, chatty=True)
    file = tmp_path / "mine.toml"
    file.write_text(profile_text(parse_endpoint("ws://h/ws"), found, "1"), "utf-8")
    profile, _ = read_toml(file, Profile)
    if prefix == b"\xff":
        assert profile.echo is None
        return
    assert profile.echo is not None
    assert fill(profile.echo.text, message="M").encode() == prefix + b"M}"


def test_what_stands_as_a_comment_is_right_once_it_is_uncommented(tmp_path: Path) -> None:
    text = profile_text(parse_endpoint("ws://h/ws"), Discovered(), "1")
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        is_key = bare.startswith(("[", "]", "    {")) or (" = " in bare and bare.split(" = ")[0].isidentifier())
        lines.append(bare if is_key else line)
    file = tmp_path / "all.toml"
    file.write_text("\n".join(line for line in lines if "${NAME}" not in line and not line.startswith("denial")))
    profile, _ = read_toml(file, Profile)
    assert profile.items is not None and profile.chat is not None and profile.echo is not None
    assert len(profile.items.answers) == 3


def test_strings_are_toml() -> None:
    text = 'a"\\\n\x7fé\U0001f600'
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}
