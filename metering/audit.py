"""The books prove themselves: one function per invariant of the ledger.

Each is one query that yields a Finding for every row that differs; rows that agree never leave the
database. All are read inside one snapshot, so a live system may go on meanwhile. Each looks at
everybody, or at one user: the names in braces are the tables, or that user's part of them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

TABLES = {
    "ledgers": "metering_tokenledger",
    "entries": "metering_ledgerentry",
    "holds": "metering_hold",
    "events": "metering_usageevent",
    "daily": "metering_dailyusage",
}


@dataclass(frozen=True)
class Finding:
    """One broken promise: which, of whom, and the two figures that should agree."""

    invariant: str
    user_id: int | None
    detail: str


@dataclass(frozen=True)
class Size:
    """How much there is to prove. `due_holds` is the backlog of charges, normally 0."""

    users: int
    entries: int
    holds: int
    due_holds: int


def used_follows_from_entries(user_id: int | None = None) -> Iterator[Finding]:
    """`used` is the sum of the period's charges, refunds and adjustments."""
    yield from _differences(
        "used",
        user_id,
        """
        SELECT l.user_id, format('used is %s, entries of the period give %s', l.used, e.sum)
        FROM {ledgers} l CROSS JOIN LATERAL (
            SELECT coalesce(sum(tokens), 0) AS sum FROM {entries} e
            WHERE user_id = l.user_id AND period_start = l.period_start
        ) e WHERE l.used <> e.sum
        """,
    )


def granted_follows_from_grants(user_id: int | None = None) -> Iterator[Finding]:
    """`granted` is the sum of the period's grants."""
    yield from _differences(
        "granted",
        user_id,
        """
        SELECT l.user_id, format('granted is %s, grants of the period give %s', l.granted, e.sum)
        FROM {ledgers} l CROSS JOIN LATERAL (
            SELECT coalesce(sum(limit_delta), 0) AS sum FROM {entries} e
            WHERE user_id = l.user_id AND period_start = l.period_start AND kind = 'grant'
        ) e WHERE l.granted <> e.sum
        """,
    )


def held_follows_from_live_holds(user_id: int | None = None) -> Iterator[Finding]:
    """`held` is the sum of the period's open and due holds."""
    yield from _differences(
        "held",
        user_id,
        """
        SELECT l.user_id, format('held is %s, live holds give %s', l.held, coalesce(h.sum, 0))
        FROM {ledgers} l LEFT JOIN (
            SELECT user_id, period_start, sum(amount) AS sum FROM {holds} h
            WHERE state IN ('open', 'due') GROUP BY user_id, period_start
        ) h ON h.user_id = l.user_id AND h.period_start = l.period_start
        WHERE l.held <> coalesce(h.sum, 0)
        """,
    )


def entries_are_numbered_without_gap(user_id: int | None = None) -> Iterator[Finding]:
    """`seq` counts 1, 2, 3 … to the ledger's own number."""
    yield from _differences(
        "seq",
        user_id,
        """
        SELECT coalesce(l.user_id, e.user_id),
               format('ledger says %s entries, there are %s, numbered %s to %s',
                      coalesce(l.seq::text, 'nothing of its'), coalesce(e.rows, 0),
                      coalesce(e.first, 0), coalesce(e.last, 0))
        FROM {ledgers} l FULL JOIN (
            SELECT user_id, count(*) AS rows, min(seq) AS first, max(seq) AS last
            FROM {entries} e GROUP BY user_id
        ) e USING (user_id)
        WHERE l.seq IS DISTINCT FROM coalesce(e.rows, 0)
           OR l.seq IS DISTINCT FROM coalesce(e.last, 0)
           OR e.first <> 1
        """,
    )


def running_sums_are_unbroken(user_id: int | None = None) -> Iterator[Finding]:
    """`used_after` is the running sum of the entry's own period."""
    yield from _differences(
        "used_after",
        user_id,
        """
        SELECT user_id, format('entry %s says %s used, the running sum is %s', id, used_after, run)
        FROM (
            SELECT user_id, id, used_after,
                   sum(tokens) OVER (PARTITION BY user_id, period_start ORDER BY seq) AS run
            FROM {entries} e
        ) e WHERE used_after <> run
        """,
    )


def holds_and_charges_pair_up(user_id: int | None = None) -> Iterator[Finding]:
    """A captured hold has one charge, of its billable event's tokens; no other hold has any."""
    yield from _differences(
        "charge",
        user_id,
        """
        SELECT h.user_id, format('hold %s is %s with %s charges of %s tokens, its event says %s',
                                 h.id, h.state, (e.id IS NOT NULL)::int, coalesce(e.tokens, 0),
                                 coalesce(u.tokens::text, 'nothing'))
        FROM {holds} h
        LEFT JOIN {entries} e ON e.hold_id = h.id AND e.kind = 'charge'
        LEFT JOIN {events} u ON u.hold_id = h.id AND u.billable
        WHERE CASE h.state
            WHEN 'captured' THEN e.id IS NULL OR e.tokens IS DISTINCT FROM u.tokens
            WHEN 'due' THEN e.id IS NOT NULL OR u.id IS NULL
            WHEN 'written_off' THEN e.id IS NOT NULL
            ELSE e.id IS NOT NULL OR u.id IS NOT NULL END
        """,
    )


