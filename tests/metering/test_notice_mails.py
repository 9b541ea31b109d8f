"""Mails about used tokens and about shorts that wait, as they come out of a real mail server."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from django.utils import translation

from accounts.models import User
from metering import notices, spending
from tests import factories, mail_servers
from tests.factories import AT


def told(user: User, mail_server: mail_servers.Smtp, tokens: int = 8_000) -> EmailMessage:
    """The one mail about a charge."""
    factories.charged(user, tokens)
    notices.send_waiting(at=AT)
    (mail,) = mail_server.mails
    return mail


def header(mail: EmailMessage, name: str) -> str:
    """A header's value; where it was too long for its line it begins on the next one."""
    return str(mail[name]).strip()


def test_a_mail_has_a_text_and_a_page_that_say_the_same(
    alice: User, mail_server: mail_servers.Smtp
) -> None:
    mail = told(alice, mail_server)

    said = "8,000 of 10,000 tokens of this period are used."
    assert header(mail, "Subject") == "Shorts: 80% of your tokens for this period are used"
    assert mail["To"] == "alice@example.org"
    assert said in mail_servers.part(mail, "plain")
    assert said in mail_servers.part(mail, "html")


def test_a_mail_is_in_the_language_and_time_zone_of_its_reader(
    make_user: Callable[..., User], mail_server: mail_servers.Smtp
) -> None:
    jimin = make_user("jimin", language="ko", time_zone="America/New_York")

    with translation.override("en"):
        mail = told(jimin, mail_server)

    assert header(mail, "Subject") == "Shorts: 이번 기간 토큰의 80%를 사용했습니다"
    assert "2026년 11월 30일 10:00(America/New_York)" in mail_servers.part(mail, "plain")
    assert '<html lang="ko">' in mail_servers.part(mail, "html")


def test_mail_programs_can_turn_the_mails_off_with_one_click(
    alice: User, mail_server: mail_servers.Smtp
) -> None:
    mail = told(alice, mail_server)

    link = "https://shorts.example.org/accounts/notices/off/"
    assert header(mail, "List-Unsubscribe").startswith(f"<{link}")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in mail_servers.part(mail, "plain")
    assert f'href="{link}' in mail_servers.part(mail, "html")


def test_the_page_of_a_mail_loads_nothing_and_knows_the_dark(
    alice: User, mail_server: mail_servers.Smtp
) -> None:
    page = mail_servers.part(told(alice, mail_server), "html")

    assert not re.search(r"<img|<link|src=|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize(("tokens", "width"), [(5_050, "50%"), (12_000, "100%")])
def test_the_bar_of_a_mail_is_as_long_as_what_was_used(
    alice: User, mail_server: mail_servers.Smtp, tokens: int, width: str
) -> None:
    page = mail_servers.part(told(alice, mail_server, tokens), "html")

    assert f'class="used" width="{width}"' in page


def test_staff_read_each_in_their_own_language(
    staff: User, make_user: Callable[..., User], mail_server: mail_servers.Smtp, settings: Any
) -> None:
    make_user("minsu", language="ko", is_staff=True)
    settings.STAFF_EMAILS = ["Minsu@example.org", "staff@example.org", "list@example.org"]
    spending.pause(actor=staff, reason="Veo is down", at=AT)

    notices.send_waiting(at=AT)

    subjects = {header(mail, "To"): header(mail, "Subject") for mail in mail_server.mails}
    assert subjects == {
        "Minsu@example.org": "담당자가 지출을 일시 중지했습니다",
        "staff@example.org, list@example.org": "Spending was paused by staff",
    }
