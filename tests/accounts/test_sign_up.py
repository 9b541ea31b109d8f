"""From a stranger to a user with a ledger."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import notices, queries
from tests import factories
from tests.factories import AT

GIVEN = {
    "email": "Dana@Example.org",
    "password1": "a quiet harbour",
    "password2": "a quiet harbour",
}

pytestmark = pytest.mark.django_db


def test_a_stranger_signs_up_and_is_in_the_studio(client: Client) -> None:
    response = client.post("/accounts/signup/", GIVEN, follow=True)

    assert response.redirect_chain == [("/", 302)]
    assert "Make a video from a picture" in response.content.decode()
    assert response.context["user"].email == "dana@example.org"


def test_a_new_user_has_the_default_limit_and_nothing_used(client: Client, settings: Any) -> None:
    client.post("/accounts/signup/", GIVEN)

    balance = queries.balance(user=User.objects.get(), at=timezone.now())
    assert balance.limit_tokens == settings.DEFAULT_TOKEN_LIMIT
    assert (balance.used_tokens, balance.held_tokens, balance.suspended) == (0, 0, False)


def test_who_signs_up_in_korean_gets_later_mails_in_korean(client: Client) -> None:
    client.post("/accounts/signup/", GIVEN, headers={"Accept-Language": "ko-KR,ko;q=0.9"})

    dana = User.objects.get()
    factories.charged(dana, 5_000)
    notices.send_waiting(at=AT)
    assert dana.language == "ko"
    assert mail.outbox[-1].subject == "Shorts: 이번 기간 토큰의 50%를 사용했습니다"


def test_who_signs_up_in_english_goes_on_with_the_language_of_the_browser(client: Client) -> None:
    client.post("/accounts/signup/", GIVEN, headers={"Accept-Language": "en-US"})

    assert User.objects.get().language == ""


def test_a_weak_password_is_explained_and_makes_nobody(client: Client) -> None:
    weak = {**GIVEN, "password1": "1234", "password2": "1234"}

    page = client.post("/accounts/signup/", weak).content.decode()

    assert "This password is too short" in page
    assert 'value="Dana@Example.org"' in page
    assert not User.objects.exists()


def test_an_address_that_is_taken_makes_no_second_account(client: Client, alice: User) -> None:
    client.post("/accounts/signup/", {**GIVEN, "email": "ALICE@example.org"})

    assert list(User.objects.all()) == [alice]


def test_a_closed_sign_up_says_so_and_makes_nobody(client: Client, settings: Any) -> None:
    settings.SIGNUP_OPEN = False

    shown = client.get("/accounts/signup/").content.decode()
    sent = client.post("/accounts/signup/", GIVEN).content.decode()

    assert "Sign-up is closed" in shown
    assert "Sign-up is closed" in sent
    assert not User.objects.exists()


def test_the_sign_up_speaks_korean(client: Client) -> None:
    page = client.get("/accounts/signup/", headers={"Accept-Language": "ko"}).content.decode()

    assert "<h1>회원가입</h1>" in page
