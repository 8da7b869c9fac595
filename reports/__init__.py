"""Verdicts, the run file, and its forms for people and machines."""
