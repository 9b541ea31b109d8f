"""Staff see what is held by its age, and the charges that are late."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import ledger, queries
from metering.admin import hold
from metering.models import Hold
from tests import factories
from tests.factories import AT
from tests.metering.staff_work import allow, entries_of, signed_in, spend

HOLDS = "/admin/metering/hold/"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def held_for(user: User, age: timedelta) -> Hold:
    """A video's hold that has been live for so long."""
    at = timezone.now() - age
    (one,) = factories.hold(user, quote=factories.quote_for(factories.VIDEO, at=at), at=at)
    return factories.row(one)


def listed(desk: Client, **query: str) -> list[Hold]:
    return list(desk.get(HOLDS, query).context["cl"].result_list)


def test_live_holds_are_added_up_by_age(desk: Client, alice: User) -> None:
    factories.open_since(alice)
    held_for(alice, timedelta(hours=2))
    held_for(alice, timedelta(minutes=5))

    ages = desk.get(HOLDS).context["ages"]

    assert [(str(age["text"]), age["jobs"], age["tokens"]) for age in ages] == [
        ("less than an hour", "1", "1,000"), ("an hour to a day", "1", "1,000"),
    ]  # fmt: skip
    assert [age["cost"] for age in ages] == ["$0.8000", "$0.8000"]


@pytest.mark.parametrize(
    ("live", "minutes"),
    [("any", [3000, 90, 5]), ("hour", [5]), ("day", [90]), ("week", [3000]), ("older", [])],
)
def test_live_holds_are_found_by_age_the_oldest_first(
    desk: Client, alice: User, bob: User, live: str, minutes: list[int]
) -> None:
    factories.open_since(alice)
    holds = {m: held_for(alice, timedelta(minutes=m)) for m in (3000, 90, 5)}

    spend(bob)

    assert listed(desk, live=live) == [holds[m] for m in minutes]


def test_a_late_charge_shows_why_and_when_it_is_tried_again(desk: Client, alice: User) -> None:
    spend(alice, charged=False)
    Hold.objects.update(charge_error="deadlock detected", charge_attempts=3, charge_after=AT)

    page = desk.get(HOLDS, {"state__exact": "due"}).content.decode()

    assert "deadlock detected" in page
    assert "11/25/2026 noon" in page
    assert "Next try" in page


def test_a_late_charge_is_tried_at_once(desk: Client, alice: User) -> None:
    spend(alice, charged=False)
    page = f"{HOLDS}{Hold.objects.get().pk}/charge/"

    asked = desk.get(page).content.decode()
    answer = desk.post(page, follow=True)
    again = desk.post(page, follow=True)

    assert "alice@example.org: 1,000 tokens held, 0 attempts to charge them." in asked
    assert "The charge is made." in answer.content.decode()
    assert again.status_code == 200
    assert [entry.kind for entry in entries_of(alice)] == ["charge"]


def test_a_late_charge_that_was_written_off_meanwhile_is_not_said_to_be_made(
    desk: Client, alice: User
) -> None:
    spend(alice, charged=False)
    late = Hold.objects.get()
    ledger.write_off(hold=late, at=AT, **factories.act())

    page = desk.post(f"{HOLDS}{late.pk}/charge/", follow=True).content.decode()

    assert "This hold was written off before." in page
    assert "The charge is made." not in page
    assert [entry.kind for entry in entries_of(alice)] == ["write_off"]


def test_who_may_only_look_charges_nothing(alice: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "view_hold"))
    spend(alice, charged=False)

    answer = clerk.post(f"{HOLDS}{Hold.objects.get().pk}/charge/")

    assert answer.status_code == 403
    assert entries_of(alice) == []


def test_what_is_held_by_age_is_one_query(alice: User, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]  # a fixture without a type
        queries.live_by_age(bands=hold.bands(at=timezone.now()))
