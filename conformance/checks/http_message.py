"""HTTP around the opening handshake: messages, fields, framing and connections (RFC 9110 and RFC 9112)."""

from __future__ import annotations

import hashlib
from typing import Final

from ..check import Need, Undetermined, check, param
from ..peer import Peer
from ..target import Answer, Target
from ..wire.frames import close_frame
from ..wire.handshake import Request
from ._answers import (
    ANY_BUT_101,
    SWITCHED,
    Expected,
    ask,
    ask_each,
    ask_large,
    judge,
    kinds,
    ready,
    refused_control,
    shown,
)
from ._closure_alert import TlsEnd, closure
from ._connections import endless, exchange, judge_closing
from ._requests import (
    absolute,
    client_hello,
    negotiated,
    no_key,
    other_version,
    padded,
    plain_get,
    posted,
    reflected,
    spelled,
    window_bits,
)

KIB: Final = 1024
CLOSING_SOON: Final = 1.0
"""Seconds after a response within which the end of a connection was meant by it (rfc9112-9.6-2)."""
NOT_SWITCHED: Final = Expected("any response but 101, or the end of the connection", ANY_BUT_101, ("silence",))
BAD_REQUEST: Final = Expected("400", ("400",), ("2xx", "3xx", "4xx", "5xx", "close", "silence"))


def status_seen(answers: dict[str, Answer], status: int) -> str:
    """Whether a status that a check tried to provoke was seen at all."""
    seen = [words for words, answer in answers.items() if answer.status == status]
    return f"{status} for {', '.join(seen)}" if seen else f"no {status} could be provoked"


# -- what holds for every response: read along during all checks ----------------------------------------------------


@check("rfc9110-2.2-1", "rfc9112-4-1", watches=True)
async def response_head_grammar(target: Target) -> None:
    """Every response head follows the grammar of HTTP/1.1, the space after the status code included."""
    await ask_each(
        target,
        {
            "the handshake": target.request(),
            "a plain GET": plain_get(target),
            "no request line": target.request().changed(request_line=b"GET"),
        },
    )


@check("rfc9110-5.3-3", watches=True)
async def no_repeated_singleton(target: Target) -> None:
    """No response repeats a field that is no list: Content-Length, Content-Type, Date, Location, Server."""
    requests = {"the handshake": target.request(), "a plain GET": plain_get(target), "POST": posted(target)}
    await ask_each(target, requests)


@check("rfc9110-7.8-3", "rfc9110-15.2.2-1", watches=True)
async def upgrade_in_101(target: Target) -> None:
    """A 101 names the new protocol in Upgrade."""
    await ask(target, target.request())


@check("rfc9110-7.8-8", watches=True)
async def upgrade_is_a_connection_option(target: Target) -> None:
    """A response with Upgrade has the connection option Upgrade too."""
    await ask_each(target, {"the handshake": target.request(), "version 99": other_version(target)})


@check("rfc9110-8.6-1", "rfc9112-6.1-1", watches=True)
async def no_framing_of_content_in_1xx(target: Target) -> None:
    """An informational response, 101 included, has neither Content-Length nor Transfer-Encoding."""
    await ask(target, target.request().adding(("Expect", "100-continue")))


@check("rfc9110-7.8-5", "rfc9110-15.5.22-1", watches=True)
async def upgrade_in_426(target: Target) -> None:
    """A 426 names the acceptable protocols in Upgrade."""
    answers = await ask_each(target, {"version 99": other_version(target), "a plain GET": plain_get(target)})
    for requirement in target.findings.requirements:
        target.findings.holds(status_seen(answers, 426), requirement=requirement)


@check("rfc9110-15.5.6-1", watches=True)
async def allow_in_405(target: Target) -> None:
    """A 405 lists the allowed methods in Allow."""
    put = posted(target).changed(method="PUT")
    answers = await ask_each(target, {"POST": posted(target), "PUT": put})
    target.findings.holds(status_seen(answers, 405))


@check("rfc9110-11.6.1-1", watches=True)
async def www_authenticate_in_401(target: Target) -> None:
    """A 401 carries WWW-Authenticate."""
    paths = target.profile.paths if target.profile is not None else None
    known = [path for path in (paths.authenticated, paths.refused) if path] if paths is not None else []
    requests = {f"{path or 'the path'} without credentials": target.request(path) for path in [None, *known]}
    bare = {words: request.without("Authorization", "Cookie") for words, request in requests.items()}
    answers = await ask_each(target, bare)
    target.findings.holds(status_seen(answers, 401))


