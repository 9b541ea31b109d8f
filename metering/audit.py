"""The books prove themselves: one function per invariant of the ledger.

Each is one query that yields a Finding for every row that differs; rows that agree never leave the
database. All are read inside one snapshot, so a live system may go on meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction


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


def used_follows_from_entries() -> Iterator[Finding]:
    """`used` is the sum of the period's charges, refunds and adjustments."""
    yield from _differences(
        "used",
        """
        SELECT l.user_id, format('used is %s, entries of the period give %s', l.used, e.sum)
        FROM metering_tokenledger l CROSS JOIN LATERAL (
            SELECT coalesce(sum(tokens), 0) AS sum FROM metering_ledgerentry
            WHERE user_id = l.user_id AND period_start = l.period_start
        ) e WHERE l.used <> e.sum
        """,
    )


def held_follows_from_live_holds() -> Iterator[Finding]:
    """`held` is the sum of the period's open and due holds."""
    yield from _differences(
        "held",
        """
        SELECT l.user_id, format('held is %s, live holds give %s', l.held, coalesce(h.sum, 0))
        FROM metering_tokenledger l LEFT JOIN (
            SELECT user_id, period_start, sum(amount) AS sum FROM metering_hold
            WHERE state IN ('open', 'due') GROUP BY user_id, period_start
        ) h ON h.user_id = l.user_id AND h.period_start = l.period_start
        WHERE l.held <> coalesce(h.sum, 0)
        """,
    )


def entries_are_numbered_without_gap() -> Iterator[Finding]:
    """`seq` counts 1, 2, 3 … to the ledger's own number."""
    yield from _differences(
        "seq",
        """
        SELECT coalesce(l.user_id, e.user_id),
               format('ledger says %s entries, there are %s, numbered %s to %s',
                      coalesce(l.seq::text, 'nothing of its'), coalesce(e.rows, 0),
                      coalesce(e.first, 0), coalesce(e.last, 0))
        FROM metering_tokenledger l FULL JOIN (
            SELECT user_id, count(*) AS rows, min(seq) AS first, max(seq) AS last
            FROM metering_ledgerentry GROUP BY user_id
        ) e USING (user_id)
        WHERE l.seq IS DISTINCT FROM coalesce(e.rows, 0)
           OR l.seq IS DISTINCT FROM coalesce(e.last, 0)
           OR e.first <> 1
        """,
    )


def running_sums_are_unbroken() -> Iterator[Finding]:
    """`used_after` is the running sum of the entry's own period."""
    yield from _differences(
        "used_after",
        """
        SELECT user_id, format('entry %s says %s used, the running sum is %s', id, used_after, run)
        FROM (
            SELECT user_id, id, used_after,
                   sum(tokens) OVER (PARTITION BY user_id, period_start ORDER BY seq) AS run
            FROM metering_ledgerentry
        ) e WHERE used_after <> run
        """,
    )


def holds_and_charges_pair_up() -> Iterator[Finding]:
    """A captured hold has one charge, of its billable event's tokens; no other hold has any."""
    yield from _differences(
        "charge",
        """
        SELECT h.user_id, format('hold %s is %s with %s charges of %s tokens, its event says %s',
                                 h.id, h.state, count(e.id), coalesce(sum(e.tokens), 0),
                                 coalesce(max(u.tokens)::text, 'nothing'))
        FROM metering_hold h
        LEFT JOIN metering_ledgerentry e ON e.hold_id = h.id AND e.kind = 'charge'
        LEFT JOIN metering_usageevent u ON u.hold_id = h.id AND u.billable
        GROUP BY h.id
        HAVING CASE WHEN h.state = 'captured'
            THEN count(e.id) <> 1 OR sum(e.tokens) IS DISTINCT FROM max(u.tokens)
            ELSE count(e.id) > 0 OR (h.state = 'due' AND count(u.id) <> 1)
                OR (h.state IN ('open', 'released') AND count(u.id) > 0) END
        """,
    )


