"""The FastAPI reference application: every behaviour of the WebSockets tutorial, an echo, and probes."""