@check("rfc9112-6.1-4", watches=True)
async def no_transfer_encoding_for_http_1_0(target: Target) -> None:
    """The response to an HTTP/1.0 request has no Transfer-Encoding."""
    old = {"the handshake": target.request(), "a plain GET": plain_get(target)}
    await ask_each(target, {words: request.changed(version="HTTP/1.0") for words, request in old.items()})


# -- versions and methods -------------------------------------------------------------------------------------------


@check("rfc9110-6.2-1")
async def response_version(target: Target) -> None:
    """The handshake as HTTP/1.1 is answered as HTTP/1.1."""
    answer = await ask(target, target.request())
    if answer.response is None:
        raise Undetermined(shown(answer))
    version = answer.response.head.version
    if version != b"HTTP/1.1":
        target.findings.violated("HTTP/1.1 in the status line", version.decode("latin-1"))


@check("rfc9110-6.2-2")
async def higher_minor_version(target: Target) -> None:
    """The handshake as HTTP/1.2 is processed as HTTP/1.1 is."""
    answer = await ask(target, target.request().changed(version="HTTP/1.2"))
    judge(target, Expected("101", ("101", "400", "505")), {"HTTP/1.2": answer})


@check(
    "rfc9112-2.3-1",
    each=[
        param("lower-case", ("http/1.1", False)),
        param("no-dot", ("HTTP/11", False)),
        param("two-digits", ("HTTP/1.10", True)),
        param("higher-major", ("HTTP/2.0", True)),
    ],
)
async def http_version(target: Target, case: tuple[str, bool]) -> None:
    """HTTP-version is written HTTP/DIGIT.DIGIT, in capitals; what is done with another one is told."""
    version, informational = case
    answer = await ask(target, target.request().changed(version=version))
    if informational:
        target.findings.noted(f"{version} is answered with {shown(answer)}")
    else:
        judge(target, NOT_SWITCHED, {version: answer})


@check("rfc9110-9.1-1", each=[param("unknown", "FOO"), param("post", "POST")])
async def method_not_served(target: Target, method: str) -> None:
    """A method that is unknown gets 501, one that is known but not allowed 405."""
    answer = await ask(target, posted(target).changed(method=method))
    if method == "POST":
        expected = Expected("405, 501 or the ordinary answer to POST", ("2xx", "3xx", "4xx", "501", "close"))
    else:
        expected = Expected("501", ("501", "4xx", "close"))
    judge(target, expected, {method: answer})


@check("rfc9110-9.1-2")
async def method_in_lower_case(target: Target) -> None:
    """The method is case-sensitive: 'get' opens no WebSocket connection."""
    judge(target, NOT_SWITCHED, {"the method 'get'": await ask(target, target.request().changed(method="get"))})


@check("rfc9112-3-3")
async def long_method(target: Target) -> None:
    """A method longer than any that the server knows gets 501."""
    answer = await ask(target, target.request().changed(method="M" * 1000))
    judge(target, Expected("501", ("501", "400", "405")), {"a method of 1000 characters": answer})


@check("rfc9110-9.3.2-1")
async def no_content_for_head(target: Target) -> None:
    """The response to HEAD carries no content."""
    handshake = target.request().with_field("Connection", "Upgrade, close").changed(method="HEAD")
    ordinary = plain_get(target).with_field("Connection", "close").changed(method="HEAD")
    for request in (handshake, ordinary):
        async with target.open() as peer:
            await peer.send_request(request)
            answer = ready(await target.answer(peer))
            if answer.accepted:
                continue  # the 101 is judged by rfc6455-4.2.1-2; what an ordinary HEAD gets is still to see
            if answer.response is None:
                raise Undetermined(f"HEAD is answered with {shown(answer)}")
            await peer.drain()
            if peer.unread:
                observed = f"{len(peer.unread)} octets after {shown(answer)}"
                target.findings.violated("no octet after the head", observed)
            return
    raise Undetermined("HEAD is answered with 101")


@check("rfc9110-7.8-7")
async def post_with_content(target: Target) -> None:
    """A POST with content is not answered by switching protocols, which would not honour its semantics."""
    request = target.request().adding(("Content-Length", "5")).changed(method="POST", body=b"hello")
    judge(target, NOT_SWITCHED, {"POST with content": await ask(target, request)})


