"""What every frame of a server is judged by: each rule kept and broken, in golden frames."""

from __future__ import annotations

import pytest

from wsproof.conformance.lint import FrameLint
from wsproof.conformance.requirements import requirements
from wsproof.conformance.wire.frames import FrameParser
from wsproof.reports.model import Outcome, RawFinding

LONG = b"a" * 126
BEYOND = "rfc6455-5.2-7"
MASKED = ["rfc6455-5.1-4", "rfc6455-5.1-5", "rfc6455-5.2-13"]
RESERVED = ["rfc6455-5.2-2", "rfc6455-5.8-1"]
UNKNOWN = ["rfc6455-5.8-1", "rfc6455-6.1-3"]
LENGTH = ["rfc6455-5.2-9"]
FRAGMENTED = ["rfc6455-5.4-2"]
TOO_LONG = ["rfc6455-5.5-1"]
ORDER = ["rfc6455-5.4-13"]
UTF8 = ["rfc6455-5.6-1"]
CODE = ["rfc6455-7.4.2-5", "rfc6455-7.4.1-1"]


def seen(data: bytes, *, rsv_allowed: int = 0, repeated: int | None = None, keep: int = 1 << 20) -> list[RawFinding]:
    lint = FrameLint(rsv_allowed)
    if repeated is not None:
        lint.repeated_codes.add(repeated)
    return [finding for frame in FrameParser(keep).feed(data) for finding in lint.see(frame)]


def broken(data: bytes, *, rsv_allowed: int = 0, repeated: int | None = None, keep: int = 1 << 20) -> list[str]:
    return [finding.requirement for finding in seen(data, rsv_allowed=rsv_allowed, repeated=repeated, keep=keep)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x05Hello",
        b"\x82\x00",
        b"\x82\x7e\x00\x7e" + LONG,
        b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(65536),
        b"\x01\x02He\x00\x01l\x80\x02lo",
        b"\x01\x02He\x89\x01p\x8a\x01q\x80\x03llo",
        b"\x01\x01\xc3\x80\x01\xa4",
        b"\x89\x7d" + LONG[:125],
        b"\x88\x00",
        b"\x88\x02\x03\xe8",
        b"\x88\x02\x0b\xb8",
        b"\x88\x04\x03\xea\xc3\xa4",
        b"\x88\x02\x03\xe8\x89\x00",  # a Ping after Close is no data frame
        b"\x82\x02\xff\xfe",
    ],
    ids=bytes.hex,
)
def test_nothing_is_said_of_what_is_right(data: bytes) -> None:
    assert broken(data) == []


