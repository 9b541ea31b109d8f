"""Why a video is not begun: the one table from a refusal to its code, HTTP status and sentence.

The form and the API answer from it alike. Every sentence says what happened and what to do next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation import files, gates, offers, pictures
from generation.pipeline import again, cancel, start
from metering import ledger, queries, rates, spending

MOST_FITS = 3

TITLES = {
    "invalid_parameter": _("Value not accepted"),
    "invalid_image": _("Not a usable picture"),
    "image_too_large": _("Picture too large"),
    "unpriced_model": _("Model not available"),
    "token_limit_exceeded": _("Token limit exceeded"),
    "account_suspended": _("Account suspended"),
    "idempotency_conflict": _("Already used for another order"),
    "model_closed": _("Model closed"),
    "too_many_in_flight": _("Too many videos under way"),
    "metering_unavailable": _("Tokens can't be checked right now"),
    "storage_unavailable": _("Files can't be reached right now"),
    "spending_paused": _("New videos are paused"),
    "email_unconfirmed": _("E-mail address not confirmed"),
    "not_finished": _("Video still under way"),
    "not_cancelable": _("Too late to cancel"),
}

SENTENCES = {
    "unpriced_model": _(
        "This model can't be had with these settings, so nothing was started and no tokens were"
        " taken. Choose another model or resolution."
    ),
    "account_suspended": _(
        "Your account is suspended, so nothing was started and no tokens were taken. Please"
        " contact our staff."
    ),
    "idempotency_conflict": _(
        "This Idempotency-Key was used before for a different request, so nothing was started and"
        " no tokens were taken. Use a new key."
    ),
    "model_closed": _(
        "This model takes no new jobs at the moment, so nothing was started and no tokens were"
        " taken. Choose another model."
    ),
    "metering_unavailable": _(
        "Your tokens can't be checked right now, so nothing was started and no tokens were taken."
        " Please try again in a moment."
    ),
    "storage_unavailable": _(
        "Our file storage does not answer right now, so nothing was started and no tokens were"
        " taken. Please try again in a moment."
    ),
    "spending_paused": _(
        "New videos are paused for today because the operator's daily budget is used up. Nothing"
        " was started and no tokens were taken. Please try again tomorrow."
    ),
    "email_unconfirmed": _(
        "Your e-mail address is not confirmed yet, so nothing was started and no tokens were taken."
        " Open the link in the mail that we sent you, then try again."
    ),
    "not_finished": _(
        "This video is still under way, so it can't be made again yet. Nothing was started and no"
        " tokens were taken. Please try again once it has ended."
    ),
    "not_cancelable": _(
        "This video can't be canceled any more: it is with the renderer, or it has ended. Nothing"
        " was changed, and its tokens stay as they are. You can still delete it."
    ),
}
# Where a code alone does not say what happened.
SPECIAL: dict[type[Exception], Promise] = {
    start.OutcomeUnknown: _(
        "The database went away at the last moment, so we can't tell yet whether your video was"
        " begun. Look among your videos in a moment. Sending the same order again is safe: one"
        " form, or one Idempotency-Key, makes one video and is paid once."
    ),
}
PAUSED_BY_STAFF = _(
    "New videos are paused by our staff: %(reason)s. Nothing was started and no tokens were taken."
    " Please try again later; it is worth asking every few minutes."
)

# What the studio says before anything is ordered.
PAUSED_TODAY_NOW = _(
    "New videos are paused for today because the operator's daily budget is used up. Please come"
    " back tomorrow."
)
PAUSED_BY_STAFF_NOW = _("New videos are paused by our staff: %(reason)s. Please come back later.")

STATUSES: dict[type[Exception], int] = {
    rates.UnpricedModel: 400,
    ledger.AccountSuspended: 403,
    start.IdempotencyConflict: 409,
    gates.ModelClosed: 409,
    ledger.MeteringUnavailable: 503,
    files.Unavailable: 503,
    queries.NoLedger: 503,
    OperationalError: 503,
    InterfaceError: 503,
}


@dataclass(frozen=True)
class Refusal:
    """One "no": a stable `code`, the HTTP `status`, and the sentence in the active language.

    `figures` are the numbers behind the sentence, by the names they have in the API.
    """

    code: str
    status: int
    sentence: str | Promise
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str | Promise:
        """A few words for it."""
        return TITLES[self.code]


def of(error: Exception) -> Refusal | None:
    """The refusal that an exception stands for; None if it is no refusal but a fault."""
    match error:
        case ledger.TokenLimitExceeded():
            return _over_limit(error)
        case ledger.TooManyInFlight():
            return _in_flight(error)
        case pictures.InvalidImage():
            return Refusal(error.code, 400, error.message, {"reason": error.reason})
        case spending.SpendingPaused():
            return _paused(error)
        case start.EmailUnconfirmed():
            where = {"confirm_url": reverse("account_email")}
            return Refusal(error.code, 403, SENTENCES[error.code], where)
        case start.InvalidChoice():
            return _invalid_choice(error)
        case again.NotFinished() | cancel.NotCancelable():
            return Refusal(error.code, 409, SENTENCES[error.code], {"state": error.state})
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            code = getattr(error, "code", "metering_unavailable")
            return Refusal(code, status, SPECIAL.get(type(error), SENTENCES[code]))
    return None


def paused_now(*, pause: spending.SpendingPaused) -> str | Promise:
    """The sentence about a brake that is on, for a page on which nothing was ordered yet."""
    if pause.kind == spending.STAFF:
        return PAUSED_BY_STAFF_NOW % {"reason": pause.reason.rstrip(".")}
    return PAUSED_TODAY_NOW


def _over_limit(error: ledger.TokenLimitExceeded) -> Refusal:
    fits = _fits(error)
    sentence = _(
        "This video needs about %(estimated)s tokens; %(remaining)s remain, of which %(held)s"
        " are held for videos under way. Nothing was started and no tokens were taken."
    ) % {
        "estimated": _number(error.estimated_tokens),
        "remaining": _number(error.remaining_tokens),
        "held": _number(error.held_tokens),
    }
    figures = {
        "estimated_tokens": error.estimated_tokens,
        "remaining_tokens": error.remaining_tokens,
        "held_tokens": error.held_tokens,
        "limit_tokens": error.limit_tokens,
        "resets_at": error.resets_at,
        "fits": [
            {name: getattr(fit, name) for name in ("model", "seconds", "resolution", "tokens")}
            for fit in fits
        ],
    }
    helps = " ".join(str(part) for part in (sentence, *_what_helps(error, fits)))
    return Refusal(error.code, 403, helps, figures)


def _fits(error: ledger.TokenLimitExceeded) -> list[offers.Fit]:
    """What could be had instead; nothing if that can't be asked either."""
    try:
        return offers.fitting(
            offers=offers.in_force(at=error.at),
            available_tokens=error.remaining_tokens - error.held_tokens,
            most=MOST_FITS,
        )
    except (OperationalError, InterfaceError):
        return []


