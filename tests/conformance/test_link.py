"""TCP and TLS: how a connection begins and ends."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from tests.conformance.golden import (
    HELLO,
)
from tests.conformance.talk import LONG, REQUIREMENT, SHORT
from tests.peers.scripted import scripted
from wsproof.conformance.check import Findings, Undetermined
from wsproof.conformance.endpoint import parse_endpoint
from wsproof.conformance.errors import TargetGone
from wsproof.conformance.link import Link, TcpEnd, open_link
from wsproof.conformance.peer import Message
from wsproof.conformance.serve import free_port
from wsproof.conformance.target import Setting, Target
from wsproof.conformance.transcript import Transcript
from wsproof.conformance.wire.frames import Opcode


class TestTransport:
    async def test_nothing_listens(self) -> None:
        port = free_port()
        with pytest.raises(TargetGone, match=rf"no connection to 127\.0\.0\.1:{port}"):
            await open_link(parse_endpoint(f"ws://127.0.0.1:{port}/"), Link(lambda data: None, lambda: None), LONG)

    async def test_a_name_that_no_resolver_takes(self) -> None:
        with pytest.raises(TargetGone, match=r"no connection to a\.\.b:80"):
            await open_link(parse_endpoint("ws://a..b/"), Link(lambda data: None, lambda: None), LONG)

    async def test_a_tls_handshake_that_is_never_answered(self) -> None:
        async with scripted() as listener:
            endpoint = parse_endpoint(f"wss://127.0.0.1:{listener.port}/", insecure=True)
            with pytest.raises(TargetGone, match=r"within 0\.2 s"):
                await open_link(endpoint, Link(lambda data: None, lambda: None), SHORT)

    def test_before_it_is_connected_a_link_does_nothing(self) -> None:
        link = Link(lambda data: None, lambda: None)
        assert not link.open
        assert not link.can_half_close
        link.write(b"x")
        link.set_reading(False)
        link.half_close()
        link.reset()
        link.abort()
        assert link.end is None

    async def test_tls(self) -> None:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        names: list[str | None] = []
        context.sni_callback = lambda sock, name, own: names.append(name)
        async with scripted(context) as listener:
            endpoint = parse_endpoint(listener.url, insecure=True)
            transcript = Transcript(endpoint.redactor())
            target = Target(Setting(endpoint, patience=LONG), Findings((REQUIREMENT,)), transcript)
            accepting = asyncio.create_task(listener.accepted())
            async with target.connect() as peer:
                server = await accepting
                await server.send(HELLO)
                assert await peer.next_message() == Message(Opcode.TEXT, b"Hello")
                with pytest.raises(Undetermined, match="TLS connections cannot be half closed"):
                    peer.half_close()
                server.writer.close()
                assert await peer.expect_end() is TcpEnd.FIN
            assert transcript.entries[0].text == "connected, TLS agreed"
            async with target.open(server_name="other.example"):
                assert names[-1] == "other.example"
            async with target.open(tls=False) as peer:
                await peer.write_http(b"GET / HTTP/1.1\r\n\r\n")
                assert transcript.entries[-2].text == "connected"
