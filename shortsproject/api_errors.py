"""Errors under /api/ as problem bodies (RFC 9457, application/problem+json).

Refusals of a job come from the table in `generation/refusals.py`; here is what the framework adds.
"""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from generation import files, refusals
from metering import ledger, spending

log = structlog.get_logger(__name__)

TITLES = {
    **refusals.TITLES,
    "not_authenticated": _("Not logged in"),
    "csrf_failed": _("Form token missing or out of date"),
    "permission_denied": _("Not allowed"),
    "not_found": _("Not found"),
    "method_not_allowed": _("Method not allowed"),
    "not_acceptable": _("Answer format not available"),
    "body_too_large": _("Request body too large"),
    "unsupported_media_type": _("Body type not supported"),
    "throttled": _("Too many requests"),
    "internal_error": _("Internal error"),
}

DETAILS = {
    **refusals.SENTENCES,
    "not_authenticated": _("Send an API key as “Authorization: Bearer …”, or log in."),
    "csrf_failed": _("The request carried no valid form token. Reload the page and try again."),
    "permission_denied": _("Your account may not do this."),
    "not_found": _("There is nothing at this address, or it is not yours."),
    "body_too_large": _(
        "The request body is larger than this server takes, so nothing was started and no tokens"
        " were taken. Send less, or a smaller picture."
    ),
    "internal_error": _(
        "Something went wrong on our side. Please try again in a moment; an order that is sent"
        " again with the same Idempotency-Key is begun and paid for only once."
    ),
}
KEY_REFUSED = _(
    "This API key opens nothing: it is mistyped, has expired or was revoked, or its account is"
    " closed. Make a new one on your account page."
)
# What comes back by itself.
AWAY = (ledger.MeteringUnavailable, OperationalError, InterfaceError, files.Unavailable)
UNREADABLE = _(
    "The request has more files or fields than are read here, so nothing was started and no tokens"
    " were taken. Send only those that are asked for."
)


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
    refusal = refusals.of(error)
    if refusal is None:
        return _framework(error)
    return body(
        code=refusal.code, status=refusal.status, detail=refusal.sentence, **refusal.figures
    )


def _framework(error: Exception) -> JsonResponse:
    """Errors that Django and DRF raise themselves."""
    match error:
        case drf.ValidationError():
            return body(
                code="invalid_parameter", status=400, detail=_first(error.detail),
                parameter=next(iter(error.detail)), errors=error.detail,
            )  # fmt: skip
        case drf.ParseError():
            return body(code="invalid_parameter", status=400, detail=error.detail)
        case RequestDataTooBig():
            return body(code="body_too_large", status=413)
        case SuspiciousOperation():
            return body(code="invalid_parameter", status=400, detail=UNREADABLE)
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            tried = isinstance(error, drf.AuthenticationFailed)
            return body(code="not_authenticated", status=401, detail=KEY_REFUSED if tried else "")
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
    if isinstance(error, AWAY):
        headers["Retry-After"] = "5"
    if isinstance(error, ledger.TooManyInFlight):
        headers["Retry-After"] = "15"
    if isinstance(error, spending.SpendingPaused):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return headers


def _first(detail: Any) -> str:
    """The first sentence of DRF's nested error lists, with the parameter that it is about."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return f"{name}: {_first(inner)}"
    return _first(detail[0]) if isinstance(detail, list) and detail else str(detail)
