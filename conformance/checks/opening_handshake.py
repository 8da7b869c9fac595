"""The opening handshake (RFC 6455, sections 3, 4, 7.2.2, 10.2, 10.6, 10.7 and 11.3)."""

from __future__ import annotations

import base64
import time

from ..check import Need, Undetermined, Violation, check, param
from ..endpoint import SECRET_FIELDS
from ..target import Answer, Target
from ..wire.frames import CloseCode, Frame
from ..wire.handshake import Field
from ._answers import ask, ready
from ._first_frames import can_begin_frame, first_push, judge_early_frame, start_of_frames
from ._handshake_fault import FaultyHandshake
from ._handshake_variation import Aspect, Variation
from ._handshakes import (
    accept_is_right,
    expect_accepted,
    expect_refused,
    grade_refusal,
    is_error,
    let_in,
)
from ._origins import judge_verification, note_policy, own_origin
from ._tls import ask_in_clear, offer_foreign_name
from ._varied_handshakes import (
    any_fault,
    any_variation,
    fault_params,
    judge_fault,
    judge_variation,
    variation_params,
)
from ._versions import judge_retry, judge_version_error, note_form_of_list, with_version

SEPARATE = 0.005
"""Seconds between two writes that have to arrive apart from each other."""
EXAMPLE_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the example in section 1.3."""

# -- the 101 -------------------------------------------------------------------------------------------------------


@check("rfc6455-4.2.2-18", "rfc6455-4.2.2-1", watches=True)
async def accepts_a_valid_handshake(target: Target) -> None:
    """A valid opening handshake is answered with a 101 in well-formed HTTP."""
    answer = await ask(target, target.request())
    if answer.response is not None and answer.response.head.problems:
        raise Violation("a response in the grammar of HTTP/1.1", answer.response.head.problems[0])
    if not answer.accepted:
        raise Undetermined(f"the opening handshake was answered with {answer}")


@check("rfc6455-4.2.2-19", "rfc6455-4.1-11", watches=True)
async def upgrade_in_the_101(target: Target) -> None:
    """A 101 carries exactly one Upgrade field, and its value is websocket in any case."""
    async with target.connect(greeted=False):
        pass


@check("rfc6455-4.2.2-20", "rfc6455-4.1-12", watches=True)
async def connection_in_the_101(target: Target) -> None:
    """The Connection field of a 101 contains the option Upgrade."""
    async with target.connect(greeted=False):
        pass


@check("rfc6455-4.2.2-21", "rfc6455-4.1-13", watches=True)
async def accept_in_the_101(target: Target) -> None:
    """Sec-WebSocket-Accept of a 101 is computed from the key, be it the RFC's example or a random one."""
    for key in (EXAMPLE_KEY, target.source.handshake_key(), target.source.handshake_key()):
        async with target.connect(target.request().with_field("Sec-WebSocket-Key", key), greeted=False):
            pass


@check("rfc6455-11.3.3-1", watches=True)
async def accept_once_in_the_101(target: Target) -> None:
    """Sec-WebSocket-Accept stands only once in a 101."""
    async with target.connect(greeted=False):
        pass


@check("rfc6455-4.2.2-25")
async def no_content_after_the_101(target: Target) -> None:
    """What follows the head of a 101 is a WebSocket frame or nothing."""
    async with target.connect(greeted=False) as peer:
        start = await start_of_frames(target, peer)
    if start and not can_begin_frame(start[0]):
        raise Violation("WebSocket frames after the 101", f"bytes that begin with 0x{start[:2].hex()}")


@check("rfc6455-4.2.2-24")
async def frames_right_after_the_101(target: Target) -> None:
    """Whether the server sends of its own as soon as its 101 is out, and not before."""
    target.findings.noted(f"{await first_push(target)} right after the 101")


# -- the request line ----------------------------------------------------------------------------------------------


@check("rfc6455-3-1")
async def fragment_in_the_request_target(target: Target) -> None:
    """A request-target with a fragment identifier is answered, at best with 400."""
    request = target.request()
    answer = await ask(target, request.changed(target=request.target + b"#fragment"))
    expected, observed = "400 for a request-target with '#fragment'", str(answer)
    location = (answer.response.head.get("Location") or b"") if answer.response else b""
    if answer.silent:
        raise Violation(expected, observed, silence=True)
    if answer.response is None or is_error(answer) or (answer.status == 301 and b"#" not in location):
        target.findings.holds(observed)
    else:
        target.findings.warned(expected, observed)


