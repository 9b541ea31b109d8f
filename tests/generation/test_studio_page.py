"""The studio: the form that begins a short, and what it shows before anything is ordered."""

import re
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import catalog
from generation.models import ModelGate, Short
from metering import queries
from metering.models import TokenLedger
from tests import factories
from tests.generation import driving
from tests.generation.browsing import FAST, STANDARD, limit, order, text
from tests.pictures import jpeg


def test_a_picture_begins_a_short_and_leads_to_its_page(web: Client, alice: User) -> None:
    response = order(web, aspect_ratio="9:16")

    short = Short.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"/shorts/{short.pk}"
    assert (short.wish, short.seconds, short.aspect_ratio) == ("a <slow> pan", 8, "9:16")
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500


def test_sent_with_javascript_it_leads_there_too(web: Client) -> None:
    response = order(web, htmx=True)

    assert response.status_code == 200
    assert response["HX-Redirect"] == f"/shorts/{Short.objects.get().pk}"


def test_without_a_choice_the_frame_follows_the_picture(web: Client) -> None:
    order(web, picture=jpeg(width=90, height=160))

    assert Short.objects.get().aspect_ratio == "9:16"


def test_a_form_sent_twice_makes_one_short(web: Client) -> None:
    key = str(uuid4())

    first = order(web, idempotency_key=key)
    second = order(web, idempotency_key=key)

    assert second.status_code == 303
    assert second["Location"] == first["Location"]
    assert Short.objects.count() == 1


def test_each_form_has_a_key_of_its_own(web: Client) -> None:
    pattern = r'name="idempotency_key" value="([0-9a-f-]{36})"'

    first = re.findall(pattern, web.get("/").content.decode())
    second = re.findall(pattern, web.get("/").content.decode())

    assert len(first) == len(second) == 1
    assert first != second


def test_line_ends_count_as_one_character_as_in_the_browser(web: Client) -> None:
    response = order(web, prompt="a" * 998 + "\r\n" + "b")

    assert response.status_code == 303
    assert Short.objects.get().wish == "a" * 998 + "\nb"


def test_the_page_names_the_price_of_every_way_to_order(web: Client) -> None:
    page = web.get("/")

    prices = {
        (one.price.label, one.price.resolution, one.price.seconds): one.price.tokens
        for model in page.context["models"]
        for one in model["combinations"]
    }
    assert prices["Veo 3.1 Fast", "720p", 8] == 1500
    assert prices["Veo 3.1", "1080p", 4] == 1833
    assert prices["Veo 3.1 Lite", "4k", 8] is None
    assert "1,500 tokens for 8 s in 720p" in text(page)


def test_the_meter_shows_used_held_left_and_when_it_resets(web: Client, alice: User) -> None:
    driving.begin(alice, seconds=8)

    page = web.get("/")

    assert "10,000 of 10,000 remaining" in text(page)
    assert "Held for videos under way 1,500 Left for new videos 8,500" in text(page)
    assert re.search(r"Renews at \w+\.? 1, \d{4}, 00:00 KST", text(page))
    assert "Under way 1 of 3" in text(page)


