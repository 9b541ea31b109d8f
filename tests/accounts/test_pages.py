"""The pages around an account, and the frame of every page."""

import re
from typing import Any

import pytest
from allauth.account import urls as account_urls
from allauth.mfa import urls as mfa_urls
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, reverse
from django.urls.resolvers import RegexPattern

from accounts.models import User
from tests.accounts import visiting

PASSWORD = "correct horse"
NEED_MORE = {"account_confirm_email", "account_reset_password_from_key"}


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


def addresses() -> list[str]:
    """Every page of django-allauth that needs no more than its address."""
    patterns = [*account_urls.urlpatterns, *mfa_urls.urlpatterns]
    known = URLResolver(RegexPattern("^"), patterns).reverse_dict
    names = {str(name) for name in known if isinstance(name, str)}
    return sorted(reverse(name) for name in names if name not in NEED_MORE)


def drawn_by_them(response: HttpResponse) -> list[str]:
    """The pages of django-allauth that are not ours, but for their empty frames."""
    theirs = [t for t in response.templates if "site-packages" in t.origin.name]
    pages = [t.name for t in theirs if t.name and t.name.startswith(("account/", "mfa/"))]
    return [name for name in pages if not name.rpartition("/")[2].startswith("base")]


@pytest.mark.parametrize("path", addresses())
def test_no_page_is_drawn_by_somebody_else(alice: User, path: str) -> None:
    web = visiting.browser(alice)
    visiting.prove(web)

    pages = [client.get(path, follow=True) for client in (web, Client())]

    assert [drawn_by_them(page) for page in pages] == [[], []]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["inactive/", "password/reset/done/", "signup/"])
def test_who_cannot_come_in_reads_where_staff_are_reached(
    client: Client, settings: Any, path: str
) -> None:
    settings.SIGNUP_OPEN = False
    unknown = client.get(f"/accounts/{path}").content.decode()

    settings.CONTACT_EMAIL = "help@example.org"
    known = client.get(f"/accounts/{path}").content.decode()

    assert "mailto:" not in unknown
    assert '<a href="mailto:help@example.org">help@example.org</a>' in known


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

    page = client.get("/").content.decode()

    (there,) = re.findall(r'<a href="/" aria-current="page">.*?</a>', page, re.DOTALL)
    assert there.endswith("Studio</a>")
