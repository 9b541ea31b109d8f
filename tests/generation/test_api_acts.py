"""What an owner does to a short over the API: cancel it, make it again, delete it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import Short, State
from metering import queries
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import calling_off, driving
from tests.generation.browsing import STANDARD, limit

Api = Callable[[User], APIClient]


@pytest.fixture
def done(alice: User, stand_in: StandIn) -> Short:
    """A short of Alice's, whose video is ready."""
    return driving.until(driving.begin(alice, wish="slow pan", seconds=8), State.SUCCEEDED)


def held(user: User) -> int:
    return queries.balance(user=user, at=timezone.now()).held_tokens


def test_a_cancel_answers_the_short_with_its_receipt(alice: User, api: Api) -> None:
    short = driving.begin(alice, seconds=8)

    response = api(alice).post(f"/api/shorts/{short.pk}/cancel")

    body = response.json()
    assert (response.status_code, body["state"], body["error"]) == (200, "canceled", None)
    assert body["receipt"]["returned_tokens"] == body["receipt"]["held_tokens"] == 1500
    assert held(alice) == 0


def test_canceling_twice_answers_the_same(alice: User, api: Api) -> None:
    url, client = f"/api/shorts/{driving.begin(alice).pk}/cancel", api(alice)

    assert client.post(url).json() == client.post(url).json()


@pytest.mark.django_db(transaction=True)
def test_a_cancel_during_the_analysis_is_taken_down(
    alice: User, api: Api, stand_in: StandIn
) -> None:
    stand_in.next("analyse", hold=True)
    short, client = driving.begin(alice), api(alice)

    with calling_off.while_called(short, stand_in, "analyse"):
        body = client.post(f"/api/shorts/{short.pk}/cancel").json()

    assert (body["state"], body["notice"]["code"]) == ("analyzing", "cancel_requested")
    assert short.state == State.CANCELED


@pytest.mark.parametrize("state", ["submitting", "rendering", "succeeded"])
def test_a_cancel_that_comes_too_late_is_a_conflict(alice: User, api: Api, state: str) -> None:
    short = factories.short(alice, state)

    response = api(alice).post(f"/api/shorts/{short.pk}/cancel")

    body = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, body["code"], body["state"]) == (409, "not_cancelable", state)
    assert "delete" in body["detail"]


def test_made_again_only_the_video_is_quoted_and_held(alice: User, api: Api, done: Short) -> None:
    response = api(alice).post(f"/api/shorts/{done.pk}/again")

    body = response.json()
    (leg,) = body["quote"]["legs"]
    assert response.status_code == 202
    assert response["Location"] == f"/api/shorts/{body['id']}" != f"/api/shorts/{done.pk}"
    assert (body["state"], body["quote"]["tokens"]) == ("analyzed", 1000)
    assert (leg["api_type"], leg["usd"]) == ("gemini-veo-video", "1.20")
    assert body["balance"]["held_tokens"] == held(alice) == 1000


def test_the_receipt_of_a_short_made_again_names_what_was_reused(
    alice: User, api: Api, done: Short
) -> None:
    client = api(alice)
    made = client.post(f"/api/shorts/{done.pk}/again").json()

    body = client.get(f"/api/shorts/{made['id']}").json()

    assert [leg["state"] for leg in body["receipt"]["legs"]] == ["reused", "open"]
    assert body["receipt"]["held_tokens"] == 1000
    assert body["receipt"]["legs"][0]["charged_tokens"] == 0
    assert len(body["quote"]["legs"]) == 1


@pytest.mark.parametrize("kind", ["json", "multipart"])
def test_options_that_are_given_replace_the_old_ones(
    alice: User, api: Api, done: Short, kind: str
) -> None:
    given = {"model": STANDARD, "seconds": 4, "prompt": "fast zoom", "aspect_ratio": "9:16"}

    body = api(alice).post(f"/api/shorts/{done.pk}/again", given, format=kind).json()

    new = Short.objects.get(pk=body["id"])
    assert (new.model, new.seconds, new.resolution) == (STANDARD, 4, "720p")
    assert (new.wish, new.aspect_ratio, new.state) == ("fast zoom", "9:16", State.QUEUED)
    assert len(body["quote"]["legs"]) == 2


