"""The pages on which an owner cancels a short, makes it again or deletes it."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation.models import Short, State
from metering import queries
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving
from tests.generation.browsing import FAST, STANDARD, order, text


@pytest.fixture
def done(alice: User, stand_in: StandIn) -> Short:
    """A short of Alice's, whose video is ready."""
    return driving.until(driving.begin(alice, wish="slow pan", seconds=8), State.SUCCEEDED)


def asks_to_cancel(page: str, short: Short) -> bool:
    form = f'<form id="cancel" method="post" action="/shorts/{short.pk}/cancel" hidden>'
    return form in page and '<button id="call-off" class="button quiet" form="cancel">' in page


def test_one_button_cancels_a_waiting_short(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    before = web.get(f"/shorts/{short.pk}").content.decode()

    response = web.post(f"/shorts/{short.pk}/cancel", follow=True)

    assert asks_to_cancel(before, short)
    assert response.redirect_chain == [(f"/shorts/{short.pk}", 303)]
    assert "You canceled this video." in text(response)
    assert not asks_to_cancel(response.content.decode(), short)


@pytest.mark.parametrize("state", ["submitting", "rendering", "rendered", "succeeded", "failed"])
def test_where_it_is_too_late_there_is_no_button(web: Client, alice: User, state: str) -> None:
    short = factories.short(alice, state)

    assert not asks_to_cancel(web.get(f"/shorts/{short.pk}").content.decode(), short)


def test_a_click_that_comes_too_late_is_explained(web: Client, alice: User) -> None:
    short = factories.short(alice, State.RENDERING)

    response = web.post(f"/shorts/{short.pk}/cancel", follow=True)

    assert "be canceled any more: it is with the renderer" in text(response)


def test_a_cancel_that_is_waited_for_is_explained(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(state=State.ANALYZING)

    response = web.post(f"/shorts/{short.pk}/cancel", follow=True)

    assert "It ends as soon as the answer about the picture is there" in text(response)
    assert '<meta http-equiv="refresh" content="3">' in response.content.decode()
    assert not asks_to_cancel(response.content.decode(), short)


def test_canceling_takes_a_post_with_a_form_token(alice: User) -> None:
    short = driving.begin(alice)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    assert browser.get(f"/shorts/{short.pk}/cancel").status_code == 405
    assert browser.post(f"/shorts/{short.pk}/cancel").status_code == 403
    assert Short.objects.get().state == State.QUEUED


def test_who_was_logged_out_comes_back_to_the_page_with_the_button(
    client: Client, alice: User
) -> None:
    short = driving.begin(alice)

    answer = client.post(f"/shorts/{short.pk}/cancel")

    assert answer["Location"] == f"/accounts/login/?next=/shorts/{short.pk}"
    assert Short.objects.get().state == State.QUEUED


def test_make_again_opens_the_studio_filled_in_at_the_price_of_the_video_alone(
    web: Client, done: Short
) -> None:
    link = f"/?again={done.pk}"
    assert f'href="{link}"' in web.get(f"/shorts/{done.pk}").content.decode()

    response = web.get(link)

    page = response.content.decode()
    assert f'<input type="hidden" name="again" value="{done.pk}">' in page
    assert f'src="/api/shorts/{done.pk}/image"' in page
    assert 'type="file"' not in page
    assert '<textarea id="id_prompt" name="prompt"' in page
    assert "slow pan</textarea>" in page
    assert "1,000 tokens for 8 s in 720p" in text(response)
    assert "about 500 tokens more" in text(response)


def test_sent_unchanged_it_holds_the_video_alone(web: Client, alice: User, done: Short) -> None:
    given = {"again": str(done.pk), "prompt": "slow pan", "aspect_ratio": "16:9"}

    response = order(web, picture=None, **given)

    new = Short.objects.exclude(pk=done.pk).get()
    assert (response.status_code, response["Location"]) == (303, f"/shorts/{new.pk}")
    assert (new.state, new.analysis_of_id) == (State.ANALYZED, done.pk)
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1000
    assert "taken over from an earlier video, at no charge" in text(web.get(f"/shorts/{new.pk}"))


def test_sent_with_other_words_the_picture_is_looked_at_once_more(
    web: Client, alice: User, done: Short
) -> None:
    order(web, picture=None, again=str(done.pk), prompt="fast zoom", aspect_ratio="16:9")

    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500


def test_the_frame_as_the_picture_is_no_other_frame(web: Client, done: Short) -> None:
    given = {"again": str(done.pk), "prompt": "slow pan", "aspect_ratio": "", "model": "gone"}

    response = order(web, picture=None, **given)

    assert response.status_code == 400
    assert response.context["left_out"] == 500


def test_a_refusal_shows_the_form_again_with_the_same_picture(web: Client, done: Short) -> None:
    given = {"again": str(done.pk), "prompt": "fast zoom", "seconds": "5", "model": STANDARD}

    response = order(web, picture=None, **given)

    page = response.content.decode()
    assert response.status_code == 400
    assert f'name="again" value="{done.pk}"' in page
    assert "fast zoom</textarea>" in page
    assert "Only the picture has to be chosen again" not in text(response)
    assert "Gemini looks at this picture once more" in text(response)


def test_what_is_under_way_is_not_made_again(web: Client, alice: User) -> None:
    short = driving.begin(alice)

    page = web.get(f"/shorts/{short.pk}").content.decode()
    response = order(web, picture=None, again=str(short.pk), model=FAST)

    assert "?again=" not in page
    assert response.status_code == 409
    assert "Please try again once it has ended" in text(response)


@pytest.mark.parametrize("named", ["nonsense", "01a21099-0000-7000-8000-000000000000"])
def test_what_does_not_exist_is_not_made_again(web: Client, named: str) -> None:
    assert web.get(f"/?again={named}").status_code == 404
    assert order(web, picture=None, again=named).status_code == 404


def test_deleting_asks_first(web: Client, done: Short) -> None:
    link = f"/shorts/{done.pk}/delete"
    assert f'href="{link}"' in web.get(f"/shorts/{done.pk}").content.decode()

    response = web.get(link)

    assert "Delete this video?" in text(response)
    assert "is canceled" not in text(response)
    assert "renderer" not in text(response)
    assert Short.objects.get().deleted_at is None


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("queued", "so it is canceled"), ("rendering", "charged like any other video")],
)
def test_what_deleting_means_for_a_short_under_way_is_said_before(
    web: Client, alice: User, state: str, sentence: str
) -> None:
    short = factories.short(alice, state)

    assert sentence in text(web.get(f"/shorts/{short.pk}/delete"))


