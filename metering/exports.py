"""Rows as a file, streamed one by one, that proves itself: a user's entries of one period, or for
staff whatever a list of entries or usage events is narrowed to.

Two formats of the same rows. The last line tells how many rows there are, the sum of their tokens,
and the SHA-256 over the rows' canonical bytes: each row as one line of compact JSON in UTF-8, keys
in the order of the columns, ended by a line feed. These are the lines of the JSON export, so that
the same rows have the same hash in both formats. A file without its last line was cut off.

The provider's cost is in the files of staff only.
"""

import csv
import hashlib
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from accounts.models import User
from metering import rates
from metering.models import LedgerEntry

# Column, and field of the entry.
COLUMNS = {
    "seq": "seq",
    "time": "created_at",
    "kind": "kind",
    "tokens": "tokens",
    "usd": "usd",
    "api_type": "api_type",
    "model": "model",
    "job_id": "job_id",
    "used_after": "used_after",
    "limit_after": "limit_after",
    "reason": "reason",
    "day": "day",
    "period_start": "period_start",
    "entry_id": "id",
    "reverses": "reverses_id",
}
# What staff get besides: whose it is, what the provider bills, and where it comes from.
STAFF_ENTRIES = {
    "user_id": "user_id",
    "user": "user__email",
    **COLUMNS,
    "limit_delta": "limit_delta",
    "cost_usd": "cost_usd",
    "actor": "actor__email",
    "hold_id": "hold_id",
    "event_id": "event_id",
    "key": "key",
}
STAFF_EVENTS = {
    "event_id": "id",
    "time": "created_at",
    "user_id": "user_id",
    "user": "user__email",
    "job_id": "job_id",
    "hold_id": "hold_id",
    "attempt": "attempt",
    "api_type": "api_type",
    "model": "model",
    "prompt_tokens": "prompt_tokens",
    "candidates_tokens": "candidates_tokens",
    "thoughts_tokens": "thoughts_tokens",
    "cached_tokens": "cached_tokens",
    "total_tokens": "total_tokens",
    "seconds": "seconds",
    "resolution": "resolution",
    "provider_id": "provider_id",
    "basis": "basis",
    "billable": "billable",
    "tokens": "tokens",
    "usd": "usd",
    "cost_usd": "cost_usd",
    "key": "key",
}
TEXTS = (
    "kind", "api_type", "model", "reason", "user", "actor", "provider_id", "basis", "resolution",
    "key",
)  # fmt: skip
# How a cell begins that a spreadsheet takes for a formula, and the mark that makes it text.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MARK = "'"
ROWS_AT_ONCE = 1000
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
}

Row = dict[str, Any]


@dataclass
class Total:
    """What the last line tells, counted while the rows go by."""

    rows: int = 0
    tokens: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, row: Row) -> str:
        """Count a row; returns its canonical line."""
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
        self.rows += 1
        self.tokens += row["tokens"]
        self.digest.update(line.encode())
        return line

    @property
    def sha256(self) -> str:
        return str(self.digest.hexdigest())


def response(*, user: User, period_start: date, kind: str) -> StreamingHttpResponse:
    """The download: `kind` is `csv` or `jsonl`."""
    found = rows(user=user, period_start=period_start)
    return _download(found, columns=COLUMNS, kind=kind, name=f"entries-{period_start}")


def of_list(
    *, listed: QuerySet[Any], columns: Mapping[str, str], kind: str, name: str
) -> StreamingHttpResponse:
    """For staff: these entries or events, the oldest first. `columns`: STAFF_ENTRIES or _EVENTS."""
    found = _read(listed.order_by("pk"), columns)
    return _download(found, columns=columns, kind=kind, name=name)


def _download(
    found: Iterator[Row], *, columns: Mapping[str, str], kind: str, name: str
) -> StreamingHttpResponse:
    lines = csv_lines(found, columns) if kind == "csv" else json_lines(found)
    answer = StreamingHttpResponse(lines, content_type=CONTENT_TYPES[kind])
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def rows(*, user: User, period_start: date) -> Iterator[Row]:
    """The entries, the oldest first, as plain values. A server-side cursor reads one snapshot."""
    entries: QuerySet[LedgerEntry] = LedgerEntry.objects.filter(
        user=user, period_start=period_start
    ).order_by("seq")
    return _read(entries, COLUMNS)


def _read(found: QuerySet[Any], columns: Mapping[str, str]) -> Iterator[Row]:
    for values in found.values_list(*columns.values()).iterator(chunk_size=ROWS_AT_ONCE):
        yield {name: _plain(value) for name, value in zip(columns, values, strict=True)}


def csv_lines(found: Iterator[Row], columns: Mapping[str, str] = COLUMNS) -> Iterator[str]:
    """A header, the rows, and a last row `total`, rows, tokens, hash; as wide as all others."""
    writer = csv.writer(_Echo())
    total = Total()
    yield writer.writerow(columns)
    for row in found:
        total.add(row)
        yield writer.writerow(
            [safe(value or "") if name in TEXTS else value for name, value in row.items()]
        )
    last = ["total", total.rows, total.tokens, total.sha256]
    yield writer.writerow(last + [""] * (len(columns) - len(last)))


def json_lines(found: Iterator[Row]) -> Generator[str, None, None]:
    """The rows, and a last object with the one key `total`."""
    total = Total()
    for row in found:
        yield total.add(row)
    last = {"rows": total.rows, "tokens": total.tokens, "sha256": total.sha256}
    yield json.dumps({"total": last}) + "\n"


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    An apostrophe is set before what looks like one, and before an apostrophe, so that taking the
    first one away always gives the text back.
    """
    return MARK + text if text.startswith((*FORMULAS, MARK)) else text


class _Echo:
    """A file that keeps nothing: what the csv module writes is handed back."""

    def write(self, text: str) -> str:
        return text


def _plain(value: Any) -> str | int | None:
    """Numbers and texts as they are, times in UTC with `Z`, dollars without loss, ids as text."""
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return rates.usd_text(value) if isinstance(value, Decimal) else str(value)