@check("rfc9110-9.3.1-1")
async def get_with_content(target: Target) -> None:
    """A GET with content is refused, or its content is read before the frames."""
    async with target.open() as peer:
        await peer.send_request(target.request().adding(("Content-Length", "5")).changed(body=b"hello"))
        answer = ready(await target.answer(peer))
        if answer.silent:
            target.findings.violated("101 or an error", f"{shown(answer)} to a GET with content", silence=True)
            return
        if not answer.accepted:
            target.findings.noted(f"a GET with content is refused: {shown(answer)}")
            return
        came = await peer.fence()
    if came and Peer.is_end(came[-1]):
        target.findings.violated("the content is read past", f"the content is taken as a frame: {came[-1]}")
    else:
        target.findings.noted("a GET with content is accepted, and its content read past")


# -- Upgrade and Expect ---------------------------------------------------------------------------------------------


@check("rfc9110-7.8-4", "rfc9110-7.8-1")
async def upgrade_to_another_protocol(target: Target) -> None:
    """A handshake that asks for a protocol other than websocket is not answered by switching to websocket."""
    answer = await ask(target, target.request().with_field("Upgrade", "foo"))
    judge(target, NOT_SWITCHED, {"'Upgrade: foo'": answer})
    told = f"an Upgrade to an unknown protocol is answered with {shown(answer)}"
    target.findings.noted(told, requirement="rfc9110-7.8-1")


@check("rfc9110-7.8-6")
async def upgrade_as_an_advertisement(target: Target) -> None:
    """Whether a response other than 101 and 426 advertises protocols in Upgrade."""
    answers = await ask_each(
        target,
        {
            "POST": posted(target),
            "no key": no_key(target),
            "an invalid Host": target.request().with_field("Host", "a b"),
        },
    )
    found = [
        f"{answer.status} for {words}"
        for words, answer in answers.items()
        if answer.response is not None and answer.status not in (101, 426) and answer.response.head.all("Upgrade")
    ]
    target.findings.noted(f"Upgrade is advertised: {', '.join(found)}" if found else "Upgrade is not advertised")


@check("rfc9110-7.8-2")
async def protocol_name_in_any_case(target: Target) -> None:
    """The name of the protocol in Upgrade is compared in any case."""
    answer = await ask(target, target.request().with_field("Upgrade", "WebSOCKET"))
    judge(target, SWITCHED, {"'Upgrade: WebSOCKET'": answer})


@check("rfc9110-7.6.1-1")
async def connection_option_in_any_case(target: Target) -> None:
    """Connection options are compared in any case."""
    answer = await ask(target, target.request().with_field("Connection", "uPGRADE"))
    judge(target, SWITCHED, {"'Connection: uPGRADE'": answer})


@check("rfc9110-7.8-10", "rfc9110-15.2-2")
async def continue_before_101(target: Target) -> None:
    """With Expect: 100-continue comes 100 before 101, and informational responses do not hide the final one."""
    answer = await ask(target, target.request().adding(("Expect", "100-continue")))
    before = [head.status for head in answer.response.informational] if answer.response else []
    errors = ("3xx", "4xx", "5xx")
    words = "100 and then 101, or an error"
    expected = Expected(words, ("101", *errors)) if 100 in before else Expected(words, errors, ("101", "2xx", "close"))
    judge(target, expected, {f"Expect: 100-continue, after {before or 'no informational response'}": answer})
    if before:
        target.findings.holds(f"{before} before {shown(answer)}", requirement="rfc9110-15.2-2")
    else:
        target.findings.noted("no informational response came that had to be read past", requirement="rfc9110-15.2-2")


# -- request line and request-target --------------------------------------------------------------------------------


@check(
    "rfc9112-3.2-1",
    each=[
        param("space-in-target", b"GET %b?a b HTTP/1.1"),
        param("no-version", b"GET %b"),
        param("fourth-word", b"GET %b HTTP/1.1 more"),
    ],
)
async def malformed_request_line(target: Target, line: bytes) -> None:
    """A request line that is none gets 400."""
    request = target.request()
    answer = await ask(target, request.changed(request_line=line % request.target))
    expected = Expected("400, or 301 to the encoded target", ("400", "301", "4xx", "505", "close"))
    judge(target, expected, {repr((line % b"/").decode()): answer})


