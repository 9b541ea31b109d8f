"""How far along a short is, for the bar that a client of the API draws."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation import progress
from generation.models import Short, State
from tests import factories
from tests.factories import AT
from tests.generation import thought_of
from tests.generation.rendered import renders


@pytest.fixture(autouse=True)
def _asked_afresh() -> Iterator[None]:
    caches["process"].clear()
    yield
    caches["process"].clear()


def after(seconds: int) -> int:
    """How far a render is said to be so many seconds after its submit."""
    short = thought_of.short(State.RENDERING, submitted_at=AT)
    return progress.percent(short=short, at=AT + timedelta(seconds=seconds))


@pytest.mark.django_db
def test_it_grows_from_state_to_state_along_the_way() -> None:
    way = [
        State.QUEUED, State.ANALYZING, State.ANALYZED, State.SUBMITTING, State.RENDERING,
        State.RENDERED, State.SUCCEEDED,
    ]  # fmt: skip

    told = [progress.percent(short=thought_of.short(state), at=AT) for state in way]

    assert told == sorted(set(told))
    assert (told[0], told[-1]) == (0, 100)


def test_a_render_moves_with_the_time_that_nine_of_ten_of_the_last_ones_took(alice: User) -> None:
    renders(alice, 50, 10, 40, 20, 30, 60, 70, 80, 90, 100)

    assert [after(seconds) for seconds in (0, 45, 90)] == [30, 60, 90]


def test_a_render_that_is_late_or_that_a_slow_clock_looks_at_stays_within_its_bounds(
    alice: User,
) -> None:
    renders(alice, 40, 40, 40, 40, 40)

    assert (after(4_000), after(-20)) == (90, 30)


def test_where_too_few_renders_tell_how_long_one_takes_it_does_not_move(alice: User) -> None:
    renders(alice, 40, 40, 40, 40)

    assert [after(seconds) for seconds in (0, 20, 4_000)] == [30, 30, 30]


def test_renders_that_took_no_time_tell_nothing(alice: User) -> None:
    renders(alice, 0, 0, 0, 0, 0)

    assert after(5) == 30


def test_the_api_tells_it(alice: User, api: Callable[[User], APIClient]) -> None:
    renders(alice, 600, 600, 600, 600, 600)
    short = factories.short(alice, State.RENDERING)
    half = timezone.now() - timedelta(seconds=300)
    Short.objects.filter(pk=short.pk).update(submitted_at=half)

    body = api(alice).get(f"/api/shorts/{short.pk}").json()

    assert body["progress"] == {"stage": "rendering", "percent": 60}
