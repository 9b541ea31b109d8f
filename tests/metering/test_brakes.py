"""The operator's brakes: put on once, told once, and taken off by a day, a limit or staff."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import translation

from accounts.models import User
from metering import notices, spending
from metering.models import SpendingBrake
from tests import factories
from tests.factories import AT

TOMORROW = datetime(2026, 11, 25, 15, tzinfo=UTC)
IN_KOREAN = "사용 또는 예약 $0.801875, 요청 $0.801875, 한도 $1.00"


@pytest.fixture(autouse=True)
def _one_dollar_a_day(settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal(1)
    settings.STAFF_EMAILS = ["desk@example.org"]


def refused(at: datetime = AT) -> spending.SpendingPaused | None:
    """Whether an ordinary short would be refused."""
    try:
        spending.check(quote=factories.quote_for(at=AT), at=at)
    except spending.SpendingPaused as refusal:
        return refusal
    return None


def trip(user: User) -> None:
    """Use the day's dollar up."""
    factories.hold(user)
    assert refused() is not None


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


def test_the_limit_puts_the_brake_on_and_says_until_when(alice: User) -> None:
    factories.hold(alice)

    refusal = refused()

    brake = SpendingBrake.objects.get()
    assert refusal is not None
    assert (refusal.retry_at, refusal.retry_after_seconds) == (TOMORROW, 12 * 3600)
    assert (brake.kind, brake.limit_usd, brake.actor) == ("daily_limit", 1, None)
    assert brake.why == "$0.801875 spent or held, $0.801875 asked for, $1.00 is the limit"


def test_why_the_limit_was_reached_is_said_in_the_readers_language(alice: User) -> None:
    trip(alice)

    with translation.override("ko"):
        refusal = refused()

    assert refusal is not None
    assert refusal.reason == IN_KOREAN


def test_staff_are_told_why_in_their_own_language(
    alice: User, make_user: Any, settings: Any
) -> None:
    settings.STAFF_EMAILS = [make_user("jiwoo", language="ko").email]
    trip(alice)

    notices.send_waiting(at=AT)

    assert IN_KOREAN in mail.outbox[0].body


def test_the_brake_stays_on_when_tokens_are_given_back(alice: User) -> None:
    (hold, _video) = factories.hold(alice)
    assert refused() is not None

    factories.ledger.release(hold=hold, reason="test", at=AT)

    assert refused() is not None
    assert SpendingBrake.objects.count() == 1


def test_a_new_day_lets_go(alice: User) -> None:
    trip(alice)
    factories.Hold.objects.update(state="released", closed_at=AT)
    factories.TokenLedger.objects.update(held=0)

    assert refused(at=TOMORROW - timedelta(seconds=1)) is not None
    assert refused(at=TOMORROW) is None


def test_a_raised_limit_lets_go_and_trips_again_by_itself(alice: User, settings: Any) -> None:
    trip(alice)
    settings.DAILY_SPEND_LIMIT_USD = Decimal(2)
    between = refused()

    factories.hold(alice)

    assert between is None
    assert refused() is not None
    assert SpendingBrake.objects.count() == 2


def test_staff_may_set_the_limit_aside_until_tomorrow(alice: User, staff: User) -> None:
    trip(alice)

    (brake,) = spending.resume(actor=staff, reason="a big customer", at=AT)

    brake.refresh_from_db()
    assert refused() is None
    assert (brake.resumed_by, brake.resume_reason) == (staff, "a big customer")
    assert refused(at=TOMORROW) is not None


def test_a_pause_by_staff_holds_over_the_day_until_they_resume(staff: User) -> None:
    spending.pause(actor=staff, reason="Veo is down", at=AT)
    refusals = [refused(), refused(at=TOMORROW)]

    spending.resume(actor=staff, reason="it is back", at=TOMORROW)

    assert [r.reason for r in refusals if r] == ["Veo is down", "Veo is down"]
    assert refused(at=TOMORROW) is None


def test_a_pause_is_worth_asking_about_again_soon(staff: User) -> None:
    spending.pause(actor=staff, reason="Veo is down", at=AT)

    refusal = refused()

    assert refusal is not None
    assert refusal.retry_after_seconds == 300


def test_a_pause_twice_is_one_pause(alice: User, staff: User) -> None:
    first = spending.pause(actor=staff, reason="first", at=AT)
    second = spending.pause(actor=alice, reason="second", at=AT)

    assert first == second
    assert SpendingBrake.objects.get().reason == "first"


def test_staff_may_pause_again_after_they_resumed(staff: User) -> None:
    spending.pause(actor=staff, reason="once", at=AT)
    spending.resume(actor=staff, reason="done", at=AT)

    spending.pause(actor=staff, reason="twice", at=AT)

    assert spending.submits_paused()
    assert SpendingBrake.objects.count() == 2


@pytest.mark.parametrize("act", [spending.pause, spending.resume])
def test_staff_give_a_reason(staff: User, act: Any) -> None:
    with pytest.raises(spending.ReasonMissing):
        act(actor=staff, reason=" ", at=AT)

    assert not SpendingBrake.objects.exists()


def test_the_days_limit_keeps_no_waiting_job_from_going_on(alice: User) -> None:
    trip(alice)

    assert not spending.submits_paused()


def test_with_nothing_paused_the_check_is_one_query(
    db: None, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.DAILY_SPEND_LIMIT_USD = None
    quote = factories.quote_for()

    with django_assert_num_queries(1):
        spending.check(quote=quote, at=AT)


def test_staff_are_told_once_for_each_time(alice: User, staff: User) -> None:
    trip(alice)
    assert refused() is not None
    notices.send_waiting(at=AT)
    spending.pause(actor=staff, reason="Veo is down", at=AT)

    notices.send_waiting(at=AT)
    notices.send_waiting(at=AT)

    assert subjects() == [
        "Spending is paused: the daily limit is reached",
        "Spending was paused by staff",
    ]
    assert "staff@example.org paused all new spending: Veo is down" in mail.outbox[1].body
    assert "/admin/metering/spendingbrake/" in mail.outbox[1].body


def test_without_addresses_nobody_is_told(alice: User, settings: Any) -> None:
    settings.STAFF_EMAILS = []
    trip(alice)

    notices.send_waiting(at=AT)

    assert subjects() == []


@pytest.mark.django_db(transaction=True)
def test_two_refusals_at_once_are_one_brake(alice: User) -> None:
    factories.hold(alice)
    together = Barrier(2)

    def order(_number: int) -> bool:
        together.wait()
        try:
            return refused() is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as orders:
        answers = list(orders.map(order, range(2)))

    assert answers == [True, True]
    assert SpendingBrake.objects.count() == 1
