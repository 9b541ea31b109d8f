"""A whole stack of real processes for one test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

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
