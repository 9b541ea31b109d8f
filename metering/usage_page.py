"""The usage page: one period at a glance, day by day, and its statement. Plain values, all read
before anything is rendered. Units: tokens, and dollars of the tariff.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from metering import chart, meter, pace, periods, queries
from metering.models import DailyUsage, LedgerEntry
from metering.types import Balance

ROWS = 50
ROWS_ABOVE = 5
MOST_DAYS = 31
TOKENS, USD = "tokens", "usd"
UNITS = (TOKENS, USD)
API_TYPES: Mapping[str, Promise] = {
    "gemini-image-analysis": _("Picture analysis"),
    "gemini-veo-video": _("Veo video"),
    "gemini-omni-video": _("Omni video"),
}
# A dollar figure as a whole number, for the heights of the columns.
USD_PARTS = Decimal(10**8)


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
    """One entry of the statement. `what` says in words what it was for."""

    entry: LedgerEntry
    kind: str
    what: str | Promise


def page(*, user: User, asked: Asked, at: datetime) -> dict[str, Any]:
    """Everything that the page shows, in six queries at most. Raises queries.NoLedger, and
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
    drawn = _chart(daily=daily, unit=asked.unit, first=first, last=last)
    return {
        "balance": balance,
        "meter": meter.of(balance=balance),
        "runs_out_on": pace.of(balance=balance, user=user, at=at),
        "is_current": start == balance.period_start,
        "start": start,
        "earlier": earlier,
        "later": later,
        "unit": asked.unit,
        "chart": drawn,
        "highest_usd": drawn.highest / USD_PARTS,
        "names": [(n, API_TYPES.get(name, name)) for n, name in enumerate(_names(daily), start=1)],
        "days": _table(daily),
        "lines": [_line(entry) for entry in entries[:ROWS]],
        "older": entries[ROWS - 1].seq if len(entries) > ROWS else None,
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


def _names(daily: Sequence[DailyUsage]) -> list[str]:
    return sorted({row.api_type for row in daily})


def _chart(*, daily: Sequence[DailyUsage], unit: str, first: date, last: date) -> chart.Chart:
    values: dict[tuple[date, str], int] = {}
    for row in daily:
        value = row.tokens if unit == TOKENS else int((row.usd or Decimal(0)) * USD_PARTS)
        values[row.day, row.api_type] = values.get((row.day, row.api_type), 0) + value
    return chart.stacked(values=values, names=_names(daily), first=first, last=last)


def _table(daily: Sequence[DailyUsage]) -> list[dict[str, Any]]:
    return [
        {
            "day": row.day,
            "what": API_TYPES.get(row.api_type, row.api_type),
            "model": row.model,
            "tokens": row.tokens,
            "usd": row.usd,
        }
        for row in daily
    ]


def _line(entry: LedgerEntry) -> Line:
    what = API_TYPES.get(entry.api_type, entry.api_type) or entry.reason
    return Line(entry=entry, kind=entry.get_kind_display(), what=what)