@check("rfc6455-3-2")
async def escaped_number_sign_in_the_query(target: Target) -> None:
    """A query with %23 is taken like a query with another escape."""
    request = target.request()
    query = request.target + (b"&" if b"?" in request.target else b"?")
    control = await ask(target, request.changed(target=query + b"x=%41"))
    if not control.accepted:
        raise Undetermined(f"a query with %41 is answered with {control}, so nothing can be said about %23")
    answer = await ask(target, request.fresh(target.source.handshake_key()).changed(target=query + b"x=%23"))
    if not answer.accepted:
        target.findings.warned("101, as for a query with %41", f"{answer} for '?x=%23'", silence=answer.silent)


@check("rfc6455-4.2.1-5")
async def absolute_form(target: Target) -> None:
    """A request-target in absolute-form is taken like the origin-form."""
    scheme = "https" if target.endpoint.secure else "http"
    base = f"{scheme}://{target.endpoint.host_field}".encode()
    request = target.request()
    answer = await ask(target, request.changed(target=base + request.target))
    if not answer.accepted:
        expected = "101, as for the origin-form"
        raise Violation(expected, f"{answer} for 'GET {base.decode()}...'", silence=answer.silent)


@check("rfc6455-8.1-5", each=[param("request-target", "target"), param("subprotocol", "subprotocol")])
async def not_utf8(target: Target, place: str) -> None:
    """Octets in the handshake that are no UTF-8 are refused with 400 or taken as opaque."""
    request = target.request()
    if place == "target":
        request = request.changed(target=request.target + (b"&" if b"?" in request.target else b"?") + b"x=\xc3\x28")
    else:
        request = request.with_field("Sec-WebSocket-Protocol", b"\xc3\x28")
    answer = await ask(target, request)
    if answer.accepted or is_error(answer):
        target.findings.holds(str(answer))
    else:
        target.findings.warned("400, or the octets taken as opaque", str(answer), silence=answer.silent)


@check(
    "rfc6455-4.2.1-2",
    each=[
        param("post", b"POST"),
        param("head", b"HEAD"),
        param("put", b"PUT"),
        param("options", b"OPTIONS"),
        param("unknown", b"WSPROOF"),
    ],
)
async def method_other_than_get(target: Target, method: bytes) -> None:
    """A handshake whose method is not GET is not accepted."""
    request = target.request().changed(method=method)
    if method in (b"POST", b"PUT"):
        request = request.adding(("Content-Length", "0"))
    await expect_refused(target, request, f"the method {method.decode()}", ordinary=True, may_close=True)


@check("rfc6455-4.2.1-3", "rfc9110-7.8-9", "rfc9110-15.2-1")
async def http_1_0(target: Target) -> None:
    """A handshake in HTTP/1.0 gets no 101 and no other 1xx."""
    answer = await expect_refused(
        target, target.request().changed(version=b"HTTP/1.0"), "HTTP/1.0", ordinary=True, may_close=True
    )
    if answer.response is not None and answer.response.informational:
        status = answer.response.informational[0].status
        target.findings.violated("no 1xx to HTTP/1.0", f"{status} to HTTP/1.0", requirement="rfc9110-15.2-1")


@check("rfc6455-4.2.1-4")
async def http_1_2(target: Target) -> None:
    """A handshake in HTTP/1.2 is processed, or refused as such."""
    answer = await ask(target, target.request().changed(version=b"HTTP/1.2"))
    expected, observed = "101 for HTTP/1.2", str(answer)
    if answer.accepted or answer.status in (400, 505):
        target.findings.holds(observed)
    elif answer.response is not None:
        target.findings.warned(expected, observed)
    else:
        raise Violation(expected, observed, silence=answer.silent)


# -- Host ----------------------------------------------------------------------------------------------------------


