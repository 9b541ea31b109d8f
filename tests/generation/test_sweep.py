"""The bell rings again for what is due, and not too often."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import sweep
from shortsproject.local.gemini import StandIn
from tests.generation import driving

MINUTE = timedelta(minutes=1)


def test_a_short_that_was_not_rung_for_a_minute_is_rung_again(alice: User) -> None:
    driving.begin(alice)

    at_once = sweep.ring_due(at=timezone.now())
    later = sweep.ring_due(at=timezone.now() + MINUTE)
    again = sweep.ring_due(at=timezone.now() + MINUTE)

    assert (at_once, later, again) == (0, 1, 0)


def test_a_short_that_waits_is_left_alone(alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(
        rung_at=None, next_attempt_at=timezone.now() + 2 * MINUTE
    )

    assert sweep.ring_due(at=timezone.now()) == 0
    assert sweep.ring_due(at=timezone.now() + 2 * MINUTE) == 1


def test_a_claim_that_still_runs_is_left_alone(alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(
        state=State.ANALYZING, rung_at=None, lease_until=timezone.now() + 2 * MINUTE
    )

    assert sweep.ring_due(at=timezone.now() + MINUTE) == 0
    assert sweep.ring_due(at=timezone.now() + 3 * MINUTE) == 1


def test_what_has_ended_or_is_unknown_is_never_rung(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", cut="after")
    unknown = driving.step(driving.begin(alice))
    stand_in.next("analyse", outcome="filtered")
    ended = driving.step(driving.begin(alice))

    rung = sweep.ring_due(at=timezone.now() + timedelta(days=1))

    assert (unknown.state, ended.state) == (State.SUBMIT_UNKNOWN, State.FAILED)
    assert rung == 0
