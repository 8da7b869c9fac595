"""Frames against golden bytes written by hand from RFC 6455, section 5, and as a round trip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproof.conformance.wire.frames import (
    CloseCode,
    Frame,
    FrameParser,
    LengthForm,
    Masking,
    Opcode,
    ReceivedFrame,
    apply_mask,
    close_frame,
    close_payload,
    describe,
    fragments,
    is_wire_legal,
    minimal_form,
    opcode_name,
)

GOLDEN = [
    # the examples of section 5.7
    (Frame(Opcode.TEXT, b"Hello", masking=Masking.NONE), "810548656c6c6f"),
    (Frame(Opcode.TEXT, b"Hello", masking=bytes.fromhex("37fa213d")), "818537fa213d7f9f4d5158"),
    (Frame(Opcode.TEXT, b"Hel", fin=False, masking=Masking.NONE), "010348656c"),
    (Frame(Opcode.CONTINUATION, b"lo", masking=Masking.NONE), "80026c6f"),
    (Frame(Opcode.PING, b"Hello", masking=Masking.NONE), "890548656c6c6f"),
    (Frame(Opcode.PONG, b"Hello", masking=bytes.fromhex("37fa213d")), "8a8537fa213d7f9f4d5158"),
    # length forms
    (Frame(Opcode.BINARY, bytes(126), masking=Masking.NONE), "827e007e" + "00" * 126),
    (Frame(Opcode.BINARY, bytes(65536), masking=Masking.NONE), "827f0000000000010000" + "00" * 65536),
    (Frame(Opcode.TEXT, b"Hi", masking=Masking.NONE, length_form=LengthForm.BITS_16), "817e00024869"),
    (Frame(Opcode.TEXT, b"Hi", masking=Masking.NONE, length_form=LengthForm.BITS_64), "817f00000000000000024869"),
    (Frame(Opcode.TEXT, b"", masking=Masking.NONE, announced=1 << 63), "817f8000000000000000"),
    # reserved bits and opcodes
    (Frame(Opcode.TEXT, b"", rsv=4, masking=Masking.NONE), "c100"),
    (Frame(Opcode.TEXT, b"", rsv=1, masking=Masking.NONE), "9100"),
    (Frame(0xB, b"", fin=False, masking=Masking.NONE), "0b00"),
    # Close
    (Frame(Opcode.CLOSE, close_payload(1000, "bye"), masking=Masking.NONE), "880503e8627965"),
    (Frame(Opcode.CLOSE, close_payload(None), masking=Masking.NONE), "8800"),
]


@pytest.mark.parametrize(("frame", "wire"), GOLDEN, ids=[wire[:24] for _, wire in GOLDEN])
def test_golden_bytes(frame: Frame, wire: str) -> None:
    assert frame.encode().hex() == wire


@pytest.mark.parametrize(("frame", "wire"), [pair for pair in GOLDEN if pair[0].announced is None])
def test_golden_bytes_read_back(frame: Frame, wire: str) -> None:
    (got,) = FrameParser().feed(bytes.fromhex(wire))
    assert (got.fin, got.rsv, got.opcode, got.payload) == (frame.fin, frame.rsv, frame.opcode, frame.payload)
    assert got.masked == isinstance(frame.masking, bytes)
    assert got.length_form is (frame.length_form or minimal_form(len(frame.payload)))


any_frame = st.builds(
    Frame,
    opcode=st.integers(0, 15),
    payload=st.binary(max_size=300),
    fin=st.booleans(),
    rsv=st.integers(0, 7),
    masking=st.one_of(st.just(Masking.NONE), st.just(Masking.RANDOM), st.binary(min_size=4, max_size=4)),
    length_form=st.sampled_from([LengthForm.BITS_16, LengthForm.BITS_64, None]),
)


@given(frames=st.lists(any_frame, max_size=5), cut=st.integers(1, 7))
def test_any_frames_in_any_segments_come_back(frames: list[Frame], cut: int) -> None:
    wire = b"".join(frame.encode() for frame in frames)
    parser = FrameParser()
    got = [frame for at in range(0, len(wire), cut) for frame in parser.feed(wire[at : at + cut])]
    assert parser.at_boundary
    assert [(f.fin, f.rsv, f.opcode, f.payload) for f in got] == [(f.fin, f.rsv, f.opcode, f.payload) for f in frames]
    assert [f.masked for f in got] == [f.masking is not Masking.NONE for f in frames]


@given(payload=st.binary(max_size=100), key=st.binary(min_size=4, max_size=4))
def test_masking_is_xor_with_the_key(payload: bytes, key: bytes) -> None:
    assert apply_mask(payload, key) == bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    assert apply_mask(apply_mask(payload, key), key) == payload


def test_each_frame_has_a_key_of_its_own() -> None:
    frame = Frame(Opcode.TEXT, b"")
    assert len({frame.encode() for _ in range(20)}) > 1


class TestBounds:
    def test_a_payload_beyond_the_bound_is_cut_and_counted(self) -> None:
        parser = FrameParser(keep=10)
        wire = Frame(Opcode.BINARY, bytes(range(100)), masking=Masking.NONE).encode() + b"\x89\x00"
        got = [frame for at in range(0, len(wire), 7) for frame in parser.feed(wire[at : at + 7])]
        assert [(frame.opcode, frame.length, frame.cut) for frame in got] == [(2, 100, True), (9, 0, False)]
        assert got[0].payload == bytes(range(10))

    def test_an_announced_length_costs_nothing(self) -> None:
        parser = FrameParser(keep=1000)
        assert list(parser.feed(b"\x82\x7f" + (2**63 - 1).to_bytes(8, "big"))) == []
        for _ in range(100):
            assert list(parser.feed(bytes(500))) == []
            assert parser.buffered <= 1000
        assert not parser.at_boundary


@pytest.mark.parametrize(
    ("length", "form"),
    [
        (0, LengthForm.BITS_7),
        (125, LengthForm.BITS_7),
        (126, LengthForm.BITS_16),
        (65535, LengthForm.BITS_16),
        (65536, LengthForm.BITS_64),
    ],
)
def test_minimal_form(length: int, form: LengthForm) -> None:
    assert minimal_form(length) is form


def test_fragments_of_one_message() -> None:
    first, middle, last = fragments(Opcode.TEXT, b"a", b"b", b"c")
    assert [frame.opcode for frame in (first, middle, last)] == [1, 0, 0]
    assert [frame.fin for frame in (first, middle, last)] == [False, False, True]


def test_close_code_and_reason_are_read() -> None:
    (got,) = FrameParser().feed(close_frame(CloseCode.GOING_AWAY, "bye").encode())
    assert (got.close_code, got.close_reason) == (1001, b"bye")
    (empty,) = FrameParser().feed(close_frame(None).encode())
    assert empty.close_code is None


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1014, 3000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    assert is_wire_legal(code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_codes_that_may_not_be_sent(code: int) -> None:
    assert not is_wire_legal(code)


def test_the_head_is_that_of_the_wire() -> None:
    wire = Frame(Opcode.TEXT, b"x" * 200, rsv=2, fin=False, masking=b"abcd").encode()
    (got,) = FrameParser().feed(wire)
    assert got.head == wire[:4]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (Frame(Opcode.TEXT, b"hello"), "Text len=5 'hello'"),
        (Frame(Opcode.TEXT, b"\xce", fin=False, rsv=4), "Text FIN=0 RSV=4 len=1 0xce"),
        (Frame(Opcode.PING, masking=Masking.NONE), "Ping MASK=0 len=0"),
        (Frame(3), "opcode 3 len=0"),
        (close_frame(1002, "why"), "Close 1002 'why'"),
        (Frame(Opcode.BINARY, b"", announced=2**40), "Binary len=1099511627776"),
    ],
)
def test_frames_in_words(frame: Frame, words: str) -> None:
    assert describe(frame) == words


def test_a_received_frame_in_words() -> None:
    frame = ReceivedFrame(True, 0, Opcode.TEXT, b"a" * 50, b"\1\2\3\4", 50, LengthForm.BITS_7)
    assert str(frame) == f"Text MASK=1 len=50 '{'a' * 40}...'"


def test_opcodes_have_names() -> None:
    assert [opcode_name(op) for op in (0, 1, 2, 8, 9, 10, 11)] == [
        "Continuation", "Text", "Binary", "Close", "Ping", "Pong", "opcode 11",
    ]  # fmt: skip
