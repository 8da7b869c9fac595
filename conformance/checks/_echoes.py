"""Holding what an echo answered against what its profile promises."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from ..check import Violation
from ..peer import Message
from ..profile import VALUE, EchoContract
from ..target import Target
from ..template import fill
from ..wire.frames import CloseCode, Frame, Opcode, ReceivedFrame
from ._contracts import Heard, enter, say, told

ORDER: Final = "contract:echo-order"
LARGE: Final = 64 * 1024
"""Bytes from which on a server may say that a message is too big."""

Key = Callable[[Message], Hashable]
"""What of an answer must be as promised; two answers with the same key are the same."""


def contract(target: Target) -> EchoContract:
    """The profile's [echo]; checks that need it run only where there is one."""
    assert target.profile is not None and target.profile.echo is not None
    return target.profile.echo


async def expect_echoes(
    target: Target,
    path: str,
    opcode: Opcode,
    payloads: Sequence[bytes],
    answer: Callable[[bytes], bytes],
    *,
    requirement: str,
    at_once: bool = False,
    key: Key = lambda message: (message.opcode, message.payload),
    quoted: bool = False,
) -> None:
    """Each message is answered with ``answer`` of its payload, as the same type, in order, and nothing else comes.

    ``quoted``: messages are JSON.
    """
    last = [b'"%b"' % target.nonce() if quoted else target.nonce() for _ in range(2)]
    wanted = [Message(opcode, answer(part)) for part in (*payloads, *last)]

    def right(place: int, message: Message) -> bool:
        return key(message) == key(wanted[place])

    async with enter(target, target.request(path), "echo") as peer:
        frames = [Frame(opcode, part) for part in payloads]
        heard = await say(peer, frames, (Frame(opcode, last[0]), Frame(opcode, last[1])), right, at_once=at_once)
    refused = _refused_size(heard, payloads)
    if refused is not None:
        target.findings.noted(f"a message of {refused} bytes is refused with 1009", requirement=requirement)
        return
    judge_echoes(heard, wanted, requirement, key)


def _refused_size(heard: Heard, payloads: Sequence[bytes]) -> int | None:
    """The size of a large message that the target has refused for its size (RFC 6455, section 7.4.1)."""
    largest = max(map(len, payloads))
    refused = isinstance(heard.end, ReceivedFrame) and heard.end.close_code == CloseCode.MESSAGE_TOO_BIG
    return largest if refused and largest >= LARGE else None


def judge_echoes(heard: Heard, wanted: Sequence[Message], requirement: str, key: Key) -> None:
    """Raises Violation for the first answer that is not as it should be, under the requirement that it breaks.

    The last of those wanted need not have come: it is there to be heard where the one before it is lost.
    """
    got, due = [key(message) for message in heard.messages], [key(message) for message in wanted]
    place = next((at for at, pair in enumerate(zip(got, due, strict=False)) if pair[0] != pair[1]), len(got))
    if place >= len(due) - 1:
        return
    expected = f"{told(wanted[place])} in answer to message {place + 1}"
    if place == len(got):
        observed = f"nothing, but {heard.ending}" if heard.end is not None else "nothing"
        raise Violation(expected, observed, requirement=requirement, silence=heard.silent)
    came = heard.messages[place]
    needed, had = Counter(due[:-1]), Counter(got)
    missing, more = needed - had, had - Counter(due)
    if got[place] not in due or (missing and more[got[place]]):
        raise Violation(expected, told(came), requirement=requirement)
    if more[got[place]]:
        raise Violation(expected, f"an answer comes a second time: {told(came)}", requirement=requirement)
    if missing:
        raise Violation(expected, f"it is left out, and next comes: {told(came)}", requirement=requirement)
    how = f"the answer to message {due.index(got[place]) + 1} comes first: {told(came)}"
    raise Violation(expected, how, requirement=ORDER)


def text_answer(template: str) -> Callable[[bytes], bytes]:
    """What the wording makes of a text or of bytes."""
    before, after = fill(template, message="\0").encode().split(b"\0", 1)
    return lambda payload: before + payload + after


def json_answer(template: str) -> Callable[[bytes], bytes]:
    """What the profile's JSON makes of a JSON value."""
    return lambda payload: template.replace(json.dumps(VALUE), payload.decode()).encode()


def json_key(message: Message) -> Hashable:
    """The JSON value of a text message, however it is written; other messages as they are."""
    try:
        value = json.loads(message.payload)
    except ValueError:
        return message.opcode, message.payload
    return message.opcode, json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    """``1.0`` and ``1`` are one number in JSON."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