@check("rfc9112-3-1")
async def request_line_of_8000_octets(target: Target) -> None:
    """A request line of 8000 octets is supported."""
    request = target.request()
    rest = 8000 - len(b"GET  HTTP/1.1")
    answer = await ask(target, request.changed(target=padded(request.target, rest)))
    judge(target, Expected("101 or 404", ("101", "401", "403", "404")), {"a request line of 8000 octets": answer})


@check("rfc9112-3-2", each=[param("64-kib", 64 * KIB), param("1-mib", KIB * KIB)])
async def very_long_request_target(target: Target, size: int) -> None:
    """A request-target longer than the server wishes to parse gets 414."""
    request = target.request()
    answer = await ask_large(target, request.changed(target=padded(request.target, size)))
    ordinary = ("101", "2xx", "3xx", "401", "403", "404", "405", "426")
    expected = Expected("414, or an ordinary answer", ("414", *ordinary), ("4xx", "5xx", "close"))
    judge(target, expected, {f"a request-target of {size} octets": answer})


@check("rfc9112-3.2.2-1")
async def absolute_form(target: Target) -> None:
    """A request-target in absolute-form is accepted."""
    request = target.request()
    answer = await ask(target, request.changed(target=absolute(target, request)))
    if not answer.accepted:
        answer = await ask(
            target, request.fresh(target.source.handshake_key()).changed(target=absolute(target, request))
        )
        control = await ask(target, target.request())
        if not control.accepted:
            raise Undetermined(f"the origin-form is answered with {shown(control)} now")
    behind_gateway = target.endpoint.secure and not target.endpoint.is_loopback  # TLS may end in front of the server
    expected = Expected("101", ("101",), (*ANY_BUT_101, "silence") if behind_gateway else ())
    judge(target, expected, {"the absolute-form": answer})


@check("rfc9112-3.2.2-2")
async def absolute_form_goes_before_host(target: Target) -> None:
    """With the absolute-form Host is ignored, and the host of the request-target counts."""
    plain = target.request()
    control = await ask(target, plain.changed(target=absolute(target, plain)))
    if not control.accepted:
        raise Undetermined(f"the absolute-form with its own Host is answered with {shown(control)}")
    request = target.request().with_field("Host", "other.invalid")
    foreign = await ask(target, request)
    answer = await ask(target, request.fresh(target.source.handshake_key()).changed(target=absolute(target, request)))
    as_host_says = not foreign.accepted and answer.status is not None and answer.status == foreign.status
    tolerated = ("400", "421") if as_host_says else (*ANY_BUT_101, "silence")
    judge(target, Expected("101, as for the host of the request-target", ("101",), tolerated), {"another Host": answer})


@check("rfc9110-7.4-1", needs=[Need.CLEAR])
async def https_resource_on_a_clear_port(target: Target) -> None:
    """A request for an https resource that comes without TLS is rejected."""
    request = target.request()
    answer = await ask(target, request.changed(target=b"https" + absolute(target, request).removeprefix(b"http")))
    if "4xx" in kinds(answer):
        target.findings.holds(shown(answer))
    else:
        target.findings.noted(f"an https resource on a clear-text port is answered with {shown(answer)}")


@check("rfc9112-3.2-2")
async def repeated_host(target: Target) -> None:
    """A request with two Host lines gets 400."""
    own = target.endpoint.host_field
    requests = {
        "two equal Host lines": target.request().with_field("Host", own, own),
        "two different Host lines": target.request().with_field("Host", own, "other.invalid"),
    }
    judge(target, BAD_REQUEST, await ask_each(target, requests))


@check("rfc9112-3.2-2")
async def invalid_host(target: Target) -> None:
    """A request with a Host that is no authority gets 400."""
    hosts = ("a b", "a:b:c", "[::1")
    requests = {f"'Host: {host}'": target.request().with_field("Host", host) for host in hosts}
    judge(target, BAD_REQUEST, await ask_each(target, requests))


# -- field lines ----------------------------------------------------------------------------------------------------


@check("rfc9110-5.1-1")
async def unknown_fields_are_ignored(target: Target) -> None:
    """Fields that the server does not know are ignored."""
    request = target.request().adding(("X-Wsproof", "1"), ("Wsproof-Unknown", "a=b; c, d"), ("Sec-WebSocket-Foo", "1"))
    judge(target, SWITCHED, {"unknown fields": await ask(target, request)})


