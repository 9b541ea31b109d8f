"""What a choice costs before anything is spent, beside every other model. Tokens.

Nothing is written or held. `affordable` is how many such videos the tokens left are enough for,
None if they are unlimited.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from generation import catalog, gates, offers
from generation.offers import Offer
from generation.pipeline import start
from metering import queries
from metering.types import Balance, Quote


@dataclass(frozen=True)
class Price:
    """One choice. `quote` is None where the model does not come in this length and resolution."""

    model: str
    label: str
    seconds: int
    resolution: str
    quote: Quote | None
    available_tokens: int | None

    @property
    def tokens(self) -> int | None:
        """What one costs; None if it can't be had."""
        return self.quote.tokens if self.quote else None

    @property
    def fits(self) -> bool:
        """Whether the tokens left are enough for one."""
        return self.affordable is None or self.affordable > 0

    @property
    def affordable(self) -> int | None:
        """How many of them the tokens left are enough for."""
        if self.quote is None:
            return 0
        if self.available_tokens is None:
            return None
        return max(self.available_tokens, 0) // self.quote.tokens


@dataclass(frozen=True)
class PriceList:
    """The asked choice, every model in its length and resolution, and the nearest that fits."""

    asked: Price
    models: list[Price]
    nearest: Price | None
    balance: Balance


def of(*, user: User, given: Mapping[str, Any], at: datetime) -> PriceList:
    """The prices for a choice of `model`, `seconds`, `resolution`, `aspect_ratio`, each optional.

    Raises what start.run would for the choice itself: start.InvalidChoice, rates.UnpricedModel,
    gates.ModelClosed. A model that was not named is the first that can be had.
    """
    had = offers.in_force(at=at)
    balance = queries.balance(user=user, at=at)
    order = _order(given=given, had=had)
    asked = _asked(order=order, had=had, balance=balance, at=at)
    shape, left = (order.resolution, order.seconds), balance.available_tokens
    return PriceList(
        asked=asked,
        models=[price(offer=offer, shape=shape, available_tokens=left) for offer in had],
        nearest=nearest(asked=asked, prices=to_be_had(had=had, available_tokens=left)),
        balance=balance,
    )


def to_be_had(*, had: Iterable[Offer], available_tokens: int | None) -> list[Price]:
    """Every choice that there is, whether the tokens left are enough for it or not."""
    return [
        price(offer=offer, shape=shape, available_tokens=available_tokens)
        for offer in had
        for shape in offer.prices
    ]


def price(*, offer: Offer, shape: tuple[str, int], available_tokens: int | None) -> Price:
    """One model in one shape, which is a resolution and a length in seconds."""
    resolution, seconds = shape
    return Price(
        model=offer.model,
        label=offer.label,
        seconds=seconds,
        resolution=resolution,
        quote=offer.prices.get(shape),
        available_tokens=available_tokens,
    )


def nearest(*, asked: Price, prices: Iterable[Price]) -> Price | None:
    """The choice that fits and changes as little as can be of what was asked; None if nothing fits.

    Of those that change equally little, the dearest, which is the closest to it. Where what was
    asked has no price to be close to, the same model goes first, then the closest length.
    """

    def distance(price: Price) -> tuple[int, ...]:
        other_model = price.model != asked.model
        other_length = price.seconds != asked.seconds
        changed = other_model + other_length + (price.resolution != asked.resolution)
        dear = -(price.tokens or 0)
        if asked.quote is not None:
            return changed, dear
        return changed, other_model, abs(price.seconds - asked.seconds), dear

    return min((price for price in prices if price.fits), key=distance, default=None)


def _order(*, given: Mapping[str, Any], had: list[Offer]) -> start.Order:
    usual = offers.default(offers=had)
    return start.Order(
        model=given.get("model") or (usual[0].model if usual else catalog.DEFAULT_MODEL),
        seconds=given["seconds"],
        resolution=given["resolution"],
        aspect_ratio=given.get("aspect_ratio") or "",
    )


def _asked(*, order: start.Order, had: list[Offer], balance: Balance, at: datetime) -> Price:
    """The asked choice at the price that an order would get, refused as an order would be."""
    quote = start.quote(order=order, at=at)
    video = catalog.find(order.model)
    route = video.route if video else ""
    gates.check_open(route=route, models=[catalog.ANALYSIS_MODEL, order.model])
    return Price(
        model=order.model,
        label=quote.lines[-1].label,
        seconds=order.seconds,
        resolution=order.resolution,
        quote=quote,
        available_tokens=balance.available_tokens,
    )
