"""The day on which tokens run out, if use goes on as it did."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from metering import pace
from tests import factories

# The first instant of a month in Seoul, and that of the next one.
START = datetime(2026, 10, 31, 15, tzinfo=UTC)
RESET = datetime(2026, 11, 30, 15, tzinfo=UTC)
TENTH = START + timedelta(days=10)


@pytest.mark.parametrize(
    ("used", "days", "expected"),
    [
        pytest.param(5_000, 10, date(2026, 11, 21), id="half in ten days"),
        pytest.param(9_000, 10, date(2026, 11, 12), id="nearly all"),
        pytest.param(500, 1, date(2026, 11, 21), id="just 5 % on the first day"),
        pytest.param(499, 1, None, id="less than 5 %"),
        pytest.param(3_334, 10, date(2026, 11, 30), id="just before the reset"),
        pytest.param(3_333, 10, None, id="lasts until the reset"),
        pytest.param(10_000, 10, None, id="used up already"),
        pytest.param(12_000, 10, None, id="more than all"),
        pytest.param(0, 10, None, id="nothing used"),
    ],
)
def test_the_day_follows_from_what_was_used_in_which_time(
    used: int, days: int, expected: date | None
) -> None:
    at = START + timedelta(days=days)

    day = pace.runs_out_on(used=used, limit=10_000, since=START, resets_at=RESET, at=at)

    assert day == expected


def test_the_first_day_says_nothing_yet() -> None:
    at = START + timedelta(days=1) - timedelta(microseconds=1)

    assert pace.runs_out_on(used=5_000, limit=10_000, since=START, resets_at=RESET, at=at) is None


def test_a_lifetime_limit_has_no_reset_to_last_until() -> None:
    day = pace.runs_out_on(used=1_000, limit=10_000, since=START, resets_at=None, at=TENTH)

    assert day == date(2027, 2, 9)


@pytest.mark.parametrize("limit", [0, 10**15])
def test_no_limit_is_too_small_or_too_large(limit: int) -> None:
    assert pace.runs_out_on(used=1, limit=limit, since=START, resets_at=RESET, at=TENTH) is None


def test_grants_make_the_tokens_last_longer(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(date_joined=START)
    alice.refresh_from_db()
    factories.charged(alice, 5_000, at=TENTH)

    before = pace.of(balance=factories.balance(alice, TENTH), user=alice, at=TENTH)
    factories.limit(alice, 20_000, at=TENTH)
    after = pace.of(balance=factories.balance(alice, TENTH), user=alice, at=TENTH)

    assert (before, after) == (date(2026, 11, 21), None)


def test_who_joined_in_the_middle_counts_from_that_day(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(date_joined=TENTH - timedelta(days=2))
    alice.refresh_from_db()
    factories.charged(alice, 5_000, at=TENTH)

    day = pace.of(balance=factories.balance(alice, TENTH), user=alice, at=TENTH)

    assert day == date(2026, 11, 13)


def test_an_unlimited_ledger_never_runs_out(alice: User) -> None:
    factories.limit(alice, None, at=TENTH)

    assert pace.of(balance=factories.balance(alice, TENTH), user=alice, at=TENTH) is None
