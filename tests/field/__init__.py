"""The suite against real servers: what it finds is known, looked into by hand, and told in docs/field-notes.md."""
