"""Prices by date, and the one place where dollars become tokens."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering import rates
from metering.models import ConversionRate, RateCard
from metering.types import QuoteLine, Usage
from tests import factories
from tests.factories import AT, VIDEO

COUNTS = st.none() | st.integers(min_value=-5, max_value=2**39)
DOLLARS = st.decimals(min_value=0, max_value=10_000, places=8)
PER_USD = st.decimals(min_value="0.0001", max_value=100_000, places=4)

LINE = QuoteLine(
    api_type="gemini-image-analysis", model="gemini-3.8-flash", label="Image analysis", tokens=500,
    usd=None, cost_usd=Decimal("0.001875"), rate_card_id=1, tokens_per_usd=Decimal(833),
    cost_usd_per_million_input=Decimal("0.75"), cost_usd_per_million_output=Decimal("3.75"),
)  # fmt: skip


def card_of(**changes: Any) -> RateCard:
    """A second price for the ordinary video, like the first but for the changes."""
    card = RateCard.objects.filter(model=VIDEO.model, resolution="720p").earliest("effective_from")
    card.pk = None
    vars(card).update(changes)
    card.save()
    return card


def card_at(at: datetime) -> RateCard:
    return rates.card(
        api_type=VIDEO.api_type, model=VIDEO.model, resolution=VIDEO.resolution, at=at
    )


@pytest.mark.parametrize(
    ("usd", "per_usd", "tokens"),
    [
        ("1.20", "833", 1000),  # 999.6
        ("0.60", "833", 500),  # 499.8
        ("0.64", "833", 533),  # 533.12
        ("3.20", "833", 2666),  # 2665.6
        ("0.5", "833", 417),  # 416.5: half up
        ("1.5", "833", 1250),  # 1249.5
        ("2.5", "1", 3),  # not 2, as half to even would give
        ("0.5", "1", 1),
        ("1.4999999999", "1", 1),
        ("1.49", "1", 1),
        ("0.00000001", "833", 1),  # never nothing
        ("0", "833", 1),
        ("0.0006", "833", 1),  # 0.4998
        ("0.0018", "833", 1),  # 1.4994
        ("0.00180073", "833", 2),  # 1.50000809
        ("99999999.99999999", "99999999.9999", 9_999_999_999_989_999),
    ],
)
def test_dollars_become_tokens_rounded_half_up(usd: str, per_usd: str, tokens: int) -> None:
    assert rates.tokens_for(usd=Decimal(usd), tokens_per_usd=Decimal(per_usd)) == tokens


@given(usd=DOLLARS, per_usd=PER_USD)
def test_rounding_agrees_with_exact_fractions(usd: Decimal, per_usd: Decimal) -> None:
    exact = Fraction(usd) * Fraction(per_usd)

    tokens = rates.tokens_for(usd=usd, tokens_per_usd=per_usd)

    assert tokens == max(1, floor(exact + Fraction(1, 2)))


@given(usd=DOLLARS, more=DOLLARS, per_usd=PER_USD)
def test_more_dollars_are_never_fewer_tokens(usd: Decimal, more: Decimal, per_usd: Decimal) -> None:
    less = rates.tokens_for(usd=usd, tokens_per_usd=per_usd)

    assert rates.tokens_for(usd=usd + more, tokens_per_usd=per_usd) >= less


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("1.2", "1.20"), ("1.20000000", "1.20"), ("0", "0.00"), ("0.101", "0.101"),
        ("100", "100.00"), ("1E+3", "1000.00"), ("0.00187500", "0.001875"), ("-1.5", "-1.50"),
    ],
)  # fmt: skip
def test_dollars_are_written_with_two_decimals_and_no_digit_lost(usd: str, text: str) -> None:
    assert rates.usd_text(Decimal(usd)) == text


@pytest.mark.parametrize(
    ("usage", "tokens", "basis"),
    [
        (Usage(prompt_tokens=310, candidates_tokens=97, total_tokens=487), 487, "reported"),
        (Usage(total_tokens=487), 487, "reported"),
        (Usage(prompt_tokens=310), 310, "derived"),
        (Usage(prompt_tokens=300, candidates_tokens=6, thoughts_tokens=190), 496, "derived"),
        (Usage(prompt_tokens=300, candidates_tokens=200, total_tokens=400), 500, "derived"),
        (Usage(prompt_tokens=300, tool_tokens=50, total_tokens=0), 350, "derived"),
        (Usage(prompt_tokens=300, cached_tokens=290, total_tokens=310), 310, "reported"),
        (Usage(prompt_tokens=-4, total_tokens=-1), 500, "estimated"),
        (Usage(prompt_tokens=0, total_tokens=0), 500, "estimated"),
        (Usage(cached_tokens=290), 500, "estimated"),
        (Usage(), 500, "estimated"),
        (Usage(total_tokens=2_147_483_653), 2_147_483_653, "reported"),
        (Usage(prompt_tokens=310, total_tokens=2**53), 310, "derived"),
        (Usage(total_tokens=2**53), 500, "estimated"),
    ],
)
def test_raw_tokens_are_charged_one_for_one(usage: Usage, tokens: int, basis: str) -> None:
    priced = rates.price(line=LINE, usage=usage)

    assert (priced.tokens, priced.basis, priced.usd) == (tokens, basis, None)


@given(prompt=COUNTS, candidates=COUNTS, thoughts=COUNTS, tool=COUNTS, total=COUNTS)
def test_a_charge_is_never_nothing_and_never_below_its_parts(
    prompt: int | None,
    candidates: int | None,
    thoughts: int | None,
    tool: int | None,
    total: int | None,
) -> None:
    usage = Usage(
        prompt_tokens=prompt, candidates_tokens=candidates, thoughts_tokens=thoughts,
        tool_tokens=tool, total_tokens=total,
    )  # fmt: skip

    priced = rates.price(line=LINE, usage=usage)

    parts = sum(max(n or 0, 0) for n in (prompt, candidates, thoughts, tool))
    assert priced.tokens >= max(parts, 1)
    assert priced.tokens == max(parts, total or 0, 0) or priced.basis == "estimated"
    assert priced.tokens * Decimal("0.75") <= priced.cost_usd * 1_000_000
    assert priced.cost_usd * 1_000_000 <= priced.tokens * Decimal("3.75")


def test_input_and_output_cost_what_each_costs() -> None:
    usage = Usage(prompt_tokens=310, candidates_tokens=97, thoughts_tokens=80, total_tokens=487)

    cost = rates.price(line=LINE, usage=usage).cost_usd

    assert cost * 1_000_000 == Decimal("896.25")  # 310 × 0.75 + 177 × 3.75


@pytest.mark.django_db
def test_a_video_is_charged_by_the_seconds_that_were_made() -> None:
    (line,) = factories.quote_for(VIDEO).lines

    made = rates.price(line=line, usage=Usage(seconds=4))
    unsaid = rates.price(line=line, usage=Usage())

    assert (made.tokens, made.usd, made.cost_usd) == (500, Decimal("0.60"), Decimal("0.40"))
    assert (unsaid.tokens, made.basis, unsaid.basis) == (1000, "reported", "estimated")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "output"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "3.75"),
        (datetime(2027, 1, 1, tzinfo=UTC), "7.50"),
    ],
)
def test_a_price_counts_from_its_instant_on(at: datetime, output: str) -> None:
    card = rates.card(
        api_type="gemini-image-analysis", model="gemini-3.8-flash", resolution="", at=at
    )

    assert card.cost_usd_per_million_output == Decimal(output)


@pytest.mark.django_db
def test_the_newest_price_counts_and_one_to_come_does_not() -> None:
    newer = card_of(effective_from=AT)
    card_of(effective_from=AT + timedelta(days=1))

    assert card_at(AT) == newer
    assert card_at(AT - timedelta(microseconds=1)) != newer


@pytest.mark.django_db
def test_a_retired_price_ends_at_its_instant() -> None:
    RateCard.objects.filter(model=VIDEO.model).update(retires_at=AT)

    assert card_at(AT - timedelta(microseconds=1)).model == VIDEO.model
    with pytest.raises(rates.UnpricedModel) as refusal:
        card_at(AT)
    assert (refusal.value.model, refusal.value.resolution) == (VIDEO.model, "720p")


@pytest.mark.django_db
def test_an_older_price_does_not_come_back_when_the_newest_retires() -> None:
    card_of(effective_from=AT - timedelta(days=9), retires_at=AT)

    with pytest.raises(rates.UnpricedModel):
        card_at(AT)


@pytest.mark.django_db
def test_a_disabled_price_counts_as_never_made() -> None:
    older = card_at(AT)
    card_of(effective_from=AT - timedelta(days=9), enabled=False)

    assert card_at(AT) == older


@pytest.mark.django_db
def test_each_model_and_resolution_has_one_price_in_force() -> None:
    card_of(effective_from=AT)

    cards = list(rates.cards_in_force(at=AT))

    keys = [(card.api_type, card.model, card.resolution) for card in cards]
    assert len(set(keys)) == len(keys) == 12
    assert not [card for card in cards if card.model.startswith("veo-3.0")]


@pytest.mark.django_db
def test_tokens_per_dollar_are_dated_too() -> None:
    ConversionRate.objects.create(tokens_per_usd=Decimal(900), effective_from=AT, source="test")

    assert rates.tokens_per_usd(at=AT) == 900
    assert rates.tokens_per_usd(at=AT - timedelta(microseconds=1)) == 833


@pytest.mark.django_db
def test_before_the_first_rate_nothing_has_a_price() -> None:
    with pytest.raises(rates.UnpricedModel, match="tokens per dollar"):
        rates.tokens_per_usd(at=datetime(2024, 12, 31, tzinfo=UTC))


@pytest.mark.django_db
def test_a_formula_can_be_checked_with_a_calculator() -> None:
    (video,) = factories.quote_for(VIDEO).lines

    assert rates.formula(line=video, seconds=8, tokens=1000) == "8 s × $0.15 × 833"
    assert rates.formula(line=LINE, seconds=None, tokens=487) == "487 × 1"
