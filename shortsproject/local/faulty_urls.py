"""The project's addresses, and some whose views go wrong in ways that ours should not.

For tests and pictures of the pages that say so.
"""

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from shortsproject import errors
from shortsproject.urls import (
    handler400,
    handler403,
    handler404,
    handler429,
    handler500,
    urlpatterns,
)

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]


def mistaken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("a mistake of ours")


def cut_off(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the server closed the connection unexpectedly")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


urlpatterns = [
    path("mistaken", mistaken),
    path("api/mistaken", mistaken),
    path("cut-off", cut_off),
    path("api/cut-off", cut_off),
    path("forbidden", forbidden),
    path("api/forbidden", forbidden),
    path("too-often", errors.too_many_tries),
    *urlpatterns,
]
