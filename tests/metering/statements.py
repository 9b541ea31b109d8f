"""What the tests of the statement share: entries in numbers, and files read back."""

import csv
import hashlib
import io
import json
from typing import Any
from uuid import uuid4

from django.db import connection

from accounts.models import User
from metering import ledger
from tests.factories import AT

# Entries as the ledger would write them, and the counters that follow from them.
MANY = """
INSERT INTO metering_ledgerentry (user_id, seq, kind, tokens, api_type, model, key, period_start,
    day, used_after, limit_after, reason, created_at)
SELECT %(user)s, n, 'adjustment', 1, '', '', 'many:' || n, '2026-11-01', '2026-11-25', n, 10000,
    'number ' || n, %(at)s FROM generate_series(1, %(count)s) n;
UPDATE metering_tokenledger SET seq = %(count)s, used = %(count)s, period_start = '2026-11-01'
WHERE user_id = %(user)s;
INSERT INTO metering_dailyusage (user_id, day, api_type, model, charges, tokens, cost_usd)
VALUES (%(user)s, '2026-11-25', '', '', 0, %(count)s, 0);
"""


def adjust(user: User, tokens: int, *, reason: str = "test", **more: Any) -> int:
    """One entry of so many tokens."""
    given = {"at": AT, "actor": None, "key": str(uuid4()), **more}
    return ledger.adjust(user=user, tokens=tokens, reason=reason, **given)


def adjust_often(user: User, times: int, *, tokens: int = 10) -> None:
    """Entries of one instant."""
    for _ in range(times):
        adjust(user, tokens)


def write_many(user: User, count: int) -> None:
    """Entries of 1 token each, written at once."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"user": user.pk, "count": count, "at": AT})


def content(response: Any) -> str:
    """The whole body of a download."""
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def csv_rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV export, without its last one."""
    return list(csv.DictReader(io.StringIO(text, newline="")))[:-1]


def csv_total(text: str) -> list[str]:
    """The last row of a CSV export, as far as it says something."""
    return list(csv.reader(io.StringIO(text, newline="")))[-1][:4]


def json_rows(text: str) -> list[dict[str, Any]]:
    """The rows of a JSON export, without its last one."""
    return [json.loads(line) for line in text.splitlines()[:-1]]


def json_total(text: str) -> dict[str, Any]:
    """What the last line of a JSON export says."""
    total: dict[str, Any] = json.loads(text.splitlines()[-1])["total"]
    return total


def hash_of(text: str) -> str:
    """The hash of a JSON export as its reader would make it: of all lines but the last."""
    lines = text.encode().splitlines(keepends=True)
    return hashlib.sha256(b"".join(lines[:-1])).hexdigest()
