"""News of the shorts that a page shows as under way: one request for all of them."""

import re
from datetime import timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from generation.history import PAGE
from generation.models import Short, State
from tests import factories
from tests.generation.browsing import text

POLLER = re.compile(r'<div id="running"(?: hx-get="([^"]*)" hx-trigger="every (\d+)s")?')


def ask(web: Client, *shorts: Short | UUID, **headers: str) -> HttpResponse:
    """What htmx is answered."""
    ids = [str(getattr(short, "pk", short)) for short in shorts]
    return web.get("/shorts/running", {"id": ids}, headers={"HX-Request": "true", **headers})


def poller(response: HttpResponse) -> tuple[str, str]:
    """What will be asked next, and after how many seconds; empty for nothing."""
    found = POLLER.search(response.content.decode())
    assert found
    return unescape(found[1] or ""), found[2] or ""


def aged(user: User, seconds: int) -> Short:
    """A short under way that was ordered so long ago."""
    short = factories.short(user, State.RENDERING)
    Short.objects.filter(pk=short.pk).update(created_at=timezone.now() - timedelta(seconds=seconds))
    return short


def test_the_history_asks_for_all_that_are_under_way_at_once(web: Client, alice: User) -> None:
    factories.short(alice, State.SUCCEEDED)
    one, two = sorted([aged(alice, 9), aged(alice, 9)], key=lambda short: short.pk, reverse=True)

    response = web.get("/shorts")

    assert poller(response) == (f"/shorts/running?id={one.pk}&id={two.pk}", "5")
    assert '<p class="visually-hidden" id="news" role="status"></p>' in response.content.decode()


def test_the_answer_replaces_their_states_and_asks_again(web: Client, alice: User) -> None:
    short = aged(alice, 9)

    response = ask(web, short)

    page = response.content.decode()
    assert f'<p class="live" id="live-{short.pk}" hx-swap-oob="true">' in page
    assert "Rendering" in text(response)
    assert poller(response) == (f"/shorts/running?id={short.pk}", "5")
    assert 'id="news"' not in page
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("age", "pause"), [(0, "5"), (60, "5"), (120, "10"), (180, "15"), (9999, "15")]
)
def test_it_asks_less_often_as_the_wait_goes_on(
    web: Client, alice: User, age: int, pause: str
) -> None:
    assert poller(ask(web, aged(alice, age)))[1] == pause


def test_the_youngest_sets_the_pace(web: Client, alice: User) -> None:
    assert poller(ask(web, aged(alice, 9999), aged(alice, 120)))[1] == "10"


def test_one_that_has_ended_is_said_once_and_asked_about_no_more(web: Client, alice: User) -> None:
    done, other = factories.short(alice, State.SUCCEEDED), aged(alice, 9)
    Short.objects.filter(pk=done.pk).update(wish="a <slow> pan")

    response = ask(web, done, other)

    page = response.content.decode()
    assert poller(response) == (f"/shorts/running?id={other.pk}", "5")
    assert '<p id="news" hx-swap-oob="innerHTML">a &lt;slow&gt; pan: ready. </p>' in page
    assert '<span class="state good">Ready</span>' in page


def test_when_all_have_ended_nothing_is_asked_again(web: Client, alice: User) -> None:
    assert poller(ask(web, factories.short(alice, State.FAILED))) == ("", "")


def test_one_that_was_deleted_elsewhere_leaves_the_list(web: Client, alice: User) -> None:
    short = aged(alice, 9)
    Short.objects.filter(pk=short.pk).update(deleted_at=timezone.now())

    response = ask(web, short)

    assert f'<li id="tile-{short.pk}" hx-swap-oob="delete"></li>' in response.content.decode()
    assert poller(response) == ("", "")


def test_nothing_is_told_of_somebody_elses(web: Client, bob: User) -> None:
    short = aged(bob, 9)

    response = ask(web, short)

    assert "Rendering" not in text(response)
    assert poller(response) == ("", "")


def test_somebody_who_was_logged_out_is_led_to_the_log_in_and_back(
    client: Client, alice: User
) -> None:
    here = {"HX-Current-URL": "http://testserver/shorts?show=ready"}

    response = ask(client, aged(alice, 9), **here)

    assert response["HX-Redirect"] == "/accounts/login/?next=%2Fshorts%3Fshow%3Dready"
    assert response.content == b""


@pytest.mark.parametrize("query", ["", "?id=", "?id=3", "?id=%00", "?id=3&id=" + "x" * 999])
def test_a_question_that_makes_no_sense_is_answered_with_nothing(web: Client, query: str) -> None:
    response = web.get(f"/shorts/running{query}")

    assert (response.status_code, poller(response)) == (200, ("", ""))
    assert b"hx-swap-oob" not in response.content


def test_no_more_are_asked_about_than_a_page_shows(web: Client, alice: User) -> None:
    shorts = [aged(alice, 9) for _ in range(PAGE + 1)]

    assert ask(web, *shorts).content.count(b"hx-swap-oob") == PAGE


def test_a_whole_page_takes_as_many_queries_as_one(web: Client, alice: User) -> None:
    shorts = [aged(alice, 9) for _ in range(PAGE)]
    ask(web, uuid4())
    with CaptureQueriesContext(connection) as of_one:
        ask(web, shorts[0])

    with CaptureQueriesContext(connection) as of_all:
        response = ask(web, *shorts)

    assert response.content.count(b"hx-swap-oob") == PAGE
    assert len(of_all) == len(of_one) <= 7
