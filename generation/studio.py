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
from generation import (
    catalog,
    choices,
    forms,
    intake,
    offers,
    pictures,
    queries,
    refusals,
    tiles,
)
from generation.models import Short
from generation.pipeline import again, start
from generation.refusals import Refusal
from metering import meter, pace, spending
from metering import queries as metering_queries

NEWEST = 8
# What a new form starts with: as in the newest video. Its words are not among it.
KEPT = ("model", "seconds", "resolution")
# Where the API's words do not fit a form.
SENTENCES = {
    "missing": _("No picture was chosen. Choose one picture, then send the form again."),
    "several": _("More than one picture was sent. Choose just one."),
    "idempotency_conflict": _(
        "This form has begun a video before; you find it among your videos. Nothing new was"
        " started. To make one more, send the form again."
    ),
}
OTHER_LENGTHS = _(
    "The chosen model makes videos of %(allowed)s seconds. Nothing was started and no tokens were"
    " taken; choose one of these."
)
# Refusals whose sentences say themselves that no tokens were taken.
TELL_OF_TOKENS = frozenset(
    {"token_limit_exceeded", "too_many_in_flight", *refusals.SENTENCES} - {"idempotency_conflict"}
)

# Refusals of the picture itself, which is then no good for another try.
OF_PICTURES = frozenset({pictures.InvalidImage.code, pictures.ImageTooLarge.code})


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
    if isinstance(error, start.InvalidChoice) and error.parameter == "seconds":
        lengths = ", ".join(map(str, error.allowed))
        return replace(found, sentence=OTHER_LENGTHS % {"allowed": lengths})
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
    """All that the studio shows: the form, prices, and the newest videos unless one is made again
    from `source`. `typed`: what was sent or preselected; `refusal`: of a form that was sent.

    Without a database there are no figures, but the form and what was typed are still shown.
    """
    figures: dict[str, Any] = {}
    typed = {**_options(source), **typed}
    try:
        shorts = [] if source else queries.newest(user=user, most=NEWEST)
        begun = {**_kept(shorts), **typed}
        live = prices(user=user, at=at, typed=begun, wish=_wish(typed), source=source)
        figures = {**(tiles.of(shorts=shorts, at=at) if shorts else {}), **live}
    except (OperationalError, InterfaceError, metering_queries.NoLedger) as error:
        refusal = refusal or refusals.of(error)
    return {
        "refusal": refusal,
        "tells_of_tokens": refusal is not None and _tells_of_tokens(refusal),
        "is_about_picture": refusal is not None and refusal.code in OF_PICTURES,
        "typed": typed,
        "again": source,
        "idempotency_key": _key(typed=typed, refusal=refusal),
        "wish_length": forms.WISH_LENGTH,
        "most_bytes": pictures.MAX_BYTES,
        "megabytes": pictures.MAX_BYTES // (1024 * 1024),
        **figures,
    }


def prices(
    *,
    user: User,
    at: datetime,
    typed: Mapping[str, str],
    wish: str | None,
    source: Short | None,
) -> dict[str, Any]:
    """What changes while the page is open: the meter, and the price of every choice, in five
    queries, seven for a short that is made again. No `wish` means another one than the `source`'s.
    """
    balance = metering_queries.balance(user=user, at=at)
    had = offers.in_force(at=at)
    analysed = _is_analysed(source=source, wish=wish)
    left_out = had[0].analysis_tokens if had and analysed else 0
    paused = spending.paused(at=at)
    return {
        "balance": balance,
        "meter": meter.of(balance=balance),
        "runs_out_on": pace.of(balance=balance, user=user, at=at),
        "paused": refusals.paused_now(pause=paused) if paused else "",
        "places_left": max(balance.max_in_flight - balance.in_flight, 0),
        "again": source,
        "left_out": left_out,
        **choices.of(
            had=[offers.without_analysis(offer) for offer in had] if left_out else had,
            typed=typed,
            available_tokens=balance.available_tokens,
        ),
    }


def landing(*, at: datetime, tokens_a_month: int) -> dict[str, Any]:
    """What somebody who is not logged in reads: what one ordinary video costs with each model, and
    how many of them the tokens of a new account are enough for."""
    had = offers.in_force(at=at)
    chosen = offers.default(offers=had)
    if chosen is None:
        return {}
    offer, tokens = chosen
    shape = (catalog.DEFAULT_RESOLUTION, catalog.DEFAULT_SECONDS)
    return {
        "label": offer.label,
        "tokens": tokens,
        "analysis_tokens": offer.analysis_tokens,
        "video_tokens": tokens - offer.analysis_tokens,
        "seconds": catalog.DEFAULT_SECONDS,
        "resolution": catalog.DEFAULT_RESOLUTION,
        "models": [
            {"label": one.label, "tokens": price, "a_month": tokens_a_month // price}
            for one in had
            if (price := one.tokens.get(shape))
        ],
    }


def _tells_of_tokens(refusal: Refusal) -> bool:
    """Whether its sentence says itself that no tokens were taken, as that of a choice does, too."""
    return refusal.code in TELL_OF_TOKENS or "parameter" in refusal.figures


def _key(*, typed: Mapping[str, str], refusal: Refusal | None) -> str:
    """A new key for each form shown, but for one whose outcome the database could not tell."""
    unclear = refusal is not None and refusal.code == "metering_unavailable"
    return (unclear and typed.get("idempotency_key")) or str(uuid4())


def _options(source: Short | None) -> Mapping[str, str]:
    """What the form of a short that is made again is filled with at first."""
    if source is None:
        return {}
    return {"prompt": source.wish, "aspect_ratio": source.aspect_ratio, **_kept([source])}


def _kept(shorts: Sequence[Short]) -> Mapping[str, str]:
    """The choices of the first of these shorts that a new form starts with."""
    return {name: str(getattr(short, name)) for short in shorts[:1] for name in KEPT}


def _wish(typed: Mapping[str, str]) -> str:
    return forms.WishField().to_python(typed.get("prompt", ""))


def _is_analysed(*, source: Short | None, wish: str | None) -> bool:
    """Whether the picture need not be looked at again."""
    if source is None or wish is None:
        return False
    return again.reusable(source=source, wish=wish) is not None