@check("rfc9110-5.3-1")
async def waits_for_the_end_of_the_fields(target: Target) -> None:
    """A request is not acted upon before its whole header section has come."""
    head = target.request().head()
    async with target.open() as peer:
        peer.expect_response()
        await peer.write_http(head[:-2])
        await ask(target, target.request())  # a later handshake is answered: there was time to answer this one
        early = await target.answer(peer, patience=0)
        if early.accepted:
            target.findings.violated("no 101 before the empty line", "101 before it was sent")
            return
        if not early.silent:
            raise Undetermined(f"before the end of the head comes {shown(early)}")
        await peer.write_http(head[-2:])
        answer = await target.answer(peer)
    if not answer.accepted:
        raise Undetermined(f"the handshake in two parts is answered with {shown(answer)}")


@check("rfc9110-5.3-2")
async def lists_on_several_lines(target: Target) -> None:
    """Whether lists on several field lines are taken as the same list on one line is."""
    known = target.endpoint.subprotocols or (target.profile.subprotocols if target.profile else ())
    lists: dict[str, tuple[str, ...]] = {
        "Connection": ("keep-alive", "Upgrade", "x-wsproof"),
        "Upgrade": ("foo/1", "websocket"),
        "Sec-WebSocket-Protocol": ("x-wsproof", *known[:2]) if known else ("x-wsproof", "y-wsproof"),
        "Sec-WebSocket-Extensions": ("x-wsproof", "permessage-deflate"),
    }
    different = []
    for name, values in lists.items():
        combined = await ask(target, target.request().with_field(name, ", ".join(values)))
        split = await ask(target, target.request().with_field(name, *values))
        if negotiated(combined) != negotiated(split):
            different.append(f"{name} ({negotiated(combined)} on one line, {negotiated(split)} on {len(values)})")
    if different:
        target.findings.noted(f"split lists are not taken as combined: {'; '.join(different)}")
    else:
        target.findings.holds(f"taken as combined: {', '.join(lists)}")


@check("rfc9110-5.2-1")
async def connection_on_two_lines(target: Target) -> None:
    """The options on two Connection lines are one list, in either order."""
    control = await ask(target, target.request().with_field("Connection", "keep-alive, Upgrade"))
    if not control.accepted:
        raise Undetermined(f"the same list on one line is answered with {shown(control)}")
    orders = (("keep-alive", "Upgrade"), ("Upgrade", "keep-alive"))
    requests = {" and ".join(order): target.request().with_field("Connection", *order) for order in orders}
    judge(target, SWITCHED, await ask_each(target, requests))


@check(
    "rfc9110-5.4-1",
    each=[
        param("16-kib-field", (1, 16 * KIB)),
        param("64-kib-field", (1, 64 * KIB)),
        param("1-mib-field", (1, KIB * KIB)),
        param("100-fields", (100, 1)),
        param("1000-fields", (1000, 1)),
        param("10000-fields", (10000, 1)),
    ],
)
async def large_header_section(target: Target, case: tuple[int, int]) -> None:
    """Fields larger than the server wishes to process, or more of them, get a 4xx."""
    count, size = case
    request = target.request().adding(*((f"X-Wsproof-{number}", "x" * size) for number in range(count)))
    words = f"a field of {size} octets" if count == 1 else f"{count} fields"
    expected = Expected("a 4xx, or 101", ("4xx", "101"), ("2xx", "3xx", "5xx", "close"))
    judge(target, expected, {words: await ask_large(target, request)})


@check("rfc9110-5.5-1", each=[param("nul", b"\0"), param("cr", b"\r")])
async def control_character_in_a_value(target: Target, octet: bytes) -> None:
    """NUL or CR in a field value is rejected, or replaced by a space."""
    name = "NUL" if octet == b"\0" else "a bare CR"
    answers = {}
    for field in ("Origin", "Sec-WebSocket-Protocol"):
        value = target.nonce() + octet + b"x"
        answers[f"{name} in {field}"] = answer = await ask(target, target.request().with_field(field, value))
        if reflected(answer, value):
            target.findings.violated(f"{name} rejected or replaced", f"the octet comes back: {shown(answer)}")
            return
    harmless = ("4xx", "101", "2xx", "3xx", "close")
    judge(target, Expected("a 4xx, or the end of the connection", harmless, ("5xx", "silence")), answers)


