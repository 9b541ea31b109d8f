"""A person settles what nothing else can: with a reason, once, and never against the evidence."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from generation import states
from generation.models import Short, State
from generation.pipeline import resolve, submit
from generation.providers.outcomes import Accepted
from metering import queries, receipts
from metering import staff as staff_acts
from metering.models import Hold, LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import driving, settling


def said(actor: User, **more: Any) -> dict[str, Any]:
    """What every decision is told."""
    return {"actor": actor, "reason": "seen in the console", "at": timezone.now(), **more}


def resume(short: Short, actor: User, name: str, **more: Any) -> int:
    return resolve.resume(short_id=short.pk, operation_name=name, **said(actor, **more))


def release(short: Short, actor: User, **more: Any) -> int:
    return resolve.release(short_id=short.pk, **said(actor, **more))


def ask_again(short: Short, actor: User, **more: Any) -> int:
    return resolve.ask_again(short_id=short.pk, **said(actor, **more))


def refund(short: Short, actor: User, **more: Any) -> int:
    return resolve.refund(short_id=short.pk, **said(actor, **more))


def resolutions() -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(kind="resolution").order_by("id"))


def video_hold(short: Short) -> Hold:
    return Hold.objects.get(job_id=short.pk, model=short.model)


@pytest.fixture
def unknown(alice: User, stand_in: StandIn) -> Short:
    return settling.unknown(alice, stand_in)


@pytest.fixture
def over(alice: User, stand_in: StandIn) -> Short:
    return settling.over(alice, stand_in)


@pytest.fixture
def lost(alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Short:
    return settling.lost(alice, stand_in, monkeypatch)


def test_a_render_that_the_provider_knows_goes_on_to_its_video_and_its_charge(
    unknown: Short, staff: User, stand_in: StandIn
) -> None:
    entry_id = resume(unknown, staff, f" {settling.name_of(stand_in)} ")

    driving.until(unknown, State.SUCCEEDED)

    assert unknown.operation_name == settling.name_of(stand_in)
    assert video_hold(unknown).state == "captured"
    assert stand_in.counts()["accepted_submits"] == 1
    (entry,) = resolutions()
    assert (entry.pk, entry.tokens, entry.job_id) == (entry_id, 0, unknown.pk)
    assert (entry.actor, entry.reason) == (staff, "seen in the console")
    assert entry.hold == video_hold(unknown)


def test_its_hold_takes_its_place_in_flight_again(
    unknown: Short, staff: User, alice: User, stand_in: StandIn
) -> None:
    before = queries.balance(user=alice, at=timezone.now())

    resume(unknown, staff, settling.name_of(stand_in))

    after = queries.balance(user=alice, at=timezone.now())
    assert (before.in_flight, after.in_flight) == (0, 1)
    assert before.held_tokens == after.held_tokens == 1000


@pytest.mark.parametrize(
    "order", [{"status": 503}, {"status": 401}, {"status": 404}, {"cut": "before"}]
)
def test_a_provider_that_does_not_answer_for_it_moves_nothing(
    unknown: Short, staff: User, stand_in: StandIn, order: dict[str, Any]
) -> None:
    stand_in.next("poll", **order)

    with pytest.raises(resolve.NotConfirmed):
        resume(unknown, staff, settling.name_of(stand_in))

    unknown.refresh_from_db()
    assert unknown.state == State.SUBMIT_UNKNOWN
    assert video_hold(unknown).parked
    assert resolutions() == []


def test_an_answer_about_another_render_is_not_believed(
    unknown: Short, staff: User, stand_in: StandIn
) -> None:
    stand_in.next("poll", body={"name": settling.no_such_name(), "done": False})

    with pytest.raises(resolve.NotConfirmed):
        resume(unknown, staff, settling.name_of(stand_in))

    assert resolutions() == []


@pytest.mark.parametrize("name", ["nonsense", settling.no_such_name(), "x" * 400])
def test_a_name_that_the_provider_does_not_know_moves_nothing(
    unknown: Short, staff: User, name: str
) -> None:
    with pytest.raises(resolve.NotConfirmed):
        resume(unknown, staff, name)

    assert resolutions() == []


def test_a_name_of_another_model_is_refused_without_asking(
    unknown: Short, staff: User, stand_in: StandIn
) -> None:
    name = settling.name_of(stand_in).replace(settling.FAST, "veo-3.1-generate-001")

    with pytest.raises(resolve.OperationOfAnotherModel):
        resume(unknown, staff, name)

    assert stand_in.counts()["calls"]["poll"] == 0


@pytest.mark.parametrize("project", ["", "projects/p/locations/l/", "projects/4711/locations/l/"])
def test_the_render_of_another_short_is_refused(
    unknown: Short, staff: User, bob: User, project: str
) -> None:
    other = driving.step(driving.begin(bob))
    own = other.operation_name[other.operation_name.index("publishers/") :]

    with pytest.raises(resolve.OperationTaken):
        resume(unknown, staff, f"{project}{own}")

    assert resolutions() == []


def test_a_reason_is_needed_before_anybody_is_asked(
    unknown: Short, staff: User, stand_in: StandIn
) -> None:
    with pytest.raises(staff_acts.ReasonMissing):
        resume(unknown, staff, settling.name_of(stand_in), reason=" ")
    with pytest.raises(staff_acts.ReasonMissing):
        release(unknown, staff, reason="")

    assert stand_in.counts()["calls"]["poll"] == 0
    assert (resolutions(), Short.objects.get().state) == ([], State.SUBMIT_UNKNOWN)


def test_an_unknown_submit_is_released_with_its_tokens(unknown: Short, staff: User) -> None:
    release(unknown, staff)

    unknown.refresh_from_db()
    (entry,) = resolutions()
    assert (unknown.state, unknown.end_code) == (State.FAILED, "rejected_by_staff")
    assert (unknown.end_detail, entry.reason) == ("seen in the console",) * 2
    assert (video_hold(unknown).state, video_hold(unknown).parked) == ("released", False)
    assert receipts.receipt(job_id=unknown.pk).legs[0].state == "captured"


def test_a_form_sent_twice_is_one_decision(
    unknown: Short, staff: User, alice: User, stand_in: StandIn
) -> None:
    key, name = uuid4(), settling.name_of(stand_in)

    first, again = (resume(unknown, staff, name, key=key) for _ in range(2))

    assert first == again
    assert len(resolutions()) == 1
    assert stand_in.counts()["calls"]["poll"] == 1
    assert queries.balance(user=alice, at=timezone.now()).in_flight == 1


def test_a_release_sent_twice_is_one_release(unknown: Short, staff: User) -> None:
    key = uuid4()

    first, again = (release(unknown, staff, key=key) for _ in range(2))

    assert first == again
    assert len(resolutions()) == 1


def test_two_people_decide_once(unknown: Short, staff: User, stand_in: StandIn) -> None:
    release(unknown, staff)

    with pytest.raises(resolve.NotWaiting):
        resume(unknown, staff, settling.name_of(stand_in))
    with pytest.raises(resolve.NotWaiting):
        release(unknown, staff)

    assert len(resolutions()) == 1


def test_the_late_answer_wins_over_a_decision_that_comes_after_it(
    unknown: Short, staff: User, stand_in: StandIn
) -> None:
    hold = video_hold(unknown).to_open_hold()
    late = Accepted(operation_name=settling.name_of(stand_in))
    submit.record(short=unknown, hold=hold, outcome=late, at=timezone.now())

    with pytest.raises(resolve.NotWaiting):
        release(unknown, staff)

    assert driving.until(unknown, State.SUCCEEDED).video
    assert resolutions() == []


def test_an_answer_after_the_decision_changes_nothing(
    unknown: Short, staff: User, stand_in: StandIn
) -> None:
    hold = video_hold(unknown).to_open_hold()
    late = Accepted(operation_name=settling.name_of(stand_in))
    release(unknown, staff)

    with pytest.raises(states.Superseded):
        submit.record(short=unknown, hold=hold, outcome=late, at=timezone.now())

    assert Short.objects.get().state == State.FAILED


def test_a_render_past_its_results_life_can_be_asked_about_again(over: Short, staff: User) -> None:
    ask_again(over, staff)

    driving.until(over, State.SUCCEEDED)

    assert video_hold(over).state == "captured"
    assert [entry.tokens for entry in resolutions()] == [0]


def test_without_a_result_it_comes_back_to_staff(
    over: Short, staff: User, stand_in: StandIn
) -> None:
    stand_in.next("poll", status=404)
    ask_again(over, staff)

    driving.step(over)

    assert (over.state, over.next_attempt_at) == (State.RENDERING, None)
    assert video_hold(over).state == "open"


def test_a_render_past_its_results_life_can_be_ended(over: Short, staff: User) -> None:
    release(over, staff)

    over.refresh_from_db()
    assert (over.state, over.end_code) == (State.FAILED, "rejected_by_staff")
    assert video_hold(over).state == "released"


def test_a_render_that_goes_on_is_not_for_staff(
    alice: User, staff: User, stand_in: StandIn
) -> None:
    short = driving.step(driving.begin(alice))

    with pytest.raises(resolve.NotWaiting):
        release(short, staff)
    with pytest.raises(resolve.NotWaiting):
        ask_again(short, staff)
    with pytest.raises(resolve.NotWaiting):
        refund(short, staff)

    assert driving.until(short, State.SUCCEEDED).video


def test_a_lost_video_is_given_back_whole_and_once(lost: Short, staff: User, alice: User) -> None:
    key = uuid4()

    first, again = (refund(lost, staff, key=key) for _ in range(2))

    entry = LedgerEntry.objects.get(kind="refund")
    assert first == again == entry.pk
    assert (entry.tokens, entry.actor, entry.reason) == (-1000, staff, "seen in the console")
    assert receipts.receipt(job_id=lost.pk).legs[1].refunded_tokens == 1000


def test_only_what_is_left_of_a_lost_videos_charge_is_given_back(lost: Short, staff: User) -> None:
    charge = queries.charge_of(job_id=lost.pk, model=lost.model)
    assert charge is not None
    staff_acts.refund(entry_id=charge.pk, tokens=600, **said(staff))

    refund(lost, staff)
    with pytest.raises(staff_acts.Refused, match="At most 0 tokens"):
        refund(lost, staff)

    assert receipts.receipt(job_id=lost.pk).legs[1].refunded_tokens == 1000


def test_a_lost_video_that_was_written_off_has_nothing_to_refund(
    alice: User, staff: User, stand_in: StandIn
) -> None:
    short = settling.unknown(alice, stand_in)
    release(short, staff)
    Short.objects.filter(pk=short.pk).update(state=State.LOST)

    with pytest.raises(resolve.NotCharged):
        refund(short, staff)
