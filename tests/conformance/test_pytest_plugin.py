"""``pytest --ws-target URL`` in somebody else's repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.mutants import mutant_server


def run_pytest(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of pytest in a folder that knows nothing of this project's configuration."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_checks_are_items_and_pass_on_a_conformant_server(tmp_path: Path) -> None:
    with mutant_server() as server:
        code, out = run_pytest(tmp_path, "--ws-target", server.url, "-k", "payload-over-125", "-v")
    assert code == 0, out
    assert "control-frames/payload-over-125[ping]" in out
    assert " passed" in out


def test_a_failure_tells_expected_and_observed_without_a_traceback(tmp_path: Path) -> None:
    with mutant_server("long-control-taken") as server:
        code, out = run_pytest(tmp_path, "--ws-target", server.url, "-k", "payload-over-125")
    assert code == 1
    assert "rfc6455-5.5-2: expected the connection failed with 1002" in out
    assert "observed" in out
    assert "Traceback" not in out


def test_a_users_own_tests_run_beside_them(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own_ping():\n    pass\n")
    with mutant_server() as server:
        code, out = run_pytest(tmp_path, "--ws-target", server.url, "-k", "own_ping or payload-over-125[pong]", "-v")
    assert code == 0, out
    assert "test_own.py::test_own_ping" in out
    assert "2 passed" in out


def test_a_target_that_is_not_there_fails_and_says_so(tmp_path: Path) -> None:
    code, out = run_pytest(tmp_path, "--ws-target", "ws://127.0.0.1:1/", "-k", "payload-over-125[ping]")
    assert code == 1
    assert "nothing was proved: no connection to 127.0.0.1:1" in out


def test_without_the_option_nothing_of_ours_is_imported(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    assert 'wsproof.conformance.pytest_plugin' in sys.modules\n"
        "    assert 'wsproof.conformance.check' not in sys.modules\n"
        "    assert 'pydantic' not in sys.modules\n"
    )
    code, out = run_pytest(tmp_path)
    assert code == 0, out


def test_bad_input_is_a_usage_error_of_one_line(tmp_path: Path) -> None:
    code, out = run_pytest(tmp_path, "--ws-target", "no-scheme")
    assert code == 4
    assert [line for line in out.splitlines() if line.startswith("ERROR")] == [
        "ERROR: the URL 'no-scheme' has no scheme; write ws://HOST[:PORT][/PATH][?QUERY] or wss://..."
    ]
