"""Hosts whose clocks differ from the database's: what is due is due by the database's alone."""

from datetime import timedelta
from types import ModuleType, SimpleNamespace

import pytest
from django.utils import timezone

from accounts.models import User
from generation import tasks
from generation.models import Short, State
from generation.pipeline import clock
from shortsproject.local.gemini import StandIn
from tests.generation import driving

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

pytestmark = pytest.mark.django_db(transaction=True)


def differ(monkeypatch: pytest.MonkeyPatch, module: ModuleType, by: timedelta) -> None:
    """Let the host of this module's code be ahead of the database by so much."""
    host = SimpleNamespace(now=lambda: timezone.now() + by)
    monkeypatch.setattr(module, "timezone", host)


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_a_hosts_clock_is_put_right(ahead: timedelta) -> None:
    now = clock.of_database(host=lambda: timezone.now() + ahead)

    assert timezone.now() - SECOND < now() <= timezone.now()


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_a_worker_whose_clock_is_wrong_asks_neither_at_once_nor_an_hour_later(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    short = driving.begin(alice)
    differ(monkeypatch, tasks, ahead)

    tasks.advance(short_id=str(short.pk))

    short.refresh_from_db()
    assert short.state == State.RENDERING
    assert timezone.now() < short.next_attempt_at < timezone.now() + 2 * SECOND


def test_a_beat_whose_clock_is_ahead_rings_for_nothing_before_it_is_due(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = driving.begin(alice)
    Short.objects.update(rung_at=None, next_attempt_at=timezone.now() + HOUR / 2)
    differ(monkeypatch, tasks, HOUR)

    tasks.ring_due()

    short.refresh_from_db()
    assert short.rung_at is None


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_an_order_taken_by_a_host_whose_clock_is_wrong_begins_at_once(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    with monkeypatch.context() as web:
        differ(web, driving, ahead)
        short = driving.begin(alice)

    tasks.advance(short_id=str(short.pk))

    short.refresh_from_db()
    assert short.state == State.RENDERING
