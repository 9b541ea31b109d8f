"""/account/keys: a key is made, shown once, and revoked."""

import re
import shlex
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import keys
from accounts.models import ApiKey, User
from tests.generation.browsing import text

PAGE = "/account/keys"
SECRET = re.compile(r"shorts_[0-9a-f]{64}")


def status_with(secret: str) -> int:
    """What the API answers to a key."""
    script = APIClient()
    script.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return int(script.get("/api/usage").status_code)


def test_a_new_key_is_shown_once_and_works(web: Client, alice: User) -> None:
    answer = web.post(PAGE, {"name": "laptop", "lifetime": "90"})

    shown, again = web.get(PAGE).content.decode(), web.get(PAGE).content.decode()
    (secret,) = set(SECRET.findall(shown))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert status_with(secret) == 200
    assert SECRET.findall(again) == []
    assert ApiKey.objects.get(user=alice).name == "laptop"


def test_who_only_asks_whether_the_page_is_there_does_not_use_it_up(web: Client) -> None:
    web.post(PAGE, {"name": "laptop", "lifetime": "90"})

    web.head(PAGE)

    assert len(SECRET.findall(web.get(PAGE).content.decode())) > 0


def test_a_key_is_in_no_address_cookie_or_session_afterwards(web: Client) -> None:
    answer = web.post(PAGE, {"name": "laptop", "lifetime": "never"})
    sent = f"{answer.headers} {answer.cookies}"
    web.get(PAGE)

    kept = f"{dict(web.session)} {web.cookies} {list(ApiKey.objects.values())}"

    assert SECRET.findall(sent) == []
    assert SECRET.findall(kept) == []


def test_nobody_keeps_a_copy_of_the_page(web: Client) -> None:
    web.post(PAGE, {"name": "laptop", "lifetime": "90"})

    assert "no-store" in web.get(PAGE)["Cache-Control"]


def test_the_command_is_ready_to_run(web: Client) -> None:
    web.post(PAGE, {"name": "laptop", "lifetime": "90"})

    page = web.get(PAGE, headers={"host": "localhost"})

    command = page.context["curl"]
    (secret,) = set(SECRET.findall(command))
    assert shlex.split(command.replace("\\\n", " ")) == [
        "curl", "-H", f"Authorization: Bearer {secret}", "-F", "image=@photo.jpg",
        "http://localhost/api/shorts/generate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lifetime", "days"), [("30", 30), ("90", 90), ("365", 365), ("never", None)]
)
def test_a_key_ends_when_it_was_said(web: Client, lifetime: str, days: int | None) -> None:
    web.post(PAGE, {"name": "laptop", "lifetime": lifetime})

    key = ApiKey.objects.get()
    assert (key.expiry and round((key.expiry - key.created).total_seconds() / 86400)) == days


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "lifetime": "90"},
        {"name": " ", "lifetime": "90"},
        {"name": "x" * 101, "lifetime": "90"},
        {"name": "a\x00b", "lifetime": "90"},
        {"name": "laptop", "lifetime": "1000"},
        {"name": "laptop"},
    ],
)
def test_what_is_not_right_is_told_and_makes_no_key(web: Client, form: dict[str, str]) -> None:
    answer = web.post(PAGE, form)

    assert answer.status_code == 200
    assert 'class="errorlist"' in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_double_click_makes_one_key_and_still_shows_it(web: Client) -> None:
    web.post(PAGE, {"name": "laptop", "lifetime": "90"})

    second = web.post(PAGE, {"name": "Laptop", "lifetime": "90"})

    assert "You have a key of this name already." in text(second)
    assert len(set(SECRET.findall(second.content.decode()))) == 1
    assert ApiKey.objects.count() == 1


def test_more_keys_than_the_limit_are_refused_kindly(web: Client, alice: User) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(user=alice, name=f"key {number}", digest=str(number)) for number in range(20)
    )

    answer = web.post(PAGE, {"name": "one more", "lifetime": "90"})

    assert "You have 20 keys, and more are not possible." in text(answer)
    assert ApiKey.objects.count() == 20


def test_a_revoked_key_stops_at_once_after_a_question(web: Client, alice: User) -> None:
    key, secret = ApiKey.objects.create(user=alice, name="laptop", expiry=None)
    page = f"{PAGE}/{keys.handle_of(key)}/revoke"

    asked, between = web.get(page), status_with(secret)
    done = web.post(page, follow=True)

    assert "laptop stops working at once" in text(asked)
    assert (between, status_with(secret)) == (200, 401)
    assert "The API key “laptop” is revoked." in text(done)


def test_nobody_revokes_the_key_of_somebody_else(web: Client, bob: User) -> None:
    key, _ = ApiKey.objects.create(user=bob, name="server")

    answer = web.post(f"{PAGE}/{keys.handle_of(key)}/revoke")

    assert answer.status_code == 404
    assert ApiKey.objects.get() == key


def test_the_list_tells_the_state_of_each_key_of_ones_own(
    web: Client, alice: User, bob: User
) -> None:
    now, day = timezone.now(), timedelta(days=1)
    ApiKey.objects.create(user=alice, name="old", expiry=-day)
    ApiKey.objects.create(user=alice, name="current", expiry=day)
    ApiKey.objects.create(user=alice, name="lasting", expiry=None)
    ApiKey.objects.create(user=bob, name="server")
    ApiKey.objects.filter(name="lasting").update(last_used=now)

    lines = web.get(PAGE).context["lines"]

    assert [(line.name, line.state, line.last_used) for line in lines] == [
        ("lasting", "works", now), ("current", "ends_soon", None), ("old", "expired", None),
    ]  # fmt: skip


def test_names_and_handles_give_nothing_away(web: Client, alice: User) -> None:
    key, secret = ApiKey.objects.create(user=alice, name="<b>laptop</b>")

    page = web.get(PAGE).content.decode()

    assert "&lt;b&gt;laptop&lt;/b&gt;" in page
    assert secret[:15] in page
    assert secret not in page
    assert key.digest not in page


def test_the_page_takes_the_same_few_queries_for_many_keys(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(user=alice, name=f"key {number}", digest=str(number)) for number in range(20)
    )

    with django_assert_max_num_queries(8):
        web.get(PAGE)


def test_a_stranger_logs_in_first(client: Client, db: None) -> None:
    answer = client.post(PAGE, {"name": "laptop", "lifetime": "90"})

    assert answer["Location"] == f"/accounts/login/?next={PAGE}"


def test_the_page_speaks_korean(web: Client) -> None:
    page = web.get(PAGE, headers={"Accept-Language": "ko"}).content.decode()

    assert "<h1>API 키</h1>" in page
    assert "아직 키가 없습니다." in page
