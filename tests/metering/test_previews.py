"""What a change of price would have done to the last real jobs. Nothing is stored."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from accounts.models import User
from metering import ledger, previews, rates
from metering.models import RateCard
from metering.types import Usage
from tests import factories
from tests.factories import ANALYSIS, AT, VIDEO


def card_of(leg: factories.LegRequest) -> RateCard:
    return rates.card(api_type=leg.api_type, model=leg.model, resolution=leg.resolution, at=AT)


def test_a_dearer_second_is_shown_on_the_last_videos(alice: User) -> None:
    factories.short_charged(alice)
    job_id = factories.short_charged(alice, at=AT + timedelta(hours=1))
    card = card_of(VIDEO)
    card.usd_per_second, card.cost_usd_per_second = Decimal("0.30"), Decimal("0.12")

    found = previews.of_card(card=card)

    assert found.jobs[0].job_id == job_id
    assert found.jobs[0].before == previews.Figures(1000, Decimal("1.20"), Decimal("0.80"))
    assert found.jobs[0].after == previews.Figures(1999, Decimal("2.40"), Decimal("0.96"))
    assert (found.before.tokens, found.after.tokens) == (2000, 3998)
    assert (found.before.usd, found.after.usd) == (Decimal("2.40"), Decimal("4.80"))


def test_the_price_in_force_changes_nothing(alice: User) -> None:
    factories.short_charged(alice)

    video = previews.of_card(card=card_of(VIDEO))
    analysis = previews.of_card(card=card_of(ANALYSIS))

    assert (video.before, analysis.before) == (video.after, analysis.after)
    assert (video.before.tokens, analysis.before.tokens) == (1000, 487)


def test_raw_tokens_stay_and_only_their_cost_changes(alice: User) -> None:
    factories.short_charged(alice)
    card = card_of(ANALYSIS)
    card.cost_usd_per_million_input, card.cost_usd_per_million_output = Decimal(1), Decimal(10)

    (job,) = previews.of_card(card=card).jobs

    assert (job.before.tokens, job.after.tokens) == (487, 487)
    assert job.after.cost_usd == Decimal("0.00208")
    assert job.after.usd is None


def test_what_was_estimated_would_be_the_new_estimate(alice: User) -> None:
    (hold,) = factories.hold(alice, quote=factories.quote_for(ANALYSIS))
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(), at=AT)
    ledger.charge(hold=hold, at=AT)
    card = card_of(ANALYSIS)
    card.estimate_tokens = 700

    (job,) = previews.of_card(card=card).jobs

    assert (job.before.tokens, job.after.tokens) == (500, 700)


def test_jobs_of_other_models_and_resolutions_are_not_meant(alice: User) -> None:
    factories.short_charged(alice)
    card = card_of(replace(VIDEO, resolution="1080p"))

    found = previews.of_card(card=card)

    assert (found.jobs, found.before, found.after) == (
        (), previews.Figures(0, None, Decimal(0)), previews.Figures(0, None, Decimal(0)),
    )  # fmt: skip


def test_another_conversion_rate_meets_the_tariff_that_was_frozen(alice: User) -> None:
    factories.short_charged(alice)

    (job,) = previews.of_rate(tokens_per_usd=Decimal(1000)).jobs

    assert (job.before.tokens, job.after.tokens) == (1000, 1200)
    assert job.before.usd == job.after.usd == Decimal("1.20")


def test_no_more_than_the_last_jobs_are_looked_at(alice: User) -> None:
    factories.limit(alice, None)
    charged = [factories.charged(alice) for _ in range(previews.JOBS + 1)]

    found = previews.of_card(card=replace_api(card_of(ANALYSIS)))

    assert len(found.jobs) == previews.JOBS
    assert factories.entry(charged[0]).event_id not in {job.event_id for job in found.jobs}


def replace_api(card: RateCard) -> RateCard:
    """The card for the legs that `factories.charged` makes."""
    card.api_type = "leg-0"
    return card
