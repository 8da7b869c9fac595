"""The TCP (or TLS) end of a connection: bytes in and out, bounded, and how it ended."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from enum import Enum
from typing import cast

from .endpoint import Endpoint
from .errors import TargetGone


class TcpEnd(Enum):
    """How the target's direction of the connection ended."""

    FIN = "FIN"
    RST = "RST"


class Link(asyncio.Protocol):
    """Calls ``on_data`` for what comes and ``on_change`` when something that can be waited for has changed.

    It stops reading while ``paused`` says so; see :meth:`Peer` for who decides. Writing is bounded by the caller's
    own deadline through :meth:`drained`.
    """

    def __init__(self, on_data: Callable[[bytes], None], on_change: Callable[[], None]) -> None:
        self._on_data = on_data
        self._on_change = on_change
        self._transport: asyncio.Transport | None = None
        self._secure = False
        self._lost = False
        self._half_closed = False
        self._writable = True
        self._reading = True
        self.end: TcpEnd | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._secure = transport.get_extra_info("sslcontext") is not None
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    def eof_received(self) -> bool:
        self._ended(TcpEnd.FIN)
        return not self._secure  # keep our own direction open: TCP may be half closed, TLS may not

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._writable = True
        self._ended(TcpEnd.RST if isinstance(exc, ConnectionError) else TcpEnd.FIN)

    def _ended(self, how: TcpEnd) -> None:
        if self.end is None:
            self.end = how
        self._on_change()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._on_change()

    @property
    def writable(self) -> bool:
        """Whether what was written is not piling up."""
        return self._writable

    @property
    def open(self) -> bool:
        """Whether bytes can still be written."""
        transport = self._transport
        return transport is not None and not self._lost and not self._half_closed and not transport.is_closing()

    def write(self, data: bytes) -> None:
        """Queue bytes; does nothing once the connection is lost or our direction has ended."""
        if self._transport is not None and self.open:
            self._transport.write(data)

    def set_reading(self, on: bool) -> None:
        """Stop or go on reading from the socket."""
        if self._transport is None or on == self._reading or self._transport.is_closing():
            return
        self._reading = on
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    @property
    def can_half_close(self) -> bool:
        """TCP can be half closed, TLS cannot."""
        return self._transport is not None and self._transport.can_write_eof()

    def half_close(self) -> None:
        """FIN for our direction only."""
        if self._transport is not None and self.open and self._transport.can_write_eof():
            self._half_closed = True
            self._transport.write_eof()

    def reset(self) -> None:
        """End with RST."""
        if self._transport is None:
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def abort(self) -> None:
        """Let go of the connection at once."""
        if self._transport is not None:
            self._transport.abort()


async def open_link(
    endpoint: Endpoint, link: Link, timeout: float, *, tls: bool | None = None, server_name: str | None = None
) -> None:
    """Connect ``link`` within ``timeout`` seconds. Raises TargetGone where nothing takes the connection.

    ``tls=False`` speaks plain TCP to a TLS port. ``server_name`` asks TLS for another name than the endpoint's; no
    certificate can fit it then, so none is verified, and nothing secret should follow.
    """
    loop = asyncio.get_running_loop()
    host, port = endpoint.address
    context = endpoint.tls if tls is not False else None
    if context is not None and server_name is not None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(timeout):
            await loop.create_connection(
                lambda: link,
                host,
                port,
                ssl=context,
                server_hostname=(server_name or endpoint.host) if context is not None else None,
            )
    except TimeoutError:
        raise TargetGone(f"no connection to {host}:{port} within {timeout:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise TargetGone(
            f"the certificate of {host}:{port} does not verify: {error.verify_message}; "
            "--ca FILE trusts its issuer, --insecure does not look"
        ) from None
    except OSError as error:
        raise TargetGone(f"no connection to {host}:{port}: {error.strerror or error}") from None
    except UnicodeError:  # an empty label, or one of more than 63 characters
        raise TargetGone(f"no connection to {host}:{port}: no host can have this name") from None


__all__ = ["Link", "TcpEnd", "open_link"]
