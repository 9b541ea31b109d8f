"""The operator's brake: what all users together may cost in a day."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from metering import spending
from metering.models import Hold
from tests import factories
from tests.factories import AT

ONE_SHORT = Decimal("0.801875")


def check() -> None:
    spending.check(quote=factories.quote_for(), at=AT)


def test_without_a_limit_anything_passes(alice: User, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = None
    factories.limit(alice, None)
    factories.hold(alice, 10**9)

    check()


def test_the_last_dollar_may_be_spent(alice: User, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = 2 * ONE_SHORT
    factories.hold(alice)

    check()


def test_the_day_is_over_when_a_job_would_pass_the_limit(alice: User, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = 2 * ONE_SHORT - Decimal("0.000001")
    factories.hold(alice)

    with pytest.raises(spending.SpendingPaused) as refusal:
        check()

    assert refusal.value.code == "spending_paused"
    assert Hold.objects.count() == 2


def test_what_was_charged_today_counts_for_everybody(alice: User, bob: User, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal(2)
    factories.short_charged(alice)
    factories.short_charged(bob)

    with pytest.raises(spending.SpendingPaused):
        check()


def test_a_new_day_begins_with_nothing_spent(alice: User, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = ONE_SHORT
    factories.short_charged(alice, at=AT - timedelta(days=1))

    check()


def test_a_limit_of_nothing_stops_everything(db: None, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal(0)

    with pytest.raises(spending.SpendingPaused):
        check()
