#!/usr/bin/env python3
"""Does again what is recorded below, and tells whether the server still answers as it did then.

    python THIS_FILE [ws://HOST:PORT | wss://HOST:PORT] [--set NAME=VALUE ...]

Exit code: 0 it answers otherwise, 1 it answers as recorded (or still breaks the recorded rule), 3 it was not reached.
Needs nothing but Python 3.9 or later. The server's certificate is not verified.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import select
import socket
import ssl
import struct
import sys
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

Step = dict[str, Any]


def packed(text: str) -> bytes:
    """Octets that are too many to be written out."""
    return zlib.decompress(base64.b64decode(text))


# BEGIN OF THE RECORDING
URL = "ws://127.0.0.1:80"
HOST = "127.0.0.1"  # as the recorded requests have it
RULE: int | None = None  # the step that decides; None: what comes is held against what came
DIED = False  # the failure is that the server died of it
LIMIT: float | None = None  # the failure is that something took more seconds
RESET = False  # it matters whether TCP ends by FIN or RST
SILENCE = False  # the failure is that something did not come
STEPS: Sequence[Step] = []
# END OF THE RECORDING

AS_RECORDED, OTHERWISE, NOT_REACHED = 1, 0, 3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
NAMES = {0: "Continuation", TEXT: "Text", BINARY: "Binary", CLOSE: "Close", PING: "Ping", PONG: "Pong"}
MAX_PAYLOAD, START = 1024, 64
SHORT, LONG = 0.25, 5.0
TRIES = (True, False, True)
"""Whether what is sent in a row goes out apart."""
TLS_BARE_END = "FIN without a closure alert"
TLS_OPEN = "the connection stays open"
KNOWN_FIELDS = {
    "allow", "connection", "content-length", "location", "sec-websocket-accept", "sec-websocket-extensions",
    "sec-websocket-protocol", "sec-websocket-version", "transfer-encoding", "upgrade", "www-authenticate",
}  # fmt: skip
"""Fields of a response whose values count; of all others only the name does."""


class NotReached(Exception):
    """The server takes no connection, or what was recorded cannot be done with it."""


# Frames (RFC 6455, section 5.2)


def mask(payload: bytes, key: bytes) -> bytes:
    """Section 5.3."""
    return bytes(octet ^ key[index % 4] for index, octet in enumerate(payload))


def frame(opcode: int, payload: bytes) -> bytes:
    """A short frame of ours, masked."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + b"wsp." + mask(payload, b"wsp.")


def cut_frame(buffer: bytearray) -> tuple[int, int, bool, bytes] | None:
    """Take the first whole frame: its first octet, the size of its extended length, whether masked, its payload."""
    if len(buffer) < 2:
        return None
    seven = buffer[1] & 0x7F
    extended = {126: 2, 127: 8}.get(seven, 0)
    masked = bool(buffer[1] & 0x80)
    start = 2 + extended + 4 * masked
    if len(buffer) < start:
        return None
    length = int.from_bytes(buffer[2 : 2 + extended], "big") if extended else seven
    if len(buffer) < start + length:
        return None
    key, payload = bytes(buffer[start - 4 : start]), bytes(buffer[start : start + length])
    first = buffer[0]
    del buffer[: start + length]
    return first, extended, masked, mask(payload, key) if masked else payload