@check("rfc6455-4.2.1-6", "rfc9112-3.2-2")
async def host_missing(target: Target) -> None:
    """A handshake without Host is answered with 400."""
    request = target.request().without("Host")
    answer = await expect_refused(target, request, "no Host", requirements=["rfc6455-4.2.1-6"], may_close=True)
    report = target.findings.violated if answer.accepted else target.findings.warned
    if answer.status != 400:
        report("400", f"{answer} for no Host", requirement="rfc9112-3.2-2", silence=answer.silent)


@check("rfc6455-4.2.1-7")
async def foreign_host(target: Target) -> None:
    """Whether a handshake for a foreign host is accepted."""
    answer = await ask(target, target.request().with_field("Host", "other.invalid"))
    target.findings.noted(f"{answer} for 'Host: other.invalid'")


# -- Upgrade and Connection ----------------------------------------------------------------------------------------


@check("rfc6455-4.2.1-8")
async def upgrade_missing(target: Target) -> None:
    """A handshake without Upgrade is not accepted."""
    await expect_refused(target, target.request().without("Upgrade"), "no Upgrade", ordinary=True)


@check("rfc6455-4.2.1-9")
async def upgrade_to_another_protocol(target: Target) -> None:
    """A handshake whose Upgrade does not name websocket is not accepted as WebSocket."""
    for value in ("foo", "h2c", "websocketx", "web socket"):
        answer = await ask(target, target.request().with_field("Upgrade", value))
        if answer.accepted and answer.response and b"websocket" not in answer.response.head.tokens("Upgrade"):
            target.findings.holds(f"101 to another protocol for 'Upgrade: {value}'")
        else:
            grade_refusal(target, answer, f"'Upgrade: {value}'", ordinary=True)
        if answer.silent:
            return


@check("rfc6455-4.2.1-10")
async def upgrade_in_any_case(target: Target) -> None:
    """The value of Upgrade is compared without regard to case."""
    for value in ("websocket", "WebSocket", "WEBSOCKET"):
        answer = await expect_accepted(target, target.request().with_field("Upgrade", value), f"'Upgrade: {value}'")
        if answer.silent:
            return


@check(
    "rfc6455-4.2.1-11",
    each=[param("one-line", ["foo/1, websocket"]), param("two-lines", ["foo/1", "websocket"])],
)
async def upgrade_list(target: Target, lines: list[str]) -> None:
    """An Upgrade list in which websocket is one of several protocols still asks for WebSocket."""
    sent = " and ".join(f"'Upgrade: {line}'" for line in lines)
    await expect_accepted(target, target.request().with_field("Upgrade", *lines), sent, warned=(400, 426))


@check("rfc6455-4.2.1-12")
async def connection_missing(target: Target) -> None:
    """A handshake without Connection is not accepted."""
    await expect_refused(target, target.request().without("Connection"), "no Connection", ordinary=True)


@check("rfc6455-4.2.1-13")
async def connection_without_upgrade(target: Target) -> None:
    """A handshake whose Connection lacks the option Upgrade is not accepted."""
    await _refused_connections(target, "keep-alive", "close")


@check("rfc6455-4.2.1-15")
async def connection_option_is_a_whole_word(target: Target) -> None:
    """A Connection option that only contains the word upgrade is not the option Upgrade."""
    await _refused_connections(target, "notupgrade", "upgraded", "up-grade")


async def _refused_connections(target: Target, *values: str) -> None:
    for value in values:
        request = target.request().with_field("Connection", value)
        answer = await expect_refused(target, request, f"'Connection: {value}'", ordinary=True)
        if answer.silent:
            return


@check("rfc6455-4.2.1-14")
async def connection_is_a_list(target: Target) -> None:
    """The option Upgrade may stand anywhere in Connection and in any case."""
    for value in ("keep-alive, Upgrade", "Upgrade, keep-alive", "upgrade", "UPGRADE"):
        answer = await expect_accepted(
            target, target.request().with_field("Connection", value), f"'Connection: {value}'"
        )
        if answer.silent:
            return


# -- Sec-WebSocket-Key ---------------------------------------------------------------------------------------------


@check("rfc6455-4.2.1-16", "rfc6455-4.2.1-1")
async def key_missing(target: Target) -> None:
    """A handshake without Sec-WebSocket-Key is answered with an HTTP error."""
    await expect_refused(target, target.request().without("Sec-WebSocket-Key"), "no Sec-WebSocket-Key")


