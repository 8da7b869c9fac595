"""Protocol conformance: the wire, the peer, the checks and the runner that judges a WebSocket server by them."""
