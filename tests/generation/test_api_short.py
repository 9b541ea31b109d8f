"""GET /api/shorts/{id}, its video and its picture: for their owner only."""

import uuid
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import Short, State
from shortsproject.local.gemini import StandIn
from tests.generation import driving

Api = Callable[[User], APIClient]


@pytest.fixture
def done(alice: User, stand_in: StandIn) -> Short:
    """A short of Alice's, whose video is ready."""
    return driving.until(driving.begin(alice, seconds=8), State.SUCCEEDED)


def whole(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_finished_short_shows_its_receipt_to_the_letter(
    alice: User, api: Api, done: Short
) -> None:
    body = api(alice).get(f"/api/shorts/{done.pk}").json()

    analysis, video = body["receipt"]["legs"]
    charged = analysis["charged_tokens"]
    assert body["state"] == "succeeded"
    assert body["video_url"] == f"/api/shorts/{done.pk}/video"
    assert {k: v for k, v in body["receipt"].items() if k != "legs"} == {
        "held_tokens": 1500, "charged_tokens": 1000 + charged, "returned_tokens": 500 - charged,
        "refunded_tokens": 0,
    }  # fmt: skip
    assert analysis["formula"] == f"{charged} × 1"
    assert set(analysis["usage"]) == {"prompt", "candidates", "thoughts", "cached", "total"}
    assert video == {
        "api_type": "gemini-veo-video", "state": "captured", "estimated_tokens": 1000,
        "charged_tokens": 1000, "basis": "reported", "usd": "1.20",
        "usage": {"seconds": 8, "resolution": "720p"}, "formula": "8 s × $0.15 × 833",
        "entry_id": video["entry_id"],
    }  # fmt: skip


def test_an_unhappy_end_says_what_happened(alice: User, api: Api, stand_in: StandIn) -> None:
    stand_in.next("analyse", outcome="filtered")
    short = driving.step(driving.begin(alice))

    body = api(alice).get(f"/api/shorts/{short.pk}").json()

    assert (body["state"], body["error"]["code"]) == ("failed", "blocked")
    assert body["error"]["message"]
    assert body["video_url"] is None


def test_messages_come_in_the_language_that_was_asked_for(
    alice: User, api: Api, stand_in: StandIn
) -> None:
    stand_in.next("analyse", outcome="filtered")
    short = driving.step(driving.begin(alice))
    client = api(alice)

    english = client.get(f"/api/shorts/{short.pk}", headers={"Accept-Language": "en"}).json()
    korean = client.get(f"/api/shorts/{short.pk}", headers={"Accept-Language": "ko"}).json()

    assert english["error"]["message"] != korean["error"]["message"]


@pytest.mark.parametrize("part", ["", "/video", "/image"])
def test_somebody_elses_short_does_not_exist(bob: User, api: Api, done: Short, part: str) -> None:
    client = api(bob)

    got = client.get(f"/api/shorts/{done.pk}{part}")
    head = client.head(f"/api/shorts/{done.pk}{part}")
    ranged = client.get(f"/api/shorts/{done.pk}{part}", headers={"Range": "bytes=0-1"})

    assert got.json()["code"] == "not_found"
    assert (got.status_code, head.status_code, ranged.status_code) == (404, 404, 404)


@pytest.mark.parametrize("part", ["", "/video", "/image"])
def test_a_stranger_has_to_log_in(done: Short, part: str) -> None:
    response = Client().get(f"/api/shorts/{done.pk}{part}")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_paths_that_do_not_exist_are_json(alice: User, api: Api) -> None:
    client = api(alice)

    answers = [
        client.get(f"/api/shorts/{uuid.uuid4()}"),
        client.get("/api/shorts/not-a-uuid"),
        client.get("/api/"),
        client.get("/api"),
        client.post("/api/nothing/here"),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "not_found")] * 5


