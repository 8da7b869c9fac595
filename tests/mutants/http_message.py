"""Switches: HTTP messages (RFC 9110 and RFC 9112); more of them are in opening_handshake_http.py."""
