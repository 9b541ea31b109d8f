"""Staff acts from several processes at once: one form is one entry, and no more than was taken."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from metering import staff
from metering.models import LedgerEntry
from tests import factories
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)


def refund(entry_id: int, key: UUID) -> str:
    try:
        staff.refund(
            entry_id=entry_id, tokens=600, actor=None, reason="race", at=timezone.now(), key=key
        )
    except staff.Refused as refusal:
        return str(refusal.most_tokens)
    return "refunded"


def grant(user: User, key: UUID) -> int:
    return staff.grant(user=user, tokens=500, actor=None, reason="race", at=timezone.now(), key=key)


def grant_or_conflict(user: User, key: UUID) -> str:
    try:
        grant(user, key)
    except staff.KeyUsed:
        return "conflict"
    return "granted"


def test_the_same_refund_sent_at_once_is_one_entry(alice: User) -> None:
    now = timezone.now()
    charge, key = factories.charged(alice, 1000, held=1000, at=now), uuid4()

    answers = together.run(refund, [(charge.id, key)] * 4)

    assert answers == ["refunded"] * 4
    assert LedgerEntry.objects.filter(kind="refund").count() == 1
    assert factories.figures(alice, now) == (400, 0)


def test_two_refunds_at_once_give_back_no_more_than_was_taken(alice: User) -> None:
    now = timezone.now()
    charge = factories.charged(alice, 1000, held=1000, at=now)

    answers = together.run(refund, [(charge.id, uuid4()) for _ in range(4)])

    assert sorted(answers) == ["400", "400", "400", "refunded"]
    assert factories.figures(alice, now) == (400, 0)


def test_the_same_grant_sent_at_once_is_one_entry(alice: User) -> None:
    answers = together.run(grant, [(alice, uuid4())] * 4)

    assert len(set(answers)) == 1
    assert factories.balance(alice, timezone.now()).granted_tokens == 500


def test_one_key_brought_by_several_users_at_once_serves_one_of_them(
    make_user: Callable[..., User],
) -> None:
    users = [make_user(f"user{number}") for number in range(8)]
    key = uuid4()

    answers = together.run(grant_or_conflict, [(user, key) for user in users])

    assert sorted(answers) == ["conflict"] * 7 + ["granted"]
    assert LedgerEntry.objects.filter(kind="grant").count() == 1