@check(
    "rfc6455-4.2.1-17",
    each=[
        param("empty", b""),
        param("15-bytes", base64.b64encode(bytes(range(15)))),
        param("17-bytes", base64.b64encode(bytes(range(17)))),
        param("32-bytes", base64.b64encode(bytes(range(32)))),
    ],
)
async def key_length(target: Target, key: bytes) -> None:
    """A Sec-WebSocket-Key that does not decode to 16 bytes is answered with an HTTP error."""
    await _faulty_key(target, key)


@check(
    "rfc6455-4.2.1-18",
    each=[
        param("illegal-characters", b"dGhlIHNhb*!sZSBub25jZQ=="),
        param("wrong-padding", b"dGhlIHNhbXBsZSBub25jZQ=A"),
        param("inner-space", b"dGhlIHNhbXB ZSBub25jZQ=="),
        param("base64url", b"dGhl-HNhbXBs_SBub25jZQ=="),
    ],
)
async def key_not_base64(target: Target, key: bytes) -> None:
    """A Sec-WebSocket-Key that is not base64 is answered with an HTTP error."""
    await _faulty_key(target, key)


async def _faulty_key(target: Target, key: bytes) -> None:
    answer = await ask(target, target.request().with_field("Sec-WebSocket-Key", key))
    sent = f"the key '{key.decode()}'"
    if answer.accepted and accept_is_right(answer, key):
        target.findings.warned("an HTTP error, 400 best", f"101 with the Accept for {sent}")
    else:
        grade_refusal(target, answer, sent)


@check("rfc6455-4.2.1-19")
async def key_with_pad_bits(target: Target) -> None:
    """Whether a key whose unused last bits are not zero is accepted."""
    key = b"AQIDBAUGBwgJCgsMDQ4PEC=="
    answer = await ask(target, target.request().with_field("Sec-WebSocket-Key", key))
    if answer.accepted and not accept_is_right(answer, key):
        raise Violation("Sec-WebSocket-Accept over the key as it was sent", "101 with another Accept")
    target.findings.noted(f"{answer} for the key '{key.decode()}'")


@check("rfc6455-4.2.2-22")
async def key_within_white_space(target: Target) -> None:
    """Sec-WebSocket-Accept is computed over the key without the white space around it."""
    key = target.source.handshake_key()
    answer = await ask(target, target.request().with_field("Sec-WebSocket-Key", b"  \t " + key + b" \t  "))
    expected = "101 with the Accept for the trimmed key"
    if answer.accepted and not accept_is_right(answer, key):
        raise Violation(expected, "101 with another Accept")
    if answer.status not in (101, 400):
        raise Violation(expected, str(answer), silence=answer.silent)
    target.findings.holds(str(answer))


@check(
    "rfc6455-11.3.1-1",
    each=[param("equal", "equal"), param("different", "different"), param("one-line", "one-line")],
)
async def key_repeated(target: Target, form: str) -> None:
    """A handshake with two keys is answered with an HTTP error."""
    first = target.source.handshake_key()
    second = first if form == "equal" else target.source.handshake_key()
    joined = first + b", " + second
    values = [joined] if form == "one-line" else [first, second]
    answer = await ask(target, target.request().with_field("Sec-WebSocket-Key", *values))
    sent = "two keys in one line" if form == "one-line" else f"two {form} Sec-WebSocket-Key lines"
    if answer.accepted and accept_is_right(answer, first, second, joined, first + b"," + second):
        target.findings.warned("an HTTP error, 400 best", f"101 with an Accept for one of them or both, for {sent}")
    else:
        grade_refusal(target, answer, sent)


# -- Sec-WebSocket-Version -----------------------------------------------------------------------------------------


@check("rfc6455-4.2.1-20", "rfc6455-4.2.1-1")
async def version_missing(target: Target) -> None:
    """A handshake without Sec-WebSocket-Version is answered with an HTTP error."""
    await expect_refused(target, target.request().without("Sec-WebSocket-Version"), "no Sec-WebSocket-Version")


