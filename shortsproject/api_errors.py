"""The one table from a refusal to its HTTP status and body (RFC 9457, application/problem+json)."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from generation import gates, pictures
from generation.pipeline import start
from metering import ledger, queries, rates, spending

log = structlog.get_logger(__name__)

TITLES = {
    "invalid_parameter": _("Invalid parameter"),
    "invalid_image": _("Not a usable picture"),
    "image_too_large": _("Picture too large"),
    "unpriced_model": _("Model not available"),
    "not_authenticated": _("Not logged in"),
    "token_limit_exceeded": _("Token limit exceeded"),
    "account_suspended": _("Account suspended"),
    "csrf_failed": _("Form token missing or out of date"),
    "permission_denied": _("Not allowed"),
    "not_found": _("Not found"),
    "method_not_allowed": _("Method not allowed"),
    "not_acceptable": _("Answer format not available"),
    "idempotency_conflict": _("Idempotency key already used"),
    "model_closed": _("Model closed"),
    "body_too_large": _("Request body too large"),
    "unsupported_media_type": _("Body type not supported"),
    "too_many_in_flight": _("Too many videos under way"),
    "throttled": _("Too many requests"),
    "internal_error": _("Internal error"),
    "metering_unavailable": _("Metering unavailable"),
    "spending_paused": _("Spending paused"),
}

DETAILS = {
    "unpriced_model": _(
        "This model can't be had with these settings, so nothing was started and no tokens were"
        " taken. Choose another model or resolution."
    ),
    "not_authenticated": _("Send an API key as “Authorization: Bearer …”, or log in."),
    "account_suspended": _(
        "Your account is suspended, so nothing was started and no tokens were taken. Please"
        " contact our staff."
    ),
    "csrf_failed": _("The request carried no valid form token. Reload the page and try again."),
    "permission_denied": _("Your account may not do this."),
    "not_found": _("There is nothing at this address, or it is not yours."),
    "idempotency_conflict": _(
        "This Idempotency-Key was used before for a different request. Nothing was started; use a"
        " new key."
    ),
    "model_closed": _(
        "This model takes no new jobs at the moment, so nothing was started and no tokens were"
        " taken. Choose another model."
    ),
    "body_too_large": _("The request body is larger than this server takes. Nothing was started."),
    "internal_error": _("Something went wrong on our side. Please try again in a moment."),
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
    pictures.InvalidImage: 400,
    rates.UnpricedModel: 400,
    ledger.AccountSuspended: 403,
    start.IdempotencyConflict: 409,
    gates.ModelClosed: 409,
    ledger.MeteringUnavailable: 503,
    queries.NoLedger: 503,
    spending.SpendingPaused: 503,
}


def problem(error: Exception, context: dict[str, Any]) -> JsonResponse:
    """DRF's exception handler: every error under /api/ in one shape."""
    set_rollback()
    answer = _answer(error)
    for name, value in _headers(error).items():
        answer[name] = value
    return answer


def body(*, code: str, status: int, detail: object = "", **members: Any) -> JsonResponse:
    """A problem body (RFC 9457) with a stable `code`; `members` are further fields."""
    return JsonResponse(
        {
            "type": f"urn:shorts:problem:{code}",
            "title": str(TITLES[code]),
            "status": status,
            "code": code,
            "detail": str(detail or DETAILS.get(code, TITLES[code])),
            **members,
        },
        status=status,
        content_type="application/problem+json",
        json_dumps_params={"ensure_ascii": False},
    )


def _answer(error: Exception) -> JsonResponse:
    match error:
        case ledger.TokenLimitExceeded():
            return _over_limit(error)
        case ledger.TooManyInFlight():
            return body(
                code=error.code,
                status=429,
                detail=_(
                    "%(in_flight)s videos are under way and at most %(max_in_flight)s may be."
                    " Nothing was started; wait until one of them is done."
                )
                % {"in_flight": error.in_flight, "max_in_flight": error.max_in_flight},
                in_flight=error.in_flight,
                max_in_flight=error.max_in_flight,
            )
        case pictures.InvalidImage():
            return body(code=error.code, status=400, detail=error.message, reason=error.reason)
        case start.InvalidChoice():
            return body(
                code=error.code,
                status=400,
                detail=_("%(parameter)s must be one of: %(allowed)s.")
                % {
                    "parameter": error.parameter,
                    "allowed": ", ".join(map(str, error.allowed)),
                },
                parameter=error.parameter,
            )
        case OperationalError() | InterfaceError():
            return body(code="metering_unavailable", status=503)
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return body(code=getattr(error, "code", "metering_unavailable"), status=status)
    return _framework(error)


def _over_limit(error: ledger.TokenLimitExceeded) -> JsonResponse:
    return body(
        code=error.code,
        status=403,
        detail=_(
            "This video needs about %(estimated)s tokens; %(remaining)s remain, of which %(held)s"
            " are held for videos under way. Nothing was started and no tokens were taken. Choose"
            " a cheaper model, wait for the reset, or ask our staff for a higher limit."
        )
        % {
            "estimated": error.estimated_tokens,
            "remaining": error.remaining_tokens,
            "held": error.held_tokens,
        },
        estimated_tokens=error.estimated_tokens,
        remaining_tokens=error.remaining_tokens,
        held_tokens=error.held_tokens,
        limit_tokens=error.limit_tokens,
        resets_at=error.resets_at,
    )


def _framework(error: Exception) -> JsonResponse:
    """Errors that Django and DRF raise themselves."""
    match error:
        case drf.ValidationError():
            return body(
                code="invalid_parameter", status=400, detail=_first(error.detail),
                errors=error.detail,
            )  # fmt: skip
        case drf.ParseError():
            return body(code="invalid_parameter", status=400, detail=error.detail)
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return body(code="not_authenticated", status=401)
        case drf.PermissionDenied() if str(error.detail).startswith("CSRF"):
            return body(code="csrf_failed", status=403)
        case drf.PermissionDenied() | PermissionDenied():
            return body(code="permission_denied", status=403)
        case drf.NotFound() | Http404():
            return body(code="not_found", status=404)
        case drf.APIException():
            code = error.default_code if error.default_code in TITLES else "internal_error"
            return body(code=code, status=error.status_code, detail=error.detail)
    log.error("an API request failed", exc_info=error)
    return body(code="internal_error", status=500)


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if isinstance(error, drf.NotAuthenticated | drf.AuthenticationFailed):
        headers["WWW-Authenticate"] = "Bearer"
    wait = getattr(error, "wait", None)
    if isinstance(error, drf.Throttled) and wait:
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, ledger.MeteringUnavailable):
        headers["Retry-After"] = "5"
    return headers


def _first(detail: Any) -> str:
    """The first sentence of DRF's nested error lists, with the parameter that it is about."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return f"{name}: {_first(inner)}"
    return _first(detail[0]) if isinstance(detail, list) and detail else str(detail)
