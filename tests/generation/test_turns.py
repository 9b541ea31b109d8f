"""Whose turn it is before a video model: first who has least under way, then who came first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import catalog, turns
from generation.models import ModelGate, Short, State
from generation.pipeline import sweep
from shortsproject.local.gemini import StandIn
from tests.generation import driving, lining_up

SECOND = timedelta(seconds=1)
WAITING, BUSY = State.ANALYZED, State.RENDERING
OTHER = catalog.MODELS[1].name


def test_who_waits_is_submitted_as_soon_as_a_render_has_ended(
    alice: User, stand_in: StandIn
) -> None:
    lining_up.budgets(renders_at_once=1)
    first, second = driving.step(driving.begin(alice)), driving.step(driving.begin(alice))
    before = sweep.ring_due(at=timezone.now())

    driving.until(first, State.SUCCEEDED)
    rung = sweep.ring_due(at=timezone.now())

    assert (first.state, second.state, before, rung) == (State.SUCCEEDED, WAITING, 0, 1)
    assert driving.step(second).state == State.RENDERING
    assert stand_in.counts()["accepted_submits"] == 2


def test_waiting_in_line_is_no_try(alice: User, stand_in: StandIn) -> None:
    short = lining_up.full(alice)

    driving.hurry(driving.hurry(short))

    assert (short.attempt, short.tries) == (1, 0)
    assert stand_in.counts()["calls"]["submit"] == 0


def test_the_tenth_of_one_waits_behind_the_first_of_another(alice: User, bob: User) -> None:
    ten = lining_up.rows(alice, 10)
    (one,) = lining_up.rows(bob, 1, minute=60)

    assert lining_up.places(one, *ten) == [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]


def test_who_has_a_render_under_way_waits_behind_who_has_none(alice: User, bob: User) -> None:
    lining_up.rows(alice, 1, BUSY)
    (older,) = lining_up.rows(alice, 1)
    (newer,) = lining_up.rows(bob, 1, minute=60)

    assert lining_up.places(newer, older) == [1, 2]


def test_each_model_has_a_line_of_its_own(alice: User) -> None:
    lining_up.rows(alice, 3, BUSY, model=OTHER)
    (here,) = lining_up.rows(alice, 1)
    (there,) = lining_up.rows(alice, 1, model=OTHER)

    assert lining_up.places(here, there) == [1, 1]


def test_who_waits_by_the_clock_is_in_nobodys_way(alice: User, bob: User) -> None:
    lining_up.budgets(renders_at_once=1)
    at = timezone.now()
    lining_up.rows(alice, 1, next_attempt_at=at + turns.MINUTE)

    (here,) = lining_up.rows(bob, 1, minute=60)

    assert turns.next_up(at=at, most=9) == [here.pk]


@pytest.fixture
def people(make_user: Callable[..., User]) -> list[User]:
    return [make_user(name) for name in ("ann", "ben", "cho", "dan")]


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    mix=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([WAITING, WAITING, BUSY]), st.integers(0, 5)),
        max_size=25,
    )
)
def test_in_any_mix_who_has_fewest_comes_first_then_who_waits_longest(
    people: list[User], mix: list[tuple[int, str, int]]
) -> None:
    Short.objects.all().delete()
    made = Short.objects.bulk_create(
        lining_up.row(people[who], state, minute=minute) for who, state, minute in mix
    )

    found = turns.places(shorts=made, at=timezone.now())

    line = sorted(found, key=lambda pk: found[pk].number)
    by_id = {short.pk: short for short in made}
    owners = [short.user_id for short in made if short.state == BUSY]
    has = [
        [*owners, *(by_id[pk].user_id for pk in line[: number + 1])].count(by_id[one].user_id)
        for number, one in enumerate(line)
    ]
    order = [(n, by_id[pk].created_at, pk) for n, pk in zip(has, line, strict=True)]
    assert [found[pk].number for pk in line] == list(range(1, len(line) + 1))
    assert len(line) == [short.state for short in made].count(WAITING)
    assert order == sorted(order)


def room(user: User) -> int:
    """How many of many that wait are called."""
    lining_up.rows(user, 20)
    return len(turns.next_up(at=timezone.now(), most=500))


def test_without_numbers_of_its_own_a_model_has_those_of_the_settings(
    alice: User, settings: Any
) -> None:
    settings.PROVIDER_RENDERS_AT_ONCE, settings.PROVIDER_SUBMITS_PER_MINUTE = 7, 9

    assert room(alice) == 7


def test_the_numbers_of_the_model_go_before_those_of_the_settings(
    alice: User, settings: Any
) -> None:
    settings.PROVIDER_RENDERS_AT_ONCE = 7
    lining_up.budgets(renders_at_once=12, submits_per_minute=11)

    assert room(alice) == 11


@pytest.mark.parametrize(
    ("state", "ago", "fields", "left"),
    [
        (State.SUBMITTING, None, {}, 4),
        (State.RENDERING, 61 * SECOND, {}, 4),
        (State.RENDERING, 61 * SECOND, {"overdue_at": lining_up.BEGAN}, 5),
        (State.SUBMIT_UNKNOWN, 14 * turns.MINUTE, {}, 4),
        (State.SUBMIT_UNKNOWN, 16 * turns.MINUTE, {}, 5),
        (State.RENDERED, 61 * SECOND, {}, 5),
    ],
)
def test_what_takes_a_place_among_the_renders(
    alice: User, state: str, ago: timedelta | None, fields: dict[str, Any], left: int
) -> None:
    lining_up.budgets(renders_at_once=5)
    lining_up.rows(alice, 1, state, submitted_at=ago and timezone.now() - ago, **fields)

    assert room(alice) == left


@pytest.mark.parametrize(
    ("state", "ago", "left"),
    [
        (State.SUBMITTING, None, 4),
        (State.RENDERED, 59 * SECOND, 4),
        (State.SUBMIT_UNKNOWN, 59 * SECOND, 4),
        (State.RENDERED, 61 * SECOND, 5),
    ],
)
def test_what_counts_as_a_submit_of_the_minute(
    alice: User, state: str, ago: timedelta | None, left: int
) -> None:
    lining_up.budgets(submits_per_minute=5)
    lining_up.rows(alice, 1, state, submitted_at=ago and timezone.now() - ago)

    assert room(alice) == left


def test_a_refused_submit_counts_too_and_one_that_was_not_taken_does_not(
    alice: User, bob: User, stand_in: StandIn
) -> None:
    lining_up.budgets(submits_per_minute=5)
    stand_in.next("submit", status=400)
    stand_in.next("submit", status=503)
    refused, not_taken = driving.step(driving.begin(alice)), driving.step(driving.begin(bob))
    ModelGate.objects.update(not_before=None)

    assert (refused.state, not_taken.state) == (State.FAILED, WAITING)
    assert room(alice) == 4


@pytest.mark.parametrize("number", [10, 1000])
@pytest.mark.parametrize(("renders", "statements"), [(1, 5), (6, 6)])
def test_the_look_at_the_line_costs_the_same_whatever_waits(
    alice: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
    renders: int,
    statements: int,
) -> None:
    lining_up.budgets(renders_at_once=renders)
    lining_up.rows(alice, 1, BUSY)
    lining_up.rows(alice, number)

    with django_assert_num_queries(statements):
        rung = sweep.ring_due(at=timezone.now())

    assert rung == renders - 1


def test_who_was_called_is_not_called_again_at_once(alice: User) -> None:
    lining_up.budgets(renders_at_once=3)
    lining_up.rows(alice, 20)
    at = timezone.now()

    rung = [sweep.ring_due(at=at + n * SECOND) for n in (0, 1, 2, 61)]

    assert rung == [3, 0, 0, 3]


def test_only_shorts_in_line_are_asked_for_their_places(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    moving = lining_up.rows(alice, 2, BUSY)
    due = lining_up.rows(alice, 2, next_attempt_at=timezone.now())

    with django_assert_num_queries(0):
        found = turns.places(shorts=[*moving, *due], at=timezone.now())

    assert found == {}


def test_staff_see_what_each_model_has_to_do(alice: User) -> None:
    lining_up.budgets(renders_at_once=12)
    lining_up.rows(alice, 3, BUSY, submitted_at=timezone.now())
    lining_up.rows(alice, 2)

    loads = turns.loads(at=timezone.now())

    assert loads[lining_up.MODEL.route, lining_up.MODEL.name] == turns.Load(
        busy=3, renders_at_once=12, submits=3, submits_per_minute=300, in_line=2
    )
    assert loads["enterprise", OTHER].in_line == 0
