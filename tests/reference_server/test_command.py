"""`wsproof serve`: options, and one clear line for what cannot be."""

import os
import socket
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from wsproof.reference_server.command import serve


@pytest.fixture
def application() -> typer.Typer:
    """The command, as the command line composes it."""
    app = typer.Typer()
    app.command()(serve)
    return app


def refusal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command in a process of its own: exit code and what it says."""
    command = [sys.executable, "-P", "-m", "wsproof.reference_server", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=60, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(f"--port={port}") == (
            2,
            f"wsproof serve: port {port} on 127.0.0.1 is taken; choose another with --port (0 for a free one)\n",
        )


def test_an_address_that_is_not_ours_is_said_in_one_line() -> None:
    code, said = refusal("--host=192.0.2.1", "--port=0")
    assert code == 2
    assert said.startswith("wsproof serve: cannot listen on port 0 on 192.0.2.1: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--outbox-bytes=0", "--outbox-bytes: Input should be greater than or equal to 1"),
        ("--overflow-code=1005", "--overflow-code: Value error, 1005 is no close code that an endpoint may send"),
    ],
)
def test_an_option_out_of_range_is_said_in_one_line(option: str, said: str) -> None:
    assert refusal(option) == (2, f"wsproof serve: {said}\n")


def test_a_wrong_environment_variable_is_named() -> None:
    code, said = refusal(WSPROOF_SERVER_DENIAL="maybe")
    assert (code, said) == (2, "wsproof serve: WSPROOF_SERVER_DENIAL: Input should be 'close' or 'http'\n")


def test_an_unreadable_environment_variable_is_named() -> None:
    code, said = refusal(WSPROOF_SERVER_ORIGINS="https://a")
    assert code == 2
    assert said.startswith('wsproof serve: WSPROOF_SERVER_*: error parsing value for field "origins"')
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--port=65536"], ["--ws=none"], ["--denial=maybe"], ["--unknown"]])
def test_a_wrong_command_line_exits_with_2(application: typer.Typer, arguments: list[str]) -> None:
    assert CliRunner().invoke(application, arguments).exit_code == 2


def test_help_names_the_options_and_their_defaults(application: typer.Typer) -> None:
    said = CliRunner().invoke(application, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for option in ("--host", "--port", "--ws", "--denial", "--origin", "--outbox-messages", "--outbox-bytes"):
        assert option in said
    assert "until-stdin-ends" not in said
    for default in ("127.0.0.1", "8000", "auto", "1024", "2097152", "1013"):
        assert default in said
