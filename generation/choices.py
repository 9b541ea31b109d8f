"""The options of the studio's form, and the price of every way to combine them, as plain values.

Also what can't be had or does not fit is worked out, each with the nearest choice that does. So the
page can show any choice at once, without JavaScript, and no arithmetic is done in the browser.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation import catalog, offers, price_list
from generation.offers import Offer
from generation.pipeline import served
from generation.price_list import Price

SHAPES: Mapping[str, str | Promise] = {
    "": _("As the picture"),
    "16:9": _("Wide 16:9"),
    "9:16": _("Tall 9:16"),
}


@dataclass(frozen=True)
class Combination:
    """A model in one length and resolution, and what to take `instead` where it does not fit."""

    price: Price
    instead: Price | None
    chosen: bool


def of(
    *, had: list[Offer], typed: Mapping[str, str], available_tokens: int | None
) -> dict[str, Any]:
    """The options with the typed ones chosen, as far as they can be had, and all combinations.

    Models are numbered by their place in the catalog, so that a page that was made before one of
    them closed still means the same. `closed` are the numbers of those.
    """
    lengths = sorted({seconds for offer in had for _size, seconds in offer.prices})
    sizes = [
        size
        for size in catalog.RESOLUTIONS
        if any(size == known for offer in had for known, _length in offer.prices)
    ]
    chosen = _chosen(had=had, typed=typed, lengths=lengths, sizes=sizes)
    grid = _grid(had=had, lengths=lengths, sizes=sizes, chosen=chosen, left=available_tokens)
    model, seconds, resolution = chosen
    return {
        "models": [_model(offer, chosen=model, combined=grid[offer.model]) for offer in had],
        "closed": _closed(had),
        "seconds": [
            {"value": n, "chosen": n == seconds, "models": _takers(had, seconds=n)} for n in lengths
        ],
        "resolutions": [
            {"value": n, "chosen": n == resolution, "models": _takers(had, resolution=n)}
            for n in sizes
        ],
        "aspect_ratios": [
            {"value": value, "label": label, "chosen": value == typed.get("aspect_ratio", "")}
            for value, label in SHAPES.items()
        ],
    }


def _chosen(
    *, had: list[Offer], typed: Mapping[str, str], lengths: list[int], sizes: list[str]
) -> tuple[str, int, str]:
    """What was typed, each where it can still be had, else the usual."""
    usual = offers.default(offers=had)
    model, seconds = typed.get("model", ""), typed.get("seconds", "")
    resolution = typed.get("resolution", "")
    known = model in {offer.model for offer in had}
    return (
        model if known else (usual[0].model if usual else ""),
        int(seconds) if seconds in map(str, lengths) else catalog.DEFAULT_SECONDS,
        resolution if resolution in sizes else catalog.DEFAULT_RESOLUTION,
    )


def _grid(
    *,
    had: list[Offer],
    lengths: list[int],
    sizes: list[str],
    chosen: tuple[str, int, str],
    left: int | None,
) -> dict[str, list[Combination]]:
    """Every combination by model, the shortest first."""
    prices = price_list.to_be_had(had=had, available_tokens=left)
    grid: dict[str, list[Combination]] = {offer.model: [] for offer in had}
    for offer, seconds, size in product(had, lengths, sizes):
        price = price_list.price(offer=offer, shape=(size, seconds), available_tokens=left)
        grid[offer.model].append(
            Combination(
                price=price,
                instead=None if price.fits else price_list.nearest(asked=price, prices=prices),
                chosen=(offer.model, seconds, size) == chosen,
            )
        )
    return grid


def _model(offer: Offer, *, chosen: str, combined: list[Combination]) -> dict[str, Any]:
    taken = sorted({seconds for _size, seconds in offer.prices})
    return {
        "index": _index(offer.model),
        "value": offer.model,
        "label": offer.label,
        "chosen": offer.model == chosen,
        "combinations": combined,
        "rows": [[one.price for one in combined if one.price.seconds == n] for n in taken],
    }


def _closed(had: Iterable[Offer]) -> list[int]:
    """The numbers of the models that a page of before may show, and that take no job now."""
    open_now = {offer.model for offer in had}
    return [_index(model.name) for model in served.models() if model.name not in open_now]


def _takers(had: Iterable[Offer], *, seconds: int | None = None, resolution: str = "") -> str:
    """The numbers of the models that come in this length or resolution, with spaces between."""
    return " ".join(
        str(_index(offer.model))
        for offer in had
        if any(seconds == length or resolution == size for size, length in offer.prices)
    )


def _index(model: str) -> int:
    return [known.name for known in catalog.MODELS].index(model) + 1
