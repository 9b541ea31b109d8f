"""However many shorts have ended: no statement of the pipeline reads through all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from generation import turns, unsettled
from generation.models import Short, State
from generation.pipeline import cancel, leave, remove, resolve, sweep
from metering import backlog
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving, lining_up, settling

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plants_ledger_errors]

ENDED = 20_000
LONG_AGO = lining_up.BEGAN - timedelta(days=365)
ENDED_LONG_AGO = {
    "submitted_at": LONG_AGO, "rendered_at": LONG_AGO, "finished_at": LONG_AGO, "video": "v.mp4",
}  # fmt: skip
COPIES = {
    "generation_short": {"id": "gen_random_uuid()", "operation_name": "'op-' || n"},
    "metering_hold": {"id": "1000 + n", "job_id": "gen_random_uuid()", "key": "'old' || n"},
    "metering_usageevent": {"id": "1000 + n", "hold_id": "1000 + n",
                            "job_id": "gen_random_uuid()"},
    "metering_ledgerentry": {"id": "1000 + n", "hold_id": "1000 + n", "event_id": "1000 + n",
                             "job_id": "gen_random_uuid()", "key": "'old' || n",
                             "seq": "1000 + n"},
}  # fmt: skip

Plans = dict[str, str]


@pytest.fixture
def plans(make_user: Callable[..., User], stand_in: StandIn) -> Iterator[Plans]:
    """The plan of each statement of the test that reads from a table which grows. Somebody has had
    very many shorts, which have ended long ago."""
    old = make_user("old")
    lining_up.rows(old, 1, State.SUCCEEDED, **ENDED_LONG_AGO)
    factories.charged(old)
    for table, changed in COPIES.items():
        copy(table, changed)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with watched() as seen:
        yield seen


def copy(table: str, changed: dict[str, str]) -> None:
    """Many rows like the one that is there."""
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(
            cursor, table)]  # fmt: skip
    columns = ", ".join(connection.ops.quote_name(name) for name in names)
    values = ", ".join(changed.get(name, connection.ops.quote_name(name)) for name in names)
    factories.plant(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table},"
        f" generate_series(1, {ENDED}) AS n"
    )


@contextmanager
def watched() -> Iterator[Plans]:
    seen: Plans = {}

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT" not in sql and any(table in sql for table in COPIES):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                seen[sql] = "\n".join(line for (line,) in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield seen


def reading_all(plans: Plans) -> list[str]:
    """The statements that go through a whole table, with their plans."""
    return [
        f"{sql}\n{plan}"
        for sql, plan in plans.items()
        if any(f"Seq Scan on {table}" in plan for table in COPIES)
    ]


def test_from_order_to_video(alice: User, plans: Plans) -> None:
    driving.until(driving.begin(alice, idempotency_key="k", request_hash="a"), State.SUCCEEDED)
    driving.begin(alice, idempotency_key="k", request_hash="a")

    assert len(plans) > 10
    assert reading_all(plans) == []


def test_what_beat_does_again_and_again(alice: User, stand_in: StandIn, plans: Plans) -> None:
    settling.unknown(alice, stand_in)
    lining_up.full(alice, 2)
    lining_up.make_room()
    plans.clear()

    sweep.ring_due(at=timezone.now())
    backlog.charge_due(at=timezone.now())
    unsettled.tell(at=timezone.now())

    assert len(plans) == 5
    assert reading_all(plans) == []


def test_what_pages_ask_of_the_line_and_of_what_waits_for_staff(alice: User, plans: Plans) -> None:
    waiting = lining_up.rows(alice, 3)

    turns.places(shorts=waiting, at=timezone.now())
    turns.loads(at=timezone.now())
    unsettled.waiting(at=timezone.now())
    backlog.waiting()

    assert len(plans) == 3
    assert reading_all(plans) == []


def test_what_owners_and_staff_decide(
    alice: User, staff: User, stand_in: StandIn, plans: Plans
) -> None:
    unknown = settling.unknown(alice, stand_in)
    decided = {"actor": staff, "reason": "test", "at": timezone.now()}

    cancel.run(short_id=driving.begin(alice).pk, at=timezone.now())
    remove.run(short_id=driving.begin(alice).pk, at=timezone.now())
    resolve.resume(short_id=unknown.pk, operation_name=settling.name_of(stand_in), **decided)
    leave.run(user=alice, **decided)

    assert Short.objects.filter(user=alice, deleted_at__isnull=True).count() == 0
    assert reading_all(plans) == []