@check(
    "rfc6455-4.2.1-21",
    each=[
        param("empty", ""),
        param("letters", "abc"),
        param("leading-zero", "013"),
        param("plus-sign", "+13"),
        param("decimal-point", "13.0"),
        param("over-255", "256"),
        param("negative", "-1"),
        param("list", "13, 8"),
        param("parameter", "13;q=1"),
    ],
)
async def version_malformed(target: Target, value: str) -> None:
    """A Sec-WebSocket-Version that is no single number from 0 to 255 is answered with an HTTP error."""
    await expect_refused(target, with_version(target, value), f"'Sec-WebSocket-Version: {value}'")


@check("rfc6455-11.3.5-2", each=[param("equal", ("13", "13")), param("different", ("13", "8"))])
async def version_repeated(target: Target, values: tuple[str, str]) -> None:
    """A handshake with two Sec-WebSocket-Version lines is answered with an HTTP error."""
    answer = await ask(target, with_version(target, *values))
    sent = f"two Sec-WebSocket-Version lines, {values[0]} and {values[1]}"
    if answer.accepted:
        target.findings.warned("an HTTP error, 400 or 426", f"101 for {sent}")
    else:
        grade_refusal(target, answer, sent)


@check("rfc6455-4.4-1", "rfc6455-4.2.2-8")
async def version_not_supported(target: Target) -> None:
    """The error for a version that the server does not speak names in Sec-WebSocket-Version those that it does."""
    answer = await ask(target, with_version(target, "99"))
    if judge_version_error(target, answer, "99", target.findings.requirements):
        return
    retry = await ask(target, target.request())
    if not retry.accepted:
        raise Violation("101 for version 13, which the error names", str(retry), silence=retry.silent)
    for version in ("14", "255", *map(str, range(13))):
        answer = await ask(target, with_version(target, version))
        if answer.accepted and int(version) < 13:
            target.findings.noted(f"speaks version {version} too", requirement="rfc6455-4.2.2-8")
        elif judge_version_error(target, answer, version, ["rfc6455-4.2.2-8"]):
            return


@check("rfc6455-4.4-2", "rfc6455-11.3.5-1")
async def form_of_the_version_list(target: Target) -> None:
    """How the error for another version lists the versions: one or several, in one field line or in several."""
    await note_form_of_list(target)


@check("rfc6455-4.4-3", "rfc6455-4.4-4")
async def retry_after_a_version_error(target: Target) -> None:
    """After the error for another version, a handshake with version 13 is accepted."""
    await judge_retry(target)


# -- the fields as a whole -----------------------------------------------------------------------------------------


@check("rfc6455-4.2.1-22")
async def without_origin(target: Target) -> None:
    """A handshake without Origin is not taken for one from a browser and refused."""
    given = target.request().get("Origin")
    for agent in (None, "wsproof"):
        request = target.request().without("Origin")
        if agent is not None:
            request = request.with_field("User-Agent", agent)
        answer = await ask(target, request)
        if answer.accepted:
            continue
        if given is not None and answer.status == 403:
            target.findings.noted("an Origin is demanded")
            continue
        expected = "101 for a handshake without Origin"
        if agent is None:
            raise Violation(expected, str(answer), silence=answer.silent)
        control = await ask(
            target, request.fresh(target.source.handshake_key()).with_field("Origin", own_origin(target))
        )
        if not control.accepted:
            raise Undetermined(f"'User-Agent: {agent}' is refused with an Origin too: {control}")
        raise Violation(expected, f"{answer} with 'User-Agent: {agent}'", silence=answer.silent)


@check("rfc6455-4.2.1-25")
async def fields_in_any_order(target: Target) -> None:
    """The header fields of a handshake may come in any order."""
    fields = target.request().fields
    for order, key in (
        ("reversed", lambda place: -place),
        ("Host last", lambda place: fields[place][0] == b"Host"),
        ("Key first", lambda place: fields[place][0] != b"Sec-WebSocket-Key"),
    ):
        ordered = [fields[place] for place in sorted(range(len(fields)), key=key)]
        request = target.request().changed(fields=ordered).fresh(target.source.handshake_key())
        if (await expect_accepted(target, request, f"the fields in another order, {order}")).silent:
            return


