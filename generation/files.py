"""Where the files of shorts lie in the storage: names that nobody guesses, one writer each."""

from io import BytesIO
from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage


def save_picture(*, short_id: UUID, data: bytes) -> str:
    """Store a prepared picture; returns its name in the storage."""
    return default_storage.save(f"pictures/{short_id}.jpg", File(BytesIO(data)))


def save_video(*, short_id: UUID, attempt: int, data: bytes) -> str:
    """Store a video under a name of this attempt, so that a broken write never hides a good one."""
    return default_storage.save(f"videos/{short_id}-{attempt}.mp4", File(BytesIO(data)))


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


def delete(name: str) -> None:
    """Remove a stored file; one that is not there is no error."""
    default_storage.delete(name)
