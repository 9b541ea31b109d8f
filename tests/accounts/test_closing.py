"""A closed account keeps nothing that says whose it was, and nobody comes in by it."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import closing
from accounts.models import ApiKey, User
from tests.accounts import visiting


def test_addresses_keys_codes_and_log_ins_are_gone(alice: User) -> None:
    visiting.confirmed(alice)
    ApiKey.objects.create(user=alice, name="laptop")
    here = visiting.browser(alice)
    visiting.with_app(alice)

    closing.close(user=alice)

    kinds: list[Any] = [EmailAddress, ApiKey, Authenticator, UserSession, Session]
    assert [kind.objects.count() for kind in kinds] == [0, 0, 0, 0, 0]
    assert not visiting.is_logged_in(here)


def test_a_log_in_that_was_not_noted_ends_too(client: Client, alice: User) -> None:
    client.force_login(alice)

    closing.close(user=alice)

    assert not visiting.is_logged_in(client)


def test_other_people_stay_as_they_are(alice: User, bob: User) -> None:
    bobs = visiting.browser(bob)
    secret = visiting.with_app(bob)

    closing.close(user=alice)

    assert secret
    assert visiting.is_logged_in(bobs)
    assert Authenticator.objects.get().user == bob


def test_closing_by_the_page_logs_this_browser_out(alice: User) -> None:
    here = visiting.browser(alice)

    answer = here.post("/account/close", {"password": visiting.PASSWORD}, follow=True)

    assert answer.redirect_chain == [("/", 303)]
    assert "Your account is closed." in answer.content.decode()
    assert not UserSession.objects.exists()
