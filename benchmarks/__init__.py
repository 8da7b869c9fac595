"""Speed and stability, measured beside the tests and never in them. Each file is a program; see its docstring."""
