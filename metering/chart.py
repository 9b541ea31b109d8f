"""A stacked column chart as plain integers for an SVG: one column a day, one part an API type.

Units: the picture is `DAY_WIDTH` wide for each day and `HEIGHT` high, and is stretched to its
place; values are integers of one unit, whatever that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DAY_WIDTH = 100
BAR_WIDTH = 72
HEIGHT = 1000


@dataclass(frozen=True)
class Part:
    """One part of a column: where it lies, which of the names it belongs to, and its value."""

    x: int
    y: int
    width: int
    height: int
    name: int
    value: int


@dataclass(frozen=True)
class Column:
    """One day: its parts from the ground up, and their sum."""

    day: date
    parts: tuple[Part, ...]
    total: int


@dataclass(frozen=True)
class Chart:
    """All days from the first to the last, and the highest column's value."""

    columns: tuple[Column, ...]
    highest: int
    width: int
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands above the ground."""
        return self.highest == 0


def stacked(
    *, values: Mapping[tuple[date, str], int], names: Sequence[str], first: date, last: date
) -> Chart:
    """A chart of values by day and name; parts stand in the order of `names`.

    What refunds took below zero is drawn as nothing and counts in the sum.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    highest = max((_height(values=values, names=names, day=day) for day in days), default=0)
    columns = tuple(
        _column(values=values, names=names, day=day, place=place, highest=highest)
        for place, day in enumerate(days)
    )
    return Chart(columns=columns, highest=highest, width=DAY_WIDTH * len(days))


def _height(*, values: Mapping[tuple[date, str], int], names: Sequence[str], day: date) -> int:
    return sum(max(values.get((day, name), 0), 0) for name in names)


def _column(
    *,
    values: Mapping[tuple[date, str], int],
    names: Sequence[str],
    day: date,
    place: int,
    highest: int,
) -> Column:
    parts, below = [], 0
    x = place * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) // 2
    for number, name in enumerate(names, start=1):
        value = values.get((day, name), 0)
        if value > 0:
            # Both edges are rounded alike, so that parts meet without a gap.
            bottom = below * HEIGHT // highest
            below += value
            top = below * HEIGHT // highest
            parts.append(Part(x, HEIGHT - top, BAR_WIDTH, top - bottom, number, value))
    total = sum(values.get((day, name), 0) for name in names)
    return Column(day=day, parts=tuple(parts), total=total)
