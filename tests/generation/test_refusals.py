"""A refusal helps: it names what was hit and what would fit, or when, or whom to ask."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.utils import timezone, translation
from rest_framework.test import APIClient

from accounts.models import User
from generation import offers, refusals
from generation.models import ModelGate
from generation.refusals import Refusal
from metering import ledger
from metering.models import RateCard, TokenLedger
from tests import factories
from tests.factories import AT
from tests.generation.browsing import PICTURE, limit, order, text

LITE, FAST = "veo-3.1-lite-generate-001", "veo-3.1-fast-generate-001"
OMNI = "gemini-omni-1.1-flash"


@pytest.fixture
def alice(make_user: Callable[..., User]) -> User:
    """Alice, whose ledger is older than any instant that these tests name."""
    return factories.open_since(make_user("alice"))


def refusal(user: User, at: datetime = AT) -> Refusal:
    """What an ordinary short of 1,500 tokens is refused with."""
    with pytest.raises(Exception) as refused:  # noqa: PT011 - which one is what the test is about
        factories.hold(user, at=at)
    found = refusals.of(refused.value)
    assert found is not None
    return found


def test_the_cheapest_video_of_each_model_that_fits_is_named(alice: User) -> None:
    factories.limit(alice, 1499)

    found = refusal(alice)

    assert found.figures["fits"] == [
        {"model": LITE, "seconds": 4, "resolution": "720p", "tokens": 767},
        {"model": OMNI, "seconds": 3, "resolution": "720p", "tokens": 875},
        {"model": FAST, "seconds": 4, "resolution": "720p", "tokens": 1000},
    ]
    assert "Veo 3.1 Lite with 4 s in 720p still fits: 767 tokens." in str(found.sentence)


def test_the_five_figures_are_what_they_were(alice: User) -> None:
    factories.limit(alice, 1499)

    figures = refusal(alice).figures

    assert {name: value for name, value in figures.items() if name != "fits"} == {
        "estimated_tokens": 1500,
        "remaining_tokens": 1499,
        "held_tokens": 0,
        "limit_tokens": 1499,
        "resets_at": datetime(2026, 11, 30, 15, tzinfo=UTC),
    }


def test_what_is_held_is_not_offered(alice: User) -> None:
    factories.limit(alice, 1900)
    factories.hold(alice, 1100)

    found = refusal(alice)

    assert [fit["tokens"] for fit in found.figures["fits"]] == [767]
    assert "of which 1,100 are held" in str(found.sentence)


def test_at_most_three_are_offered() -> None:
    had = [
        offers.Offer(
            model=f"m{n}", label=f"M{n}", analysis_tokens=500, tokens={("720p", 8): n}, prices={}
        )
        for n in (5, 4, 3, 2, 1)
    ]

    fits = offers.fitting(offers=had, available_tokens=10, most=refusals.MOST_FITS)

    assert [fit.model for fit in fits] == ["m1", "m2", "m3"]


def test_nothing_fits_and_that_is_said(alice: User) -> None:
    factories.limit(alice, 766)

    found = refusal(alice)

    assert found.figures["fits"] == []
    assert "No other video fits either." in str(found.sentence)


def test_a_closed_model_is_not_offered(alice: User) -> None:
    factories.limit(alice, 1499)
    ModelGate.objects.create(route="enterprise", model=LITE, closed_at=AT)

    assert [fit["model"] for fit in refusal(alice).figures["fits"]] == [OMNI, FAST]


def test_a_model_without_a_price_is_not_offered(alice: User) -> None:
    factories.limit(alice, 1499)
    RateCard.objects.filter(model=LITE).update(enabled=False)

    assert [fit["model"] for fit in refusal(alice).figures["fits"]] == [OMNI, FAST]


def test_when_tokens_are_renewed_is_said_with_its_zone(alice: User) -> None:
    factories.limit(alice, 1600)
    factories.charged(alice, 1000, held=1000)

    with timezone.override("Asia/Seoul"):
        sentence = str(refusal(alice).sentence)

    assert "Your tokens are renewed on Dec. 1, 2026, 00:00 KST." in sentence


def test_a_reset_that_would_not_help_is_not_promised(alice: User) -> None:
    factories.limit(alice, 1499)

    sentence = str(refusal(alice).sentence)

    assert "renewed" not in sentence
    assert "please ask our staff" in sentence


def test_a_lifetime_limit_is_never_renewed(alice: User) -> None:
    TokenLedger.objects.filter(user=alice).update(period="lifetime", token_limit=1600)
    factories.charged(alice, 1000, held=1000)

    found = refusal(alice)

    assert found.figures["resets_at"] is None
    assert "renewed" not in str(found.sentence)


def test_without_prices_the_refusal_is_still_told(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**asked: object) -> None:
        raise OperationalError

    factories.limit(alice, 1499)
    monkeypatch.setattr(offers, "in_force", away)

    found = refusal(alice)

    assert (found.code, found.figures["fits"]) == ("token_limit_exceeded", [])


def test_too_many_under_way_says_how_many_run(alice: User) -> None:
    TokenLedger.objects.filter(user=alice).update(max_in_flight=1)
    factories.hold(alice, 10)

    found = refusal(alice)

    assert "Videos under way: 1, and at most 1 may be." in str(found.sentence)
    assert "ask our staff" in str(found.sentence)
    assert found.figures == {"in_flight": 1, "max_in_flight": 1}


def test_a_suspended_user_is_told_whom_to_ask(alice: User) -> None:
    ledger.suspend(user=alice, suspended=True, actor=None, reason="test", key="once", at=AT)

    found = refusal(alice)

    assert (found.code, found.status) == ("account_suspended", 403)
    assert "contact our staff" in str(found.sentence)


def suspended(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(suspended=True, token_limit=0, max_in_flight=0)


def over_the_limit(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(token_limit=0, max_in_flight=0)


def all_places_taken(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(max_in_flight=0)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (suspended, "account_suspended"),
        (over_the_limit, "token_limit_exceeded"),
        (all_places_taken, "too_many_in_flight"),
    ],
)
def test_refusals_come_in_their_order(
    alice: User, given: Callable[[User], None], code: str
) -> None:
    given(alice)

    assert refusal(alice).code == code


def test_the_api_lists_what_fits(alice: User, api: Callable[[User], APIClient]) -> None:
    limit(alice, 800)

    picture = SimpleUploadedFile("photo.jpg", PICTURE)
    response = api(alice).post("/api/shorts/generate", {"image": picture}, format="multipart")

    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (403, "token_limit_exceeded")
    assert body["fits"] == [{"model": LITE, "seconds": 4, "resolution": "720p", "tokens": 767}]


def test_the_form_says_what_fits(client: Client, alice: User) -> None:
    limit(alice, 999)
    client.force_login(alice)

    response = order(client)

    assert response.status_code == 403
    assert "Veo 3.1 Lite with 4 s in 720p still fits: 767 tokens." in text(response)


def test_the_sentence_speaks_korean(alice: User) -> None:
    factories.limit(alice, 1499)

    with translation.override("ko"):
        sentence = str(refusal(alice).sentence)

    assert "Veo 3.1 Lite 4초 720p 영상은 767토큰으로 아직 만들 수 있습니다." in sentence
