"""Proof that each check can fail: the suite against every mutant."""
