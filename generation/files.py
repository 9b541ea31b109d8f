"""Where the files of shorts lie in the storage: names that nobody guesses, one writer each.

The storage is a folder of this machine, or a bucket (`bucket.py`). What keeps a file from us, but
for a file that is not there, is told as one thing: `Unavailable`.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import IO, Any, cast
from uuid import UUID

import structlog
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage

log = structlog.get_logger(__name__)

FOLDERS = ("pictures", "videos")


class Unavailable(OSError):
    """The storage can't be reached, refuses, or is full; the words are those of the first error."""

    code = "storage_unavailable"


@contextlib.contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


@_asked()
def save_picture(*, short_id: UUID, data: bytes) -> str:
    """Store a prepared picture; returns its name in the storage. Raises Unavailable."""
    return default_storage.save(f"pictures/{short_id}.jpg", File(BytesIO(data)))


@_asked()
def save_video(*, short_id: UUID, attempt: int, video: IO[bytes]) -> str:
    """Store a video under a name of this attempt, so that a broken write never hides a good one.

    It is copied piece by piece. Raises Unavailable; a file that was cut short is removed.
    """
    name = f"videos/{short_id}-{attempt}.mp4"
    try:
        return default_storage.save(name, File(video))
    except OSError:
        with contextlib.suppress(OSError):
            default_storage.delete(name)
        raise


def read(name: str) -> bytes:
    """The whole content of a stored picture. Raises FileNotFoundError and Unavailable."""
    with open_file(name) as stored, _asked():
        return bytes(stored.read())


@_asked()
def open_file(name: str) -> IO[bytes]:
    """A stored file, open for reading. Raises FileNotFoundError and Unavailable."""
    if not name:
        raise FileNotFoundError("No name, no file")
    return default_storage.open(name)


@_asked()
def size(stored: IO[bytes]) -> int:
    """The size of an open file, in bytes. Raises Unavailable."""
    return stored.seek(0, os.SEEK_END)


@_asked()
def piece(stored: IO[bytes], *, start: int, most: int) -> bytes:
    """Up to so many bytes of an open file, from a position on. Raises Unavailable."""
    stored.seek(start)
    return stored.read(most)


def names() -> Iterator[str]:
    """The names of all stored files, one by one, in no order. Raises Unavailable."""
    for folder in FOLDERS:
        with _asked():
            for name in _names_in(folder):
                yield f"{folder}/{name}"


@_asked()
def stored_at(name: str) -> datetime:
    """When a file was stored. Raises FileNotFoundError and Unavailable."""
    return default_storage.get_modified_time(name)


@_asked()
def delete(name: str) -> None:
    """Remove a stored file; one that is not there is no error. Raises Unavailable."""
    default_storage.delete(name)


def discard(name: str) -> None:
    """Remove a file that no row names any more. One that can't be removed now is found by the
    search for orphans, so nobody who waits for an answer is told."""
    try:
        delete(name)
    except Unavailable as error:
        log.warning("a file is left for the search for orphans", name=name, error=str(error))


@_asked()
def check() -> None:
    """Ask the storage whether it is there, for a few seconds at most. Raises Unavailable."""
    if not isinstance(default_storage, FileSystemStorage):
        cast(Any, default_storage).check()
        return
    # The first file makes the folder.
    with contextlib.suppress(FileNotFoundError):
        os.scandir(default_storage.location).close()


def _names_in(folder: str) -> Iterator[str]:
    # Django's own listing of a folder would be one long list.
    if not isinstance(default_storage, FileSystemStorage):
        yield from cast(Any, default_storage).names(folder)
        return
    try:
        with os.scandir(default_storage.path(folder)) as entries:
            yield from (entry.name for entry in entries if entry.is_file())
    except FileNotFoundError:
        return
