"""What other apps may call, as somebody at a shell would: with rows, and without an instant."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from metering import ledger, periods, queries, quotes
from metering.models import Hold, LedgerEntry
from metering.types import Charge
from tests import factories
from tests.factories import ANALYSIS, AT


@pytest.fixture
def row(alice: User) -> Hold:
    """The row of an analysis that Alice holds tokens for, now."""
    ledger.hold(user=alice, job_id=uuid4(), quote=quotes.quote(legs=[ANALYSIS]), key="first")
    return Hold.objects.get()


def test_a_life_is_told_by_rows_and_happens_now(alice: User, row: Hold) -> None:
    ledger.record_usage(hold=row, attempt=1, usage=factories.REPORTED)
    ledger.charge(hold=row)
    ledger.refund(
        entry=LedgerEntry.objects.get(), tokens=87, actor=None, reason="sorry", key="second"
    )

    now = queries.balance(user=alice)
    assert (now.used_tokens, now.held_tokens, now.available_tokens) == (400, 0, 9_600)
    assert row.day == periods.local_day(at=timezone.now())
    assert quotes.check_token_limit(user=alice, estimated_tokens=9_600)


def test_the_instant_that_is_named_counts(alice: User) -> None:
    factories.hold(alice, 500, at=AT)

    assert Hold.objects.get().created_at == AT


def test_a_row_is_parked_and_released(alice: User, row: Hold) -> None:
    ledger.park(hold=row)
    ledger.release(hold=row, reason="called off")

    row.refresh_from_db()
    assert (row.state, row.release_reason) == ("released", "called off")
    assert queries.balance(user=alice).held_tokens == 0


def test_a_row_is_written_off(alice: User, row: Hold) -> None:
    ledger.record_usage(hold=row, attempt=1, usage=factories.REPORTED)
    ledger.write_off(hold=row, actor=None, reason="never again", key="second")

    row.refresh_from_db()
    assert (row.state, queries.balance(user=alice).held_tokens) == ("written_off", 0)


@pytest.mark.parametrize("named", [lambda c: c, lambda c: c.id, factories.entry])
def test_a_charge_is_named_by_itself_its_id_or_its_row(
    alice: User, named: Callable[[Charge], Any]
) -> None:
    charge = factories.charged(alice)

    ledger.refund(entry=named(charge), tokens=87, at=AT, **factories.act())

    assert factories.figures(alice) == (400, 0)


def test_a_repeated_call_gives_the_first_result(alice: User) -> None:
    job_id, quote = uuid4(), factories.quote_for()

    first = ledger.hold(user=alice, job_id=job_id, quote=quote, key="once")
    again = ledger.hold(user=alice, job_id=job_id, quote=quote, key="once")
    ledger.record_usage(hold=first[0], attempt=1, usage=factories.REPORTED)

    assert first == again
    assert ledger.charge(hold=first[0]) == ledger.charge(hold=again[0])


@pytest.mark.parametrize("reason", ["", "  \n"])
@pytest.mark.parametrize(
    ("verb", "what"),
    [
        (ledger.grant, {"tokens": 5}),
        (ledger.adjust, {"tokens": 5}),
        (ledger.set_limit, {"tokens": 5}),
        (ledger.set_period, {"period": "day"}),
        (ledger.suspend, {}),
    ],
)
def test_no_act_of_staff_is_without_a_reason(
    alice: User, verb: Callable[..., int], what: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ledger.Refused, match="no_reason"):
        verb(user=alice, actor=None, reason=reason, key="once", **what)

    assert not LedgerEntry.objects.exists()


@pytest.mark.plants_ledger_errors
@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE metering_ledgerentry SET kind = 'gift', tokens = 0", "entry_kind_known"),
        ("UPDATE metering_ledgerentry SET kind = 'limit', tokens = 0", "entry_staff_gives_reason"),
        (
            "UPDATE metering_ledgerentry SET kind = 'grant', tokens = 0, reason = 'x',"
            " limit_delta = -5",
            "entry_grant_gives",
        ),
        ("UPDATE metering_usageevent SET basis = 'guessed'", "event_basis_known"),
    ],
)
def test_what_no_verb_would_write_is_refused_by_a_named_rule(
    alice: User, sql: str, rule: str
) -> None:
    factories.charged(alice)

    with pytest.raises(IntegrityError, match=rule):
        factories.plant(sql)
