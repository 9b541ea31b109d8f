"""A new short from the picture of an old one: what is taken over, and what is paid for again."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from generation import audit, files, gates, intake, queries
from generation.models import Short, State
from generation.pipeline import again, remove, start
from metering import ledger, receipts, staff
from metering import queries as metering_queries
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests.generation import calling_off, driving
from tests.generation.browsing import STANDARD, limit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def done(alice: User, stand_in: StandIn) -> Short:
    """A short of Alice's, whose video is ready."""
    return driving.until(driving.begin(alice, wish="slow pan"), State.SUCCEEDED)


def make_again(source: Short, **given: Any) -> Short:
    order = intake.order_again(source=source, given=given)
    started = again.run(user=source.user, source=source, order=order, at=timezone.now())
    return Short.objects.get(pk=started.short.pk)


def held(user: User) -> int:
    return metering_queries.balance(user=user, at=timezone.now()).held_tokens


def test_unchanged_only_the_video_is_paid_for(alice: User, done: Short, stand_in: StandIn) -> None:
    new = make_again(done)
    quoted = held(alice)

    driving.until(new, State.SUCCEEDED)

    assert quoted == 500
    assert (new.video_prompt, new.analysis_of_id) == (done.video_prompt, done.pk)
    assert calling_off.legs(new) == ["captured"]
    assert stand_in.counts()["calls"]["analyse"] == 1
    assert list(audit.ended_shorts_hold_nothing()) == []
    assert list(audit.rendered_shorts_are_paid_for()) == []


def test_the_receipt_shows_what_was_taken_over_without_a_charge(done: Short) -> None:
    new = make_again(done)

    receipt = queries.view(short=new, at=timezone.now()).receipt

    analysis, video = receipt.legs
    assert (analysis.api_type, analysis.state) == ("gemini-image-analysis", "reused")
    assert (analysis.charged_tokens, analysis.entry_id) == (0, None)
    assert receipt.held_legs == (video,)
    assert receipt.held_tokens == 500


@pytest.mark.parametrize(
    "given",
    [
        {"model": STANDARD},
        {"seconds": 8},
        {"resolution": "1080p"},
        {"aspect_ratio": "9:16"},
        {"prompt": "slow pan"},
    ],
)
def test_other_choices_for_the_same_words_need_no_new_analysis(
    done: Short, given: dict[str, Any]
) -> None:
    new = make_again(done, **given)

    assert (new.state, new.analysis_of_id) == (State.ANALYZED, done.pk)
    assert calling_off.legs(new) == ["open"]


@pytest.mark.parametrize("given", [{"prompt": "fast zoom"}, {"prompt": ""}])
def test_other_words_need_one(done: Short, given: dict[str, Any]) -> None:
    new = make_again(done, **given)

    assert (new.state, new.analysis_of_id, new.video_prompt) == (State.QUEUED, None, "")
    assert calling_off.legs(new) == ["open", "open"]


def test_an_analysis_is_taken_over_again_and_again(alice: User, done: Short) -> None:
    second = driving.until(make_again(done), State.SUCCEEDED)

    third = make_again(second, resolution="1080p")

    assert third.analysis_of_id == done.pk
    assert calling_off.legs(third) == ["open"]


def test_an_analysis_of_no_use_is_made_again(alice: User, stand_in: StandIn) -> None:
    stand_in.next("analyse", outcome="truncated")
    source = driving.until(driving.begin(alice, wish="slow pan"), State.SUCCEEDED)

    assert calling_off.legs(make_again(source)) == ["open", "open"]


def test_an_analysis_that_staff_refunded_is_made_again(alice: User, done: Short) -> None:
    analysis, _ = receipts.receipt(job_id=done.pk).legs
    assert analysis.entry_id is not None
    staff.refund(entry_id=analysis.entry_id, tokens=1, actor=None, reason="test", at=timezone.now())

    assert calling_off.legs(make_again(done)) == ["open", "open"]


@pytest.mark.parametrize(
    ("kind", "outcome", "state"),
    [
        ("poll", "filtered", "filtered"),
        ("poll", "error", "failed"),
        ("analyse", "filtered", "failed"),
    ],
)
def test_what_ended_unhappily_can_be_tried_again(
    alice: User, stand_in: StandIn, kind: str, outcome: str, state: str
) -> None:
    stand_in.next(kind, outcome=outcome)
    source = driving.until(driving.begin(alice), state)

    new = driving.until(make_again(source), State.SUCCEEDED)

    assert new.pk != source.pk


def test_a_canceled_short_with_its_analysis_goes_on_from_there(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", hold=True)
    source = driving.begin(alice)
    with calling_off.while_called(source, stand_in, "analyse"):
        Short.objects.filter(pk=source.pk).update(cancel_requested_at=timezone.now())

    assert calling_off.legs(make_again(source)) == ["open"]


@pytest.mark.parametrize("state", [State.QUEUED, State.RENDERING, State.SUBMIT_UNKNOWN])
def test_what_is_under_way_can_not_be_made_again(alice: User, state: State) -> None:
    source = driving.begin(alice)
    Short.objects.filter(pk=source.pk).update(state=state, operation_name="op-1")
    source.refresh_from_db()

    with pytest.raises(again.NotFinished) as refusal:
        make_again(source)

    assert refusal.value.state == state
    assert Short.objects.count() == 1


def test_deleting_the_old_short_does_not_touch_the_new_one(
    alice: User, done: Short, stand_in: StandIn
) -> None:
    new = make_again(done)

    remove.run(short_id=done.pk, at=timezone.now())

    driving.until(new, State.SUCCEEDED)
    assert files.read(new.picture)
    assert new.picture != done.picture
    assert new.wish == "slow pan"


def test_what_was_deleted_meanwhile_is_gone(done: Short) -> None:
    remove.run(short_id=done.pk, at=timezone.now())

    with pytest.raises(Short.DoesNotExist):
        make_again(done)

    assert Short.objects.count() == 1


def test_a_key_used_twice_gives_the_first_short(done: Short) -> None:
    key = str(uuid4())

    first = make_again(done, idempotency_key=key)
    second = make_again(done, idempotency_key=key)

    assert first.pk == second.pk
    assert Hold.objects.filter(job_id=first.pk).count() == 1


def test_a_key_used_for_other_choices_is_a_conflict(done: Short) -> None:
    make_again(done, idempotency_key="k")

    with pytest.raises(start.IdempotencyConflict):
        make_again(done, idempotency_key="k", seconds=8)


def test_too_few_tokens_for_the_video_alone_are_refused(alice: User, done: Short) -> None:
    used = metering_queries.balance(user=alice, at=timezone.now()).used_tokens
    limit(alice, used + 499)

    with pytest.raises(ledger.TokenLimitExceeded) as refusal:
        make_again(done)

    assert refusal.value.estimated_tokens == 500
    assert Short.objects.count() == 1


def test_a_closed_video_model_is_refused_and_a_closed_analysis_is_not_needed(
    done: Short,
) -> None:
    gates.close(route="enterprise", model="gemini-3.8-flash", reason="test", at=timezone.now())
    new = make_again(done)
    gates.close(route="enterprise", model=STANDARD, reason="test", at=timezone.now())

    with pytest.raises(gates.ModelClosed):
        make_again(done, model=STANDARD)

    assert new.state == State.ANALYZED
