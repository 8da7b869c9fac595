"""The echo, as the profile's [echo] promises it: the exact answer to any text, bytes and JSON, in order."""

from __future__ import annotations

from typing import Final

from ..check import Need, check, param
from ..target import Target
from ..wire.frames import Opcode
from . import _given
from ._echoes import ORDER, contract, expect_echoes, json_answer, json_key, text_answer
from ._talks import Blobs, Said, Talk, Values

TEXT: Final = "contract:echo-text"
BINARY: Final = "contract:echo-binary"
JSON: Final = "contract:echo-json"
MANY: Final = 20
"""Messages, to see that order is kept."""


async def expect_texts(target: Target, talk: Talk) -> None:
    """The texts come back in the profile's wording."""
    promised = contract(target)
    path = promised.path or target.endpoint.target
    parts = [said.whole.encode() for said in talk.said]
    answer = text_answer(promised.text)
    await expect_echoes(target, path, Opcode.TEXT, parts, answer, requirement=TEXT, at_once=talk.at_once)


async def expect_blobs(target: Target, blobs: Blobs) -> None:
    """The binary messages come back in the profile's wording."""
    promised = contract(target)
    assert promised.binary_path is not None
    parts = [part * blobs.times for part in blobs.parts]
    answer = text_answer(promised.binary)
    await expect_echoes(
        target, promised.binary_path, Opcode.BINARY, parts, answer, requirement=BINARY, at_once=blobs.at_once
    )


async def expect_values(target: Target, values: Values) -> None:
    """The JSON values come back in the profile's JSON."""
    promised = contract(target)
    assert promised.json_path is not None
    await expect_echoes(
        target,
        promised.json_path,
        Opcode.TEXT,
        [text.encode() for text in values.texts],
        json_answer(promised.json_answer),
        requirement=JSON,
        at_once=values.at_once,
        key=json_key,
        quoted=True,
    )


@check(
    TEXT,
    ORDER,
    needs=[Need.ECHO_CONTRACT],
    each=[
        param("plain", Said("Hello")),
        param("empty", Said("")),
        param("nul", Said("before\0after")),
        param("trailing-newline", Said("line\n")),
        param("spaces", Said("  around \t")),
        param("emoji", Said("\U0001f469\u200d\U0001f467 😀")),
        param("right-to-left", Said("\u202b\u05e9\u05dc\u05d5\u05dd\u202c \u0639\u0627\u0644\u0645")),
        param("last-code-point", Said("\U0010ffff")),
        param("two-normal-forms", Said("e\u0301 \u00e9")),
        param("byte-order-mark", Said("\ufeffmark")),
        param("placeholders", Said("{message} {} %s ${HOME}")),
        param("markup", Said("<b>&amp;\"'</b>")),
        param("json", Said('{"message": null}')),
        param("65536", Said("0123456789abcdef", 4096)),
        param("mebibyte", Said("0123456789abcdef", 65536)),
    ],
)
async def text(target: Target, said: Said) -> None:
    """A text is answered with the documented wording around that very text."""
    await expect_texts(target, Talk((said,)))


@check(
    ORDER,
    TEXT,
    needs=[Need.ECHO_CONTRACT],
    each=[param("one-by-one", False), param("at-once", True)],
)
async def order_of_many(target: Target, at_once: bool) -> None:
    """Many messages are answered in the order in which they were sent, each once."""
    await expect_texts(target, Talk(tuple(Said(f"message {number}") for number in range(MANY)), at_once))


@check(TEXT, ORDER, needs=[Need.ECHO_CONTRACT], given=_given.talk)
async def any_texts(target: Target, talk: Talk) -> None:
    """Any texts are answered with the documented wording around those very texts, in their order."""
    await expect_texts(target, talk)


@check(
    BINARY,
    ORDER,
    needs=[Need.ECHO_BINARY_CONTRACT],
    each=[
        param("empty", Blobs((b"",))),
        param("no-utf8", Blobs((b"\xff\xfe\x00\x80",))),
        param("all-bytes", Blobs((bytes(range(256)),))),
        param("mebibyte", Blobs((bytes(range(256)),), 4096)),
    ],
)
async def binary(target: Target, blob: Blobs) -> None:
    """A binary message is answered with the documented wording around those very bytes, as binary."""
    await expect_blobs(target, blob)


@check(BINARY, ORDER, needs=[Need.ECHO_BINARY_CONTRACT], given=_given.blobs)
async def any_binary(target: Target, blobs: Blobs) -> None:
    """Any binary messages are answered with the documented wording around those very bytes, in their order."""
    await expect_blobs(target, blobs)


@check(
    JSON,
    ORDER,
    needs=[Need.ECHO_JSON_CONTRACT],
    each=[
        param("null", "null"),
        param("empty-string", '""'),
        param("zero", "0"),
        param("false", "false"),
        param("empty-object", "{}"),
        param("nested", '{"a": [1, {"b": [[], "x", null, true, 0.5]}]}'),
        param("escapes", r'"\u00e9 \ud83d\ude00 \u0000 \"\\\/\b\f\n\r\t"'),
        param("largest-integer", "9007199254740991"),
        param("white-space", ' { "a" :\n[ ] }\t'),
    ],
)
async def json(target: Target, text: str) -> None:
    """A JSON value is answered with the documented JSON around an equal value."""
    await expect_values(target, Values((text,)))


@check(JSON, ORDER, needs=[Need.ECHO_JSON_CONTRACT], given=_given.json_values)
async def any_json(target: Target, values: Values) -> None:
    """Any JSON values are answered with the documented JSON around equal values, in their order."""
    await expect_values(target, values)
