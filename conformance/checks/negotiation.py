"""Subprotocols and extensions: what is offered, and what the 101 chooses of it (RFC 6455, sections 4, 9 and 11.3)."""

from __future__ import annotations

from ..check import Undetermined, Violation, check, param
from ..target import Answer, Target
from ..wire.frames import RSV1, CloseCode, Frame, Opcode
from ..wire.handshake import split_list
from ._answers import SWITCHED, ask, ask_each, judge
from ._framing import naming
from ._handshakes import grade_refusal, is_error
from ._negotiation import (
    UNKNOWN,
    UNKNOWN_EXTENSION,
    agreed_extensions,
    answered,
    deflated,
    extension_lines,
    known_subprotocols,
    names_extension,
    subprotocols_of,
    with_extensions,
    with_subprotocols,
)
from ._requests import negotiated

NONE_SUITS = "rfc6455-4.2.2-12"
NOT_REPEATED = "rfc6455-4.2.1-24"
DEFLATE = "permessage-deflate"

# -- what every response tells -------------------------------------------------------------------------------------


@check("rfc6455-4.3-2", "rfc6455-4.2.2-14", "rfc6455-4.2.2-17", "rfc6455-11.3.4-2", watches=True)
async def grammar_of_the_response(target: Target) -> None:
    """The Sec-WebSocket fields of a response follow their grammar: one subprotocol at most, no empty list."""
    version_99 = target.request().with_field("Sec-WebSocket-Version", "99")
    requests = {
        "a plain handshake": with_extensions(target),
        "an offer of permessage-deflate": with_extensions(target, DEFLATE),
        "several subprotocols": with_subprotocols(target, ", ".join(known_subprotocols(target))),
        "version 99": version_99,
    }
    for request in requests.values():
        await ask(target, request)  # the answers are read along, see lint_http.py


@check("rfc6455-4.1-15", "rfc6455-4.2.2-11", "rfc6455-4.2.2-13", NONE_SUITS, watches=True)
async def only_offered_subprotocols(target: Target) -> None:
    """The 101 names one of the subprotocols that were offered, or none: none of those that it cannot know."""
    known = known_subprotocols(target)[0]
    one, two = UNKNOWN
    requests = {
        "no subprotocol": with_subprotocols(target),
        "a known one and an unknown one": with_subprotocols(target, f"{known}, {one}"),
        "an unknown one and a known one": with_subprotocols(target, f"{one}, {known}"),
        "an unknown one and a known one on two lines": with_subprotocols(target, one, known),
    }
    await answered(target, requests)  # read along, see lint_http.py
    unknown = {
        f"'{value}'": with_subprotocols(target, value).changed(target=target.endpoint.target)
        for value in (one, f"{one}, {two}")
    }
    for words, answer in (await answered(target, unknown)).items():
        _judge_unknown(target, words, answer)


def _judge_unknown(target: Target, words: str, answer: Answer) -> None:
    """The answer to an offer of names that no server can know (rfc6455-4.2.2-12)."""
    if not answer.accepted:
        target.findings.holds(f"{answer} for {words}", requirement=NONE_SUITS)
        return
    chosen = subprotocols_of(answer)
    if not chosen:
        return
    observed = f"{negotiated(answer) if any(chosen) else 'an empty Sec-WebSocket-Protocol'} for {words}"
    offered = [name.encode() for name in UNKNOWN]
    report = target.findings.warned if len(chosen) == 1 and chosen[0] in offered else target.findings.violated
    report("no Sec-WebSocket-Protocol for names that nobody knows", observed, requirement=NONE_SUITS)


@check("rfc6455-4.1-14", "rfc6455-4.2.2-15", "rfc6455-4.2.2-16", "rfc6455-9-2", "rfc6455-9.1-8", watches=True)
async def only_offered_extensions(target: Target) -> None:
    """The 101 names none but extensions that were offered."""
    offers: dict[str, tuple[str, ...]] = {
        "no extension": (),
        "an unknown one": (UNKNOWN_EXTENSION,),
        "an unknown one whose name ends in a known one": (f"x-{DEFLATE}",),
        "permessage-deflate among unknown ones": (f"{UNKNOWN_EXTENSION}, {DEFLATE}, y-unknown; p=1",),
    }
    await answered(target, {words: with_extensions(target, *lines) for words, lines in offers.items()})


@check("rfc6455-9.1-4", "rfc6455-9-3", watches=True)
async def parameters_of_the_response(target: Target) -> None:
    """permessage-deflate is agreed to with its own four parameters only, and with such as fit an offer of it."""
    offers = (
        DEFLATE,
        f"{DEFLATE}; client_max_window_bits",
        f"{DEFLATE}; server_max_window_bits=10",
        f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover",
        f"{DEFLATE}; server_max_window_bits=9; client_max_window_bits=9, {DEFLATE}",
    )
    await answered(target, {f"'{offer}'": with_extensions(target, offer) for offer in offers})
    # A server that trips over the quotes agrees to nothing; http-message/quoted-pair judges that.
    await ask(target, with_extensions(target, f'{DEFLATE}; server_max_window_bits="1\\0"'))


