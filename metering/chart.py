"""A stacked column chart as plain integers for an SVG: one column a day, one part an API type.

Units: places and sizes are shares of the picture, in hundredths of a percent, so that the SVG can
be any size and its text keeps its own. Values are integers of one unit, whatever that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WHOLE = 100 * 100
# How much of a day's place its column takes, in percent, and how broad a column is at most.
BAR_PERCENT = 72
BROADEST = WHOLE // 12
# The top of the scale is one of these times a power of ten, so that its half is a round number.
TIDY = (2, 4, 6, 8, 10)
# With more days than these, only one in a week has its number below.
FEW = 10
WEEK = 7


@dataclass(frozen=True)
class Part:
    """One part of a column: where it lies, which of the names it belongs to, and its value."""

    x: int
    y: int
    width: int
    height: int
    name: int
    value: int

    @property
    def place(self) -> dict[str, str]:
        """The attributes of the rectangle."""
        return {
            "x": percent(self.x), "y": percent(self.y),
            "width": percent(self.width), "height": percent(self.height),
        }  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One day: its place, its parts from the ground up, and their sum."""

    day: date
    x: int
    width: int
    parts: tuple[Part, ...]
    total: int
    is_labelled: bool

    @property
    def place(self) -> dict[str, str]:
        """The attributes of the whole day's rectangle, and its middle."""
        return {
            "x": percent(self.x), "width": percent(self.width),
            "middle": percent(self.x + self.width // 2),
        }  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """All days from the first to the last, the highest column's value, and that of the top."""

    columns: tuple[Column, ...]
    highest: int
    top: int

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
    top = tidy(highest)
    columns = tuple(
        _column(values=[values.get((day, name), 0) for name in names], days=days, day=day, top=top)
        for day in days
    )
    return Chart(columns=columns, highest=highest, top=top)


def tidy(value: int) -> int:
    """The smallest round number that is not below a value; its half is a round number, too."""
    power = 1
    while power * TIDY[-1] < value:
        power *= 10
    return next(step * power for step in TIDY if step * power >= value)


def percent(share: int) -> str:
    """Hundredths of a percent as an SVG attribute."""
    return f"{share // 100}.{share % 100:02}%"


def _height(*, values: Mapping[tuple[date, str], int], names: Sequence[str], day: date) -> int:
    return sum(max(values.get((day, name), 0), 0) for name in names)


def _column(*, values: Sequence[int], days: Sequence[date], day: date, top: int) -> Column:
    place = (day - days[0]).days
    left, right = (n * WHOLE // len(days) for n in (place, place + 1))
    bar = min((right - left) * BAR_PERCENT // 100, BROADEST)
    x = left + (right - left - bar) // 2
    parts, below = [], 0
    for number, value in enumerate(values, start=1):
        if value > 0:
            # Both edges are rounded alike, so that parts meet without a gap.
            bottom = below * WHOLE // top
            below += value
            upper = below * WHOLE // top
            parts.append(Part(x, WHOLE - upper, bar, upper - bottom, number, value))
    return Column(
        day=day, x=left, width=right - left, parts=tuple(parts), total=sum(values),
        is_labelled=len(days) <= FEW or place % WEEK == 0,
    )  # fmt: skip
