"""Start and end of an allowance period, from an instant.

Periods are counted in whole local days of the operator's time zone (`QUOTA_TIME_ZONE`). There is
no reset job: the first touch in a new period rolls a ledger over, and reads derive it. The period's
first day only moves forward; `metering_period_start` in SQL is the same rule for the writers.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def local_day(*, at: datetime) -> date:
    """The operator's local day at an instant."""
    return at.astimezone(ZoneInfo(settings.QUOTA_TIME_ZONE)).date()


def starts_at(*, day: date) -> datetime:
    """The instant, in UTC, at which a local day begins."""
    midnight = datetime.combine(day, time.min, tzinfo=ZoneInfo(settings.QUOTA_TIME_ZONE))
    return midnight.astimezone(UTC)


def first_day(*, kind: str, day: date) -> date | None:
    """The first day of the period that `day` lies in. None for `lifetime`, which has none."""
    if kind == "month":
        return day.replace(day=1)
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day if kind == "day" else None


def current_start(*, kind: str, stored: date, at: datetime) -> date:
    """The first day of the period in force at `at` for a ledger that stores `stored`."""
    return max(stored, first_day(kind=kind, day=local_day(at=at)) or stored)


def resets_at(*, kind: str, start: date, at: datetime) -> datetime | None:
    """The instant, in UTC, at which the period after the one of `start` begins.

    None for `lifetime`. Where the time zone was changed, `start` can lie ahead of the local day.
    """
    day = max(start, local_day(at=at))
    if kind == "month":
        return starts_at(day=(day.replace(day=1) + timedelta(days=32)).replace(day=1))
    if kind == "week":
        return starts_at(day=day + timedelta(days=7 - day.weekday()))
    return starts_at(day=day + timedelta(days=1)) if kind == "day" else None
