"""Resolve: what staff decided about a leg is kept for good, and moves no tokens."""

from datetime import timedelta

import pytest

from accounts.models import User
from metering import ledger, staff
from metering.models import LedgerEntry
from metering.types import OpenHold
from tests import factories
from tests.factories import AT


def resolve(one: OpenHold, *, key: str = "once", actor: User | None = None, days: int = 0) -> int:
    at = AT + timedelta(days=days)
    return ledger.resolve(hold=one, actor=actor, reason="seen", key=key, at=at)


def test_a_decision_is_an_entry_of_no_tokens_about_its_hold(alice: User, bob: User) -> None:
    (one,) = factories.hold(alice, 500)

    entry = LedgerEntry.objects.get(pk=resolve(one, actor=bob))

    assert (entry.kind, entry.tokens, entry.user) == ("resolution", 0, alice)
    assert (entry.hold_id, entry.job_id, entry.api_type) == (one.id, one.job_id, one.line.api_type)
    assert (entry.actor, entry.reason) == (bob, "seen")
    assert factories.figures(alice) == (0, 500)
    assert factories.row(one).state == "open"


def test_twice_with_one_key_is_once(alice: User) -> None:
    (one,) = factories.hold(alice, 500)

    first, again = resolve(one), resolve(one)

    assert first == again
    assert LedgerEntry.objects.count() == 1


def test_a_key_of_another_hold_or_kind_of_entry_is_refused(alice: User) -> None:
    one, other = factories.hold(alice, 500, 300)
    resolve(one)
    factories.ledger.grant(user=alice, tokens=5, at=AT, actor=None, reason="x", key="a grant")

    with pytest.raises(ledger.KeyConflict):
        resolve(other)
    with pytest.raises(ledger.KeyConflict):
        resolve(one, key="a grant")

    assert LedgerEntry.objects.count() == 2


def test_it_belongs_to_the_period_of_its_hold(alice: User) -> None:
    (one,) = factories.hold(alice, 500)

    entry = LedgerEntry.objects.get(pk=resolve(one, days=10))

    assert (entry.period_start, entry.day) == (
        factories.row(one).period_start,
        factories.row(one).day,
    )
    assert factories.figures(alice, AT + timedelta(days=10)) == (0, 0)


def test_a_release_may_follow_in_the_same_transaction(alice: User) -> None:
    (one,) = factories.hold(alice, 500)

    resolve(one)
    ledger.release(hold=one, reason="rejected_by_staff", at=AT)

    assert factories.figures(alice) == (0, 0)


def test_staff_need_a_reason(alice: User) -> None:
    (one,) = factories.hold(alice, 500)

    with pytest.raises(staff.ReasonMissing):
        staff.resolve(hold=one, actor=alice, reason=" ", at=AT)

    assert not LedgerEntry.objects.exists()
