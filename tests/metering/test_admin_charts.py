"""Staff see tokens and dollars by day, of all users or of those they look for."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from metering.models import DailyUsage
from tests import factories
from tests.factories import AT
from tests.metering.staff_work import allow, signed_in

USAGE = "/admin/metering/dailyusage/"
BEFORE = AT - timedelta(days=1)


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def usage(desk: Client, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(USAGE, query).context["usage"]
    return found


def test_the_days_of_all_users_are_added_up(desk: Client, alice: User, bob: User) -> None:
    factories.open_since(alice)
    factories.short_charged(alice, at=BEFORE)
    factories.short_charged(alice)
    factories.short_charged(bob)

    found = usage(desk)

    today, yesterday = found["days"]
    assert [today[0].isoformat(), yesterday[0].isoformat()] == ["2026-11-25", "2026-11-24"]
    assert today[1] == {"tokens": "2,974", "tariff": "$2.40", "cost": "$1.60", "margin": "$0.7982"}
    assert yesterday[1]["tokens"] == "1,487"
    assert found["total"]["tokens"] == "4,461"


def test_columns_are_drawn_to_one_scale(desk: Client, alice: User) -> None:
    factories.short_charged(alice)

    tokens, dollars = usage(desk)["charts"]

    assert (tokens["scale"], dollars["scale"]) == (["2,000", "1,000"], ["$2.00", "$1.00"])
    assert [part.value for part in tokens["columns"][-1][0].parts] == [487, 1000]
    assert [str(name) for name in tokens["names"]] == ["Picture analysis", "Veo video"]
    cost, margin = (part.value for part in dollars["columns"][-1][0].parts)
    assert Decimal(cost + margin) / 10**8 == Decimal("1.20")


def test_a_loss_is_a_margin_below_zero(desk: Client, alice: User) -> None:
    factories.short_charged(alice)
    DailyUsage.objects.filter(usd__isnull=False).update(cost_usd=Decimal("1.50"))

    found = usage(desk, api_type="gemini-veo-video")

    assert found["total"]["margin"] == "−$0.3000"
    DailyUsage.objects.filter(usd__isnull=False).update(cost_usd=Decimal("0.80"))


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ({"q": "alice"}, "1,487"),
        ({"api_type": "gemini-veo-video"}, "2,000"),
        ({"day__year": "2026", "day__month": "11", "day__day": "25"}, "2,974"),
    ],
)
def test_the_charts_are_of_what_is_listed(
    desk: Client, alice: User, bob: User, query: dict[str, str], tokens: str
) -> None:
    factories.short_charged(alice)
    factories.short_charged(bob)

    assert usage(desk, **query)["total"]["tokens"] == tokens


def test_without_any_use_there_is_nothing_to_draw(desk: Client) -> None:
    assert usage(desk) is None


def test_more_rows_take_no_more_queries(desk: Client, alice: User, bob: User) -> None:
    factories.short_charged(alice)
    with CaptureQueriesContext(connection) as few:
        desk.get(USAGE)
    factories.short_charged(bob)
    factories.short_charged(bob, at=AT + timedelta(days=1))

    with CaptureQueriesContext(connection) as many:
        desk.get(USAGE)

    assert len(many) == len(few) <= 15


def test_who_may_not_see_daily_usage_sees_no_chart(alice: User) -> None:
    clerk = signed_in(allow(alice, "view_hold"))

    assert clerk.get(USAGE).status_code == 403
