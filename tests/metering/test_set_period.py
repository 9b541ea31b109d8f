"""Set the period: by what stretch of time a user's tokens are counted."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounts.models import User
from metering import ledger, staff
from metering.models import LedgerEntry
from tests import factories
from tests.factories import AT


def set_period(user: User, period: str, *, key: str = "once", **more: Any) -> int:
    given = {"actor": None, "reason": "a trial", "at": AT, **more}
    return ledger.set_period(user=user, period=period, key=key, **given)


@pytest.mark.parametrize(
    ("period", "start"), [("week", date(2026, 11, 23)), ("day", date(2026, 11, 25))]
)
def test_a_shorter_period_starts_at_once_with_nothing_used(
    alice: User, period: str, start: date
) -> None:
    factories.charged(alice, 1000, held=1000)

    entry = LedgerEntry.objects.get(pk=set_period(alice, period))

    now = factories.balance(alice)
    assert (now.period_kind, now.period_start, now.used_tokens) == (period, start, 0)
    assert (entry.kind, entry.limit_delta, entry.period_start) == ("limit", 0, start)


def test_a_longer_period_starts_when_the_current_one_ends(alice: User) -> None:
    set_period(alice, "day", key="first")
    factories.charged(alice, 1000, held=1000)

    set_period(alice, "month", key="second")

    now = factories.balance(alice)
    assert (now.period_start, now.used_tokens) == (date(2026, 11, 25), 1000)
    assert now.resets_at == datetime(2026, 11, 30, 15, tzinfo=UTC)


def test_a_lifetime_never_resets(alice: User) -> None:
    factories.charged(alice, 1000, held=1000)

    set_period(alice, "lifetime")

    later = factories.balance(alice, AT.replace(year=2030))
    assert (later.used_tokens, later.resets_at) == (1000, None)


def test_a_hold_of_the_old_period_closes_without_touching_the_new_one(alice: User) -> None:
    one = factories.due(alice)

    set_period(alice, "day")
    ledger.charge(hold=one, at=AT)

    assert factories.figures(alice) == (0, 0)


def test_twice_with_one_key_is_once(alice: User) -> None:
    first = set_period(alice, "day")
    again = set_period(alice, "day")

    assert first == again
    assert LedgerEntry.objects.count() == 1


def test_staff_see_the_change_in_the_entry(alice: User, bob: User) -> None:
    entry_id = staff.set_period(user=alice, period="week", actor=bob, reason=" a trial ", at=AT)

    entry = LedgerEntry.objects.get(pk=entry_id)
    assert (entry.actor, entry.reason) == (bob, "a trial [period: month → week]")


def test_staff_choose_among_known_periods(alice: User) -> None:
    with pytest.raises(staff.PeriodUnknown, match="month, week, day or lifetime"):
        staff.set_period(user=alice, period="year", actor=None, reason="test", at=AT)

    assert factories.balance(alice).period_kind == "month"


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_staff_give_a_reason(alice: User, reason: str) -> None:
    with pytest.raises(staff.ReasonMissing):
        staff.set_period(user=alice, period="week", actor=None, reason=reason, at=AT)

    assert not LedgerEntry.objects.exists()
