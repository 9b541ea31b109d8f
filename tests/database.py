"""Pytest plugin: empty the database after a transactional test and keep the first prices.

The append-only triggers refuse TRUNCATE, so they are lifted here, and only here, for the flush. A
plugin rather than a conftest, so that tests outside this folder can be run as well.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import psutil
import pytest
from django.db import connection
from django.test import TransactionTestCase

_first = import_module("metering.migrations.0004_first_rate_cards")
FIRST_RATE_CARDS = sum(len(prices) for _, _, _, prices, *_ in _first.VIDEO) + len(_first.ANALYSIS)

KEPT = (
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "metering_ratecard",
    "metering_conversionrate",
)


@pytest.fixture(scope="session", autouse=True)
def _flush_keeps_prices() -> Iterator[None]:
    """A flush after a transactional test lifts the append-only triggers and keeps first prices."""
    original = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = empty
    yield
    TransactionTestCase._fixture_teardown = original


def empty(case: Any = None) -> None:
    """Remove every row but the kept tables', and from those what tests added."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = 'public' AND NOT tablename = ANY(%s)",
            [list(KEPT)],
        )
        tables = ", ".join(name for (name,) in cursor.fetchall())
        cursor.execute(
            f"""
            BEGIN;
            SET LOCAL session_replication_role = replica;
            TRUNCATE {tables} RESTART IDENTITY;
            DELETE FROM metering_ratecard WHERE id > {FIRST_RATE_CARDS};
            DELETE FROM metering_conversionrate WHERE id > 1;
            UPDATE metering_ratecard SET enabled = true, retires_at = CASE
                WHEN model LIKE 'veo-3.0-%' THEN '2026-06-30 00:00+00'::timestamptz END;
            COMMIT;
            """
        )


def disconnect_others() -> None:
    """End what killed processes left open, so that nothing waits for their locks.

    This process may have several connections: Django opens another one while a browser is driven,
    because that runs an event loop.
    """
    connection.ensure_connection()
    ours = [socket.laddr.port for socket in psutil.Process().net_connections("tcp")]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND NOT client_port = ANY(%s)",
            [ours],
        )