def test_once_deleted_it_is_gone_from_every_page(web: Client, done: Short) -> None:
    response = web.post(f"/shorts/{done.pk}/delete", follow=True)

    assert response.redirect_chain == [("/shorts", 303)]
    assert "The video is deleted." in text(response)
    assert str(done.pk) not in response.content.decode()
    assert web.get(f"/shorts/{done.pk}").status_code == 404
    assert web.get(f"/shorts/{done.pk}/delete").status_code == 404
    assert web.post(f"/shorts/{done.pk}/delete").status_code == 303


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_nobody_touches_somebody_elses_short(
    client: Client, alice: User, bob: User, act: str
) -> None:
    short = driving.begin(alice)
    client.force_login(bob)

    assert client.post(f"/shorts/{short.pk}/{act}").status_code == 404
    assert client.get(f"/?again={short.pk}").status_code == 404
    assert Short.objects.get().state == State.QUEUED


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("shorts/{}", "다시 만들기"),
        ("shorts/{}/delete", "이 영상을 삭제하시겠습니까?"),
        ("?again={}", "같은 사진으로 영상 다시 만들기"),
    ],
)
def test_the_pages_speak_korean(
    web: Client, alice: User, done: Short, path: str, sentence: str
) -> None:
    User.objects.filter(pk=alice.pk).update(language="ko")

    response = web.get(f"/{path.format(done.pk)}")

    assert sentence in text(response)
    assert not re.search(r"Make again|Delete|once more", text(response))


def test_the_studio_for_one_more_asks_little_more_of_the_database(
    web: Client, done: Short, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(11):
        web.get(f"/?again={done.pk}")
