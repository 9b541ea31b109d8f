"""Which videos can be had now, and what each costs the whole way, picture analysis included.

Prices are in tokens, as a quote of this instant would say. Nothing is written or held.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from generation import catalog, gates
from generation.catalog import VideoModel
from generation.pipeline import served
from metering import quotes, rates
from metering.types import Quote, QuoteLine


@dataclass(frozen=True)
class Offer:
    """A model in force. `tokens` by (resolution, seconds); what is not in it can't be had.

    `prices` has the same leg by leg.
    """

    model: str
    label: str
    analysis_tokens: int
    tokens: Mapping[tuple[str, int], int]
    prices: Mapping[tuple[str, int], Quote]


def in_force(*, at: datetime) -> list[Offer]:
    """All models that take jobs now, in the order of the catalog, in three queries."""
    cards = {(c.api_type, c.model, c.resolution): c for c in rates.cards_in_force(at=at)}
    analysis = cards.get((catalog.ANALYSIS_API_TYPE, catalog.ANALYSIS_MODEL, ""))
    if analysis is None:
        return []
    try:
        per_usd = rates.tokens_per_usd(at=at)
    except rates.UnpricedModel:
        return []
    closed = gates.closed_models()
    seen = quotes.line_for(card=analysis, seconds=None, tokens_per_usd=per_usd)
    found = []
    for video in served.models():
        if closed & {(video.route, video.name), (video.route, catalog.ANALYSIS_MODEL)}:
            continue
        lines = {
            (resolution, seconds): quotes.line_for(
                card=cards[key], seconds=seconds, tokens_per_usd=per_usd
            )
            for resolution in catalog.RESOLUTIONS
            if (key := (video.api_type, video.name, resolution)) in cards
            for seconds in video.seconds
        }
        if lines:
            found.append(_offer(video=video, lines=lines, analysis=seen))
    return found


def default(*, offers: list[Offer]) -> tuple[Offer, int] | None:
    """The offer that is chosen unless somebody chooses, and its tokens; None without any."""
    shape = (catalog.DEFAULT_RESOLUTION, catalog.DEFAULT_SECONDS)
    first = next((offer for offer in offers if shape in offer.tokens), None)
    return (first, first.tokens[shape]) if first else None


def without_analysis(offer: Offer) -> Offer:
    """The same for a picture that has been looked at before: only the video is priced."""
    prices = {shape: Quote(lines=price.lines[1:]) for shape, price in offer.prices.items()}
    return replace(
        offer,
        analysis_tokens=0,
        tokens={shape: price.tokens for shape, price in prices.items()},
        prices=prices,
    )


@dataclass(frozen=True)
class Fit:
    """A video that the tokens left are enough for. `tokens`: the whole way, analysis included."""

    model: str
    label: str
    seconds: int
    resolution: str
    tokens: int


def fitting(*, offers: list[Offer], available_tokens: int, most: int) -> list[Fit]:
    """The cheapest video of each model that fits, the cheapest model first.

    Where shapes of a model cost the same, the one that stands first in the catalog.
    """
    cheapest = [
        Fit(offer.model, offer.label, seconds, resolution, tokens)
        for offer in offers
        for (resolution, seconds), tokens in [min(offer.tokens.items(), key=lambda item: item[1])]
    ]
    fits = [fit for fit in cheapest if fit.tokens <= available_tokens]
    return sorted(fits, key=lambda fit: fit.tokens)[:most]


def _offer(
    *, video: VideoModel, lines: Mapping[tuple[str, int], QuoteLine], analysis: QuoteLine
) -> Offer:
    prices = {shape: Quote(lines=(analysis, line)) for shape, line in lines.items()}
    return Offer(
        model=video.name,
        label=next(iter(lines.values())).label,
        analysis_tokens=analysis.tokens,
        tokens={shape: price.tokens for shape, price in prices.items()},
        prices=prices,
    )
