"""Field cases FC-13 and FC-21: a provider that is silent to many at once, and a clock set back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from generation.models import ModelGate, Short, State
from generation.pipeline import analyse, poll, submit, sweep
from metering import queries, receipts
from metering.models import LedgerEntry, Notice
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving

pytestmark = pytest.mark.django_db(transaction=True)

EIGHT = 8
HOUR = timedelta(hours=1)
IN_A_SECOND = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "retry in 1s"}}
INSTANTS = ("created_at", "submitted_at", "next_attempt_at", "lease_until", "rung_at")


@pytest.fixture
def crowd(alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> list[Short]:
    """Eight shorts of one user, whose calls end after a second."""
    monkeypatch.setattr(analyse, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(submit, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(poll, "DEADLINE_SECONDS", 1.0)
    factories.limit(alice, None, at=timezone.now(), max_in_flight=EIGHT)
    return [driving.begin(alice) for _ in range(EIGHT)]


def step_together(shorts: list[Short]) -> set[str]:
    """Take the steps of all shorts at once, each in a thread. Returns the states they come to."""
    with ThreadPoolExecutor(len(shorts)) as pool:
        return set(pool.map(_step, shorts))


def _step(short: Short) -> str:
    try:
        return driving.hurry(short).state
    finally:
        connections.close_all()


def set_clock(short: Short, *, back: timedelta) -> Short:
    """Set everybody's clock back by so much: what was noted before lies later by that."""
    known = Short.objects.filter(pk=short.pk)
    known.update(**{name: F(name) + back for name in INSTANTS})
    ModelGate.objects.update(not_before=F("not_before") + back)
    short.refresh_from_db()
    return short


def ring_and_step(short: Short, *, times: int) -> Short:
    """Ring for it, and take its steps, again and again, as two beats and many workers would."""
    for _ in range(times):
        sweep.ring_due(at=timezone.now())
        driving.step(short)
    return short


def charges(short: Short) -> list[int]:
    entries = LedgerEntry.objects.filter(job_id=short.pk, kind="charge").order_by("id")
    return list(entries.values_list("tokens", flat=True))


@pytest.mark.parametrize(
    ("kind", "state"), [("analyse", State.QUEUED), ("submit", State.SUBMIT_UNKNOWN)]
)
def test_fc_13_eight_calls_that_are_never_answered_end_and_keep_nobody_else_waiting(
    bob: User, crowd: list[Short], stand_in: StandIn, kind: str, state: str
) -> None:
    stand_in.next(kind, n=EIGHT, hold=True)

    states = step_together(crowd)
    other = driving.until(driving.begin(bob), State.SUCCEEDED)
    stand_in.release(kind)

    assert states == {state}
    assert stand_in.counts()["calls"][kind] == EIGHT + 1
    assert receipts.receipt(job_id=other.pk).charged_tokens > 0
    assert not Short.objects.exclude(lease_until=None).exists()


def test_fc_13_eight_unknowns_hold_their_tokens_and_no_place(
    alice: User, crowd: list[Short], stand_in: StandIn
) -> None:
    stand_in.next("submit", n=EIGHT, hold=True)
    step_together(crowd)
    stand_in.release("submit")

    step_together(crowd)

    balance = queries.balance(user=alice, at=timezone.now())
    assert set(Short.objects.values_list("state", flat=True)) == {State.SUBMIT_UNKNOWN}
    assert stand_in.counts()["accepted_submits"] == EIGHT
    assert balance.in_flight == 0
    assert balance.held_tokens == sum(
        receipts.receipt(job_id=one.pk).legs[1].estimated_tokens for one in crowd
    )


def test_fc_13_eight_questions_that_are_never_answered_lose_no_render(
    alice: User, crowd: list[Short], stand_in: StandIn
) -> None:
    step_together(crowd)
    stand_in.next("poll", n=EIGHT, hold=True)

    states = step_together(crowd)
    stand_in.release("poll")
    driving.until(crowd[0], State.SUCCEEDED)

    assert states == {State.RENDERING}
    assert stand_in.counts()["accepted_submits"] == EIGHT
    assert len(charges(crowd[0])) == 2


@pytest.mark.parametrize("kind", ["analyse", "submit"])
def test_fc_21_a_clock_set_back_repeats_no_call_that_waits(
    alice: User, stand_in: StandIn, kind: str
) -> None:
    stand_in.next(kind, status=503, body=IN_A_SECOND)
    short = driving.step(driving.begin(alice, seconds=8))
    asked = stand_in.counts()

    ring_and_step(set_clock(short, back=HOUR), times=20)
    meanwhile = stand_in.counts()
    driving.until(set_clock(short, back=-HOUR), State.SUCCEEDED)

    assert meanwhile == asked
    assert stand_in.counts()["accepted_submits"] == 1
    assert charges(short)[1:] == [1000]


def test_fc_21_a_clock_set_back_asks_no_faster_and_charges_once(
    alice: User, stand_in: StandIn
) -> None:
    factories.limit(alice, 1500, at=timezone.now())
    short = driving.step(driving.begin(alice, seconds=8))

    ring_and_step(set_clock(short, back=HOUR), times=20)
    asked = stand_in.counts()["calls"]["poll"]
    driving.until(set_clock(short, back=-HOUR), State.SUCCEEDED)
    ring_and_step(short, times=5)

    assert asked == 0
    assert stand_in.counts()["calls"]["analyse"] == stand_in.counts()["accepted_submits"] == 1
    assert charges(short)[1:] == [1000]
    assert len(set(Notice.objects.values_list("level", flat=True))) == Notice.objects.count() > 0


def test_fc_21_a_clock_set_back_takes_no_claim_from_its_worker(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    lease: dict[str, Any] = {"state": State.ANALYZING, "attempt": 1}
    Short.objects.filter(pk=short.pk).update(**lease, lease_until=timezone.now() + HOUR / 60)

    ring_and_step(set_clock(short, back=HOUR), times=20)

    assert (short.state, short.attempt) == (State.ANALYZING, 1)
    assert stand_in.counts()["calls"]["analyse"] == 0
