"""POST /api/shorts/quote: the price before anything is spent, every model side by side."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import ModelGate, Short
from metering.models import Hold, RateCard
from tests import factories

Clients = Callable[[User], APIClient]
URL = "/api/shorts/quote"
FAST, STANDARD, LITE = (f"veo-3.1-{name}generate-001" for name in ("fast-", "", "lite-"))
OMNI = "gemini-omni-1.1-flash"


def quoted(client: APIClient, **choice: Any) -> dict[str, Any]:
    response = client.post(URL, choice, format="json")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def choice(price: dict[str, Any]) -> tuple[str, int, str]:
    return price["model"], price["seconds"], price["resolution"]


def close(model: str) -> None:
    ModelGate.objects.create(route="enterprise", model=model, closed_at=factories.AT)


def test_the_usual_choice_is_priced_leg_by_leg(alice: User, api: Clients) -> None:
    body = quoted(api(alice))

    assert body["asked"] == {
        "model": FAST, "label": "Veo 3.1 Fast", "seconds": 8, "resolution": "720p",
        "quote": {"tokens": 1500, "legs": [
            {"api_type": "gemini-image-analysis", "model": "gemini-3.8-flash", "tokens": 500,
             "usd": None},
            {"api_type": "gemini-veo-video", "model": FAST, "tokens": 1000, "usd": "1.20"},
        ]},
        "fits": True, "affordable": 6,
    }  # fmt: skip
    assert body["nearest"] == body["asked"] == body["models"][0]
    assert body["balance"]["available_tokens"] == 10_000


def test_every_model_stands_beside_it(alice: User, api: Clients) -> None:
    body = quoted(api(alice), model=STANDARD, seconds=4)

    assert [
        (choice(price), price["quote"]["tokens"], price["affordable"]) for price in body["models"]
    ] == [
        ((FAST, 4, "720p"), 1000, 10), ((STANDARD, 4, "720p"), 1833, 5),
        ((LITE, 4, "720p"), 767, 13), ((OMNI, 4, "720p"), 1000, 10),
    ]  # fmt: skip


def test_a_model_that_does_not_come_in_this_resolution_has_no_price(
    alice: User, api: Clients
) -> None:
    lite = quoted(api(alice), resolution="4k")["models"][2]

    assert choice(lite) == (LITE, 8, "4k")
    assert (lite["quote"], lite["fits"], lite["affordable"]) == (None, False, 0)


def test_nothing_is_held_or_stored(alice: User, api: Clients) -> None:
    quoted(api(alice))

    assert (Hold.objects.count(), Short.objects.count()) == (0, 0)
    assert factories.figures(alice) == (0, 0)


@pytest.mark.parametrize("kind", ["json", "multipart"])
def test_a_form_is_read_as_well_as_json(alice: User, api: Clients, kind: Any) -> None:
    asked = {"model": LITE, "seconds": 6, "resolution": "1080p", "aspect_ratio": "9:16"}

    body = api(alice).post(URL, asked, format=kind).json()

    assert choice(body["asked"]) == (LITE, 6, "1080p")


def test_what_is_held_cannot_be_spent_again(alice: User, api: Clients) -> None:
    factories.limit(alice, 3000)
    factories.hold(alice, 1600)

    asked = quoted(api(alice))["asked"]

    assert (asked["fits"], asked["affordable"]) == (False, 0)


def test_without_a_limit_there_is_no_count(alice: User, api: Clients) -> None:
    factories.limit(alice, None)

    asked = quoted(api(alice))["asked"]

    assert (asked["fits"], asked["affordable"]) == (True, None)


@pytest.mark.parametrize(
    ("limit", "asked", "nearest"),
    [
        (1500, {}, (FAST, 8, "720p")),
        (1499, {}, (FAST, 6, "720p")),
        (1249, {}, (LITE, 8, "720p")),
        (1249, {"seconds": 4}, (FAST, 4, "720p")),
        (2000, {"model": STANDARD}, (STANDARD, 4, "720p")),
        (1500, {"resolution": "4k"}, (FAST, 8, "720p")),
        (767, {}, (LITE, 4, "720p")),
    ],
)
def test_the_nearest_that_fits_changes_as_little_as_can_be(
    alice: User, api: Clients, limit: int, asked: dict[str, Any], nearest: tuple[str, int, str]
) -> None:
    factories.limit(alice, limit)

    found = quoted(api(alice), **asked)["nearest"]

    assert (choice(found), found["fits"]) == (nearest, True)


def test_where_nothing_fits_there_is_no_nearest(alice: User, api: Clients) -> None:
    factories.limit(alice, 766)

    assert quoted(api(alice))["nearest"] is None


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"model": "veo-9"}, "unpriced_model"),
        ({"model": LITE, "resolution": "4k"}, "unpriced_model"),
        ({"seconds": 7}, "invalid_parameter"),
        ({"seconds": "long"}, "invalid_parameter"),
        ({"resolution": "8k"}, "invalid_parameter"),
        ({"aspect_ratio": "1:1"}, "invalid_parameter"),
        ({"model": "a\x00b"}, "invalid_parameter"),
        ([], "invalid_parameter"),
    ],
)
def test_what_an_order_would_be_refused_for_is_refused(
    alice: User, api: Clients, asked: Any, code: str
) -> None:
    response = api(alice).post(URL, asked, format="json")

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert "non_field" not in response.json()["detail"]


def test_a_closed_model_is_left_out(alice: User, api: Clients) -> None:
    close(FAST)

    body = quoted(api(alice))

    assert [price["model"] for price in body["models"]] == [STANDARD, LITE, OMNI]
    assert body["asked"]["model"] == STANDARD


def test_a_closed_model_that_is_named_is_refused(alice: User, api: Clients) -> None:
    close(FAST)

    response = api(alice).post(URL, {"model": FAST}, format="json")

    assert (response.status_code, response.json()["code"]) == (409, "model_closed")


def test_a_model_without_a_price_is_left_out(alice: User, api: Clients) -> None:
    RateCard.objects.filter(model=LITE).update(enabled=False)

    assert [price["model"] for price in quoted(api(alice))["models"]] == [FAST, STANDARD, OMNI]


def test_a_picture_is_not_taken(alice: User, api: Clients) -> None:
    response = api(alice).post(URL, {"prompt": "x" * 70_000}, format="json")

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_a_stranger_has_to_log_in(db: None) -> None:
    response = APIClient().post(URL, {}, format="json")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_what_the_provider_bills_is_not_told(alice: User, api: Clients) -> None:
    response = api(alice).post(URL, {}, format="json")

    assert response.status_code == 200
    assert b"cost" not in response.content


def test_a_quote_takes_a_bounded_number_of_statements(
    alice: User, api: Clients, django_assert_max_num_queries: Any
) -> None:
    client = api(alice)

    with django_assert_max_num_queries(10):
        quoted(client)
