"""A TLS connection driven by hand, to see whether it ends with a closure alert (RFC 8446, section 6.1).

asyncio's own TLS hides the difference between a closure alert and a bare FIN.
"""

from __future__ import annotations

import asyncio
import ssl
from enum import Enum

from ..check import Undetermined
from ..errors import TargetGone
from ..target import Target
from ..wire.handshake import Response, ResponseReader


class TlsEnd(Enum):
    """How the target ended TLS."""

    ALERT = "a closure alert before FIN"
    BARE_FIN = "FIN without a closure alert"
    RESET = "RST"
    OPEN = "the connection stays open"


class ClearTls:
    """The client side of a TLS connection. Every wait ends with the target's patience."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert target.endpoint.tls is not None, "the check needs TLS"
        self._patience = target.patience
        self._reader = reader
        self._writer = writer
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = target.endpoint.tls.wrap_bio(self._in, self._out, server_hostname=target.endpoint.host)

    async def handshake(self) -> None:
        """The TLS handshake. Raises Undetermined where it fails."""
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError as error:
                raise Undetermined(f"the TLS handshake fails: {error.reason}") from None
            if not await self._more():
                raise Undetermined("the target ended TCP in the TLS handshake")

    def write(self, data: bytes) -> None:
        """Send octets through TLS."""
        self._tls.write(data)
        self._flush()

    async def read(self) -> bytes | TlsEnd:
        """The next octets, or how the connection ended. Raises TimeoutError when nothing came within the patience."""
        while True:
            try:
                data = self._tls.read(65536)
            except ssl.SSLWantReadError:
                try:
                    await self._more()
                except ConnectionError:
                    return TlsEnd.RESET
            except ssl.SSLError:
                return TlsEnd.BARE_FIN
            else:
                return data or TlsEnd.ALERT

    async def end(self) -> TlsEnd:
        """How the connection ends; what comes before is passed over, for one patience at most."""
        try:
            async with asyncio.timeout(self._patience):
                while not isinstance(seen := await self.read(), TlsEnd):
                    continue
                return seen
        except TimeoutError:
            return TlsEnd.OPEN

    def _flush(self) -> None:
        self._writer.write(self._out.read())

    async def _more(self) -> bool:
        async with asyncio.timeout(self._patience):
            data = await self._reader.read(65536)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
        return bool(data)


async def closure(target: Target, request: bytes, last: bytes = b"") -> tuple[int, TlsEnd]:
    """The status of the answer to ``request``, and how TLS ends after that; ``last`` is sent after a 101.

    Raises Undetermined where no answer comes, TargetGone where nothing takes the connection.
    """
    number = target.transcript.connection()
    recording = target.transcript.recording
    try:
        reader, writer = await asyncio.open_connection(*target.endpoint.address)
    except OSError as error:
        recording.opened(number, tls=True, server_name=None, refused=str(error))
        raise TargetGone(f"no connection to {target.endpoint.url}: {error.strerror or error}") from None
    recording.opened(number, tls=True, server_name=None)
    try:
        tls = ClearTls(target, reader, writer)
        await tls.handshake()
        target.transcript.head(number, "out", request)
        recording.sent(number, request)
        tls.write(request)
        response, ended = await _answer(tls)
        recording.awaited(number, "response", target.patience, response, framed=response.accepted)
        target.transcript.head(number, "in", response.head.raw)
        if ended is None:
            if response.accepted:
                recording.sent(number, last)
                tls.write(last)
            ended = await tls.end()
        recording.awaited(number, "tls-end", target.patience, ended.value)
        target.transcript.note(number, "in", ended.value)
        return response.status, ended
    except TimeoutError:
        raise Undetermined(f"no answer within {target.patience:g} s") from None
    finally:
        recording.did(number, "close")
        writer.transport.abort()


async def _answer(tls: ClearTls) -> tuple[Response, TlsEnd | None]:
    """The response, and how TLS ended where it ended with it."""
    reader = ResponseReader()
    while True:
        seen = await tls.read()
        ended = seen if isinstance(seen, TlsEnd) else None
        reader.feed(b"" if isinstance(seen, TlsEnd) else seen)
        if reader.response is not None:
            return reader.response, ended
        if ended is not None:
            raise Undetermined(f"{ended.value} instead of an answer")


__all__ = ["TlsEnd", "closure"]
