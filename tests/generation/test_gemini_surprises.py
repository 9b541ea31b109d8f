"""Field cases FC-05 to FC-08: odd usage, output lost in thoughts, refused pictures, and waits."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation import gates
from generation.models import Short, State
from metering import queries, receipts
from metering.models import LedgerEntry, UsageEvent
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving

FLASH, FAST = "gemini-3.8-flash", "veo-3.1-fast-generate-001"
PROMPT = "The camera drifts slowly over an orange field at dusk."
WORDS = {"seen": "A field.", "camera_move": "drift", "video_prompt": PROMPT, "warning": ""}


def answer(text: str | None, finish: str = "STOP", usage: object = None) -> dict[str, Any]:
    """A whole answer of the analysis; without usage if none is given."""
    content = {"parts": [{"text": text}]} if text is not None else {}
    body: dict[str, Any] = {"candidates": [{"finishReason": finish, "content": content}]}
    return body if usage is None else body | {"usageMetadata": usage}


def analysis_leg(short: Short) -> Any:
    return receipts.receipt(job_id=short.pk).legs[0]


def held(user: User) -> int:
    return queries.balance(user=user, at=timezone.now()).held_tokens


def goes_on_at(short: Short) -> Any:
    """When the next step may be taken: in line for Veo, when its gate opens again."""
    in_line = short.next_attempt_at is None and short.state == State.ANALYZED
    gate = gates.not_before(route="enterprise", model=FAST)
    return gate if in_line else short.next_attempt_at


def busy(*, per_day: bool = False) -> dict[str, Any]:
    """A 429 that names 38 seconds, and the limit of a day if asked."""
    limit = "GenerateRequestsPerDayPerProjectPerModel" if per_day else "RequestsPerMinute"
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": limit}],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s"},
    ]
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": details}
    return {"status": 429, "body": {"error": error}}


@pytest.mark.parametrize(
    ("usage", "tokens", "basis"),
    [
        (None, 500, "estimated"),
        ({}, 500, "estimated"),
        ({"promptTokenCount": 310}, 310, "derived"),
        ({"totalTokenCount": "487"}, 487, "reported"),
        (
            {"promptTokenCount": 300, "candidatesTokenCount": 6, "thoughtsTokenCount": 190},
            496,
            "derived",
        ),
        (
            {"promptTokenCount": 300, "candidatesTokenCount": 90, "totalTokenCount": 100},
            390,
            "derived",
        ),
        ({"totalTokenCount": 2_147_483_653}, 2_147_483_653, "reported"),
        ({"promptTokenCount": 300, "cachedContentTokenCount": 200}, 300, "derived"),
    ],
    ids=["none", "empty", "prompt only", "text", "no total", "total too small", "huge", "cached"],
)
def test_fc_05_usage_that_is_missing_partial_or_odd(
    alice: User, stand_in: StandIn, api: Callable[[User], APIClient], usage: Any, tokens: int,
    basis: str,
) -> None:  # fmt: skip
    factories.limit(alice, None, at=timezone.now())
    stand_in.next("analyse", body=answer(json.dumps(WORDS), usage=usage))

    short = driving.step(driving.begin(alice))

    leg = analysis_leg(short)
    shown = api(alice).get(f"/api/shorts/{short.pk}").json()["receipt"]["legs"][0]
    event = UsageEvent.objects.get(job_id=short.pk)
    assert short.state == State.RENDERING
    assert (leg.charged_tokens, leg.basis) == (tokens, basis)
    assert (shown["charged_tokens"], shown["basis"]) == (tokens, basis)
    assert event.prompt_tokens == (usage or {}).get("promptTokenCount")


@pytest.mark.parametrize(
    ("text", "finish", "usage", "tokens"),
    [
        (
            None,
            "MAX_TOKENS",
            {"promptTokenCount": 310, "thoughtsTokenCount": 1990, "totalTokenCount": 2300},
            2300,
        ),
        ('{"prompt": "A calm s', "MAX_TOKENS", {"totalTokenCount": 1310}, 1310),
        ("slowly, " * 4000, "STOP", {"totalTokenCount": 9000}, 9000),
        (json.dumps(WORDS | {"video_prompt": "slowly, " * 99}), "STOP", {"totalTokenCount": 9}, 9),
        ("", "STOP", {"totalTokenCount": 9000}, 9000),
    ],
    ids=["thoughts", "cut", "loop", "loop in its field", "empty"],
)
@pytest.mark.parametrize(
    ("wish", "state", "rendered"), [("a pan", State.RENDERING, ["a pan"]), ("", State.FAILED, [])]
)
def test_fc_06_output_that_is_lost_is_paid_once_and_never_rendered(
    alice: User, stand_in: StandIn, text: str | None, finish: str, usage: Any, tokens: int,
    wish: str, state: str, rendered: list[str],
) -> None:  # fmt: skip
    stand_in.next("analyse", body=answer(text, finish, usage))

    short = driving.step(driving.begin(alice, wish=wish))

    sent = [call.body for call in stand_in.requests if call.kind == "submit"]
    balance = queries.balance(user=alice, at=timezone.now())
    assert (short.state, short.video_prompt) == (state, wish)
    assert [body["instances"][0]["prompt"] for body in sent] == rendered
    assert LedgerEntry.objects.get(job_id=short.pk).tokens == balance.used_tokens == tokens
    assert stand_in.counts()["calls"]["analyse"] == 1
    assert stand_in.requests[0].body["generationConfig"]["maxOutputTokens"] == 1000


def test_fc_06_an_overrun_past_the_limit_is_visible(alice: User, stand_in: StandIn) -> None:
    factories.limit(alice, 2000, at=timezone.now())
    stand_in.next("analyse", body=answer("slowly, " * 4000, usage={"totalTokenCount": 9000}))

    short = driving.step(driving.begin(alice, wish="a pan"))

    balance = queries.balance(user=alice, at=timezone.now())
    assert balance.remaining_tokens == 2000 - 9000
    assert (analysis_leg(short).estimated_tokens, analysis_leg(short).charged_tokens) == (500, 9000)
    assert short.state == State.RENDERING


@pytest.mark.parametrize(
    "message", ["Provided image is not valid.", "Unable to process input image.", "<html>no</html>"]
)
def test_fc_07_a_picture_the_provider_never_takes_ends_at_once_in_own_words(
    alice: User, stand_in: StandIn, api: Callable[[User], APIClient], client: Client, message: str
) -> None:
    error = {"code": 400, "status": "INVALID_ARGUMENT", "message": message}
    stand_in.next("analyse", n=5, status=400, body={"error": error})

    short = driving.hurry(driving.step(driving.begin(alice)))

    client.force_login(alice)
    shown = (
        api(alice).get(f"/api/shorts/{short.pk}").content
        + client.get(f"/shorts/{short.pk}").content
    )
    assert (short.state, short.end_code) == (State.FAILED, "provider_refused")
    assert (held(alice), LedgerEntry.objects.count()) == (0, 0)
    assert stand_in.counts()["calls"]["analyse"] == 1
    assert message.encode() not in shown
    assert b"INVALID_ARGUMENT" not in shown
    assert message in short.end_detail


@pytest.mark.parametrize("kind", ["analyse", "submit"])
def test_fc_08_a_wait_that_was_named_is_kept_by_every_waiting_short(
    alice: User, bob: User, stand_in: StandIn, kind: str
) -> None:
    stand_in.next(kind, **busy())
    told, other = driving.begin(alice), driving.begin(bob)
    driving.step(told)
    driving.step(other)

    driving.hurry(told)
    driving.hurry(other)

    soonest = timezone.now() + timedelta(seconds=30)
    assert stand_in.counts()["calls"][kind] == 1
    assert goes_on_at(told) > soonest
    assert goes_on_at(other) > soonest
    assert told.state == other.state == (State.QUEUED if kind == "analyse" else State.ANALYZED)
    assert held(alice) >= 500


def test_fc_08_a_wait_named_to_a_question_is_kept_by_every_render(
    alice: User, bob: User, stand_in: StandIn
) -> None:
    told, other = driving.step(driving.begin(alice)), driving.step(driving.begin(bob))
    stand_in.next("poll", **busy())
    driving.hurry(told)

    driving.hurry(told)
    driving.hurry(other)
    later = driving.step(driving.begin(bob))

    soonest = timezone.now() + timedelta(seconds=30)
    assert stand_in.counts()["calls"]["poll"] == 1
    assert min(map(goes_on_at, (told, other, later))) > soonest
    assert [told.state, other.state, later.state] == [
        State.RENDERING, State.RENDERING, State.ANALYZED,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["analyse", "submit"])
def test_fc_08_the_limit_of_a_day_is_not_asked_again_for_an_hour_and_staff_see_it(
    alice: User, stand_in: StandIn, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    stand_in.next(kind, **busy(per_day=True))

    short = driving.hurry(driving.step(driving.begin(alice)))

    assert goes_on_at(short) > timezone.now() + timedelta(minutes=55)
    assert stand_in.counts()["calls"][kind] == 1
    assert "daily limit is used up" in caplog.text


def test_fc_08_the_limit_of_a_day_for_questions_is_asked_about_hourly(
    alice: User, stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    short = driving.step(driving.begin(alice))
    stand_in.next("poll", **busy(per_day=True))

    driving.hurry(short)

    assert short.state == State.RENDERING
    assert short.next_attempt_at > timezone.now() + timedelta(minutes=55)
    assert "polls are refused" in caplog.text


def test_fc_08_a_days_quota_of_submits_keeps_no_finished_video_back(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.step(driving.begin(alice))
    at = timezone.now()
    gates.wait(route="enterprise", model=FAST, until=at + timedelta(hours=1))

    driving.until(short, State.SUCCEEDED)

    assert held(alice) == 0


def test_fc_08_the_user_reads_that_it_waits(alice: User, stand_in: StandIn, client: Client) -> None:
    stand_in.next("analyse", **busy())
    short = driving.step(driving.begin(alice))
    client.force_login(alice)

    page = client.get(f"/shorts/{short.pk}").content.decode()

    assert "The provider asked for a pause" in page
    assert not LedgerEntry.objects.exists()
