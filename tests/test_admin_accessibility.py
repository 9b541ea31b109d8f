"""The staff pages in a real browser: whatever addresses the admin has, axe-core finds nothing that
is ours to mend, and nothing scrolls sideways.

A page is looked at wide and light or narrow and dark, in turn. What django-unfold and a script of
Django's bring along is allowed by rule and element, and no more.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from accounts import keys
from accounts.models import ApiKey, User
from generation.models import State
from tests import axe, factories
from tests.browser import Complaints
from tests.generation import desk_rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Rule, part of the element's path, and why it stays.
ALLOWED = (
    ("landmark-unique", "simplebar", "django-unfold's script names all areas that scroll alike"),
    ("aria-prohibited-attr", "search-label-icon", "Django's script for choosing several writes it"),
)
# Pages that are Django's alone, and addresses that only lead to another page.
OTHERS = ("_delete", "_history", "_copy", "_change_budgets")
# The key of an API key is its digest, so it has no page of its own.
NO_PAGE = "accounts_apikey_change"
QUEUES = ("/admin/generation/short/?needs=any", "/admin/metering/hold/?state__exact=open&o=0")
WIDE, NARROW = (1280, "light"), (390, "dark")


@pytest.fixture
def paths(alice: User, staff: User) -> list[str]:
    """The first page, the queues, and the pages of a row of every kind and of every act."""
    desk_rows.of_each_kind(alice)
    factories.short(alice, State.SUBMIT_UNKNOWN)
    factories.hold(alice, at=timezone.now())
    TOTP.activate(alice, generate_totp_secret())
    request = HttpRequest()
    request.user = staff
    found = [path for pages in admin.site._registry.values() for path in _pages(pages, request)]
    return [reverse("admin:index"), reverse("admin:password_change"), *QUEUES, *found]


def _pages(pages: Any, request: HttpRequest) -> Iterator[str]:
    row = pages.model.objects.order_by("pk").first()
    handle = keys.handle_of(ApiKey.objects.get())
    for one in pages.get_urls():
        name = str(one.name)
        is_page = one.name and name != NO_PAGE and not name.endswith(OTHERS)
        if is_page and (not name.endswith("_add") or pages.has_add_permission(request)):
            given = {"object_id": row.pk, "id": row.pk, "handle": handle}
            yield reverse(
                f"admin:{name}", kwargs={key: given[key] for key in one.pattern.converters}
            )


def objections(page: Page, paths: list[str]) -> list[str]:
    """What is wrong with these pages, but for what is allowed."""
    found = []
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        if answer.status != 200:
            found.append(f"{path}: {answer.status}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{path}: scrolls sideways")
        found += [f"{path}: {one}" for one in axe.objections(page) if not _is_allowed(one)]
    return found


def _is_allowed(one: axe.Objection) -> bool:
    return any(one.rule == rule and part in one.element for rule, part, _why in ALLOWED)


@pytest.mark.parametrize(("look", "turn"), [(WIDE, 0), (NARROW, 1)], ids=["wide", "narrow"])
def test_no_staff_are_shut_out(
    look: tuple[int, str], turn: int, paths: list[str], staff: User, complaints: Complaints,
    new_context: Callable[..., BrowserContext], log_in: Callable[..., None],
) -> None:  # fmt: skip
    width, theme = look
    complaints.expect("should have autocomplete attributes")
    desk = new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    log_in(staff, visitor=desk)

    found = objections(desk.new_page(), paths[turn::2])

    assert found == []


def test_a_fault_would_be_found(staff: User, page: Page, log_in: Callable[..., None]) -> None:
    log_in(staff)
    page.goto("/admin/")
    page.evaluate("document.querySelector('[role=main]').role = 'none'")

    assert "landmark-one-main" in {one.rule for one in axe.objections(page)}
