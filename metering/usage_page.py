"""The usage page: one period at a glance, day by day, and its statement. Plain values, all read
before anything is rendered. Units: tokens, and dollars of the tariff.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from metering import chart, meter, notices, pace, periods, queries
from metering.models import DailyUsage, Hold, LedgerEntry
from metering.types import Balance

ROWS = 30
ROWS_ABOVE = 5
MOST_HOLDS = 100
MOST_DAYS = 31
TOKENS, USD = "tokens", "usd"
UNITS = (TOKENS, USD)
# In the order in which they stand on each other; what is unknown comes after.
API_TYPES: Mapping[str, Promise] = {
    "gemini-image-analysis": _("Picture analysis"),
    "gemini-veo-video": _("Veo video"),
    "gemini-omni-video": _("Omni video"),
    "": _("Corrections by staff"),
}
HELD_FOR = {
    Hold.State.OPEN: _("set aside until the work is done"),
    Hold.State.DUE: _("done, and being charged"),
}
PARKED = _("set aside until the outcome is certain")
# A dollar figure as a whole number, for the heights of the columns.
USD_PARTS = Decimal(10**8)
# The chart tells this many kinds of use apart.
LOOKS = 4


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a period by its first day, a unit, and where the statement begins;
    or the part of it that an entry lies in."""

    period: date | None = None
    unit: str = TOKENS
    before_seq: int | None = None
    entry_id: int | None = None


@dataclass(frozen=True)
class Line:
    """One entry of the statement. `what` says in words what it was for; `left_after` is None where
    there was no limit."""

    entry: LedgerEntry
    kind: str
    what: str | Promise
    left_after: int | None


@dataclass(frozen=True)
class HeldJob:
    """What one job holds right now: `legs` are what for, how many tokens, and why still."""

    job_id: UUID
    since: datetime
    tokens: int
    legs: tuple[tuple[str | Promise, int, str | Promise], ...]


def page(*, user: User, asked: Asked, at: datetime) -> dict[str, Any]:
    """Everything that the page shows, in eight queries at most. Raises queries.NoLedger, and
    LedgerEntry.DoesNotExist for an entry that is not the user's."""
    balance = queries.balance(user=user, at=at)
    if asked.entry_id is not None:
        asked = _beside(user=user, asked=asked, entry_id=asked.entry_id)
    start = asked.period or balance.period_start
    earlier, later = queries.periods_beside(user=user, period_start=start)
    first, last = _days(balance=balance, start=start, later=later, at=at)
    daily = queries.usage_by_day(user=user, since=first, until=last)
    entries = queries.entries(
        user=user, before_seq=asked.before_seq, most=ROWS + 1, period_start=start
    )
    if later is None and start < balance.period_start:
        later = balance.period_start
    return {
        "balance": balance,
        "meter": meter.of(balance=balance),
        "runs_out_on": pace.of(balance=balance, user=user, at=at),
        "held": list(_held(queries.live_holds(user=user, most=MOST_HOLDS))),
        "notices": notices.of_period(user=user, period_start=start),
        "is_current": start == balance.period_start,
        "start": start,
        "days_left_out": first > start,
        "earlier": earlier,
        "later": later,
        "lines": [_line(entry, later=later) for entry in entries[:ROWS]],
        "older": entries[ROWS - 1].seq if len(entries) > ROWS else None,
        **_use(daily=daily, unit=asked.unit, first=first, last=last),
    }


def _beside(*, user: User, asked: Asked, entry_id: int) -> Asked:
    """The same question, for the period of an entry, from a little above it on."""
    entry = LedgerEntry.objects.get(user=user, pk=entry_id)
    return replace(asked, period=entry.period_start, before_seq=entry.seq + ROWS_ABOVE)


