"""The books prove themselves: one function per invariant of the ledger.

Each yields a Finding for every row that differs. Read them all inside one snapshot: `run` opens it,
so a live system may go on meanwhile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction


@dataclass(frozen=True)
class Finding:
    """One broken promise: which, of whom, and the two figures that should agree."""

    invariant: str
    user_id: int | None
    detail: str


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
               format('ledger says %s entries, there are %s up to number %s',
                      l.seq, coalesce(e.rows, 0), coalesce(e.last, 0))
        FROM metering_tokenledger l FULL JOIN (
            SELECT user_id, count(*) AS rows, max(seq) AS last
            FROM metering_ledgerentry GROUP BY user_id
        ) e USING (user_id)
        WHERE l.seq IS DISTINCT FROM coalesce(e.rows, 0)
           OR l.seq IS DISTINCT FROM coalesce(e.last, 0)
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
               format('%s %s %s: the roll-up says %s tokens, entries give %s',
                      coalesce(d.day, e.day), coalesce(d.api_type, e.api_type),
                      coalesce(d.model, e.model), d.tokens, e.tokens)
        FROM metering_dailyusage d FULL JOIN (
            SELECT user_id, day, api_type, model, sum(tokens) AS tokens, sum(usd) AS usd,
                   coalesce(sum(cost_usd), 0) AS cost_usd
            FROM metering_ledgerentry WHERE tokens <> 0
            GROUP BY user_id, day, api_type, model
        ) e USING (user_id, day, api_type, model)
        WHERE (d.tokens, d.usd, d.cost_usd) IS DISTINCT FROM (e.tokens, e.usd, e.cost_usd)
        """,
    )


INVARIANTS: tuple[Callable[[], Iterator[Finding]], ...] = (
    used_follows_from_entries,
    held_follows_from_live_holds,
    entries_are_numbered_without_gap,
    running_sums_are_unbroken,
    holds_and_charges_pair_up,
    no_leg_is_charged_twice,
    daily_rows_equal_entries,
)


def run(*, invariants: tuple[Callable[[], Iterator[Finding]], ...] = INVARIANTS) -> list[Finding]:
    """All findings of all invariants, read from one snapshot; empty if the books are right."""
    with transaction.atomic():
        if not transaction.get_connection().savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return [finding for invariant in invariants for finding in invariant()]


def _differences(invariant: str, sql: str) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        for user_id, detail in cursor:
            yield Finding(invariant=invariant, user_id=user_id, detail=detail)
