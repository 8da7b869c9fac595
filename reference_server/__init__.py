"""The reference server: every behaviour of the FastAPI WebSockets tutorial, plus what the checks need to see."""
