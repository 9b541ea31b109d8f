"""GET /api/usage: balance, period and use by day."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from metering import periods
from metering.models import TokenLedger
from tests import factories

Clients = Callable[[User], APIClient]


def written(at: datetime | None) -> str:
    assert at is not None
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def usage(client: APIClient) -> dict[str, Any]:
    response = client.get("/api/usage")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_a_new_user_has_used_nothing(alice: User, api: Clients) -> None:
    body = usage(api(alice))

    now = factories.balance(alice, timezone.now())
    assert body == {
        "balance": {
            "limit_tokens": 10_000, "granted_tokens": 0, "used_tokens": 0, "held_tokens": 0,
            "remaining_tokens": 10_000, "available_tokens": 10_000,
            "resets_at": written(now.resets_at),
        },
        "period": {
            "kind": "month", "start": written(now.period_starts_at), "end": written(now.resets_at),
        },
        "in_flight": 0,
        "max_in_flight": 3,
        "by_day": [],
    }  # fmt: skip


def test_the_figures_are_those_of_the_ledger(alice: User, api: Clients) -> None:
    factories.short_charged(alice, at=timezone.now())
    factories.hold(alice, at=timezone.now())

    body = usage(api(alice))

    balance = body["balance"]
    assert (balance["used_tokens"], balance["held_tokens"]) == (1487, 1500)
    assert (balance["remaining_tokens"], balance["available_tokens"]) == (8513, 7013)
    assert body["in_flight"] == 1


def test_each_day_has_its_api_types_with_dollars_as_text(alice: User, api: Clients) -> None:
    now = timezone.now()
    factories.short_charged(alice, at=now)
    factories.short_charged(alice, at=now)

    rows = usage(api(alice))["by_day"]

    today = str(periods.local_day(at=now))
    assert rows == [
        {"date": today, "api_type": "gemini-image-analysis", "model": "gemini-3.8-flash",
         "tokens": 974, "usd": None},
        {"date": today, "api_type": "gemini-veo-video", "model": "veo-3.1-fast-generate-001",
         "tokens": 2000, "usd": "2.40"},
    ]  # fmt: skip


def test_what_the_provider_bills_is_not_told(alice: User, api: Clients) -> None:
    factories.short_charged(alice, at=timezone.now())

    response = api(alice).get("/api/usage")

    assert b"cost" not in response.content


def test_unlimited_and_lifetime_are_null(alice: User, api: Clients) -> None:
    factories.limit(alice, None)
    TokenLedger.objects.filter(user=alice).update(period="lifetime")

    body = usage(api(alice))

    balance = body["balance"]
    assert (balance["limit_tokens"], balance["remaining_tokens"]) == (None, None)
    assert (balance["available_tokens"], balance["resets_at"]) == (None, None)
    assert (body["period"]["kind"], body["period"]["end"]) == ("lifetime", None)


def test_a_limit_of_nothing_is_zero_and_not_null(alice: User, api: Clients) -> None:
    factories.limit(alice, 0)

    assert usage(api(alice))["balance"]["limit_tokens"] == 0


def test_times_end_in_z_whatever_the_town(alice: User, api: Clients) -> None:
    body = usage(api(alice))

    assert body["period"]["start"].endswith("T15:00:00Z")
    assert body["balance"]["resets_at"] == body["period"]["end"]


def test_everybody_sees_their_own(alice: User, bob: User, api: Clients) -> None:
    factories.short_charged(alice, at=timezone.now())

    body = usage(api(bob))

    assert (body["balance"]["used_tokens"], body["by_day"]) == (0, [])


def test_earlier_periods_are_not_shown(alice: User, api: Clients) -> None:
    factories.short_charged(alice, at=datetime(2026, 10, 5, tzinfo=UTC))

    body = usage(api(alice))

    assert (body["balance"]["used_tokens"], body["by_day"]) == (0, [])


@pytest.mark.django_db
def test_without_a_key_nothing_is_told(client: APIClient) -> None:
    response = client.get("/api/usage")

    assert response.status_code == 401
    assert response["Content-Type"].startswith("application/problem+json")
    assert response.json()["code"] == "not_authenticated"
