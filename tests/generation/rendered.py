"""Renders of before, from which is told how long one takes."""

from datetime import timedelta
from typing import Any

from accounts.models import User
from generation.models import Short, State
from tests import factories
from tests.factories import AT

SHAPE = {"model": factories.VIDEO.model, "seconds": 8, "resolution": "720p"}


def renders(user: User, *took: int, minutes_ago: int = 60, **fields: Any) -> None:
    """Renders that took so many seconds; the last of them ended so long ago."""
    ended = AT - timedelta(minutes=minutes_ago)
    rows = [
        Short(
            user=user, state=State.SUCCEEDED, picture="p.jpg", picture_width=16, picture_height=9,
            aspect_ratio="16:9", created_at=AT, finished_at=AT,
            operation_name="op", video="v.mp4", rendered_at=ended - timedelta(seconds=number),
            submitted_at=ended - timedelta(seconds=number + seconds),
            **{**SHAPE, **fields},
        )
        for number, seconds in enumerate(reversed(took))
    ]  # fmt: skip
    Short.objects.bulk_create(rows)
