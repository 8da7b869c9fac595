"""What came, for people."""

from __future__ import annotations

from wsproof.conformance.link import TcpEnd
from wsproof.conformance.peer import Ended, describe_all


def test_events_for_people() -> None:
    assert describe_all([]) == "nothing"
    assert describe_all([Ended(TcpEnd.RST)] * 7) == ", ".join(["TCP end (RST)"] * 5) + ", 2 more"
