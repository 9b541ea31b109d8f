"""What every answer carries, and what Django leaves without a page."""

import re
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import resolve_url
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect
from structlog import contextvars

from shortsproject import errors

Answer = Callable[[HttpRequest], HttpResponse]

REQUEST_ID = "X-Request-ID"
# What may come in as an id: enough for every kind in use, and nothing that could break a log line.
KNOWN_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
# Things that no page here asks a browser for.
NOT_USED = ("accelerometer", "camera", "geolocation", "gyroscope", "microphone", "payment", "usb")


class RequestIdMiddleware:
    """Gives each request an id, the one that a proxy before us gave it if there is one: it stands
    in every log line of the request, in the answer's header, and on the page of a fault of ours."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if KNOWN_ID.fullmatch(given) else uuid4().hex
        # Kept until the thread's next request: Django logs answers of 400 and more after this.
        contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response[REQUEST_ID] = request_id
        response.headers.setdefault(
            "Permissions-Policy", ", ".join(f"{name}=()" for name in NOT_USED)
        )
        return response


class ApiSlashMiddleware:
    """Under /api/ a slash at the end changes nothing. A redirect would: some clients drop the key,
    or the body, on the way."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            request.path_info = request.path_info.removesuffix("/")
            request.path = request.path.removesuffix("/")
        return self.get_response(request)


class NoPageMiddleware:
    """Answers that would be empty, or would be put where they do not belong."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return errors.not_allowed(request, allowed=response["Allow"])
        if "HX-Request" in request.headers and _leads_to_log_in(response):
            # Else htmx would follow, and put the log-in page into a part of this one.
            return HttpResponseClientRedirect(_log_in_and_back(request))
        return response


def _leads_to_log_in(response: HttpResponse) -> bool:
    log_in: str = resolve_url(settings.LOGIN_URL)
    return response.status_code == 302 and response["Location"].partition("?")[0] == log_in


def _log_in_and_back(request: HttpRequest) -> str:
    """The log-in page, and then the page that the part belongs to."""
    details = getattr(request, "htmx", None)
    page = details.current_url_abs_path if details else None
    return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': page or '/'})}"