# -- offers of subprotocols ----------------------------------------------------------------------------------------


@check(
    "rfc6455-4.2.1-23",
    each=[
        param("empty", b""),
        param("no-element", b","),
        param("space", b"a b"),
        param("at-sign", b"a@b"),
        param("slash", b"a/b"),
        param("quoted", b'"chat"'),
        param("non-ascii", "tschüß".encode()),
    ],
)
async def malformed_subprotocols(target: Target, value: bytes) -> None:
    """Sec-WebSocket-Protocol with no element, or with one that is no token, gets an HTTP error."""
    answer = await ask(target, with_subprotocols(target, value))
    sent = f"'Sec-WebSocket-Protocol: {value.decode('utf-8')}'"
    if not answer.accepted:
        grade_refusal(target, answer, sent)
    elif subprotocols_of(answer):
        target.findings.violated("an HTTP error, 400 best", f"{negotiated(answer)} for {sent}")
    else:
        target.findings.warned("an HTTP error, 400 best", f"{answer} without a subprotocol for {sent}")


@check(NOT_REPEATED, each=[param("one-line", 1), param("two-lines", 2)])
async def repeated_subprotocol(target: Target, lines: int) -> None:
    """A subprotocol that is offered twice gets 400, or is at most chosen once."""
    name = known_subprotocols(target)[0]
    values = (f"{name}, {name}",) if lines == 1 else (name, name)
    sent = " and ".join(f"'Sec-WebSocket-Protocol: {value}'" for value in values)
    answer = await ask(target, with_subprotocols(target, *values))
    if not answer.accepted:
        grade_refusal(target, answer, sent)
    elif len(chosen := split_list(subprotocols_of(answer))) > 1:
        target.findings.violated("400, or one subprotocol at most", f"{len(chosen)} subprotocols for {sent}")
    else:
        target.findings.noted(f"takes a list that names a subprotocol twice: {negotiated(answer)} for {sent}")


@check("rfc6455-11.3.4-1")
async def subprotocols_on_two_lines(target: Target) -> None:
    """Subprotocols on two lines are taken as on one line."""
    values = (UNKNOWN[0], known_subprotocols(target)[0])
    combined = await ask(target, with_subprotocols(target, ", ".join(values)))
    split = await ask(target, with_subprotocols(target, *values))
    if negotiated(split) != negotiated(combined):
        raise Violation(f"{negotiated(combined)}, as on one line", f"{negotiated(split)} on two", silence=split.silent)
    target.findings.holds(f"{negotiated(split)} either way")


# -- offers of extensions ------------------------------------------------------------------------------------------


@check("rfc6455-9-1")
async def offer_of_compression(target: Target) -> None:
    """A handshake that offers permessage-deflate succeeds; the target accepts the extension or does without."""
    answer = await ask(target, with_extensions(target, f"{DEFLATE}; client_max_window_bits"))
    if not answer.accepted:
        raise Violation("101, with or without the extension", str(answer), silence=answer.silent)
    lines = b", ".join(extension_lines(answer)).decode("latin-1")
    target.findings.noted(f"accepts: {lines}" if lines else "accepts no permessage-deflate")


@check("rfc6455-9.1-7")
async def unknown_extensions(target: Target) -> None:
    """An offer of extensions that the server does not know is no error."""
    offers = ("bbf-usp-protocol", f"{UNKNOWN_EXTENSION}; p=1, {DEFLATE}", UNKNOWN_EXTENSION)
    judge(target, SWITCHED, await ask_each(target, {f"'{offer}'": with_extensions(target, offer) for offer in offers}))


@check("rfc6455-9.1-2", "rfc6455-11.3.2-1")
async def extensions_on_two_lines(target: Target) -> None:
    """Extensions on two lines are taken as on one line."""
    values = (UNKNOWN_EXTENSION, DEFLATE)
    combined = await ask(target, with_extensions(target, ", ".join(values)))
    split = await ask(target, with_extensions(target, *values))
    for requirement in target.findings.requirements:
        if negotiated(split) == negotiated(combined):
            target.findings.holds(f"{negotiated(split)} either way", requirement=requirement)
            continue
        expected, observed = f"{negotiated(combined)}, as on one line", f"{negotiated(split)} on two"
        target.findings.violated(expected, observed, requirement=requirement, silence=split.silent)


