"""One call of one of the ledger's database functions. Only `ledger.py` makes them."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, connection
from psycopg import Cursor
from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row

KEYS = frozenset({"hold_key_unique", "event_key_unique", "entry_key_unique"})


class KeyConflict(Exception):
    """The key was used before, for another user, job or kind of entry."""


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