def test_a_video_that_is_not_there_yet_is_404(alice: User, api: Api, stand_in: StandIn) -> None:
    short = driving.begin(alice)

    response = api(alice).get(f"/api/shorts/{short.pk}/video")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_whole_video_comes_with_what_players_need(alice: User, api: Api, done: Short) -> None:
    response = api(alice).get(f"/api/shorts/{done.pk}/video")

    data = whole(response)
    assert len(data) == done.video_bytes == int(response["Content-Length"])
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert "private" in response["Cache-Control"]
    assert response["ETag"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("0-1", 0, 1),
        ("5-", 5, -1),
        ("-500", -500, -1),
        ("0-0", 0, 0),
        ("5-999999999", 5, -1),
        ("-999999999", 0, -1),
    ],
)
def test_a_part_is_206_with_exact_bounds(
    alice: User, api: Api, done: Short, asked: str, start: int, end: int
) -> None:
    client = api(alice)
    url = f"/api/shorts/{done.pk}/video"
    everything = whole(client.get(url))
    size = len(everything)

    response = client.get(url, headers={"Range": f"bytes={asked}"})

    first, last = start % size, end % size
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{size}"
    assert whole(response) == everything[first : last + 1]


def test_a_start_beyond_the_end_is_416(alice: User, api: Api, done: Short) -> None:
    url = f"/api/shorts/{done.pk}/video"

    response = api(alice).get(url, headers={"Range": "bytes=999999999-"})

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{done.video_bytes}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "nonsense", "bytes=0-0,5-5", "lines=0-1", "bytes="])
def test_a_range_that_makes_no_sense_gives_the_whole_file(
    alice: User, api: Api, done: Short, asked: str
) -> None:
    response = api(alice).get(f"/api/shorts/{done.pk}/video", headers={"Range": asked})

    assert response.status_code == 200
    assert len(whole(response)) == done.video_bytes


def test_an_old_tag_gives_the_whole_file(alice: User, api: Api, done: Short) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": '"old"'}

    response = api(alice).get(f"/api/shorts/{done.pk}/video", headers=headers)

    assert response.status_code == 200


def test_an_unchanged_file_is_not_sent_again(alice: User, api: Api, done: Short) -> None:
    client = api(alice)
    tag = client.get(f"/api/shorts/{done.pk}/video")["ETag"]

    response = client.get(f"/api/shorts/{done.pk}/video", headers={"If-None-Match": tag})

    assert response.status_code == 304


def test_head_tells_the_size_without_the_body(alice: User, api: Api, done: Short) -> None:
    response = api(alice).head(f"/api/shorts/{done.pk}/video")

    assert response.status_code == 200
    assert int(response["Content-Length"]) == done.video_bytes


def test_the_picture_is_the_prepared_one(alice: User, api: Api, done: Short) -> None:
    response = api(alice).get(f"/api/shorts/{done.pk}/image")

    picture = Image.open(BytesIO(whole(response)))
    assert response["Content-Type"] == "image/jpeg"
    assert (picture.format, picture.size) == ("JPEG", (160, 90))


def test_a_key_that_was_revoked_opens_nothing(alice: User, api: Api, done: Short) -> None:
    client = api(alice)
    alice.auth_token_set.all().delete()

    response = client.get(f"/api/shorts/{done.pk}/video")

    assert response.status_code == 401


def test_a_deleted_short_is_gone_for_its_owner_too(alice: User, api: Api, done: Short) -> None:
    Short.objects.filter(pk=done.pk).update(deleted_at=timezone.now())

    response = api(alice).get(f"/api/shorts/{done.pk}/video")

    assert response.status_code == 404


@pytest.mark.parametrize(
    "path", ["/media/", "/media../", "/static../settings.py", "/static/%2e%2e/"]
)
def test_no_file_lies_at_a_public_address(done: Short, path: str) -> None:
    response = Client().get(f"{path}{done.video}")

    assert response.status_code == 404


def test_a_short_takes_a_bounded_number_of_statements(
    alice: User, api: Api, done: Short, django_assert_max_num_queries: Any
) -> None:
    client = api(alice)

    with django_assert_max_num_queries(6):
        client.get(f"/api/shorts/{done.pk}")
