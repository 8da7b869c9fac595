"""Looks before the checks leap: greeting, echo form, Server header, negotiation. Short exchanges, no sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from .check import Findings, Undetermined, Violation
from .discovered import Discovered, EchoForm
from .errors import TargetGone, TargetRefused
from .peer import Message, Peer, Silence
from .target import Answer, Setting, Target
from .template import pattern
from .transcript import Transcript
from .wire.frames import Frame, Opcode

DATA_OPCODES = (Opcode.TEXT, Opcode.BINARY)
HINT = (
    "is the path right? does it need a token (--header, --cookie), "
    "a subprotocol (--subprotocol) or a profile (--profile)?"
)


def probe_target(setting: Setting) -> Target:
    """A target for looking, whose findings nobody reads."""
    return Target(setting, Findings(("discovery",)), Transcript(setting.endpoint.redactor()))


async def plain_handshake(setting: Setting) -> Answer:
    """Try the plain opening handshake once. Raises TargetGone where nothing takes the connection."""
    return await probe_target(setting).ask(setting.endpoint.request())


async def discover(setting: Setting) -> Discovered:
    """What the target does of itself. Raises TargetRefused with the answer and a hint, or TargetGone.

    In a chat (as the profile has it) looking must not disturb: connections hear of each other, and one whose handler
    dies of a binary message may stay among the members.
    """
    try:
        answer = await plain_handshake(setting)
    except Violation as violation:
        raise TargetRefused(f"{setting.endpoint.url} {violation.observed}") from None
    if not answer.accepted or answer.response is None:
        final = 100 <= (answer.status or 0) < 500  # no answer, or 5xx, is what one that is starting may give
        raise TargetRefused(f"{_shown(setting)} refused the plain handshake: {answer}; {HINT}", final=final)
    if setting.profile is not None and setting.profile.login:
        await _try_login(setting)
    head = answer.response.head
    server = head.get("Server")
    chosen = head.get("Sec-WebSocket-Protocol")
    found = Discovered(
        server=server.decode("latin-1") if server else None,
        subprotocol=chosen.decode("latin-1") if chosen else None,
    )
    chat = _in_a_chat(setting)
    together = _one_after_the_other if chat else asyncio.gather
    first, second, deflate, pinged = await together(
        _listen(setting), _listen(setting), _offers_deflate(setting), _ping(setting)
    )
    # some serve one connection at a time, or only a few: where nothing could be learned, once more and alone
    first = first or await _listen(setting)
    second = second or (await _listen(setting) if first is not None else None)
    deflate = await _offers_deflate(setting) if deflate is None else deflate
    pinged = pinged or await _ping(setting)
    ended = pinged if isinstance(pinged, str) else None
    found = replace(found, deflate=bool(deflate), deaf=pinged is not True, ends_at_once=ended)
    refused = await together(*(_refuses(setting, opcode) for opcode in DATA_OPCODES))
    types = tuple(int(opcode) for opcode, no in zip(DATA_OPCODES, refused, strict=True) if no)
    found = replace(found, refused=types)
    if first is None or second is None:
        return replace(found, chatty=any(look is not None and look.chatty for look in (first, second)))
    if first != second:  # it says something different each time: what it sends of itself can't be counted on
        return _taking_what_it_echoes(
            replace(found, chatty=True, echo=first.echo if first.echo == second.echo else None)
        )
    binary = await _binary_form(setting, first) if first.echo and not chat else None
    echo = replace(first.echo, binary=binary) if first.echo else None
    return _taking_what_it_echoes(replace(found, echo=echo, greetings=first.greetings, chatty=first.chatty))


def _taking_what_it_echoes(found: Discovered) -> Discovered:
    """A type that comes back is taken: it was the fragment, which tried it, that was refused."""
    if found.echo is None:
        return found
    came = (Opcode.TEXT, Opcode.BINARY) if found.echo.binary is not None else (Opcode.TEXT,)
    return replace(found, refused=tuple(opcode for opcode in found.refused if opcode not in came))


def _in_a_chat(setting: Setting) -> bool:
    chat = setting.profile.chat if setting.profile is not None else None
    return chat is not None and pattern(chat.path, {}).fullmatch(setting.endpoint.target) is not None


async def _one_after_the_other(*looks: Awaitable[Any]) -> list[Any]:
    return [await look for look in looks]


def expect_to_stay(setting: Setting, found: Discovered) -> None:
    """Raises TargetRefused where connections end at once: every check would meet that end and nothing else."""
    if found.ends_at_once is not None and found.echo is None:
        raise TargetRefused(f"{_shown(setting)} ends every connection at once: {found.ends_at_once}; {HINT}")


async def _try_login(setting: Setting) -> None:
    """Raises TargetRefused where the profile's login does not make a connection usable."""
    try:
        async with probe_target(setting).connect():
            pass
    except (Undetermined, Violation) as why:
        said = setting.endpoint.redactor().text(str(why))
        raise TargetRefused(f"{_shown(setting)}: {said}; is the [[login]] of the profile right?", final=True) from None


