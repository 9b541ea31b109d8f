"""How a render is asked about, and what each answer does to its tokens."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation import queries as generation_queries
from generation.models import Short, State
from generation.pipeline import poll
from metering import queries, receipts
from metering.models import ConversionRate, LedgerEntry, RateCard
from shortsproject.local.gemini import StandIn
from tests.generation import driving


@pytest.fixture
def rendering(alice: User, stand_in: StandIn) -> Short:
    """A short whose render was accepted, at 8 seconds."""
    return driving.step(driving.begin(alice, seconds=8))


def video_leg(short: Short) -> Any:
    return receipts.receipt(job_id=short.pk).legs[1]


def test_eight_seconds_of_the_fast_model_cost_exactly_a_thousand_tokens(rendering: Short) -> None:
    driving.until(rendering, State.SUCCEEDED)

    leg = video_leg(rendering)
    entry = LedgerEntry.objects.get(pk=leg.entry_id)
    assert (leg.charged_tokens, leg.formula) == (1000, "8 s × $0.15 × 833")
    assert f"{entry.usd:.2f}" == "1.20"
    assert f"{entry.cost_usd:.2f}" == "0.80"


def test_a_price_that_rises_during_the_render_changes_only_the_next_order(
    alice: User, rendering: Short
) -> None:
    now = timezone.now()
    RateCard.objects.create(
        api_type="gemini-veo-video", model=rendering.model, label="dearer", resolution="720p",
        usd_per_second=Decimal("0.30"), cost_usd_per_second=Decimal("0.20"), effective_from=now,
        source="test",
    )  # fmt: skip
    ConversionRate.objects.create(tokens_per_usd=1000, effective_from=now, source="test")

    driving.until(rendering, State.SUCCEEDED)

    assert video_leg(rendering).charged_tokens == 1000
    assert video_leg(driving.begin(alice, seconds=8)).estimated_tokens == 2400


def test_while_it_renders_nothing_is_charged(rendering: Short, stand_in: StandIn) -> None:
    stand_in.next("poll", body={"name": "{operation_name}"})

    driving.hurry(rendering)

    assert rendering.state == State.RENDERING
    assert video_leg(rendering).state == "open"


def test_a_filtered_render_is_free(rendering: Short, stand_in: StandIn) -> None:
    stand_in.next("poll", outcome="filtered")

    driving.hurry(rendering)

    assert (rendering.state, rendering.end_code) == (State.FILTERED, "filtered")
    assert video_leg(rendering).returned_tokens == 1000


def test_a_filtered_render_is_charged_and_said_so_where_the_provider_bills_it(
    alice: User, stand_in: StandIn
) -> None:
    price = RateCard.objects.get(model="veo-3.1-fast-generate-001", resolution="720p")
    price.pk, price.effective_from, price.bills_filtered = None, timezone.now(), True
    price.save()
    short = driving.step(driving.begin(alice, seconds=8))
    stand_in.next("poll", outcome="filtered")

    driving.hurry(short)

    said = generation_queries.view(short=short, at=timezone.now()).error_message
    assert (short.state, video_leg(short).charged_tokens) == (State.FILTERED, 1000)
    assert "Its tokens were taken" in said
    assert "No tokens" not in said


@pytest.mark.parametrize("outcome", ["error", "empty"])
def test_a_render_without_a_video_is_free(
    rendering: Short, stand_in: StandIn, outcome: str
) -> None:
    stand_in.next("poll", outcome=outcome)

    driving.hurry(rendering)

    assert (rendering.state, rendering.end_code) == (State.FAILED, "render_failed")
    assert video_leg(rendering).returned_tokens == 1000


@pytest.mark.parametrize(
    "order",
    [
        {"status": 503},
        {"status": 401},
        {"status": 404},
        {"cut": "before"},
        {"outcome": "truncated"},
    ],
)
def test_a_poll_that_fails_leaves_the_render_as_it_is(
    rendering: Short, stand_in: StandIn, order: dict[str, Any]
) -> None:
    stand_in.next("poll", n=3, **order)
    driving.hurry(rendering)
    driving.hurry(rendering)
    failing = driving.hurry(rendering).state

    driving.until(rendering, State.SUCCEEDED)

    assert failing == State.RENDERING
    assert video_leg(rendering).charged_tokens == 1000


def test_a_late_render_keeps_its_tokens_and_frees_its_place(
    alice: User, rendering: Short, stand_in: StandIn
) -> None:
    long_ago = timezone.now() - poll.OVERDUE_AFTER - timedelta(seconds=1)
    Short.objects.filter(pk=rendering.pk).update(submitted_at=long_ago)
    stand_in.next("poll", n=2, status=503)
    since = driving.hurry(rendering).overdue_at

    driving.hurry(rendering)

    balance = queries.balance(user=alice, at=timezone.now())
    assert rendering.overdue_at == since is not None
    assert (balance.held_tokens, balance.in_flight) == (1000, 0)
    driving.until(rendering, State.SUCCEEDED)
    assert video_leg(rendering).charged_tokens == 1000


def test_after_the_results_life_staff_decide(rendering: Short, stand_in: StandIn) -> None:
    long_ago = timezone.now() - poll.RESULT_LIFE - timedelta(seconds=1)
    Short.objects.filter(pk=rendering.pk).update(submitted_at=long_ago)
    stand_in.next("poll", status=503)

    driving.hurry(rendering)

    assert rendering.state == State.RENDERING
    assert rendering.next_attempt_at is None
    assert video_leg(rendering).state == "open"


@pytest.mark.parametrize(
    ("age_seconds", "pause_seconds"), [(0, 1), (10, 2), (60, 12), (600, 30), (3600, 600)]
)
def test_questions_get_rarer_as_a_render_gets_older(age_seconds: int, pause_seconds: int) -> None:
    assert poll.pause(age=timedelta(seconds=age_seconds)) == timedelta(seconds=pause_seconds)