@check("rfc9110-5.6.1.2-1", each=[param("connection", "Connection"), param("subprotocol", "Sec-WebSocket-Protocol")])
async def empty_list_elements(target: Target, name: str) -> None:
    """Empty elements of a list are ignored."""
    if name == "Connection":
        plain, gaps = "Upgrade", ", Upgrade,"
    else:
        plain = next(iter(target.endpoint.subprotocols), "chat")
        gaps = f", {plain},,"
        control = await ask(target, target.request().with_field(name, plain))
        if not control.accepted:
            raise Undetermined(f"the list without gaps is answered with {shown(control)}")
    judge(target, SWITCHED, {f"'{name}: {gaps}'": await ask(target, target.request().with_field(name, gaps))})


@check("rfc9110-5.6.4-1")
async def quoted_pair(target: Target) -> None:
    """A quoted-pair stands for the octet after the backslash."""
    offer = "permessage-deflate; server_max_window_bits="
    control, quoted = [
        await ask(target, target.request().with_field("Sec-WebSocket-Extensions", offer + bits))
        for bits in ("10", '"1\\0"')
    ]
    if negotiated(control) == negotiated(quoted):
        target.findings.holds(f"as for the plain value: {shown(quoted)}")
        return
    bits = window_bits(quoted)
    if bits is not None and not (bits.isdigit() and int(bits) <= 10):
        seen = bits.decode("latin-1")
        target.findings.violated("server_max_window_bits=10, or no such extension", f"server_max_window_bits={seen}")
    elif not quoted.accepted:
        observed = f"{shown(quoted)}, while the plain value gets {shown(control)}"
        target.findings.warned("the same answer as for the plain value", observed, silence=quoted.silent)
    else:
        target.findings.holds("the extension is declined" if bits is None else "a smaller window is chosen")


@check("rfc9112-5-1")
async def white_space_around_values(target: Target) -> None:
    """White space around a field value is no part of it."""
    requests = {
        words: spelled(target.request(), before, after)
        for words, before, after in (
            ("no white space", b"", b""),
            ("several spaces", b"   ", b"  "),
            ("tabs", b"\t", b"\t \t"),
        )
    }
    judge(target, SWITCHED, await ask_each(target, requests))


@check("rfc9112-5.1-1")
async def white_space_before_the_colon(target: Target) -> None:
    """White space between a field name and the colon gets 400."""
    requests = {
        "'Upgrade : websocket'": target.request().without("Upgrade").changed(raw_lines=[b"Upgrade : websocket"]),
        "'X-Wsproof : 1'": target.request().changed(raw_lines=[b"X-Wsproof : 1"]),
    }
    judge(target, BAD_REQUEST, await ask_each(target, requests))


@check("rfc9112-5.2-1")
async def line_folding(target: Target) -> None:
    """A folded field line gets 400, or is taken as if it stood on one line."""
    listed = target.request().without("Connection")
    allowed = await ask(target, listed.changed(raw_lines=[b"Connection: keep-alive,", b" Upgrade"]))
    target.findings.noted(f"a folded 'Connection: keep-alive, Upgrade' is answered with {shown(allowed)}")
    bad = await ask(target, target.request().with_field("Connection", "Upgrade x"))
    if bad.accepted:
        raise Undetermined("'Connection: Upgrade x' is accepted, so a dropped continuation cannot be told")
    folded = await ask(
        target, listed.fresh(target.source.handshake_key()).changed(raw_lines=[b"Connection: Upgrade", b" x"])
    )
    if folded.accepted:
        expected = f"400, or {shown(bad)} as for one line"
        target.findings.violated(expected, "101 for 'Connection: Upgrade' folded before 'x': the rest was dropped")


@check("rfc9112-2.2-5")
async def white_space_before_the_first_field(target: Target) -> None:
    """A line that begins with white space before the first field is not used as a field."""
    request = target.request().without("Upgrade")
    await refused_control(target, request, "a handshake without Upgrade")
    answer = await ask(target, request.fresh(target.source.handshake_key()).changed(raw_lines=[b" Upgrade: websocket"]))
    judge(target, NOT_SWITCHED, {"' Upgrade: websocket' in that place": answer})


