"""Staff look at shorts, close and reopen models, and find every page of the desk."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation.models import ModelGate, Short
from metering.models import ConversionRate, RateCard
from tests import factories
from tests.generation import desk_rows
from tests.metering.staff_work import allow, signed_in, spend

SHORTS = "/admin/generation/short/"
GATES = "/admin/generation/modelgate/"
HOLDS = "/admin/metering/hold/"
FAST = desk_rows.FAST
# The key of an API key is its digest, so it has no page of its own.
WITHOUT_PAGE = ("accounts.ApiKey",)
LISTED = [model for model in admin.site._registry if model._meta.app_label != "admin"]
# Prices are not of anybody.
OF_PEOPLE = [model for model in LISTED if model not in (RateCard, ConversionRate)]
SHOWN = [model for model in LISTED if model._meta.label not in WITHOUT_PAGE]


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def everything(alice: User) -> None:
    """A row of each kind."""
    desk_rows.of_each_kind(alice)


def test_a_short_is_shown_with_its_choices_and_its_end(desk: Client, alice: User) -> None:
    short = desk_rows.ended(alice)

    page = desk.get(f"{SHORTS}{short.pk}/change/").content.decode()

    assert all(text in page for text in (str(short.pk), FAST, "720p", "blocked", "SAFETY"))
    assert "the cat &lt;b&gt;waves&lt;/b&gt;" in page
    assert f"/admin/metering/ledgerentry/?q={short.pk}" in page
    assert f"/admin/metering/hold/?q={short.pk}" in page


@pytest.mark.parametrize("query", [{"state__exact": "failed"}, {"model": FAST}, {"q": "alice"}])
def test_shorts_are_found(desk: Client, alice: User, query: dict[str, str]) -> None:
    short = desk_rows.ended(alice)

    rows = desk.get(SHORTS, query).context["cl"].result_list

    assert list(rows) == [short]


def test_a_short_is_found_by_its_whole_id(desk: Client, alice: User, bob: User) -> None:
    short = desk_rows.ended(alice)
    desk_rows.ended(alice)

    rows = desk.get(SHORTS, {"q": f" {short.pk} "}).context["cl"].result_list
    others = desk.get(SHORTS, {"q": bob.email}).context["cl"].result_list

    assert (list(rows), list(others)) == ([short], [])


def test_a_short_cannot_be_added_changed_or_deleted(desk: Client, alice: User) -> None:
    short = desk_rows.ended(alice)

    answers = [
        desk.post(f"{SHORTS}add/", {"state": "queued"}),
        desk.post(f"{SHORTS}{short.pk}/change/", {"state": "queued"}),
        desk.post(f"{SHORTS}{short.pk}/delete/", {"post": "yes"}),
        desk.post(SHORTS, {"action": "delete_selected", "_selected_action": [short.pk]}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert Short.objects.get().state == "failed"


def test_staff_close_a_model_with_a_reason(desk: Client) -> None:
    answer = desk.post(f"{GATES}close/", {"gate": f"enterprise/{FAST}", "reason": "retired"})

    assert answer.status_code == 302
    gate = ModelGate.objects.get()
    assert (gate.route, gate.model, gate.reason) == ("enterprise", FAST, "retired")
    assert gate.closed_at is not None


@pytest.mark.parametrize(
    "form", [{"gate": f"enterprise/{FAST}", "reason": " "}, {"gate": "x/y", "reason": "z"}, {}]
)
def test_a_model_is_not_closed_without_model_and_reason(desk: Client, form: dict[str, str]) -> None:
    answer = desk.post(f"{GATES}close/", form)

    assert answer.status_code == 200
    assert not ModelGate.objects.exists()


def test_staff_reopen_a_model_with_nothing_held_against_it(desk: Client) -> None:
    now = timezone.now()
    gate = ModelGate.objects.create(
        route="enterprise", model=FAST, closed_at=now, not_before=now, refusals=3, reason="404"
    )

    answer = desk.post(
        GATES, {"action": "reopen", "_selected_action": [gate.pk], "reason": "ok"}, follow=True
    )

    assert "1 model is open." in answer.content.decode()
    gate.refresh_from_db()
    assert (gate.closed_at, gate.not_before, gate.refusals, gate.reason) == (None, None, 0, "")


def test_without_the_right_models_stay_as_they_are(bob: User) -> None:
    gate = ModelGate.objects.create(route="enterprise", model=FAST, closed_at=timezone.now())
    clerk = signed_in(allow(bob, "view_modelgate"))

    answers = [
        clerk.post(GATES, {"action": "reopen", "_selected_action": [gate.pk]}),
        clerk.post(f"{GATES}close/", {"gate": f"enterprise/{FAST}", "reason": "x"}),
        clerk.post(f"{GATES}{gate.pk}/change/", {"refusals": "0"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    gate.refresh_from_db()
    assert gate.closed_at is not None


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", LISTED, ids=lambda model: model._meta.label)
def test_every_list_opens(desk: Client, model: Any) -> None:
    answer = desk.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))

    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) >= 1


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", OF_PEOPLE, ids=lambda model: model._meta.label)
def test_a_longer_list_takes_no_more_questions_to_the_database(
    desk: Client, make_user: Callable[..., User], model: Any,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    desk.get(url)
    with CaptureQueriesContext(connection) as few:
        before = desk.get(url).context["cl"].result_list
    desk_rows.of_each_kind(make_user("bob"), model="veo-3.1-generate-001")

    with django_assert_max_num_queries(len(few)):
        after = desk.get(url).context["cl"].result_list

    assert len(after) > len(before)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model._meta.label)
def test_every_page_of_a_row_opens(desk: Client, model: Any) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"

    answer = desk.get(reverse(name, args=[model.objects.order_by("pk")[0].pk]))

    assert answer.status_code == 200


def test_the_first_page_and_the_sidebar_count_the_charges_that_wait(
    desk: Client, alice: User
) -> None:
    spend(alice, charged=False)
    spend(alice, charged=False)

    answer = desk.get("/admin/")

    (waiting,) = answer.context["waiting"]
    assert (waiting["number"], waiting["link"]) == (2, f"{HOLDS}?state__exact=due")
    assert [card["figure"] for card in answer.context["cards"]][:2] == ["$1.60", "2,000"]
    pages = [item for group in answer.context["sidebar_navigation"] for item in group["items"]]
    assert {page["link"]: page["badge"] for page in pages if "badge" in page} == {HOLDS: 2}


def test_the_first_page_shows_open_holds_the_oldest_first(desk: Client, alice: User) -> None:
    now = timezone.now()
    factories.hold(alice, at=now)
    factories.hold(alice, at=now - timedelta(hours=3))

    card = next(c for c in desk.get("/admin/").context["cards"] if c["title"] == "Held now")
    listed = desk.get(card["link"]).context["cl"].result_list

    assert card["figure"] == "3,000"
    assert str(card["text"]).startswith("Tokens for 2 jobs under way; the oldest since ")
    assert [hold.pk for hold in listed] == sorted(hold.pk for hold in listed)


@pytest.mark.parametrize(("limit", "share", "alarm"), [("4", 40, False), ("1.60", 100, True)])
def test_the_first_page_shows_todays_dollars_against_the_brake(
    desk: Client, alice: User, settings: Any, limit: str, share: int, alarm: bool
) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal(limit)
    spend(alice)
    spend(alice)

    (card,) = [c for c in desk.get("/admin/").context["cards"] if c["title"] == "Spent today"]

    assert (card["figure"], card["share"], card["alarm"]) == ("$1.60", share, alarm)


def test_where_nothing_waits_the_first_page_says_so(desk: Client) -> None:
    assert "Nothing waits for a person right now." in desk.get("/admin/").content.decode()


def test_who_may_settle_nothing_is_not_told_what_waits(bob: User) -> None:
    clerk = signed_in(allow(bob, "view_user"))

    assert clerk.get("/admin/").context["waiting"] is None


def test_the_first_page_takes_the_same_questions_however_much_waits(
    desk: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with CaptureQueriesContext(connection) as empty:
        desk.get("/admin/")
    factories.short(alice, "submit_unknown")
    factories.short(alice, "submit_unknown")
    spend(alice, charged=False)
    factories.hold(alice, at=timezone.now())

    with django_assert_max_num_queries(len(empty)):
        desk.get("/admin/")


@pytest.mark.usefixtures("everything")
def test_the_frame_around_the_pages_is_in_korean_too(desk: Client) -> None:
    page = desk.get("/admin/metering/tokenledger/", headers={"accept-language": "ko"})

    html = page.content.decode()
    assert all(text in html for text in ("행 선택", "모든 행 선택", "밝게", "검색어 입력"))
    assert all(text not in html for text in ("Select record", "Select all rows", "Type to search"))


def test_staff_are_shown_only_what_they_may_see(bob: User) -> None:
    clerk = signed_in(allow(bob, "view_short"))

    answer = clerk.get("/admin/")

    assert (answer.context["waiting"], answer.context["cards"]) == ([], [])
    groups = answer.context["sidebar_navigation"]
    assert [item["link"] for group in groups for item in group["items"]] == [SHORTS]
