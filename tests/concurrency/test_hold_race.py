"""Sixty-four holds at one instant, from sixteen processes: exactly as many as fit are taken."""

from collections import Counter
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from metering import ledger, queries
from metering.models import Hold
from tests import factories
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES, EACH = 16, 4


def hold_some(user_id: int, at: datetime, keys: list[str], job_id: UUID | None) -> Counter[str]:
    """Ask for a short with each key; how often each answer came. Runs in a process of its own."""
    user, quote = User.objects.get(pk=user_id), factories.quote_for(at=at)
    answers: Counter[str] = Counter()
    for key in keys:
        try:
            ledger.hold(user=user, job_id=job_id or uuid4(), quote=quote, key=key, at=at)
        except (ledger.TokenLimitExceeded, ledger.TooManyInFlight) as refusal:
            answers[refusal.code] += 1
        else:
            answers["held"] += 1
    return answers


def race(user: User, *, key: str = "", job_id: UUID | None = None) -> Counter[str]:
    """The answers to all sixty-four."""
    at = timezone.now()
    arguments = [
        (user.pk, at, [key or f"{n}-{i}" for i in range(EACH)], job_id) for n in range(PROCESSES)
    ]
    return sum(together.run(hold_some, arguments), Counter())


def test_a_limit_for_ten_admits_exactly_ten(alice: User) -> None:
    factories.limit(alice, 15_999, at=timezone.now(), max_in_flight=100)

    answers = race(alice)

    assert answers == {"held": 10, "token_limit_exceeded": 54}
    assert Hold.objects.filter(state="open").count() == 20
    assert queries.balance(user=alice, at=timezone.now()).available_tokens == 999


def test_three_places_admit_exactly_three(alice: User) -> None:
    factories.limit(alice, None, at=timezone.now())

    answers = race(alice)

    assert answers == {"held": 3, "too_many_in_flight": 61}
    assert queries.balance(user=alice, at=timezone.now()).in_flight == 3


def test_one_key_is_one_hold_for_everybody_who_asks(alice: User) -> None:
    answers = race(alice, key="the-same", job_id=uuid4())

    assert answers == {"held": 64}
    assert Hold.objects.count() == 2
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500
