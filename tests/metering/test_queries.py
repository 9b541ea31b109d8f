"""Read the figures: nothing is written, and the period in force is worked out."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from metering import ledger, queries
from metering.models import TokenLedger
from tests import factories
from tests.factories import ANALYSIS, AT, VIDEO

Queries = Callable[..., Any]


def test_a_balance_shows_all_figures_of_one_instant(alice: User) -> None:
    factories.charged(alice, 487)
    factories.hold(alice)

    balance = factories.balance(alice)
    assert (balance.limit_tokens, balance.granted_tokens) == (10_000, 0)
    assert (balance.used_tokens, balance.held_tokens) == (487, 1500)
    assert (balance.remaining_tokens, balance.available_tokens) == (9513, 8013)
    assert (balance.in_flight, balance.max_in_flight, balance.suspended) == (1, 3, False)
    assert (balance.period_kind, balance.period_start) == ("month", date(2026, 11, 1))
    assert balance.period_starts_at == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert balance.resets_at == datetime(2026, 11, 30, 15, tzinfo=UTC)


def test_a_balance_is_one_query(alice: User, django_assert_num_queries: Queries) -> None:
    factories.hold(alice)

    with django_assert_num_queries(1):
        factories.balance(alice)


def test_grants_add_to_what_remains(alice: User) -> None:
    factories.charged(alice, 487)
    ledger.grant(user=alice, tokens=200, at=AT, **factories.act())

    assert factories.balance(alice).remaining_tokens == 9713


def test_unlimited_has_no_remainder(alice: User) -> None:
    factories.limit(alice, None)

    balance = factories.balance(alice)

    assert (balance.remaining_tokens, balance.available_tokens) == (None, None)


def test_a_balance_of_the_next_period_is_worked_out_and_not_written(alice: User) -> None:
    factories.charged(alice, 487)
    factories.hold(alice)
    before = TokenLedger.objects.filter(user=alice).values().get()

    assert factories.figures(alice, AT + timedelta(days=6)) == (0, 0)

    assert TokenLedger.objects.filter(user=alice).values().get() == before


def test_a_user_without_a_ledger_is_named(alice: User) -> None:
    TokenLedger.objects.filter(user=alice).delete()

    with pytest.raises(queries.NoLedger, match=str(alice.pk)):
        factories.balance(alice)


def test_in_flight_counts_jobs_that_are_live_and_not_parked(alice: User, bob: User) -> None:
    factories.limit(alice, 10_000, max_in_flight=9)
    factories.hold(alice)
    factories.due(alice)
    factories.charged(alice)
    (parked,) = factories.hold(alice, 5)
    ledger.park(hold=parked, at=AT)

    rows = queries.ledgers().filter(user__in=[alice, bob]).order_by("user")
    assert [row.in_flight for row in rows] == [2, 0]


def test_a_leg_may_spend_while_its_hold_is_open(alice: User) -> None:
    job_id = uuid4()
    analysis, video = factories.hold(alice, job_id=job_id)
    ledger.record_usage(hold=analysis, attempt=1, usage=factories.REPORTED, at=AT)

    assert queries.open_hold(job_id=job_id, api_type=VIDEO.api_type) == video
    assert queries.open_hold(job_id=job_id, api_type=ANALYSIS.api_type) is None
    assert queries.open_hold(job_id=uuid4(), api_type=VIDEO.api_type) is None


def test_the_newest_hold_of_a_leg_is_found_open_or_closed(alice: User) -> None:
    job_id = uuid4()
    quote = factories.quote_for(VIDEO)
    (first,) = factories.hold(alice, job_id=job_id, quote=quote)
    ledger.release(hold=first, reason="test", at=AT)
    assert queries.latest_hold(job_id=job_id, api_type=VIDEO.api_type) == first

    (second,) = factories.hold(alice, job_id=job_id, quote=quote)

    assert queries.latest_hold(job_id=job_id, api_type=VIDEO.api_type) == second
    assert queries.latest_hold(job_id=job_id, api_type=ANALYSIS.api_type) is None


def test_the_open_holds_of_a_job_come_in_the_order_of_its_legs(alice: User) -> None:
    job_id = uuid4()
    holds = factories.hold(alice, job_id=job_id)
    factories.hold(alice)

    assert queries.open_holds(job_id=job_id) == list(holds)

    ledger.release(hold=holds[0], reason="test", at=AT)
    assert queries.open_holds(job_id=job_id) == [holds[1]]


def test_due_holds_come_oldest_first_and_only_when_their_time_has_come(alice: User) -> None:
    later = factories.due(alice, at=AT + timedelta(minutes=1))
    first = factories.due(alice, at=AT)
    factories.hold(alice, 5)

    assert queries.due_holds(at=AT, most=9) == [first]
    assert queries.due_holds(at=AT + timedelta(minutes=1), most=9) == [first, later]
    assert queries.due_holds(at=AT + timedelta(minutes=1), most=1) == [first]


def test_jobs_are_live_until_their_last_hold_is_closed(alice: User) -> None:
    waiting = factories.due(alice)
    done = factories.short_charged(alice)

    assert queries.live_jobs(job_ids=[waiting.job_id, done, uuid4()]) == {waiting.job_id}


def test_usage_by_day_starts_at_a_day_and_belongs_to_one_user(alice: User, bob: User) -> None:
    factories.short_charged(alice, at=AT - timedelta(days=1))
    factories.short_charged(alice)
    factories.short_charged(bob)

    rows = queries.usage_by_day(user=alice, since=date(2026, 11, 25))

    assert [(str(row.day), row.api_type, row.tokens, row.usd) for row in rows] == [
        ("2026-11-25", ANALYSIS.api_type, 487, None),
        ("2026-11-25", VIDEO.api_type, 1000, Decimal("1.20")),
    ]


def test_spend_is_the_cost_of_todays_charges_and_of_all_live_holds(alice: User, bob: User) -> None:
    factories.short_charged(alice)
    factories.short_charged(alice, at=AT - timedelta(days=1))
    factories.hold(bob, quote=factories.quote_for(VIDEO))
    (given_back,) = factories.hold(bob, quote=factories.quote_for(VIDEO))
    ledger.release(hold=given_back, reason="test", at=AT)

    assert queries.spend_usd(at=AT) == Decimal("0.00089625") + Decimal("0.80") + Decimal("0.80")


def test_a_day_without_use_costs_nothing(db: None) -> None:
    assert queries.spend_usd(at=AT) == 0
