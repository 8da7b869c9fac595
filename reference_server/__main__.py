"""`python -m wsproof.reference_server`: the same as `wsproof serve`."""

import typer

from .command import serve

if __name__ == "__main__":
    typer.run(serve)
