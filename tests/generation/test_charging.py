"""Metering never stops a generation that has begun, and never loses a charge."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from generation.models import State
from metering import backlog, queries, receipts
from metering.models import Hold, LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import driving

pytestmark = pytest.mark.django_db(transaction=True)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def broken_ledger(transactional_db: None) -> Iterator[None]:
    """No charge can be written: the table refuses every one."""
    sql("ALTER TABLE metering_ledgerentry ADD CONSTRAINT broken CHECK (kind <> 'charge')")
    yield
    sql("ALTER TABLE metering_ledgerentry DROP CONSTRAINT IF EXISTS broken")


def test_a_charge_that_fails_is_made_up_while_the_short_succeeds(
    alice: User, stand_in: StandIn, broken_ledger: None
) -> None:
    short = driving.until(driving.begin(alice, seconds=8), State.SUCCEEDED)
    waiting = backlog.size()
    sql("ALTER TABLE metering_ledgerentry DROP CONSTRAINT broken")

    made = backlog.charge_due(at=timezone.now() + timedelta(minutes=1))

    legs = receipts.receipt(job_id=short.pk).legs
    assert (waiting, made, backlog.size()) == (2, 2, 0)
    assert [leg.state for leg in legs] == ["captured", "captured"]
    assert queries.balance(user=alice, at=timezone.now()).used_tokens == sum(
        leg.charged_tokens for leg in legs
    )


def test_a_charge_that_waits_keeps_its_tokens_held_and_says_why(
    alice: User, stand_in: StandIn, broken_ledger: None
) -> None:
    short = driving.until(driving.begin(alice, seconds=8), State.SUCCEEDED)

    holds = Hold.objects.filter(job_id=short.pk)
    assert {hold.state for hold in holds} == {"due"}
    assert all("broken" in hold.charge_error for hold in holds)
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500
    assert not LedgerEntry.objects.exists()


def test_the_same_message_twice_submits_once_and_charges_once(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice, seconds=8)

    driving.step(short)
    driving.step(short)
    driving.until(short, State.SUCCEEDED)
    driving.step(short)

    assert stand_in.counts()["accepted_submits"] == 1
    assert stand_in.counts()["calls"]["analyse"] == 1
    assert LedgerEntry.objects.filter(job_id=short.pk).count() == 2
