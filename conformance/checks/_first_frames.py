"""What goes over a connection next to the 101: before it, in one segment with the handshake, right after it."""

from __future__ import annotations

from ..check import Undetermined, Violation
from ..peer import Ended, Message, Peer, Silence
from ..target import Target
from ..wire.frames import Frame, Opcode, ReceivedFrame, shown
from ..wire.handshake import Response
from ._answers import ready


async def start_of_frames(target: Target, peer: Peer) -> bytes:
    """The header of the first frame that comes on an open connection, or what there is of it; a Ping provokes one."""
    await peer.send(Frame(Opcode.PING, target.nonce()))
    try:
        event = await peer.next_event()
    except Silence:
        return peer.partial_frame
    return event.head if isinstance(event, ReceivedFrame) else b""


def can_begin_frame(octet: int) -> bool:
    """Whether a server's first frame can begin so: no reserved bit, and Text, Binary or a whole control frame."""
    opcode = octet & 0x0F
    if octet & 0x70:
        return False
    return opcode in (Opcode.TEXT, Opcode.BINARY) or (opcode in (8, 9, 10) and bool(octet & 0x80))


async def first_push(target: Target) -> str:
    """What the server does of its own once its 101 is out, in words; at the profile's probe that pushes, if any.

    Raises Violation for bytes before the head of the response.
    """
    probe = target.profile.probe.push if target.profile else None
    request = target.request(probe.format(n=1, interval=0) if probe else None)
    async with target.open(echo=False) as peer:
        await peer.send_request(request)
        answer = await target.answer(peer)
        if answer.response is None:
            raise Undetermined(f"the handshake got no answer: {answer}")
        judge_bytes_before(answer.response)
        if not answer.accepted:
            raise Undetermined(f"the handshake was answered with {answer}")
        try:
            first = await peer.next_message() if probe else next(iter(await peer.fence()), None)
        except Silence:
            first = None
    if first is None:
        return "sends nothing of its own"
    if isinstance(first, Ended):
        return "ends the connection"
    return f"sends {'a message' if isinstance(first, Message) else 'a frame'} of its own"


def judge_bytes_before(response: Response) -> None:
    """Raise Violation where bytes come before the head of the response."""
    before, found, _ = response.head.raw.partition(b"HTTP/1.")
    if before and found:
        raise Violation("the head of the response first", f"{len(before)} bytes before it: {shown(before)}")


async def judge_early_frame(target: Target) -> None:
    """Send a Ping in one segment with the handshake, and report what became of it."""
    early = target.nonce("early")
    async with target.open(watched=False) as peer:
        await peer.send_request(target.request().changed(body=peer.encoded(Frame(Opcode.PING, early))))
        answer = await target.answer(peer)
        ready(answer)
        if answer.silent:
            target.findings.warned("an answer", str(answer), silence=True)
            return
        if answer.response is not None:
            judge_bytes_before(answer.response)
        if not answer.accepted:
            target.findings.holds(str(answer))
            return
        try:
            events = await peer.fence()
        except Undetermined:
            if not peer.partial_frame.startswith(b"HT"):
                raise
            events = []
        frames = [event for event in events if isinstance(event, ReceivedFrame)]
        starts = [peer.partial_frame, *(frame.head for frame in frames)]
    if any(start.startswith(b"HT") for start in starts):
        target.findings.warned("frames after the 101", "the early frame was answered in HTTP")
    elif any(frame.opcode == Opcode.PONG and frame.payload == early for frame in frames):
        target.findings.holds("the early frame was processed")
    else:
        target.findings.noted("the early frame was dropped")
