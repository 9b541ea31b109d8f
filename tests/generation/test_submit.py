"""The one call that must never be made twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation import states
from generation.models import ModelGate, Short, State
from generation.pipeline import submit
from generation.providers.outcomes import Accepted
from metering import queries, receipts
from shortsproject.local.gemini import StandIn
from tests.generation import driving

FAST = "veo-3.1-fast-generate-001"


def video_leg(short: Short) -> Any:
    return receipts.receipt(job_id=short.pk).legs[1]


def test_an_accepted_submit_is_rendering_with_its_tokens_held(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.step(driving.begin(alice))

    assert short.state == State.RENDERING
    assert "/operations/" in short.operation_name
    assert video_leg(short).state == "open"
    assert stand_in.counts()["accepted_submits"] == 1


@pytest.mark.parametrize(
    "order",
    [
        {"cut": "after"},
        {"outcome": "empty"},
        {"outcome": "truncated"},
        {"status": 500},
        {"status": 504},
        {"status": 503, "body": {"oops": True}},
    ],
)
def test_no_clear_answer_is_unknown_never_repeated_and_never_free(
    alice: User, stand_in: StandIn, order: dict[str, Any]
) -> None:
    stand_in.next("submit", **order)
    short = driving.step(driving.begin(alice))

    driving.hurry(short)

    balance = queries.balance(user=alice, at=timezone.now())
    assert short.state == State.SUBMIT_UNKNOWN
    assert stand_in.counts()["calls"]["submit"] == 1
    assert video_leg(short).state == "open"
    assert balance.held_tokens == video_leg(short).estimated_tokens
    assert balance.in_flight == 0


@pytest.mark.parametrize("order", [{"status": 429}, {"status": 503}])
def test_what_was_surely_not_taken_is_submitted_again(
    alice: User, stand_in: StandIn, order: dict[str, Any]
) -> None:
    stand_in.next("submit", **order)
    short = driving.step(driving.begin(alice))
    waiting = short.state
    ModelGate.objects.update(not_before=timezone.now())

    driving.hurry(short)

    assert (waiting, short.state) == (State.ANALYZED, State.RENDERING)
    assert stand_in.counts()["accepted_submits"] == 1
    assert stand_in.counts()["calls"]["analyse"] == 1


def test_a_refusal_for_good_gives_the_video_back(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", status=400)
    short = driving.step(driving.begin(alice))

    assert (short.state, short.end_code) == (State.FAILED, "provider_refused")
    assert video_leg(short).state == "released"
    assert receipts.receipt(job_id=short.pk).legs[0].state == "captured"


def test_a_lease_that_ran_out_in_the_call_is_unknown(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", status=429)
    short = driving.step(driving.begin(alice))
    Short.objects.filter(pk=short.pk).update(
        state=State.SUBMITTING, lease_until=timezone.now() - timedelta(seconds=1)
    )

    waiting = driving.hurry(short).state
    driving.hurry(short)

    assert (waiting, short.state) == (State.SUBMITTING, State.SUBMIT_UNKNOWN)
    assert stand_in.counts()["accepted_submits"] == 0
    assert queries.balance(user=alice, at=timezone.now()).in_flight == 0


def test_a_running_lease_keeps_everybody_else_away(alice: User, stand_in: StandIn) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(
        state=State.SUBMITTING,
        attempt=2,
        lease_until=timezone.now() + timedelta(seconds=60),
    )

    driving.hurry(short)

    assert short.state == State.SUBMITTING


def test_the_late_answer_of_the_same_attempt_is_believed(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", cut="after")
    short = driving.step(driving.begin(alice))
    hold = queries.open_hold(job_id=short.pk, api_type="gemini-veo-video")
    assert hold is not None
    late = Accepted(operation_name=f"publishers/google/models/{FAST}/operations/77")

    submit.record(short=short, hold=hold, outcome=late, at=timezone.now())

    short.refresh_from_db()
    assert short.state == State.RENDERING
    assert queries.balance(user=alice, at=timezone.now()).in_flight == 1


def test_the_late_answer_of_an_older_attempt_changes_nothing(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.step(driving.begin(alice))
    hold = queries.open_hold(job_id=short.pk, api_type="gemini-veo-video")
    assert hold is not None
    name = short.operation_name
    short.attempt -= 1
    late = Accepted(operation_name=f"publishers/google/models/{FAST}/operations/99")

    with pytest.raises(states.Superseded):
        submit.record(short=short, hold=hold, outcome=late, at=timezone.now())

    assert Short.objects.get(pk=short.pk).operation_name == name


def test_the_prompt_and_the_choices_reach_the_renderer(alice: User, stand_in: StandIn) -> None:
    short = driving.step(driving.begin(alice, seconds=6, resolution="1080p", aspect_ratio="9:16"))

    sent = next(call for call in stand_in.requests if call.kind == "submit").body
    assert sent["instances"][0]["prompt"] == short.video_prompt
    assert sent["parameters"]["durationSeconds"] == 6
    assert sent["parameters"]["resolution"] == "1080p"
    assert sent["parameters"]["aspectRatio"] == "9:16"
    assert sent["parameters"]["sampleCount"] == 1