@check("rfc6455-9.1-6")
async def order_of_configurations(target: Target) -> None:
    """Which of several configurations of permessage-deflate is chosen; it is not used twice."""
    offers = [f"{DEFLATE}; server_max_window_bits={bits}" for bits in (10, 12)]
    answers = await answered(target, {"three configurations": with_extensions(target, ", ".join([*offers, DEFLATE]))})
    answer = answers["three configurations"]
    agreed = agreed_extensions(answer)
    if len({extension.name for extension in agreed}) < len(agreed):
        raise Violation("each extension used once", negotiated(answer))
    target.findings.noted(f"of three configurations: {negotiated(answer) if agreed else 'none is chosen'}")


@check("rfc6455-4.2.2-23", "rfc6455-11.3.2-2")
async def extensions_on_several_lines(target: Target) -> None:
    """Whether the server names its extensions on one line or on several, which are joined before they are judged."""
    offer = f"{DEFLATE}, {UNKNOWN_EXTENSION}"
    lines = len(extension_lines((await answered(target, {offer: with_extensions(target, offer)}))[offer]))
    if lines > 1:
        for requirement in target.findings.requirements:
            target.findings.noted(f"names its extensions on {lines} lines", requirement=requirement)


@check(
    "rfc6455-9.1-1",
    each=[
        param("empty", [b""]),
        param("no-name", [b";", b"; x"]),
        param("no-parameter", [b"permessage-deflate;", b"a;;b"]),
        param("space", [b"a b", b"permessage-deflate x"]),
        param("no-parameter-name", [b"permessage-deflate; =1"]),
        param("no-value", [b"permessage-deflate; x="]),
        param("unclosed-quote", [b'permessage-deflate; x="1', b'permessage-deflate; x="']),
        param("control-character", [b"permessage-deflate; x=\x01", b"permessage-deflate\x7f", b"a\x0bb"]),
    ],
)
async def malformed_extensions(target: Target, values: list[bytes]) -> None:
    """Sec-WebSocket-Extensions that breaks its grammar fails the handshake, at best with 400."""
    for value in values:
        answer = await ask(target, with_extensions(target, value))
        _judge_malformed(target, answer, f"Sec-WebSocket-Extensions: {value.decode('latin-1')!r:.60}")


def _judge_malformed(target: Target, answer: Answer, sent: str) -> None:
    """An acceptance, a crash (500) and no answer in time break the rule; ignoring the field is tolerated."""
    expected, observed = "an HTTP error, 400 best", f"{negotiated(answer)} for {sent}"
    if is_error(answer):
        target.findings.holds(observed)
    elif names_extension(answer) or answer.status == 500 or answer.silent:
        target.findings.violated(expected, observed, silence=answer.silent)
    else:
        target.findings.warned(expected, observed)


@check("rfc6455-4.3-1", each=[param("space", b'"1 0"'), param("empty", b'""')])
async def quoted_value_that_is_no_token(target: Target, value: bytes) -> None:
    """permessage-deflate with a quoted value that is no token is not accepted."""
    answer = await ask(target, with_extensions(target, b"permessage-deflate; client_max_window_bits=" + value))
    expected = "an HTTP error, 400 best, or the extension declined"
    observed = f"{negotiated(answer)} for client_max_window_bits={value.decode()}"
    if names_extension(answer):
        target.findings.violated(expected, observed)
    elif is_error(answer) or answer.accepted:
        target.findings.holds(observed)
    else:
        target.findings.warned(expected, observed, silence=answer.silent)


@check("rfc6455-9.1-5")
async def compression_not_agreed_to(target: Target) -> None:
    """A compressed frame fails the connection where permessage-deflate was not offered, or was declined."""
    offers: dict[str, tuple[str, ...]] = {"nothing offered": (), "an unknown extension offered": (UNKNOWN_EXTENSION,)}
    if not target.found.deflate:
        offers["permessage-deflate declined"] = (DEFLATE,)
    for words, lines in offers.items():
        for opcode in (Opcode.TEXT, Opcode.BINARY):
            with naming(target, f"{opcode.name.lower()}, {words}"):
                await _send_compressed(target, lines, opcode)


async def _send_compressed(target: Target, offer: tuple[str, ...], opcode: Opcode) -> None:
    """A message as permessage-deflate would compress it, on a connection that has no extension."""
    text = target.nonce("compressed") * 3
    async with target.connect(with_extensions(target, *offer)) as peer:
        if peer.response is not None and split_list(peer.response.head.all("Sec-WebSocket-Extensions")):
            raise Undetermined("the 101 names an extension all the same")
        await peer.send(Frame(opcode, deflated(text), rsv=RSV1))
        await peer.expect_failed(CloseCode.PROTOCOL_ERROR, taken=[text, deflated(text)])
