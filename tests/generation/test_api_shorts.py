"""GET /api/shorts: the caller's shorts, the newest first, page by page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import Short, State, new_id
from metering import spending
from tests import factories, paging

Clients = Callable[[User], APIClient]
URL = "/api/shorts"


def made(user: User, number: int = 1, *, state: str = State.SUCCEEDED) -> list[str]:
    """Ids of new shorts, the newest first."""
    ids = [new_id() for _ in range(number)]
    for job_id in ids:
        factories.short(user, state, job_id=job_id)
    return [str(job_id) for job_id in reversed(ids)]


def charged(user: User, *, state: str = State.SUCCEEDED) -> str:
    """The id of a new short whose legs are charged."""
    return str(
        factories.short_charged(user, job_id=factories.short(user, state, job_id=new_id()).pk)
    )


def page(client: APIClient, **query: Any) -> dict[str, Any]:
    return paging.page(client, URL, **query)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_the_newest_short_stands_first_with_its_receipt(alice: User, api: Clients) -> None:
    old, new = charged(alice), charged(alice)

    body = page(api(alice))

    assert (ids(body["results"]), body["next"], body["next_cursor"]) == ([new, old], None, None)
    single = api(alice).get(f"{URL}/{new}").json()
    assert body["results"][0] == {**single, "created_at": "2026-11-25T03:00:00Z"}
    assert single["receipt"]["charged_tokens"] == 1487


def test_nobody_elses_shorts_are_listed(alice: User, bob: User, api: Clients) -> None:
    made(bob)

    assert page(api(alice)) == {"results": [], "next": None, "next_cursor": None}


def test_a_stranger_has_to_log_in(db: None) -> None:
    response = APIClient().get(URL)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_a_deleted_short_is_not_listed(alice: User, api: Clients) -> None:
    (kept,), (hidden,) = made(alice), made(alice)
    Short.objects.filter(pk=hidden).update(deleted_at=timezone.now())

    assert ids(page(api(alice))["results"]) == [kept]


def test_a_page_has_twenty_and_each_short_comes_once_while_new_ones_arrive(
    alice: User, api: Clients
) -> None:
    client, before = api(alice), made(alice, 45)

    first = page(client)
    made(alice, 5)
    rows = first["results"] + paging.pages_from(client, first["next"])

    assert len(first["results"]) == 20
    assert ids(rows) == before


def test_a_cursor_goes_on_where_the_page_ended(alice: User, api: Clients) -> None:
    known = made(alice, 5)

    first = page(api(alice), limit=2)
    second = page(api(alice), limit=2, cursor=first["next_cursor"])
    third = page(api(alice), limit=2, cursor=second["next_cursor"])

    assert [ids(body["results"]) for body in (first, second, third)] == [
        known[:2], known[2:4], known[4:],
    ]  # fmt: skip
    assert third["next"] is None


def test_a_page_that_is_just_full_is_the_last(alice: User, api: Clients) -> None:
    made(alice, 3)

    body = page(api(alice), limit=3)

    assert (len(body["results"]), body["next"]) == (3, None)


def test_the_size_of_a_page_is_capped(alice: User, api: Clients) -> None:
    made(alice, 101)

    body = page(api(alice), limit=10_000)

    assert len(body["results"]) == 100
    assert "limit=100" in body["next"]


def test_shorts_can_be_picked_by_state(alice: User, api: Clients) -> None:
    (queued,), (failed,) = made(alice, state=State.QUEUED), made(alice, state=State.FAILED)
    made(alice)

    one = page(api(alice), state="failed")
    two = page(api(alice), state=["failed", "queued"])

    assert ids(one["results"]) == [failed]
    assert ids(two["results"]) == [failed, queued]


def test_the_next_page_keeps_what_was_picked(alice: User, api: Clients) -> None:
    client = api(alice)
    made(alice, 3)
    failed = made(alice, 3, state=State.FAILED)

    first = page(client, limit=2, state=["failed", "queued"], created_from="2026-11-25")
    rows = first["results"] + paging.pages_from(client, first["next"])

    assert ids(rows) == failed


@pytest.mark.parametrize(
    ("picked", "found"),
    [
        ({"created_from": "2026-11-25"}, True),
        ({"created_to": "2026-11-25"}, True),
        ({"created_from": "2026-11-25", "created_to": "2026-11-25"}, True),
        ({"created_from": "2026-11-26"}, False),
        ({"created_to": "2026-11-24"}, False),
    ],
)
def test_shorts_can_be_picked_by_local_day(
    alice: User, api: Clients, picked: dict[str, str], found: bool
) -> None:
    made(alice)
    # The last moment of 25 November in Seoul, in which UTC is nine hours behind.
    late = datetime(2026, 11, 25, 15, tzinfo=UTC) - timedelta(microseconds=1)
    Short.objects.update(created_at=late)

    assert bool(page(api(alice), **picked)["results"]) is found


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "-1"}, {"limit": "many"}, {"limit": "1.5"}, {"limit": ""},
        {"state": "happy"}, {"state": ""}, {"state": ["failed", "happy"]},
        {"created_from": "yesterday"}, {"created_from": "0001-01-01"},
        {"created_to": "9999-12-31"}, {"created_to": "2026-02-30"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(alice: User, api: Clients, query: dict[str, Any]) -> None:
    response = api(alice).get(URL, query)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert response.json()["detail"].startswith(next(iter(query)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cursor: cursor[:-1],
        lambda cursor: cursor.replace(cursor[0], "f" if cursor[0] != "f" else "0", 1),
        lambda cursor: cursor.partition(":")[0],
        lambda cursor: "3",
        lambda cursor: "",
        lambda cursor: "x" * 300,
        lambda cursor: "é\x00",
    ],
)
def test_a_forged_or_cut_cursor_is_refused(
    alice: User, api: Clients, spoil: Callable[[str], str]
) -> None:
    made(alice, 3)
    cursor = page(api(alice), limit=2)["next_cursor"]

    response = api(alice).get(URL, {"cursor": spoil(cursor)})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert response["Content-Type"] == "application/problem+json"


def test_another_users_cursor_shows_nothing(alice: User, bob: User, api: Clients) -> None:
    made(alice, 3)
    cursor = page(api(alice), limit=2)["next_cursor"]

    response = api(bob).get(URL, {"cursor": cursor})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


def test_a_pause_is_told_to_those_that_wait_alone(alice: User, staff: User, api: Clients) -> None:
    made(alice)
    made(alice, state=State.QUEUED)
    spending.pause(actor=staff, reason="drill", at=timezone.now())

    queued, done = page(api(alice))["results"]

    assert (queued["notice"]["code"], done["notice"]) == ("spending_paused", None)


def test_a_long_page_takes_as_many_statements_as_a_short_one(alice: User, api: Clients) -> None:
    client = api(alice)
    factories.limit(alice, None)
    many = [charged(alice, state=state) for state in (State.RENDERING, State.QUEUED) * 10]
    page(client)

    with CaptureQueriesContext(connection) as of_one:
        page(client, limit=1)
    with CaptureQueriesContext(connection) as of_twenty:
        whole = page(client, limit=20)

    assert ids(whole["results"]) == many[::-1]
    assert len(of_twenty) == len(of_one) <= 6


def test_what_the_provider_bills_is_not_told(alice: User, api: Clients) -> None:
    charged(alice)

    assert b"cost" not in api(alice).get(URL).content
