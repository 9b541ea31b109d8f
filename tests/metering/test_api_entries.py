"""GET /api/usage/entries and its two downloads: the statement, page by page and as a file."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from metering import periods
from metering.models import LedgerEntry
from tests import factories, paging
from tests.metering.statements import (
    adjust,
    adjust_often,
    content,
    csv_rows,
    csv_total,
    json_rows,
    json_total,
)

Clients = Callable[[User], APIClient]
URL = "/api/usage/entries"


def page(client: APIClient, **query: Any) -> dict[str, Any]:
    return paging.page(client, URL, **query)


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [row["seq"] for row in rows]


def test_the_newest_entry_stands_first(alice: User, api: Clients) -> None:
    job_id = factories.short_charged(alice)
    video = LedgerEntry.objects.get(job_id=job_id, seq=2)

    body = page(api(alice))

    assert (body["next"], body["next_cursor"], numbers(body["results"])) == (None, None, [2, 1])
    assert body["results"][0] == {
        "seq": 2, "time": "2026-11-25T03:00:00Z", "kind": "charge", "tokens": 1000, "usd": "1.20",
        "api_type": "gemini-veo-video", "model": "veo-3.1-fast-generate-001",
        "job_id": str(job_id), "used_after": 1487, "limit_after": 10000, "reason": "",
        "day": "2026-11-25", "period_start": "2026-11-01", "entry_id": video.pk, "reverses": None,
    }  # fmt: skip
    assert body["results"][1]["usd"] is None


def test_entries_of_one_instant_come_once_each_while_new_ones_arrive(
    alice: User, api: Clients
) -> None:
    client = api(alice)
    adjust_often(alice, 60)
    before = factories.balance(alice).used_tokens

    first = page(client)
    adjust_often(alice, 10)
    rows = first["results"] + paging.pages_from(client, first["next"])

    assert len(first["results"]) == 25
    assert numbers(rows) == list(range(60, 0, -1))
    assert len({row["entry_id"] for row in rows}) == 60
    assert sum(row["tokens"] for row in rows) == before == 600


def test_a_cursor_goes_on_where_the_page_ended(alice: User, api: Clients) -> None:
    adjust_often(alice, 5)

    first = page(api(alice), page_size=2)
    second = page(api(alice), page_size=2, cursor=first["next_cursor"])
    third = page(api(alice), page_size=2, cursor=second["next_cursor"])

    seen = [numbers(body["results"]) for body in (first, second, third)]
    assert seen == [[5, 4], [3, 2], [1]]
    assert third["next"] is None


def test_a_page_that_is_just_full_is_the_last(alice: User, api: Clients) -> None:
    adjust_often(alice, 4)

    body = page(api(alice), page_size=4)

    assert (len(body["results"]), body["next"]) == (4, None)


def test_the_size_of_a_page_is_capped(alice: User, api: Clients) -> None:
    adjust_often(alice, 205, tokens=1)

    body = page(api(alice), page_size=10_000)

    assert len(body["results"]) == 200
    assert "page_size=200" in body["next"]


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5", ""])
def test_a_size_that_is_none_is_refused(alice: User, api: Clients, size: str) -> None:
    response = api(alice).get(URL, {"page_size": size})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cursor: cursor[:-1],
        lambda cursor: cursor.replace("4:", "40:"),
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
    adjust_often(alice, 5)
    cursor = page(api(alice), page_size=2)["next_cursor"]

    response = api(alice).get(URL, {"cursor": spoil(cursor)})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert response["Content-Type"] == "application/problem+json"


def test_another_users_cursor_shows_nothing(alice: User, bob: User, api: Clients) -> None:
    adjust_often(alice, 5)
    adjust_often(bob, 5)
    cursor = page(api(alice), page_size=2)["next_cursor"]

    response = api(bob).get(URL, {"cursor": cursor})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


def test_everybody_sees_their_own(alice: User, bob: User, api: Clients) -> None:
    adjust(alice, 5)

    assert page(api(bob))["results"] == []
    assert csv_rows(content(api(bob).get(f"{URL}.csv"))) == []


def test_what_the_provider_bills_is_not_told(alice: User, api: Clients) -> None:
    factories.short_charged(alice)

    assert b"cost" not in api(alice).get(URL).content


@pytest.mark.parametrize("ending", ["", ".csv", ".jsonl"])
def test_without_a_key_nothing_is_told(db: None, ending: str) -> None:
    response = APIClient().get(f"{URL}{ending}")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_the_file_is_of_the_current_period_unless_told_otherwise(alice: User, api: Clients) -> None:
    adjust(alice, 3, at=datetime(2026, 10, 5, tzinfo=UTC))
    adjust(alice, 5, at=timezone.now())

    now = content(api(alice).get(f"{URL}.csv"))
    october = content(api(alice).get(f"{URL}.csv", {"period": "2026-10-01"}))

    assert [row["tokens"] for row in csv_rows(now)] == ["5"]
    assert [row["tokens"] for row in csv_rows(october)] == ["3"]


def test_both_files_have_the_same_hash(alice: User, api: Clients) -> None:
    factories.short_charged(alice, at=timezone.now())

    as_csv = content(api(alice).get(f"{URL}.csv"))
    as_json = content(api(alice).get(f"{URL}.jsonl"))

    assert csv_total(as_csv)[3] == json_total(as_json)["sha256"]
    assert len(json_rows(as_json)) == 2


@pytest.mark.parametrize(
    ("ending", "kind"), [(".csv", "text/csv"), (".jsonl", "application/jsonl")]
)
def test_a_file_is_a_private_download_whatever_is_accepted(
    alice: User, api: Clients, ending: str, kind: str
) -> None:
    response = api(alice).get(f"{URL}{ending}", headers={"Accept": kind})

    today = periods.local_day(at=timezone.now()).replace(day=1)
    content(response)
    assert response["Content-Type"] == f"{kind}; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="entries-{today}{ending}"'
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("period", ["2026-13-01", "november", "", "2026-11-01T00:00:00Z"])
def test_a_period_that_is_no_day_is_refused(alice: User, api: Clients, period: str) -> None:
    response = api(alice).get(f"{URL}.csv", {"period": period})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