def test_one_key_makes_one_short(alice: User, api: Api, done: Short) -> None:
    client, headers = api(alice), {"Idempotency-Key": str(uuid4())}
    url = f"/api/shorts/{done.pk}/again"

    first = client.post(url, headers=headers)
    second = client.post(url, headers=headers)
    other = client.post(url, {"seconds": 4}, headers=headers)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert Hold.objects.filter(job_id=first.json()["id"]).count() == 1


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"seconds": 5}, 400, "invalid_parameter"),
        ({"seconds": "x"}, 400, "invalid_parameter"),
        ({"prompt": "x" * 1001}, 400, "invalid_parameter"),
        ({"model": "no-such-model"}, 400, "unpriced_model"),
        ([1], 400, "invalid_parameter"),
    ],
)
def test_what_can_not_be_had_is_refused_and_nothing_is_held(
    alice: User, api: Api, done: Short, given: Any, status: int, code: str
) -> None:
    response = api(alice).post(f"/api/shorts/{done.pk}/again", given, format="json")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert (held(alice), Short.objects.count()) == (0, 1)


def test_over_the_limit_is_403_with_the_price_of_the_video_alone(
    alice: User, api: Api, done: Short
) -> None:
    limit(alice, 1500)

    response = api(alice).post(f"/api/shorts/{done.pk}/again")

    body = response.json()
    assert (response.status_code, body["code"]) == (403, "token_limit_exceeded")
    assert body["estimated_tokens"] == 1000


def test_what_is_under_way_can_not_be_made_again(alice: User, api: Api) -> None:
    short = driving.begin(alice)

    response = api(alice).post(f"/api/shorts/{short.pk}/again")

    assert (response.status_code, response.json()["code"]) == (409, "not_finished")


def test_a_large_body_is_refused_unread(alice: User, api: Api, done: Short) -> None:
    response = api(alice).post(
        f"/api/shorts/{done.pk}/again", {"prompt": "x" * 100_000}, format="json"
    )

    assert response.status_code == 413


def test_a_deleted_short_is_nowhere_any_more(alice: User, api: Api, done: Short) -> None:
    client, url = api(alice), f"/api/shorts/{done.pk}"

    response = client.delete(url)

    gone = [
        client.get(url), client.get(f"{url}/video"), client.get(f"{url}/image"),
        client.post(f"{url}/cancel"), client.post(f"{url}/again"),
    ]  # fmt: skip
    assert (response.status_code, response.content) == (204, b"")
    assert [answer.status_code for answer in gone] == [404] * 5
    assert client.get("/api/usage/entries").json()["results"]


def test_deleting_twice_answers_the_same(alice: User, api: Api) -> None:
    client, url = api(alice), f"/api/shorts/{driving.begin(alice).pk}"

    assert [client.delete(url).status_code, client.delete(url).status_code] == [204, 204]


@pytest.mark.parametrize(
    ("method", "act"), [("post", "/cancel"), ("post", "/again"), ("delete", "")]
)
def test_nobody_touches_somebody_elses_short(
    alice: User, bob: User, api: Api, method: str, act: str
) -> None:
    short = driving.begin(alice)

    theirs = getattr(api(bob), method)(f"/api/shorts/{short.pk}{act}")
    nowhere = getattr(api(bob), method)(f"/api/shorts/{uuid4()}{act}")
    stranger = getattr(APIClient(), method)(f"/api/shorts/{short.pk}{act}")

    assert (theirs.status_code, nowhere.status_code, stranger.status_code) == (404, 404, 401)
    assert theirs.json() == nowhere.json()
    assert Short.objects.get().state == State.QUEUED


@pytest.mark.parametrize(
    ("method", "act"), [("post", "/cancel"), ("post", "/again"), ("delete", "")]
)
def test_a_session_needs_its_form_token(alice: User, method: str, act: str) -> None:
    short = driving.begin(alice)
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(alice)

    response = getattr(browser, method)(f"/api/shorts/{short.pk}{act}")

    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")


@pytest.mark.parametrize(
    ("method", "act", "most"), [("post", "/cancel", 16), ("post", "/again", 24), ("delete", "", 12)]
)
def test_each_takes_a_bounded_number_of_statements(
    alice: User, api: Api, done: Short, method: str, act: str, most: int,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    client = api(alice)
    short = {"/cancel": driving.begin(alice)}.get(act, done)

    with django_assert_max_num_queries(most):
        getattr(client, method)(f"/api/shorts/{short.pk}{act}")
