"""Where a deletion is asked for and where it leads to, for one short and for several at once."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation.history import PAGE
from generation.models import Short, State
from metering import queries
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving
from tests.generation.browsing import text

ELSEWHERE = ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]


def left(user: User) -> int:
    """How many shorts a user still sees."""
    return Short.objects.filter(user=user, deleted_at__isnull=True).count()


def test_a_deletion_leads_back_to_the_place_it_was_asked_from(web: Client, alice: User) -> None:
    short = factories.short(alice, State.FAILED)
    place = f"/shorts?show=ready#tile-{short.pk}"

    asked = web.get(f"/shorts/{short.pk}/delete", {"next": place})
    deleted = web.post(f"/shorts/{short.pk}/delete", {"next": place})

    page = asked.content.decode()
    assert f'<input type="hidden" name="next" value="{place}">' in page
    assert f'<a class="button quiet" href="{place}">Keep it</a>' in page
    assert (deleted.status_code, deleted["Location"]) == (303, place)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_deletion_leads_to_no_other_site(web: Client, alice: User, place: str) -> None:
    short = factories.short(alice, State.FAILED)

    asked = web.get(f"/shorts/{short.pk}/delete", {"next": place})
    deleted = web.post(f"/shorts/{short.pk}/delete", {"next": place})

    keep = f'<a class="button quiet" href="/shorts/{short.pk}">Keep it</a>'
    assert (asked.context["next"], keep in asked.content.decode()) == ("", True)
    assert (deleted.status_code, deleted["Location"]) == (303, "/shorts")


def test_several_are_asked_about_and_deleted_together(web: Client, alice: User) -> None:
    one, two, kept = [factories.short(alice, State.FAILED) for _ in range(3)]
    chosen = {"id": [one.pk, two.pk], "next": "/shorts?show=ready"}

    asked = web.get("/shorts/delete", chosen)
    sent = re.findall(r'name="id" value="([^"]*)"', asked.content.decode())
    deleted = web.post("/shorts/delete", {"id": sent, "next": chosen["next"]}, follow=True)

    assert "Delete 2 videos?" in text(asked)
    assert left(alice) == 1
    assert deleted.redirect_chain == [("/shorts?show=ready", 303)]
    assert "2 videos are deleted." in text(deleted)
    assert Short.objects.get(pk=kept.pk).deleted_at is None


def test_a_choice_of_one_is_spoken_of_as_one(web: Client, alice: User) -> None:
    short = factories.short(alice, State.FAILED)

    asked = text(web.get("/shorts/delete", {"id": [short.pk]}))

    assert "Delete 1 video?" in asked
    assert "This video, its picture and your words are removed for good." in asked
    assert "Keep it" in asked


def test_asking_deletes_nothing(web: Client, alice: User) -> None:
    short = factories.short(alice, State.FAILED)

    web.get("/shorts/delete", {"id": [short.pk]})

    assert left(alice) == 1


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (State.QUEUED, "What is not with the renderer yet is canceled"),
        (State.RENDERING, "is charged like any other video, but not kept"),
    ],
)
def test_what_it_means_for_those_under_way_is_said_before(
    web: Client, alice: User, state: str, sentence: str
) -> None:
    under_way, done = factories.short(alice, state), factories.short(alice, State.SUCCEEDED)

    both = web.get("/shorts/delete", {"id": [under_way.pk, done.pk]})
    alone = web.get("/shorts/delete", {"id": [done.pk]})

    assert sentence in text(both)
    assert sentence not in text(alone)


def test_what_was_held_for_a_waiting_one_is_given_back(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    waiting = driving.begin(alice)
    done = driving.until(driving.begin(alice), State.SUCCEEDED)

    web.post("/shorts/delete", {"id": [waiting.pk, done.pk]})

    waiting.refresh_from_db()
    assert (waiting.state, left(alice)) == (State.CANCELED, 0)
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


def test_a_form_that_is_sent_twice_does_no_harm(web: Client, alice: User) -> None:
    short = factories.short(alice, State.FAILED)
    web.post("/shorts/delete", {"id": [short.pk]})

    again = web.post("/shorts/delete", {"id": [short.pk]}, follow=True)

    assert again.redirect_chain == [("/shorts", 303)]
    assert left(alice) == 0


@pytest.mark.parametrize("query", ["", "?id=3", "?id=%00"])
def test_without_a_choice_it_is_asked_for(web: Client, alice: User, query: str) -> None:
    response = web.get(f"/shorts/delete{query}", follow=True)

    assert response.redirect_chain == [("/shorts", 303)]
    assert "No video was chosen. Choose those that are to be deleted." in text(response)


def test_nobody_elses_are_shown_or_deleted(web: Client, alice: User, bob: User) -> None:
    mine, his = factories.short(alice, State.FAILED), factories.short(bob, State.FAILED)
    both = {"id": [mine.pk, his.pk]}

    asked = web.get("/shorts/delete", both)
    web.post("/shorts/delete", both)

    assert str(his.pk) not in asked.content.decode().partition("<main")[2]
    assert (left(alice), left(bob)) == (0, 1)


def test_deleting_several_takes_a_post_with_a_form_token(alice: User) -> None:
    short = factories.short(alice, State.FAILED)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    response = browser.post("/shorts/delete", {"id": [short.pk]})

    assert (response.status_code, left(alice)) == (403, 1)


def test_the_question_asks_little_of_the_database(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    shorts = [factories.short(alice, State.FAILED) for _ in range(PAGE)]

    with django_assert_max_num_queries(5):
        web.get("/shorts/delete", {"id": [short.pk for short in shorts]})


def test_the_question_speaks_korean(web: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="ko")
    short = factories.short(alice, State.QUEUED)

    response = web.get("/shorts/delete", {"id": [short.pk]})

    assert "영상 1개를 삭제하시겠습니까?" in text(response)
    assert not re.search(r"Delete|Keep|removed|canceled", text(response))
