"""The page of one short: progress, video, receipt, and every way it can end."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import endings, short_page
from generation.models import Short, State
from generation.queries import ShortView
from metering.receipts import Receipt
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.generation.browsing import text

REFRESH = '<meta http-equiv="refresh" content="3">'


def unsaved(state: str, **fields: object) -> dict[str, object]:
    """The plain values of a page for a short that is only thought of."""
    now = timezone.now()
    short = Short(
        id=UUID(int=1), state=state, model="m", seconds=8, resolution="720p", created_at=now,
        aspect_ratio="16:9", picture_width=16, picture_height=9, **fields,
    )  # fmt: skip
    view = ShortView(short=short, receipt=Receipt(legs=()), percent=30)
    return short_page.page(view=view, at=now)


@pytest.fixture
def web(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.mark.django_db(transaction=True)
def test_a_finished_short_plays_and_can_be_downloaded(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice, wish="waves"), State.SUCCEEDED)

    page = web.get(f"/shorts/{short.pk}").content.decode()

    assert re.search(r'<video[^>]* controls playsinline preload="metadata"', page)
    assert f'poster="/api/shorts/{short.pk}/image"' in page
    assert f'src="/api/shorts/{short.pk}/video"' in page
    assert f'href="/api/shorts/{short.pk}/video" download="short-{short.pk}.mp4"' in page
    assert "refresh" not in page
    assert web.get(f"/api/shorts/{short.pk}/video").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_receipt_can_be_checked_with_a_calculator(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice, seconds=8), State.SUCCEEDED)

    response = web.get(f"/shorts/{short.pk}")

    analysis, video = response.context["receipt"]["legs"]
    receipt = response.context["receipt"]
    assert (video["formula"], video["usd"], video["charged"]) == (
        "8 s × $0.15 × 833",
        "$1.20",
        1000,
    )
    assert analysis["formula"] == f"{analysis['charged']} × 1"
    assert receipt["held"] == 1500
    assert receipt["charged"] + receipt["returned"] == 1500
    assert "8 s of video in 720p as reported by the provider" in text(response)
    assert f"entry no. {video['entry']}" in text(response)


@pytest.mark.django_db(transaction=True)
def test_a_filtered_short_says_so_and_gives_the_video_back(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    stand_in.next("poll", outcome="filtered")
    short = driving.until(driving.begin(alice), State.FILTERED)

    response = web.get(f"/shorts/{short.pk}")

    assert "The safety filter of the video model held the video back" in text(response)
    assert "given back" in text(response)
    assert "<video" not in response.content.decode()
    assert response.context["stage"] == 4
    assert [one["status"] for one in response.context["stages"]][3] == "stopped"


@pytest.mark.django_db(transaction=True)
def test_an_unknown_outcome_is_explained_while_it_is_waited_for(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    stand_in.next("submit", cut="after")
    short = driving.until(driving.begin(alice), State.SUBMIT_UNKNOWN)

    response = web.get(f"/shorts/{short.pk}")

    assert "We do not know yet whether the renderer took the job" in text(response)
    assert "held until the outcome is certain" in text(response)
    assert 'http-equiv="refresh"' in response.content.decode()


def test_a_waiting_short_shows_where_it_stands_and_looks_for_news(web: Client, alice: User) -> None:
    short = driving.begin(alice, wish="waves")

    page = web.get(f"/shorts/{short.pk}").content.decode()

    assert REFRESH in page
    assert '<li class="now" aria-current="step">The picture is in and waits for its turn' in page
    assert '<progress max="100" value="0"' in page
    assert f'src="/api/shorts/{short.pk}/image"' in page
    assert "<video" not in page


def test_what_was_held_is_on_the_receipt_from_the_start(web: Client, alice: User) -> None:
    short = driving.begin(alice, seconds=8)

    response = web.get(f"/shorts/{short.pk}")

    states = [leg["state"] for leg in response.context["receipt"]["legs"]]
    assert states == ["held", "held"]
    assert "Total 1,500 0 0" in text(response)
    assert "$1.20 estimated" in text(response)
    assert "Veo 3.1 Fast" in text(response)


def test_words_from_outside_are_escaped(web: Client, alice: User) -> None:
    short = driving.begin(alice, wish="<script>alert(1)</script>")
    Short.objects.filter(pk=short.pk).update(video_prompt="<img src=x>", warning="<b>!</b>")

    page = web.get(f"/shorts/{short.pk}").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;img src=x&gt;" in page
    assert "&lt;b&gt;!&lt;/b&gt;" in page
    assert "<script" not in page


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

    with django_assert_max_num_queries(8):
        web.get(f"/shorts/{short.pk}")


def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline(web: Client, alice: User) -> None:
    page = web.get(f"/shorts/{driving.begin(alice).pk}")

    found = re.findall(r"<script|style=|<style|https?://|\son\w+=", page.content.decode())
    assert found == []
    assert "no-store" in page["Cache-Control"]


def test_the_page_speaks_korean(web: Client, alice: User) -> None:
    page = web.get(f"/shorts/{driving.begin(alice).pk}", headers={"Accept-Language": "ko"})

    assert "영상을 만들고 있습니다" in text(page)
    assert "6단계 중 1단계" in text(page)


@pytest.mark.parametrize("code", sorted(set(endings.MESSAGES) - {"submit_unknown", "overdue"}))
def test_every_unhappy_end_has_its_sentence(code: str) -> None:
    page = unsaved(State.FAILED, end_code=code)

    assert page["message"] == str(endings.MESSAGES[code])
    assert page["refresh"] is None
    assert page["final"]


def test_an_overdue_render_is_explained() -> None:
    now = timezone.now()

    page = unsaved(State.RENDERING, operation_name="o", overdue_at=now, next_attempt_at=now)

    assert page["waiting"] == str(endings.MESSAGES["overdue"])
    assert page["refresh"] == short_page.REFRESH_WAITING_SECONDS


def test_a_pause_that_the_provider_asked_for_is_shown() -> None:
    until = timezone.now() + timedelta(seconds=38)

    assert unsaved(State.ANALYZED, next_attempt_at=until)["goes_on_at"] == until
    assert unsaved(State.RENDERING, next_attempt_at=until)["goes_on_at"] is None


@pytest.mark.parametrize(
    ("state", "fields", "stage"),
    [
        (State.CANCELED, {}, 1),
        (State.FAILED, {"attempt": 2}, 2),
        (State.FAILED, {"attempt": 3, "video_prompt": "p"}, 3),
        (State.FAILED, {"attempt": 3, "video_prompt": "p", "operation_name": "o"}, 4),
        (State.LOST, {"operation_name": "o"}, 5),
        (State.SUCCEEDED, {}, 6),
    ],
)
def test_an_ended_short_shows_how_far_it_came(
    state: str, fields: dict[str, object], stage: int
) -> None:
    assert unsaved(state, **fields)["stage"] == stage
