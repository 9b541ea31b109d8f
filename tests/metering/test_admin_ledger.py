"""Staff look at ledgers and set limits; nothing else of the ledger can be written here."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import User
from metering.models import (
    DailyUsage,
    Hold,
    LedgerEntry,
    Notice,
    TokenLedger,
    UsageEvent,
)
from tests.metering.staff_work import (
    LEDGERS,
    allow,
    entries_of,
    ledger_of,
    limit_page,
    notice,
    signed_in,
    spend,
)

READ_ONLY = (DailyUsage, Hold, LedgerEntry, Notice, TokenLedger, UsageEvent)


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def test_a_new_limit_is_one_entry_with_who_and_why(desk: Client, staff: User, alice: User) -> None:
    form = {"tokens": "12000", "reason": "a trial", "max_in_flight": "5"}

    answer = desk.post(limit_page(alice), form, follow=True)

    assert "The limit of alice@example.org is now 12,000." in answer.content.decode()
    assert (ledger_of(alice).token_limit, ledger_of(alice).max_in_flight) == (12000, 5)
    (entry,) = entries_of(alice)
    assert (entry.kind, entry.limit_delta, entry.limit_after) == ("limit", 2000, 12000)
    assert (entry.actor, entry.reason) == (staff, "a trial [in flight: 3 → 5]")


def test_the_page_shows_what_is_so_now(desk: Client, alice: User) -> None:
    spend(alice)

    page = desk.get(limit_page(alice)).content.decode()

    assert "alice@example.org: limit 10,000, used 1,000, held 0, jobs in flight 0 of 3." in page
    assert 'value="10000"' in page


def test_unlimited_is_a_choice(desk: Client, alice: User) -> None:
    answer = desk.post(limit_page(alice), {"unlimited": "on", "reason": "a partner"}, follow=True)

    assert "The limit of alice@example.org is now unlimited." in answer.content.decode()
    assert ledger_of(alice).token_limit is None
    assert ledger_of(alice).max_in_flight == 3


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"tokens": "5", "reason": ""}, "Please give a reason: it is kept in the ledger."),
        ({"tokens": "5", "reason": "   "}, "Please give a reason: it is kept in the ledger."),
        ({"tokens": "", "reason": "x"}, "Give a number of tokens, or tick unlimited."),
        ({"tokens": "5", "unlimited": "on", "reason": "x"}, "clear one of the two"),
        ({"tokens": "-1", "reason": "x"}, "greater than or equal to 0"),
        ({"tokens": "1.5", "reason": "x"}, "Enter a whole number"),
        ({"tokens": "1" + 15 * "0" + "1", "reason": "x"}, "less than or equal to"),
        ({"tokens": "5", "reason": "x", "max_in_flight": "-1"}, "greater than or equal to 0"),
        ({"tokens": "5", "reason": "a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_a_form_that_leaves_a_doubt_changes_nothing(
    desk: Client, alice: User, form: dict[str, str], sentence: str
) -> None:
    answer = desk.post(limit_page(alice), form)

    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert ledger_of(alice).token_limit == 10000
    assert entries_of(alice) == []


def test_a_page_left_open_keeps_the_charge_that_came_meanwhile(desk: Client, alice: User) -> None:
    page = desk.get(limit_page(alice))
    spend(alice)

    desk.post(limit_page(alice), {**page.context["form"].initial, "tokens": "9", "reason": "less"})

    assert (ledger_of(alice).used, ledger_of(alice).token_limit) == (1000, 9)
    assert [entry.kind for entry in entries_of(alice)] == ["charge", "limit"]


def test_a_form_sent_twice_is_one_entry(desk: Client, alice: User) -> None:
    form = {"tokens": "700", "reason": "x", "key": str(uuid4())}

    answers = [desk.post(limit_page(alice), form, follow=True) for _ in range(2)]
    desk.post(limit_page(alice), {**form, "tokens": "800"})

    assert ["is now 700." in answer.content.decode() for answer in answers] == [True, True]
    assert [entry.limit_after for entry in entries_of(alice)] == [700, 800]


def test_counters_sent_by_hand_change_nothing(desk: Client, alice: User) -> None:
    spend(alice)
    form = {"user": alice.pk, "used": "0", "held": "0", "token_limit": "99", "reason": "x"}

    answer = desk.post(f"{LEDGERS}{alice.pk}/change/", form)

    assert answer.status_code == 403
    assert (ledger_of(alice).used, ledger_of(alice).token_limit) == (1000, 10000)


def test_a_limit_for_many_asks_first(desk: Client, alice: User, bob: User) -> None:
    form = {"action": "set_limits", "index": "0", "_selected_action": [alice.pk, bob.pk]}

    page = desk.post(LEDGERS, form).content.decode()

    assert "This sets the limit of 2 people: alice@example.org, bob@example.org" in page
    assert entries_of(alice) == entries_of(bob) == []


def test_a_limit_for_many_is_an_entry_for_each(
    desk: Client, staff: User, alice: User, bob: User
) -> None:
    form = {"action": "set_limits", "_selected_action": [alice.pk, bob.pk]}

    filled = {**form, "tokens": "700", "reason": "spring", "key": str(uuid4())}
    answer = desk.post(LEDGERS, filled, follow=True)
    desk.post(LEDGERS, filled)

    assert "The limit of 2 people is set." in answer.content.decode()
    assert {ledger_of(alice).token_limit, ledger_of(bob).token_limit} == {700}
    assert {e.actor for e in entries_of(alice) + entries_of(bob)} == {staff}
    assert (len(entries_of(alice)), len(entries_of(bob))) == (1, 1)
    assert ledger_of(staff).token_limit == 10000


def test_a_limit_for_many_needs_a_reason(desk: Client, alice: User, bob: User) -> None:
    form = {"action": "set_limits", "_selected_action": [alice.pk, bob.pk], "unlimited": "on"}

    page = desk.post(LEDGERS, {**form, "reason": ""}).content.decode()

    assert "Please give a reason" in page
    assert {ledger_of(alice).token_limit, ledger_of(bob).token_limit} == {10000}


def test_the_right_to_change_ledgers_is_enough(alice: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "change_tokenledger"))

    answer = clerk.post(limit_page(alice), {"tokens": "1", "reason": "x"})

    assert answer.status_code == 302
    assert entries_of(alice)[0].actor == bob


@pytest.mark.parametrize("right", ["view_tokenledger", "change_user"])
def test_without_the_right_a_limit_sent_by_hand_is_refused(
    alice: User, bob: User, right: str
) -> None:
    clerk = signed_in(allow(bob, right))
    one = {"tokens": "1", "reason": "x"}
    many = {**one, "action": "set_limits", "_selected_action": [alice.pk]}

    answers = [
        clerk.get(limit_page(alice)),
        clerk.post(limit_page(alice), one),
        clerk.post(LEDGERS, many),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert entries_of(alice) == []


def test_who_is_no_staff_is_sent_to_the_log_in(alice: User, bob: User) -> None:
    answer = signed_in(bob).post(limit_page(alice), {"tokens": "1", "reason": "x"})

    assert answer.url == f"/admin/login/?next={limit_page(alice)}"
    assert entries_of(alice) == []


@pytest.mark.parametrize("key", ["0", "abc", "99999999999999999999", "_00"])
def test_the_limit_of_nobody_is_not_found(desk: Client, key: str) -> None:
    assert desk.get(f"{LEDGERS}{key}/limit/").status_code == 404


@pytest.mark.plants_ledger_errors
def test_last_months_use_is_not_shown_as_this_months(desk: Client, alice: User) -> None:
    old = {"used": 7777, "held": 3333, "granted": 5555, "period_start": date(2025, 1, 1)}
    TokenLedger.objects.filter(user=alice).update(**old)

    page = desk.get(LEDGERS, {"q": "alice"}).content.decode()
    detail = desk.get(f"{LEDGERS}{alice.pk}/change/").content.decode()

    assert "10,000" in page
    assert "10,000" in detail
    shown = page + detail
    assert [n for n in ("7777", "7,777", "3,333", "3333", "5,555", "7,778") if n in shown] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ALICE@"}, ["alice"]),
        ({"limit": "unlimited"}, ["bob"]),
        ({"limit": "used_up"}, ["alice"]),
        ({"limit": "limited", "o": "-7"}, ["staff", "alice"]),
        ({"suspended__exact": "1"}, []),
        ({"o": "-3"}, ["alice", "staff", "bob"]),
        ({"o": "3"}, ["bob", "staff", "alice"]),
    ],
)
def test_ledgers_are_found(
    desk: Client, alice: User, bob: User, query: dict[str, str], found: list[str]
) -> None:
    spend(alice)
    desk.post(limit_page(alice), {"tokens": "999", "reason": "x"})
    desk.post(limit_page(bob), {"unlimited": "on", "reason": "x"})

    rows = desk.get(LEDGERS, query).context["cl"].result_list

    assert [row.user.email.partition("@")[0] for row in rows] == found


def test_an_entry_tells_its_price_and_where_it_comes_from(desk: Client, alice: User) -> None:
    job_id = spend(alice)
    (entry,) = entries_of(alice)

    page = desk.get(f"/admin/metering/ledgerentry/{entry.pk}/change/").content.decode()

    assert all(figure in page for figure in ("1,000", "$1.20", "$0.80", "$0.40"))
    assert f"/admin/metering/hold/{entry.hold_id}/change/" in page
    assert f"/admin/metering/usageevent/{entry.event_id}/change/" in page
    assert f"/admin/accounts/user/{alice.pk}/change/" in page
    assert f"/admin/generation/short/{job_id}/change/" in page


@pytest.mark.parametrize("name", ["ledgerentry", "hold", "usageevent"])
def test_rows_are_found_by_job_and_by_address(
    desk: Client, alice: User, bob: User, name: str
) -> None:
    job_id = spend(alice)
    spend(alice)
    spend(bob)

    url = f"/admin/metering/{name}/"
    by_job = desk.get(url, {"q": str(job_id)}).context["cl"].result_list
    by_address = desk.get(url, {"q": "alice"}).context["cl"].result_list

    assert ({row.job_id for row in by_job}, len(by_job)) == ({job_id}, 1)
    assert ({row.user for row in by_address}, len(by_address)) == ({alice}, 2)


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_rows_cannot_be_added_changed_or_deleted(desk: Client, alice: User, model: Any) -> None:
    spend(alice)
    notice(alice)
    url = f"/admin/metering/{model._meta.model_name}/"
    before = list(model.objects.order_by("pk").values())
    key = model.objects.filter(user=alice).get().pk
    form = {"user": alice.pk, "tokens": "5"}

    answers = [
        desk.get(f"{url}add/"),
        desk.post(f"{url}add/", form),
        desk.post(f"{url}{key}/change/", form),
        desk.post(f"{url}{key}/delete/", {"post": "yes"}),
        desk.post(url, {"action": "delete_selected", "_selected_action": [key], "post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_nobody_is_offered_to_delete_what_is_selected(staff: User, model: Any) -> None:
    request = RequestFactory().get("/")
    request.user = staff

    assert "delete_selected" not in admin.site.get_model_admin(model).get_actions(request)
