"""A whole stack of real processes for one test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.core.management import call_command
from django.db import connection

from shortsproject.local import postgres, valkey
from shortsproject.local.gemini import StandIn
from tests import database, processes


@pytest.fixture
def stack(
    transactional_db: None, stand_in: StandIn, settings: Any, tmp_path: Path
) -> Iterator[processes.Stack]:
    """Starts nothing by itself; ends whatever the test started, before the database is emptied."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushdb()
    settings.MEDIA_ROOT = tmp_path / "media"
    started = processes.Stack(local_dir=tmp_path, gemini_url=stand_in.url)
    yield started
    started.stop()
    database.disconnect_others()


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