class Ours:
    """Follows what we send, to know where a frame of ours ends, and whether a Close was among them."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.skip = 0
        self.closed = False

    def feed(self, data: bytes) -> None:
        """Take what is sent."""
        self.buffer += data
        while True:
            taken = min(self.skip, len(self.buffer))
            self.skip -= taken
            del self.buffer[:taken]
            if self.skip or len(self.buffer) < 2:
                return
            extended = {126: 2, 127: 8}.get(self.buffer[1] & 0x7F, 0)
            header = 2 + extended + (4 if self.buffer[1] & 0x80 else 0)
            if len(self.buffer) < header:
                return
            length = int.from_bytes(self.buffer[2 : 2 + extended], "big") if extended else self.buffer[1] & 0x7F
            self.closed = self.closed or self.buffer[0] & 0x0F == CLOSE
            self.skip = header + length

    @property
    def at_boundary(self) -> bool:
        """Whether no frame of ours is half sent."""
        return not self.skip and not self.buffer


# Connections


class Link:
    """One connection: bytes both ways, the frames and the end that have come."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self.sock: socket.socket | None = sock
        self.secure = isinstance(sock, ssl.SSLSocket)
        self.to_send = bytearray()
        self.buffer = bytearray()
        self.framed = False
        self.ours = Ours()
        self.frames: deque[tuple[int, int, bool, bytes]] = deque()
        self.odd_pings: deque[tuple[int, int, bool, bytes]] = deque()
        self.end: str | None = None
        self.answers = {"pings", "close"}
        self.owed: list[bytes] = []
        self.parts: list[bytes] = []
        self.part_opcode = 0
        self.half_closed = False

    def send(self, data: bytes) -> None:
        """Queue it; it goes out while something is waited for."""
        if self.framed:
            self.ours.feed(data)
        self.to_send += data

    def write(self) -> None:
        """Write what the socket takes."""
        while self.to_send and self.sock is not None:
            try:
                sent = self.sock.send(self.to_send[:65536])
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            except (OSError, ssl.SSLError):
                self.to_send.clear()
                return
            del self.to_send[:sent]

    def read(self) -> None:
        """Read what has come."""
        while self.sock is not None and self.end is None:
            try:
                data = self.sock.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except ssl.SSLError:
                self.end = TLS_BARE_END
            except OSError:
                self.end = "RST"
            else:
                self.buffer += data
                if not data:
                    self.end = "a closure alert before FIN" if self.secure else "FIN"
        self.cut()

    def cut(self) -> None:
        """Cut frames from what has come, and answer Pings and Close."""
        while self.framed and (cut := cut_frame(self.buffer)) is not None:
            first, _, masked, payload = cut
            opcode = first & 0x0F
            if opcode == PING:
                if first != 0x80 | PING or masked or len(payload) > 125:
                    self.odd_pings.append(cut)
                if "pings" in self.answers:
                    self.owed = [frame(PONG, payload[:125])]
                continue
            self.frames.append(cut)
            if opcode == CLOSE and "close" in self.answers:
                code = int.from_bytes(payload[:2], "big")
                legal = 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
                self.owed.append(frame(CLOSE, payload[:2] if legal else b""))
        if self.owed and self.ours.at_boundary and not self.ours.closed:
            for answer in self.owed:
                self.send(answer)
        if self.ours.at_boundary:
            self.owed.clear()

    def close(self, reset: bool = False) -> None:
        """Let go of it."""
        if self.sock is not None:
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
        self.sock = None
        self.end = self.end or "FIN"


