"""Periods are whole local days of the operator's town, and only ever move forward."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts.models import User
from metering import ledger, periods
from metering.models import TokenLedger
from tests import factories

KINDS = ["month", "week", "day", "lifetime"]
ZONES = ["Asia/Seoul", "America/New_York", "Pacific/Honolulu", "Pacific/Kiritimati", "UTC"]
DAYS = st.dates(min_value=date(2026, 1, 1), max_value=date(2036, 12, 31))
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=4000)).map(
    lambda age: datetime(2026, 1, 2, tzinfo=UTC) + age
)

SHARED_FIXTURES = examples(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def instant(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def resets_at(kind: str, at: datetime) -> datetime | None:
    start = periods.current_start(kind=kind, stored=date(2026, 1, 1), at=at)
    return periods.resets_at(kind=kind, start=start, at=at)


@pytest.mark.parametrize(
    ("kind", "at", "start", "end"),
    [
        ("month", "2026-11-25 12:00", "2026-11-01", "2026-12-01"),
        ("month", "2026-12-31 23:59", "2026-12-01", "2027-01-01"),
        ("month", "2027-03-31 12:00", "2027-03-01", "2027-04-01"),
        ("month", "2027-02-28 23:59", "2027-02-01", "2027-03-01"),
        ("month", "2028-02-29 00:00", "2028-02-01", "2028-03-01"),
        ("week", "2026-11-25 12:00", "2026-11-23", "2026-11-30"),
        ("week", "2026-11-23 00:00", "2026-11-23", "2026-11-30"),
        ("week", "2026-11-22 23:59", "2026-11-16", "2026-11-23"),
        ("week", "2027-01-01 12:00", "2026-12-28", "2027-01-04"),
        ("day", "2026-11-25 00:00", "2026-11-25", "2026-11-26"),
        ("day", "2026-11-25 23:59", "2026-11-25", "2026-11-26"),
    ],
)
def test_a_period_begins_and_ends_at_midnight_in_seoul(
    kind: str, at: str, start: str, end: str
) -> None:
    now = instant(at, "Asia/Seoul")

    first = periods.current_start(kind=kind, stored=date(2026, 1, 1), at=now)

    assert str(first) == start
    assert periods.starts_at(day=first) == instant(f"{start} 00:00", "Asia/Seoul")
    assert resets_at(kind, now) == instant(f"{end} 00:00", "Asia/Seoul")


def test_a_lifetime_never_resets() -> None:
    now = instant("2026-11-25 12:00")

    assert resets_at("lifetime", now) is None
    assert periods.current_start(kind="lifetime", stored=date(2026, 1, 1), at=now) == date(
        2026, 1, 1
    )


def test_the_day_changes_at_midnight_in_seoul_and_not_in_greenwich() -> None:
    assert str(periods.local_day(at=instant("2027-02-28 14:59:59"))) == "2027-02-28"
    assert str(periods.local_day(at=instant("2027-02-28 15:00:00"))) == "2027-03-01"


@pytest.mark.parametrize(
    ("day", "hours", "begins"),
    [
        ("2027-03-13", 24, "2027-03-13 05:00"),
        ("2027-03-14", 23, "2027-03-14 05:00"),
        ("2027-03-15", 24, "2027-03-15 04:00"),
        ("2027-11-06", 24, "2027-11-06 04:00"),
        ("2027-11-07", 25, "2027-11-07 04:00"),
        ("2027-11-08", 24, "2027-11-08 05:00"),
    ],
)
def test_a_day_of_23_or_25_hours_is_one_day(
    settings: Any, day: str, hours: int, begins: str
) -> None:
    settings.QUOTA_TIME_ZONE = "America/New_York"
    begin = instant(begins)

    end = resets_at("day", begin)

    assert periods.starts_at(day=date.fromisoformat(day)) == begin
    assert end == begin + timedelta(hours=hours)
    assert str(periods.local_day(at=end - timedelta(seconds=1))) == day
    assert resets_at("day", end - timedelta(seconds=1)) == end


@given(kind=st.sampled_from(KINDS[:3]), zone=st.sampled_from(ZONES), at=INSTANTS)
@SHARED_FIXTURES
def test_every_instant_lies_in_one_period_that_ends_where_the_next_begins(
    settings: Any, kind: str, zone: str, at: datetime
) -> None:
    settings.QUOTA_TIME_ZONE = zone
    first = periods.first_day(kind=kind, day=periods.local_day(at=at))

    end = periods.resets_at(kind=kind, start=first, at=at)

    assert periods.starts_at(day=first) <= at < end
    assert periods.starts_at(day=periods.local_day(at=end)) == end
    assert periods.first_day(kind=kind, day=periods.local_day(at=end)) == periods.local_day(at=end)
    last = periods.local_day(at=end - timedelta(microseconds=1))
    assert periods.first_day(kind=kind, day=last) == first


@pytest.mark.django_db
@given(kind=st.sampled_from(KINDS), stored=DAYS, at=INSTANTS)
@SHARED_FIXTURES
def test_the_rule_in_sql_is_the_rule_in_python(kind: str, stored: date, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT metering_period_start(%s, %s, %s)", [kind, stored, periods.local_day(at=at)]
        )
        (in_sql,) = cursor.fetchone()

    assert in_sql == periods.current_start(kind=kind, stored=stored, at=at)


@given(kind=st.sampled_from(KINDS), stored=DAYS, at=INSTANTS, zone=st.sampled_from(ZONES))
@SHARED_FIXTURES
def test_a_period_never_moves_back_and_resets_where_it_says(
    settings: Any, kind: str, stored: date, at: datetime, zone: str
) -> None:
    settings.QUOTA_TIME_ZONE = zone
    start = periods.current_start(kind=kind, stored=stored, at=at)

    end = periods.resets_at(kind=kind, start=start, at=at)

    assert start >= stored
    assert end is None or end > at
    assert end is None or periods.current_start(kind=kind, stored=start, at=end) > start
    before = (end or at) - timedelta(microseconds=1)
    assert periods.current_start(kind=kind, stored=start, at=max(before, at)) == start


@pytest.mark.django_db
def test_another_time_zone_never_reopens_a_closed_period(alice: User, settings: Any) -> None:
    now = instant("2027-02-28 15:30")  # 00:30 on 1 March in Seoul
    factories.charged(alice, 400, at=now)

    settings.QUOTA_TIME_ZONE = "Pacific/Honolulu"  # still February there

    balance = factories.balance(alice, now)
    assert (balance.used_tokens, str(balance.period_start)) == (400, "2027-03-01")
    factories.charged(alice, 30, at=now)
    assert factories.balance(alice, now).used_tokens == 430


@pytest.mark.django_db
def test_page_and_gate_name_the_true_reset_after_a_change_of_time_zone(
    alice: User, settings: Any
) -> None:
    now = instant("2027-02-28 15:30")
    factories.charged(alice, 9999, at=now)
    settings.QUOTA_TIME_ZONE = "Pacific/Honolulu"

    with pytest.raises(ledger.TokenLimitExceeded) as refusal:
        factories.hold(alice, 2, at=now)

    resets = factories.balance(alice, now).resets_at
    assert refusal.value.resets_at == resets == instant("2027-04-01 00:00", "Pacific/Honolulu")
    assert factories.figures(alice, resets - timedelta(seconds=1)) == (9999, 0)
    assert factories.figures(alice, resets) == (0, 0)


@pytest.mark.django_db
def test_a_shorter_period_starts_at_once(alice: User) -> None:
    factories.charged(alice, 400, at=instant("2027-03-10 12:00"))

    ledger.set_period(user=alice, period="day", at=instant("2027-03-11 12:00"), **factories.act())

    at = instant("2027-03-11 12:00")
    assert factories.figures(alice, at) == (0, 0)
    factories.hold(alice, 10_000, at=at)


@pytest.mark.django_db
def test_a_longer_period_starts_at_its_next_boundary(alice: User) -> None:
    now = instant("2027-03-10 12:00")
    ledger.set_period(user=alice, period="day", at=now, **factories.act())
    factories.charged(alice, 400, at=now)

    ledger.set_period(user=alice, period="month", at=now, **factories.act())

    april = instant("2027-04-01 00:00", "Asia/Seoul")
    assert factories.balance(alice, instant("2027-03-11 12:00")).resets_at == april
    assert factories.figures(alice, april - timedelta(seconds=1)) == (400, 0)
    assert factories.figures(alice, april) == (0, 0)


@pytest.mark.django_db
def test_grants_belong_to_their_period(alice: User) -> None:
    at = instant("2027-03-10 12:00")
    factories.charged(alice, 400, at=at)
    ledger.grant(user=alice, tokens=500, at=at, **factories.act())
    april = at + timedelta(days=30)

    factories.charged(alice, 30, at=april)

    assert factories.balance(alice, april).remaining_tokens == 9970
    assert TokenLedger.objects.get(user=alice).granted == 0
