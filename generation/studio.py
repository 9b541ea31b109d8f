"""The studio: begin a short from the web form, and everything its page shows as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation import catalog, forms, intake, offers, pictures, queries, refusals
from generation.models import Short, State
from generation.offers import Offer
from generation.pipeline import again, start
from generation.refusals import Refusal
from metering import meter, notices, pace, spending
from metering import queries as metering_queries
from metering.types import Balance

NEWEST = 12
TONES = {
    State.SUCCEEDED: "good",
    State.FILTERED: "bad",
    State.FAILED: "bad",
    State.LOST: "bad",
    State.CANCELED: "quiet",
    State.SUBMIT_UNKNOWN: "waiting",
}
SHAPES = {"": _("As the picture"), **{shape: shape for shape in catalog.ASPECT_RATIOS}}
# Where the API's words do not fit a form.
SENTENCES = {
    "missing": _("No picture was chosen. Choose one picture, then send the form again."),
    "several": _("More than one picture was sent. Choose just one."),
    "idempotency_conflict": _(
        "This form was already used for another video, so nothing new was started. Choose the"
        " picture and send this new form."
    ),
}
# Refusals whose sentences say themselves that no tokens were taken.
TELL_OF_TOKENS = frozenset(
    {"token_limit_exceeded", "too_many_in_flight", *refusals.SENTENCES} - {"idempotency_conflict"}
)


def begin(
    *,
    user: User,
    uploads: Sequence[Any],
    given: Mapping[str, Any],
    at: datetime,
    source: Short | None = None,
) -> Short:
    """Begin the short that a form asks for; a form sent twice begins one. With a `source` it is
    made from that one's picture.

    Raises pictures.InvalidImage and whatever start.run or again.run refuses with.
    """
    if source is not None:
        order = intake.order_again(source=source, given=given)
        return again.run(user=user, source=source, order=order, at=at).short
    if len(uploads) != 1:
        raise pictures.InvalidImage("several" if uploads else "missing")
    upload = uploads[0]
    order = intake.order(picture=upload, given=given)
    started = start.repeated(user=user, order=order) or start.run(
        user=user,
        picture=pictures.prepare(upload=upload, size_bytes=upload.size),
        order=order,
        at=at,
    )
    return started.short


def refusal(error: Exception) -> Refusal | None:
    """Why no short was begun, in words that fit a form; None for a fault of ours."""
    if isinstance(error, forms.FormTooLarge):
        return Refusal(error.code, 413, error.message)
    if isinstance(error, ValidationError):
        return Refusal("invalid_parameter", 400, error.messages[0])
    found = refusals.of(error)
    if found is None:
        return None
    own = SENTENCES.get(found.figures.get("reason", found.code))
    return replace(found, sentence=own) if own else found


def page(
    *,
    user: User,
    at: datetime,
    typed: Mapping[str, str],
    refusal: Refusal | None,
    source: Short | None = None,
) -> dict[str, Any]:
    """All that the studio shows, in seven queries, nine for a short that is made again from
    `source`. `typed` and `refusal`: of a form that was sent.

    Without a database there are no figures, but the form and what was typed are still shown.
    """
    figures: dict[str, Any] = {}
    typed = typed or _options(source)
    try:
        figures = _figures(user=user, at=at, typed=typed, source=source)
    except (OperationalError, InterfaceError, metering_queries.NoLedger) as error:
        refusal = refusal or refusals.of(error)
    return {
        "refusal": refusal,
        "tells_of_tokens": refusal is not None and refusal.code in TELL_OF_TOKENS,
        "typed": typed,
        "again": source,
        "idempotency_key": _key(typed=typed, refusal=refusal),
        "wish_length": forms.WISH_LENGTH,
        "megabytes": pictures.MAX_BYTES // (1024 * 1024),
        **figures,
    }


def _figures(
    *, user: User, at: datetime, typed: Mapping[str, str], source: Short | None
) -> dict[str, Any]:
    """What only the database knows: figures, prices, the newest videos."""
    balance = metering_queries.balance(user=user, at=at)
    had = offers.in_force(at=at)
    left_out = _left_out(source=source, typed=typed, had=had)
    paused = spending.paused(at=at)
    return {
        "balance": balance,
        "meter": meter.of(balance=balance),
        "runs_out_on": pace.of(balance=balance, user=user, at=at),
        "notice": notices.to_show(user=user, balance=balance),
        "paused": refusals.paused_now(pause=paused) if paused else "",
        "places_left": max(balance.max_in_flight - balance.in_flight, 0),
        "shorts": [_tile(short) for short in queries.newest(user=user, most=NEWEST)],
        "left_out": left_out,
        **_choices(had=_without(had, tokens=left_out), typed=typed, balance=balance),
    }


def landing(*, at: datetime) -> dict[str, Any]:
    """What somebody who is not logged in reads: the price of one ordinary video."""
    chosen = offers.default(offers=offers.in_force(at=at))
    if chosen is None:
        return {}
    offer, tokens = chosen
    return {
        "label": offer.label,
        "tokens": tokens,
        "analysis_tokens": offer.analysis_tokens,
        "video_tokens": tokens - offer.analysis_tokens,
        "seconds": catalog.DEFAULT_SECONDS,
        "resolution": catalog.DEFAULT_RESOLUTION,
    }


def _key(*, typed: Mapping[str, str], refusal: Refusal | None) -> str:
    """A new key for each form shown, but for one whose outcome the database could not tell."""
    unclear = refusal is not None and refusal.code == "metering_unavailable"
    return (unclear and typed.get("idempotency_key")) or str(uuid4())


def _options(source: Short | None) -> Mapping[str, str]:
    """What a form is filled with at first."""
    if source is None:
        return {}
    return {
        "prompt": source.wish,
        "model": source.model,
        "seconds": str(source.seconds),
        "resolution": source.resolution,
        "aspect_ratio": source.aspect_ratio,
    }


def _left_out(*, source: Short | None, typed: Mapping[str, str], had: list[Offer]) -> int:
    """The tokens of an analysis that need not be made again; 0 if it has to be made."""
    if source is None or not had:
        return 0
    analysis = again.reusable(
        source=source,
        wish=forms.WishField().to_python(typed.get("prompt", "")),
        aspect_ratio=typed.get("aspect_ratio", ""),
    )
    return had[0].analysis_tokens if analysis else 0


def _without(had: list[Offer], *, tokens: int) -> list[Offer]:
    """The offers at a price that is lower by that many tokens."""
    return [
        replace(offer, tokens={shape: price - tokens for shape, price in offer.tokens.items()})
        for offer in had
    ]


def _choices(*, had: list[Offer], typed: Mapping[str, str], balance: Balance) -> dict[str, Any]:
    """The options of the form, and the price of each way to combine them."""
    usual = offers.default(offers=had)
    shapes = [shape for offer in had for shape in offer.tokens]
    lengths = [str(length) for length in sorted({length for _, length in shapes})]
    sizes = [size for size in catalog.RESOLUTIONS if any(size == known for known, _ in shapes)]
    resolution = _chosen(typed.get("resolution"), sizes, catalog.DEFAULT_RESOLUTION)
    seconds = _chosen(typed.get("seconds"), lengths, str(catalog.DEFAULT_SECONDS))
    model = _chosen(
        typed.get("model"), [offer.model for offer in had], usual[0].model if usual else ""
    )
    return {
        "models": [
            {
                "index": index,
                "value": offer.model,
                "label": offer.label,
                "chosen": offer.model == model,
                "price": _price(offer, resolution, int(seconds), balance),
                "rows": [
                    [_price(offer, size, int(length), balance) for size in sizes]
                    for length in lengths
                    if any(taken == int(length) for _size, taken in offer.tokens)
                ],
            }
            for index, offer in enumerate(had, start=1)
        ],
        "seconds": [{"value": n, "chosen": n == seconds} for n in lengths],
        "resolutions": [{"value": size, "chosen": size == resolution} for size in sizes],
        "aspect_ratios": [
            {"value": value, "label": label, "chosen": value == typed.get("aspect_ratio", "")}
            for value, label in SHAPES.items()
        ],
    }


def _chosen(value: str | None, options: Sequence[str], default: str) -> str:
    """What was chosen, if it can still be had."""
    return value if value in options and value is not None else default


def _price(offer: Offer, resolution: str, seconds: int, balance: Balance) -> dict[str, Any]:
    """What one combination costs, and how many such videos the tokens left are enough for."""
    tokens = offer.tokens.get((resolution, seconds))
    left = balance.available_tokens
    return {
        "resolution": resolution,
        "seconds": seconds,
        "tokens": tokens,
        "fits": tokens is not None and (left is None or tokens <= left),
        "times": max(left, 0) // tokens if tokens and left is not None else None,
    }


def _tile(short: Short) -> dict[str, Any]:
    """One of the newest shorts."""
    return {
        "id": short.pk,
        "state": State(short.state).label,
        "tone": TONES.get(State(short.state), "moving"),
        "wish": short.wish,
        "created_at": short.created_at,
        "width": short.picture_width,
        "height": short.picture_height,
    }
