"""The studio: the form that begins a short, and what it says when it does not."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import catalog
from generation.models import ModelGate, Short
from generation.pipeline import start
from metering import ledger, queries, staff
from metering.models import RateCard, TokenLedger
from tests.generation import driving
from tests.pictures import jpeg

PICTURE = jpeg(width=160, height=90)
FAST, STANDARD = catalog.MODELS[0].name, catalog.MODELS[1].name


def order(client: Client, *, picture: bytes | None = PICTURE, **fields: str) -> HttpResponse:
    """Send the form as a browser would."""
    body: dict[str, object] = {
        "prompt": "a <slow> pan",
        "model": FAST,
        "seconds": "8",
        "resolution": "720p",
        "aspect_ratio": "",
        "idempotency_key": str(uuid4()),
        **fields,
    }
    if picture is not None:
        body["image"] = SimpleUploadedFile("photo.jpg", picture, content_type="image/jpeg")
    return client.post("/", body)


def text(response: HttpResponse) -> str:
    """The page without its tags and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def limit(user: User, tokens: int | None) -> None:
    staff.set_limit(user=user, tokens=tokens, actor=None, reason="test", at=timezone.now())


@pytest.fixture
def web(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def test_a_picture_begins_a_short_and_leads_to_its_page(web: Client, alice: User) -> None:
    response = order(web, aspect_ratio="9:16")

    short = Short.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"/shorts/{short.pk}"
    assert (short.wish, short.seconds, short.aspect_ratio) == ("a <slow> pan", 8, "9:16")
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500


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
        (model["label"], price["resolution"], price["seconds"]): price["tokens"]
        for model in page.context["models"]
        for row in model["rows"]
        for price in row
    }
    assert prices["Veo 3.1 Fast", "720p", 8] == 1500
    assert prices["Veo 3.1", "1080p", 4] == 1833
    assert prices["Veo 3.1 Lite", "4k", 8] is None
    assert "1,500 tokens for 8 s in 720p" in text(page)


def test_the_meter_shows_used_held_left_and_when_it_resets(web: Client, alice: User) -> None:
    driving.begin(alice, seconds=8)

    page = web.get("/")

    assert "8,500 of 10,000 left" in text(page)
    assert "Held for videos under way 1,500" in text(page)
    assert re.search(r"Resets at \w+\.? 1, \d{4}, 00:00", text(page))
    assert "Under way 1 of 3" in text(page)


