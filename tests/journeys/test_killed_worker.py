"""Power cuts: whatever dies, the short ends in a state that is true and is paid for once."""

import signal
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from accounts.models import User
from generation import audit as generation_audit
from generation import turns
from generation.models import Short, State
from generation.pipeline import sweep
from metering import audit, backlog, queries, receipts
from metering.models import LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import driving, lining_up
from tests.processes import Stack, kill_group, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def state_of(short: Short) -> str:
    return Short.objects.values_list("state", flat=True).get(pk=short.pk)


def make_due(short: Short) -> None:
    """Let the minutes pass that a lost bell, and a dead worker's lease and answer, would cost."""
    past = timezone.now() - timedelta(seconds=1)
    Short.objects.filter(pk=short.pk).update(rung_at=None, lease_until=None, next_attempt_at=past)


def assert_paid_once(short: Short, stand_in: StandIn) -> None:
    legs = receipts.receipt(job_id=short.pk).legs
    assert [leg.state for leg in legs] == ["captured", "captured"]
    assert LedgerEntry.objects.filter(job_id=short.pk, kind="charge").count() == 2
    assert stand_in.counts()["accepted_submits"] == 1
    assert queries.balance(user=short.user, at=timezone.now()).held_tokens == 0
    assert audit.run(extra=generation_audit.INVARIANTS) == []


def comes_to(short: Short, state: str) -> bool:
    """Ring for whatever is due, as the beat would, and look."""
    sweep.ring_due(at=timezone.now())
    return state_of(short) == state


def test_a_short_goes_from_order_to_video_by_itself(
    alice: User, stack: Stack, stand_in: StandIn
) -> None:
    stack.worker()
    stack.beat()

    short = driving.begin(alice, seconds=8)
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=40)

    assert_paid_once(short, stand_in)
    assert "💰 [Veo 비용] 8초 영상 생성: $1.20 (토큰 환산: 1000 토큰)" in stack.log()


def test_a_worker_killed_during_the_render_costs_nothing_twice(
    alice: User, stack: Stack, stand_in: StandIn
) -> None:
    stand_in.next("poll", hold=True)
    stack.beat()
    first = stack.worker()
    short = driving.begin(alice, seconds=8)
    stand_in.wait_held("poll", timeout=40)

    kill_group(first)
    stand_in.release("poll")
    make_due(short)
    stack.worker()
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert_paid_once(short, stand_in)


def test_a_worker_killed_in_the_submit_leaves_an_unknown_and_never_submits_again(
    alice: User, stack: Stack, stand_in: StandIn
) -> None:
    stand_in.next("submit", hold=True)
    stack.beat()
    first = stack.worker()
    short = driving.begin(alice, seconds=8)
    stand_in.wait_held("submit", timeout=40)

    kill_group(first)
    make_due(short)
    stack.worker()
    wait_for(lambda: state_of(short) == State.SUBMIT_UNKNOWN, what="certainty")

    balance = queries.balance(user=alice, at=timezone.now())
    assert stand_in.counts()["accepted_submits"] == 1
    assert (balance.held_tokens, balance.in_flight) == (1000, 0)


@pytest.mark.parametrize(
    ("effect", "side", "state"),
    [
        ("call-analyse.analyse", "before", State.SUCCEEDED),
        ("commit-submit.durably", "before", State.SUBMIT_UNKNOWN),
        ("commit-poll.charge", "before", State.SUCCEEDED),
        ("piece-finish.save_video", "after", State.SUCCEEDED),
    ],
)
def test_a_new_celery_worker_finishes_what_a_killed_one_has_begun(
    alice: User, stack: Stack, stand_in: StandIn, effect: str, side: str, state: str
) -> None:
    first = stack.trapped_worker(pool="solo", name=effect, side=side)
    short = driving.begin(alice)
    wait_for(lambda: comes_to(short, "-") or first.poll() is not None, what="death")

    make_due(short)
    stack.worker(processes=1)
    stack.beat()
    wait_for(lambda: state_of(short) == state, what="the short", most_seconds=60)
    wait_for(lambda: backlog.size() == 0, what="the charge")

    assert first.returncode == -signal.SIGKILL
    assert stand_in.counts()["accepted_submits"] == 1
    assert audit.run(extra=generation_audit.INVARIANTS) == []


def test_a_worker_killed_as_its_short_gets_in_line_costs_nothing(
    alice: User, stack: Stack, stand_in: StandIn
) -> None:
    lining_up.rows(alice, 1, State.RENDERING)
    lining_up.budgets(renders_at_once=1)
    first = stack.trapped_worker(pool="solo", name="commit-submit.paid", side="after")
    short = driving.begin(alice)
    wait_for(lambda: comes_to(short, "-") or first.poll() is not None, what="death")
    short.refresh_from_db()
    in_line = turns.is_in_line(short)

    lining_up.make_room()
    stack.worker(processes=1)
    stack.beat()
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert (first.returncode, in_line) == (-signal.SIGKILL, True)
    assert_paid_once(short, stand_in)


def test_a_pool_process_that_is_killed_is_replaced_and_its_short_goes_on(
    alice: User, stack: Stack, stand_in: StandIn
) -> None:
    worker = stack.trapped_worker(pool="prefork", name="commit-analyse.durably", side="after")
    short = driving.begin(alice)
    wait_for(lambda: "signal 9 (SIGKILL)" in stack.log(), what="death")

    stack.beat()
    wait_for(lambda: comes_to(short, State.SUCCEEDED), what="the short", most_seconds=60)
    wait_for(lambda: backlog.size() == 0, what="the charge")

    assert worker.poll() is None
    assert_paid_once(short, stand_in)
    assert stand_in.counts()["calls"]["analyse"] == 1


def test_an_emptied_broker_only_costs_time(
    alice: User, stack: Stack, stand_in: StandIn, settings: Any
) -> None:
    short = driving.begin(alice, seconds=8)
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushdb()
    make_due(short)

    stack.worker()
    stack.beat()
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=40)

    assert_paid_once(short, stand_in)


def test_two_beats_and_five_hundred_bells_for_eight_processes_are_one(
    alice: User, stack: Stack, stand_in: StandIn
) -> None:
    stack.beat()
    stack.beat()
    stack.worker(processes=8)
    short = driving.begin(alice, seconds=8)

    driving.ring_often(short, times=500)
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert_paid_once(short, stand_in)
    assert stand_in.counts()["calls"]["analyse"] == 1
