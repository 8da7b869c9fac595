"""What users can get wrong, and what can be wrong with a run file. Each is said in one line."""

from __future__ import annotations

from pathlib import Path


class ConfigError(Exception):
    """A file that the user wrote, or named, is wrong.

    ``str()`` is one line: ``FILE:LINE: what is wrong; what would be right``.
    """

    def __init__(self, path: Path | str, line: int | None, message: str) -> None:
        self.path = Path(path)
        self.line = line
        self.message = " ".join(message.split())
        where = str(path) if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {self.message}")


class RunFileError(Exception):
    """A run file that proves nothing. ``str()`` is one sentence."""

    def __init__(self, path: Path | str, message: str) -> None:
        self.path = Path(path)
        super().__init__(f"{path}: {message}")


class NotARun(RunFileError):
    """The file is no run file, or a line of it is broken."""


class NewerSchema(RunFileError):
    """The file was written by a later version of wsproof."""


class TruncatedRun(RunFileError):
    """The file has no end line: whatever wrote it was cut short."""


def why(error: OSError) -> str:
    """The operating system's reason in plain words, without its number and path."""
    return error.strerror or str(error) or type(error).__name__


def unwritable(path: Path, error: OSError) -> ConfigError:
    """What to raise where ``path`` cannot be written."""
    return ConfigError(path, None, f"cannot be written: {why(error)}; name a file in a folder that you can write to")


def ensure_writable(path: Path) -> None:
    """Raise ``ConfigError`` now if a report could not be written to ``path`` later. Leaves no new file behind."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise unwritable(path, error) from error
