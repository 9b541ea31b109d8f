"""Gemini reads the picture: what it costs and where the short goes, for every way it can end."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation import gates
from generation.models import ModelGate, Short, State
from metering import queries, receipts
from metering.models import UsageEvent
from shortsproject.local.gemini import StandIn
from tests.generation import driving

FLASH = "gemini-3.8-flash"


def legs(short: Short) -> tuple[Any, Any]:
    analysis, video = receipts.receipt(job_id=short.pk).legs
    return analysis, video


def answer(text: str, **usage: object) -> dict[str, Any]:
    """A whole answer of the analysis with this text and these counts."""
    return {
        "candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": text}]}}],
        "usageMetadata": usage,
    }


def test_the_reported_tokens_are_charged_one_for_one(alice: User, stand_in: StandIn) -> None:
    short = driving.begin(alice, wish="slow pan")

    driving.step(short)

    analysis, video = legs(short)
    event = UsageEvent.objects.get(job_id=short.pk)
    assert analysis.state == "captured"
    assert analysis.charged_tokens == event.total_tokens == analysis.usage["total"]
    assert analysis.basis == "reported"
    assert video.state == "open"
    assert short.video_prompt


def test_a_blocked_picture_costs_what_was_reported_and_gives_the_video_back(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", outcome="filtered")
    short = driving.begin(alice)

    driving.step(short)

    analysis, video = legs(short)
    assert (short.state, short.end_code) == (State.FAILED, "blocked")
    assert analysis.charged_tokens == analysis.usage["prompt"]
    assert video.state == "released"


def test_without_reported_usage_the_estimate_is_charged_and_marked(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", outcome="no_usage")
    short = driving.begin(alice)

    driving.step(short)

    analysis, _ = legs(short)
    assert (analysis.charged_tokens, analysis.basis) == (500, "estimated")
    assert short.state == State.RENDERING


def test_a_cut_answer_is_paid_and_the_users_own_words_are_used(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", outcome="truncated")
    short = driving.begin(alice, wish="a slow pan over the hills")

    driving.step(short)

    analysis, _ = legs(short)
    assert short.state == State.RENDERING
    assert short.video_prompt == "a slow pan over the hills"
    assert analysis.charged_tokens == analysis.usage["total"]


def test_a_cut_answer_without_own_words_ends_the_short(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", outcome="truncated")
    short = driving.begin(alice)

    driving.step(short)

    analysis, video = legs(short)
    assert (short.state, short.end_code) == (State.FAILED, "no_prompt")
    assert analysis.state == "captured"
    assert video.returned_tokens == video.estimated_tokens
    assert stand_in.counts()["accepted_submits"] == 0


def test_an_answer_far_above_the_hold_is_charged_whole(alice: User, stand_in: StandIn) -> None:
    prompt = '{"seen":"","camera_move":"","video_prompt":"A calm slow pan over hills","warning":""}'
    stand_in.next("analyse", body=answer(prompt, promptTokenCount=310, totalTokenCount=9000))
    short = driving.begin(alice)

    driving.step(short)

    analysis, _ = legs(short)
    balance = queries.balance(user=alice, at=timezone.now())
    assert analysis.charged_tokens == balance.used_tokens == 9000
    assert (analysis.estimated_tokens, analysis.returned_tokens) == (500, 0)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_for_good_ends_the_short_and_costs_nothing(
    alice: User, stand_in: StandIn, status: int
) -> None:
    stand_in.next("analyse", status=status)
    short = driving.begin(alice)

    driving.step(short)

    assert (short.state, short.end_code) == (State.FAILED, "provider_refused")
    assert receipts.receipt(job_id=short.pk).charged_tokens == 0
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0
    assert stand_in.counts()["calls"]["analyse"] == 1


def test_a_busy_provider_is_obeyed_by_every_waiting_short(alice: User, stand_in: StandIn) -> None:
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "wait", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s"}
    ]}  # fmt: skip
    stand_in.next("analyse", status=429, body={"error": error})
    told, other = driving.begin(alice), driving.begin(alice)

    driving.step(told)
    driving.hurry(other)

    until = gates.not_before(route="enterprise", model=FLASH)
    assert until is not None
    assert until > timezone.now() + timedelta(seconds=30)
    assert {told.state, other.state} == {State.QUEUED}
    assert stand_in.counts()["calls"]["analyse"] == 1
    assert queries.balance(user=alice, at=timezone.now()).used_tokens == 0


def test_after_the_wait_the_short_goes_on(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", status=429)
    short = driving.step(driving.begin(alice))
    ModelGate.objects.update(not_before=timezone.now())

    driving.hurry(short)

    assert short.state == State.RENDERING


def test_an_answer_that_was_lost_is_asked_for_once_more(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", cut="after")
    short = driving.step(driving.begin(alice))
    waiting = short.state

    driving.hurry(short)

    analysis, _ = legs(short)
    assert (waiting, short.state) == (State.QUEUED, State.RENDERING)
    assert analysis.state == "captured"
    assert UsageEvent.objects.filter(job_id=short.pk, billable=True).count() == 1
    assert UsageEvent.objects.filter(job_id=short.pk, billable=False).count() == 1


def test_two_lost_answers_end_the_short_and_cost_nothing(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", n=2, cut="after")
    short = driving.step(driving.begin(alice))

    driving.hurry(short)

    assert (short.state, short.end_code) == (State.FAILED, "analysis_unreachable")
    assert queries.balance(user=alice, at=timezone.now()).used_tokens == 0
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


def test_two_unreadable_answers_cost_one_estimate(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", n=2, body="<html>this is no JSON</html>")
    short = driving.step(driving.begin(alice))

    driving.hurry(short)

    analysis, video = legs(short)
    assert (short.state, short.end_code) == (State.FAILED, "analysis_unreachable")
    assert (analysis.charged_tokens, analysis.basis) == (500, "estimated")
    assert video.state == "released"


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"status": 400}, "provider_refused"),
        ({"body": {"promptFeedback": {"blockReason": "SAFETY"}}}, "blocked"),
    ],
)
def test_an_unreadable_answer_is_paid_with_the_estimate_however_the_next_one_ends(
    alice: User, stand_in: StandIn, second: dict[str, Any], code: str
) -> None:
    stand_in.next("analyse", body="<html>this is no JSON</html>")
    stand_in.next("analyse", **second)
    short = driving.step(driving.begin(alice))

    driving.hurry(short)

    analysis, video = legs(short)
    assert (short.state, short.end_code) == (State.FAILED, code)
    assert (analysis.charged_tokens, analysis.basis) == (500, "estimated")
    assert video.state == "released"


def test_an_unreadable_answer_is_paid_with_the_estimate_if_the_model_closes_meanwhile(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", body="<html>this is no JSON</html>")
    short = driving.step(driving.begin(alice))
    gates.close(route="enterprise", model=FLASH, reason="retired", at=timezone.now())

    driving.hurry(short)

    analysis, video = legs(short)
    assert (short.state, short.end_code) == (State.FAILED, "model_closed")
    assert (analysis.charged_tokens, video.state) == (500, "released")


def test_a_provider_that_is_away_is_tried_again_later_and_then_given_up(
    alice: User, settings: Any
) -> None:
    settings.GEMINI_BASE_URL = "http://127.0.0.1:9"
    short = driving.begin(alice)

    driving.until(short, State.FAILED)

    assert short.end_code == "provider_unreachable"
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


def test_a_worker_that_died_in_the_call_twice_ends_the_short(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(
        state=State.ANALYZING, attempt=2, unclear_answers=1, lease_until=timezone.now()
    )

    waiting = driving.hurry(short).state
    driving.hurry(short)

    assert waiting == State.ANALYZING
    assert (short.state, short.end_code) == (State.FAILED, "analysis_unreachable")
    assert stand_in.counts()["calls"]["analyse"] == 0


def test_three_refusals_of_the_model_close_it_to_new_orders(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", n=3, status=404)
    driving.step(driving.begin(alice))
    driving.step(driving.begin(alice))
    driving.step(driving.begin(alice))

    with pytest.raises(gates.ModelClosed):
        driving.begin(alice)

    assert ModelGate.objects.get(model=FLASH).closed_at is not None


@pytest.mark.parametrize("model", [FLASH, "veo-3.1-fast-generate-001"])
def test_a_model_that_closed_meanwhile_ends_the_short_before_the_spend(
    alice: User, stand_in: StandIn, model: str
) -> None:
    short = driving.begin(alice)
    ModelGate.objects.create(route="enterprise", model=model, closed_at=timezone.now())

    driving.step(short)

    assert (short.state, short.end_code) == (State.FAILED, "model_closed")
    assert stand_in.counts()["calls"]["analyse"] == 0
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0
