"""The table of states: who may move a short, and only once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from generation import states
from generation.models import FINAL, Short, State
from tests.generation import driving

LEASE = timedelta(seconds=60)


def claim(short: Short) -> Short:
    with transaction.atomic():
        return states.claim(
            short_id=short.pk,
            sources=(State.QUEUED, State.ANALYZING),
            working=State.ANALYZING,
            lease=LEASE,
        )


def test_a_claim_numbers_the_attempt_and_takes_a_lease(alice: User) -> None:
    claimed = claim(driving.begin(alice))

    assert (claimed.state, claimed.attempt, claimed.tries) == (State.ANALYZING, 1, 1)
    assert claimed.lease_until is not None
    assert claimed.lease_until > timezone.now()


def test_what_is_claimed_can_not_be_claimed_again(alice: User) -> None:
    short = driving.begin(alice)
    claim(short)

    with pytest.raises(states.NotClaimable):
        claim(short)


def test_a_lease_that_ran_out_can_be_claimed_again(alice: User) -> None:
    short = driving.begin(alice)
    claim(short)
    driving.expire_lease(short)

    assert claim(short).attempt == 2


def test_what_is_not_due_can_not_be_claimed(alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(next_attempt_at=timezone.now() + LEASE)

    with pytest.raises(states.NotClaimable):
        claim(short)


def test_only_the_newest_attempt_is_recorded(alice: User) -> None:
    short = driving.begin(alice)
    old = claim(short)
    driving.expire_lease(short)
    new = claim(short)
    states.record(short=new, source=State.ANALYZING, target=State.ANALYZED, at=timezone.now())

    with pytest.raises(states.Superseded):
        states.record(short=old, source=State.ANALYZING, target=State.FAILED, at=timezone.now())

    assert Short.objects.get(pk=short.pk).state == State.ANALYZED


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (State.QUEUED, State.RENDERING),
        (State.SUBMIT_UNKNOWN, State.ANALYZED),
        (State.SUBMITTING, State.CANCELED),
        (State.RENDERING, State.SUBMITTING),
        (State.RENDERED, State.FAILED),
        (State.SUCCEEDED, State.QUEUED),
        (State.FAILED, State.QUEUED),
    ],
)
def test_a_move_that_the_table_lacks_is_a_mistake(alice: User, source: str, target: str) -> None:
    short = claim(driving.begin(alice))

    with pytest.raises(ValueError, match="can't go"):
        states.record(short=short, source=source, target=target, at=timezone.now())


def test_the_next_step_has_tries_of_its_own(alice: User) -> None:
    short = claim(driving.begin(alice))

    states.record(short=short, source=State.ANALYZING, target=State.ANALYZED, at=timezone.now())

    assert (short.tries, Short.objects.get(pk=short.pk).tries) == (1, 0)


def test_nothing_leaves_a_final_state() -> None:
    assert not set(states.ALLOWED) & set(FINAL)


def test_a_final_state_has_its_time(alice: User) -> None:
    short = claim(driving.begin(alice))
    at = timezone.now()

    states.record(short=short, source=State.ANALYZING, target=State.FAILED, at=at)

    short.refresh_from_db()
    assert (short.finished_at, short.next_attempt_at, short.lease_until) == (at, None, None)
    driving.release(short)
