"""/account/close: a user leaves by themselves, with the password and no way back."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from generation.models import Short, State
from tests.generation import driving
from tests.generation.browsing import text

URL = "/account/close"
PASSWORD = "correct horse"


def test_the_right_password_closes_the_account_and_logs_out(web: Client, alice: User) -> None:
    driving.begin(alice)

    response = web.post(URL, {"password": PASSWORD}, follow=True)

    alice.refresh_from_db()
    assert response.redirect_chain == [("/", 303)]
    assert "Your account is closed." in text(response)
    assert "Log in" in text(response)
    assert (alice.is_active, "alice" in alice.email) == (False, False)
    assert Short.objects.get().state == State.CANCELED


@pytest.mark.parametrize("password", ["wrong", "", "correct horse "])
def test_any_other_password_changes_nothing(web: Client, alice: User, password: str) -> None:
    response = web.post(URL, {"password": password})

    alice.refresh_from_db()
    assert response.status_code == 200
    assert 'class="errorlist"' in response.content.decode()
    assert alice.is_active


def test_passwords_are_not_guessed_by_trying(web: Client, alice: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"reauthenticate": "1/m/user"}
    web.post(URL, {"password": "wrong"})

    response = web.post(URL, {"password": PASSWORD})

    alice.refresh_from_db()
    assert response.status_code == 429
    assert alice.is_active


def test_the_account_pages_lead_there(web: Client) -> None:
    page = web.get("/accounts/email/").content.decode()

    assert f'<a href="{URL}"' in page


def test_a_stranger_is_sent_to_the_log_in(client: Client, db: None) -> None:
    response = client.post(URL, {"password": PASSWORD})

    assert response["Location"] == f"/accounts/login/?next={URL}"


def test_it_takes_a_form_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    assert browser.post(URL, {"password": PASSWORD}).status_code == 403


def test_the_page_speaks_korean(web: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="ko")

    assert "되돌릴 수 없습니다." in text(web.get(URL))
