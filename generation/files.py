"""Where the files of shorts lie in the storage: names that nobody guesses, one writer each."""

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage

FOLDERS = ("pictures", "videos")


def save_picture(*, short_id: UUID, data: bytes) -> str:
    """Store a prepared picture; returns its name in the storage."""
    return default_storage.save(f"pictures/{short_id}.jpg", File(BytesIO(data)))


def save_video(*, short_id: UUID, attempt: int, video: IO[bytes]) -> str:
    """Store a video under a name of this attempt, so that a broken write never hides a good one.

    It is copied piece by piece. Raises OSError; a file that was cut short is removed.
    """
    name = f"videos/{short_id}-{attempt}.mp4"
    try:
        return default_storage.save(name, File(video))
    except OSError:
        with contextlib.suppress(OSError):
            default_storage.delete(name)
        raise


def read(name: str) -> bytes:
    """The whole content of a stored picture, in bytes."""
    with default_storage.open(name) as stored:
        return bytes(stored.read())


def open_file(name: str) -> IO[bytes]:
    """A stored file, open for reading. Raises FileNotFoundError."""
    return default_storage.open(name)


def size(name: str) -> int:
    """The size of a stored file, in bytes. Raises FileNotFoundError."""
    return int(default_storage.size(name))


def names() -> Iterator[str]:
    """The names of all stored files, one by one, in no order."""
    for folder in FOLDERS:
        for name in _names_in(folder):
            yield f"{folder}/{name}"


def stored_at(name: str) -> datetime:
    """When a file was stored. Raises FileNotFoundError."""
    return default_storage.get_modified_time(name)


def delete(name: str) -> None:
    """Remove a stored file; one that is not there is no error."""
    default_storage.delete(name)


def _names_in(folder: str) -> Iterator[str]:
    if not isinstance(default_storage, FileSystemStorage):
        yield from default_storage.listdir(folder)[1]
        return
    # Django's own listing of a folder would be one long list.
    try:
        with os.scandir(default_storage.path(folder)) as entries:
            yield from (entry.name for entry in entries if entry.is_file())
    except FileNotFoundError:
        return
