"""Writes a recorded failure as a Python file that does it again without wsproof: the template with the steps in it."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

from ..reports.model import CheckResult, Finding, Run, Verdict
from ..reports.text import visible
from .endpoint import REDACTED
from .errors import UsageError
from .recording import Step
from .replay import BAD, Recorded
from .requirements import requirements
from .wire.frames import FrameParser, describe

LINE: Final = 100
INLINE: Final = 400
"""Octets that are written out; more are packed."""
BEGIN: Final = "# BEGIN OF THE RECORDING\n"
END: Final = "# END OF THE RECORDING\n"
_IN_BASE64: Final = frozenset({"bytes", "payload", "prefix", "suffix", "taken", "earlier"})


def write_script(run: Run, before: Recorded) -> str:
    """The whole file. Raises UsageError where the recording does not hold all that was sent."""
    if any("sha256" in step for step in before.steps if step["do"] == "send"):
        what = "sent more than the run file keeps, so no script can do it again; replay it without --script"
        raise UsageError(f"{before.result.id} {what}")
    template = resources.files(__package__).joinpath("replay_template.py").read_text(encoding="utf-8")
    head, rest = template.split(BEGIN)
    _, code = rest.split(END)
    first, shebang_end = head.split('"""', 1)[0], head.split('"""', 2)[2]
    lines = [f'{first}"""{_about(run, before)}\n"""', shebang_end, BEGIN]
    return "".join([*lines, "\n".join(_recording(run, before)), "\n", END, code])


def _about(run: Run, before: Recorded) -> str:
    """What the script is, for its docstring."""
    template = resources.files(__package__).joinpath("replay_template.py").read_text(encoding="utf-8")
    usage = template.split('"""', 2)[1].strip().split("\n", 1)[1].strip()
    result = before.result
    lines = [visible(result.title), "", f"Found by {visible(run.run.tool)}, check {visible(result.id)}."]
    for finding in _bad(result):
        lines += _words_of(finding)
    if any(REDACTED in line for step in before.steps for line in _heads(step)):
        lines += ["", "Secrets were left out and stand here as ***; --set NAME=VALUE gives a field or query parameter."]
    text = "\n".join([*lines, "", usage])
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _bad(result: CheckResult) -> list[Finding]:
    return [finding for finding in result.findings if finding.verdict in BAD]


def _words_of(finding: Finding) -> list[str]:
    known = requirements().get(finding.requirement)
    said = [f"{known.source}, {known.level}:", f"    {visible(known.statement, 2000)}"] if known else []
    return [
        "",
        *said,
        f"Expected: {visible(finding.expected, 2000)}",
        f"Observed: {visible(finding.observed, 2000)}",
    ]


def _recording(run: Run, before: Recorded) -> Iterator[str]:
    """The part of the template between its two marks."""
    steps = list(before.steps)
    rule = deciding_rule(before)
    host = next((host for step in steps if (host := host_of(step))), "")
    yield f"URL = {visible(_dialled(run))!r}"
    bad = _bad(before.result)
    yield f"HOST = {host!r}  # as the recorded requests have it"
    yield f"RULE: int | None = {rule}  # the step that decides; None: what comes is held against what came"
    died = any(finding.observed == "target died" for finding in bad)
    yield f"DIED = {died}  # the failure is that the server died of it"
    yield f"LIMIT: float | None = {_limit(before)}  # the failure is that something took more seconds"
    resets = any("RST" in finding.observed for finding in bad)
    yield f"RESET = {resets}  # it matters whether TCP ends by FIN or RST"
    silence = before.result.replay[0].get("silence") is True
    yield f"SILENCE = {silence}  # the failure is that something did not come"
    yield "STEPS: Sequence[Step] = ["
    framed: set[int] = set()
    for index, step in enumerate(steps):
        came = step.get("came") or {}
        if came.get("framed"):
            framed.add(step["conn"])
        yield f"    # {_comment(step, step['conn'] in framed, index == rule)}"
        yield from _literal(step)
    yield "]"


def _dialled(run: Run) -> str:
    """Where the recorded run connected to. Without path and query: each request brings its own."""
    scheme, _, rest = str(run.run.target.get("url", "")).partition("://")
    return f"{scheme}://{run.run.options.get('connect_to') or re.split('[/?#]', rest)[0]}"


def deciding_rule(before: Recorded) -> int | None:
    """The place of the rule whose breach is the failure, where one of the peer's own decided it."""
    if before.in_passing:
        return None
    worst = min(_bad(before.result), key=lambda finding: finding.verdict is not Verdict.FAIL, default=None)
    if worst is None:
        return None
    for index, step in enumerate(before.steps):
        mine = step["do"] == "expect" and step["expected"] == worst.expected
        if mine and any(worst.observed.endswith(observed) for observed in step["observed"]):
            return index
    return None


def _limit(before: Recorded) -> float | None:
    """The seconds that something should have taken at most, where the failure is that it took longer."""
    for finding in _bad(before.result):
        within = re.search(r"within ([\d.]+) s", finding.expected)
        if within is not None and re.search(r"took [\d.]+ s", finding.observed):
            return float(within[1])
    return None