def _shown(setting: Setting) -> str:
    return setting.endpoint.redactor().text(setting.endpoint.url)


async def _listen(setting: Setting) -> Discovered | None:
    """Send texts that occur nowhere else; the wording around what comes back is the echo form."""
    target = probe_target(setting)
    words = target.nonce("echo"), target.nonce('"quote" & <tag> \\ ü '), target.nonce("again")
    try:
        async with target.connect() as peer:
            form: EchoForm | None = None
            before = 0
            chatty = False
            for index, word in enumerate(words):
                await peer.send(Frame(Opcode.TEXT, word))
                messages, reply = await _until_holds(peer, words[index])
                if index == 0:
                    before = messages
                else:
                    chatty = chatty or messages > 0
                if reply is None:
                    return Discovered(greetings=0, chatty=before > 0 or chatty) if index == 0 else None
                prefix, _, suffix = reply.payload.partition(word)
                if reply.opcode != Opcode.TEXT or (form is not None and (prefix, suffix) != (form.prefix, form.suffix)):
                    return Discovered(greetings=before, chatty=True)
                form = EchoForm(prefix, suffix)
            return Discovered(echo=form, greetings=before, chatty=chatty)
    except (Undetermined, TargetGone, Violation):
        return None


async def _until_holds(peer: Peer, word: bytes) -> tuple[int, Message | None]:
    """How many messages came before the one that holds ``word``, and that message if it came."""
    deadline = asyncio.get_running_loop().time() + peer.patience
    count = 0
    while True:
        try:
            event = await peer.next_message(deadline - asyncio.get_running_loop().time())
        except Silence:
            return count, None
        if not isinstance(event, Message):
            return count, None
        if word in event.payload:
            return count, event
        count += 1


async def _binary_form(setting: Setting, found: Discovered) -> int | None:
    """In which opcode a binary message comes back unchanged; a text sentinel ends the wait where it is ignored."""
    target = probe_target(replace(setting, found=found))
    data = target.nonce("binary")  # harmless bytes: whether all others pass too is for the checks to judge
    sentinel = target.nonce("sentinel")
    try:
        async with target.connect() as peer:
            await peer.send(Frame(Opcode.BINARY, data))
            await peer.send(Frame(Opcode.TEXT, sentinel))
            while True:
                event = await peer.next_message()
                if not isinstance(event, Message) or sentinel in event.payload:
                    return None
                if event.payload == data:
                    return event.opcode
    except (Undetermined, TargetGone, Violation, Silence):
        return None


async def _ping(setting: Setting) -> bool | str:
    """Whether a Ping is answered where nothing else was sent before it, or what ended the connection instead."""
    try:
        async with probe_target(setting).connect(greeted=False) as peer:
            before = await peer.fence()
    except (Undetermined, TargetGone, Violation):
        return False
    return str(before[-1]) if before and peer.is_end(before[-1]) else True


async def _refuses(setting: Setting, opcode: Opcode) -> bool:
    """Whether a message of that type ends the connection before it is complete, whatever it holds."""
    target = probe_target(setting)
    try:
        async with target.connect() as peer:
            await peer.send(Frame(opcode, target.nonce("type"), fin=False))
            events = await peer.fence()
    except (Undetermined, TargetGone, Violation):
        return False
    return bool(events) and Peer.is_end(events[-1])


async def _offers_deflate(setting: Setting) -> bool | None:
    """Whether the target accepts permessage-deflate (RFC 7692); None where it takes no such handshake."""
    target = probe_target(setting)
    request = target.request().adding(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
    try:
        answer = await target.ask(request)
    except (TargetGone, Violation):
        return None
    if not answer.accepted or answer.response is None:
        return None
    accepted = answer.response.head.tokens("Sec-WebSocket-Extensions")
    return any(token.split(b";")[0].strip() == b"permessage-deflate" for token in accepted)


__all__ = ["discover", "expect_to_stay", "plain_handshake", "probe_target"]