def charges_say_what_their_events_say(user_id: int | None = None) -> Iterator[Finding]:
    """A charge has the user, leg, tokens and dollars of the billable event that it was made from,
    and a billable event that no hold waits for has its charge."""
    yield from _differences(
        "event",
        user_id,
        """
        SELECT coalesce(e.user_id, u.user_id),
               format('entry %s charges %s tokens, event %s says %s',
                      coalesce(e.id::text, '-'), coalesce(e.tokens, 0),
                      coalesce(u.id::text, '-'), coalesce(u.tokens, 0))
        FROM (SELECT * FROM {entries} e WHERE kind = 'charge') e
        FULL JOIN (SELECT * FROM {events} u WHERE billable) u ON u.id = e.event_id
        LEFT JOIN {holds} h ON h.id = u.hold_id
        WHERE (e.id IS NOT NULL OR h.state IS NULL OR h.state = 'captured')
          AND (e.user_id, e.hold_id, e.job_id, e.api_type, e.model, e.tokens, e.usd, e.cost_usd)
            IS DISTINCT FROM
            (u.user_id, u.hold_id, u.job_id, u.api_type, u.model, u.tokens, u.usd, u.cost_usd)
        """,
    )


def no_leg_is_charged_twice(user_id: int | None = None) -> Iterator[Finding]:
    """A job's leg is charged once, however many holds it had."""
    yield from _differences(
        "charged twice",
        user_id,
        """
        SELECT user_id, format('job %s was charged %s times for %s', job_id, count(*), api_type)
        FROM {entries} e WHERE kind = 'charge' AND job_id IS NOT NULL
        GROUP BY user_id, job_id, api_type HAVING count(*) > 1
        """,
    )


def daily_rows_equal_entries(user_id: int | None = None) -> Iterator[Finding]:
    """The roll-up by day, API type and model equals the entries."""
    yield from _differences(
        "daily",
        user_id,
        """
        SELECT coalesce(d.user_id, e.user_id),
               format('%s %s %s: the roll-up says %s, entries give %s (charges, tokens, tariff,'
                      ' cost)', day, api_type, model,
                      (d.charges, d.tokens, d.usd, d.cost_usd),
                      (e.charges, e.tokens, e.usd, e.cost_usd))
        FROM {daily} d FULL JOIN (
            SELECT user_id, day, api_type, model,
                   count(*) FILTER (WHERE kind = 'charge') AS charges, sum(tokens) AS tokens,
                   sum(usd) AS usd, coalesce(sum(cost_usd), 0) AS cost_usd
            FROM {entries} e WHERE tokens <> 0
            GROUP BY user_id, day, api_type, model
        ) e USING (user_id, day, api_type, model)
        WHERE (d.charges, d.tokens, d.usd, d.cost_usd)
            IS DISTINCT FROM (e.charges, e.tokens, e.usd, e.cost_usd)
        """,
    )


def entries_belong_to_the_period_of_their_hold(user_id: int | None = None) -> Iterator[Finding]:
    """What is said of a hold is said to its user, in the period and on the day it was opened."""
    yield from _differences(
        "period",
        user_id,
        """
        SELECT e.user_id, format('entry %s is of %s, %s, its hold %s of %s, %s', e.id,
                                 e.period_start, e.day, e.hold_id, h.period_start, h.day)
        FROM {entries} e LEFT JOIN {holds} h ON h.id = e.hold_id
        WHERE e.hold_id IS NOT NULL
          AND (e.user_id, e.period_start, e.day) IS DISTINCT FROM (h.user_id, h.period_start, h.day)
        """,
    )


def refunds_fit_into_their_charge(user_id: int | None = None) -> Iterator[Finding]:
    """Refunds point to a charge of the same user, job and period, and never exceed it."""
    yield from _differences(
        "refund",
        user_id,
        """
        SELECT r.user_id, format('%s tokens are refunded of entry %s, which charges the user %s',
                                 r.sum, r.reverses_id, coalesce(c.tokens, 0))
        FROM (
            SELECT reverses_id, user_id, job_id, period_start, day, -sum(tokens) AS sum
            FROM {entries} e WHERE reverses_id IS NOT NULL OR kind = 'refund'
            GROUP BY reverses_id, user_id, job_id, period_start, day
        ) r
        LEFT JOIN {entries} c ON c.id = r.reverses_id AND c.kind = 'charge'
            AND (c.user_id, c.job_id, c.period_start, c.day)
                IS NOT DISTINCT FROM (r.user_id, r.job_id, r.period_start, r.day)
        WHERE c.id IS NULL OR r.sum > c.tokens OR r.sum <= 0
        """,
    )


