"""A short is deleted: hidden at once, whatever it is doing, and nothing of its owner's is kept."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation import queries as shorts
from generation.models import Short, State
from generation.pipeline import remove
from metering import queries, receipts
from metering.models import LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import calling_off, driving

pytestmark = pytest.mark.django_db(transaction=True)

# Its videos are fetched by a call of their own.
OMNI = "gemini-omni-1.1-flash"


def delete(short: Short) -> Short:
    remove.run(short_id=short.pk, at=timezone.now())
    short.refresh_from_db()
    return short


def words(short: Short) -> set[str]:
    return {short.wish, short.seen, short.video_prompt, short.warning}


def test_a_finished_short_leaves_nothing_but_its_receipt(alice: User, stand_in: StandIn) -> None:
    short = driving.until(driving.begin(alice, wish="my garden"), State.SUCCEEDED)
    before = receipts.receipt(job_id=short.pk)
    picture, video = short.picture, short.video

    delete(short)

    assert words(short) == {""}
    assert (calling_off.stored(picture), calling_off.stored(video)) == (False, False)
    assert receipts.receipt(job_id=short.pk) == before
    assert shorts.newest(user=alice, most=9) == []


def test_a_waiting_short_is_canceled_by_it(alice: User, stand_in: StandIn) -> None:
    short = driving.begin(alice, wish="my garden")
    picture = short.picture

    delete(short)
    driving.hurry(short)

    assert (short.state, words(short)) == (State.CANCELED, {""})
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0
    assert not calling_off.stored(picture)
    assert stand_in.counts()["calls"]["analyse"] == 0


def test_an_analysis_that_was_made_stays_charged(alice: User, stand_in: StandIn) -> None:
    short = delete(calling_off.analysed(alice, wish="my garden"))

    assert (short.state, words(short)) == (State.CANCELED, {""})
    assert calling_off.legs(short) == ["captured", "released"]


def test_during_the_analysis_the_answer_is_charged_and_the_rest_is_given_back(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", hold=True)
    short = driving.begin(alice, wish="my garden")
    picture = short.picture

    with calling_off.while_called(short, stand_in, "analyse"):
        delete(short)

    assert (short.state, words(short)) == (State.CANCELED, {""})
    assert calling_off.legs(short) == ["captured", "released"]
    assert not calling_off.stored(picture)


def test_during_a_submit_that_is_accepted_it_runs_on_to_its_charge_and_keeps_no_file(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("submit", hold=True)
    short = driving.begin(alice, wish="my garden")
    picture = short.picture

    with calling_off.while_called(short, stand_in, "submit"):
        delete(short)
    handed_over = short.state
    driving.until(short, State.SUCCEEDED)

    assert handed_over == State.RENDERING
    assert calling_off.legs(short) == ["captured", "captured"]
    assert (words(short), short.video) == ({""}, "")
    assert not calling_off.stored(picture)


def test_during_a_submit_that_is_not_accepted_it_is_never_submitted_again(
    alice: User, stand_in: StandIn
) -> None:
    stand_in.next("submit", hold=True, status=429)
    short = driving.begin(alice)

    with calling_off.while_called(short, stand_in, "submit"):
        delete(short)

    assert short.state == State.CANCELED
    assert calling_off.legs(short) == ["captured", "released"]


def test_a_render_is_charged_once_and_its_video_is_not_fetched(
    alice: User, stand_in: StandIn
) -> None:
    short = delete(driving.step(driving.begin(alice, wish="my garden", model=OMNI)))

    driving.until(short, State.SUCCEEDED)

    assert (short.video, short.video_bytes, words(short)) == ("", None, {""})
    assert calling_off.legs(short) == ["captured", "captured"]
    assert LedgerEntry.objects.filter(job_id=short.pk, kind="charge").count() == 2
    assert stand_in.counts()["calls"]["download"] == 0


def test_a_render_that_fails_gives_its_tokens_back(alice: User, stand_in: StandIn) -> None:
    stand_in.next("poll", outcome="error")
    short = delete(driving.step(driving.begin(alice, wish="my garden")))

    driving.until(short, State.FAILED)

    assert words(short) == {""}
    assert calling_off.legs(short) == ["captured", "released"]


def test_an_unknown_outcome_keeps_its_hold(alice: User, stand_in: StandIn) -> None:
    stand_in.next("submit", cut="after")
    short = driving.until(driving.begin(alice, wish="my garden"), State.SUBMIT_UNKNOWN)

    delete(short)

    assert (short.state, words(short)) == (State.SUBMIT_UNKNOWN, {""})
    assert calling_off.legs(short) == ["captured", "open"]


def test_a_render_keeps_no_word_of_its_owner_while_it_runs_on(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.step(driving.begin(alice, wish="my garden"))
    picture = short.picture

    delete(short)

    assert (short.state, words(short), short.picture) == (State.RENDERING, {""}, "")
    assert not calling_off.stored(picture)


def test_where_the_worker_died_during_the_submit_nothing_is_kept_while_staff_decide(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice, wish="my garden")
    picture = short.picture
    Short.objects.filter(pk=short.pk).update(state=State.SUBMITTING, attempt=2)
    delete(short)

    driving.hurry(short)

    assert (short.state, words(short)) == (State.SUBMIT_UNKNOWN, {""})
    assert not calling_off.stored(picture)


def test_where_the_worker_died_during_the_analysis_nobody_is_asked_again(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    picture = short.picture
    Short.objects.filter(pk=short.pk).update(state=State.ANALYZING, attempt=1)
    delete(short)

    driving.hurry(short)

    assert short.state == State.CANCELED
    assert not calling_off.stored(picture)
    assert stand_in.counts()["calls"]["analyse"] == 0


def test_twice_is_once(alice: User) -> None:
    short = delete(driving.begin(alice))
    first = short.deleted_at

    assert delete(short).deleted_at == first


def test_a_file_that_is_gone_already_is_no_error(alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(picture="pictures/gone.jpg")

    assert delete(short).deleted_at is not None


def test_deleting_takes_a_bounded_number_of_statements(
    alice: User, django_assert_max_num_queries: Any
) -> None:
    short = driving.begin(alice)

    with django_assert_max_num_queries(9):
        remove.run(short_id=short.pk, at=timezone.now())
