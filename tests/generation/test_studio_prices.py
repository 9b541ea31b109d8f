"""The prices of the studio: every choice, the nearest that fits, and figures that stay fresh."""

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import catalog, choices
from generation.choices import Combination
from generation.models import ModelGate, State
from metering import staff
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving
from tests.generation.browsing import FAST, STANDARD, limit, order, text

LITE, OMNI = catalog.MODELS[2].name, catalog.MODELS[3].name


def combined(page: Any, model: str, seconds: int, resolution: str) -> Combination:
    """One combination as the page has it."""
    (found,) = [
        one
        for shown in page.context["models"]
        for one in shown["combinations"]
        if (one.price.model, one.price.seconds, one.price.resolution)
        == (model, seconds, resolution)
    ]
    return found


def instead(page: Any, model: str, seconds: int, resolution: str) -> tuple[str, int, str] | None:
    """The nearest choice that fits, which the page offers in place of this one."""
    found = combined(page, model, seconds, resolution).instead
    return (found.model, found.seconds, found.resolution) if found else None


def chosen(page: HttpResponse) -> tuple[str, ...]:
    """Model, length, resolution and orientation that the form starts with."""
    ticked = re.findall(r'name="(\w+)" value="([^"]*)"[^>]* checked', page.content.decode())
    return tuple(value for _name, value in ticked)


def test_what_fits_says_how_many_more_there_can_be(web: Client, alice: User) -> None:
    limit(alice, 4499)

    page = web.get("/")

    assert combined(page, FAST, 8, "720p").price.affordable == 2
    assert "1,500 tokens enough left for 2 such videos" in text(page)


@pytest.mark.parametrize(
    ("tokens", "asked", "nearest"),
    [
        (1499, (FAST, 8, "720p"), (FAST, 6, "720p")),
        (1500, (FAST, 8, "4k"), (FAST, 8, "720p")),
        (1249, (FAST, 6, "720p"), (FAST, 4, "720p")),
        (1100, (STANDARD, 8, "720p"), (LITE, 8, "720p")),
        (767, (OMNI, 10, "4k"), (LITE, 4, "720p")),
        (766, (FAST, 8, "720p"), None),
        (10_000, (LITE, 8, "4k"), (LITE, 8, "1080p")),
        (10_000, (FAST, 5, "1080p"), (FAST, 6, "1080p")),
        (10_000, (FAST, 10, "4k"), (FAST, 8, "4k")),
        (10_000, (LITE, 10, "4k"), (OMNI, 10, "4k")),
        (10_000, (FAST, 8, "720p"), None),
    ],
)
def test_what_can_not_be_had_names_the_nearest_that_can(
    web: Client,
    alice: User,
    tokens: int,
    asked: tuple[str, int, str],
    nearest: tuple[str, int, str] | None,
) -> None:
    limit(alice, tokens)

    assert instead(web.get("/"), *asked) == nearest


@pytest.mark.parametrize(
    ("option", "value", "takers"),
    [
        ("seconds", "3", "4"),
        ("seconds", "8", "1 2 3 4"),
        ("resolution", "1080p", "1 2 3 4"),
        ("resolution", "4k", "1 2 4"),
    ],
)
def test_an_option_is_hidden_from_models_that_do_not_come_in_it(
    web: Client, option: str, value: str, takers: str
) -> None:
    page = web.get("/").content.decode()

    shown = f'<label data-models="{takers}"><input type="radio" name="{option}" value="{value}"'
    assert shown in page


def test_the_nearest_is_a_link_that_chooses_it(web: Client, alice: User) -> None:
    limit(alice, 1499)
    link = f"/?model={FAST}&amp;seconds=6&amp;resolution=720p"

    before = web.get("/")
    after = web.get(link.replace("&amp;", "&"))

    assert f'href="{link}">Take Veo 3.1 Fast, 6 s, 720p: 1,250 tokens</a>' in (
        before.content.decode()
    )
    assert chosen(before) == (FAST, "8", "720p", "")
    assert chosen(after) == (FAST, "6", "720p", "")


def test_an_address_chooses_nothing_that_can_not_be_had(web: Client) -> None:
    page = web.get("/?model=veo-9&seconds=11&resolution=8k&prompt=words%20of%20a%20stranger")

    assert chosen(page) == (FAST, "8", "720p", "")
    assert "words of a stranger" not in page.content.decode()


def test_where_nothing_fits_the_page_says_so_and_what_helps(web: Client, alice: User) -> None:
    limit(alice, 0)

    page = text(web.get("/"))

    assert "more than you have left No other video fits either." in page
    assert "Nothing is left for a new video. For a higher limit, please ask our staff." in page


