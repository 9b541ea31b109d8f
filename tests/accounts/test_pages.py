"""The pages around an account, the frame of every page, and the pages for what went wrong."""

import re
from typing import Any

import pytest
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from accounts.models import User
from shortsproject import errors

PASSWORD = "correct horse"


def text(response: HttpResponse) -> str:
    """The page without its tags and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def looks_like_ours(page: str) -> bool:
    """Our stylesheet, one heading, a way to skip to the content; nothing inline or foreign."""
    return (
        "shorts.css" in page
        and page.count("<h1>") == 1
        and 'href="#main"' in page
        and not re.search(r"\sstyle=|<style|<link[^>]*//|<script(?![^>]*(src=./|json))", page)
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "login/",
        "signup/",
        "password/reset/",
        "password/reset/done/",
        "password/reset/key/0-bad/",
        "password/reset/key/done/",
        "confirm-email/",
        "confirm-email/wrong/",
        "inactive/",
    ],
)
def test_a_strangers_account_pages_look_like_ours(client: Client, path: str) -> None:
    response = client.get(f"/accounts/{path}")

    assert response.status_code == 200
    assert looks_like_ours(response.content.decode())


@pytest.mark.parametrize("path", ["email/", "password/change/", "logout/", "reauthenticate/"])
def test_a_users_account_pages_look_like_ours(client: Client, alice: User, path: str) -> None:
    client.force_login(alice)

    response = client.get(f"/accounts/{path}")

    assert response.status_code == 200
    assert looks_like_ours(response.content.decode())


def test_logging_in_leads_to_the_studio(client: Client, alice: User) -> None:
    given = {"login": "Alice@example.org", "password": PASSWORD}

    response = client.post("/accounts/login/", given, follow=True)

    assert response.redirect_chain == [("/", 302)]
    assert "alice@example.org" in text(response)


def test_a_wrong_password_is_explained_beside_the_form(client: Client, alice: User) -> None:
    given = {"login": "alice@example.org", "password": "wrong"}

    page = client.post("/accounts/login/", given).content.decode()

    assert 'role="alert"' in page
    assert "are not correct" in page
    assert "wrong" not in page


def test_logging_out_takes_one_click_and_a_post(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/").content.decode()

    client.post("/accounts/logout/")

    assert '<form method="post" action="/accounts/logout/">' in page
    assert "Make a video" not in client.get("/").content.decode()


def test_a_lost_password_is_replaced_by_mail(client: Client, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)
    assert link
    form = client.get(link[1], follow=True)

    new = {"password1": "a quiet harbour", "password2": "a quiet harbour"}
    done = client.post(form.redirect_chain[-1][0], new, follow=True)

    alice.refresh_from_db()
    assert alice.check_password("a quiet harbour")
    assert "The new password is saved" in text(done)


def test_a_stranger_changes_the_language_with_one_button(client: Client, db: None) -> None:
    before = client.get("/accounts/login/").content.decode()

    client.post("/language", {"language": "ko", "next": "/accounts/login/"})

    after = client.get("/accounts/login/").content.decode()
    assert 'value="en" lang="en" aria-current="true"' in before
    assert 'value="ko" lang="ko" aria-current="true"' in after
    assert '<html lang="ko">' in after


def test_only_staff_see_the_way_to_the_admin(client: Client, alice: User, staff: User) -> None:
    client.force_login(alice)
    hers = client.get("/").content.decode()
    client.force_login(staff)

    assert 'href="/admin/"' not in hers
    assert 'href="/admin/"' in client.get("/").content.decode()


def test_the_page_one_is_on_is_marked(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert '<a href="/" aria-current="page">Studio</a>' in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("view", "status", "title"),
    [
        (lambda r: errors.bad_request(r, ValueError()), 400, "The request could not be read"),
        (lambda r: errors.forbidden(r, ValueError()), 403, "This page is not for you"),
        (lambda r: errors.not_found(r, ValueError()), 404, "There is nothing here"),
        (errors.csrf_failure, 403, "This form has expired"),
        (errors.server_error, 500, "Something went wrong on our side"),
    ],
)
def test_what_went_wrong_is_told_without_a_database(view: Any, status: int, title: str) -> None:
    request: HttpRequest = RequestFactory().get("/anything")

    response = view(request)

    assert response.status_code == status
    assert title in text(response)
    assert looks_like_ours(response.content.decode())


def test_the_error_page_needs_no_request_either() -> None:
    page = render_to_string("error.html", {"status": 500, "title": "Oh", "detail": "No"})

    assert looks_like_ours(page)


def test_too_many_tries_are_paused_in_our_look(client: Client, db: None, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/h/ip"}
    client.post("/accounts/signup/", REMOTE_ADDR="192.0.2.1")

    response = client.post("/accounts/signup/", REMOTE_ADDR="192.0.2.1")

    assert response.status_code == 429
    assert looks_like_ours(response.content.decode())
