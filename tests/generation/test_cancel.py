"""A short is called off: what it has cost by then, and when it is too late."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import cancel
from metering import queries, receipts
from metering.models import UsageEvent
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import calling_off, driving

CALLED = pytest.mark.django_db(transaction=True)


def call_off(short: Short) -> Short:
    cancel.run(short_id=short.pk, at=timezone.now())
    short.refresh_from_db()
    return short


def test_a_waiting_short_costs_nothing(alice: User) -> None:
    short = call_off(driving.begin(alice))

    balance = queries.balance(user=alice, at=timezone.now())
    assert (short.state, short.end_code) == (State.CANCELED, "")
    assert short.finished_at is not None
    assert calling_off.legs(short) == ["released", "released"]
    assert (balance.held_tokens, balance.used_tokens, balance.in_flight) == (0, 0, 0)


def test_an_analysis_that_was_made_stays_charged(alice: User, stand_in: StandIn) -> None:
    short = calling_off.analysed(alice)

    call_off(short)

    balance = queries.balance(user=alice, at=timezone.now())
    assert calling_off.legs(short) == ["captured", "released"]
    assert balance.used_tokens == receipts.receipt(job_id=short.pk).charged_tokens > 0
    assert balance.held_tokens == 0


def test_a_canceled_short_that_was_rung_for_does_nothing(alice: User, stand_in: StandIn) -> None:
    short = call_off(driving.begin(alice))

    driving.hurry(short)

    assert short.state == State.CANCELED
    assert stand_in.counts()["calls"]["analyse"] == 0


def test_twice_is_once(alice: User) -> None:
    short = call_off(driving.begin(alice))
    ended = short.finished_at

    call_off(short)

    assert (short.state, short.finished_at) == (State.CANCELED, ended)


@CALLED
def test_during_the_analysis_the_answer_is_recorded_and_charged_first(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", hold=True)
    short = driving.begin(alice)

    with calling_off.while_called(short, stand_in, "analyse"):
        asked = call_off(short).state

    assert (asked, short.state) == (State.ANALYZING, State.CANCELED)
    assert calling_off.legs(short) == ["captured", "released"]
    assert short.video_prompt
    assert stand_in.counts()["calls"]["submit"] == 0


@CALLED
def test_a_provider_that_wants_to_be_asked_later_is_not_asked_again(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", hold=True, status=429)
    short = driving.begin(alice)

    with calling_off.while_called(short, stand_in, "analyse"):
        call_off(short)

    assert short.state == State.CANCELED
    assert calling_off.legs(short) == ["released", "released"]


@CALLED
def test_a_picture_that_is_blocked_meanwhile_ends_as_blocked(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", hold=True, outcome="filtered")
    short = driving.begin(alice)

    with calling_off.while_called(short, stand_in, "analyse"):
        call_off(short)

    assert (short.state, short.end_code) == (State.FAILED, "blocked")


@pytest.mark.parametrize(
    ("answer", "paid"), [({"cut": "after"}, 0), ({"body": "<html>this is no JSON</html>"}, 500)]
)
def test_an_answer_nobody_could_read_is_paid_once_if_it_arrived(
    alice: User, stand_in: StandIn, answer: dict[str, Any], paid: int
) -> None:
    stand_in.next("analyse", **answer)
    short = driving.step(driving.begin(alice))

    call_off(short)

    balance = queries.balance(user=alice, at=timezone.now())
    assert (short.state, balance.used_tokens) == (State.CANCELED, paid)
    assert balance.held_tokens == 0
    assert UsageEvent.objects.filter(job_id=short.pk, billable=True).count() == bool(paid)


def test_where_the_worker_died_during_the_analysis_nobody_is_asked_again(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(state=State.ANALYZING, attempt=1)
    call_off(short)

    driving.hurry(short)

    assert short.state == State.CANCELED
    assert calling_off.legs(short) == ["released", "released"]
    assert stand_in.counts()["calls"]["analyse"] == 0


@pytest.mark.parametrize(
    "state",
    ["submitting", "submit_unknown", "rendering", "rendered", "succeeded", "filtered", "failed"],
)
def test_from_the_submit_on_it_is_too_late(alice: User, state: str) -> None:
    short = factories.short(alice, state)

    with pytest.raises(cancel.NotCancelable) as refusal:
        call_off(short)

    assert refusal.value.state == state


def test_canceling_takes_a_bounded_number_of_statements(
    alice: User, django_assert_max_num_queries: Any
) -> None:
    short = driving.begin(alice)

    with django_assert_max_num_queries(7):
        cancel.run(short_id=short.pk, at=timezone.now())
