"""The octet stream under a connection: TCP, or TLS on top of it, ended cleanly.

TLS is driven by hand through ssl.MemoryBIO, because asyncio's own TLS transport holds the FIN back until the client has
answered the closure alert, and a server has to end TCP first (RFC 6455, 7.1.1).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from typing import Final, Protocol

LINGER: Final = 5.0
"""Seconds that a stream goes on reading and discarding after its own FIN, so that no RST can destroy what it sent."""
WRITE_BUFFER: Final = 32 * 1024 * 1024
"""Octets of unsent answers above which nothing more is read from the client."""


class Receiver(Protocol):
    """What sits on a stream."""

    def receive(self, data: bytes) -> None:
        """Octets from the client have arrived."""

    def peer_ended(self) -> None:
        """The client has sent its FIN (or closure alert), or TCP is gone."""

    def on_no_tls(self, data: bytes) -> None:
        """These octets should have been TLS and are not."""


class Tls:
    """The server side of TLS without I/O."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.established = False
        self.peer_ended = False

    def receive(self, data: bytes) -> bytes:
        """The plain octets in these records; ssl.SSLError if they are no TLS. Output may wait in `outgoing`."""
        self.incoming.write(data)
        plain = bytearray()
        try:
            if not self.established:
                self.session.do_handshake()
                self.established = True
            while chunk := self.session.read(65536):
                plain += chunk
            self.peer_ended = True
        except ssl.SSLWantReadError:
            pass
        return bytes(plain)

    def end(self) -> None:
        """Put the closure alert into `outgoing` (RFC 9112, 9.8)."""
        try:
            self.session.unwrap()
        except ssl.SSLError:  # it wants the peer's alert, which nobody waits for, or TLS was never established
            pass


class Stream(asyncio.Protocol):
    """One TCP connection from a client, plain or under TLS, with a Receiver on it."""

    transport: asyncio.Transport
    receiver: Receiver

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.tls = Tls(context) if context else None
        self.ended = False
        self.linger: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio once TCP is there."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with octets from TCP. After the end of the stream they are discarded."""
        if self.ended:
            return
        if self.tls is None:
            self.receiver.receive(data)
            return
        try:
            plain = self.tls.receive(data)
        except ssl.SSLError:
            self.receiver.on_no_tls(data)
            return
        self.transport.write(self.tls.outgoing.read())
        if plain:
            self.receiver.receive(plain)
        if self.tls.peer_ended and not self.ended:
            self.receiver.peer_ended()

    def write(self, data: bytes) -> None:
        """Send octets; after the end of the stream they go nowhere."""
        if self.ended or self.transport.is_closing():
            return
        if self.tls is not None:
            self.tls.session.write(data)
            data = self.tls.outgoing.read()
        self.transport.write(data)

    def write_in_clear(self, data: bytes) -> None:
        """Send octets around TLS. Only mutants do so."""
        self.transport.write(data)

    def end(self, *, closure_alert: bool = True) -> None:
        """Close our side: closure alert, FIN; then discard what comes until the client ends, LINGER seconds at most."""
        if self.ended:
            return
        self.ended = True
        if self.transport.is_closing():
            return
        if self.tls is not None:
            if closure_alert:
                self.tls.end()
            self.transport.write(self.tls.outgoing.read())
        self.transport.resume_reading()
        try:
            self.transport.write_eof()
        except OSError:  # the client has reset TCP, and asyncio has not noticed yet
            self.transport.abort()
            return
        self.linger = asyncio.get_running_loop().call_later(LINGER, self.transport.abort)

    def reset(self) -> None:
        """End TCP by an RST. Only mutants do so."""
        self.ended = True
        if self.transport.is_closing():
            return
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def eof_received(self) -> bool:
        """Called by asyncio on the client's FIN. What is still unsent goes out, then asyncio closes the socket."""
        if not self.ended:
            self.receiver.peer_ended()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio when TCP is gone."""
        self.ended = True
        if self.linger is not None:
            self.linger.cancel()
        self.receiver.peer_ended()

    def pause_writing(self) -> None:
        """Called by asyncio when the client does not read: then nothing more is read from it."""
        if not self.ended:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Called by asyncio when the client reads again."""
        if not self.ended and not self.transport.is_closing():
            self.transport.resume_reading()

    @property
    def is_congested(self) -> bool:
        """Whether more is unsent than a client that reads would leave."""
        return self.transport.get_write_buffer_size() > 1024 * 1024