def test_used_up_tokens_are_said_to_come_back_by_themselves(web: Client, alice: User) -> None:
    factories.charged(alice, 10_000, at=timezone.now())

    page = text(web.get("/"))

    assert "0 of 10,000 remaining" in page
    assert "Nothing is left for a new video. Your tokens are renewed at the time below" in page


def test_the_next_form_starts_as_the_newest_video_but_without_its_words(web: Client) -> None:
    order(web, prompt="only once", model=LITE, seconds="6", resolution="1080p", aspect_ratio="9:16")

    page = web.get("/")

    assert chosen(page) == (LITE, "6", "1080p", "")
    assert "only once</textarea>" not in page.content.decode()


def test_fresh_prices_follow_what_was_spent_meanwhile(web: Client, alice: User) -> None:
    driving.begin(alice, seconds=8)
    limit(alice, 2999)

    fresh = web.get("/studio/prices", {"model": FAST, "seconds": "8", "resolution": "720p"})

    assert "Left for new videos 1,499" in text(fresh)
    assert instead(fresh, FAST, 8, "720p") == (FAST, 6, "720p")
    assert 'class="sum when at-first" data-model="1" data-seconds="8"' in fresh.content.decode()


def test_fresh_prices_have_a_token_that_the_form_of_before_can_send(web: Client) -> None:
    fresh = web.get("/studio/prices").content.decode()

    assert re.search(r'id="token" hidden><input type="hidden" name="csrfmiddlewaretoken"', fresh)


def test_a_model_that_closed_meanwhile_says_so_under_its_old_number(web: Client) -> None:
    ModelGate.objects.create(route="enterprise", model=FAST, closed_at=timezone.now())

    fresh = web.get("/studio/prices")

    assert [model["index"] for model in fresh.context["models"]] == [2, 3, 4]
    assert 'data-model="1"><span class="over">This model takes no new' in fresh.content.decode()


def test_numbers_and_lengths_of_all_models_are_known_to_the_stylesheet(settings: Any) -> None:
    style = (settings.BASE_DIR / "shortsproject/static/shorts.css").read_text()
    lengths = {str(seconds) for model in catalog.MODELS for seconds in model.seconds}

    assert {str(n) for n in range(1, len(catalog.MODELS) + 1)} <= set(
        re.findall(r'\[data-model="(\d)"\]:checked\)\) \.sum', style)
    )
    assert lengths <= set(re.findall(r'\.when\[data-seconds="(\d+)"\]', style))
    assert set(catalog.RESOLUTIONS) <= set(re.findall(r'\.when\[data-resolution="(\w+)"\]', style))
    assert set(choices.SHAPES) == {"", *catalog.ASPECT_RATIOS}


def test_a_suspended_account_can_not_send(web: Client, alice: User) -> None:
    staff.suspend(user=alice, actor=None, reason="test", at=timezone.now())

    page = web.get("/")

    assert 'id="send" disabled>' in page.content.decode()
    assert "Suspended: nothing new can be started. Please contact our staff." in text(page)


def test_fresh_prices_take_few_queries(
    web: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(7):
        web.get("/studio/prices")


def test_who_is_logged_out_meanwhile_is_told_and_keeps_the_page(client: Client, db: None) -> None:
    fresh = client.get("/studio/prices")

    assert fresh.status_code == 200
    assert "You are logged out. Your picture and your words are still here" in text(fresh)
    assert "HX-Redirect" not in fresh.headers


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [({}, 1000), ({"other_words": "1"}, 1500), ({"aspect_ratio": "9:16"}, 1000)],
)
def test_made_again_the_price_follows_the_words_and_not_the_orientation(
    web: Client, alice: User, stand_in: StandIn, asked: dict[str, str], tokens: int
) -> None:
    done = driving.until(driving.begin(alice, wish="a slow pan"), State.SUCCEEDED)

    fresh = web.get("/studio/prices", {"again": str(done.pk), "aspect_ratio": "", **asked})

    assert combined(fresh, FAST, 8, "720p").price.tokens == tokens


def test_made_again_the_nearest_stays_with_that_picture(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    done = driving.until(driving.begin(alice), State.SUCCEEDED)

    page = web.get(f"/?again={done.pk}&model={LITE}&resolution=4k").content.decode()

    assert f'href="/?again={done.pk}&amp;model={LITE}&amp;seconds=4&amp;resolution=1080p"' in page
    assert f'value="{LITE}" data-model="3" checked' in page