@check("rfc6455-4.2.1-26")
async def field_names_in_any_case(target: Target) -> None:
    """The names of header fields are compared without regard to case."""
    for case in (bytes.lower, bytes.upper, bytes.swapcase):
        request = target.request()
        fields: list[Field] = [(case(name), value) for name, value in request.fields]
        sent = f"the field name '{case(b'Sec-WebSocket-Key').decode()}' and others like it"
        if (await expect_accepted(target, request.changed(fields=fields), sent)).silent:
            return


@check("rfc6455-4.2.1-27")
async def unknown_fields(target: Target) -> None:
    """Unknown header fields are ignored."""
    request = target.request().adding(
        ("X-Wsproof-Unknown", "of no meaning"), ("Sec-WebSocket-Foo", "bar"), ("Foo", 'a, b;c="d" (e)')
    )
    await expect_accepted(target, request, "unknown fields, Sec-WebSocket-Foo among them")


@check(
    "rfc6455-4.2.1-28",
    each=[param("single-bytes", "single-bytes"), param("inside-the-empty-line", "inside-the-empty-line")],
)
async def segmentation(target: Target, cuts: str) -> None:
    """A handshake is read however TCP cuts it into segments."""
    data = target.request().encode()
    begun = time.monotonic()
    async with target.open() as peer:
        peer.expect_response()
        if cuts == "single-bytes":
            await peer.write_http(data, chop=1)
        else:
            await peer.write_http(data[:-4])
            await peer.write_http(data[-4:], chop=1, pause=SEPARATE)
        took = time.monotonic() - begun
        answer = await target.answer(peer)
    ready(answer)
    if answer.accepted:
        return
    observed = f"{answer} for a handshake cut into small segments, sent within {took:.1f} s"
    if took > 1 and (answer.status == 408 or (answer.response is None and answer.end)):
        target.findings.holds(observed)
    else:
        raise Violation("101", observed, silence=answer.silent)


@check("rfc6455-4.1-10")
async def frame_together_with_the_handshake(target: Target) -> None:
    """A frame that comes in the same segment as the handshake is not read as HTTP."""
    await judge_early_frame(target)


# -- what is no handshake at all -----------------------------------------------------------------------------------


@check("rfc6455-7.2.2-1", each=[param("text", b"wsproof speaks no HTTP"), param("binary", bytes(range(128, 192)))])
async def garbage(target: Target, words: bytes) -> None:
    """Garbage is answered with an HTTP error or the end of TCP."""
    async with target.open() as peer:
        peer.expect_response()
        await peer.write_http(words + b"\r\n\r\n")
        answer = await target.answer(peer)
    if answer.silent:
        raise Violation("an HTTP error or the end of TCP", str(answer), silence=True)
    if answer.status is not None and answer.status >= 400:
        target.findings.holds(str(answer))
    else:
        grade_refusal(target, answer, "garbage", may_close=True)


@check("rfc6455-10.7-4", "rfc6455-10.7-2", "rfc6455-10.7-1")
async def invalid_handshake_gets_a_status(target: Target) -> None:
    """A handshake with unexpected values is answered with an appropriate HTTP status."""
    valid = target.request()
    for sent, request in (
        ("neither key nor version", valid.without("Sec-WebSocket-Key", "Sec-WebSocket-Version")),
        ("version 99 and no key", valid.without("Sec-WebSocket-Key").with_field("Sec-WebSocket-Version", "99")),
        ("no Host and no key", valid.without("Host", "Sec-WebSocket-Key")),
    ):
        answer = await ask(target, request)
        expected, observed = "an HTTP error", f"{answer} for {sent}"
        if answer.accepted:
            target.findings.violated(expected, observed, requirement="rfc6455-10.7-1")
        if not is_error(answer):
            target.findings.violated(expected, observed, silence=answer.silent)
        if answer.response is None:
            way = "neither answers nor drops TCP" if answer.silent else "drops TCP without a response"
            target.findings.noted(f"{way}, for {sent}", requirement="rfc6455-10.7-2")
            return
    target.findings.noted("answers invalid handshakes before it drops TCP", requirement="rfc6455-10.7-2")


