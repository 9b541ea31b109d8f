"""A short that is made on the developer route: the same life, the same money rules."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation import catalog, files, gates, mp4, offers
from generation.models import ModelGate, Short, State
from generation.pipeline import finish, served, start
from generation.providers import developer
from metering import queries, rates, receipts
from metering.models import UsageEvent
from shortsproject.local.gemini import StandIn
from tests.generation import driving

OMNI = "gemini-omni-1.1-flash"


def video_leg(short: Short) -> Any:
    return receipts.receipt(job_id=short.pk).legs[1]


@pytest.fixture
def rendering(alice: User, stand_in: StandIn) -> Short:
    """A short of 8 seconds whose render the developer route has accepted."""
    return driving.step(driving.begin(alice, model=OMNI, seconds=8))


def test_a_picture_becomes_a_video_and_both_legs_are_charged(
    rendering: Short, stand_in: StandIn
) -> None:
    driving.until(rendering, State.SUCCEEDED)

    leg = video_leg(rendering)
    assert (leg.api_type, leg.charged_tokens) == ("gemini-omni-video", 1000)
    assert stand_in.counts()["accepted_submits"] == 1
    assert leg.usage == {"seconds": 8, "resolution": "720p"}
    with files.open_file(rendering.video) as video:
        assert mp4.check(video) == rendering.video_bytes
    assert {call.path.split("/")[1] for call in stand_in.requests} == {"v1"}


def test_the_tokens_that_were_reported_are_kept_and_the_seconds_are_charged(
    rendering: Short, stand_in: StandIn
) -> None:
    driving.until(rendering, State.SUCCEEDED)

    event = UsageEvent.objects.get(api_type="gemini-omni-video")
    assert (event.candidates_tokens, event.thoughts_tokens, event.cached_tokens) == (46_336, 0, 0)
    assert event.total_tokens == event.prompt_tokens + event.candidates_tokens
    assert (event.seconds, event.tokens, event.basis) == (8, 1000, "reported")


def test_without_reported_tokens_the_seconds_are_charged_alike(
    rendering: Short, stand_in: StandIn
) -> None:
    stand_in.next("poll", n=99, outcome="no_usage")

    driving.until(rendering, State.SUCCEEDED)

    event = UsageEvent.objects.get(api_type="gemini-omni-video")
    assert (event.total_tokens, event.tokens) == (None, 1000)


@pytest.mark.parametrize(
    ("outcome", "state", "code"),
    [
        ("filtered", State.FILTERED, "filtered"),
        ("error", State.FAILED, "render_failed"),
        ("step_error", State.FAILED, "render_failed"),
        ("no_video", State.FAILED, "render_failed"),
        ("cancelled", State.FAILED, "render_failed"),
        ("incomplete", State.FAILED, "render_failed"),
        ("budget_exceeded", State.FAILED, "render_failed"),
        ("requires_action", State.FAILED, "render_failed"),
        ("requires_continuation", State.FAILED, "render_failed"),
    ],
)
def test_an_end_without_a_video_and_without_a_bill_is_free(
    rendering: Short, stand_in: StandIn, outcome: str, state: str, code: str
) -> None:
    stand_in.next("poll", outcome=outcome)

    driving.hurry(rendering)

    assert (rendering.state, rendering.end_code) == (state, code)
    assert video_leg(rendering).returned_tokens == 1000


@pytest.mark.parametrize("outcome", ["billed_no_video", "billed_error"])
def test_a_bill_without_a_video_waits_for_staff_and_charges_nobody(
    alice: User, rendering: Short, stand_in: StandIn, outcome: str
) -> None:
    stand_in.next("poll", outcome=outcome)

    driving.hurry(rendering)

    balance = queries.balance(user=alice, at=timezone.now())
    event = UsageEvent.objects.get(api_type="gemini-omni-video")
    assert (rendering.state, rendering.next_attempt_at) == (State.RENDERING, None)
    assert (balance.held_tokens, balance.in_flight) == (1000, 0)
    assert not event.billable
    assert event.candidates_tokens == 46_336
    assert "46336 video tokens" in rendering.end_detail
    assert video_leg(rendering).state == "open"


@pytest.mark.parametrize("outcome", ["other_name", "unknown_status", "idle"])
def test_an_answer_that_is_not_believed_changes_nothing(
    rendering: Short, stand_in: StandIn, outcome: str
) -> None:
    stand_in.next("poll", outcome=outcome)

    driving.hurry(rendering)

    assert rendering.state == State.RENDERING
    assert video_leg(driving.until(rendering, State.SUCCEEDED)).charged_tokens == 1000


@pytest.mark.parametrize(
    "order",
    [
        {"status": 503},
        {"cut": "before"},
        {"cut": "after", "cut_at": 100},
        {"cut_at": 0},
        {"cut": "reset"},
        {"outcome": "truncated"},
        {"outcome": "empty"},
        {"body": "<html>"},
    ],
)
def test_a_download_that_fails_leaves_no_file_and_is_tried_again(
    rendering: Short, stand_in: StandIn, order: dict[str, Any]
) -> None:
    stand_in.next("download", **order)
    driving.until(rendering, State.RENDERED, State.SUCCEEDED)
    stored = f"videos/{rendering.pk}" in " ".join(files.names())
    after_one = rendering.state, rendering.video, stored

    driving.until(rendering, State.SUCCEEDED)

    assert after_one == (State.RENDERED, "", False)
    assert stand_in.counts()["calls"]["download"] == 2
    assert video_leg(rendering).charged_tokens == 1000


def test_a_video_that_comes_with_the_answer_all_the_same_is_taken(
    rendering: Short, stand_in: StandIn
) -> None:
    video = {"type": "video", "mime_type": "video/mp4", "data": "{video}"}
    steps = [{"type": "model_output", "content": [video]}]
    body = {"id": "{operation_name}", "status": "completed", "steps": steps}
    stand_in.next("poll", body=body)

    driving.hurry(rendering)

    assert rendering.state == State.SUCCEEDED
    assert video_leg(rendering).charged_tokens == 1000
    assert stand_in.counts()["calls"]["download"] == 0


def test_a_video_that_is_too_large_is_never_stored(
    rendering: Short, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(developer, "VIDEO_BYTES", 1000)

    driving.until(rendering, State.RENDERED)

    assert rendering.video == ""
    assert "NotFetched" in rendering.end_detail


def test_a_download_whose_time_is_over_is_lost(rendering: Short, stand_in: StandIn) -> None:
    stand_in.next("download", n=2, status=404)
    driving.until(rendering, State.RENDERED)
    Short.objects.filter(pk=rendering.pk).update(
        rendered_at=timezone.now() - finish.RESULT_LIFE * 2
    )

    driving.hurry(rendering)

    assert (rendering.state, rendering.end_code) == (State.LOST, "lost")


def test_a_lost_answer_to_the_submit_is_unknown_and_never_repeated(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("submit", cut="after")

    short = driving.step(driving.begin(alice, model=OMNI, seconds=3))

    assert short.state == State.SUBMIT_UNKNOWN
    assert stand_in.counts()["calls"]["submit"] == 1


def test_a_retired_model_closes_here_and_nowhere_else(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", n=gates.CLOSES_AFTER, status=404)
    driving.step(driving.begin(alice, model=OMNI, seconds=3))
    driving.step(driving.begin(alice, model=OMNI, seconds=3))

    driving.step(driving.begin(alice, model=OMNI, seconds=3))

    closed = ModelGate.objects.get(closed_at__isnull=False)
    assert (closed.route, closed.model) == ("developer", catalog.ANALYSIS_MODEL)
    assert OMNI not in [offer.model for offer in offers.in_force(at=timezone.now())]
    assert driving.step(driving.begin(alice)).state == State.RENDERING


def test_neither_the_key_nor_an_address_is_stored(
    alice: User, stand_in: StandIn, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GEMINI_API_KEY = "a-very-secret-word"
    said = {"error": {"code": 400, "message": f"a-very-secret-word at {stand_in.url}/v1"}}
    stand_in.next("submit", status=400, body=said)

    short = driving.step(driving.begin(alice, model=OMNI, seconds=3))

    assert short.end_code == "provider_refused"
    assert "secret" not in repr(vars(short)) + caplog.text
    assert stand_in.url not in repr(vars(short)) + caplog.text


@pytest.mark.parametrize(
    ("project", "key", "models"),
    [
        ("", "k", [OMNI]),
        ("p", "", ["veo-3.1-fast-generate-001", "veo-3.1-generate-001",
                   "veo-3.1-lite-generate-001"]),
        ("", "", []),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_only_models_with_a_way_to_them_are_offered(
    settings: Any, project: str, key: str, models: list[str]
) -> None:
    settings.GEMINI_BASE_URL = ""
    settings.GOOGLE_CLOUD_PROJECT, settings.GEMINI_API_KEY = project, key

    had = offers.in_force(at=timezone.now())

    assert [offer.model for offer in had] == models


def test_with_the_key_alone_omni_is_the_usual_model(settings: Any) -> None:
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = "", "k"

    assert served.default_model() == OMNI


@pytest.mark.django_db
def test_a_model_without_a_way_to_it_has_no_price(settings: Any) -> None:
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = "", "k"

    with pytest.raises(rates.UnpricedModel):
        start.quote(order=start.Order(), at=timezone.now())
