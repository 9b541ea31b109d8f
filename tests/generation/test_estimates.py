"""How long a render usually takes, from this system's own last ones."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection

from accounts.models import User
from generation import estimates
from generation.estimates import Estimate
from generation.models import Short
from tests import factories
from tests.generation.rendered import SHAPE, renders


@pytest.fixture(autouse=True)
def _asked_afresh() -> Iterator[None]:
    caches["process"].clear()
    yield
    caches["process"].clear()


def of(usual: int, longest: int) -> Estimate:
    return Estimate(usual=timedelta(seconds=usual), longest=timedelta(seconds=longest))


def test_half_of_the_last_renders_and_nine_of_ten_make_the_estimate(alice: User) -> None:
    renders(alice, 50, 10, 40, 20, 30, 60, 70, 80, 90, 100)

    assert estimates.of_render(**SHAPE) == of(50, 90)


def test_fewer_than_five_renders_tell_nothing(alice: User) -> None:
    renders(alice, 10, 20, 30, 40)

    assert estimates.of_render(**SHAPE) is None


def test_videos_of_the_same_shape_count_before_all_of_the_model(alice: User) -> None:
    renders(alice, 90, 90, 90, 90, 90, 90, resolution="4k", minutes_ago=5)
    renders(alice, 40, 40, 40, 40, 40)

    assert estimates.of_render(**SHAPE) == of(40, 40)
    assert estimates.of_render(**{**SHAPE, "resolution": "4k"}) == of(90, 90)


def test_with_too_few_of_the_shape_all_of_the_model_count(alice: User) -> None:
    renders(alice, 90, 90, 90, 90, resolution="4k", minutes_ago=5)
    renders(alice, 40, 40, 40, 40)

    assert estimates.of_render(**SHAPE) == of(40, 90)


def test_another_model_says_nothing_about_this_one(alice: User) -> None:
    renders(alice, 40, 40, 40, 40, 40, model="veo-3.1-generate-001")

    assert estimates.of_render(**SHAPE) is None


def test_only_the_newest_fifty_count(alice: User) -> None:
    renders(alice, *[500] * 60, minutes_ago=90)
    renders(alice, *[20] * 50)

    assert estimates.of_render(**SHAPE) == of(20, 20)


def test_renders_that_failed_or_still_run_do_not_count(alice: User) -> None:
    renders(alice, 40, 40, 40, 40, 40)
    Short.objects.update(rendered_at=None)

    assert estimates.of_render(**SHAPE) is None


def test_within_a_minute_the_same_question_asks_nobody(
    alice: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        first = estimates.of_render(**SHAPE)
    renders(alice, 40, 40, 40, 40, 40)

    with django_assert_num_queries(0):
        assert (first, estimates.of_render(**SHAPE)) == (None, None)


def test_the_question_reads_few_rows_by_an_index_however_many_there_are(alice: User) -> None:
    renders(alice, *range(1, 3001), minutes_ago=600)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generation_short")

    plan = estimates.asked_of(model=factories.VIDEO.model).explain(analyze=True)

    assert "short_renders_of_model" in plan
    assert "Sort" not in plan
    assert f"rows={estimates.LOOKED_AT}" in plan
