"""Requests that the checks of HTTP send, and what they read out of the answers."""

from __future__ import annotations

import re
import ssl

from ..source import Source
from ..target import Answer, Target
from ..wire.handshake import Request, split_list


def plain_get(target: Target) -> Request:
    """An ordinary GET of the target's path, without a word of WebSocket."""
    return target.request().without("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")


def no_key(target: Target) -> Request:
    """A handshake that lacks its key, which every server has to refuse."""
    return target.request().without("Sec-WebSocket-Key")


def other_version(target: Target) -> Request:
    """A handshake for a WebSocket version that does not exist."""
    return target.request().with_field("Sec-WebSocket-Version", "99")


def posted(target: Target) -> Request:
    """A handshake whose method is POST."""
    return target.request().adding(("Content-Length", "0")).changed(method="POST")


def padded(path: bytes, size: int) -> bytes:
    """The request-target with a query that fills it to ``size`` octets."""
    start = path + (b"&" if b"?" in path else b"?") + b"wsproof="
    return start.ljust(size, b"x")


def absolute(target: Target, request: Request) -> bytes:
    """The request-target in absolute-form, with the target's own authority."""
    scheme = "https" if target.endpoint.secure else "http"
    return f"{scheme}://{target.endpoint.host_field}".encode() + request.target


def spelled(request: Request, before: bytes, after: bytes) -> Request:
    """The same request with that white space around each value."""
    return request.changed(
        raw_lines=[name + b":" + before + value + after for name, value in request.fields], fields=()
    )


def client_hello(source: Source) -> bytes:
    """The first octets of a TLS 1.2 connection (RFC 5246, section 7.4.1.2); what is random comes from ``source``."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    return hello[:11] + bytes.fromhex(source.hex(32)) + hello[43:]


def negotiated(answer: Answer) -> str:
    """What an answer says of the negotiation: its status, the subprotocol and the extensions."""
    if answer.response is None:
        return str(answer)
    head = answer.response.head
    lines = [(name, b", ".join(head.all(f"Sec-WebSocket-{name}"))) for name in ("Protocol", "Extensions")]
    return ", ".join([str(head.status), *(f"{name} {value.decode('latin-1')}" for name, value in lines if value)])


def reflected(answer: Answer, octets: bytes) -> bool:
    """Whether those octets come back as they are: in the head, or in content that is more than a refusal's text."""
    if answer.response is None:
        return False
    refused = answer.response.status >= 400
    return octets in answer.response.head.raw or (not refused and octets in answer.response.body)


def window_bits(answer: Answer) -> bytes | None:
    """The server_max_window_bits that a 101 agrees to, unquoted; None where it agrees to no permessage-deflate."""
    if answer.response is None:
        return None
    for extension in split_list(answer.response.head.all("Sec-WebSocket-Extensions")):
        name, *parameters = (part.strip(b" \t") for part in extension.split(b";"))
        if name == b"permessage-deflate":
            pairs = {key.strip(): value.strip() for key, _, value in (item.partition(b"=") for item in parameters)}
            return unquoted(pairs.get(b"server_max_window_bits", b"15"))
    return None


def unquoted(value: bytes) -> bytes:
    """A token as it is, a quoted-string without its quotes and backslashes (RFC 9110, section 5.6.4)."""
    return re.sub(rb"\\(.)", rb"\1", value[1:-1]) if value[:1] == value[-1:] == b'"' else value


__all__ = [
    "absolute", "client_hello", "negotiated", "no_key", "other_version", "padded", "plain_get", "posted",
    "reflected", "spelled", "window_bits",
]  # fmt: skip
