"""Files in a bucket of an S3-compatible object storage, where many machines share them.

django-storages speaks the protocol; here is what it leaves open. A file comes into being whole, by
one request, or not at all, so that nothing is renamed and no reader sees half of one. It is read
in parts, each a request of its own, so that a slow reader holds neither memory nor a connection.
Whatever goes wrong is an OSError, as with a disk, and FileNotFoundError for a file that is not
there. Every call ends: a request is tried twice, and each wait and each transfer has its limit.
"""

import contextlib
import errno
import io
import os
import time
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

# Finishing a video has 60 s of its lease left for this, a look before, and the answer after it.
TRANSFER_SECONDS = 35.0
LIMITS = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=50,
    # The newer default is a checksum that not every compatible storage knows. What is sent is
    # signed with its hash all the same.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
# Whoever reads is often a person who waits, in one of a few threads that all others need as well.
READING = LIMITS.merge(Config(connect_timeout=2, read_timeout=2))
NOT_THERE = ("NoSuchKey", "NotFound", "404")
CHUNK_BYTES = 64 * 1024


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Tell what the storage refuses, and why it can't be reached, in the words of a disk."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_THERE:
            raise FileNotFoundError(errno.ENOENT, "No such object") from error
        raise OSError(str(error)) from error
    except BotoCoreError as error:
        raise ConnectionError(str(error)) from error


class BucketStorage(S3Storage):
    """Django's storage on a bucket. Nothing in it has a public address."""

    client_config: Any

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_config = self.client_config.merge(LIMITS)
        self._clients: tuple[int, Any, Any] = (0, None, None)

    def get_default_settings(self) -> dict[str, Any]:
        """Without credentials in the options boto3 looks for them itself, in all its usual places;
        django-storages would forget the token of those that expire."""
        ours: dict[str, Any] = dict.fromkeys(("access_key", "secret_key", "security_token"))
        fixed = {"signature_version": "s3v4", "file_overwrite": False, "querystring_auth": False}
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | ours | fixed

    @property
    def connection(self) -> Any:
        """Shared by the threads of a process, because its client may be, and a client for each
        would take 13 MB. A process that was forked makes its own: two that read from one socket
        would get each other's answers."""
        return self._of_this_process()[0]

    @property
    def bucket(self) -> Any:
        """Made anew each time: unlike a client, it may not be shared by threads."""
        return self.connection.Bucket(self.bucket_name)

    def check(self) -> None:
        """Ask whether the bucket can be had, for a few seconds at most. Raises OSError."""
        try:
            with as_os_errors():
                self._reader.head_bucket(Bucket=self.bucket_name)
        except FileNotFoundError as error:
            raise NotADirectoryError(errno.ENOTDIR, "No such bucket") from error

    def names(self, folder: str) -> Iterator[str]:
        """The names of the files in a folder, read page by page."""
        prefix = self._normalize_name(f"{folder}/")
        paginator = self.connection.meta.client.get_paginator("list_objects_v2")
        with as_os_errors():
            for page in paginator.paginate(Bucket=self.bucket_name, Prefix=prefix, Delimiter="/"):
                for entry in page.get("Contents", ()):
                    yield entry["Key"].removeprefix(prefix)

    def size(self, name: str) -> int:
        """The size of a file, in bytes. Raises OSError."""
        with as_os_errors():
            key = self._normalize_name(name)
            return int(self._reader.head_object(Bucket=self.bucket_name, Key=key)["ContentLength"])

    def part(self, *, name: str, start: int, end: int) -> bytes:
        """The bytes of a file from `start` up to `end`. Raises OSError."""
        ends_at = time.monotonic() + TRANSFER_SECONDS
        with as_os_errors():
            answer = self._reader.get_object(
                Bucket=self.bucket_name,
                Key=self._normalize_name(name),
                Range=f"bytes={start}-{end - 1}",
            )
            with contextlib.closing(answer["Body"]) as body:
                return b"".join(_until(ends_at, piece) for piece in body.iter_chunks(CHUNK_BYTES))

    def exists(self, name: str) -> bool:
        """Whether there is such a file. Raises OSError."""
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    delete = as_os_errors()(S3Storage.delete)
    get_modified_time = as_os_errors()(S3Storage.get_modified_time)

    def _open(self, name: str, mode: str = "rb") -> "_StoredFile":
        return _StoredFile(storage=self, name=name)

    def _save(self, name: str, content: Any) -> str:
        content.seek(0)
        with as_os_errors():
            self.connection.meta.client.put_object(
                Bucket=self.bucket_name,
                Key=self._normalize_name(name),
                Body=_Hurried(content, ends_at=time.monotonic() + TRANSFER_SECONDS),
                **self._get_write_parameters(name, content),
            )
        return name

    @property
    def _reader(self) -> Any:
        return self._of_this_process()[1]

    def _of_this_process(self) -> tuple[Any, Any]:
        """The resource that django-storages works with, and a client to read with."""
        made_by, connection, reader = self._clients
        if made_by != os.getpid():
            session = self._create_session()
            where = {"region_name": self.region_name, "endpoint_url": self.endpoint_url}
            connection = session.resource("s3", config=self.client_config, **where)
            reader = session.client("s3", config=self.client_config.merge(READING), **where)
            self._clients = os.getpid(), connection, reader
        return connection, reader


class _StoredFile(io.RawIOBase):
    """A stored file, open for reading; it asks for just the bytes that are wanted."""

    def __init__(self, *, storage: BucketStorage, name: str) -> None:
        self._storage, self._name, self._at = storage, name, 0
        self._size = storage.size(name)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._next(most=len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._next(most=self._size)

    def _next(self, *, most: int) -> bytes:
        end = min(self._at + most, self._size)
        if self._at >= end:
            return b""
        data = self._storage.part(name=self._name, start=self._at, end=end)
        self._at += len(data)
        return data


class _Hurried:
    """Content on its way to the storage, which stops being handed over when its time is up."""

    def __init__(self, content: Any, *, ends_at: float) -> None:
        self.seek, self.tell = content.seek, content.tell
        self._read, self._ends_at = content.read, ends_at

    def read(self, size: int = -1) -> bytes:
        return _until(self._ends_at, self._read(size))


def _until(ends_at: float, data: bytes) -> bytes:
    """The data, if it is still time for it. Raises TimeoutError."""
    if time.monotonic() > ends_at:
        raise TimeoutError(errno.ETIMEDOUT, "The transfer took too long")
    return data