def test_the_reset_is_shown_in_the_users_own_time_zone(web: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Pacific/Honolulu")

    assert re.search(r"Resets at \w+\.? \d+, \d{4}, 05:00", text(web.get("/")))


def test_an_unlimited_ledger_has_no_bar(web: Client, alice: User) -> None:
    limit(alice, None)

    page = web.get("/")

    assert "Unlimited" in text(page)
    assert page.context["meter"] is None
    assert "more than you have left" not in text(page).replace("Struck out:", "").split("Price")[0]


def test_what_does_not_fit_is_marked(web: Client, alice: User) -> None:
    limit(alice, 1499)

    page = web.get("/")

    price = page.context["models"][0]["price"]
    assert (price["fits"], price["times"]) == (False, 0)
    assert "1,500 tokens for 8 s in 720p · more than you have left" in text(page)


def test_a_closed_model_is_not_offered(web: Client) -> None:
    ModelGate.objects.create(route="enterprise", model=STANDARD, closed_at=timezone.now())

    page = web.get("/")

    assert STANDARD not in page.content.decode()
    assert FAST in page.content.decode()


def test_without_any_model_the_page_says_so(web: Client) -> None:
    ModelGate.objects.create(
        route="enterprise", model=catalog.ANALYSIS_MODEL, closed_at=timezone.now()
    )

    assert "No model takes new jobs at the moment" in text(web.get("/"))


def test_the_newest_shorts_are_mine_and_escaped(web: Client, alice: User, bob: User) -> None:
    mine = driving.begin(alice, wish="<script>alert(1)</script>")
    his = driving.begin(bob)

    page = web.get("/").content.decode()

    assert f"/shorts/{mine.pk}" in page
    assert f"/api/shorts/{mine.pk}/image" in page
    assert str(his.pk) not in page
    assert "<script" not in page


def test_the_page_takes_few_queries_however_many_shorts(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    TokenLedger.objects.filter(user=alice).update(max_in_flight=9, token_limit=None)
    begun = [driving.begin(alice) for _ in range(9)]

    with django_assert_max_num_queries(12):
        page = web.get("/")

    assert len(page.context["shorts"]) == len(begun)


def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline(web: Client) -> None:
    page = web.get("/")

    found = re.findall(r"<script|style=|<style|https?://|\son\w+=", page.content.decode())
    assert found == []
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]


def test_the_stand_in_is_announced_and_a_real_provider_is_not(
    web: Client, settings: object
) -> None:
    with_stand_in = text(web.get("/"))
    settings.GOOGLE_CLOUD_PROJECT = "real"  # type: ignore[attr-defined]

    assert "No money is spent" in with_stand_in
    assert "No money is spent" not in text(web.get("/"))


def test_a_stranger_reads_what_it_is_and_what_a_video_costs(client: Client, db: None) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "8 seconds in 720p with Veo 3.1 Fast costs about 1,500 tokens" in text(page)
    assert "/accounts/signup/" in page.content.decode()


def test_a_stranger_is_not_asked_to_sign_up_where_it_is_closed(
    client: Client, db: None, settings: object
) -> None:
    settings.SIGNUP_OPEN = False  # type: ignore[attr-defined]

    assert "/accounts/signup/" not in client.get("/").content.decode()


def test_a_strangers_order_leads_to_the_log_in(client: Client, db: None) -> None:
    response = order(client)

    assert (response.status_code, response["Location"]) == (302, "/accounts/login/")


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


def no_limit_left(user: User) -> None:
    limit(user, 1499)


def all_places_taken(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(max_in_flight=0)


def suspended(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(suspended=True)


def closed(user: User) -> None:
    ModelGate.objects.create(route="enterprise", model=FAST, closed_at=timezone.now())


def retired(user: User) -> None:
    now = timezone.now()
    RateCard.objects.filter(model=FAST).update(retires_at=now - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        (no_limit_left, 403, "This video needs about 1500 tokens; 1499 remain"),
        (all_places_taken, 429, "0 videos are under way and at most 0 may be"),
        (suspended, 403, "Your account is suspended"),
        (closed, 409, "This model takes no new jobs at the moment"),
        (retired, 400, "can&#x27;t be had with these settings"),
    ],
)
def test_a_refusal_says_why_keeps_the_words_and_takes_nothing(
    web: Client, alice: User, given: Callable[[User], None], status: int, sentence: str
) -> None:
    given(alice)

    response = order(web, seconds="8", aspect_ratio="9:16")

    page = response.content.decode()
    assert response.status_code == status
    assert sentence in page
    assert re.search(r"[Nn]o tokens were taken", page)
    assert "Only the picture has to be chosen again" in page
    assert "a &lt;slow&gt; pan</textarea>" in page
    assert 'name="aspect_ratio" value="9:16" checked' in page
    assert not Short.objects.exists()


@pytest.mark.parametrize(
    ("picture", "fields", "sentence"),
    [
        (b"plain words", {}, "This file is not a picture"),
        (PICTURE[:400], {}, "The picture is damaged"),
        (b"", {}, "The file is empty"),
        (None, {}, "No picture was chosen"),
        (PICTURE, {"seconds": "7"}, "seconds must be one of: 4, 6, 8."),
        (PICTURE, {"seconds": "many"}, "Enter a whole number."),
        (PICTURE, {"resolution": "8k"}, "resolution must be one of: 720p, 1080p, 4k."),
        (PICTURE, {"aspect_ratio": "1:1"}, "aspect_ratio must be one of: 16:9, 9:16."),
        (PICTURE, {"prompt": "a" * 1001}, "Your wish is too long: it has 1001 characters"),
    ],
)
def test_a_form_that_cannot_be_used_says_what_to_do(
    web: Client, picture: bytes | None, fields: dict[str, str], sentence: str
) -> None:
    response = order(web, picture=picture, **fields)

    assert response.status_code == 400
    assert sentence in text(response)
    assert "No tokens were taken" in text(response)
    assert not Short.objects.exists()


def test_two_pictures_are_refused(web: Client) -> None:
    files = [SimpleUploadedFile(name, PICTURE) for name in ("a.jpg", "b.jpg")]

    response = web.post("/", {"image": files, "prompt": "both"})

    assert response.status_code == 400
    assert "More than one picture was sent" in text(response)


def test_a_body_that_is_too_large_is_refused_and_the_words_are_kept(
    web: Client, settings: object
) -> None:
    settings.MAX_UPLOAD_BYTES = 1024  # type: ignore[attr-defined]

    response = order(web, picture=PICTURE + bytes(100_000), prompt="kept")

    assert response.status_code == 413
    assert "The file is too large" in text(response)
    assert "kept</textarea>" in response.content.decode()
    assert not Short.objects.exists()


def test_a_form_used_for_another_video_before_gets_a_new_key(web: Client) -> None:
    key = str(uuid4())
    order(web, idempotency_key=key)

    response = order(web, idempotency_key=key, prompt="something else")

    assert response.status_code == 409
    assert "This form was already used for another video" in text(response)
    assert key not in response.content.decode()
    assert Short.objects.count() == 1


def test_a_paused_day_is_said_plainly(web: Client, settings: object) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal("0.10")  # type: ignore[attr-defined]

    response = order(web)

    assert response.status_code == 503
    assert "New videos are paused for today" in text(response)


def test_a_start_whose_outcome_is_unclear_keeps_its_key(
    web: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**order: object) -> None:
        raise ledger.MeteringUnavailable

    monkeypatch.setattr(start, "run", away)
    key = str(uuid4())

    response = order(web, idempotency_key=key)

    assert response.status_code == 503
    assert "can&#x27;t be asked right now" in response.content.decode()
    assert f'value="{key}"' in response.content.decode()


def test_without_figures_the_form_is_still_there(
    web: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**asked: object) -> None:
        raise OperationalError

    monkeypatch.setattr(queries, "balance", away)

    refused = order(web, prompt="kept", picture=None, seconds="6")
    page = refused.content.decode()

    assert web.get("/").status_code == 503
    assert refused.status_code == 400
    assert "kept</textarea>" in page
    assert '<input type="hidden" name="seconds" value="6">' in page
    assert "Your figures can't be shown right now" in page
    assert "Your newest videos" not in page


def test_a_fault_of_ours_is_not_dressed_up_as_a_refusal(
    web: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**order: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(start, "run", broken)
    web.raise_request_exception = False

    response = order(web)

    assert response.status_code == 500
    assert "Something went wrong on our side" in text(response)


def test_the_studio_speaks_korean(web: Client) -> None:
    page = web.get("/", headers={"Accept-Language": "ko"})

    assert '<html lang="ko">' in page.content.decode()
    assert "사진으로 영상 만들기" in text(page)
