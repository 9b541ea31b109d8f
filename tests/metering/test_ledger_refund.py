"""Refund: a charge, or a part of it, is given back once, to its own period."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from metering import ledger, queries, receipts
from metering.models import DailyUsage, LedgerEntry
from tests import factories
from tests.factories import AT

NEXT_MONTH = AT + timedelta(days=10)


def refund(entry_id: int, tokens: int, *, key: str = "once", **more: Any) -> int:
    given = {"actor": None, "reason": "the video was black", "at": AT, **more}
    return ledger.refund(entry=entry_id, tokens=tokens, key=key, **given)


def entry_of(entry_id: int) -> LedgerEntry:
    return LedgerEntry.objects.get(pk=entry_id)


def left(entry_id: int, at: Any = AT) -> int:
    return queries.refundable(entry=entry_of(entry_id), at=at).left_tokens


def test_a_refund_is_an_entry_that_points_at_its_charge(alice: User, bob: User) -> None:
    charge = factories.entry(factories.charged(alice, 1000, held=1000))

    entry = entry_of(refund(charge.pk, 600, actor=bob))

    assert factories.figures(alice) == (400, 0)
    assert (entry.kind, entry.tokens, entry.reverses_id) == ("refund", -600, charge.pk)
    assert (entry.job_id, entry.hold_id, entry.used_after) == (charge.job_id, charge.hold_id, 400)
    assert (entry.actor, entry.reason, entry.cost_usd) == (bob, "the video was black", None)


def test_the_tariff_is_given_back_in_proportion_and_the_cost_stays(alice: User) -> None:
    job_id = factories.short_charged(alice)
    charge = LedgerEntry.objects.get(job_id=job_id, tokens=1000)
    before = DailyUsage.objects.get(user=alice, model=charge.model)

    entry = entry_of(refund(charge.pk, 250))

    day = DailyUsage.objects.get(user=alice, model=charge.model)
    assert entry.usd == Decimal("-0.30")
    assert (day.tokens, day.usd, day.charges) == (750, Decimal("0.90"), 1)
    assert day.cost_usd == before.cost_usd


def test_the_receipt_shows_what_was_refunded(alice: User) -> None:
    job_id = factories.short_charged(alice)
    charge = LedgerEntry.objects.get(job_id=job_id, tokens=1000)

    refund(charge.pk, 600)

    receipt = receipts.receipt(job_id=job_id)
    assert (receipt.charged_tokens, receipt.refunded_tokens) == (1487, 600)


def test_more_than_is_left_is_refused(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    factories.charged(alice, 487)
    refund(charge.id, 600, key="first")

    with pytest.raises(ledger.Refused) as refused:
        refund(charge.id, 600, key="second")

    assert (refused.value.outcome, refused.value.most_tokens) == ("too_much", 400)
    assert left(charge.id) == 400
    assert factories.figures(alice) == (887, 0)


def test_the_rest_can_still_be_refunded_and_then_nothing(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    refund(charge.id, 600, key="first")
    refund(charge.id, 400, key="second")

    with pytest.raises(ledger.Refused):
        refund(charge.id, 1, key="third")

    assert left(charge.id) == 0
    assert factories.figures(alice) == (0, 0)


def test_twice_with_one_key_is_once_also_a_day_later(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)

    first = refund(charge.id, 600)
    again = refund(charge.id, 600, at=AT + timedelta(days=1))

    assert first == again
    assert factories.figures(alice) == (400, 0)
    assert LedgerEntry.objects.filter(kind="refund").count() == 1


def test_a_refund_can_not_be_refunded(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    first = refund(charge.id, 600, key="first")

    with pytest.raises(ledger.Refused) as refused:
        refund(first, 100, key="second")

    assert refused.value.outcome == "not_a_charge"
    assert left(first) == 0
    assert factories.figures(alice) == (400, 0)


def test_a_refund_belongs_to_the_period_of_its_charge(alice: User) -> None:
    charge = factories.entry(factories.charged(alice, 1000, held=1000))
    factories.charged(alice, 300, at=NEXT_MONTH)

    entry = entry_of(refund(charge.pk, 600, at=NEXT_MONTH))

    assert (entry.period_start, entry.day) == (charge.period_start, charge.day)
    assert entry.used_after == 400
    assert factories.figures(alice, NEXT_MONTH) == (300, 0)


def test_it_is_told_whether_a_refund_gives_something_back_today(alice: User) -> None:
    charge = factories.entry(factories.charged(alice, 1000, held=1000))

    today = queries.refundable(entry=charge, at=AT)
    later = queries.refundable(entry=charge, at=NEXT_MONTH)

    assert (today.charged_tokens, today.left_tokens, today.period_closed) == (1000, 1000, False)
    assert (later.charged_tokens, later.left_tokens, later.period_closed) == (1000, 1000, True)


def test_used_is_never_below_nothing(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    ledger.adjust(user=alice, tokens=-700, actor=None, reason="test", key="adjust", at=AT)

    with pytest.raises(ledger.Refused) as refused:
        refund(charge.id, 400)

    assert (refused.value.outcome, refused.value.most_tokens) == ("below_zero", 300)
    assert left(charge.id) == 300
    assert factories.figures(alice) == (300, 0)


def test_a_key_of_another_user_or_kind_is_refused(alice: User, bob: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    other = factories.charged(bob, 1000, held=1000)
    refund(charge.id, 100)

    with pytest.raises(ledger.KeyConflict):
        refund(other.id, 100)
    with pytest.raises(ledger.KeyConflict):
        refund(other.id, 100, key=factories.entry(charge).key)

    assert factories.figures(bob) == (1000, 0)


def test_a_key_stands_for_the_charge_and_the_tokens_that_it_gave_back(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    other = factories.charged(alice, 1000, held=1000)
    refund(charge.id, 100)

    with pytest.raises(ledger.KeyConflict):
        refund(charge.id, 200)
    with pytest.raises(ledger.KeyConflict):
        refund(other.id, 100)

    assert factories.figures(alice) == (1900, 0)


@pytest.mark.parametrize("tokens", [0, -5])
def test_a_refund_gives_something_back(alice: User, tokens: int) -> None:
    charge = factories.charged(alice, 1000, held=1000)

    with pytest.raises(ledger.Refused, match="not_positive"):
        refund(charge.id, tokens)

    assert factories.figures(alice) == (1000, 0)


def test_a_closed_period_is_never_refunded_below_zero(alice: User) -> None:
    charge = factories.entry(factories.charged(alice, 1000, held=1000))
    ledger.adjust(user=alice, tokens=-800, actor=None, reason="twice", key="down", at=AT)

    with pytest.raises(ledger.Refused) as refusal:
        refund(charge.pk, 600, at=NEXT_MONTH)

    assert (refusal.value.outcome, refusal.value.most_tokens) == ("below_zero", 200)
    assert left(charge.pk, NEXT_MONTH) == 200
