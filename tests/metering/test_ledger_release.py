"""An open hold is given back whole; what was spent is not."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from metering import ledger
from metering.models import LedgerEntry
from metering.types import Usage
from tests import factories
from tests.factories import AT

FEBRUARY = datetime(2027, 2, 28, 14, 59, 30, tzinfo=UTC)
MARCH = datetime(2027, 2, 28, 15, 2, tzinfo=UTC)


def test_an_open_hold_is_given_back_whole(alice: User) -> None:
    _, video = factories.hold(alice)

    ledger.release(hold=video, reason="filtered", at=AT + timedelta(minutes=5))

    row = factories.row(video)
    assert factories.figures(alice) == (0, 500)
    assert (row.state, row.release_reason) == ("released", "filtered")
    assert row.closed_at == AT + timedelta(minutes=5)


def test_a_release_is_no_entry(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    ledger.release(hold=hold, reason="canceled", at=AT)

    assert not LedgerEntry.objects.exists()


def test_releasing_twice_is_releasing_once(alice: User) -> None:
    (hold, _) = factories.hold(alice)
    ledger.release(hold=hold, reason="first", at=AT)

    ledger.release(hold=hold, reason="second", at=AT + timedelta(days=1))

    assert factories.figures(alice) == (0, 1000)
    assert (factories.row(hold).release_reason, factories.row(hold).closed_at) == ("first", AT)


def test_the_last_release_of_a_job_frees_its_place(alice: User) -> None:
    analysis, video = factories.hold(alice)
    ledger.release(hold=analysis, reason="test", at=AT)
    assert factories.balance(alice).in_flight == 1

    ledger.release(hold=video, reason="test", at=AT)

    assert factories.balance(alice).in_flight == 0


def test_a_due_hold_is_not_given_back(alice: User) -> None:
    hold = factories.due(alice)

    with pytest.raises(ledger.NotReleasable):
        ledger.release(hold=hold, reason="test", at=AT)

    assert factories.row(hold).state == "due"
    assert factories.figures(alice) == (0, 500)


def test_a_charged_hold_is_not_given_back(alice: User) -> None:
    hold = factories.due(alice)
    ledger.charge(hold=hold, at=AT)

    with pytest.raises(ledger.NotReleasable):
        ledger.release(hold=hold, reason="test", at=AT)

    assert factories.figures(alice) == (487, 0)


def test_a_hold_with_only_unpaid_attempts_is_given_back(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(), at=AT, billable=False)

    ledger.release(hold=hold, reason="unreachable", at=AT)

    assert factories.figures(alice) == (0, 0)


def test_a_hold_of_a_closed_period_leaves_the_figures_of_today_alone(alice: User) -> None:
    (late,) = factories.hold(alice, 500, at=FEBRUARY)
    factories.hold(alice, 200, at=MARCH)
    factories.charged(alice, 30, held=40, at=MARCH)

    ledger.release(hold=late, reason="test", at=MARCH)

    assert factories.figures(alice, MARCH) == (30, 200)


def test_the_first_touch_of_a_period_may_be_a_release_of_the_one_before(alice: User) -> None:
    factories.charged(alice, 9000, at=FEBRUARY)
    (late,) = factories.hold(alice, 500, at=FEBRUARY)

    ledger.release(hold=late, reason="test", at=MARCH)

    assert factories.figures(alice, MARCH) == (0, 0)


def test_a_long_reason_is_cut(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    ledger.release(hold=hold, reason="x" * 300, at=AT)

    assert factories.row(hold).release_reason == "x" * 200
