"""Whatever addresses the admin has, each for the first row that it is about."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from accounts import keys
from accounts.models import ApiKey, User

# The key of an API key is its digest, so it has no page of its own.
NO_PAGE = "accounts_apikey_change"


def of(user: User, *, without: tuple[str, ...]) -> list[str]:
    """The addresses of all rows' pages and acts, but for those whose names end so."""
    request = HttpRequest()
    request.user = user
    found = (_pages(pages, request, without) for pages in admin.site._registry.values())
    return [path for paths in found for path in paths]


def _pages(pages: Any, request: HttpRequest, without: tuple[str, ...]) -> Iterator[str]:
    row = pages.model.objects.order_by("pk").first()
    handle = keys.handle_of(ApiKey.objects.get())
    for one in pages.get_urls():
        name = str(one.name)
        is_page = one.name and name != NO_PAGE and not name.endswith(without)
        if is_page and (not name.endswith("_add") or pages.has_add_permission(request)):
            given = {"object_id": row.pk, "id": row.pk, "handle": handle}
            yield reverse(
                f"admin:{name}", kwargs={key: given[key] for key in one.pattern.converters}
            )
