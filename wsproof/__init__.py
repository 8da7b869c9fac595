"""wsproof proves a WebSocket server: protocol conformance, documented behaviour, capacity."""

__version__ = "0.1.0"
