"""Where the figures are taken: a PostgreSQL of the benchmarks' own, with durable defaults.

It lives in LOCAL_DIR/bench, so the data of a running stack are never touched. `open_place` comes
before anything of Django is imported, because settings are read once.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from shortsproject.local import files, postgres

USERS = 1000
PLENTY = 10**12
WITH_KEYS = 20


@dataclass(frozen=True)
class Place:
    """The server that runs, and where its programs are."""

    local_dir: Path
    url: str
    programs: Path

    def connect(self, database: str) -> psycopg.Connection:
        """A plain connection to one of the databases, each statement on its own."""
        url = urlsplit(self.url)._replace(path=f"/{database}").geturl()
        return psycopg.connect(url, autocommit=True)

    def copy(self, name: str, *, of: str) -> None:
        """Make a database anew as a copy of another."""
        with self.connect("postgres") as server:
            server.execute(_ddl("DROP DATABASE IF EXISTS {}", name))
            server.execute(_ddl("CREATE DATABASE {} TEMPLATE {}", name, of))

    def rename(self, name: str, *, to: str) -> None:
        """Give a database its final name."""
        with self.connect("postgres") as server:
            server.execute(_ddl("ALTER DATABASE {} RENAME TO {}", name, to))

    def exists(self, name: str) -> bool:
        """Whether there is such a database."""
        with self.connect("postgres") as server:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return server.execute(query, [name]).fetchone() is not None


def open_place() -> Place:
    """Start the server, and make Django look at it as it would in production."""
    local_dir = files.local_dir() / "bench"
    url = postgres.start(local_dir)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="shortsproject.settings",
        LOCAL_DIR=str(local_dir),
        DATABASE_URL=url,
        DEBUG="0",
        SECRET_KEY="only-for-figures",
        ALLOWED_HOSTS="testserver",
        REDIS_URL="redis://127.0.0.1:1/0",
        GEMINI_BASE_URL="http://127.0.0.1:1",
        SECURE_SSL_REDIRECT="0",
        LOG_LANGUAGE="en",
    )
    (local_dir / "static").mkdir(exist_ok=True)
    return Place(local_dir=local_dir, url=url, programs=postgres.place_for(local_dir).programs)


def close_place(place: Place, *, keep: bool) -> None:
    """Stop the server and, unless the filled tables are wanted again, delete its data."""
    postgres.stop(place.local_dir)
    if not keep:
        postgres.discard(postgres.place_for(place.local_dir))


def make_users() -> None:
    """Migrate the database, and give it people with as many tokens and places as they like."""
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User

    call_command("migrate", verbosity=0)
    if not User.objects.exists():
        with connection.cursor() as cursor:
            User.objects.bulk_create(
                User(pk=n, email=f"user{n}@example.org", password="!") for n in range(1, USERS + 1)
            )
            cursor.execute(
                """
                INSERT INTO metering_tokenledger (
                    user_id, token_limit, granted, period, period_start, used, held, seq,
                    max_in_flight, suspended, notice_levels
                )
                SELECT id, %s, 0, 'month', '2000-01-01', 0, 0, 0, 1000, false, '{50,80,95,100}'
                FROM accounts_user
                """,
                [PLENTY],
            )
    connection.close()


def _ddl(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*(sql.Identifier(name) for name in names))
