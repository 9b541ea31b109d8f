"""Our dollars against the provider's bill, by day and kind. Nothing is stored.

Ours are the costs of all usage events, also of those that nobody was charged for, each on the day
of the bill's time zone on which it was recorded. A kind is whatever the bill tells apart: a model,
else an API type. Units: dollars; days of the bill.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from metering.models import UsageEvent

COLUMNS = ("day", "kind", "usd")
MOST_DAYS = 100
MOST_USD = 10**12
# Days far outside have no instant in every time zone.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)

Bill = Mapping[tuple[date, str], Decimal]


class Unreadable(Exception):
    """A bill that can't be read; `message` says which line, and why."""

    def __init__(self, message: str | Promise) -> None:
        self.message = message
        super().__init__(str(message))


@dataclass(frozen=True)
class Line:
    """One day and kind; a side that knows nothing of it has 0."""

    day: date | None
    kind: str
    ours_usd: Decimal
    billed_usd: Decimal

    @property
    def difference_usd(self) -> Decimal:
        """What the provider bills beyond what we know of."""
        return self.billed_usd - self.ours_usd


def read(*, text: str) -> Bill:
    """A bill as CSV with the columns day, kind and usd; what is there twice is added up.

    Raises Unreadable.
    """
    found: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    rows = csv.DictReader(io.StringIO(text.strip().lstrip("\ufeff")))
    try:
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise Unreadable(_("The first line must name the columns: day, kind, usd."))
        for row in rows:
            day, kind, usd = _cells(row, number=rows.line_num)
            found[day, kind] += usd
    except csv.Error as error:
        raise _at(rows.line_num) from error
    if not found:
        raise Unreadable(_("There is no line below the names of the columns."))
    if _last(found) - _first(found) >= timedelta(days=MOST_DAYS):
        raise Unreadable(_("Compare at most %(days)s days at once.") % {"days": MOST_DAYS})
    return found


def compare(*, bill: Bill, zone: ZoneInfo) -> Sequence[Line]:
    """The days of a bill, line by line, by day and kind; the last line is the sum of all."""
    ours = _ours(first=_first(bill), last=_last(bill), zone=zone, kinds={kind for _, kind in bill})
    lines = [
        Line(day, kind, ours.get((day, kind), Decimal(0)), bill.get((day, kind), Decimal(0)))
        for day, kind in sorted({*ours, *bill})
    ]
    total = Line(
        day=None,
        kind="",
        ours_usd=sum((line.ours_usd for line in lines), Decimal(0)),
        billed_usd=sum((line.billed_usd for line in lines), Decimal(0)),
    )
    return [*lines, total]


def _ours(
    *, first: date, last: date, zone: ZoneInfo, kinds: set[str]
) -> dict[tuple[date, str], Decimal]:
    start = datetime.combine(first, time.min, zone)
    end = datetime.combine(last + timedelta(days=1), time.min, zone)
    events = UsageEvent.objects.filter(created_at__gte=start, created_at__lt=end)
    by_day = events.values("api_type", "model", day=TruncDate("created_at", tzinfo=zone))
    found: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for row in by_day.annotate(cost=Sum("cost_usd")):
        kind = row["model"] if row["model"] in kinds else row["api_type"]
        found[row["day"], kind] += row["cost"]
    return found


def _cells(row: Mapping[str, Any], *, number: int) -> tuple[date, str, Decimal]:
    day, kind, usd = ((row[name] or "").strip() for name in COLUMNS)
    try:
        amount = Decimal(usd.removeprefix("$").replace(",", ""))
        found = date.fromisoformat(day), kind, amount
        is_sound = kind and abs(amount) < MOST_USD and FIRST_DAY <= found[0] <= LAST_DAY
    except (ValueError, InvalidOperation) as error:
        raise _at(number) from error
    if not is_sound:
        raise _at(number)
    return found


def _at(number: int) -> Unreadable:
    text = _("Line %(number)s must be like 2026-11-25,gemini-veo-video,12.34")
    return Unreadable(text % {"number": number})


def _first(bill: Bill) -> date:
    return min(day for day, _kind in bill)


def _last(bill: Bill) -> date:
    return max(day for day, _kind in bill)
