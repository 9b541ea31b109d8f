"""Answers to requests that went wrong: JSON under /api/, a page that helps elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from shortsproject import api_errors


@csrf_exempt
def api_not_found(request: HttpRequest) -> JsonResponse:
    """Any path under /api/ that does not exist."""
    return api_errors.body(code="not_found", status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or out of date."""
    if request.path.startswith("/api/"):
        return api_errors.body(code="csrf_failed", status=403)
    return _page(request, status=403, title=_("This form has expired"), detail=_(
        "Nothing was sent and no tokens were taken. Go back, reload the page and try again."
    ))  # fmt: skip


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that could not be read."""
    if request.path.startswith("/api/"):
        return api_errors.body(code="invalid_parameter", status=400)
    return _page(request, status=400, title=_("The request could not be read"), detail=_(
        "No tokens were taken. Go back and try again."
    ))  # fmt: skip


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that this user may not see."""
    return _page(request, status=403, title=_("This page is not for you"), detail=_(
        "Your account may not see it. Log in with another account, or go back."
    ))  # fmt: skip


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that does not exist, or belongs to somebody else."""
    if request.path.startswith("/api/"):
        return api_errors.body(code="not_found", status=404)
    return _page(request, status=404, title=_("There is nothing here"), detail=_(
        "The address may be mistyped, or the video may have been deleted."
    ))  # fmt: skip


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own mistake. The page asks nothing of the database."""
    if request.path.startswith("/api/"):
        return api_errors.body(code="internal_error", status=500)
    return _page(request, status=500, title=_("Something went wrong on our side"), detail=_(
        "Tokens are only taken for work that was done: your balance on the next page is right."
        " Please try again in a moment."
    ))  # fmt: skip


def _page(request: HttpRequest, **context: Any) -> HttpResponse:
    return render(request, "error.html", context, status=context["status"])
