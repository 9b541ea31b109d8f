"""What may happen to a short while it waits for its turn: it is not lost, nor in the way."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation import catalog, gates, states, turns
from generation.models import Short, State
from generation.pipeline import cancel, remove, sweep
from metering import queries, spending
from shortsproject.local.gemini import StandIn
from tests.generation import calling_off, driving, lining_up
from tests.generation.browsing import text

GATE = {"route": lining_up.MODEL.route, "model": lining_up.MODEL.name}
MINUTE = timedelta(minutes=1)


def called(short: Short) -> Short:
    """One look at the line, and what the bell makes a worker do then."""
    sweep.ring_due(at=timezone.now())
    return driving.step(short)


def test_a_short_in_line_keeps_its_tokens_and_goes_on_when_there_is_room(
    alice: User, stand_in: StandIn
) -> None:
    short = lining_up.full(alice)
    waiting = calling_off.legs(short)
    lining_up.make_room()

    short = called(short)

    assert (waiting, short.state) == (["captured", "open"], State.RENDERING)


def test_a_bell_for_a_short_in_line_changes_nothing(alice: User, stand_in: StandIn) -> None:
    short = lining_up.full(alice)
    lining_up.make_room()

    driving.step(short)

    assert turns.is_in_line(short)
    assert stand_in.counts()["calls"]["submit"] == 0


def test_a_worker_that_dies_before_the_bell_costs_a_minute(alice: User, stand_in: StandIn) -> None:
    short = lining_up.full(alice)
    lining_up.make_room()
    at = timezone.now()
    states.ring(at=at, most=1, again_after=MINUTE, up_next=turns.next_up(at=at, most=1))

    rung = [sweep.ring_due(at=at + wait) for wait in (MINUTE / 2, MINUTE)]

    assert rung == [0, 1]
    assert driving.step(short).state == State.RENDERING


def test_an_owner_cancels_in_line(alice: User, stand_in: StandIn) -> None:
    short = lining_up.full(alice)

    cancel.run(short_id=short.pk, at=timezone.now())

    short.refresh_from_db()
    assert (short.state, calling_off.legs(short)) == (State.CANCELED, ["captured", "released"])


def test_who_deletes_in_line_leaves_it(alice: User, stand_in: StandIn) -> None:
    short = lining_up.full(alice)

    remove.run(short_id=short.pk, at=timezone.now())
    lining_up.make_room()

    assert turns.next_up(at=timezone.now(), most=10) == []
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


@pytest.mark.parametrize("rests", [True, False])
def test_before_a_closed_model_the_line_ends_at_once_with_tokens_back(
    alice: User, stand_in: StandIn, rests: bool
) -> None:
    short = lining_up.full(alice)
    gates.wait(**GATE, until=timezone.now() + rests * timedelta(hours=1))
    gates.close(**GATE, reason="retired", at=timezone.now())

    short = called(short)

    assert (short.state, short.end_code) == (State.FAILED, "model_closed")
    assert calling_off.legs(short) == ["captured", "released"]
    assert stand_in.counts()["calls"]["submit"] == 0


def test_a_short_without_its_hold_does_not_wait_for_its_turn(
    alice: User, stand_in: StandIn
) -> None:
    short = lining_up.full(alice)
    driving.release(short)

    driving.hurry(short)

    assert (short.state, short.end_code) == (State.FAILED, "hold_closed")


def test_a_wait_that_the_provider_named_keeps_the_whole_line(
    alice: User, stand_in: StandIn
) -> None:
    short = lining_up.full(alice)
    lining_up.make_room()
    at = timezone.now()
    gates.wait(**GATE, until=at + MINUTE)

    rung = [sweep.ring_due(at=at + wait) for wait in (MINUTE / 2, MINUTE)]

    assert rung == [0, 1]
    assert turns.is_in_line(driving.hurry(short))
    assert stand_in.counts()["calls"]["submit"] == 0


def test_after_that_wait_only_as_many_are_called_as_there_is_room(alice: User) -> None:
    lining_up.rows(alice, 20)
    lining_up.budgets(renders_at_once=4)
    at = timezone.now()
    gates.wait(**GATE, until=at + MINUTE)

    assert [sweep.ring_due(at=at + wait) for wait in (MINUTE / 2, MINUTE)] == [0, 4]


def test_who_was_told_to_wait_goes_back_in_line(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", status=429)

    short = driving.step(driving.begin(alice))

    assert turns.is_in_line(short)
    assert (short.attempt, short.tries) == (2, 0)
    assert turns.next_up(at=timezone.now(), most=1) == []
    assert turns.next_up(at=timezone.now() + MINUTE, most=1) == [short.pk]


def test_staff_who_reopen_a_model_let_its_line_go_on(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", status=429)
    short = driving.step(driving.begin(alice))

    gates.reopen(**GATE)

    assert called(short).state == State.RENDERING


def test_staff_who_reopen_the_analysis_let_what_was_put_off_go_on(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", status=429)
    short = driving.step(driving.begin(alice))
    waiting = short.state, sweep.ring_due(at=timezone.now())

    gates.reopen(route="enterprise", model=catalog.ANALYSIS_MODEL)

    assert waiting == (State.QUEUED, 0)
    assert called(short).state == State.RENDERING


def test_staff_who_close_the_analysis_let_what_was_put_off_end_at_once(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", status=429)
    short = driving.step(driving.begin(alice))

    gates.close(
        route="enterprise", model=catalog.ANALYSIS_MODEL, reason="retired", at=timezone.now()
    )

    assert called(short).end_code == "model_closed"
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


def test_while_staff_pause_spending_nobody_in_line_is_called(
    alice: User, staff: User, stand_in: StandIn
) -> None:
    short = lining_up.full(alice)
    lining_up.make_room()
    spending.pause(actor=staff, reason="Veo is down", at=timezone.now())
    paused = turns.is_in_line(called(short)), turns.is_in_line(driving.hurry(short))

    spending.resume(actor=staff, reason="it is back", at=timezone.now())

    assert paused == (True, True)
    assert called(short).state == State.RENDERING


def test_the_api_says_who_is_next(
    alice: User, api: Callable[[User], APIClient], stand_in: StandIn
) -> None:
    short = lining_up.full(alice)
    waiting = api(alice).get(f"/api/shorts/{short.pk}").json()["progress"]
    lining_up.make_room()
    called(short)

    rendering = api(alice).get(f"/api/shorts/{short.pk}").json()["progress"]

    assert waiting == {"stage": "analyzed", "percent": 20, "queue_position": 1}
    assert "queue_position" not in rendering


def test_the_list_of_the_api_has_all_places_in_one_query(
    alice: User, api: Callable[[User], APIClient]
) -> None:
    lining_up.rows(alice, 5)

    found = api(alice).get("/api/shorts").json()["results"]

    assert sorted(one["progress"]["queue_position"] for one in found) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "You are number 3 in line"), ("ko", "3번째")]
)
def test_the_page_says_the_number_in_line(
    client: Client, alice: User, bob: User, language: str, sentence: str
) -> None:
    lining_up.rows(bob, 1)
    own = lining_up.rows(alice, 2, minute=1)
    client.force_login(alice)
    last = max(own, key=lambda short: short.pk)

    page = text(client.get(f"/shorts/{last.pk}", HTTP_ACCEPT_LANGUAGE=language))

    assert sentence in page
