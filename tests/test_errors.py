"""What people and programs are told when something went wrong: what happened, what became of
tokens, what to do."""

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.accounts.test_pages import looks_like_ours, text

UNTOUCHED = "Nothing was started and no tokens were taken."
PERHAPS = "look among your videos before you send it again"
NAVIGATION = '<a href="/usage">'


@pytest.fixture
def web(client: Client, alice: User, settings: Any) -> Client:
    """Alice's browser, on a site with faults."""
    settings.ROOT_URLCONF = "shortsproject.local.faulty_urls"
    client.force_login(alice)
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/nothing", 404, "There is nothing here"),
        ("/shorts/0199e2a0-0000-7000-8000-000000000000", 404, "There is nothing here"),
        ("/forbidden", 403, "This page is not for you"),
        ("/accounts/notices/1/seen", 405, "This address can&#x27;t be opened like that"),
        ("/too-often", 429, "Too many tries"),
        ("/mistaken", 500, "Something went wrong on our side"),
        ("/cut-off", 503, "We can&#x27;t look anything up right now"),
    ],
)
def test_a_page_that_can_not_be_had_says_so_and_that_no_tokens_were_taken(
    web: Client, path: str, status: int, title: str
) -> None:
    answer = web.get(path)

    assert answer.status_code == status
    assert title in text(answer)
    assert UNTOUCHED in text(answer)
    assert looks_like_ours(answer.content.decode())


@pytest.mark.parametrize("path", ["/nothing", "/forbidden", "/too-often"])
def test_a_page_that_can_not_be_had_leads_on(web: Client, path: str) -> None:
    assert NAVIGATION in web.get(path).content.decode()


def test_an_address_says_what_it_is_for(web: Client) -> None:
    assert web.get("/accounts/notices/1/seen")["Allow"] == "POST"


def test_an_old_form_says_that_nothing_was_sent(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    answer = browser.post("/accounts/notices/1/seen")

    assert answer.status_code == 403
    assert "This form has expired" in text(answer)
    assert "Nothing was sent and no tokens were taken." in text(answer)


def test_a_form_with_too_many_fields_can_not_be_read(web: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1

    answer = web.post("/accounts/notices/", {"levels": ["50", "80"], "mail": "on"})

    assert answer.status_code == 400
    assert "The request could not be read" in text(answer)
    assert UNTOUCHED in text(answer)


@pytest.mark.parametrize("path", ["/accounts/notices/", "/accounts/login/"])
def test_a_form_that_is_too_large_says_how_large_it_may_be(
    web: Client, settings: Any, path: str
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    answer = web.post(path, "mail=on&levels=50", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 413
    assert "a picture may have 20 MB" in text(answer)
    assert UNTOUCHED in text(answer)


def test_too_many_tries_are_paused(client: Client, db: None, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/h/ip"}
    client.post("/accounts/signup/", REMOTE_ADDR="192.0.2.1")

    answer = client.post("/accounts/signup/", REMOTE_ADDR="192.0.2.1")

    assert answer.status_code == 429
    assert "Please try again in a few minutes." in text(answer)
    assert looks_like_ours(answer.content.decode())


@pytest.mark.parametrize("path", ["/mistaken", "/cut-off"])
def test_a_fault_of_ours_has_the_number_that_stands_in_the_log(web: Client, path: str) -> None:
    answer = web.get(path)

    assert f"<code>{answer['X-Request-ID']}</code>" in answer.content.decode()
    assert f'href="{path}">Try again' in answer.content.decode()


@pytest.mark.parametrize("path", ["/mistaken", "/cut-off"])
def test_a_fault_after_something_was_sent_promises_nothing(web: Client, path: str) -> None:
    answer = web.post(path)

    assert PERHAPS in text(answer)
    assert UNTOUCHED not in text(answer)
    assert "Try again<" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/mistaken", "/cut-off"])
def test_the_page_of_a_fault_asks_the_database_nothing(
    client: Client,
    db: None,
    settings: Any,
    path: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.ROOT_URLCONF = "shortsproject.local.faulty_urls"
    client.raise_request_exception = False

    with django_assert_num_queries(0):
        answer = client.get(path, headers={"Accept-Language": "ko"})

    assert '<html lang="ko">' in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/mistaken", 500, "internal_error"),
        ("/api/cut-off", 503, "metering_unavailable"),
        ("/api/forbidden", 403, "permission_denied"),
        ("/api/nothing", 404, "not_found"),
    ],
)
def test_programs_are_told_in_their_own_way(web: Client, path: str, status: int, code: str) -> None:
    answer = web.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/cut-off", "/api/cut-off"])
def test_a_lost_database_says_when_to_ask_again(web: Client, path: str) -> None:
    assert web.get(path)["Retry-After"] == "5"


def test_the_error_page_needs_no_request() -> None:
    told = {"status": 500, "title": "Oh", "happened": "No.", "tokens": "None.", "next": "Wait."}

    assert looks_like_ours(render_to_string("error.html", {"told": told}))
