"""/accounts/sessions/: where one is logged in, and an end to it."""

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.accounts import visiting
from tests.generation.browsing import text

PAGE = "/accounts/sessions/"


def number_of(client: Client) -> int:
    return int(UserSession.objects.get(session_key=client.session.session_key).pk)


def test_the_list_names_each_browser_this_one_first(alice: User, bob: User) -> None:
    here = visiting.browser(alice)
    visiting.browser(alice, agent=visiting.IPHONE)
    visiting.browser(bob)

    page = here.get(PAGE)

    names = [(visit.browser, visit.is_here) for visit in page.context["visits"]]
    assert names == [("Chrome, Windows", True), ("Safari, iPhone", False)]
    assert "127.0.0.1" in text(page)


def test_behind_a_proxy_the_address_is_the_visitors(alice: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    here = visiting.browser(alice, seen_from="198.51.100.1, 203.0.113.7")

    page = text(here.get(PAGE))

    assert "203.0.113.7" in page
    assert "198.51.100.1" not in page


def test_log_out_everywhere_else_leaves_this_browser(alice: User, bob: User) -> None:
    here, phone, laptop = (visiting.browser(alice) for _ in range(3))
    bobs = visiting.browser(bob)

    answer = here.post(PAGE, follow=True)

    assert "Done. This browser stays logged in." in text(answer)
    assert [visiting.is_logged_in(one) for one in (here, phone, laptop)] == [True, False, False]
    assert visiting.is_logged_in(bobs)
    assert UserSession.objects.filter(user=alice).count() == 1


def test_one_browser_is_logged_out_alone(alice: User) -> None:
    here, phone, laptop = (visiting.browser(alice) for _ in range(3))

    here.post(PAGE, {"visit": number_of(phone)})

    assert [visiting.is_logged_in(one) for one in (here, phone, laptop)] == [True, False, True]


def test_the_browser_of_somebody_else_stays_logged_in(alice: User, bob: User) -> None:
    here, bobs = visiting.browser(alice), visiting.browser(bob)

    here.post(PAGE, {"visit": number_of(bobs)})

    assert visiting.is_logged_in(bobs)


@pytest.mark.parametrize("visit", ["x", "-1", "0", "99999999999999999999", "1.5"])
def test_a_number_that_is_none_ends_nothing(alice: User, visit: str) -> None:
    here, phone = visiting.browser(alice), visiting.browser(alice)

    answer = here.post(PAGE, {"visit": visit})

    assert answer.status_code == 302
    assert visiting.is_logged_in(phone)


def test_a_new_password_ends_all_others_and_forgets_them(alice: User) -> None:
    here, phone = visiting.browser(alice), visiting.browser(alice)
    new = {
        "oldpassword": visiting.PASSWORD,
        "password1": "a quiet harbour",
        "password2": "a quiet harbour",
    }

    answer = here.post("/accounts/password/change/", new, follow=True)

    assert "The new password is saved. All other browsers are logged out." in text(answer)
    assert (visiting.is_logged_in(here), visiting.is_logged_in(phone)) == (True, False)
    assert [visit.is_here for visit in here.get(PAGE).context["visits"]] == [True]
    assert UserSession.objects.filter(user=alice).count() == 1


def test_who_has_logged_out_is_not_in_the_list(alice: User) -> None:
    here, phone = visiting.browser(alice), visiting.browser(alice)
    phone.post("/accounts/logout/")

    page = here.get(PAGE)

    assert len(page.context["visits"]) == 1
    assert "Log out everywhere else" not in text(page)


def test_a_log_in_whose_time_is_over_is_not_in_the_list(alice: User) -> None:
    here, phone = visiting.browser(alice), visiting.browser(alice)
    over = Session.objects.filter(session_key=phone.session.session_key)

    over.update(expire_date=timezone.now())

    assert [visit.is_here for visit in here.get(PAGE).context["visits"]] == [True]


def test_many_browsers_take_no_more_queries(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    here, *_others = [visiting.browser(alice) for _ in range(8)]

    with django_assert_max_num_queries(10):
        page = here.get(PAGE)

    assert len(page.context["visits"]) == 8


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (visiting.CHROME + " Edg/142.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 16) SamsungBrowser/28.0 Chrome/130.0", "Samsung Internet, "
         "Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) Whale/4.0 Chrome/140", "Whale, macOS"),
        ("", "unknown browser"),
        ("<script>", "unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_words(alice: User, agent: str, name: str) -> None:
    here = visiting.browser(alice, agent=agent)

    assert [visit.browser for visit in here.get(PAGE).context["visits"]] == [name]


def test_a_stranger_logs_in_first(client: Client, db: None) -> None:
    assert client.post(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