@pytest.mark.parametrize(
    ("data", "requirements"),
    [
        (b"\x81\x85\x00\x00\x00\x00Hello", MASKED),
        (b"\xc1\x05Hello", RESERVED),
        (b"\xa2\x00", RESERVED),
        (b"\x99\x00", RESERVED),
        (b"\x83\x00", UNKNOWN),
        (b"\x8b\x00", UNKNOWN),
        (b"\x81\x7e\x00\x05Hello", LENGTH),
        (b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05Hello", LENGTH),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x7e" + LONG, LENGTH),
        (b"\x09\x00", FRAGMENTED),
        (b"\x0a\x00", FRAGMENTED),
        (b"\x8a\x7e\x00\x7e" + LONG, TOO_LONG),
        (b"\x88\x02\x03\xe8\x88\x02\x03\xe8", ["rfc6455-5.5.1-16"]),
        (b"\x88\x01\x03", ["rfc6455-5.5.1-2"]),
        (b"\x88\x02\x03\xed", ["rfc6455-7.4.1-3"]),
        (b"\x88\x02\x03\xee", ["rfc6455-7.4.1-4"]),
        (b"\x88\x02\x03\xf7", ["rfc6455-7.4.1-5"]),
        (b"\x88\x02\x03\xec", CODE),
        (b"\x88\x02\x00\x00", CODE),
        (b"\x88\x02\x07\xd0", CODE),
        (b"\x88\x02\x13\x88", CODE),
        (b"\x88\x02\x03\xf2", ["rfc6455-7.4.1-10"]),
        (b"\x88\x03\x03\xe8\xff", ["rfc6455-5.5.1-21"]),
        (b"\x88\x02\x03\xe8\x81\x00", ["rfc6455-5.5.1-7"]),
        (b"\x80\x01a", ORDER),
        (b"\x01\x01a\x81\x01b", ORDER),
        (b"\x01\x01a\x01\x01b\x80\x01c", ORDER),
        (b"\x81\x01\xff", UTF8),
        (b"\x81\x01\xc3", UTF8),
        (b"\x81\x03\xed\xa0\x80", UTF8),
        (b"\x01\x01\xc3\x80\x01a", UTF8),
        (b"\x01\x01\xff\x80\x01\xff", UTF8),  # told once
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else value[0],
)
def test_each_rule_is_broken(data: bytes, requirements: list[str]) -> None:
    assert broken(data) == requirements


def test_findings_say_what_was_expected_and_what_was_seen() -> None:
    (finding,) = seen(b"\x81\x7e\x00\x05Hello")
    assert finding.outcome is Outcome.VIOLATED
    assert finding.expected == "the shortest length form"
    assert finding.observed == "16-bit length form for 5 bytes"


def test_several_faults_of_one_frame_are_all_told() -> None:
    assert broken(b"\x09\xfe\x00\x05\x00\x00\x00\x00Hello") == [*MASKED, *LENGTH, *FRAGMENTED]


def test_reserved_bits_of_an_extension_are_its_own_affair() -> None:
    assert broken(b"\xc1\x01\xff", rsv_allowed=4) == []  # compressed: no text as it stands
    assert broken(b"\x41\x01\xff\x80\x01\xff", rsv_allowed=4) == []
    assert broken(b"\xa1\x00", rsv_allowed=4) == RESERVED
    assert broken(b"\x81\x01\xff", rsv_allowed=4) == UTF8


def test_a_code_that_we_sent_may_be_repeated() -> None:
    assert broken(b"\x88\x02\x00\x00", repeated=0) == []
    assert broken(b"\x88\x02\x03\xf2", repeated=1010) == []
    assert broken(b"\x88\x02\x07\xd0", repeated=0) == CODE
    assert broken(b"\x88\x02\x03\xed", repeated=1005) == ["rfc6455-7.4.1-3"]  # never on the wire


def test_text_that_was_not_kept_whole_is_not_judged() -> None:
    assert broken(b"\x81\x7e\x00\x80" + b"\xff" * 128, keep=64) == []
    assert broken(b"\x01\x7e\x00\x80" + b"a" * 128 + b"\x80\x01\xff", keep=64) == []


def test_after_a_message_a_new_one_begins() -> None:
    assert broken(b"\x01\x01\xc3\x80\x01\xa4\x81\x01\xff") == UTF8
    assert broken(b"\x81\x01\xff\x81\x01a\x02\x01\xff\x80\x01\xff") == UTF8


def test_a_length_beyond_63_bits_is_told_once() -> None:
    lint = FrameLint()
    assert list(lint.see_announced(2**63 - 1)) == []
    assert [finding.requirement for finding in lint.see_announced(2**63 + 5)] == [BEYOND]
    assert list(lint.see_announced(2**63 + 5)) == []


def test_every_requirement_stands_in_the_catalogue() -> None:
    named = {BEYOND, "rfc6455-7.4.1-3", "rfc6455-7.4.1-4", "rfc6455-7.4.1-5", "rfc6455-7.4.1-10", "rfc6455-5.5.1-2"}
    named |= {"rfc6455-5.5.1-16", "rfc6455-5.5.1-21", "rfc6455-5.5.1-7", *MASKED, *RESERVED, *UNKNOWN, *LENGTH}
    named |= {*FRAGMENTED, *TOO_LONG, *ORDER, *UTF8, *CODE}
    assert named <= requirements().keys()
