"""Write off: a due hold that can't be charged is closed, and its tokens are given back."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from metering import backlog, ledger
from metering.models import LedgerEntry
from metering.types import OpenHold
from tests import factories
from tests.factories import AT


def write_off(one: OpenHold, *, key: str = "once", **more: Any) -> int:
    given = {"actor": None, "reason": "the price was wrong", "at": AT, **more}
    return ledger.write_off(hold=one, key=key, **given)


def test_a_due_hold_is_closed_and_nothing_is_charged(alice: User, bob: User) -> None:
    one = factories.due(alice, 487, held=500)

    entry = LedgerEntry.objects.get(pk=write_off(one, actor=bob))

    row = factories.row(one)
    assert factories.figures(alice) == (0, 0)
    assert (row.state, row.closed_at, row.charge_after) == ("written_off", AT, None)
    assert (entry.kind, entry.tokens, entry.hold_id) == ("write_off", 0, one.id)
    assert (entry.actor, entry.reason) == (bob, "the price was wrong")


def test_the_backlog_is_shorter_by_it(alice: User) -> None:
    one = factories.due(alice)
    factories.due(alice)

    write_off(one)

    assert backlog.size() == 1


def test_what_is_written_off_is_never_charged(alice: User) -> None:
    one = factories.due(alice)
    write_off(one)

    with pytest.raises(ledger.NotDue):
        ledger.charge(hold=one, at=AT)

    assert factories.figures(alice) == (0, 0)


def test_an_open_hold_is_not_written_off(alice: User) -> None:
    (one,) = factories.hold(alice, 500)

    with pytest.raises(ledger.Refused) as refused:
        write_off(one)

    assert refused.value.outcome == "open"
    assert factories.figures(alice) == (0, 500)


def test_a_charged_hold_is_not_written_off(alice: User) -> None:
    one = factories.due(alice)
    ledger.charge(hold=one, at=AT)

    with pytest.raises(ledger.Refused) as refused:
        write_off(one)

    assert refused.value.outcome == "captured"
    assert factories.figures(alice) == (487, 0)


def test_twice_with_one_key_is_once_and_with_another_is_refused(alice: User) -> None:
    one = factories.due(alice)

    first = write_off(one)
    again = write_off(one)
    with pytest.raises(ledger.Refused) as refused:
        write_off(one, key="other")

    assert first == again
    assert refused.value.outcome == "written_off"
    assert LedgerEntry.objects.count() == 1


def test_a_hold_of_an_older_period_leaves_todays_figures_alone(alice: User) -> None:
    later = AT + timedelta(days=10)
    one = factories.due(alice)
    factories.hold(alice, 300, at=later)

    write_off(one, at=later)

    assert factories.figures(alice, later) == (0, 300)