def _days(*, balance: Balance, start: date, later: date | None, at: datetime) -> tuple[date, date]:
    """The days to draw: the period's, at most the last 31 of a longer one."""
    today = periods.local_day(at=at)
    end = periods.resets_at(
        kind=balance.period_kind, start=start, at=min(at, periods.starts_at(day=start))
    )
    last = periods.local_day(at=end) - timedelta(days=1) if end else max(today, start)
    if later is not None:
        last = min(last, later - timedelta(days=1))
    return max(start, last - timedelta(days=MOST_DAYS - 1)), max(last, start)


def _use(*, daily: Sequence[DailyUsage], unit: str, first: date, last: date) -> dict[str, Any]:
    """The chart in one unit, and the same figures in both: by day, by what it was for, in all."""
    names = _names(daily)
    drawn = chart.stacked(values=_values(daily, unit), names=names, first=first, last=last)
    by_day = {day: _sum(list(rows)) for day, rows in groupby(daily, key=lambda row: row.day)}
    rows_of = {name: [row for row in daily if row.api_type == name] for name in names}
    return {
        "unit": unit,
        "chart": drawn,
        "scale": _amounts(drawn.top, drawn.top // 2, unit=unit),
        "columns": [(column, by_day.get(column.day)) for column in drawn.columns],
        "kinds": [
            {"look": min(look, LOOKS), "what": API_TYPES.get(name, name), **_sum(rows_of[name])}
            for look, name in enumerate(names, start=1)
            if rows_of[name]
        ],
        "total": _sum(daily),
        "days": [{"row": row, "what": API_TYPES.get(row.api_type, row.api_type)} for row in daily],
    }


def _values(daily: Sequence[DailyUsage], unit: str) -> dict[tuple[date, str], int]:
    """What the columns are made of: tokens, or parts of a dollar."""
    values: dict[tuple[date, str], int] = {}
    for row in daily:
        value = row.tokens if unit == TOKENS else int((row.usd or Decimal(0)) * USD_PARTS)
        values[row.day, row.api_type] = values.get((row.day, row.api_type), 0) + value
    return values


def _amounts(*values: int, unit: str) -> list[int] | list[Decimal]:
    """The values of a chart in its unit."""
    return list(values) if unit == TOKENS else [value / USD_PARTS for value in values]


def _names(daily: Sequence[DailyUsage]) -> list[str]:
    """What use is for: what is known in its order, then the rest."""
    return [*API_TYPES, *sorted({row.api_type for row in daily} - set(API_TYPES))]


def _sum(rows: Sequence[DailyUsage]) -> dict[str, Any]:
    """Tokens, and dollars where there is a tariff in dollars at all."""
    dollars = [row.usd for row in rows if row.usd is not None]
    return {
        "tokens": sum(row.tokens for row in rows),
        "usd": sum(dollars, Decimal(0)) if dollars else None,
    }


def _held(holds: Sequence[Hold]) -> Iterator[HeldJob]:
    for job_id, of_job in groupby(holds, key=lambda hold: hold.job_id):
        legs = list(of_job)
        yield HeldJob(
            job_id=job_id,
            since=legs[0].created_at,
            tokens=sum(leg.amount for leg in legs),
            legs=tuple(
                (
                    API_TYPES.get(leg.api_type, leg.api_type),
                    leg.amount,
                    PARKED if leg.parked else HELD_FOR[Hold.State(leg.state)],
                )
                for leg in legs
            ),
        )


def _line(entry: LedgerEntry, *, later: date | None) -> Line:
    """`later`: the first day of the period after this one. What is booked that late says nothing of
    what was left then: its limit is that of the later period."""
    what = API_TYPES.get(entry.api_type, entry.api_type) if entry.api_type else entry.why
    is_late = later is not None and periods.local_day(at=entry.created_at) >= later
    left = None if entry.limit_after is None else entry.limit_after - entry.used_after
    return Line(
        entry=entry,
        kind=entry.get_kind_display(),
        what=what,
        left_after=None if is_late else left,
    )
