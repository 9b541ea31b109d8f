"""What people choose to be told about their tokens, and the link that ends the mails."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import notices, preferences
from metering.models import Notice, TokenLedger
from tests import factories

PAGE = "/accounts/notices/"


def chosen(user: User) -> tuple[list[int], bool]:
    user.refresh_from_db()
    return TokenLedger.objects.get(user=user).notice_levels, user.mail_notices


def off_link(user: User) -> str:
    return f"/accounts/notices/off/{preferences.off_token(user=user)}"


def test_the_choice_is_kept_and_shown(web: Client, alice: User) -> None:
    answer = web.post(PAGE, {"levels": ["95", "50"], "mail": "on"}, follow=True)

    page = answer.content.decode()
    assert "Your choice is saved." in page
    assert chosen(alice) == ([50, 95], True)
    assert re.findall(r'value="(\d+)"[^>]* checked', page) == ["50", "95"]


def test_at_first_every_level_is_chosen(web: Client) -> None:
    page = web.get(PAGE).content.decode()

    assert re.findall(r'value="(\d+)"[^>]* checked', page) == ["50", "80", "95", "100"]


def test_nothing_chosen_is_nothing_told(web: Client, alice: User) -> None:
    web.post(PAGE, {})

    factories.charged(alice, 10_000, at=timezone.now())

    assert chosen(alice) == ([], False)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("level", ["0", "51", "-1", "x", "100000"])
def test_a_level_that_there_is_not_changes_nothing(web: Client, alice: User, level: str) -> None:
    answer = web.post(PAGE, {"levels": [level]})

    assert answer.status_code == 200
    assert chosen(alice) == ([50, 80, 95, 100], True)


def test_the_choice_moves_no_tokens(web: Client, alice: User) -> None:
    factories.charged(alice, 487, at=timezone.now())

    web.post(PAGE, {"levels": ["100"]})

    assert factories.figures(alice, timezone.now()) == (487, 0)


def test_a_stranger_logs_in_first(client: Client, db: None) -> None:
    answer = client.get(PAGE)

    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={PAGE}")


def test_the_link_asks_and_then_ends_the_mails_without_a_log_in(alice: User) -> None:
    stranger = Client(enforce_csrf_checks=True)

    asked = stranger.get(off_link(alice)).content.decode()
    between = chosen(alice)[1]
    done = stranger.post(off_link(alice)).content.decode()

    assert "Should alice@example.org get no more mails about used tokens?" in asked
    assert between is True
    assert "alice@example.org gets no more mails about used tokens." in done
    assert chosen(alice) == ([50, 80, 95, 100], False)


def test_the_link_in_the_mail_works(client: Client, alice: User) -> None:
    factories.charged(alice, 5_000, at=timezone.now())
    notices.send_waiting(at=timezone.now())
    (link,) = re.findall(r"http://127\.0\.0\.1:\d+(/accounts/notices/off/\S+)", mail.outbox[0].body)

    answer = client.post(link, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert chosen(alice)[1] is False


def test_a_link_that_was_changed_is_not_found(client: Client, alice: User, bob: User) -> None:
    token = preferences.off_token(user=alice)
    forged = preferences.off_token(user=bob).split(":")[0] + ":" + token.split(":", 1)[1]

    answer = client.post(f"/accounts/notices/off/{forged}")

    assert answer.status_code == 404
    assert (chosen(alice)[1], chosen(bob)[1]) == (True, True)


def test_the_studio_shows_a_notice_until_it_is_dismissed(web: Client, alice: User) -> None:
    factories.charged(alice, 8_000, at=timezone.now())
    first = web.get("/").content.decode()
    (address,) = re.findall(r'action="(/accounts/notices/\d+/seen)"', first)

    answer = web.post(address, follow=True)

    assert "You have used 80% of your tokens" in first
    assert answer.redirect_chain == [("/", 302)]
    assert "You have used 80% of your tokens" not in answer.content.decode()


def test_the_page_speaks_korean(web: Client) -> None:
    page = web.get(PAGE, headers={"Accept-Language": "ko"}).content.decode()

    assert "<h1>토큰 알림</h1>" in page
