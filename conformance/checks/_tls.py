"""The opening handshake on a TLS port (RFC 6455, section 4.2.2, step 1)."""

from __future__ import annotations

from ..errors import TargetGone
from ..target import Answer, Target
from ..wire.handshake import opening_request

FOREIGN_NAME = "not-hosted.invalid"


async def ask_in_clear(target: Target) -> Answer:
    """The answer to a handshake without TLS on the TLS port. It carries no credentials: everybody could read them."""
    path = target.endpoint.target.partition("?")[0]
    return await target.ask(
        opening_request(target.endpoint.host_field, path, key=target.source.handshake_key()), tls=False
    )


async def offer_foreign_name(target: Target) -> str | None:
    """Open TLS for a server name that is not hosted, whatever the certificate; why it failed, or None if it did not."""
    try:
        async with target.open(server_name=FOREIGN_NAME):
            return None
    except TargetGone as refusal:
        return str(refusal)
