"""What is known of a provider's model: until when it wants no call, and why."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from generation import gates
from generation.models import ModelGate
from shortsproject.local.gemini import StandIn
from tests.generation import driving

pytestmark = pytest.mark.django_db

MODEL = {"route": "enterprise", "model": "veo-3.1-fast-generate-001"}


def quota_of_the_day() -> dict[str, Any]:
    """A 429 that names the limit of a day."""
    violations = [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}]
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": details}
    return {"status": 429, "body": {"error": error}}


def test_a_wait_that_the_provider_named_is_known_to_all() -> None:
    until = timezone.now() + timedelta(seconds=38)

    gates.wait(**MODEL, until=until)

    assert gates.not_before(**MODEL) == until


def test_a_shorter_wait_does_not_cut_a_longer_one_short() -> None:
    now = timezone.now()

    gates.wait(**MODEL, until=now + timedelta(hours=1))
    gates.wait(**MODEL, until=now + timedelta(seconds=20))

    assert gates.not_before(**MODEL) == now + timedelta(hours=1)


def test_a_longer_wait_replaces_a_shorter_one() -> None:
    now = timezone.now()

    gates.wait(**MODEL, until=now + timedelta(seconds=20))
    gates.wait(**MODEL, until=now + timedelta(hours=1))

    assert gates.not_before(**MODEL) == now + timedelta(hours=1)


def test_staff_read_that_the_limit_of_a_day_is_used_up(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", **quota_of_the_day())

    driving.step(driving.begin(alice))

    gate = ModelGate.objects.get(model=MODEL["model"])
    assert gate.reason.startswith("daily limit: 429 RESOURCE_EXHAUSTED")
    assert gate.closed_at is None
    assert gate.not_before is not None
    assert gate.not_before > timezone.now() + timedelta(minutes=55)


def test_a_call_that_is_taken_again_clears_the_reason(alice: User, stand_in: StandIn) -> None:
    gates.wait(**MODEL, until=timezone.now(), reason="daily limit: 429")

    driving.step(driving.begin(alice))

    assert ModelGate.objects.get(model=MODEL["model"]).reason == ""


def test_a_late_answer_does_not_clear_the_reason_of_a_model_that_rests() -> None:
    gates.wait(**MODEL, until=timezone.now() + timedelta(hours=1), reason="daily limit: 429")

    gates.note_accepted(**MODEL)

    assert ModelGate.objects.get().reason == "daily limit: 429"


def test_the_reason_of_a_closed_model_stands() -> None:
    gates.close(**MODEL, reason="retired", at=timezone.now())

    gates.wait(**MODEL, until=timezone.now(), reason="daily limit: 429")
    gates.note_accepted(**MODEL)

    assert ModelGate.objects.get().reason == "retired"


@pytest.mark.parametrize("budget", ["submits_per_minute", "renders_at_once"])
def test_the_database_takes_no_budget_of_nothing(budget: str) -> None:
    with pytest.raises(IntegrityError, match="positive"), transaction.atomic():
        ModelGate.objects.create(**MODEL, **{budget: 0})
