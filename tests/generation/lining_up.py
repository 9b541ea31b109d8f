"""Shorts that wait before a video model, and what the model is given to do."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from generation import catalog, turns
from generation.models import ModelGate, Short, State
from tests import factories
from tests.generation import driving

MODEL = catalog.MODELS[0]
BEGAN = datetime.fromisoformat("2026-11-25T03:00:00Z")


def row(user: User, state: str = State.ANALYZED, *, minute: int = 0, **fields: Any) -> Short:
    """A short that nobody moved there and that holds nothing; in line unless told otherwise."""
    return Short(
        user=user, state=state, picture="p.jpg", picture_width=16, picture_height=9,
        created_at=BEGAN + timedelta(minutes=minute), operation_name="op", seconds=8,
        resolution="720p", aspect_ratio="16:9", **{"model": MODEL.name, **fields},
    )  # fmt: skip


def rows(
    user: User, number: int, state: str = State.ANALYZED, *, minute: int = 0, **fields: Any
) -> list[Short]:
    """Several of them, a minute apart."""
    return Short.objects.bulk_create(
        row(user, state, minute=minute + n, **fields) for n in range(number)
    )


def full(user: User, number: int = 1) -> Short:
    """A short in line that was really ordered, behind others that take all the room."""
    rows(user, number, State.RENDERING)
    budgets(renders_at_once=number)
    factories.limit(user, None, at=timezone.now(), max_in_flight=100)
    short = driving.step(driving.begin(user))
    assert turns.is_in_line(short)
    return short


def make_room() -> None:
    """All renders but those that were really ordered have come to their end."""
    Short.objects.filter(picture="p.jpg", state=State.RENDERING).delete()


def budgets(**given: int) -> None:
    """What the model may be given to do."""
    ModelGate.objects.update_or_create(route=MODEL.route, model=MODEL.name, defaults=given)


def places(*shorts: Short) -> list[int]:
    """The number of each in line."""
    found = turns.places(shorts=shorts, at=timezone.now())
    return [found[short.pk].number for short in shorts]
