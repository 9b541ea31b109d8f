"""Files of a local stack that others must not read, and locks between its processes."""

import contextlib
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shortsproject.local import processes

REPOSITORY = Path(__file__).resolve().parents[2]


def local_dir() -> Path:
    """Where the state of the local stack lives, as settings.py finds it."""
    return (REPOSITORY / (os.environ.get("LOCAL_DIR") or ".local")).resolve()


def make_local_dir() -> Path:
    """LOCAL_DIR, there and writable. Raises LocalError."""
    folder = local_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = f"LOCAL_DIR is {folder}, where nothing can be written: {error.strerror}."
        raise processes.LocalError(reason) from error
    return folder


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def read(path: Path) -> str:
    """What the file says, or nothing if there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def secret(path: Path) -> str:
    """The secret kept in this file, made at the first call."""
    value = read(path)
    if not value:
        value = secrets.token_urlsafe(32)
        write_private(path, value)
    return value


@contextlib.contextmanager
def locked(path: Path, *, waiting: str = "") -> Iterator[None]:
    """Hold the lock while the block runs. The kernel frees it if the process is killed.

    `waiting` is said if somebody else has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                print(waiting, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