@check("rfc6455-10.7-3", "rfc6455-10.7-1")
async def invalid_frame_gets_a_close(target: Target) -> None:
    """Invalid data after the handshake is answered with a Close frame and an appropriate code before TCP ends."""
    codes = (
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_PAYLOAD,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
    )
    expected = f"a Close frame with one of {', '.join(str(int(code)) for code in codes)}"
    async with target.connect() as peer:
        payload = target.nonce()
        await peer.send(Frame(0x3, payload))
        try:
            failed = await peer.expect_failed(*codes, taken=[payload], discard_warns=True)
        except Violation as wrong:
            target.findings.violated(expected, wrong.observed, requirement="rfc6455-10.7-1", silence=wrong.silence)
            raise
    if failed.close is not None and failed.code is None:
        target.findings.warned(expected, "a Close frame without a code")
    elif failed.close is None and failed.end is not None:
        target.findings.violated(expected, f"TCP end ({failed.end.value}) without a Close frame")
    elif failed.close is None:
        target.findings.warned(expected, "the frame was discarded", requirement="rfc6455-10.7-1")


# -- what the application decides ----------------------------------------------------------------------------------


@check("rfc6455-4.2.2-9")
async def resource_not_available(target: Target) -> None:
    """A resource name that is not available is answered with an HTTP error such as 404."""
    declared = target.profile.paths.unavailable if target.profile else None
    path = declared or f"/{target.nonce('no-such-service').decode()}"
    answer = await ask(target, target.request(path))
    expected, observed = "an HTTP error such as 404", f"{answer} for {path}"
    if answer.accepted and declared:
        raise Violation(expected, observed)
    if answer.response is None or 200 <= answer.response.status < 300:
        target.findings.warned(expected, observed, silence=answer.silent)
    else:
        target.findings.holds(observed)


@check("rfc6455-4.2.2-10", needs=[Need.PROBE_CLOSE])
async def service_by_the_resource_name(target: Target) -> None:
    """The resource name with its query decides which service a connection gets."""
    assert target.profile is not None and target.profile.probe.close is not None
    async with target.connect() as peer:
        await peer.expect_alive()
    for code in (3001, 3002):
        path = target.profile.probe.close.format(code=code, reason="")
        async with target.open(echo=False) as peer:
            await peer.send_request(target.request(path))
            answer = await target.answer(peer)
            ready(answer)
            if not answer.accepted:
                raise Violation(f"the service at {path}", str(answer), silence=answer.silent)
            await peer.expect_close(code)


@check("rfc6455-4.2.2-4")
async def authentication(target: Target) -> None:
    """Whether HTTP authentication is demanded, and if by a 401, with WWW-Authenticate."""
    path = target.profile.paths.authenticated if target.profile else None
    answer = await ask(target, target.request(path).without(*SECRET_FIELDS))
    if answer.status == 401 and answer.response and not answer.response.head.all("WWW-Authenticate"):
        raise Violation("WWW-Authenticate in a 401", f"{answer} without it")
    target.findings.noted(f"{answer} for a handshake without credentials")


@check("rfc6455-4.2.2-5")
async def redirection(target: Target) -> None:
    """Whether the handshake is redirected, and if so, with Location and without a 101."""
    path = target.profile.paths.redirected if target.profile else None
    async with target.open(echo=False) as peer:
        await peer.send_request(target.request(path))
        answer = await target.answer(peer)
        ready(answer)
        follows = peer.unread
    if answer.response is not None and 300 <= answer.response.status < 400:
        if not answer.response.head.all("Location"):
            raise Violation("Location in a redirect", f"{answer} without it")
        if follows:
            raise Violation("nothing after the redirect", f"{len(follows)} bytes after {answer}")
    target.findings.noted(f"answers {answer}")


@check("rfc6455-4.2.2-7", "rfc6455-4.1-16", needs=[Need.REFUSED_PATH])
async def unwilling_to_serve_a_path(target: Target) -> None:
    """A path that the server does not want to serve is refused in ordinary HTTP, without a 101."""
    assert target.profile is not None
    answer, closed = await let_in(target, target.request(target.profile.paths.refused))
    _judge_unwilling(target, answer, closed, "rfc6455-4.2.2-7")
    if answer.response is None or answer.accepted:
        target.findings.noted(f"no ordinary response: {answer}", requirement="rfc6455-4.1-16")
    else:
        whole = "an ordinary" if answer.response.complete and not answer.response.head.problems else "a broken"
        target.findings.noted(f"{whole} HTTP response: {answer}", requirement="rfc6455-4.1-16")


