"""Staff close accounts: one or several, with a reason, and nobody is deleted for good."""

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from generation.models import Short, State
from metering.models import LedgerEntry
from tests.generation import driving
from tests.metering.staff_work import allow, signed_in

USERS = "/admin/accounts/user/"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def close(desk: Client, *users: User, **more: str) -> HttpResponse:
    selected = [user.pk for user in users]
    return desk.post(USERS, {"action": "close_accounts", "_selected_action": selected, **more})


def test_several_are_closed_with_one_reason(
    desk: Client, staff: User, alice: User, bob: User
) -> None:
    driving.begin(alice)

    close(desk, alice, bob, reason="asked by mail")

    entries = LedgerEntry.objects.filter(kind="suspension")
    assert [entry.actor for entry in entries] == [staff, staff]
    assert {entry.reason for entry in entries} == {"asked by mail [suspended]"}
    assert User.objects.filter(is_active=False).count() == 2
    assert Short.objects.get().state == State.CANCELED


def test_it_asks_for_a_reason_first(desk: Client, alice: User) -> None:
    asked = close(desk, alice)
    empty = close(desk, alice, reason=" ")

    alice.refresh_from_db()
    assert "alice@example.org" in asked.content.decode()
    assert "Please give a reason." in empty.content.decode()
    assert alice.is_active


def test_the_closed_account_is_still_listed_without_the_person(desk: Client, alice: User) -> None:
    close(desk, alice, reason="asked by mail")

    page = desk.get(USERS).content.decode()

    assert f"closed-{alice.pk}@closed.invalid" in page
    assert "alice@example.org" not in page


def test_nobody_closes_themselves_here(desk: Client, staff: User, alice: User) -> None:
    close(desk, staff, alice, reason="test")

    assert User.objects.filter(is_active=True).count() == 2


def test_only_superusers_close_staff(staff: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "view_user", "change_user", "delete_user"))

    close(clerk, staff, reason="test")

    staff.refresh_from_db()
    assert staff.is_active


def test_it_takes_the_right_to_delete_users(alice: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "view_user", "change_user"))

    close(clerk, alice, reason="test")

    alice.refresh_from_db()
    assert alice.is_active