def charges_say_what_their_events_say() -> Iterator[Finding]:
    """A charge has the user, leg, tokens and dollars of the billable event that it was made from,
    and a billable event that no hold waits for has its charge."""
    yield from _differences(
        "event",
        """
        SELECT coalesce(e.user_id, u.user_id),
               format('entry %s charges %s tokens, event %s says %s',
                      coalesce(e.id::text, '-'), coalesce(e.tokens, 0),
                      coalesce(u.id::text, '-'), coalesce(u.tokens, 0))
        FROM (SELECT * FROM metering_ledgerentry WHERE kind = 'charge') e
        FULL JOIN (SELECT * FROM metering_usageevent WHERE billable) u ON u.id = e.event_id
        LEFT JOIN metering_hold h ON h.id = u.hold_id
        WHERE (e.id IS NOT NULL OR h.state IS NULL OR h.state = 'captured')
          AND (e.user_id, e.hold_id, e.job_id, e.api_type, e.model, e.tokens, e.usd, e.cost_usd)
            IS DISTINCT FROM
            (u.user_id, u.hold_id, u.job_id, u.api_type, u.model, u.tokens, u.usd, u.cost_usd)
        """,
    )


def no_leg_is_charged_twice() -> Iterator[Finding]:
    """A job's leg is charged once, however many holds it had."""
    yield from _differences(
        "charged twice",
        """
        SELECT user_id, format('job %s was charged %s times for %s', job_id, count(*), api_type)
        FROM metering_ledgerentry WHERE kind = 'charge' AND hold_id IS NOT NULL
        GROUP BY user_id, job_id, api_type HAVING count(*) > 1
        """,
    )


def daily_rows_equal_entries() -> Iterator[Finding]:
    """The roll-up by day, API type and model equals the entries."""
    yield from _differences(
        "daily",
        """
        SELECT coalesce(d.user_id, e.user_id),
               format('%s %s %s: the roll-up says %s, entries give %s (charges, tokens, tariff,'
                      ' cost)', day, api_type, model,
                      (d.charges, d.tokens, d.usd, d.cost_usd),
                      (e.charges, e.tokens, e.usd, e.cost_usd))
        FROM metering_dailyusage d FULL JOIN (
            SELECT user_id, day, api_type, model,
                   count(*) FILTER (WHERE kind = 'charge') AS charges, sum(tokens) AS tokens,
                   sum(usd) AS usd, coalesce(sum(cost_usd), 0) AS cost_usd
            FROM metering_ledgerentry WHERE tokens <> 0
            GROUP BY user_id, day, api_type, model
        ) e USING (user_id, day, api_type, model)
        WHERE (d.charges, d.tokens, d.usd, d.cost_usd)
            IS DISTINCT FROM (e.charges, e.tokens, e.usd, e.cost_usd)
        """,
    )


Invariant = Callable[[], Iterator[Finding]]
INVARIANTS: tuple[Invariant, ...] = (
    used_follows_from_entries,
    held_follows_from_live_holds,
    entries_are_numbered_without_gap,
    running_sums_are_unbroken,
    holds_and_charges_pair_up,
    charges_say_what_their_events_say,
    no_leg_is_charged_twice,
    daily_rows_equal_entries,
)


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is of one instant; nothing is written and nobody is made to wait."""
    with transaction.atomic():
        # Inside somebody's transaction it is too late to ask for a snapshot.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def findings(*, extra: Sequence[Invariant] = ()) -> Iterator[Finding]:
    """What the invariants of the ledger, and then those of other apps, find, one by one."""
    for invariant in (*INVARIANTS, *extra):
        yield from invariant()


def run(*, extra: Sequence[Invariant] = ()) -> list[Finding]:
    """All findings of all invariants, read from one snapshot; empty if the books are right."""
    with snapshot():
        return list(findings(extra=extra))


def size() -> Size:
    """How many users, entries, holds, and holds that wait for their charge there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM metering_tokenledger),
                   (SELECT count(*) FROM metering_ledgerentry),
                   count(*), count(*) FILTER (WHERE state = 'due') FROM metering_hold
            """
        )
        return Size(*cursor.fetchone())


def _differences(invariant: str, sql: str) -> Iterator[Finding]:
    # A cursor of the server's: however many rows differ, only some are here at a time.
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        for user_id, detail in cursor:
            yield Finding(invariant=invariant, user_id=user_id, detail=detail)
