"""Answers to requests that went wrong: JSON under /api/, a page that helps elsewhere.

Each page says what happened, what became of tokens, and what to do next. Where the fault is ours
the page asks nobody anything: neither the database nor the session may be there to answer.
"""

import sys
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from structlog import contextvars

from shortsproject import api_errors

MEGABYTE = 1024 * 1024
SAFE = ("GET", "HEAD")
ASK_AGAIN_AFTER_SECONDS = 5
NOTHING_TAKEN = _("Nothing was started and no tokens were taken.")
# A connection can be lost after the last word was said, so that nobody knows whether it was heard.
PERHAPS_STARTED = _(
    "If you have just sent something, look among your videos before you send it again: it may have"
    " arrived. Tokens are only taken for work that was done."
)


@dataclass(frozen=True)
class Told:
    """What a page says, in order: what happened, what became of tokens, what to do."""

    status: int
    title: str | Promise
    happened: str | Promise
    tokens: str | Promise
    next: str | Promise


@csrf_exempt
def api_not_found(request: HttpRequest) -> JsonResponse:
    """Any path under /api/ that does not exist."""
    return api_errors.body(code="not_found", status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or out of date."""
    return _page(request, "csrf_failed", Told(
        403, _("This form has expired"),
        _("It was open for a long time, or you have logged in or out meanwhile."),
        _("Nothing was sent and no tokens were taken."),
        _("Go back, reload the page and try again."),
    ))  # fmt: skip


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that could not be read, or was too much to read."""
    if isinstance(exception, RequestDataTooBig):
        return _too_large(request)
    return _page(request, "invalid_parameter", Told(
        400, _("The request could not be read"),
        _("Part of it was missing, or was not what belongs there."), NOTHING_TAKEN,
        _("Go back, reload the page and try again."),
    ))  # fmt: skip


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that this user may not see."""
    return _page(request, "permission_denied", Told(
        403, _("This page is not for you"), _("Your account may not see it."), NOTHING_TAKEN,
        _("Log in with another account, or ask our staff if you should be able to see it."),
    ))  # fmt: skip


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that does not exist, or belongs to somebody else."""
    return _page(request, "not_found", Told(
        404, _("There is nothing here"),
        _("The address may be mistyped, or the video may have been deleted."), NOTHING_TAKEN,
        _("Look for it among your videos, or begin at the start."),
    ))  # fmt: skip


def not_allowed(request: HttpRequest, *, allowed: str) -> HttpResponse:
    """An address that is there, but not for this. `allowed`: for what, as a header says it."""
    response = _page(request, "method_not_allowed", Told(
        405, _("This address can't be opened like that"),
        _("It belongs to a button on another page. A reload or a bookmark leads nowhere."),
        NOTHING_TAKEN, _("Go to the page with the button and press it there."),
    ))  # fmt: skip
    response["Allow"] = allowed
    return response


def too_many_tries(request: HttpRequest) -> HttpResponse:
    """Somebody tries passwords, or sends mails, faster than people do."""
    return _page(request, "throttled", Told(
        429, _("Too many tries"),
        _("This was tried very often in a short time, so it is paused."), NOTHING_TAKEN,
        _("Please try again in a few minutes."),
    ))  # fmt: skip


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own mistake, or a database that is away."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return _unavailable(request)
    return _bare_page(request, "internal_error", Told(
        500, _("Something went wrong on our side"),
        _("We have noted what happened and look into it."), _of_tokens(request),
        _("Please try again in a moment. If it happens again, tell our staff this number:"),
    ))  # fmt: skip


def _unavailable(request: HttpRequest) -> HttpResponse:
    """Nothing can be looked up, and nothing can be started, until the database is back."""
    response = _bare_page(request, "metering_unavailable", Told(
        503, _("We can't look anything up right now"),
        _("Our database does not answer. Videos under way go on by themselves."),
        _of_tokens(request),
        _("Please try again in a moment. If it lasts, tell our staff this number:"),
    ))  # fmt: skip
    response["Retry-After"] = str(ASK_AGAIN_AFTER_SECONDS)
    return response


def _too_large(request: HttpRequest) -> HttpResponse:
    happened = _("What was sent is larger than this server takes; a picture may have %(most)s MB.")
    return _page(request, "body_too_large", Told(
        413, _("That is too much at once"),
        happened % {"most": settings.MAX_UPLOAD_BYTES // MEGABYTE}, NOTHING_TAKEN,
        _("Go back and send less, or a smaller picture."),
    ))  # fmt: skip


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _of_tokens(request: HttpRequest) -> str | Promise:
    return NOTHING_TAKEN if request.method in SAFE else PERHAPS_STARTED


def _page(request: HttpRequest, code: str, told: Told) -> HttpResponse:
    """With the navigation of the other pages; under /api/ only the code."""
    if _is_api(request):
        return api_errors.body(code=code, status=told.status)
    context = {"told": told, "frame": "base.html"}
    return render(request, "error.html", context, status=told.status)


def _bare_page(request: HttpRequest, code: str, told: Told) -> HttpResponse:
    """Without a request, no context processor is run: each might ask for what is away."""
    if _is_api(request):
        return api_errors.body(code=code, status=told.status)
    context: dict[str, Any] = {
        "told": told,
        "frame": "skeleton.html",
        "request_id": contextvars.get_contextvars().get("request_id"),
        "again": request.get_full_path() if request.method in SAFE else None,
    }
    return HttpResponse(render_to_string("error.html", context), status=told.status)
