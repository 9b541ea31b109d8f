"""Tokens and dollars by day, over all users or those that a list is narrowed to.

Two charts, and the same in figures, made of the roll-up alone, in two queries.

Units: tokens, and dollars of the tariff and of the provider's cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Max, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from metering import chart, usage_page
from metering.admin import columns
from metering.models import DailyUsage

MOST_DAYS = 31
COST, MARGIN = "cost", "margin"


@dataclass(frozen=True)
class Sums:
    """What some rows of the roll-up come to; the margin is what the tariff leaves of the cost."""

    tokens: int
    usd: Decimal
    cost_usd: Decimal

    @property
    def margin_usd(self) -> Decimal:
        """Below 0 where the provider bills more than users are charged by."""
        return self.usd - self.cost_usd


def of(rows: QuerySet[DailyUsage]) -> dict[str, Any] | None:
    """The last 31 days of these rows that have any; None where there are no rows."""
    last = rows.aggregate(last=Max("day"))["last"]
    if last is None:
        return None
    first = last - timedelta(days=MOST_DAYS - 1)
    found = _by_day_and_type(rows.filter(day__gte=first))
    by_day = {day: _sum(list(some)) for day, some in groupby(found, key=lambda row: row["day"])}
    used = {row["api_type"] for row in found}
    names = [name for name in usage_page.API_TYPES if name in used]
    names += sorted(used.difference(names))
    tokens = {(row["day"], row["api_type"]): row["tokens"] for row in found}
    return {
        "first": first,
        "last": last,
        "charts": [
            _drawn(
                title=_("Tokens by day"), values=tokens, by_day=by_day, last=last,
                names={name: usage_page.API_TYPES.get(name, name) for name in names},
            ),
            _drawn(
                title=_("Dollars by day"), values=_parts_of_dollars(by_day), by_day=by_day,
                names={COST: _("Cost: what the provider bills"), MARGIN: _("Margin above it")},
                last=last, in_dollars=True,
            ),
        ],
        "days": [(day, _figures(sums)) for day, sums in sorted(by_day.items(), reverse=True)],
        "total": _figures(_sum(found)),
    }  # fmt: skip


def _by_day_and_type(rows: QuerySet[DailyUsage]) -> Sequence[dict[str, Any]]:
    sums: QuerySet[Any] = rows.order_by().values("day", "api_type").annotate(
        tokens=Sum("tokens"), usd=Sum("usd"), cost_usd=Sum("cost_usd")
    )  # fmt: skip
    return list(sums.order_by("day", "api_type"))


def _sum(rows: Sequence[dict[str, Any]]) -> Sums:
    return Sums(
        tokens=sum(row["tokens"] for row in rows),
        usd=sum((row["usd"] or Decimal(0) for row in rows), Decimal(0)),
        cost_usd=sum((row["cost_usd"] for row in rows), Decimal(0)),
    )


def _parts_of_dollars(by_day: dict[date, Sums]) -> dict[tuple[date, str], int]:
    """Cost and margin as whole numbers; where there is a margin, both make up the tariff."""
    parts = {}
    for day, sums in by_day.items():
        parts[day, COST] = int(sums.cost_usd * usage_page.USD_PARTS)
        parts[day, MARGIN] = int(sums.margin_usd * usage_page.USD_PARTS)
    return parts


def _drawn(
    *, title: Any, values: dict[tuple[date, str], int], names: dict[str, Any],
    by_day: dict[date, Sums], last: date, in_dollars: bool = False,
) -> dict[str, Any]:  # fmt: skip
    first = last - timedelta(days=MOST_DAYS - 1)
    drawn = chart.stacked(values=values, names=list(names), first=first, last=last)
    scale = [drawn.top, drawn.top // 2]
    return {
        "title": title,
        "scale": [
            columns.about(value / usage_page.USD_PARTS) if in_dollars else columns.tokens(value)
            for value in scale
        ],
        "columns": [
            (column, _figures(by_day[column.day]) if column.day in by_day else None)
            for column in drawn.columns
        ],
        "names": list(names.values()),
    }


def _figures(sums: Sums) -> dict[str, str]:
    return {
        "tokens": columns.tokens(sums.tokens),
        "tariff": columns.about(sums.usd),
        "cost": columns.about(sums.cost_usd),
        "margin": columns.about(sums.margin_usd),
    }