# -- octets and line ends -------------------------------------------------------------------------------------------


@check("rfc9112-2.2-1")
async def octets_beyond_ascii(target: Target) -> None:
    """A message is read as octets: those beyond US-ASCII in an unknown field do no harm."""
    requests = {
        "Latin-1": target.request().adding(("X-Wsproof", b"caf\xe9 \xff")),
        "UTF-8": target.request().adding(("X-Wsproof", "\u00e9\u4e2d\U0001f600".encode())),
    }
    expected = Expected("101, or an answer that refuses", ("101", "2xx", "3xx", "4xx", "close"), ("5xx",))
    judge(target, expected, await ask_each(target, requests))


@check("rfc9112-2.2-2")
async def bare_line_feed(target: Target) -> None:
    """Whether a single LF is taken as the end of a line."""
    answer = await ask(target, target.request().changed(eol=b"\n"))
    target.findings.noted(f"line ends of LF alone are answered with {shown(answer)}")


@check("rfc9112-2.2-3", each=[param("field-value", "a field value"), param("request-line", "the request line")])
async def bare_carriage_return(target: Target, place: str) -> None:
    """A bare CR makes its element invalid, or stands for a space: it ends no line."""
    request = target.request().without("Upgrade")
    await refused_control(target, request, "a handshake without Upgrade")
    request = request.fresh(target.source.handshake_key())
    hidden = b"\rUpgrade: websocket"
    if place == "a field value":
        request = request.changed(raw_lines=[b"X-Wsproof: " + target.nonce() + hidden])
    else:
        request = request.changed(request_line=b"GET " + request.target + b" HTTP/1.1" + hidden)
    answer = await ask(target, request)
    if answer.accepted:
        target.findings.violated("400", f"101: the text after a bare CR in {place} takes effect as a field")
    elif reflected(answer, hidden):
        target.findings.violated("400", f"the bare CR in {place} comes back: {shown(answer)}")
    else:
        expected = Expected("400", ("4xx", "2xx", "3xx", "close"), ("5xx", "silence"))
        judge(target, expected, {f"a bare CR in {place}": answer})


@check("rfc9112-2.2-4")
async def empty_line_first(target: Target) -> None:
    """An empty line before the request line is ignored."""
    judge(target, SWITCHED, {"an empty line before it": await ask(target, target.request().changed(prefix=b"\r\n"))})


@check("rfc9112-2.2-6", each=[param("random", False), param("tls-client-hello", True)])
async def no_http_at_all(target: Target, hello: bool) -> None:
    """Octets that are no HTTP get 400 and the end of the connection."""
    octets = client_hello(target.source) if hello else hashlib.shake_128(b"wsproof").digest(256)
    async with target.open() as peer:
        await peer.send_request(Request(b"", (), request_line=octets))
        answer = ready(await target.answer(peer))
        judge(target, Expected("400 and the end of the connection", ("4xx", "5xx", "close")), {"such octets": answer})
        if answer.response is not None and answer.response.status >= 400:
            await peer.expect_end()


# -- content and connections ----------------------------------------------------------------------------------------


@check("rfc9112-6.1-3")
async def unknown_transfer_coding(target: Target) -> None:
    """A transfer coding that the server does not know gets 501."""
    answer = await ask(target, target.request().adding(("Transfer-Encoding", "foo")))
    expected = Expected("501", ("501", "4xx", "5xx", "close"), ("2xx", "3xx", "silence"))
    judge(target, expected, {"'Transfer-Encoding: foo'": answer})


@check("rfc9112-6.3-1")
async def chunked_is_not_last(target: Target) -> None:
    """Transfer-Encoding whose last coding is not chunked gets 400 and the end of the connection."""
    exchanges = {
        f"'Transfer-Encoding: {coding}'": await exchange(target, target.request().adding(("Transfer-Encoding", coding)))
        for coding in ("gzip", "chunked, gzip")
    }
    judge_closing(target, Expected("400 or 501", ("400", "501")), exchanges)


@check("rfc9112-6.3-2")
async def invalid_content_length(target: Target) -> None:
    """A Content-Length that is no number gets 400 and the end of the connection."""
    exchanges = {
        f"'Content-Length: {value}'": await exchange(target, target.request().adding(("Content-Length", value)))
        for value in ("abc", "-1", "5, 6")
    }
    judge_closing(target, Expected("400", ("400",)), exchanges)


