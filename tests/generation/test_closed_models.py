"""A model that fails for its own sake closes itself, early, and staff are told."""

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from google import genai
from google.genai import models

from accounts.models import User
from generation import gates
from generation.models import ModelGate, State
from metering import queries
from metering.models import UsageEvent
from shortsproject.local.gemini import StandIn
from tests.generation import driving

VEO, OMNI, FLASH = "veo-3.1-fast-generate-001", "gemini-omni-1.1-flash", "gemini-3.8-flash"


@pytest.fixture(autouse=True)
def _desk(settings: Any) -> None:
    settings.STAFF_EMAILS = ["desk@example.org"]


def told() -> list[str]:
    """Look for models to tell of, twice, and return the subjects of all mails so far."""
    gates.tell(at=timezone.now())
    gates.tell(at=timezone.now())
    return [message.subject for message in mail.outbox]


def refuse(*, model: str = VEO, times: int = gates.CLOSES_AFTER) -> None:
    """The provider refuses so many calls in a row for the model's sake."""
    at = timezone.now()
    for _ in range(times):
        gates.note_refused(route="enterprise", model=model, detail="404 it is retired", at=at)


def drop_call(sdk: pytest.MonkeyPatch, model: str) -> None:
    """As if a newer SDK had no such call any more."""
    if model == VEO:
        sdk.delattr(models.Models, "generate_videos")
    else:
        sdk.delattr(genai.Client, "interactions")


@pytest.mark.django_db
def test_staff_get_one_mail_for_a_model_that_refusals_have_closed(settings: Any) -> None:
    settings.SITE_URL = "https://shorts.example"

    refuse()

    assert told() == [f"{VEO} was closed to new jobs"]
    assert "404 it is retired" in mail.outbox[0].body
    assert "https://shorts.example/admin/generation/modelgate/" in mail.outbox[0].body
    assert mail.outbox[0].to == ["desk@example.org"]


@pytest.mark.django_db
def test_a_model_that_is_open_or_was_closed_by_staff_is_no_news() -> None:
    refuse(times=gates.CLOSES_AFTER - 1)
    gates.close(route="enterprise", model=FLASH, reason="too dear", at=timezone.now())

    assert told() == []


@pytest.mark.django_db
def test_a_call_that_is_taken_between_refusals_starts_their_count_anew() -> None:
    refuse(times=gates.CLOSES_AFTER - 1)
    gates.note_accepted(route="enterprise", model=VEO)

    refuse(times=gates.CLOSES_AFTER - 1)

    assert gates.closed_models() == set()


@pytest.mark.django_db
def test_a_model_that_closes_again_is_told_of_again() -> None:
    refuse()
    first = told()
    gates.reopen(route="enterprise", model=VEO, reason="they say it works")

    refuse()

    assert len(first) == 1
    assert len(told()) == 2


@pytest.mark.django_db
def test_a_call_that_was_under_way_does_not_hide_that_the_model_closed() -> None:
    refuse()

    gates.note_accepted(route="enterprise", model=VEO)

    assert len(told()) == 1


@pytest.mark.parametrize("message", ["durationSeconds must be 8.", "Unknown name generateAudio"])
def test_three_refusals_of_a_parameter_close_the_renderer(
    alice: User, stand_in: StandIn, message: str
) -> None:
    error = {"code": 400, "status": "INVALID_ARGUMENT", "message": message}
    stand_in.next("submit", n=3, status=400, body={"error": error})
    driving.step(driving.begin(alice))
    driving.step(driving.begin(alice))

    driving.step(driving.begin(alice))

    with pytest.raises(gates.ModelClosed):
        driving.begin(alice)
    assert told() == [f"{VEO} was closed to new jobs"]


@pytest.mark.parametrize("model", [VEO, OMNI])
def test_a_call_that_the_sdk_has_dropped_closes_the_model_before_anybody_has_paid(
    alice: User, bob: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    waiting = driving.begin(bob, model=model)
    drop_call(monkeypatch, model)

    first = driving.step(driving.begin(alice, model=model))
    driving.step(waiting)

    assert (first.state, first.end_code) == (State.FAILED, "model_closed")
    assert (waiting.state, waiting.end_code) == (State.FAILED, "model_closed")
    assert not UsageEvent.objects.exists()
    assert stand_in.counts()["calls"] == {"analyse": 0, "submit": 0, "poll": 0, "download": 0}
    assert told() == [f"{model} was closed to new jobs"]
    with pytest.raises(gates.ModelClosed):
        driving.begin(bob, model=model)


@pytest.mark.parametrize("model", [VEO, OMNI])
def test_an_analysis_that_the_sdk_has_dropped_is_paid_by_nobody(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.delattr(models.Models, "generate_content")

    short = driving.step(driving.begin(alice, model=model))

    balance = queries.balance(user=alice, at=timezone.now())
    assert (short.state, balance.used_tokens, balance.held_tokens) == (State.FAILED, 0, 0)
    assert ModelGate.objects.get(closed_at__isnull=False).model == FLASH
    assert stand_in.counts()["calls"]["analyse"] == 0
