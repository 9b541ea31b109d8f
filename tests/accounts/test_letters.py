"""Mails about an account: a link that was asked for, or a change, in case it was somebody else."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import letters
from accounts.models import User
from tests import mail_servers
from tests.accounts import visiting
from tests.generation.browsing import text

NEW = {"password1": "a quiet harbour", "password2": "a quiet harbour"}
CHANGE = {"oldpassword": visiting.PASSWORD, **NEW}
SIGN_UP = {"email": "dana@example.org", **NEW}
SET_UP = "/accounts/2fa/totp/activate/"
RESET = "/accounts/password/reset/"


def subjects() -> list[tuple[str, list[str]]]:
    return [(message.subject, message.to) for message in mail.outbox]


def test_a_new_password_is_told_with_what_to_do_about_it(
    proved: Client, mail_server: mail_servers.Smtp
) -> None:
    proved.post("/accounts/password/change/", CHANGE)

    (message,) = mail_server.mails
    plain, page = mail_servers.part(message, "plain"), mail_servers.part(message, "html")
    assert message["Subject"] == "Shorts: Your password was changed"
    assert message["To"] == "alice@example.org"
    assert "If it was not you, somebody else has come into your account" in plain
    assert "If it was not you, somebody else has come into your account" in page
    assert f"https://shorts.example.org{RESET}" in plain
    assert f'href="https://shorts.example.org{RESET}"' in page
    assert ", in Chrome, Windows, from the IP address 127.0.0.1." in plain


def test_it_is_in_the_language_and_time_zone_of_the_user(
    make_user: Callable[..., User], mail_server: mail_servers.Smtp
) -> None:
    jimin = make_user("jimin", language="ko", time_zone="America/New_York")

    visiting.browser(jimin).post("/accounts/password/change/", CHANGE)

    (message,) = mail_server.mails
    plain = mail_servers.part(message, "plain")
    assert str(message["Subject"]).strip() == "Shorts: 비밀번호가 변경되었습니다"
    assert "(America/New_York), Chrome, Windows, IP 주소 127.0.0.1에서" in plain
    assert '<html lang="ko">' in mail_servers.part(message, "html")


def test_a_reset_by_a_browser_in_english_is_told_in_the_users_language(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="ko")
    stranger = Client(headers={"accept-language": "en"})
    stranger.post(RESET, {"email": "alice@example.org"})
    (link,) = re.findall(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    form = stranger.get(link, follow=True)

    stranger.post(form.redirect_chain[-1][0], NEW)

    both = [("Shorts: 새 비밀번호 설정", ["alice@example.org"])]
    both += [("Shorts: 비밀번호가 변경되었습니다", ["alice@example.org"])]
    assert subjects() == both


def test_the_old_address_is_told_of_the_new_one_and_to_ask_staff(
    proved: Client, settings: Any
) -> None:
    settings.CONTACT_EMAIL = "help@example.org"
    proved.post("/accounts/email/", {"email": "new@example.org", "action_add": ""})
    (link,) = re.findall(r"http://testserver(/\S+)", str(mail.outbox[-1].body))

    proved.post(link)

    told = mail.outbox[-1]
    assert (told.subject, told.to) == (
        "Shorts: Your e-mail address was changed", ["alice@example.org"],
    )  # fmt: skip
    assert "You log in with new@example.org from now on" in told.body
    assert "contact our staff at once" in told.body
    assert "You reach our staff at help@example.org." in told.body
    assert "http" not in told.body


def test_the_second_factor_is_told_on_and_off_without_its_secrets(
    proved: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        (secret,) = re.findall(r'"secret">(\w+)<', proved.get(SET_UP).content.decode())
        proved.post(SET_UP, {"code": visiting.code_of(secret)})
    with django_capture_on_commit_callbacks(execute=True):
        proved.post("/accounts/2fa/recovery-codes/generate/")
    codes = re.findall(r"\d{8}", proved.get("/accounts/2fa/recovery-codes/").content.decode())

    proved.post("/accounts/2fa/totp/deactivate/")

    assert [subject for subject, _to in subjects()] == [
        "Shorts: The second factor is on",
        "Shorts: New recovery codes were made",
        "Shorts: The second factor is off",
    ]
    assert not [word for word in (secret, *codes) for one in mail.outbox if word in str(one.body)]


def test_who_has_lost_the_second_factor_is_told_that_staff_removed_it(alice: User) -> None:
    visiting.with_app(alice)

    call_command("remove_second_factor", "alice@example.org", reason="phone lost")

    assert subjects() == [("Shorts: The second factor is off", ["alice@example.org"])]
    assert "phone lost" not in mail.outbox[0].body


def test_an_address_without_an_account_is_told_so(db: None) -> None:
    Client().post(RESET, {"email": "nobody@example.org"})

    title = "Shorts: There is no account with this address"
    assert subjects() == [(title, ["nobody@example.org"])]


@pytest.mark.parametrize("kind", letters.LETTERS)
def test_every_mail_has_a_page_that_loads_nothing_and_keeps_markup_harmless(
    alice: User, kind: str
) -> None:
    shown = {"to_email": "<b>x@example.org", "deleted_email": "<b>x@example.org", "ip": "<b>1"}
    reader = letters.mails.reader(user=alice)

    letters.send(kind=kind, shown=shown, reader=reader)

    ((page, _kind),) = mail.outbox[0].alternatives
    assert not re.search(r"<img|<link|src=|url\(|@import|<b>", str(page))
    assert "prefers-color-scheme: dark" in str(page)
    assert "%(" not in str(page)


def test_without_a_mail_server_the_new_password_is_saved_all_the_same(
    proved: Client, alice: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.mail_servers.HangsUp"

    answer = proved.post("/accounts/password/change/", CHANGE, follow=True)

    alice.refresh_from_db()
    assert "The new password is saved." in text(answer)
    assert alice.check_password("a quiet harbour")


@pytest.mark.django_db
def test_without_a_mail_server_somebody_signs_up_and_is_told(client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.mail_servers.HangsUp"

    answer = client.post("/accounts/signup/", SIGN_UP, follow=True)

    assert answer.redirect_chain == [("/", 302)]
    assert "The mail to dana@example.org could not be sent at the moment." in text(answer)
    assert "We have sent a link" not in text(answer)


def test_without_a_mail_server_no_page_says_that_a_link_is_on_its_way(
    alice: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.mail_servers.HangsUp"

    answer = Client(raise_request_exception=False).post(RESET, {"email": alice.email})

    assert answer.status_code == 500
