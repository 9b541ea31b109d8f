"""What a short's page asks for while it is open: only what reads differently by now."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import live
from generation.models import Short, State
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.generation.browsing import text


def asks(page: HttpResponse) -> str | None:
    """The address that a page, or an answer to it, asks for next."""
    found = re.search(r'hx-get="([^"]+)"', page.content.decode())
    return found[1] if found else None


def ask(web: Client, url: str | None) -> HttpResponse:
    return web.get(url, headers={"HX-Request": "true"})


def parts(answer: HttpResponse) -> list[str]:
    """The names of the parts that an answer sends again."""
    return re.findall(r'<div id="short-(\w+)" hx-swap-oob="innerHTML">', answer.content.decode())


def test_while_nothing_changes_nothing_is_sent_but_the_next_question(
    web: Client, alice: User
) -> None:
    short = driving.begin(alice)
    first = asks(web.get(f"/shorts/{short.pk}"))

    answer = ask(web, first)

    assert parts(answer) == []
    assert asks(answer) == first
    assert "<title>Queued · Shorts</title>" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_has_changed_is_sent_until_nothing_will_change_any_more(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    before = asks(web.get(f"/shorts/{short.pk}"))
    driving.until(short, State.SUCCEEDED)

    answer = ask(web, before)

    sent = ["head", "news", "frame", "actions", "progress", "order", "receipt"]
    assert parts(answer) == sent
    assert asks(answer) is None
    assert "<title>Ready · Shorts</title>" in answer.content.decode()
    assert "<video " in answer.content.decode()
    assert "Your video is ready." in text(answer)


def test_a_change_of_state_is_announced_and_a_question_is_not(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    before = asks(web.get(f"/shorts/{short.pk}"))
    Short.objects.filter(pk=short.pk).update(state=State.ANALYZING, attempt=1)

    changed = ask(web, before)

    assert parts(changed) == ["news", "progress"]
    assert "Your video is being made. Step 2 of 6: looking at the picture." in text(changed)
    assert parts(ask(web, asks(changed))) == []


def test_a_cancel_in_one_tab_is_seen_in_the_other(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    other_tab = asks(web.get(f"/shorts/{short.pk}"))

    web.post(f"/shorts/{short.pk}/cancel")

    answer = ask(web, other_tab)
    assert {"head", "actions", "ending", "receipt"} <= set(parts(answer))
    assert "You canceled this video." in text(answer)
    assert 'form="cancel"' not in answer.content.decode()


def test_an_ended_short_is_asked_about_until_its_charge_is_made(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    Short.objects.filter(pk=short.pk).update(state=State.FAILED, finished_at=timezone.now())
    held = asks(web.get(f"/shorts/{short.pk}"))
    driving.release(short)

    answer = ask(web, held)

    assert parts(answer) == ["head", "receipt"]
    assert asks(answer) is None


@pytest.mark.parametrize("seen", ["", "?seen=", "?seen=x.y", "?seen=" + ".".join("x" * 8)])
def test_what_makes_no_sense_is_answered_with_everything(
    web: Client, alice: User, seen: str
) -> None:
    short = driving.begin(alice)

    assert parts(ask(web, f"/shorts/{short.pk}/progress{seen}")) == list(live.NAMES)


def test_a_short_that_is_gone_meanwhile_has_the_page_loaded_anew(
    web: Client, alice: User, bob: User
) -> None:
    gone, foreign = driving.begin(alice), driving.begin(bob)
    Short.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())

    answers = [ask(web, f"/shorts/{short.pk}/progress") for short in (gone, foreign)]

    assert [answer["HX-Refresh"] for answer in answers] == ["true", "true"]
    assert [answer.content for answer in answers] == [b"", b""]


def test_a_session_that_has_ended_leads_to_the_log_in_and_back(client: Client, alice: User) -> None:
    short = driving.begin(alice)
    page = f"/shorts/{short.pk}"

    answer = client.get(
        f"{page}/progress",
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"},
    )

    assert answer.status_code == 200
    assert answer["HX-Redirect"] == f"/accounts/login/?next=%2Fshorts%2F{short.pk}"
    assert b"password" not in answer.content


def test_a_person_who_opens_the_address_gets_the_page(web: Client, alice: User) -> None:
    short = driving.begin(alice)

    answer = web.get(f"/shorts/{short.pk}/progress")

    assert (answer.status_code, answer["Location"]) == (302, f"/shorts/{short.pk}")


def test_an_answer_takes_few_queries_and_is_kept_by_nobody(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    before = asks(web.get(f"/shorts/{driving.begin(alice).pk}"))

    with django_assert_max_num_queries(9):
        answer = ask(web, before)

    assert "no-store" in answer["Cache-Control"]
