"""Requests that offer subprotocols and extensions, and what the answers choose of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from ..check import Undetermined
from ..target import Answer, Target
from ..wire.extensions import Extension, read_extensions
from ..wire.handshake import Request, split_list
from ._answers import ask

UNKNOWN: Final = ("x-wsproof-one", "x-wsproof-two")
"""Names of subprotocols that no server knows."""
UNKNOWN_EXTENSION: Final = "x-unknown"


def known_subprotocols(target: Target) -> tuple[str, ...]:
    """Subprotocols that the target is told to know, else two that are often used in examples."""
    told = target.endpoint.subprotocols or tuple(target.profile.subprotocols if target.profile else ())
    chosen = (target.found.subprotocol,) if target.found.subprotocol else ()
    return tuple(dict.fromkeys((*told, *chosen))) or ("chat", "superchat")


def with_subprotocols(target: Target, *lines: str | bytes) -> Request:
    """A handshake with these Sec-WebSocket-Protocol lines (none: without the field) where one is chosen, if known."""
    probe = target.profile.probe.subprotocol if target.profile else None
    request = target.request(probe).without("Sec-WebSocket-Protocol")
    return request.with_field("Sec-WebSocket-Protocol", *lines) if lines else request


def with_extensions(target: Target, *lines: str | bytes) -> Request:
    """A handshake with these Sec-WebSocket-Extensions lines; without the field where there are none."""
    request = target.request().without("Sec-WebSocket-Extensions")
    return request.with_field("Sec-WebSocket-Extensions", *lines) if lines else request


async def answered(target: Target, requests: Mapping[str, Request]) -> dict[str, Answer]:
    """The answers by the same words. Raises Undetermined where one gets no response at all, or 429 or 503."""
    answers = {}
    for words, request in requests.items():
        answers[words] = answer = await ask(target, request)
        if answer.response is None:
            raise Undetermined(f"{answer} for {words}")
    return answers


def subprotocols_of(answer: Answer) -> list[bytes]:
    """The Sec-WebSocket-Protocol lines of an answer."""
    return answer.response.head.all("Sec-WebSocket-Protocol") if answer.response else []


def extension_lines(answer: Answer) -> list[bytes]:
    """The Sec-WebSocket-Extensions lines of an answer."""
    return answer.response.head.all("Sec-WebSocket-Extensions") if answer.response else []


def agreed_extensions(answer: Answer) -> list[Extension]:
    """The extensions of an answer. Raises Undetermined where they are malformed, which is judged elsewhere."""
    try:
        return read_extensions(extension_lines(answer))
    except ValueError as element:
        raise Undetermined(f"the extensions in the answer are malformed: {element}") from None


def names_extension(answer: Answer) -> bool:
    """Whether an answer names any extension."""
    return answer.accepted and bool(split_list(extension_lines(answer)))


def deflated(text: bytes) -> bytes:
    """A message as permessage-deflate compresses it (RFC 7692, section 7.2.1)."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


__all__ = [
    "UNKNOWN", "UNKNOWN_EXTENSION", "agreed_extensions", "answered", "deflated", "extension_lines",
    "known_subprotocols", "names_extension", "subprotocols_of", "with_extensions", "with_subprotocols",
]  # fmt: skip