# -- steps as Python ---------------------------------------------------------------------------------------------


def _literal(step: Step) -> Iterator[str]:
    """The step as the lines of a dictionary."""
    inner = [f"        {key!r}: {_value(key, value)}," for key, value in step.items()]
    whole = "    {" + ", ".join(line.strip().rstrip(",") for line in inner) + "},"
    if "\n" not in whole and len(whole) <= LINE:
        yield whole
    else:
        yield "    {"
        yield from inner
        yield "    },"


def _value(key: str, value: Any) -> str:
    if key == "wanted":
        return "[" + ", ".join(f"({opcode}, {_octets(base64.b64decode(data))})" for opcode, data in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_value(name, inner)}" for name, inner in value.items()) + "}"
    if key in _IN_BASE64 and isinstance(value, list):
        return "[" + ", ".join(_octets(base64.b64decode(item)) for item in value) + "]"
    if key in _IN_BASE64:
        return _octets(base64.b64decode(value))
    return ascii(value)


def _octets(data: bytes) -> str:
    """A bytes literal over as many lines as it needs; long ones packed."""
    if len(data) > INLINE:
        text = base64.b64encode(zlib.compress(data, 9)).decode("ascii")
        pieces = [f'            "{text[at : at + LINE]}"' for at in range(0, len(text), LINE)]
        return "packed(\n" + "\n".join(pieces) + "\n        )"
    if len(repr(data)) <= LINE:
        return repr(data)
    lines = [data[at : at + 25] for at in range(0, len(data), 25)]
    if data.isascii() and b"\r\n" in data:
        lines = data.splitlines(keepends=True)
    return "(\n" + "\n".join(f"            {line!r}" for line in lines) + "\n        )"


# -- words -------------------------------------------------------------------------------------------------------


def _comment(step: Step, framed: bool, decides: bool) -> str:
    """The step in words."""
    conn = f"Connection {step['conn']}"
    match step["do"]:
        case "open":
            return f"{conn}: opened{' with TLS' if step.get('tls') else ''}"
        case "send":
            return f"{conn}: sends {_sent(base64.b64decode(step['bytes']), framed)}"
        case "await":
            return f"{conn}: waits for {_AWAITED.get(step['what'], step['what'])}; came: {_came(step['came'])}"
        case "expect":
            observed = visible(step["observed"][-1], 200)
            decides_ = " (this decides)" if decides else ""
            return f"{conn}: expects {visible(step['expected'], 200)}; observed: {observed}{decides_}"
        case "half_close":
            return f"{conn}: ends its own direction (FIN)"
        case "reset":
            return f"{conn}: is reset (RST)"
        case "close":
            return f"{conn}: is let go"
        case other:
            how, _, what = other.partition("_")
            return f"{conn}: {how} {what} from now on"


_AWAITED: Final = {
    "frame": "a frame or the end",
    "response": "the response",
    "ping": "a Ping that is wrong",
    "rest": "what is left over",
    "reading": "the server to read on",
    "tls-end": "the end of TLS",
}


def _sent(data: bytes, framed: bool) -> str:
    if not framed:
        return visible(data.split(b"\r\n", 1)[0].decode("latin-1"), 100)
    parser = FrameParser(keep=64)
    frames = [visible(describe(frame), 100).replace(" MASK=1", "") for frame in parser.feed(data)]
    frames += [] if parser.at_boundary else ["a part of a frame"]
    return "; ".join(frames[:4]) + (f" and {len(frames) - 4} more" if len(frames) > 4 else "")


def _came(came: Step | None) -> str:
    if came is None:
        return "nothing"
    if "end" in came:
        return f"the end ({visible(came['end'])})"
    if "response" in came:
        return visible(came["response"].split("\r\n", 1)[0].split("\n", 1)[0], 100)
    if "bytes" in came:
        return f"{len(base64.b64decode(came['bytes']))} bytes"
    told = came["frame"]
    names = {0: "Continuation", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong"}
    return f"{names.get(told['opcode'], 'opcode ' + str(told['opcode']))} of {told['length']} bytes"


# -- what is in a request ------------------------------------------------------------------------------------------


def _heads(step: Step) -> list[str]:
    """The lines of what was sent, where it is an HTTP request."""
    if step["do"] != "send" or "bytes" not in step:
        return []
    data = base64.b64decode(step["bytes"])
    return data.decode("latin-1").split("\r\n") if b" HTTP/" in data[:8192] else []


def host_of(step: Step) -> str | None:
    """The value of Host in a request that was sent."""
    found = (line.partition(":")[2].strip() for line in _heads(step) if line.lower().startswith("host:"))
    return next(found, None)


def secret_fields(step: Step) -> list[str]:
    """Names of the fields whose values were left out."""
    pairs = (line.partition(":") for line in _heads(step))
    return [name.strip().lower() for name, colon, value in pairs if colon and value.strip().startswith(REDACTED)]
