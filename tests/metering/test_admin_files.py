"""Staff take lists of entries and usage events along as files that prove themselves."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from metering.models import UsageEvent
from tests import factories
from tests.factories import AT
from tests.metering.staff_work import allow, signed_in
from tests.metering.statements import content, csv_rows, csv_total, json_rows, json_total

ENTRIES, EVENTS = "/admin/metering/ledgerentry/", "/admin/metering/usageevent/"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def test_entries_of_all_users_are_in_the_file(desk: Client, alice: User, bob: User) -> None:
    job_id = factories.short_charged(alice)
    factories.short_charged(bob)

    answer = desk.get(f"{ENTRIES}file.csv")
    text = content(answer)

    rows = csv_rows(text)
    assert answer["Content-Disposition"] == 'attachment; filename="ledger-entries.csv"'
    assert [row["user"] for row in rows] == ["alice@example.org"] * 2 + ["bob@example.org"] * 2
    assert (rows[1]["tokens"], rows[1]["usd"], rows[1]["cost_usd"]) == ("1000", "1.20", "0.80")
    assert rows[1]["job_id"] == str(job_id)
    assert csv_total(text)[:3] == ["total", "4", "2974"]


def test_events_are_in_the_file_as_they_were_reported(desk: Client, alice: User) -> None:
    factories.short_charged(alice)

    text = content(desk.get(f"{EVENTS}file.jsonl"))

    analysis, video = json_rows(text)
    reported = ("prompt_tokens", "candidates_tokens", "thoughts_tokens", "total_tokens")
    assert [analysis[name] for name in reported] == [310, 97, 80, 487]
    assert (video["seconds"], video["provider_id"], video["billable"]) == (8, "op-1", True)
    assert video["event_id"] == UsageEvent.objects.latest("pk").pk
    assert json_total(text)["rows"] == 2


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("q=bob", ["487", "1000"]),
        ("kind__exact=refund", []),
        ("api_type=gemini-veo-video&o=-4&p=2", ["1000", "1000"]),
    ],
)
def test_the_file_holds_what_the_list_is_narrowed_to(
    desk: Client, alice: User, bob: User, query: str, tokens: list[str]
) -> None:
    factories.short_charged(alice)
    factories.short_charged(bob)

    rows = csv_rows(content(desk.get(f"{ENTRIES}file.csv?{query}")))

    assert [row["tokens"] for row in rows] == tokens


def test_the_list_leads_to_its_file(desk: Client, alice: User) -> None:
    factories.short_charged(alice)

    page = desk.get(ENTRIES, {"q": "alice", "p": "1"}).content.decode()

    assert 'href="file.csv?q=alice"' in page
    assert 'href="file.jsonl?q=alice"' in page


def test_no_cell_is_taken_for_a_formula(desk: Client, staff: User, alice: User) -> None:
    form = {"tokens": "5", "reason": "=HYPERLINK(1)"}
    desk.post(f"/admin/metering/tokenledger/{alice.pk}/grant/", form)

    (row,) = csv_rows(content(desk.get(f"{ENTRIES}file.csv")))

    assert (row["reason"], row["actor"]) == ("'=HYPERLINK(1)", "staff@example.org")


@pytest.mark.parametrize("path", ["file.exe", "file.csv?day__gte=x", "file.csv?nonsense__x=1"])
def test_a_file_of_nothing_known_is_not_found(desk: Client, path: str) -> None:
    assert desk.get(f"{ENTRIES}{path}").status_code in (400, 404)


@pytest.mark.parametrize("path", [f"{ENTRIES}file.csv", f"{EVENTS}file.jsonl"])
def test_who_may_not_see_the_list_gets_no_file(alice: User, path: str) -> None:
    clerk = signed_in(allow(alice, "view_hold", "change_tokenledger"))

    assert clerk.get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_more_rows_take_no_more_queries(
    desk: Client, alice: User, django_assert_max_num_queries: object
) -> None:
    factories.short_charged(alice)
    factories.short_charged(alice, at=AT + timedelta(hours=1))

    with django_assert_max_num_queries(8):  # type: ignore[operator]  # a fixture without a type
        content(desk.get(f"{ENTRIES}file.csv"))
