"""POST /api/shorts/generate, as a client sees it."""

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import Short
from metering import queries, staff
from metering.models import Hold
from tests.pictures import jpeg

URL = "/api/shorts/generate"
Api = Callable[[User], APIClient]


def upload(data: bytes = b"", name: str = "photo.jpg", kind: str = "image/jpeg") -> Any:
    return SimpleUploadedFile(name, data or jpeg(width=160, height=90), content_type=kind)


def limit(user: User, tokens: int | None) -> None:
    staff.set_limit(user=user, tokens=tokens, actor=None, reason="test", at=timezone.now())


def test_a_picture_is_accepted_with_its_quote_and_balance(alice: User, api: Api) -> None:
    response = api(alice).post(URL, {"image": upload()}, format="multipart")

    body = response.json()
    assert response.status_code == 202
    assert response["Location"] == f"/api/shorts/{body['id']}"
    assert {k: body[k] for k in ("state", "model", "seconds", "resolution", "aspect_ratio")} == {
        "state": "queued", "model": "veo-3.1-fast-generate-001", "seconds": 8,
        "resolution": "720p", "aspect_ratio": "16:9",
    }  # fmt: skip
    assert body["progress"] == {"stage": "queued", "percent": 0}
    assert body["video_url"] is None
    assert body["error"] is None
    assert body["quote"] == {"tokens": 1500, "legs": [
        {"api_type": "gemini-image-analysis", "model": "gemini-3.8-flash", "tokens": 500,
         "usd": None},
        {"api_type": "gemini-veo-video", "model": "veo-3.1-fast-generate-001", "tokens": 1000,
         "usd": "1.20"},
    ]}  # fmt: skip


def test_the_balance_in_the_answer_counts_the_new_hold(alice: User, api: Api) -> None:
    body = api(alice).post(URL, {"image": upload()}, format="multipart").json()

    balance = body["balance"]
    resets = balance.pop("resets_at")
    assert resets.endswith("Z")
    assert balance == {
        "limit_tokens": 10000, "granted_tokens": 0, "used_tokens": 0, "held_tokens": 1500,
        "remaining_tokens": 10000, "available_tokens": 8500,
    }  # fmt: skip


def test_over_the_limit_is_403_with_the_five_figures_and_nothing_kept(
    alice: User, api: Api
) -> None:
    limit(alice, 1499)

    response = api(alice).post(URL, {"image": upload()}, format="multipart")

    body = response.json()
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    assert body["type"] == "urn:shorts:problem:token_limit_exceeded"
    assert (body["status"], body["code"]) == (403, "token_limit_exceeded")
    assert (body["estimated_tokens"], body["remaining_tokens"]) == (1500, 1499)
    assert (body["held_tokens"], body["limit_tokens"]) == (0, 1499)
    assert body["resets_at"].endswith("Z")
    assert not Short.objects.exists()
    assert not Hold.objects.exists()


def test_an_unlimited_user_is_never_over_the_limit(alice: User, api: Api) -> None:
    limit(alice, None)

    body = api(alice).post(URL, {"image": upload()}, format="multipart").json()

    assert body["balance"]["limit_tokens"] is None
    assert body["balance"]["remaining_tokens"] is None


