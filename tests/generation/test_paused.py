"""What the operator's brakes mean for orders and for shorts that are on their way."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import start
from metering import queries, spending
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.generation.browsing import order, text
from tests.pictures import jpeg


@pytest.fixture
def _real_route(settings: Any) -> None:
    """A route that would spend money; no test calls it."""
    settings.GEMINI_BASE_URL, settings.GOOGLE_CLOUD_PROJECT = "", "real"


def pause(staff: User) -> None:
    spending.pause(actor=staff, reason="Veo is down", at=timezone.now())


def resume(staff: User) -> None:
    spending.resume(actor=staff, reason="it is back", at=timezone.now())


def upload() -> dict[str, Any]:
    picture = jpeg(width=160, height=90)
    return {"image": SimpleUploadedFile("p.jpg", picture, content_type="image/jpeg")}


def test_an_order_through_the_api_is_refused_with_why_and_when(
    alice: User, staff: User, api: Callable[[User], APIClient]
) -> None:
    pause(staff)

    answer = api(alice).post("/api/shorts/generate", upload())

    body = answer.json()
    assert (answer.status_code, body["code"]) == (503, "spending_paused")
    assert "New videos are paused by our staff: Veo is down." in body["detail"]
    assert body["retry_at"].endswith("Z")
    assert answer["Retry-After"] == "300"
    assert not Hold.objects.exists()


def test_the_form_is_refused_and_the_page_says_so_before(
    client: Client, alice: User, staff: User
) -> None:
    client.force_login(alice)
    pause(staff)

    shown = client.get("/")
    sent = order(client)

    assert (shown.status_code, sent.status_code) == (200, 503)
    assert "New videos are paused by our staff: Veo is down." in text(shown)
    assert text(sent).count("Veo is down") == 1
    assert not Short.objects.exists()


def test_a_waiting_short_is_not_analysed_until_staff_resume(
    alice: User, staff: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    pause(staff)
    waiting = driving.step(short)
    state, calls = waiting.state, stand_in.counts()["calls"]["analyse"]

    resume(staff)
    short = driving.hurry(short)

    assert (state, calls) == (State.QUEUED, 0)
    assert short.state == State.RENDERING


def test_a_waiting_short_is_put_off_and_keeps_its_tokens(
    alice: User, staff: User, stand_in: StandIn
) -> None:
    short = driving.begin(alice)
    pause(staff)

    short = driving.step(short)

    assert short.next_attempt_at is not None
    assert 25 < (short.next_attempt_at - timezone.now()).total_seconds() <= 30
    assert short.attempt == 0
    assert queries.balance(user=alice, at=timezone.now()).held_tokens > 0


def test_an_analysed_short_is_not_submitted_while_paused(
    alice: User, staff: User, stand_in: StandIn
) -> None:
    stand_in.next("submit", status=429)
    short = driving.step(driving.begin(alice))
    assert short.state == State.ANALYZED
    pause(staff)
    before = stand_in.counts()["calls"]["submit"]

    short = driving.hurry(short)

    assert short.state == State.ANALYZED
    assert stand_in.counts()["calls"]["submit"] == before


def test_a_render_goes_on_while_paused(alice: User, staff: User, stand_in: StandIn) -> None:
    short = driving.step(driving.begin(alice))
    pause(staff)

    short = driving.until(short, State.SUCCEEDED)

    assert short.state == State.SUCCEEDED
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0


def test_the_page_of_a_waiting_short_says_why_it_waits(
    client: Client, alice: User, staff: User, stand_in: StandIn
) -> None:
    client.force_login(alice)
    short = driving.begin(alice)
    pause(staff)
    driving.step(short)

    page = text(client.get(f"/shorts/{short.pk}"))

    assert "Our staff have paused all spending, so this video waits." in page
    assert "The provider asked for a pause" not in page


@pytest.mark.usefixtures("_real_route")
def test_real_money_needs_a_confirmed_address(
    alice: User, api: Callable[[User], APIClient]
) -> None:
    answer = api(alice).post("/api/shorts/generate", upload())

    body = answer.json()
    assert (answer.status_code, body["code"]) == (403, "email_unconfirmed")
    assert "Open the link in the mail that we sent you" in body["detail"]
    assert body["confirm_url"] == "/accounts/email/"
    assert not Hold.objects.exists()


@pytest.mark.usefixtures("_real_route")
def test_the_form_leads_to_the_page_that_sends_the_link_again(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = order(client)

    assert page.status_code == 403
    assert '<a href="/accounts/email/">Send me the link again</a>' in page.content.decode()


@pytest.mark.usefixtures("_real_route")
def test_a_confirmed_address_is_enough(alice: User) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)

    assert driving.begin(alice).state == State.QUEUED


@pytest.mark.usefixtures("_real_route")
@pytest.mark.parametrize("changes", [{"verified": False}, {"email": "other@example.org"}])
def test_another_or_an_unconfirmed_address_is_not(alice: User, changes: dict[str, Any]) -> None:
    own = {"email": alice.email, "verified": True, "primary": True}
    EmailAddress.objects.create(user=alice, **{**own, **changes})

    with pytest.raises(start.EmailUnconfirmed):
        driving.begin(alice)


def test_the_stand_in_asks_for_no_confirmed_address(alice: User, stand_in: StandIn) -> None:
    assert driving.begin(alice).state == State.QUEUED
