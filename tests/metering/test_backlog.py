"""A charge that fails is made up later, and never keeps the others waiting."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.db import connection

from accounts.models import User
from metering import backlog, ledger, queries, receipts
from metering.models import Hold, LedgerEntry
from metering.tasks import charge_backlog
from metering.types import OpenHold
from tests import factories
from tests.factories import AT
from tests.metering.staff_work import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def break_charge_of(hold: OpenHold) -> None:
    """Let the database refuse the entry of one hold."""
    execute(
        f"""
        CREATE TRIGGER broken BEFORE INSERT ON metering_ledgerentry FOR EACH ROW
        WHEN (NEW.hold_id = {hold.id}) EXECUTE FUNCTION metering_broken()
        """
    )


def mend() -> None:
    execute("DROP TRIGGER IF EXISTS broken ON metering_ledgerentry")


@pytest.fixture(autouse=True)
def breakable(transactional_db: None) -> Iterator[None]:
    execute(
        "CREATE FUNCTION metering_broken() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the disk is on fire'; END $$"
    )
    yield
    mend()
    execute("DROP FUNCTION metering_broken()")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def test_a_due_hold_is_charged_and_told(alice: User, logged: list[Any]) -> None:
    (hold,) = factories.hold(alice, quote=factories.quote_for(factories.ANALYSIS))
    ledger.record_usage(hold=hold, attempt=1, usage=factories.REPORTED, at=AT)

    assert backlog.charge_now(hold=hold, at=AT) is True

    (line,) = logged
    assert line["event"] == "✅ [토큰 추적] Gemini 이미지 분석: 487 토큰 사용 (남은 토큰: 9513)"
    assert (line["user_id"], line["job_id"]) == (alice.pk, str(hold.job_id))
    assert line["entry_id"] == LedgerEntry.objects.get().pk


def test_a_charge_that_was_made_before_is_not_told_again(alice: User, logged: list[Any]) -> None:
    hold = factories.due(alice)
    ledger.charge(hold=hold, at=AT)

    assert backlog.charge_now(hold=hold, at=AT) is True

    assert logged == []


def test_a_hold_with_nothing_to_charge_is_left_alone(alice: User, logged: list[Any]) -> None:
    (hold,) = factories.hold(alice, 500)

    assert backlog.charge_now(hold=hold, at=AT) is True

    assert (factories.row(hold).state, logged) == ("open", [])


def test_a_charge_that_fails_stops_nobody_and_stays_due(alice: User, logged: list[Any]) -> None:
    hold = factories.due(alice)
    break_charge_of(hold)

    assert backlog.charge_now(hold=hold, at=AT) is False

    row = factories.row(hold)
    assert (row.state, row.charge_attempts) == ("due", 1)
    assert row.charge_after == AT + timedelta(seconds=10)
    assert "the disk is on fire" in row.charge_error
    assert [line["log_level"] for line in logged] == ["error"]
    assert factories.figures(alice) == (0, 500)


def test_one_bad_hold_does_not_keep_the_others_from_being_charged(alice: User, bob: User) -> None:
    first, bad, last = factories.due(alice), factories.due(alice), factories.due(bob)
    break_charge_of(bad)

    assert backlog.charge_due(at=AT) == 2

    assert [factories.row(h).state for h in (first, bad, last)] == ["captured", "due", "captured"]
    assert backlog.size() == 1


def test_what_failed_waits_for_its_time_and_is_then_made_up(alice: User) -> None:
    hold = factories.due(alice)
    break_charge_of(hold)
    backlog.charge_due(at=AT)
    mend()

    assert backlog.charge_due(at=AT + timedelta(seconds=9)) == 0
    assert backlog.charge_due(at=AT + timedelta(seconds=10)) == 1

    row = factories.row(hold)
    assert (row.state, row.charge_error, row.charge_after) == ("captured", "", None)
    assert factories.figures(alice) == (487, 0)
    assert backlog.size() == 0


@pytest.mark.parametrize(("failed", "seconds"), [(0, 10), (1, 20), (5, 320), (9, 3600), (99, 3600)])
def test_the_wait_grows_up_to_an_hour(alice: User, failed: int, seconds: int) -> None:
    hold = factories.due(alice)
    Hold.objects.filter(pk=hold.id).update(charge_attempts=failed)
    break_charge_of(hold)

    backlog.charge_due(at=AT)

    assert factories.row(hold).charge_after == AT + timedelta(seconds=seconds)
    assert factories.row(hold).charge_attempts == failed + 1


def test_a_charge_that_fails_is_not_given_back(alice: User) -> None:
    hold = factories.due(alice)
    break_charge_of(hold)
    backlog.charge_due(at=AT)

    with pytest.raises(ledger.NotReleasable):
        ledger.release(hold=hold, reason="test", at=AT)

    assert receipts.receipt(job_id=hold.job_id).returned_tokens == 0


def test_a_lost_connection_leaves_the_charge_to_the_backlog(alice: User, logged: list[Any]) -> None:
    hold = factories.due(alice)
    connection.connection.close()

    assert backlog.charge_now(hold=hold, at=AT) is False

    connection.close()
    assert queries.due_holds(at=AT, most=9) == [hold]
    assert backlog.charge_due(at=AT) == 1
    assert any("stays due" in line["event"] for line in logged)


def test_the_task_charges_whatever_is_due(alice: User, bob: User) -> None:
    factories.due(alice)
    factories.due(bob)

    charge_backlog()

    assert backlog.size() == 0
    assert LedgerEntry.objects.count() == 2


def test_staff_who_try_a_charge_again_are_told_why_it_fails(alice: User, staff: User) -> None:
    hold = factories.due(alice)
    break_charge_of(hold)

    page = f"/admin/metering/hold/{hold.id}/charge/"
    failed = signed_in(staff).post(page, follow=True).content.decode()
    mend()
    done = signed_in(staff).post(page, follow=True).content.decode()

    assert "The charge failed again: the disk is on fire" in failed
    assert "The charge is made." in done
    assert LedgerEntry.objects.get().tokens == 487
