"""A connection that is killed in the middle of a verb leaves all of it or nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import User
from generation.models import Short
from metering import audit, backlog, ledger
from metering.models import Hold, LedgerEntry, TokenLedger, UsageEvent
from metering.types import OpenHold, Usage
from tests import factories
from tests.concurrency import together
from tests.processes import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

WAITING = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND application_name = 'storm'"
    " ORDER BY random() LIMIT 1"
)
Work = Callable[[], Any]


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [value for (value,) in cursor.fetchall()]


@contextmanager
def locked(sql: str) -> Iterator[None]:
    """Somebody else has this row and does not let go."""
    with factories.elsewhere() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(sql)
        yield
        cursor.execute("ROLLBACK")


def in_a_thread(work: Work) -> Future[Any]:
    """Begin the work on a connection of its own."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with_one_thread = ThreadPoolExecutor(1)
    future = with_one_thread.submit(run)
    with_one_thread.shutdown(wait=False)
    return future


def kill_while_it_waits(work: Work) -> None:
    """Let the work come as far as the lock it waits for, then end its connection."""
    future = in_a_thread(work)
    wait_for(lambda: rows(WAITING), what="the verb to reach the lock", most_seconds=10)
    (pid,) = rows(WAITING)
    rows(f"SELECT pg_terminate_backend({pid})")
    assert isinstance(future.exception(timeout=10), OperationalError | ledger.MeteringUnavailable)


def state() -> list[Any]:
    """Everything that a verb could have changed."""
    models = (TokenLedger, Hold, UsageEvent, LedgerEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]


def storm(user_id: int, at: datetime, seconds: float, seed: int) -> list[OpenHold]:
    """Holds, reports and charges in a loop on a connection that others kill now and then."""
    user, done, until = User(pk=user_id), [], time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET application_name = 'storm'")
            (hold,) = factories.hold(user, 10, key=f"{seed}:{number}", at=at)
            with transaction.atomic():
                ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=7), at=at)
            ledger.charge(hold=hold, at=at)
            done.append(hold)
        except (OperationalError, ledger.MeteringUnavailable):
            connection.close()
    return done


def kill_often(seconds: float) -> int:
    """End a connection of the storm some hundred times a second."""
    killed, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)
        killed += len(rows(OTHERS))
    return killed


def test_an_answer_that_was_lost_after_the_commit_is_given_again(alice: User) -> None:
    at = timezone.now()
    hold = factories.due(alice, at=at)
    first = ledger.charge(hold=hold, at=at)
    (pid,) = rows("SELECT pg_backend_pid()")

    with factories.elsewhere() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(OperationalError):
        ledger.charge(hold=hold, at=at)
    connection.close()

    again = ledger.charge(hold=hold, at=at)
    assert (again.id, again.repeated) == (first.id, True)
    assert LedgerEntry.objects.count() == 1


def test_a_charge_killed_before_its_last_write_has_changed_nothing(alice: User) -> None:
    at = timezone.now()
    factories.charged(alice, 100, at=at)
    hold = factories.due(alice, 487, at=at)
    before = state()

    with locked("SELECT * FROM metering_dailyusage FOR UPDATE"):
        kill_while_it_waits(lambda: ledger.charge(hold=hold, at=at))

    assert state() == before
    assert ledger.charge(hold=hold, at=at).tokens == 487
    assert factories.figures(alice, at) == (587, 0)


def test_a_hold_killed_between_its_counter_and_its_rows_has_changed_nothing(alice: User) -> None:
    at = timezone.now()
    before = state()

    with locked(f"SELECT * FROM accounts_user WHERE id = {alice.pk} FOR UPDATE"):
        kill_while_it_waits(lambda: factories.hold(alice, 500, key="once", at=at))

    assert state() == before
    factories.hold(alice, 500, key="once", at=at)
    assert factories.figures(alice, at) == (0, 500)


def test_a_release_killed_while_it_waits_has_changed_nothing(alice: User) -> None:
    at = timezone.now()
    (hold,) = factories.hold(alice, 500, at=at)
    before = state()

    with locked("SELECT * FROM metering_hold FOR UPDATE"):
        kill_while_it_waits(lambda: ledger.release(hold=hold, reason="test", at=at))

    assert state() == before
    ledger.release(hold=hold, reason="test", at=at)
    assert factories.figures(alice, at) == (0, 0)


def test_a_report_goes_with_the_transaction_that_it_belongs_to(alice: User) -> None:
    at = timezone.now()
    (hold,) = factories.hold(alice, 500, at=at)
    short = factories.short(alice, "queued", job_id=hold.job_id)
    before = state()

    def move_the_job() -> None:
        with transaction.atomic():
            ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=487), at=at)
            Short.objects.filter(pk=short.pk).update(state="analyzed")

    with locked("SELECT * FROM generation_short FOR UPDATE"):
        kill_while_it_waits(move_the_job)

    assert state() == before


def test_a_storm_of_killed_connections_leaves_right_books(alice: User) -> None:
    at = timezone.now()
    factories.limit(alice, None, at=at, max_in_flight=10_000)

    future = in_a_thread(lambda: kill_often(3))
    finished = together.run(storm, [(alice.pk, at, 2.5, seed) for seed in range(4)])

    assert future.result(timeout=10) > 20
    backlog.charge_due(at=at)
    charged = set(LedgerEntry.objects.filter(kind="charge").values_list("hold_id", flat=True))
    assert {hold.id for done in finished for hold in done} <= charged
    assert audit.run() == []
    assert factories.figures(alice, at)[0] == 7 * len(charged)


VERBS: dict[str, Callable[..., Any]] = {
    "refund": lambda user, charge, hold, **act: ledger.refund(
        entry=charge.id, tokens=60, **act
    ),
    "grant": lambda user, charge, hold, **act: ledger.grant(user=user, tokens=5, **act),
    "adjust": lambda user, charge, hold, **act: ledger.adjust(user=user, tokens=-5, **act),
    "suspend": lambda user, charge, hold, **act: ledger.suspend(user=user, suspended=True, **act),
    "write_off": lambda user, charge, hold, **act: ledger.write_off(hold=hold, **act),
    "set_limit": lambda user, charge, hold, **act: ledger.set_limit(user=user, tokens=7, **act),
    "set_period": lambda user, charge, hold, **act: ledger.set_period(
        user=user, period="day", **act
    ),
    "track": lambda user, charge, hold, at, key, **act: ledger.track_token_usage(
        user=user, api_type=factories.ANALYSIS.api_type, model=factories.ANALYSIS.model,
        usage=Usage(total_tokens=9), key=key, at=at,
    ),
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_killed_between_its_counters_and_its_entry_has_changed_nothing(
    alice: User, verb: str
) -> None:
    at, act = timezone.now(), factories.act()
    charge, hold = factories.charged(alice, 100, at=at), factories.due(alice, 50, at=at)
    before = state()

    with locked(f"SELECT * FROM accounts_user WHERE id = {alice.pk} FOR UPDATE"):
        kill_while_it_waits(lambda: VERBS[verb](alice, charge, hold, at=at, **act))

    assert state() == before
    VERBS[verb](alice, charge, hold, at=at, **act)
    VERBS[verb](alice, charge, hold, at=at, **act)
    assert LedgerEntry.objects.count() == 2
    assert state() != before