class Replay:
    """Goes through the steps."""

    def __init__(self, url: str, settings: dict[str, str], apart: bool) -> None:
        """``apart``: what is sent in a row is sent slowly enough that the server reads each by itself."""
        parts = urlsplit(url)
        self.secure = parts.scheme in ("wss", "https")
        self.address = (parts.hostname or "", parts.port or (443 if self.secure else 80))
        name = parts.netloc.rpartition("@")[2]
        self.host = HOST if url == URL else name
        self.settings = settings
        self.links: dict[int, Link] = {}
        sends = sum(step["do"] == "send" for step in STEPS)
        self.between = min(0.005, 2.0 / max(sends, 1)) if apart else 0.0
        self.just_sent = False
        self.differences: list[str] = []
        self.early: dict[int, str] = {}

    # Waiting

    def pump(self, seconds: float) -> None:
        """Let bytes pass on all connections for at most that long, or until something has passed."""
        for link in self.links.values():
            link.write()
        here = {link.sock: link for link in self.links.values() if link.sock is not None and link.end is None}
        if not here:
            time.sleep(min(seconds, 0.05))
            return
        writing = [sock for sock, link in here.items() if link.to_send]
        ready, _, _ = select.select(list(here), writing, [], max(0.0, min(seconds, 0.05)))
        for sock, link in here.items():
            if sock in ready:
                link.read()
            link.cut()
            link.write()

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for it; False when it did not come about in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.pump(left)
        return True

    # Steps

    def run(self) -> int:
        """All steps, then the verdict. Raises NotReached."""
        for index, step in enumerate(STEPS):
            if index == RULE:
                return self.judge(step)
            self.step(step)
        if SILENCE:
            self.differences += self.early.values()
        if DIED:
            return self.look_whether_alive()
        if self.differences:
            print("The server answers differently from the recorded failure:")
            print("\n".join(f"  {line}" for line in self.differences))
            return OTHERWISE
        print("The server still answers as in the recorded failure.")
        return AS_RECORDED

    def step(self, step: Step) -> None:
        """One step."""
        number, do = step["conn"], step["do"]
        if do == "open":
            self.open(number, step)
            return
        link = self.links.get(number)
        if link is None:
            return
        if do == "send":
            self.send(number, link, step)
        elif do == "await":
            self.wait(number, link, step)
        elif do == "half_close":
            self.until(lambda: not link.to_send or link.end is not None, LONG)
            if link.sock is not None and not link.secure:
                try:
                    link.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
        elif do in ("reset", "close"):
            self.until(lambda: not link.to_send or link.end is not None, SHORT)
            link.close(reset=do == "reset")
        elif do.startswith(("ignores_", "answers_")):
            how, what = do.split("_")
            (link.answers.add if how == "answers" else link.answers.discard)(what)

    def open(self, number: int, step: Step) -> None:
        """A new connection, with TLS where the recorded one had it."""
        say(number, "->", "connect")
        try:
            self.links[number] = Link(self.connect(step))
        except (OSError, ssl.SSLError, UnicodeError) as error:
            if "refused" in step:
                return
            raise NotReached(f"no connection to {self.address[0]}:{self.address[1]}: {error}") from None
        if "refused" in step:
            self.differ(number, "no connection", "a connection")

    def connect(self, step: Step) -> socket.socket:
        """Connect the socket."""
        sock = socket.create_connection(self.address, timeout=LONG)
        if not (self.secure and ("tls" in step or "refused" in step)):
            return sock
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        name = step.get("server_name")
        if name is None:
            context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(sock, server_hostname=name or self.address[0], suppress_ragged_eofs=False)

    def send(self, number: int, link: Link, step: Step) -> None:
        """Send bytes as they were, whole or in segments."""
        if "bytes" not in step:
            raise NotReached("the recording does not hold all that was sent")
        data = step["bytes"] if link.framed else self.addressed(step["bytes"])
        if self.just_sent:
            time.sleep(self.between)
        self.just_sent = True
        say(number, "->", words_of_sent(data, link.framed))
        chop = step.get("chop") or len(data) or 1
        pieces = [data[at : at + chop] for at in range(0, len(data), chop)]
        between = step.get("pause", 0.0) or (0.002 if len(pieces) < 500 else 0.0002)
        for piece in pieces:
            link.send(piece)
            link.write()
            if len(pieces) > 1:
                self.pump(0.0)
                time.sleep(between)
        self.until(lambda: not link.to_send or link.end is not None, SHORT)

    def addressed(self, data: bytes) -> bytes:
        """A request as it was, but for the host, where the script is aimed elsewhere, and what --set gives."""
        data = data.replace(b"\r\nHost: " + HOST.encode() + b"\r\n", b"\r\nHost: " + self.host.encode() + b"\r\n")
        for name, value in self.settings.items():
            given = re.escape(name.encode())
            left_out = re.compile(rb"(?im)(^" + given + rb"[ \t]*:[ \t]*|[?&]" + given + rb"=)\*\*\*")
            data = b"".join(
                part + value.encode("latin-1") if index % 2 else part for index, part in enumerate(left_out.split(data))
            )
        return data

    # What comes

    def wait(self, number: int, link: Link, step: Step) -> None:
        """Wait as the recorded run waited, and hold what comes against what came."""
        recorded, what, timeout = step["came"], step["what"], step["timeout"]
        self.just_sent = False
        begun = time.monotonic()
        if recorded is not None:
            timeout = max(timeout, LONG)
        if what == "response":
            came = self.response(link, step.get("method", "GET"), timeout)
            link.framed = link.framed and (recorded or {}).get("framed", True)
            link.cut()
            if recorded is not None and recorded.get("framed") and not link.framed and RULE is not None:
                raise NotReached(f"the opening handshake is answered otherwise now: {words(came)}")
        elif what == "ping":
            came = seen(link.odd_pings.popleft()) if self.until(lambda: bool(link.odd_pings), timeout) else None
        elif what == "rest":
            size = len(recorded["bytes"]) if recorded else 0
            self.until(lambda: len(link.buffer) >= max(size, 1) or link.end is not None, timeout if size else SHORT)
            came = {"bytes": bytes(link.buffer[: max(size, 1)])} if link.buffer else {"bytes": b""}
        elif what == "reading":
            came = {"bytes": b""} if self.until(lambda: not link.to_send, timeout) else None
        elif what == "tls-end":
            came = {"end": link.end} if self.until(lambda: link.end is not None, timeout) else {"end": TLS_OPEN}
        elif recorded is not None:
            came = self.next_event(link, timeout)
        elif not self.until(lambda: bool(link.frames) or link.end is not None, timeout):
            came = None
        else:  # a difference, unless it is what was recorded next
            came = {"end": link.end} if not link.frames else seen(link.frames[0])
            self.early[number] = f"#{number} recorded: nothing; now: {words(came)}"
            return
        say(number, "<-", words(came))
        took = time.monotonic() - begun
        if LIMIT is not None and took <= LIMIT < step.get("after", 0.0):
            self.differ(number, f"{words(recorded)} after {step['after']:g} s", f"after {took:.3f} s")
        elif alike(recorded, came):
            self.early.pop(number, None)
        elif recorded is not None and came is not None and "response" in recorded and "response" in came:
            old, new = ([*skeleton(it["response"]), f"complete: {it.get('complete')}"] for it in (recorded, came))
            gone, fresh = ([line for line in one if line not in other] for one, other in ((old, new), (new, old)))
            self.differ(number, ascii(gone), ascii(fresh))
        else:
            self.differ(number, words(recorded), words(came))

    def next_event(self, link: Link, timeout: float) -> Step | None:
        """The next frame or the end; None for silence."""
        self.until(lambda: bool(link.frames) or link.end is not None, timeout)
        if link.frames:
            return seen(link.frames.popleft())
        return None if link.end is None else {"end": link.end}

    def response(self, link: Link, method: str, timeout: float) -> Step | None:
        """The response to a request of that method. After a 101 frames follow."""
        found: list[tuple[str, int, bool, int]] = []

        def whole() -> bool:
            cut = cut_response(bytes(link.buffer), method, link.end is not None, False)
            found[:] = [cut] if cut is not None else []
            return cut is not None or link.end is not None

        self.until(whole, timeout)
        cut = found[0] if found else cut_response(bytes(link.buffer), method, True, True)
        if cut is None:
            if link.buffer:
                return {"bytes": bytes(link.buffer[:START])}
            return None if link.end is None else {"end": link.end}
        heads, status, complete, size = cut
        del link.buffer[:size]
        link.framed = status == 101
        return {"response": heads, "complete": complete, "framed": link.framed}

    def differ(self, number: int, recorded: str, now: str) -> None:
        """Note a difference."""
        self.differences.append(f"#{number} recorded: {recorded}; now: {now}")

    # Rules

    def judge(self, rule: Step) -> int:
        """Judge by the rule that was found broken, whatever the server answers now."""
        link = self.links[rule["conn"]]
        print(f"Expected: {rule['expected']}")
        broken: str | None = getattr(self, "expect_" + rule["rule"])(link, rule)
        if broken is None:
            print("The server now does so.")
            return OTHERWISE
        print(f"Observed: {broken}\nThe server still does not do so.")
        return AS_RECORDED

    def look_whether_alive(self) -> int:
        """After it died: whether it takes a further connection."""
        for link in self.links.values():
            link.close()
        time.sleep(SHORT)
        request = next((step for step in STEPS if step["do"] == "send" and "bytes" in step), None)
        try:
            link = self.links[0] = Link(self.connect({"tls": True}))
        except (OSError, ssl.SSLError):
            print("The server still dies of it: it takes no further connection.")
            return AS_RECORDED
        link.send(self.addressed(request["bytes"] if request else b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        if self.response(link, "GET", LONG) is None or link.end == "RST":
            print("The server still dies of it: a further request is not answered.")
            return AS_RECORDED
        print("The server lives on.")
        return OTHERWISE

    def expect_failed(self, link: Link, rule: Step) -> str | None:
        """The connection is failed (section 7.1.7); else why it is not."""
        asked = working = False
        deadline = time.monotonic() + rule["quiet"]
        while True:
            cut = self.next_frame(link, deadline)
            if cut is None and working:
                return "the connection is open and working"
            if cut is None and asked:
                return "neither Close nor TCP end, and a later Ping stays unanswered"
            if cut is None:
                link.send(frame(PING, b"still-open"))
                asked, deadline = True, time.monotonic() + rule["timeout"]
                continue
            if isinstance(cut, str):
                return None
            opcode, payload = cut[0] & 0x0F, cut[3]
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
                return f"Close {code}" if rule["codes"] and code is not None and code not in rule["codes"] else None
            if opcode == PONG and asked and payload == b"still-open":
                if not rule.get("may_be_late"):
                    return "the connection is open and working"
                working = True
                continue
            sign = self.taken(link, cut, rule)
            if sign is not None:
                return sign

    def taken(self, link: Link, cut: tuple[int, int, bool, bytes], rule: Step) -> str | None:
        """Why this frame proves that what is illegal was taken as valid; None where it proves nothing."""
        if cut[0] & 0x0F == PONG:
            return f"it was answered: {words(seen(cut))}" if cut[3] and cut[3] in rule["taken"] else None
        message = self.assembled(link, cut)
        if message is None:
            return None
        form = rule["echo"]
        if form is not None and message in echoes(form, rule["earlier"]):
            return None
        if (form is not None and message in echoes(form, rule["taken"])) or any(
            data and data in message[1] for data in rule["taken"]
        ):
            return f"it was taken as a message: {message[1][:START]!r}"
        return None

    def expect_message(self, link: Link, rule: Step) -> str | None:
        """This message comes."""
        deadline = time.monotonic() + max(rule["timeout"], LONG)
        other = "nothing"
        while True:
            cut = self.next_frame(link, deadline)
            if cut is None or isinstance(cut, str) or cut[0] & 0x0F == CLOSE:
                return other if cut is None or other != "nothing" else words_of(cut)
            message = self.assembled(link, cut)
            if message in rule["wanted"]:
                return None
            if message is not None and not rule["chatty"]:
                deadline = min(deadline, time.monotonic() + SHORT)
                other = f"{NAMES.get(message[0])} message {message[1][:START]!r}"

    def expect_pong(self, link: Link, rule: Step) -> str | None:
        """A Pong with this payload comes."""
        deadline = time.monotonic() + max(rule["timeout"], LONG)
        while True:
            cut = self.next_frame(link, deadline)
            if cut is None or isinstance(cut, str) or cut[0] & 0x0F == CLOSE:
                return words_of(cut)
            if cut[0] & 0x0F == PONG and cut[3] == rule["payload"]:
                return None

    def expect_close(self, link: Link, rule: Step) -> str | None:
        """A Close frame comes, with one of these codes."""
        deadline = time.monotonic() + max(rule["timeout"], LONG)
        while True:
            cut = self.next_frame(link, deadline)
            if cut is None or isinstance(cut, str):
                return f"{words_of(cut)} without a Close frame"
            if cut[0] & 0x0F == CLOSE:
                code = int.from_bytes(cut[3][:2], "big") if len(cut[3]) >= 2 else None
                return f"Close {code}" if rule["codes"] and code not in rule["codes"] else None

    def expect_end(self, link: Link, rule: Step) -> str | None:
        """The server ends TCP."""
        return None if self.until(lambda: link.end is not None, max(rule["timeout"], LONG)) else "still open"

    def next_frame(self, link: Link, deadline: float) -> tuple[int, int, bool, bytes] | str | None:
        """The next frame as it was cut, how the connection ended, or None for silence."""
        self.until(lambda: bool(link.frames) or link.end is not None, deadline - time.monotonic())
        return link.frames.popleft() if link.frames else link.end

    @staticmethod
    def assembled(link: Link, cut: tuple[int, int, bool, bytes]) -> tuple[int, bytes] | None:
        """The message that this frame completes (section 5.4)."""
        opcode = cut[0] & 0x0F
        if opcode >= CLOSE:
            return None
        if opcode:
            link.parts, link.part_opcode = [], opcode
        link.parts.append(cut[3])
        return (link.part_opcode, b"".join(link.parts)) if cut[0] & 0x80 else None


def echoes(form: Step, payloads: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """The messages in which these payloads come back."""
    texts = [(TEXT, form["prefix"] + payload + form["suffix"]) for payload in payloads]
    return texts + [(BINARY if form["binary"] is None else form["binary"], payload) for payload in payloads]


# HTTP


def cut_response(data: bytes, method: str, ended: bool, give_up: bool) -> tuple[str, int, bool, int] | None:
    """The heads of the first whole response, its status, whether its body is complete, and how long all of it is."""
    at = 0
    while True:
        ends = [data.find(mark, at) + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if mark in data[at:]]
        if not ends:
            return None
        head, at = data[at : min(ends)].decode("latin-1"), min(ends)
        found = re.search(r"HTTP/[\d.]+\s+(\d{3})", head)
        status = int(found[1]) if found else 0
        if status == 101 or not 100 <= status < 200:
            break
    heads = data[:at].decode("latin-1")
    if status in (0, 101):
        return heads, status, True, at
    if method == "HEAD" or status in (204, 304):
        return heads, status, True, at
    fields = [line.partition(":") for line in head.replace("\r", "").split("\n")[1:]]
    lengths = {value.strip() for name, _, value in fields if name.strip().lower() == "content-length"}
    codings = [value.strip().lower() for name, _, value in fields if name.strip().lower() == "transfer-encoding"]
    if codings == ["chunked"] and not lengths:
        size = chunked_size(data[at:])
        if size is not None:
            return heads, status, True, at + size
    elif len(lengths) == 1 and not codings and min(lengths).isdigit():
        if len(data) >= at + int(min(lengths)):
            return heads, status, True, at + int(min(lengths))
    elif not lengths and not codings and ended:
        return heads, status, not give_up, len(data)
    return (heads, status, False, len(data)) if ended or give_up else None


def chunked_size(data: bytes) -> int | None:
    """How long a chunked body is; None where it is not whole or no such body."""
    at = 0
    while (line := re.match(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n", data[at:])) is not None:
        size = int(line[1], 16)
        at += line.end() + size + 2
        if size == 0:
            end = data.find(b"\r\n\r\n", at - 4)
            return None if end < 0 else end + 4
    return None


def skeleton(heads: str) -> list[str]:
    """What counts of response heads: values of other fields than the known ones differ from time to time."""
    lines = []
    for line in heads.split("\n"):
        name, colon, value = line.rstrip("\r").partition(":")
        if colon and name.strip().lower() not in KNOWN_FIELDS and not name.startswith((" ", "\t", "HTTP/")):
            odd = any(char != "\t" and (ord(char) < 0x20 or ord(char) == 0x7F) for char in value)
            line = f"{name}: {'odd' if odd else 'a value'}" + ("\r" if line.endswith("\r") else "")
        lines.append(line)
    return lines


# Comparing, and words


def seen(cut: tuple[int, int, bool, bytes]) -> Step:
    """A frame as the recording has it."""
    first, extended, masked, payload = cut
    told: Step = {"opcode": first & 0x0F, "fin": bool(first & 0x80), "rsv": first >> 4 & 7, "masked": masked}
    told |= {"length": len(payload), "form": extended, "payload": payload}
    if len(payload) > MAX_PAYLOAD:
        told |= {"payload": payload[:START], "sha256": hashlib.sha256(payload).hexdigest()}
    return {"frame": told}


def settled(told: Step) -> Step:
    """A frame without the date, which servers that answer in HTTP put into it."""
    return {**told, "payload": re.sub(rb"Date: [^\r\n]*", b"Date", told["payload"])}


def alike(recorded: Step | None, came: Step | None) -> bool:
    """Whether the same came. FIN and RST count as one unless RESET, the values of most response fields do not count."""
    if recorded is None or came is None:
        return recorded is came
    if "end" in recorded and "end" in came:
        folded = not RESET and recorded["end"] in ("FIN", "RST")
        return folded or recorded["end"] == came["end"]
    if "response" in recorded and "response" in came:
        same = skeleton(recorded["response"]) == skeleton(came["response"])
        return same and recorded.get("complete", came["complete"]) is came["complete"]
    if "frame" in recorded and "frame" in came:
        return settled(recorded["frame"]) == settled(came["frame"])
    return recorded == came


def words_of(cut: tuple[int, int, bool, bytes] | str | None) -> str:
    """What next_frame() gave."""
    return words(None if cut is None else {"end": cut} if isinstance(cut, str) else seen(cut))


def words(came: Step | None) -> str:
    """What came, in one line."""
    if came is None:
        return "nothing"
    if "end" in came:
        return f"TCP end ({came['end']})"
    if "response" in came:
        return ascii(came["response"].split("\r\n")[0])[1:-1]
    if "bytes" in came:
        return f"bytes {came['bytes'][:START]!r}"
    told = came["frame"]
    name = NAMES.get(told["opcode"], f"opcode {told['opcode']}")
    odd = f" FIN={told['fin']:d}" + (f" RSV={told['rsv']}" if told["rsv"] else "") + " MASK" * told["masked"]
    return f"{name}{odd} len={told['length']} {told['payload'][:40]!r}"


def words_of_sent(data: bytes, framed: bool) -> str:
    """What is sent, in one line."""
    if not framed:
        return ascii(data.split(b"\r\n")[0].decode("latin-1"))[1:-1]
    return f"{len(data)} bytes {data[:16].hex(' ')}{' ...' if len(data) > 16 else ''}"


def say(number: int, arrow: str, text: str) -> None:
    """Tell what passes."""
    print(f"#{number} {arrow} {text}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="Does a recorded exchange again.")
    parser.add_argument("url", nargs="?", default=URL, help=f"where to; else {URL}")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="for a field or query parameter left out (***)"
    )
    options = parser.parse_args(arguments)
    if urlsplit(options.url).scheme not in ("ws", "wss", "http", "https"):
        parser.error(f"{options.url!r} is no URL like ws://HOST:PORT")
    given = dict(item.split("=", 1) for item in options.set if "=" in item)
    begun = time.monotonic()
    code = NOT_REACHED
    try:
        for apart in TRIES:  # what shows only now and then has more than one chance to
            code = Replay(options.url, given, apart).run()
            if code != OTHERWISE or time.monotonic() - begun > LONG:
                break
    except NotReached as why:
        print(f"Not reached: {why}")
        code = NOT_REACHED
    return code


if __name__ == "__main__":
    sys.exit(main())
