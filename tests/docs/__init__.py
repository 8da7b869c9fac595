"""The documentation's examples, run as they are printed."""
