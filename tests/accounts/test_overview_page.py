"""/account: who one is, and what is where."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import ApiKey, User
from tests.accounts import visiting
from tests.generation.browsing import text

PAGE = "/account"
PARTS = [
    "/account", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/",
    "/accounts/sessions/", "/account/keys", "/account/preferences", "/accounts/notices/",
    "/account/close",
]  # fmt: skip


def test_it_tells_how_each_part_stands(web: Client, alice: User) -> None:
    visiting.confirmed(alice)
    visiting.with_app(alice)
    ApiKey.objects.create(user=alice, name="laptop", expiry=None)
    User.objects.filter(pk=alice.pk).update(language="en", time_zone="Europe/Berlin")

    page = text(web.get(PAGE))

    assert "alice@example.org confirmed" in page
    assert "A code of your app is asked for when you log in. on" in page
    assert "1 browser is logged in." in page
    assert "1 key works." in page
    assert "English&nbsp;· Europe/Berlin" in page


def test_somebody_new_reads_what_is_there_to_do(web: Client) -> None:
    page = text(web.get(PAGE))

    assert "alice@example.org not confirmed yet" in page
    assert "A code of an app besides your password. off" in page
    assert "There are none yet." in page
    assert "Language as your browser says&nbsp;· Asia/Seoul" in page


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_reached_from_every_other(web: Client, part: str) -> None:
    page = web.get(part).content.decode()

    (tabs,) = re.findall(r'<nav class="parts".*?</nav>', page, re.DOTALL)
    assert re.findall(r'href="([^"]+)"', tabs) == PARTS
    assert re.findall(r'href="([^"]+)" aria-current="page"', tabs) == [part]


def test_the_head_of_every_page_leads_there(web: Client) -> None:
    assert f'<a class="email" href="{PAGE}"' in web.get("/usage").content.decode()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_takes_few_queries(
    web: Client, part: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(12):
        web.get(part)


def test_a_stranger_logs_in_first(client: Client, db: None) -> None:
    assert client.get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"


def test_the_page_speaks_korean(web: Client) -> None:
    page = text(web.get(PAGE, headers={"Accept-Language": "ko"}))

    assert "아직 확인되지 않음" in page
    assert "브라우저 1개에 로그인되어 있습니다." in page
