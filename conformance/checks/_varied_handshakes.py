"""Sends drawn handshakes and judges the answers as the fixed check of the same rule does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..check import Param, Undetermined, Violation, param
from ..target import Answer, Setting, Target
from ._answers import Expected, judge, ready
from ._handshake_fault import FAULTS, Fault, FaultKind, FaultyHandshake, requirement_of
from ._handshake_variation import AMONG_OTHERS, Aspect, Head, Variation, head_of
from ._handshakes import accept_is_right, grade_refusal

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SEPARATE: Final = 0.005
"""Seconds between two writes that have to arrive apart from each other."""
ACCEPT: Final = "rfc6455-4.2.2-21"
ACCEPT_OF_TRIMMED: Final = "rfc6455-4.2.2-22"
MISREAD: Final = Expected("400", ("400",), ("2xx", "3xx", "4xx", "5xx", "close", "silence"))
"""What no HTTP server may take for a good request; another refusal than 400 is tolerated."""
REQUEST_LINE: Final = Expected("400, or 301 to the encoded target", ("400", "301", "4xx", "505", "close"))
LINE_REFUSED: Final = Expected("400, or another refusal", ("2xx", "3xx", "4xx", "5xx", "close"), ("silence",))


def variation_params() -> list[Param]:
    """What any legal variation is about: everything together, then what is tried by itself."""
    together = [aspect.requirement for aspect in AMONG_OTHERS]
    return [
        param(
            "mixed", None, requirements=[Aspect.KEY.requirement, *dict.fromkeys(together), ACCEPT, ACCEPT_OF_TRIMMED]
        ),
        param("protocol-list", Aspect.PROTOCOLS, requirements=[Aspect.PROTOCOLS.requirement]),
        param("option-lines", Aspect.OPTION_LINES, requirements=[Aspect.OPTION_LINES.requirement]),
        param("empty-options", Aspect.GAPS, requirements=[Aspect.GAPS.requirement]),
        param("trailing-space", Aspect.SPACE_AFTER, requirements=[Aspect.SPACE_AFTER.requirement]),
        param("unknown-extensions", Aspect.EXTENSIONS, requirements=[Aspect.EXTENSIONS.requirement]),
    ]


def fault_params() -> list[Param]:
    """The groups of faults."""
    return [param(group, group, requirements=dict.fromkeys(kinds.values())) for group, kinds in FAULTS.items()]


def any_variation(setting: Setting, focus: Aspect | None) -> Mapping[str, SearchStrategy[Any]]:
    """Legal handshakes. Hypothesis is imported only where a property runs."""
    from ..strategies_handshake import variations

    return {"variation": variations(focus)}


def any_fault(setting: Setting, group: str) -> Mapping[str, SearchStrategy[Any]]:
    """Legal handshakes, and what is wrong with them."""
    from ..strategies_handshake import faulty_handshakes

    return {"handshake": faulty_handshakes(group)}


async def send(target: Target, head: Head) -> Answer:
    """The head on a connection of its own, each piece in a TCP segment of its own; what came back."""
    async with target.open() as peer:
        peer.expect_response(head.method.encode("latin-1"))
        *pieces, last = head.pieces()
        try:
            for piece in pieces:
                await peer.write_http(piece, chop=len(piece), pause=SEPARATE)
            await peer.write_http(last)
        except Violation:
            pass  # it has stopped reading; what it has answered tells the rest
        return ready(await target.answer(peer))


async def judge_variation(target: Target, focus: Aspect | None, variation: Variation) -> None:
    """A legal handshake is accepted.

    A refusal counts only if the tamed handshake is accepted. It goes under the requirement of ``focus``, without one
    under that of the first difference that is refused by itself, and as a plain refusal where none is. What warns is
    for the catalogue to say, which names contested readings.
    """
    head = head_of(target.request(), variation)
    answer = await send(target, head)
    if answer.accepted:
        if focus is None and not accept_is_right(answer, head.key.encode()):
            await _judge_wrong_accept(target, variation, head.key)
        return
    tamed = variation.tamed(focus)
    control = await send(target, head_of(target.request(), tamed))
    if not control.accepted:
        raise Undetermined(f"{tamed} is answered with {control} too")
    aspect = await _to_blame(target, variation) if focus is None else focus
    target.findings.violated(
        f"101, as for {tamed}", f"{answer} for {variation}", requirement=aspect.requirement, silence=answer.silent
    )


async def _judge_wrong_accept(target: Target, variation: Variation, key: str) -> None:
    """Report a wrong Sec-WebSocket-Accept: for white space before the key, if it is right without."""
    tight = replace(variation, key=key, space=Variation().space)
    again = await send(target, head_of(target.request(), tight))
    wrong_too = again.accepted and not accept_is_right(again, key.encode())
    expected = f"Sec-WebSocket-Accept for the key '{key}'"
    requirement = ACCEPT if wrong_too else ACCEPT_OF_TRIMMED
    target.findings.violated(expected, f"another one, for {variation}", requirement=requirement)


async def _to_blame(target: Target, variation: Variation) -> Aspect:
    """The first aspect that is refused by itself; the key, under which any acceptance falls, where none is."""
    for aspect in dict.fromkeys(aspect for aspect, _ in variation.changes()):
        answer = await send(target, head_of(target.request(), variation.only(aspect)))
        if not answer.accepted:
            return aspect
    return Aspect.KEY


async def judge_fault(target: Target, handshake: FaultyHandshake) -> None:
    """A handshake with one fault is not accepted, whatever else varies."""
    fault = handshake.fault
    plain = head_of(target.request(), handshake.variation)
    head = fault.put_into(plain)
    answer = await send(target, head)
    sent = str(handshake)
    requirement = requirement_of(fault.kind)
    match fault.kind:
        case FaultKind.KEY_LENGTH | FaultKind.KEY_CHARACTERS | FaultKind.SECOND_KEY:
            _judge_key(target, answer, _keys(plain, head, fault), sent, requirement)
        case FaultKind.SECOND_VERSION if answer.accepted:
            target.findings.warned("an HTTP error, 400 or 426", f"101 for {sent}", requirement=requirement)
        case FaultKind.SECOND_HOST | FaultKind.INVALID_HOST | FaultKind.SPACE_BEFORE_COLON:
            judge(target, MISREAD, {sent: answer}, requirement=requirement)
        case FaultKind.REQUEST_LINE:
            judge(target, REQUEST_LINE, {sent: answer}, requirement=requirement)
        case FaultKind.NO_COLON | FaultKind.SPACE_FIRST | FaultKind.HTTP_VERSION | FaultKind.METHOD_CASE:
            await _refused_without(target, fault, plain, answer)
            judge(target, LINE_REFUSED, {sent: answer}, requirement=requirement)
        case _:
            ordinary = fault.kind not in (FaultKind.NO_KEY, FaultKind.NO_VERSION, FaultKind.MALFORMED_VERSION)
            grade_refusal(target, answer, sent, requirements=[requirement], ordinary=ordinary, may_close=ordinary)


async def _refused_without(target: Target, fault: Fault, plain: Head, answer: Answer) -> None:
    """Raise Undetermined where the target needs not even the line that the fault has spoilt."""
    control = fault.control(plain)
    if control is not None and answer.accepted and (await send(target, control)).accepted:
        raise Undetermined("the handshake is accepted without that line too")


def _keys(plain: Head, head: Head, fault: Fault) -> list[bytes]:
    """What a lenient server may take for the key."""
    first = plain.key.encode()
    if fault.kind is not FaultKind.SECOND_KEY:
        return [head.key.encode()]
    second = fault.text.encode() or first
    return [keys for a, b in ((first, second), (second, first)) for keys in (a, a + b", " + b, a + b"," + b)]


def _judge_key(target: Target, answer: Answer, keys: list[bytes], sent: str, requirement: str) -> None:
    if answer.accepted and accept_is_right(answer, *keys):
        expected = "an HTTP error, 400 best"
        target.findings.warned(expected, f"101 with the Accept for it, for {sent}", requirement=requirement)
    else:
        grade_refusal(target, answer, sent, requirements=[requirement])


__all__ = ["any_fault", "any_variation", "fault_params", "judge_fault", "judge_variation", "send", "variation_params"]
