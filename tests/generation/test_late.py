"""Answers that the database could not take in time: recorded later, and nobody is asked again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from accounts.models import User
from generation import states
from generation.models import Short, State
from generation.pipeline import analyse, bell, cancel, late, recording, resolve
from generation.providers import outcomes
from generation.providers.outcomes import (
    Accepted,
    Analysed,
    AnalysisBlocked,
    AnalysisUnusable,
    NotAccepted,
    Refused,
    Unclear,
)
from metering import queries, receipts
from metering.models import UsageEvent
from metering.types import Usage
from shortsproject.local.gemini import StandIn
from tests.generation import driving

USAGE = Usage(310, 97, 80, None, None, 487, provider_id="r-1")
ANALYSED = Analysed("A slow pan over an orange field.", "A field.", "slow pan", "", USAGE)
OPERATION = "publishers/google/models/veo-3.1-fast-generate-001/operations/77"

Sent = list[tuple[str, dict[str, Any], float]]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What is handed to the broker: the task, what it is told, and the wait in seconds."""
    sent: Sent = []

    def take(name: str, kwargs: dict[str, Any], countdown: float = 0) -> None:
        sent.append((name, kwargs, countdown))

    monkeypatch.setattr(bell.current_app, "send_task", take)
    return sent


def under_way(user: User, state: str) -> Short:
    """A short that a worker has in hand, in its first attempt."""
    short = driving.begin(user, seconds=8)
    lease = timezone.now() + timedelta(seconds=60)
    Short.objects.filter(pk=short.pk).update(state=state, attempt=1, lease_until=lease)
    short.refresh_from_db()
    return short


def come_back(short: Short, step: str, outcome: Any, *, attempt: int = 1) -> Short:
    """Record an answer as the broker brings it back."""
    kept = bell.Kept(short.pk, attempt, step, outcomes.to_json(outcome), tries=1)
    late.run(kept=kept, now=timezone.now)
    short.refresh_from_db()
    return short


def bring_back_often(short: Short, *, times: int) -> None:
    """Bring an answer back again and again."""
    for tries in range(times):
        kept = bell.Kept(short.pk, 1, State.ANALYZING, outcomes.to_json(ANALYSED), tries)
        late.run(kept=kept, now=timezone.now)


def legs(short: Short) -> tuple[Any, Any]:
    analysis, video = receipts.receipt(job_id=short.pk).legs
    return analysis, video


def away() -> None:
    raise OperationalError("the connection is lost")


def too_long() -> None:
    raise DataError("value too long for type character varying(500)")


