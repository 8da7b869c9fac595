"""What becomes of an HTTP connection after its first answer: closed, or open for a further request."""

from __future__ import annotations

from dataclasses import dataclass

from ..check import Undetermined
from ..target import Answer, Target
from ..wire.handshake import Request
from ._answers import Expected, kinds, ready, shown
from ._requests import plain_get


@dataclass(frozen=True)
class Exchange:
    """The answer to a request, and to an ordinary GET sent after it on the same connection.

    ``second`` is None where no second request was sent, since the first was answered with 101 or not at all.
    """

    first: Answer
    second: Answer | None

    @property
    def closed(self) -> bool:
        """The target ended the connection instead of answering again."""
        answer = self.second or self.first
        return answer.response is None and answer.end is not None

    @property
    def served(self) -> bool:
        """The connection served a further request."""
        return self.second is not None and self.second.response is not None

    def __str__(self) -> str:
        if self.second is None:
            return shown(self.first)
        then = "the connection is closed" if self.closed else f"a further request gets {shown(self.second)}"
        return f"{shown(self.first)}, then {then}"


async def exchange(target: Target, request: Request) -> Exchange:
    """Send a request, and after its answer (unless that is 101) an ordinary GET on the same connection."""
    async with target.open() as peer:
        await peer.send_request(request)
        first = ready(await target.answer(peer))
        if first.response is None or first.accepted:
            return Exchange(first, None)
        if endless(first):
            raise Undetermined(f"the content of {shown(first)} goes on and on")
        await peer.send_request(plain_get(target))
        return Exchange(first, await target.answer(peer))


def endless(answer: Answer) -> bool:
    """Whether the content of a response goes on, so that neither another one nor the end of TCP can follow it."""
    return answer.response is not None and not answer.response.complete and answer.end is None


def judge_closing(target: Target, expected: Expected, exchanges: dict[str, Exchange]) -> None:
    """Judge requests whose framing is in doubt: answered as expected, and nothing more on that connection.

    A violation is 101 or a further request that is served; any other answer, and a connection that neither serves nor
    ends, is tolerated with a warning.
    """
    words = f"{expected.words}, then the end of the connection"
    broken = {what: seen for what, seen in exchanges.items() if seen.first.accepted or seen.served}
    if broken:
        target.findings.violated(words, _told(broken))
        return
    doubtful = {
        what: seen
        for what, seen in exchanges.items()
        if kinds(seen.first).isdisjoint(expected.passes) or not seen.closed
    }
    if doubtful:
        target.findings.warned(words, _told(doubtful), silence=not any(seen.closed for seen in doubtful.values()))
    else:
        target.findings.holds(_told(exchanges))


def _told(exchanges: dict[str, Exchange]) -> str:
    return "; ".join(f"{seen} for {what}" for what, seen in exchanges.items())


__all__ = ["Exchange", "endless", "exchange", "judge_closing"]
