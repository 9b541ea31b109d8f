"""An object storage for the tests that ask for one: moto, a process of its own that speaks S3."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from shortsproject import storage_url
from shortsproject.local import processes
from tests.processes import wait_for

NAME, KEY, SECRET = "shorts-files", "test-key", "tests/secret+of-the-bucket"
# So few that a listing of some files has several pages.
PAGE_KEYS = 3


class Bucket:
    """An empty bucket, and the server that has it."""

    def __init__(self, *, address: str, server: subprocess.Popen[bytes]) -> None:
        self._server = server
        self._client = boto3.client(
            "s3", endpoint_url=f"http://{address}", region_name="us-east-1",
            aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        )  # fmt: skip
        self._client.create_bucket(Bucket=NAME)
        self.address = address
        self.url = url(address)

    def stored(self) -> list[str]:
        """The keys of all its objects."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=NAME)
        return sorted(one["Key"] for page in pages for one in page.get("Contents", ()))

    def readers(self, key: str) -> list[str]:
        """Who may read an object."""
        grants = self._client.get_object_acl(Bucket=NAME, Key=key)["Grants"]
        return [grant["Grantee"]["Type"] for grant in grants]

    def put(self, key: str) -> None:
        """Store something that is none of ours."""
        self._client.put_object(Bucket=NAME, Key=key, Body=b"x")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The server takes calls and never answers; afterwards it does again."""
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)


def url(address: str) -> str:
    """The STORAGE_URL of the tests' bucket at an address."""
    return f"s3://{KEY}:{SECRET.replace('/', '%2F')}@{address}/{NAME}/tests?region=us-east-1"


def nowhere() -> str:
    """A STORAGE_URL at which nobody listens."""
    return url(f"127.0.0.1:{processes.free_port()}")


def storages(settings: Any, url: str) -> dict[str, Any]:
    """Django's STORAGES with the files there."""
    return {**settings.STORAGES, "default": storage_url.backend(url)}


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """One server for the whole run, started by the first test that needs it."""
    address = f"127.0.0.1:{processes.free_port()}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", address.rpartition(":")[2]],
        env={**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE_KEYS)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: _reset(address), what="the object storage")
    yield address, server
    server.kill()
    server.wait()


@pytest.fixture
def bucket(bucket_server: tuple[str, subprocess.Popen[bytes]], settings: Any) -> Bucket:
    """An empty bucket as the configured storage."""
    address, server = bucket_server
    _reset(address)
    made = Bucket(address=address, server=server)
    settings.STORAGES = storages(settings, made.url)
    return made


def _reset(address: str) -> bool:
    request = urllib.request.Request(f"http://{address}/moto-api/reset", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