def test_a_suspended_user_is_told_so(alice: User, api: Api) -> None:
    type(alice.token_ledger).objects.filter(user=alice).update(suspended=True)

    response = api(alice).post(URL, {"image": upload()}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (403, "account_suspended")


def test_the_fourth_at_once_is_429(alice: User, api: Api) -> None:
    client = api(alice)
    answers = [client.post(URL, {"image": upload()}, format="multipart") for _ in range(4)]

    codes = [answer.status_code for answer in answers]
    assert codes == [202, 202, 202, 429]
    assert answers[3].json()["code"] == "too_many_in_flight"
    assert int(answers[3]["Retry-After"]) > 0
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 4500


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("seconds", "5", "invalid_parameter"),
        ("seconds", "0", "invalid_parameter"),
        ("seconds", "eight", "invalid_parameter"),
        ("resolution", "8k", "invalid_parameter"),
        ("aspect_ratio", "1:1", "invalid_parameter"),
        ("prompt", "x" * 1001, "invalid_parameter"),
        ("prompt", "nul \x00", "invalid_parameter"),
        ("prompt", "\ufffd\ufffd pan", "invalid_parameter"),  # what becomes of other charsets
        ("model", "veo-3.0-generate-001", "unpriced_model"),
        ("model", "nonsense", "unpriced_model"),
    ],
)
def test_wrong_choices_are_400_and_hold_nothing(
    alice: User, api: Api, field: str, value: str, code: str
) -> None:
    response = api(alice).post(URL, {"image": upload(), field: value}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    "image",
    [
        upload(b"this is a text file"),
        upload(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1/'/></svg>"),
        upload(b"\x00\x00\x00\x18ftypheic" + bytes(12), name="photo.heic"),
        "http://127.0.0.1:9/x.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_picture_is_400_and_leaves_nothing(alice: User, api: Api, image: Any) -> None:
    response = api(alice).post(URL, {"image": image}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_image")
    assert not Short.objects.exists()
    assert not Hold.objects.exists()


def test_an_empty_file_is_no_picture(alice: User, api: Api) -> None:
    image = SimpleUploadedFile("photo.jpg", b"", content_type="image/jpeg")

    response = api(alice).post(URL, {"image": image}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_image")


def test_two_pictures_are_one_too_many(alice: User, api: Api) -> None:
    response = api(alice).post(URL, {"image": [upload(), upload()]}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_image")


def test_a_picture_in_json_is_refused(alice: User, api: Api) -> None:
    response = api(alice).post(URL, {"image_url": "http://127.0.0.1/x.png"}, format="json")

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_over_the_limit_is_413(alice: User, api: Api, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    noise = upload(bytes(200_000))

    response = api(alice).post(URL, {"image": noise}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_a_session_is_told_of_a_body_over_the_limit_before_its_token_is_looked_for(
    alice: User, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    response = browser.post(URL, {"image": upload(bytes(200_000))})

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_the_same_key_and_body_give_the_same_short(alice: User, api: Api) -> None:
    client, key = api(alice), str(uuid.uuid4())
    first = client.post(URL, {"image": upload()}, format="multipart", HTTP_IDEMPOTENCY_KEY=key)

    again = client.post(URL, {"image": upload()}, format="multipart", HTTP_IDEMPOTENCY_KEY=key)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500


@pytest.mark.parametrize(
    "other",
    [{"prompt": "another wish"}, {"image": upload(jpeg(width=160, height=90, seed=3))}],
)
def test_the_same_key_and_another_body_are_a_conflict(
    alice: User, api: Api, other: dict[str, Any]
) -> None:
    client = api(alice)
    client.post(URL, {"image": upload()}, format="multipart", HTTP_IDEMPOTENCY_KEY="k")

    response = client.post(
        URL, {"image": upload(), **other}, format="multipart", HTTP_IDEMPOTENCY_KEY="k"
    )

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_conflict")


def test_a_refused_request_does_not_burn_its_key(alice: User, api: Api) -> None:
    client = api(alice)
    client.post(URL, {"image": upload(b"text")}, format="multipart", HTTP_IDEMPOTENCY_KEY="k")

    response = client.post(URL, {"image": upload()}, format="multipart", HTTP_IDEMPOTENCY_KEY="k")

    assert response.status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 300, "with space", "café"])
def test_a_key_that_can_not_be_one_is_400(alice: User, api: Api, key: str) -> None:
    response = api(alice).post(
        URL, {"image": upload()}, format="multipart", HTTP_IDEMPOTENCY_KEY=key
    )

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert response.json()["parameter"] == "idempotency_key"
    assert "1 to 255 visible ASCII characters" in response.json()["detail"]


def test_without_a_key_or_login_it_is_401() -> None:
    response = APIClient().post(URL, {"image": upload()}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["nonsense", "shorts_" + "0" * 64, "ÿþ", "a b c"])
def test_a_wrong_key_is_401(key: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")

    response = client.post(URL, {"image": upload()}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert "has expired or was revoked" in response.json()["detail"]


def test_a_session_without_form_token_is_403(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    response = browser.post(URL, {"image": io.BytesIO(jpeg(width=160, height=90))})

    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")


def test_a_session_with_form_token_is_accepted(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    token = browser.get("/").cookies["csrftoken"].value

    response = browser.post(
        URL, {"image": io.BytesIO(jpeg(width=160, height=90))}, headers={"X-CSRFToken": token}
    )

    assert response.status_code == 202


def test_get_is_not_how_to_begin(alice: User, api: Api) -> None:
    response = api(alice).get(URL)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_a_request_takes_a_bounded_number_of_statements(
    alice: User, api: Api, django_assert_max_num_queries: Any
) -> None:
    client = api(alice)

    with django_assert_max_num_queries(18):
        response = client.post(URL, {"image": upload()}, format="multipart")

    assert response.status_code == 202