@pytest.mark.parametrize(
    "outcome",
    [
        ANALYSED,
        AnalysisBlocked("SAFETY", USAGE),
        AnalysisBlocked("SAFETY", None),
        AnalysisUnusable("cut", Usage()),
        Unclear("500", answered=True),
        NotAccepted("429", "busy", 38.5),
        Refused(404, "gone", model_gone=True),
        Accepted(OPERATION),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_every_paid_outcome_survives_the_message(outcome: Any) -> None:
    assert outcomes.from_json(outcomes.to_json(outcome)) == outcome


def test_an_analysis_that_comes_late_is_charged_once_and_goes_on(
    alice: User, stand_in: StandIn
) -> None:
    short = under_way(alice, State.ANALYZING)

    come_back(short, State.ANALYZING, ANALYSED)
    come_back(short, State.ANALYZING, ANALYSED)

    assert (short.state, short.video_prompt) == (State.ANALYZED, ANALYSED.video_prompt)
    assert (legs(short)[0].charged_tokens, legs(short)[0].state) == (487, "captured")
    assert UsageEvent.objects.count() == 1
    assert stand_in.counts()["calls"]["analyse"] == 0


def test_the_answer_of_an_attempt_that_was_superseded_costs_the_user_nothing(
    alice: User,
) -> None:
    short = under_way(alice, State.ANALYZING)
    Short.objects.filter(pk=short.pk).update(attempt=2)

    come_back(short, State.ANALYZING, ANALYSED)

    event = UsageEvent.objects.get(job_id=short.pk)
    assert (event.attempt, event.total_tokens, event.billable) == (1, 487, False)
    assert event.cost_usd > 0
    assert (short.state, legs(short)[0].state) == (State.ANALYZING, "open")
    assert queries.balance(user=alice, at=timezone.now()).used_tokens == 0


def test_a_worker_that_hung_past_its_lease_leaves_what_its_answer_has_cost(alice: User) -> None:
    short = under_way(alice, State.ANALYZING)
    hold = queries.open_hold(job_id=short.pk, api_type="gemini-image-analysis")
    assert hold is not None
    Short.objects.filter(pk=short.pk).update(attempt=2)

    moved = recording.answered(
        step=State.ANALYZING, short=short, hold=hold, outcome=ANALYSED, now=timezone.now,
        write=lambda: analyse.record(short=short, hold=hold, outcome=ANALYSED, at=timezone.now()),
    )  # fmt: skip

    event = UsageEvent.objects.get(job_id=short.pk)
    assert (moved, event.total_tokens, event.billable) == (False, 487, False)
    assert legs(short)[0].state == "open"


def test_a_cancel_that_was_asked_for_meanwhile_is_carried_out_once_the_answer_is_paid(
    alice: User,
) -> None:
    short = under_way(alice, State.ANALYZING)
    cancel.run(short_id=short.pk, at=timezone.now())

    come_back(short, State.ANALYZING, ANALYSED)

    analysis, video = legs(short)
    assert short.state == State.CANCELED
    assert (analysis.charged_tokens, video.state) == (487, "released")


@pytest.mark.parametrize("outcome", [AnalysisBlocked("SAFETY", None), Unclear("reset")])
def test_a_superseded_answer_that_reports_no_cost_leaves_no_event(
    alice: User, outcome: Any
) -> None:
    short = under_way(alice, State.ANALYZING)

    come_back(short, State.ANALYZING, outcome, attempt=0)

    assert not UsageEvent.objects.exists()


@pytest.mark.parametrize("state", [State.SUBMITTING, State.SUBMIT_UNKNOWN])
def test_an_operations_name_that_comes_late_goes_on_with_its_render(
    alice: User, state: str
) -> None:
    short = under_way(alice, state)

    come_back(short, State.SUBMITTING, Accepted(OPERATION))
    come_back(short, State.SUBMITTING, Accepted(OPERATION))

    assert (short.state, short.operation_name) == (State.RENDERING, OPERATION)
    assert queries.balance(user=alice, at=timezone.now()).in_flight == 1
    assert not UsageEvent.objects.exists()


def test_a_refusal_that_comes_late_ends_what_was_unknown(alice: User) -> None:
    short = under_way(alice, State.SUBMIT_UNKNOWN)

    come_back(short, State.SUBMITTING, Refused(400, "400 INVALID_ARGUMENT"))

    assert (short.state, short.end_code) == (State.FAILED, "provider_refused")
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


def test_a_render_that_staff_gave_up_meanwhile_is_told_and_charges_nobody(
    alice: User, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    short = under_way(alice, State.SUBMIT_UNKNOWN)
    at = timezone.now()
    resolve.release(short_id=short.pk, actor=staff, reason="nothing in the console", at=at)

    come_back(short, State.SUBMITTING, Accepted(OPERATION))

    event = UsageEvent.objects.get(job_id=short.pk)
    assert (event.seconds, event.provider_id, event.billable) == (8, "77", False)
    assert short.state == State.FAILED
    assert OPERATION in caplog.text
    assert queries.balance(user=alice, at=at).used_tokens == 0


def test_a_database_that_is_away_past_the_lease_hands_the_answer_to_the_broker(
    alice: User, broker: Sent
) -> None:
    short = under_way(alice, State.ANALYZING)
    short.lease_until = timezone.now()
    hold = queries.open_hold(job_id=short.pk, api_type="gemini-image-analysis")
    assert hold is not None
    broker.clear()

    moved = recording.answered(
        step=State.ANALYZING, short=short, hold=hold, outcome=ANALYSED, write=away,
        now=timezone.now,
    )  # fmt: skip

    ((name, told, wait),) = broker
    assert (moved, name, wait) == (False, "generation.record_answer", 1)
    assert (told["short_id"], told["attempt"], told["tries"]) == (str(short.pk), 1, 1)
    assert outcomes.from_json(told["answer"]) == ANALYSED


def test_while_the_database_stays_away_the_pauses_grow_to_half_a_minute(
    alice: User, broker: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "_record", lambda **kept: away())
    short = under_way(alice, State.ANALYZING)
    broker.clear()

    bring_back_often(short, times=8)

    assert [wait for _name, _told, wait in broker] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert [told["tries"] for _name, told, _wait in broker] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert timedelta(seconds=bell.LONGEST_WAIT_SECONDS + 10) < states.ANSWER_LIFE


def test_without_a_broker_one_line_of_the_log_says_all_that_is_needed(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_broker(*args: object, **named: object) -> None:
        raise ConnectionRefusedError

    short = under_way(alice, State.SUBMITTING)
    monkeypatch.setattr(bell.current_app, "send_task", no_broker)

    answer = outcomes.to_json(Accepted(OPERATION))
    bell.keep(kept=bell.Kept(short.pk, 1, State.SUBMITTING, answer))

    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert str(short.pk) in line
    assert OPERATION in line
    assert "submitting" in line


def test_an_answer_that_can_not_be_recorded_at_all_is_in_the_log(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    short = under_way(alice, State.SUBMITTING)
    answer = {"outcome": "OfAnotherRelease", "operation_name": OPERATION}

    with pytest.raises(KeyError):
        late.run(kept=bell.Kept(short.pk, 1, State.SUBMITTING, answer), now=timezone.now)

    assert "an answer is lost, settle it by hand" in caplog.text
    assert OPERATION in caplog.text


def test_an_answer_that_its_own_worker_can_not_record_is_in_the_log(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    short = under_way(alice, State.SUBMITTING)
    hold = queries.open_hold(job_id=short.pk, api_type="gemini-veo-video")
    assert hold is not None

    with pytest.raises(DataError):
        recording.answered(
            step=State.SUBMITTING, short=short, hold=hold, outcome=Accepted(OPERATION),
            write=too_long, now=timezone.now,
        )  # fmt: skip

    assert "an answer is lost, settle it by hand" in caplog.text
    assert OPERATION in caplog.text


@pytest.mark.parametrize("state", [State.ANALYZING, State.SUBMITTING])
def test_a_lease_that_is_over_leaves_its_answer_time_before_anybody_decides(
    alice: User, stand_in: StandIn, state: str
) -> None:
    short = under_way(alice, state)
    driving.expire_lease(short)

    first = driving.hurry(short)
    due = first.next_attempt_at
    again = driving.step(first)

    assert (again.state, again.attempt) == (state, 1)
    assert due > timezone.now() + timedelta(seconds=40)
    assert stand_in.counts()["calls"]["analyse"] == 0


@pytest.mark.parametrize("state", [State.ANALYZING, State.SUBMITTING])
def test_a_bell_during_a_call_leaves_the_worker_its_lease(alice: User, state: str) -> None:
    short = under_way(alice, state)
    lease = short.lease_until

    driving.hurry(short)

    assert (short.state, short.attempt, short.lease_until) == (state, 1, lease)
