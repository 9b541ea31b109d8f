"""The price of a job before it is made. Nothing is written."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps, loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from metering import quotes, rates
from metering.models import Hold, TokenLedger
from metering.types import LegRequest, QuoteLine
from tests import factories
from tests.factories import ANALYSIS, AT, VIDEO

pytestmark = pytest.mark.django_db

EXACT = st.decimals(min_value=0, max_value=9999, places=6)


def video(model: str, resolution: str, seconds: int) -> LegRequest:
    return replace(VIDEO, model=model, resolution=resolution, seconds=seconds)


def test_an_ordinary_short_is_1500_tokens() -> None:
    quote = factories.quote_for()

    assert [line.tokens for line in quote.lines] == [500, 1000]
    assert quote.tokens == 1500
    assert [line.usd for line in quote.lines] == [None, Decimal("1.20")]
    assert quote.cost_usd == Decimal("0.801875")


@pytest.mark.parametrize(
    ("model", "resolution", "seconds", "tokens"),
    [
        ("veo-3.1-fast-generate-001", "720p", 4, 500),
        ("veo-3.1-fast-generate-001", "1080p", 8, 1000),
        ("veo-3.1-fast-generate-001", "4k", 8, 2332),
        ("veo-3.1-generate-001", "720p", 8, 2666),
        ("veo-3.1-generate-001", "4k", 8, 3998),
        ("veo-3.1-lite-generate-001", "720p", 8, 533),
        ("veo-3.1-lite-generate-001", "1080p", 6, 600),
    ],
)
def test_each_model_and_size_has_its_price(
    model: str, resolution: str, seconds: int, tokens: int
) -> None:
    assert factories.quote_for(video(model, resolution, seconds)).tokens == tokens


def test_a_line_names_the_prices_that_made_it() -> None:
    (line,) = factories.quote_for(VIDEO).lines

    card = rates.card(api_type=VIDEO.api_type, model=VIDEO.model, resolution="720p", at=AT)
    assert (line.rate_card_id, line.tokens_per_usd) == (card.pk, 833)
    assert (line.usd_per_second, line.cost_usd_per_second) == (Decimal("0.15"), Decimal("0.10"))
    assert (line.seconds, line.resolution, line.label) == (8, "720p", "Veo 3.1 Fast")


def test_a_quote_takes_the_prices_of_its_instant() -> None:
    today = factories.quote_for(ANALYSIS).cost_usd
    next_year = factories.quote_for(ANALYSIS, at=datetime(2027, 1, 1, tzinfo=UTC)).cost_usd

    assert (today, next_year) == (Decimal("0.001875"), Decimal("0.00375"))


@pytest.mark.parametrize(
    "leg",
    [
        video("veo-3.0-fast-generate-001", "720p", 8),
        video("veo-3.1-lite-generate-001", "4k", 8),
        video("veo-3.1-fast-generate-001", "", 8),
        video("unheard-of", "720p", 8),
        replace(ANALYSIS, api_type="gemini-veo-video"),
    ],
)
def test_what_has_no_price_in_force_is_refused(leg: LegRequest) -> None:
    with pytest.raises(rates.UnpricedModel):
        factories.quote_for(leg)


def test_a_retired_model_had_its_price_once() -> None:
    old = video("veo-3.0-fast-generate-001", "720p", 8)

    assert factories.quote_for(old, at=datetime(2026, 6, 29, tzinfo=UTC)).tokens == 1000


@pytest.mark.parametrize("seconds", [None, 0, -8])
def test_a_video_without_a_length_has_no_price(seconds: int | None) -> None:
    with pytest.raises(ValueError, match="billed by the second"):
        factories.quote_for(replace(VIDEO, seconds=seconds))


def test_one_unpriced_leg_refuses_the_whole_job() -> None:
    with pytest.raises(rates.UnpricedModel):
        factories.quote_for(ANALYSIS, video("unheard-of", "720p", 8))


@given(usd=st.none() | EXACT, cost=EXACT, rate=EXACT, seconds=st.none() | st.integers(1, 600))
def test_a_line_comes_back_from_the_database_with_every_digit(
    usd: Decimal | None, cost: Decimal, rate: Decimal, seconds: int | None
) -> None:
    line = QuoteLine(
        api_type="a", model="m", label="l", tokens=7, usd=usd, cost_usd=cost, rate_card_id=1,
        tokens_per_usd=rate, usd_per_second=usd, seconds=seconds,
    )  # fmt: skip

    assert QuoteLine.from_json(loads(dumps(line.to_json()))) == line


@pytest.mark.parametrize(("tokens", "allowed"), [(8500, True), (8501, False)])
def test_advice_says_whether_an_estimate_fits(alice: User, tokens: int, allowed: bool) -> None:
    factories.hold(alice)

    advice = quotes.check_token_limit(user=alice, estimated_tokens=tokens, at=AT)

    assert (advice.allowed, bool(advice), advice.estimated_tokens) == (allowed, allowed, tokens)
    assert advice.balance == factories.balance(alice)


def test_an_unlimited_ledger_fits_anything(alice: User) -> None:
    factories.limit(alice, None)

    assert quotes.check_token_limit(user=alice, estimated_tokens=10**12, at=AT).allowed


def test_advice_writes_nothing(alice: User) -> None:
    before = TokenLedger.objects.filter(user=alice).values().get()

    quotes.check_token_limit(user=alice, estimated_tokens=1500, at=AT)

    assert TokenLedger.objects.filter(user=alice).values().get() == before
    assert not Hold.objects.exists()
