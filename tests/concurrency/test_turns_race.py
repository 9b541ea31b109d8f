"""Eight workers hand shorts to one model at once: it is never given more than it may be given."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as project_settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from generation import states, turns
from generation.models import FINAL, Short, State
from generation.pipeline import advance, claims, start
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.concurrency import together
from tests.generation import calling_off, lining_up
from tests.processes import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 8
LONGEST_RUN_SECONDS = 30


@pytest.fixture
def accepted(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """When the stand-in took each submit, in seconds."""
    times: list[float] = []
    count = stand_in.script.count_accepted

    def note() -> None:
        times.append(time.monotonic())
        count()

    monkeypatch.setattr(stand_in.script, "count_accepted", note)
    yield times
    stand_in._renders.render_seconds = 0.1


@pytest.fixture
def in_line(
    make_user: Callable[..., User], stand_in: StandIn, accepted: list[float]
) -> Callable[[int], list[Short]]:
    """Makes shorts of three people whose prompts are written."""

    def make(number: int) -> list[Short]:
        users = [make_user(name) for name in ("ann", "ben", "cho")]
        for user in users:
            factories.limit(user, None, at=timezone.now(), max_in_flight=100)
        made = [calling_off.analysed(users[n % 3]) for n in range(number)]
        Short.objects.update(next_attempt_at=timezone.now())
        return made

    return make


def given() -> dict[str, Any]:
    """What a worker has to be told of this process's settings."""
    names = ("GEMINI_BASE_URL", "MEDIA_ROOT")
    return {name: getattr(project_settings, name) for name in names}


def work(given: dict[str, Any], minute_seconds: float, seconds: float, until: list[str]) -> int:
    """Be a worker and a beat for so long, or until all shorts are in these states."""
    for name, value in given.items():
        setattr(project_settings, name, value)
    turns.MINUTE = timedelta(seconds=minute_seconds)
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at and Short.objects.exclude(state__in=until).exists():
        at = timezone.now()
        up_next = turns.next_up(at=at, most=500)
        states.ring(at=at, most=500, again_after=timedelta(seconds=1), up_next=up_next)
        ids = list(Short.objects.exclude(state__in=FINAL).values_list("pk", flat=True))
        random.shuffle(ids)
        for short_id in ids:
            advance.run(short_id=short_id, now=timezone.now)
    return Short.objects.exclude(state__in=until).count()


def held(user: User) -> Short:
    """A short that holds the tokens of its video, made quickly; its prompt is not written yet."""
    (short,) = lining_up.rows(user, 1, State.QUEUED)
    quote = start.quote(order=start.Order(), at=timezone.now(), analysed=True)
    factories.hold(user, quote=quote, job_id=short.pk, at=timezone.now())
    return short


def arrive(short_id: UUID, minute: int) -> bool:
    """The prompt of a short that was ordered so many minutes earlier is written, and it takes its
    turn at once if it may."""
    ordered = lining_up.BEGAN - timedelta(minutes=minute)
    Short.objects.filter(pk=short_id).update(
        state=State.ANALYZED, next_attempt_at=timezone.now(), created_at=ordered
    )
    leg = (factories.VIDEO.api_type, lining_up.MODEL.route, lining_up.MODEL.name)
    try:
        claims.paid(
            short_id=short_id, sources=(State.ANALYZED,), working=State.SUBMITTING,
            lease=timedelta(minutes=1), at=timezone.now(), leg=leg,
        )  # fmt: skip
    except states.NotClaimable:
        return False
    return True


def arrive_elsewhere(short_id: UUID, minute: int) -> bool:
    """The same on a connection of its own."""
    try:
        return arrive(short_id, minute)
    finally:
        connection.close()


def waits_for_a_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.rowcount)


def most_within(times: list[float], seconds: float) -> int:
    """The most of these instants that lie in any stretch of this length."""
    return max(sum(start <= other < start + seconds for other in times) for start in times)


def test_the_same_room_is_never_given_twice(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.limit(alice, None, at=timezone.now(), max_in_flight=100)
    lining_up.budgets(renders_at_once=1)
    first, second, take = held(alice), held(alice), turns.take
    others: list[Future[bool]] = []

    def take_and_pause(**given: Any) -> None:
        """Another worker comes for the same room between the turn of this one and its claim."""
        take(**given)
        monkeypatch.setattr(turns, "take", take)
        others.append(pool.submit(arrive_elsewhere, second.pk, 2))
        wait_for(lambda: others[0].done() or waits_for_a_turn(), what="the other worker")

    monkeypatch.setattr(turns, "take", take_and_pause)

    with ThreadPoolExecutor(1) as pool:
        claimed = [arrive(first.pk, 1), *(other.result(30) for other in others)]

    assert claimed == [True, False]
    assert Short.objects.filter(state=State.SUBMITTING).count() == 1


def test_no_more_renders_are_begun_than_the_model_takes_at_once(
    in_line: Callable[[int], list[Short]], stand_in: StandIn, accepted: list[float]
) -> None:
    shorts = in_line(24)
    stand_in._renders.render_seconds = 3600
    lining_up.budgets(renders_at_once=3)

    together.run(work, [(given(), 60, 3, FINAL)] * WORKERS)

    waiting = Short.objects.filter(state=State.ANALYZED, next_attempt_at=None)
    assert stand_in.counts()["accepted_submits"] == len(accepted) == 3
    assert waiting.count() == len(shorts) - 3
    assert Short.objects.filter(state=State.RENDERING).values("user").distinct().count() == 3


def test_a_place_that_a_render_leaves_is_given_once_and_all_come_to_their_end(
    in_line: Callable[[int], list[Short]], stand_in: StandIn, accepted: list[float]
) -> None:
    shorts = in_line(9)
    # Of eight seconds; these have four.
    stand_in._renders.render_seconds = 1.0
    lining_up.budgets(renders_at_once=3)

    left = together.run(work, [(given(), 60, LONGEST_RUN_SECONDS, FINAL)] * WORKERS)

    assert left == [0] * WORKERS
    assert set(Short.objects.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert stand_in.counts()["accepted_submits"] == len(accepted) == len(shorts)
    assert most_within(accepted, 0.5) <= 3


def test_no_more_submits_are_sent_in_any_minute_than_the_model_takes(
    in_line: Callable[[int], list[Short]], stand_in: StandIn, accepted: list[float]
) -> None:
    shorts = in_line(12)
    minute_seconds = 2.0
    stand_in._renders.render_seconds = 3600
    lining_up.budgets(submits_per_minute=5)

    together.run(
        work, [(given(), minute_seconds, LONGEST_RUN_SECONDS, [State.RENDERING])] * WORKERS
    )

    assert len(accepted) == len(shorts)
    assert most_within(accepted, minute_seconds) <= 5