def test_the_reset_is_shown_in_the_users_own_time_zone(web: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Pacific/Honolulu")

    assert re.search(r"Renews at \w+\.? \d+, \d{4}, 05:00 HST", text(web.get("/")))


def test_an_unlimited_ledger_has_no_bar(web: Client, alice: User) -> None:
    limit(alice, None)

    page = web.get("/")

    assert "Unlimited" in text(page)
    assert page.context["meter"] is None
    assert "more than you have left" not in text(page).replace("Struck out:", "").split("Price")[0]


def test_what_does_not_fit_is_marked(web: Client, alice: User) -> None:
    limit(alice, 1499)

    page = web.get("/")

    assert "1,500 tokens for 8 s in 720p · more than you have left" in text(page)


def test_a_closed_model_is_not_offered(web: Client) -> None:
    ModelGate.objects.create(route="enterprise", model=STANDARD, closed_at=timezone.now())

    page = web.get("/")

    assert STANDARD not in page.content.decode()
    assert FAST in page.content.decode()


def test_without_any_model_the_page_says_so(web: Client) -> None:
    ModelGate.objects.bulk_create(
        ModelGate(route=route, model=catalog.ANALYSIS_MODEL, closed_at=timezone.now())
        for route in (catalog.ENTERPRISE, catalog.DEVELOPER)
    )

    assert "No model takes new jobs at the moment" in text(web.get("/"))


def test_the_newest_shorts_are_mine_and_escaped(web: Client, alice: User, bob: User) -> None:
    mine = driving.begin(alice, wish="<script>alert(1)</script>")
    his = driving.begin(bob)

    page = web.get("/").content.decode()

    assert f"/shorts/{mine.pk}" in page
    assert f"/shorts/{mine.pk}/thumbnail" in page
    assert str(his.pk) not in page
    assert "<script>" not in page


def test_the_page_takes_few_queries_however_many_shorts(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    TokenLedger.objects.filter(user=alice).update(max_in_flight=9, token_limit=None)
    begun = [driving.begin(alice) for _ in range(9)]

    with django_assert_max_num_queries(12):
        page = web.get("/")

    assert len(page.context["tiles"]) == len(begun) - 1


def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline(web: Client) -> None:
    page = web.get("/")

    inline = r'<script(?! src="/static/)|style=|<style|https?://|\son\w+='
    assert re.findall(inline, page.content.decode()) == []
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]


def test_the_stand_in_is_announced_and_a_real_provider_is_not(web: Client, settings: Any) -> None:
    with_stand_in = text(web.get("/"))
    settings.GOOGLE_CLOUD_PROJECT = "real"

    assert "No money is spent" in with_stand_in
    assert "No money is spent" not in text(web.get("/"))


def test_when_no_more_can_be_under_way_it_is_said_before(web: Client, alice: User) -> None:
    factories.limit(alice, 10_000, at=timezone.now(), max_in_flight=1)
    sentence = "As many videos are under way as may be."
    before = sentence in text(web.get("/"))

    driving.begin(alice)

    assert (before, sentence in text(web.get("/"))) == (False, True)


def test_a_stranger_reads_what_it_is_and_what_a_video_costs(client: Client, db: None) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "8 seconds in 720p with Veo 3.1 Fast costs about 1,500 tokens" in text(page)
    assert "Veo 3.1 Lite 1,033 9" in text(page)
    assert "/accounts/signup/" in page.content.decode()


def test_a_stranger_is_not_asked_to_sign_up_where_it_is_closed(
    client: Client, db: None, settings: Any
) -> None:
    settings.SIGNUP_OPEN = False

    assert "/accounts/signup/" not in client.get("/").content.decode()


def test_a_strangers_order_leads_to_the_log_in_which_says_what_came_of_it(
    client: Client, db: None
) -> None:
    response = order(client)

    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/")
    assert "nothing was started and no tokens were taken" in text(client.get("/accounts/login/"))


def test_what_a_stranger_typed_waits_half_an_hour_out_of_reach_of_scripts(
    client: Client, db: None
) -> None:
    kept = order(client).cookies["typed"]

    assert (kept["httponly"], kept["samesite"], kept["max-age"]) == (True, "Lax", 1800)


def test_what_a_cookie_says_was_typed_has_to_be_ours(web: Client) -> None:
    web.cookies["typed"] = "eyJwcm9tcHQiOiJzcGFtIn0:1wFabc:forged"

    page = web.get("/")

    assert page.context["typed"].get("prompt") is None
    assert page.cookies["typed"].value == ""


def test_a_stranger_with_javascript_keeps_the_picture(client: Client, db: None) -> None:
    response = order(client, htmx=True)

    assert response.status_code == 401
    assert "You are logged out. Your picture and your words are still here" in text(response)


def test_a_form_without_its_token_is_refused(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    response = order(strict)

    assert response.status_code == 403
    assert "This form has expired" in text(response)
    assert not Short.objects.exists()


def test_a_form_with_its_token_passes(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    page = strict.get("/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)

    assert token
    assert order(strict, csrfmiddlewaretoken=token[1]).status_code == 303


def test_the_studio_speaks_korean(web: Client) -> None:
    page = web.get("/", headers={"Accept-Language": "ko"})

    assert '<html lang="ko">' in page.content.decode()
    assert "사진으로 영상 만들기" in text(page)