@check("rfc9112-6.1-2")
async def transfer_encoding_and_content_length(target: Target) -> None:
    """After a request with both Transfer-Encoding and Content-Length the connection ends."""
    request = target.request().adding(("Transfer-Encoding", "chunked"), ("Content-Length", "5"))
    seen = await exchange(target, request.changed(body=b"0\r\n\r\n"))
    expected = "a response, then the end of the connection"
    if seen.served:
        target.findings.violated(expected, str(seen))
    elif not seen.closed:
        target.findings.warned(expected, str(seen), silence=not seen.first.accepted)
    else:
        target.findings.holds(str(seen))


@check("rfc9112-9.3-1")
async def content_of_a_refused_request(target: Target) -> None:
    """The content of a refused request is read whole, or the connection ends: it is never taken as a request."""
    content = target.request()
    for refused in (no_key(target), plain_get(target)):
        request = refused.adding(("Content-Length", str(len(content.encode())))).changed(body=content.encode())
        seen = await exchange(target, request)
        if not seen.first.silent:
            break
    else:
        raise Undetermined("requests with content are not answered")
    if seen.first.accepted:
        raise Undetermined("a handshake without a key is accepted")
    expected = "the answer to the second request, or the end of the connection"
    if seen.second is not None and seen.second.accepted:
        target.findings.violated(expected, f"{seen}: the content was taken for a handshake")
    elif seen.closed or seen.served:
        target.findings.holds(str(seen))
    else:
        target.findings.warned(expected, str(seen), silence=True)


@check("rfc9112-9.3.2-1")
async def pipelined_requests(target: Target) -> None:
    """Pipelined requests are answered in their order."""
    first = plain_get(target).changed(target="/")
    async with target.open() as peer:
        await peer.send_request(first.changed(body=target.request().encode()))
        answer = ready(await target.answer(peer))
    expected = Expected("the response to GET first", ANY_BUT_101, ("silence",))
    judge(target, expected, {"a GET and a handshake in one segment": answer})


@check("rfc9112-9.6-1")
async def ends_after_the_close_option(target: Target) -> None:
    """After a response to, or with, Connection: close the server ends the connection."""
    asked = [
        plain_get(target).with_field("Connection", "close"),
        no_key(target).with_field("Connection", "Upgrade, close"),
    ]
    for request in (*asked, no_key(target)):
        async with target.open() as peer:
            await peer.send_request(request)
            answer = ready(await target.answer(peer))
            if answer.accepted or answer.silent:
                raise Undetermined(f"it is answered with {shown(answer)}")
            if endless(answer):
                continue  # a stream of events, say: its end is not to come yet
            if request in asked or (answer.response and b"close" in answer.response.head.tokens("Connection")):
                await peer.expect_end()


@check("rfc9112-9.6-2")
async def end_is_announced(target: Target) -> None:
    """A server that ends the connection after a response announces it by Connection: close."""
    async with target.open() as peer:
        await peer.send_request(no_key(target))
        answer = ready(await target.answer(peer))
        if answer.response is None or answer.accepted:
            raise Undetermined(f"a handshake without a key is answered with {shown(answer)}")
        head = answer.response.head
        if b"close" in head.tokens("Connection") or head.version == b"HTTP/1.0" or endless(answer):
            return
        await peer.send_request(target.request())
        further = await target.answer(peer, patience=min(CLOSING_SOON, target.patience))
    if further.response is None and not further.silent:
        target.findings.violated("Connection: close in the last response", f"{shown(answer)} without it, then TCP end")


@check("rfc9112-9.8-1", needs=[Need.TLS], each=[param("refused", False), param("websocket", True)])
async def closure_alert(target: Target, websocket: bool) -> None:
    """Before it ends a TLS connection the server sends a closure alert."""
    request = target.request() if websocket else no_key(target).with_field("Connection", "close")
    status, ended = await closure(target, request.encode(), close_frame(1000).encode(target.source.masking_key()))
    if (status == 101) is not websocket:
        raise Undetermined(f"the handshake is answered with {status}")
    if ended is TlsEnd.BARE_FIN:
        target.findings.violated(TlsEnd.ALERT.value, ended.value)
    elif ended is not TlsEnd.ALERT:
        raise Undetermined(ended.value)
