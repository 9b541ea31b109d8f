"""Samples, their middle, and tables of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One run: cycles a second, and how long each took, in seconds."""

    rate: float
    times: list[float]


@dataclass(frozen=True)
class Figures:
    """The middle of several runs."""

    rate: float
    p50_ms: float
    p99_ms: float
    rates: list[float]

    def to_json(self) -> dict[str, Any]:
        """Rounded to what can be told apart."""
        return {
            "per_second": round(self.rate),
            "p50_ms": round(self.p50_ms, 3),
            "p99_ms": round(self.p99_ms, 3),
            "runs_per_second": [round(rate) for rate in self.rates],
        }


def percentile(times: Sequence[float], share: float) -> float:
    """The time that this share of them kept within."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def middle(samples: Sequence[Sample]) -> Figures:
    """The median of each figure over all runs, so that one disturbed run says nothing."""
    return Figures(
        rate=median(sample.rate for sample in samples),
        p50_ms=median(1000 * percentile(sample.times, 0.5) for sample in samples),
        p99_ms=median(1000 * percentile(sample.times, 0.99) for sample in samples),
        rates=[sample.rate for sample in samples],
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown whose columns stand below each other."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in cells
    ]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])


def verdict(value: float, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """A figure beside its target."""
    if at_least is not None:
        return f"{value:.2f} ({'met' if value >= at_least else 'MISSED'}: at least {at_least})"
    return f"{value:.2f} ({'met' if value <= (at_most or 0) else 'MISSED'}: at most {at_most})"
