"""Staff pause and resume spending, with a reason, and see the state on their first page."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import spending
from metering.models import SpendingBrake
from tests.metering.staff_work import allow, signed_in

BRAKES = "/admin/metering/spendingbrake/"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def paused() -> bool:
    return spending.paused(at=timezone.now()) is not None


def test_staff_pause_with_a_reason(desk: Client, staff: User) -> None:
    answer = desk.post(f"{BRAKES}pause/", {"reason": "Veo is down"}, follow=True)

    brake = SpendingBrake.objects.get()
    assert "Spending is paused." in answer.content.decode()
    assert (brake.actor, brake.reason) == (staff, "Veo is down")
    assert paused()


def test_staff_resume_with_a_reason(desk: Client, staff: User) -> None:
    spending.pause(actor=staff, reason="Veo is down", at=timezone.now())

    asked = desk.get(f"{BRAKES}resume/").content.decode()
    answer = desk.post(f"{BRAKES}resume/", {"reason": "it is back"}, follow=True)

    assert "Paused now: Veo is down." in asked
    assert "Spending goes on." in answer.content.decode()
    assert SpendingBrake.objects.get().resume_reason == "it is back"
    assert not paused()


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_paused(desk: Client, reason: str) -> None:
    answer = desk.post(f"{BRAKES}pause/", {"reason": reason})

    assert "Please give a reason." in answer.content.decode()
    assert not paused()


def test_there_is_nothing_to_resume_while_nothing_is_paused(desk: Client) -> None:
    answer = desk.get(f"{BRAKES}resume/", follow=True)

    assert "Spending is not paused." in answer.content.decode()


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_who_may_only_look_can_not_act(alice: User, staff: User, act: str) -> None:
    spending.pause(actor=staff, reason="Veo is down", at=timezone.now())
    reader = signed_in(allow(alice, "view_spendingbrake"))

    listed = reader.get(BRAKES)
    answer = reader.post(f"{BRAKES}{act}/", {"reason": "x"})

    assert (listed.status_code, answer.status_code) == (200, 403)
    assert paused()


def test_the_first_page_shows_the_state(desk: Client, staff: User) -> None:
    before = desk.get("/admin/").context["cards"]
    spending.pause(actor=staff, reason="Veo is down", at=timezone.now())
    after = desk.get("/admin/").context["cards"]

    figures = [
        [str(c["figure"]) for c in cards if c["title"] == "New videos"] for cards in (before, after)
    ]
    assert figures == [["open"], ["paused"]]


def test_the_page_of_a_brake_can_not_be_edited(desk: Client, staff: User) -> None:
    brake = spending.pause(actor=staff, reason="Veo is down", at=timezone.now())

    page = desk.get(f"{BRAKES}{brake.pk}/change/")
    sent = desk.post(f"{BRAKES}{brake.pk}/change/", {"reason": "other"})

    assert (page.status_code, sent.status_code) == (200, 403)
    assert "Veo is down" in page.content.decode()
