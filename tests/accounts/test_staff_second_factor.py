"""The way into the admin: the log-in page of all, and a second factor where it is wanted."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from tests.accounts import visiting
from tests.generation.browsing import text
from tests.metering.staff_work import allow, signed_in

ADMIN = "/admin/"
SET_UP = "/accounts/2fa/totp/activate/"


@pytest.fixture
def _wanted(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = True


def act(user: User) -> str:
    return f"/admin/accounts/user/{user.pk}/second-factor/"


def test_the_admin_is_entered_by_the_log_in_page_of_all(staff: User) -> None:
    client = Client()
    first = client.get(ADMIN, follow=True)

    form = {"login": staff.email, "password": visiting.PASSWORD, "next": ADMIN}
    answer = client.post("/accounts/login/", form, follow=True)

    assert first.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2F"
    assert answer.redirect_chain == [(ADMIN, 302)]
    assert answer.status_code == 200


def test_who_has_a_second_factor_is_asked_for_it(staff: User) -> None:
    secret = visiting.with_app(staff)

    half = visiting.browser(staff)
    before = half.get(ADMIN).status_code
    half.post("/accounts/2fa/authenticate/", {"code": visiting.code_of(secret)})

    assert (before, half.get(ADMIN).status_code) == (302, 200)


def test_who_is_no_staff_is_refused(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.get(ADMIN, follow=True).status_code == 403


@pytest.mark.usefixtures("_wanted")
def test_staff_without_one_are_led_to_set_it_up_and_told_why(staff: User) -> None:
    visiting.confirmed(staff)
    web = visiting.browser(staff)

    answer = web.get(f"{ADMIN}metering/hold/", follow=True)

    assert answer.redirect_chain[0] == (SET_UP, 302)
    assert "The admin opens with a second factor only. Please set it up first." in text(answer)


@pytest.mark.usefixtures("_wanted")
def test_a_session_without_a_code_is_asked_for_one(staff: User) -> None:
    web = visiting.browser(staff)
    secret = visiting.with_app(staff)

    asked = web.get(f"{ADMIN}metering/hold/?q=a")
    web.post("/accounts/2fa/reauthenticate/", {"code": visiting.code_of(secret)})

    there = "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Fmetering%2Fhold%2F%3Fq%3Da"
    assert asked["Location"] == there
    assert web.get(ADMIN).status_code == 200


@pytest.mark.usefixtures("_wanted")
def test_turning_it_off_closes_the_admin_again(staff: User) -> None:
    web = visiting.browser(staff, code=visiting.code_of(visiting.with_app(staff)))
    before = web.get(ADMIN).status_code

    Authenticator.objects.all().delete()

    assert (before, web.get(ADMIN)["Location"]) == (200, SET_UP)


@pytest.mark.usefixtures("_wanted")
def test_nothing_is_done_without_a_code(staff: User, alice: User) -> None:
    web = visiting.browser(staff)

    web.post(f"{ADMIN}auth/group/add/", {"name": "clerks"})
    out = web.post(f"{ADMIN}logout/")

    assert not LogEntry.objects.exists()
    assert out.status_code == 200


@pytest.mark.usefixtures("_wanted")
def test_users_who_are_no_staff_need_none(alice: User) -> None:
    assert visiting.is_logged_in(visiting.browser(alice))


def test_staff_remove_what_somebody_has_lost_with_a_reason(staff: User, alice: User) -> None:
    web = visiting.browser(alice)
    visiting.with_app(alice)
    desk = signed_in(staff)

    asked = desk.get(act(alice))
    answer = desk.post(act(alice), {"reason": "phone stolen, called back"}, follow=True)

    assert "logs in with the password alone after that" in text(asked)
    assert "The second factor of alice@example.org is removed." in text(answer)
    assert not Authenticator.objects.exists()
    assert not visiting.is_logged_in(web)
    assert visiting.is_logged_in(visiting.browser(alice))
    assert "phone stolen, called back" in LogEntry.objects.get().change_message


def test_it_takes_a_reason(staff: User, alice: User) -> None:
    visiting.with_app(alice)

    answer = signed_in(staff).post(act(alice), {"reason": " "})

    assert "Please give a reason." in text(answer)
    assert Authenticator.objects.exists()


def test_only_superusers_help_staff_and_nobody_themselves(staff: User, bob: User) -> None:
    visiting.with_app(staff)
    visiting.with_app(bob)
    clerk = signed_in(allow(bob, "change_user", "view_user"))

    answers = [
        clerk.post(act(staff), {"reason": "x"}),
        clerk.post(act(bob), {"reason": "x"}),
        signed_in(staff).post(act(staff), {"reason": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Authenticator.objects.count() == 2


def test_the_act_is_offered_only_where_there_is_one(staff: User, alice: User, bob: User) -> None:
    visiting.with_app(alice)
    desk = signed_in(staff)

    pages = [desk.get(f"/admin/accounts/user/{user.pk}/change/") for user in (alice, bob)]

    assert ["second-factor" in page.content.decode() for page in pages] == [True, False]
    assert desk.post(act(bob), {"reason": "x"}).status_code == 404


def test_the_operator_removes_it_by_command(staff: User) -> None:
    visiting.with_app(staff)

    call_command("remove_second_factor", "STAFF@example.org", reason="the only superuser")

    assert not Authenticator.objects.exists()


def test_the_command_says_whom_it_does_not_know(db: None) -> None:
    with pytest.raises(CommandError, match="no user"):
        call_command("remove_second_factor", "nobody@example.org", reason="x")


@pytest.mark.parametrize("page", ["mfa/authenticator/", "usersessions/usersession/"])
def test_no_page_shows_secrets_or_addresses_of_people(staff: User, page: str) -> None:
    assert signed_in(staff).get(f"{ADMIN}{page}").status_code == 404
