"""Why a video is not begun: the one table from a refusal to its code, HTTP status and sentence.

The form and the API answer from it alike. Every sentence says what happened and what to do next.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation import gates, pictures
from generation.pipeline import start
from metering import ledger, queries, rates, spending

TITLES = {
    "invalid_parameter": _("Invalid parameter"),
    "invalid_image": _("Not a usable picture"),
    "image_too_large": _("Picture too large"),
    "unpriced_model": _("Model not available"),
    "token_limit_exceeded": _("Token limit exceeded"),
    "account_suspended": _("Account suspended"),
    "idempotency_conflict": _("Idempotency key already used"),
    "model_closed": _("Model closed"),
    "too_many_in_flight": _("Too many videos under way"),
    "metering_unavailable": _("Metering unavailable"),
    "spending_paused": _("Spending paused"),
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
        "This Idempotency-Key was used before for a different request. Nothing was started; use a"
        " new key."
    ),
    "model_closed": _(
        "This model takes no new jobs at the moment, so nothing was started and no tokens were"
        " taken. Choose another model."
    ),
    "metering_unavailable": _(
        "The ledger can't be asked right now, so nothing was started and no tokens were taken."
        " Please try again in a moment."
    ),
    "spending_paused": _(
        "New videos are paused for today because the operator's daily budget is used up. Nothing"
        " was started and no tokens were taken. Please try again tomorrow."
    ),
}

STATUSES: dict[type[Exception], int] = {
    rates.UnpricedModel: 400,
    ledger.AccountSuspended: 403,
    start.IdempotencyConflict: 409,
    gates.ModelClosed: 409,
    ledger.MeteringUnavailable: 503,
    queries.NoLedger: 503,
    spending.SpendingPaused: 503,
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
        case start.InvalidChoice():
            return _invalid_choice(error)
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            code = getattr(error, "code", "metering_unavailable")
            return Refusal(code, status, SENTENCES[code])
    return None


def _over_limit(error: ledger.TokenLimitExceeded) -> Refusal:
    sentence = _(
        "This video needs about %(estimated)s tokens; %(remaining)s remain, of which %(held)s"
        " are held for videos under way. Nothing was started and no tokens were taken. Choose"
        " a cheaper model, wait for the reset, or ask our staff for a higher limit."
    ) % {
        "estimated": error.estimated_tokens,
        "remaining": error.remaining_tokens,
        "held": error.held_tokens,
    }
    figures = {
        "estimated_tokens": error.estimated_tokens,
        "remaining_tokens": error.remaining_tokens,
        "held_tokens": error.held_tokens,
        "limit_tokens": error.limit_tokens,
        "resets_at": error.resets_at,
    }
    return Refusal(error.code, 403, sentence, figures)


def _in_flight(error: ledger.TooManyInFlight) -> Refusal:
    figures = {"in_flight": error.in_flight, "max_in_flight": error.max_in_flight}
    sentence = _(
        "%(in_flight)s videos are under way and at most %(max_in_flight)s may be."
        " Nothing was started; wait until one of them is done."
    )
    return Refusal(error.code, 429, sentence % figures, figures)


def _invalid_choice(error: start.InvalidChoice) -> Refusal:
    sentence = _("%(parameter)s must be one of: %(allowed)s.") % {
        "parameter": error.parameter,
        "allowed": ", ".join(map(str, error.allowed)),
    }
    return Refusal(error.code, 400, sentence, {"parameter": error.parameter})
