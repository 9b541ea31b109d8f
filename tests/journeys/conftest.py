"""Servers that one test has for itself and may restart."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection

from shortsproject.local import postgres, valkey
from tests import processes


@pytest.fixture
def own_broker(stack: processes.Stack, tmp_path: Path) -> Iterator[Path]:
    """A Valkey for the children of this test alone."""
    stack.environment["REDIS_URL"] = valkey.start(tmp_path)
    yield tmp_path
    valkey.stop(tmp_path)


@pytest.fixture
def own_database(stack: processes.Stack, tmp_path: Path) -> Iterator[Path]:
    """A PostgreSQL for this test and its children alone, with the tables made."""
    before = dict(connection.settings_dict)
    address = urlsplit(postgres.start(tmp_path, durable=False))
    url = address.geturl()
    connection.close()
    connection.settings_dict.update(
        HOST=address.hostname,
        PORT=str(address.port),
        USER=address.username,
        PASSWORD=address.password,
        NAME=postgres.NAME,
    )
    call_command("migrate", verbosity=0)
    stack.environment["DATABASE_URL"] = url
    yield tmp_path
    stack.stop()
    connection.close()
    connection.settings_dict.update(before)
    postgres.discard(postgres.place_for(tmp_path))
