"""What the demo prints: the progress, the log lines of one short, its receipt."""

import re
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

LINES_OF_A_SHORT = 4
LOG_SECONDS = 5
MESSAGE = re.compile(r"[✅💰] .*?(?=\s+\[[\w.]+\]|\s+\w+=|$)")


class Progress:
    """A bar on a terminal, else a line at each new stage."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bar = Bar(*columns, disable=not sys.stdout.isatty())
        self._task = self._bar.add_task("", total=100)
        self._stage = ""

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, stage: str, percent: int) -> None:
        """Say how far the short is."""
        self._bar.update(self._task, completed=percent, description=f"{stage:12}")
        if stage != self._stage and self._bar.disable:
            print(f"{stage} ({percent} %)", flush=True)
        self._stage = stage


def log_lines(log: Path, position: int, short_id: str) -> list[str]:
    """The messages about this short in the log file, after the position. Waits for the last."""
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        with log.open("rb") as file:
            file.seek(position)
            lines = file.read().decode("utf-8", errors="replace").splitlines()
        found = [MESSAGE.search(line) for line in lines if f"job_id={short_id}" in line]
        messages = [match.group() for match in found if match]
        if len(messages) >= LINES_OF_A_SHORT or time.monotonic() > deadline:
            return messages
        time.sleep(0.1)


def print_receipt(receipt: dict[str, Any]) -> None:
    """A row for each leg and one for the sum."""
    table = Table(title="Receipt, in tokens", title_justify="left")
    for heading in ("step", "held", "charged", "returned", "how it was reckoned"):
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    for leg in receipt["legs"]:
        held, charged = leg["estimated_tokens"], leg["charged_tokens"]
        table.add_row(
            escape(leg["api_type"]),
            *_tokens(held, charged, max(held - charged, 0)),
            escape(_reckoning(leg)),
            end_section=leg is receipt["legs"][-1],
        )
    total = (receipt["held_tokens"], receipt["charged_tokens"], receipt["returned_tokens"])
    table.add_row("together", *_tokens(*total))
    width = None if sys.stdout.isatty() else 100
    Console(width=width).print(table)


_NUMBERS = ("held", "charged", "returned")


def _tokens(*numbers: int) -> list[str]:
    return [f"{number:,}" for number in numbers]


def _reckoning(leg: dict[str, Any]) -> str:
    dollars = f" (${leg['usd']})" if leg.get("usd") else ""
    return f"{leg.get('formula') or leg['state']}{dollars}"
