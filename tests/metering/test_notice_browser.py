"""A notice is dismissed in a real browser, with and without JavaScript."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from metering.models import Notice
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SAID = "You have used 80% of your tokens"


@pytest.fixture
def told(alice: User, log_in: Callable[..., None]) -> User:
    """Alice, logged in, who has used 8,000 of her 10,000 tokens."""
    factories.charged(alice, 8_000, at=timezone.now())
    log_in(alice)
    return alice


def test_a_notice_goes_in_its_place_and_the_focus_stays_there(told: User, page: Page) -> None:
    page.goto("/usage?unit=usd")

    page.get_by_role("button", name="I have seen it").press("Enter")

    expect(page.get_by_role("heading", name=SAID)).to_have_count(0)
    expect(page.get_by_role("status")).to_be_focused()
    expect(page).to_have_url("/usage?unit=usd")
    assert not Notice.objects.filter(seen_at=None).exists()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_the_page_comes_back_without_the_notice(told: User, page: Page) -> None:
    page.goto("/usage?unit=usd")

    page.get_by_role("button", name="I have seen it").click()

    expect(page).to_have_url("/usage?unit=usd")
    expect(page.get_by_role("heading", name=SAID)).to_have_count(0)


def test_a_session_that_is_over_leads_to_the_log_in_and_back(told: User, page: Page) -> None:
    page.goto("/usage")
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="I have seen it").click()

    expect(page).to_have_url("/accounts/login/?next=%2Fusage")
