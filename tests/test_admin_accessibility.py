"""The staff pages in a real browser: whatever addresses the admin has, axe-core finds nothing that
is ours to mend, and nothing scrolls sideways.

A page is looked at wide and light or narrow and dark, in turn. What django-unfold and a script of
Django's bring along is allowed by rule and element, and no more.
"""

from collections.abc import Callable

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from accounts.models import User
from generation.models import State
from tests import admin_paths, axe, factories
from tests.browser import Complaints
from tests.generation import desk_rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Rule, part of the element's path, and why it stays.
ALLOWED = (
    ("landmark-unique", "simplebar", "django-unfold's script names all areas that scroll alike"),
    ("aria-prohibited-attr", "search-label-icon", "Django's script for choosing several writes it"),
)
# Pages that are Django's alone, and addresses that lead to another page or to a file.
OTHERS = ("_delete", "_history", "_copy", "_change_budgets", "_file")
QUEUES = ("/admin/generation/short/?needs=any", "/admin/metering/hold/?live=any")
WIDE, NARROW = (1280, "light"), (390, "dark")


@pytest.fixture
def paths(alice: User, staff: User) -> list[str]:
    """The first page, the queues, and the pages of a row of every kind and of every act."""
    desk_rows.of_each_kind(alice)
    factories.short(alice, State.SUBMIT_UNKNOWN)
    factories.hold(alice, at=timezone.now())
    TOTP.activate(alice, generate_totp_secret())
    found = admin_paths.of(staff, without=OTHERS)
    return [reverse("admin:index"), reverse("admin:password_change"), *QUEUES, *found]


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