def write_offs_and_holds_pair_up(user_id: int | None = None) -> Iterator[Finding]:
    """A hold that was written off has one entry that says so; no other hold has any."""
    yield from _differences(
        "write-off",
        user_id,
        """
        SELECT coalesce(h.user_id, w.user_id),
               format('hold %s is %s with %s write-offs', coalesce(h.id, w.hold_id),
                      coalesce(h.state, 'not there'), coalesce(w.rows, 0))
        FROM {holds} h FULL JOIN (
            SELECT user_id, hold_id, count(*) AS rows FROM {entries} e
            WHERE kind = 'write_off' GROUP BY user_id, hold_id
        ) w ON w.hold_id = h.id AND w.user_id = h.user_id
        WHERE coalesce(w.rows, 0) <> (h.state IS NOT DISTINCT FROM 'written_off')::int
        """,
    )


def limits_follow_from_their_changes(user_id: int | None = None) -> Iterator[Finding]:
    """`limit_after` is the one before it and the entry's own change, to the ledger's own limit.

    This can be told inside the period in force, and of staff acts, which are always of the period
    that was. A charge of an older period is skipped: grants may have fallen away before it.
    """
    yield from _differences(
        "limit_after",
        user_id,
        """
        SELECT e.user_id, format('entry %s says a limit of %s, before it were %s, changed by %s',
                                 e.id, coalesce(e.limit_after::text, 'none'),
                                 coalesce(b.limit_after::text, 'none'), coalesce(e.limit_delta, 0))
        FROM {entries} e
        JOIN {ledgers} l ON l.user_id = e.user_id
        JOIN {entries} b ON b.user_id = e.user_id AND b.seq = e.seq - 1
            AND b.period_start = e.period_start
        WHERE (e.period_start = l.period_start
            OR e.kind IN ('limit', 'grant', 'adjustment', 'suspension'))
          AND NOT (e.kind = 'limit' AND e.limit_delta IS NULL)
          AND e.limit_after IS DISTINCT FROM b.limit_after + coalesce(e.limit_delta, 0)
        UNION ALL
        SELECT l.user_id, format('the last entry says a limit of %s, the ledger %s with grants',
                                 coalesce(e.limit_after::text, 'none'),
                                 coalesce((l.token_limit + l.granted)::text, 'none'))
        FROM {ledgers} l
        JOIN {entries} e ON e.user_id = l.user_id AND e.seq = l.seq
            AND e.period_start = l.period_start
        WHERE e.limit_after IS DISTINCT FROM l.token_limit + l.granted
        """,
    )


Invariant = Callable[[int | None], Iterator[Finding]]
INVARIANTS: tuple[Invariant, ...] = (
    used_follows_from_entries,
    granted_follows_from_grants,
    held_follows_from_live_holds,
    entries_are_numbered_without_gap,
    running_sums_are_unbroken,
    holds_and_charges_pair_up,
    charges_say_what_their_events_say,
    no_leg_is_charged_twice,
    daily_rows_equal_entries,
    entries_belong_to_the_period_of_their_hold,
    refunds_fit_into_their_charge,
    write_offs_and_holds_pair_up,
    limits_follow_from_their_changes,
)


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is of one instant; nothing is written and nobody is made to wait."""
    with transaction.atomic():
        # Inside somebody's transaction it is too late to ask for a snapshot.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                # All rows are read, so plan for all; sorts and joins of millions want memory.
                cursor.execute("SET LOCAL cursor_tuple_fraction = 1; SET LOCAL work_mem = '64MB'")
        yield


def findings(*, extra: Sequence[Invariant] = (), user_id: int | None = None) -> Iterator[Finding]:
    """What the invariants of the ledger, and then those of other apps, find, one by one."""
    for invariant in (*INVARIANTS, *extra):
        yield from invariant(user_id)


def run(*, extra: Sequence[Invariant] = (), user_id: int | None = None) -> list[Finding]:
    """All findings of all invariants, read from one snapshot; empty if the books are right."""
    with snapshot():
        return list(findings(extra=extra, user_id=user_id))


def size(*, user_id: int | None = None) -> Size:
    """How many users, entries, holds, and holds that wait for their charge there are."""
    counts = _of(
        user_id,
        """
        SELECT (SELECT count(*) FROM {ledgers} l),
               (SELECT count(*) FROM {entries} e),
               count(*), count(*) FILTER (WHERE state = 'due') FROM {holds} h
        """,
    )
    with connection.cursor() as cursor:
        cursor.execute(counts)
        return Size(*cursor.fetchone())


def _differences(invariant: str, user_id: int | None, sql: str) -> Iterator[Finding]:
    # A cursor of the server's: however many rows differ, only some are here at a time.
    with connection.chunked_cursor() as cursor:
        cursor.execute(_of(user_id, sql))
        for owner_id, detail in cursor:
            yield Finding(invariant=invariant, user_id=owner_id, detail=detail)


def _of(user_id: int | None, sql: str) -> str:
    """The query for everybody, or for one user: the books of one never refer to another's."""
    one = "(SELECT * FROM {} WHERE user_id = %d)"
    part = "{}" if user_id is None else one % user_id
    return sql.format(**{name: part.format(table) for name, table in TABLES.items()})
