"""How the messages of a room reach the members of it: one small protocol, in memory."""
