"""Tests of wsproof.conformance."""
