"""Tests of the reference server, most of them over TCP with a real uvicorn."""