@check("rfc6455-10.2-2", "rfc6455-4.2.2-7", needs=[Need.REFUSED_ORIGIN])
async def unwilling_to_serve_an_origin(target: Target) -> None:
    """An Origin that is not acceptable is refused with 403, without a 101."""
    assert target.profile is not None and target.profile.refused.origin is not None
    request = target.request().with_field("Origin", target.profile.refused.origin)
    answer, closed = await let_in(target, request)
    _judge_unwilling(target, answer, closed, "rfc6455-4.2.2-7")
    if answer.accepted:
        target.findings.violated("403", f"{answer} for a refused Origin")
    elif not is_error(answer):
        target.findings.warned("403", f"{answer} for a refused Origin", silence=answer.silent)


def _judge_unwilling(target: Target, answer: Answer, closed: str | None, requirement: str) -> None:
    expected, observed = "an HTTP error such as 403, and no 101", str(answer)
    if answer.accepted and closed is None:
        seen = "101, and the connection stays open"
        target.findings.violated(expected, seen, requirement=requirement, silence=True)
    elif answer.accepted and target.profile is not None and target.profile.denial == "close":
        target.findings.noted(f"101, then {closed}, as the profile declares", requirement=requirement)
    elif answer.accepted:
        target.findings.warned(expected, f"101, then {closed}", requirement=requirement)
    elif is_error(answer) or (answer.response is None and answer.end):
        target.findings.holds(observed, requirement=requirement)
    else:
        target.findings.warned(expected, observed, requirement=requirement, silence=answer.silent)


@check("rfc6455-4.2.2-6")
async def origin_policy(target: Target) -> None:
    """Whether the Origin of a handshake decides about it."""
    await note_policy(target)


@check("rfc6455-10.2-1")
async def origin_is_verified(target: Target) -> None:
    """A server that is meant for one site lets in handshakes from that site's Origin only."""
    await judge_verification(target)


# -- TLS -----------------------------------------------------------------------------------------------------------


@check("rfc6455-10.6-1", needs=[Need.TLS])
async def speaks_over_tls(target: Target) -> None:
    """The opening handshake and the frames after it work over TLS."""
    async with target.connect() as peer:
        await peer.expect_alive()


@check("rfc6455-4.2.2-2", needs=[Need.TLS])
async def no_101_in_clear(target: Target) -> None:
    """A handshake without TLS on the TLS port gets no 101, and the 101 for one over TLS comes over TLS."""
    answer = await ask_in_clear(target)
    if answer.accepted:
        expected = "no 101 outside TLS"
        if target.profile is not None and target.profile.clear_and_tls:
            target.findings.noted("a 101 in clear, as the profile declares for this port")
        else:
            raise Violation(expected, "101 in clear on the TLS port")
    else:
        target.findings.holds(f"{answer} in clear")
    async with target.connect(greeted=False):
        pass


@check("rfc6455-4.2.2-3", needs=[Need.TLS])
async def server_name_not_hosted(target: Target) -> None:
    """Whether TLS for a server name that is not hosted is refused."""
    why = await offer_foreign_name(target)
    target.findings.noted("goes on with its default certificate" if why is None else f"refuses it: {why}")


# -- any handshake -------------------------------------------------------------------------------------------------


@check("rfc6455-4.2.2-18", each=variation_params(), given=any_variation)
async def any_legal_variation(target: Target, focus: Aspect | None, variation: Variation) -> None:
    """A handshake that differs from the plain one in what the RFCs leave open is accepted."""
    await judge_variation(target, focus, variation)


@check("rfc6455-4.2.1-1", each=fault_params(), given=any_fault)
async def any_fault_in_any_variation(target: Target, group: str, handshake: FaultyHandshake) -> None:
    """A handshake with one fault is refused, whatever legal differences go with it."""
    await judge_fault(target, handshake)
