"""The checks, one module per chapter."""
