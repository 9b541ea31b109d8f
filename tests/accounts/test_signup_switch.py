"""Staff open and close the sign-up, whatever the setting says."""

from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import signup
from accounts.models import SignupSwitch, User
from tests.metering.staff_work import signed_in

SWITCH = "/admin/accounts/signupswitch/switch/"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def test_staff_close_the_sign_up_with_a_reason(desk: Client, staff: User) -> None:
    answer = desk.post(SWITCH, {"to": "closed", "reason": "too many robots"}, follow=True)

    row = SignupSwitch.objects.get()
    assert "The sign-up is switched." in answer.content.decode()
    assert (row.is_open, row.actor, row.reason) == (False, staff, "too many robots")
    assert "Sign-up is closed" in Client().get("/accounts/signup/").content.decode()
    assert "/accounts/signup/" not in Client().get("/").content.decode()


@pytest.mark.parametrize(
    ("setting", "to", "is_open"),
    [
        (False, "open", True),
        (True, "closed", False),
        (True, "setting", True),
        (False, "setting", False),
    ],
)
def test_the_newest_switch_decides(
    desk: Client, settings: Any, setting: bool, to: str, is_open: bool
) -> None:
    settings.SIGNUP_OPEN = setting
    desk.post(SWITCH, {"to": "closed" if setting else "open", "reason": "before"})

    desk.post(SWITCH, {"to": to, "reason": "now"})

    assert signup.is_open() is is_open


def test_pages_that_say_what_is_wrong_need_no_database(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*fields: str) -> None:
        raise OperationalError

    monkeypatch.setattr(SignupSwitch.objects, "order_by", away)

    answer = client.get("/nothing")

    assert (answer.status_code, "/accounts/signup/" in answer.content.decode()) == (404, True)


def test_without_a_reason_nothing_is_switched(desk: Client) -> None:
    answer = desk.post(SWITCH, {"to": "closed", "reason": " "})

    assert "Please give a reason." in answer.content.decode()
    assert signup.is_open()


def test_who_may_not_switch_is_refused(client: Client, alice: User) -> None:
    alice.is_staff = True
    alice.save()
    client.force_login(alice)

    answer = client.post(SWITCH, {"to": "closed", "reason": "x"})

    assert answer.status_code == 403
    assert not SignupSwitch.objects.exists()


def test_staff_are_told_by_mail(
    desk: Client,
    settings: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.STAFF_EMAILS = ["desk@example.org"]

    with django_capture_on_commit_callbacks(execute=True):
        desk.post(SWITCH, {"to": "closed", "reason": "too many robots"})

    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Sign-up is closed now", ["desk@example.org"])
    assert "Switched by staff@example.org: too many robots" in message.body


def test_the_first_page_of_staff_shows_the_state(desk: Client) -> None:
    desk.post(SWITCH, {"to": "closed", "reason": "too many robots"})

    cards = desk.get("/admin/").context["cards"]

    assert [str(card["figure"]) for card in cards if card["title"] == "Sign-up"] == ["closed"]