def _what_helps(
    error: ledger.TokenLimitExceeded, fits: list[offers.Fit]
) -> Iterator[str | Promise]:
    """A cheaper video, the reset where it would help, and staff."""
    if fits:
        yield _("%(model)s with %(seconds)s s in %(resolution)s still fits: %(tokens)s tokens.") % {
            "model": fits[0].label,
            "seconds": fits[0].seconds,
            "resolution": fits[0].resolution,
            "tokens": _number(fits[0].tokens),
        }
    else:
        yield _("No other video fits either.")
    if error.resets_at and error.estimated_tokens <= error.limit_tokens:
        local = timezone.localtime(error.resets_at)
        yield _("Your tokens are renewed on %(when)s.") % {
            "when": f"{formats.date_format(local, 'DATE_FORMAT')}, {local:%H:%M %Z}"
        }
    yield _("For a higher limit, please ask our staff.")


def _number(tokens: int) -> str:
    return formats.number_format(tokens, use_l10n=True, force_grouping=True)


def _in_flight(error: ledger.TooManyInFlight) -> Refusal:
    figures = {"in_flight": error.in_flight, "max_in_flight": error.max_in_flight}
    sentence = _(
        "Videos under way: %(in_flight)s, and at most %(max_in_flight)s may be."
        " Nothing was started and no tokens were taken; wait until one of them is done, or ask our"
        " staff for more at once."
    )
    return Refusal(error.code, 429, sentence % figures, figures)


def _paused(error: spending.SpendingPaused) -> Refusal:
    sentence: str | Promise = SENTENCES[error.code]
    if error.kind == spending.STAFF:
        sentence = PAUSED_BY_STAFF % {"reason": error.reason.rstrip(".")}
    return Refusal(error.code, 503, sentence, {"retry_at": error.retry_at})


def _invalid_choice(error: start.InvalidChoice) -> Refusal:
    sentence = _(
        "%(parameter)s must be one of: %(allowed)s. Nothing was started and no tokens were taken."
    ) % {
        "parameter": error.parameter,
        "allowed": ", ".join(map(str, error.allowed)),
    }
    return Refusal(error.code, 400, sentence, {"parameter": error.parameter})
