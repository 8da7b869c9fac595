"""Channels: how a message reaches the members of a room."""
