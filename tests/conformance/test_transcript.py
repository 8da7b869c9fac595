"""The evidence: bounded, without secrets, and true about what it leaves out."""

from __future__ import annotations

import hashlib
import time

import pytest

from tests.conformance.talk import talk
from wsproof.conformance.endpoint import Redactor
from wsproof.conformance.transcript import HEAD_BYTES, MAX_ENTRIES, TEXT_CHARS, Transcript
from wsproof.conformance.wire.frames import Frame, FrameParser, Opcode, ReceivedFrame

SECRET = "s3cr3t-t0ken-" + "x" * 300


def received(data: bytes, keep: int = 1024) -> ReceivedFrame:
    (frame,) = FrameParser(keep).feed(data)
    return frame


def test_a_frame_with_its_head_in_hex() -> None:
    transcript = Transcript(Redactor())
    transcript.frame(transcript.connection(), "in", received(b"\xc1\x85\x01\x02\x03\x04Igoih"))
    (entry,) = transcript.entries
    assert (entry.conn, entry.dir, entry.what) == (1, "in", "frame")
    assert (entry.fin, entry.rsv, entry.opcode, entry.masked, entry.length) == (True, 4, 1, True, 5)
    assert (
        entry.head
        == b"\xc1\x85\x01\x02\x03\x04Hello"[:6].hex()
        + bytes(byte ^ key for byte, key in zip(b"Igoih", b"\1\2\3\4\1", strict=True)).hex()
    )
    assert entry.sha256 is None


def test_a_long_payload_is_cut_and_told_by_length_and_sha256() -> None:
    payload = bytes(range(256)) * 3
    transcript = Transcript(Redactor())
    transcript.frame(1, "in", received(b"\x82\x7e\x03\x00" + payload))
    (entry,) = transcript.entries
    assert entry.length == len(payload)
    assert entry.head == (b"\x82\x7e\x03\x00" + payload[:HEAD_BYTES]).hex()
    assert entry.sha256 == hashlib.sha256(payload).hexdigest()


def test_of_a_payload_that_was_not_kept_whole_no_sha256_is_told() -> None:
    transcript = Transcript(Redactor())
    transcript.frame(1, "in", received(b"\x82\x7e\x03\x00" + bytes(768), keep=100))
    assert (transcript.entries[0].length, transcript.entries[0].sha256) == (768, None)


async def test_a_long_payload_that_we_send_has_the_sha256_of_all_of_it() -> None:
    payload = bytes(range(256)) * 300
    async with talk() as at:
        await at.peer.send(Frame(Opcode.BINARY, payload))
        entry = at.transcript[-1]
    assert (entry.dir, entry.length) == ("out", len(payload))
    assert entry.sha256 == hashlib.sha256(payload).hexdigest()


def test_entries_beyond_the_bound_are_counted() -> None:
    transcript = Transcript(Redactor())
    frame = received(b"\x89\x00")
    for _ in range(MAX_ENTRIES + 5):
        transcript.frame(1, "in", frame)
    transcript.note(1, "out", "RST")
    assert len(transcript.entries) == MAX_ENTRIES + 1
    assert transcript.entries[-1].text == "6 more entries"
    assert transcript.entries[-1].what == "note"


def test_a_head_is_bounded_and_keeps_its_length() -> None:
    transcript = Transcript(Redactor())
    transcript.head(1, "in", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000)
    (entry,) = transcript.entries
    assert entry.what == "response"
    assert entry.length == 100_020
    assert entry.text is not None and len(entry.text) == TEXT_CHARS


def test_a_frame_that_never_became_whole() -> None:
    transcript = Transcript(Redactor())
    transcript.unfinished(1, "in", b"\x81" + bytes(99))
    (entry,) = transcript.entries
    assert (entry.what, entry.text) == ("bytes", "the start of an unfinished frame")
    assert entry.head == (b"\x81" + bytes(63)).hex()


def test_times_never_go_back_and_start_with_the_check() -> None:
    begun = time.monotonic()
    transcript = Transcript(Redactor())
    for _ in range(3):
        transcript.note(transcript.connection(), "out", "connected")
    times = [entry.t for entry in transcript.entries]
    assert times == sorted(times)
    assert 0 <= times[0] <= time.monotonic() - begun
    assert [entry.conn for entry in transcript.entries] == [1, 2, 3]


@pytest.mark.parametrize("before", [0, 1, 40, HEAD_BYTES - 3, HEAD_BYTES, TEXT_CHARS - 5])
def test_no_part_of_a_secret_is_written_down_wherever_it_stands(before: int) -> None:
    """Not even where the secret reaches over the place at which the entry is cut."""
    payload = b"." * before + SECRET.encode()
    transcript = Transcript(Redactor([SECRET]))
    transcript.frame(1, "in", received(b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload, keep=2**20))
    transcript.unfinished(1, "in", payload)
    transcript.head(1, "in", payload)
    text = " ".join(str(entry.text) for entry in transcript.entries)
    heads = b"".join(bytes.fromhex(entry.head or "") for entry in transcript.entries)
    for part in (SECRET[:3], SECRET[:8]):
        assert part not in text
        assert part.encode() not in heads


def test_secret_fields_of_a_request() -> None:
    transcript = Transcript(Redactor())
    transcript.head(1, "out", b"GET /?token=abc&q=1 HTTP/1.1\r\nAuthorization: Bearer xyz\r\nHost: h\r\n\r\n")
    (entry,) = transcript.entries
    assert entry.what == "request"
    assert entry.text == "GET /?token=***&q=1 HTTP/1.1\r\nAuthorization: ***\r\nHost: h\r\n\r\n"
