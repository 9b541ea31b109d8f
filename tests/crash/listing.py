"""Pytest plugin: once the crash matrix has run, a list of its cells.

It reads the reports of the subtests, which come to where the list is written from any worker.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

SIDES = ("before", "during", "after")
# How the matrix names a cell; the other subtests of the suite have no such names.
CELL = re.compile(
    rf"(?P<life>[a-z]+-[a-z]+)-(?P<point>\d\d-.+)-(?P<side>{'|'.join(SIDES)})"
    r"-(?:once|then-(?P<again>\d\d-.+))"
)
ONLY_ONCE = "*"


class Cells:
    """The cells that have run so far, and the names of those that failed."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.context.msg if isinstance(report, pytest.SubtestReport) else None
        if name and CELL.fullmatch(name):
            self.names.append(name)
            self.failed += [name] if report.failed else []

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.names:
            terminalreporter.section("crash matrix")
            width = terminalreporter._tw.fullwidth
            for line in summary(names=self.names, failed=self.failed, width=width):
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Cells(), "crash matrix")


def summary(*, names: Iterable[str], failed: Iterable[str], width: int) -> Iterator[str]:
    """A paragraph for each life and side, the cells that failed, and the counts."""
    points: dict[tuple[str, str], Counter[str]] = {}
    for name in sorted(names):
        if found := CELL.fullmatch(name):
            lived = points.setdefault((found["life"], found["side"]), Counter())
            lived[found["point"]] += bool(found["again"])
    for (life, side), twice in sorted(points.items(), key=_place):
        listed = ", ".join(f"{point}{'' if n else ONLY_ONCE}" for point, n in twice.items())
        text = f"{life}, killed {side}, {len(twice)} points: {listed}"
        yield from textwrap.wrap(text, width - 1, subsequent_indent="  ", break_on_hyphens=False)
    lost = [f"FAILED {name}" for name in failed]
    yield from lost
    yield (
        f"{sum(1 for _ in names)} cells, each point once and twice in a row ({ONLY_ONCE}: once);"
        f" lost, double or extra: {len(lost)}"
    )


def _place(found: tuple[tuple[str, str], Counter[str]]) -> tuple[str, int]:
    (life, side), _points = found
    return life, SIDES.index(side)
