"""`python -m wsproof` is the command `wsproof`."""

from .cli import main

if __name__ == "__main__":
    main()
