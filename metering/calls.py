"""One call of one of the ledger's database functions: what it takes, and what it answers.

Only `ledger.py` makes them.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection
from psycopg import Cursor
from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from metering.models import LedgerEntry
from metering.types import PricedUsage, Usage

KEYS = frozenset({"hold_key_unique", "event_key_unique", "entry_key_unique"})


class KeyConflict(Exception):
    """The key was used before, for another user, job, charge, kind of entry, or other tokens."""


def one(call: str, arguments: Sequence[Any]) -> dict[str, Any]:
    """Call a function, `call` being its name with placeholders. Returns its row by column name.

    Raises KeyConflict for a key that another user brings at this very instant: each user's lock is
    their own, so only the constraint sees both.
    """
    # Django's cursor would write the arguments into the statement's text and describe every column
    # of the answer: more work than all the rest here. It is used where somebody listens to it.
    connection.ensure_connection()
    cursor: Any = Cursor(connection.connection, row_factory=dict_row)
    watched = connection.queries_logged or connection.execute_wrappers
    run = connection.make_debug_cursor(cursor) if watched else cursor
    try:
        with connection.wrap_database_errors, cursor:
            run.execute(f"SELECT * FROM {call}", arguments)  # noqa: S608 - ledger.py's own texts
            row: dict[str, Any] = cursor.fetchone()
            return row
    except IntegrityError as error:
        cause = error.__cause__
        if isinstance(cause, UniqueViolation) and cause.diag.constraint_name in KEYS:
            raise KeyConflict(cause.diag.constraint_name) from error
        raise


def check_first(row: dict[str, Any], *, key: str, **act: Any) -> None:
    """Raise KeyConflict where the key stands for another act: who repeats one gets its first entry,
    whose columns say the same as `act`. Entries never change, so it may be looked at afterwards.
    """
    first = LedgerEntry.objects.filter(pk=row["entry_id"], **act)
    if row["outcome"] == "key_conflict" or (row["outcome"] == "repeated" and not first.exists()):
        raise KeyConflict(key)


def event(*, usage: Usage, priced: PricedUsage, billable: bool) -> Jsonb:
    """A usage event as the functions take it, before it belongs to anybody."""
    return Jsonb(
        {
            "prompt_tokens": usage.prompt_tokens,
            "candidates_tokens": usage.candidates_tokens,
            "thoughts_tokens": usage.thoughts_tokens,
            "cached_tokens": usage.cached_tokens,
            "total_tokens": usage.total_tokens,
            "seconds": usage.seconds,
            "resolution": usage.resolution,
            "provider_id": usage.provider_id[:300],
            "basis": str(priced.basis),
            "billable": billable,
            "tokens": priced.tokens,
            "usd": _text(priced.usd),
            "cost_usd": _text(priced.cost_usd),
        }
    )


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else str(usd)
