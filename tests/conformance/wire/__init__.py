"""Tests of wsproof.conformance.wire."""
