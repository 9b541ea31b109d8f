"""The page of one short: where it stands, its video, and what was ordered."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import short_page
from generation.models import Short, State
from shortsproject.local.gemini import StandIn
from tests.factories import AT
from tests.generation import driving, thought_of
from tests.generation.browsing import text

REFRESH = '<noscript><meta http-equiv="refresh" content="3"></noscript>'


@pytest.mark.django_db(transaction=True)
def test_a_finished_short_plays_and_can_be_downloaded(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice, wish="Waves, and 바다"), State.SUCCEEDED)

    page = web.get(f"/shorts/{short.pk}").content.decode()

    assert re.search(r'<video controls playsinline preload="metadata"', page)
    assert f'poster="/api/shorts/{short.pk}/image" src="/api/shorts/{short.pk}/video"' in page
    assert 'width="1280" height="720"></video>' in page
    link = rf'href="/api/shorts/{short.pk}/video" download="waves-and-바다-[\d-]+\.mp4"'
    assert re.search(link, page)
    assert "refresh" not in page
    assert "hx-get" not in page.partition('id="short-poll"')[2]
    assert web.get(f"/api/shorts/{short.pk}/video").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_file_has_the_same_name_whoever_asks_for_it(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice, wish="Waves, and 바다"), State.SUCCEEDED)

    response = web.get(f"/api/shorts/{short.pk}/video")

    said = response["Content-Disposition"]
    assert said.startswith("inline; filename*=utf-8''waves-and-%EB%B0%94%EB%8B%A4-20")
    assert said.endswith(".mp4")


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("A slow pan", "a-slow-pan-2026-11-25-0300.mp4"),
        ("", "short-2026-11-25-0300.mp4"),
        ('../../etc/passwd " \\ \x07', "etcpasswd-2026-11-25-0300.mp4"),
        ("!?", "short-2026-11-25-0300.mp4"),
        ("word " * 20, "word-word-word-word-word-word-word-word-2026-11-25-0300.mp4"),
    ],
)
def test_a_file_is_called_by_the_wish_and_the_time_of_the_order(wish: str, name: str) -> None:
    with timezone.override("UTC"):
        assert short_page.file_name(thought_of.short(State.SUCCEEDED, wish=wish)) == name


def test_a_waiting_short_shows_where_it_stands_and_looks_for_news(web: Client, alice: User) -> None:
    short = driving.begin(alice, wish="waves")

    response = web.get(f"/shorts/{short.pk}")

    page = response.content.decode()
    assert REFRESH in page
    assert re.search(r'<li class="now" aria-current="step">\s+The picture is in and waits', page)
    assert "Step 1 of 6" in text(response)
    assert f'hx-get="/shorts/{short.pk}/progress?seen=' in page
    assert 'hx-trigger="every 2s, look"' in page
    assert "<video" not in page


def test_picture_and_video_are_given_the_same_place() -> None:
    wide, tall = thought_of.page(State.FAILED), thought_of.page(State.FAILED, aspect_ratio="9:16")

    assert (wide["wide"], tall["wide"]) == (True, False)


def test_words_from_outside_are_escaped(web: Client, alice: User) -> None:
    short = driving.begin(alice, wish="<script>alert(1)</script>")
    Short.objects.filter(pk=short.pk).update(
        video_prompt="<img src=x>", warning="<b>!</b>", seen="<i>?</i>"
    )

    page = web.get(f"/shorts/{short.pk}").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;img src=x&gt;" in page
    assert "&lt;b&gt;!&lt;/b&gt;" in page
    assert "&lt;i&gt;?&lt;/i&gt;" in page
    assert "<script>" not in page


def test_a_prompt_that_is_the_wish_is_called_so() -> None:
    assert thought_of.page(State.FAILED, wish="pan", video_prompt="pan")["own_words_used"]
    assert not thought_of.page(State.FAILED, wish="pan", video_prompt="A pan")["own_words_used"]
    assert not thought_of.page(State.FAILED, wish="", video_prompt="")["own_words_used"]


def test_somebody_elses_short_is_not_there(web: Client, bob: User) -> None:
    short = driving.begin(bob)

    response = web.get(f"/shorts/{short.pk}")

    assert response.status_code == 404
    assert "There is nothing here" in text(response)


def test_a_deleted_short_is_not_there(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(deleted_at=timezone.now())

    assert web.get(f"/shorts/{short.pk}").status_code == 404


def test_a_stranger_has_to_log_in_first(client: Client, alice: User) -> None:
    short = driving.begin(alice)

    response = client.get(f"/shorts/{short.pk}")

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next=/shorts/{short.pk}"


def test_the_page_takes_few_queries(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    short = driving.begin(alice)

    with django_assert_max_num_queries(11):
        web.get(f"/shorts/{short.pk}")


def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline(web: Client, alice: User) -> None:
    page = web.get(f"/shorts/{driving.begin(alice).pk}")

    found = re.findall(
        r"<script(?! [^>]*src=)|style=|<style|https?://|\son\w+=", page.content.decode()
    )
    assert found == []
    assert "no-store" in page["Cache-Control"]


def test_the_page_speaks_korean(web: Client, alice: User) -> None:
    page = web.get(f"/shorts/{driving.begin(alice).pk}", headers={"Accept-Language": "ko"})

    assert "영상을 만들고 있습니다" in text(page)
    assert "6단계 중 1단계" in text(page)
    assert "토큰 1,000개가 예약되어 있습니다: 사진 분석 500개, 4초 영상 500개." in text(page)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4, ""), (38, "12:00:38"), (13 * 3600, "Nov. 26, 2026, 01:00")],
    ids=["soon", "today", "tomorrow"],
)
@pytest.mark.django_db
def test_a_pause_that_the_provider_asked_for_says_when_it_ends(seconds: int, words: str) -> None:
    until = AT + timedelta(seconds=seconds)

    with timezone.override("Asia/Seoul"):
        waiting = thought_of.page(State.ANALYZED, next_attempt_at=until)
        rendering = thought_of.page(State.RENDERING, next_attempt_at=until)

    assert (waiting["goes_on_at"], rendering["goes_on_at"]) == (words, "")


@pytest.mark.parametrize(
    ("seconds", "every"), [(0, 2), (29, 2), (30, 3), (119, 3), (120, 5), (299, 5), (300, 10)]
)
@pytest.mark.django_db
def test_the_older_a_short_is_the_more_rarely_its_page_asks(seconds: int, every: int) -> None:
    at = timezone.now()
    page = thought_of.page(State.QUEUED, at=at, created_at=at - timedelta(seconds=seconds))

    assert short_page.shown(page=page, at=at)["poll_seconds"] == every
    assert page["refresh"] == max(every, 3)
