"""A bench for the cells of one life."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from shortsproject.local.gemini import StandIn
from tests import database
from tests.crash import matrix


@pytest.fixture(scope="session")
def quick_stand_in() -> Iterator[StandIn]:
    """A Gemini stand-in whose renders are done as soon as their clip is encoded."""
    with StandIn(render_seconds=0) as server:
        yield server


@pytest.fixture
def bench(
    transactional_db: None,
    quick_stand_in: StandIn,
    make_user: Callable[..., User],
    settings: Any,
    tmp_path: Path,
    route: str,
    ending: str,
) -> Iterator[matrix.Bench]:
    """Workers of their own for one life, on the test's database and files."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.GEMINI_BASE_URL = quick_stand_in.url
    yield matrix.Bench(
        stand_in=quick_stand_in, make_user=make_user, folder=tmp_path, route=route, ending=ending
    )
    database.disconnect_others()
