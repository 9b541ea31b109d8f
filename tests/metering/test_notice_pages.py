"""A notice stands on every page of its user until it is dismissed, and in the list afterwards."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from metering import notices
from metering.models import Notice, TokenLedger
from tests import factories

PAGES = ("/", "/shorts", "/usage", "/account", "/accounts/notices/", "/accounts/email/", "/nothing")
SAID = "You have used 80% of your tokens"


@pytest.fixture
def web(client: Client, alice: User) -> Client:
    """Alice's browser; she has used 8,000 of her 10,000 tokens."""
    factories.charged(alice, 8_000, at=timezone.now())
    client.force_login(alice)
    return client


def seen(notice_id: int | None = None) -> str:
    """Where the notice is dismissed."""
    number = notice_id or Notice.objects.order_by("-level")[0].pk
    return f"/accounts/notices/{number}/seen"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_user_shows_the_notice(web: Client, page: str) -> None:
    html = web.get(page).content.decode()

    assert html.count(SAID) == 1
    assert f'<input type="hidden" name="next" value="{page}">' in html


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_sees_it(web: Client, bob: User, page: str) -> None:
    web.force_login(bob)

    assert SAID not in web.get(page).content.decode()


def test_strangers_cost_no_question_about_notices(client: Client, db: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get("/accounts/login/")

    assert [one for one in asked if "metering_notice" in one["sql"]] == []


def test_a_page_asks_for_the_notice_once(web: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        web.get("/accounts/email/")

    assert len([one for one in asked if "metering_notice" in one["sql"]]) == 1


def test_a_dismissed_notice_leads_back_to_its_page(web: Client) -> None:
    answer = web.post(seen(), {"next": "/usage?unit=usd"}, follow=True)

    assert answer.redirect_chain == [("/usage?unit=usd", 302)]
    assert SAID not in answer.content.decode()


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:1", ""])
def test_a_dismissed_notice_leads_nowhere_else(web: Client, page: str) -> None:
    answer = web.post(seen(), {"next": page})

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_who_was_logged_out_comes_back_to_the_page_with_the_notice(web: Client) -> None:
    web.logout()

    answer = web.post(seen(), {"next": "/usage?unit=usd"})

    assert answer["Location"] == "/accounts/login/?next=/usage%3Funit%3Dusd"
    assert Notice.objects.filter(seen_at__isnull=False).count() == 0


def test_with_htmx_a_few_words_take_the_place_of_the_notice(web: Client) -> None:
    answer = web.post(seen(), {"next": "/usage"}, headers={"HX-Request": "true"})

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "You have seen this notice." in html
    assert "autofocus" in html
    assert "<html" not in html


def test_the_usage_page_lists_what_was_told_and_seen(web: Client, alice: User) -> None:
    notices.send_waiting(at=timezone.now())
    web.post(seen())

    page = web.get("/usage")

    told = [(n.level, bool(n.sent_at), bool(n.seen_at)) for n in page.context["notices"]]
    assert told == [(80, True, True), (50, False, True)]
    assert "80% reached" in page.content.decode()
    assert "sent by mail" in page.content.decode()


def test_an_earlier_period_lists_its_own_notices(web: Client, alice: User) -> None:
    page = web.get("/usage", {"period": "2026-01-01"})

    assert page.context["notices"] == []


def test_used_up_tokens_say_what_helps(web: Client, alice: User) -> None:
    factories.charged(alice, 2_000, at=timezone.now())

    html = web.get("/usage").content.decode()

    assert "Your tokens are used up" in html
    assert "No new videos can be started until your tokens are renewed" in html


def test_a_notice_gives_the_share_of_now_and_not_that_of_its_level(
    web: Client, alice: User
) -> None:
    factories.charged(alice, 390, at=timezone.now())

    html = web.get("/usage").content.decode()

    assert "You have used 83% of your tokens" in html
    assert "8,390 of 10,000 tokens of this period are used." in html
    assert "80% reached" in html


def test_tokens_for_life_are_not_said_to_come_back(client: Client, bob: User) -> None:
    TokenLedger.objects.filter(user=bob).update(period="lifetime")
    factories.charged(bob, 10_000, at=timezone.now())
    client.force_login(bob)

    html = client.get("/usage").content.decode()

    assert "No new videos can be started unless our staff raise your limit." in html
