"""The staff pages in a real browser, under the policy that says what they may load and run."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_limit_is_changed_without_a_word_from_the_policy(
    staff: User, alice: User, page: Page
) -> None:
    page.goto("/admin/")
    page.fill("[name=login]", "staff@example.org")
    page.fill("[name=password]", "correct horse")
    page.get_by_role("main").get_by_role("button", name="Log in").click()

    page.click("a[href='/admin/metering/tokenledger/']")
    page.click("#result_list a:has-text('alice@example.org')")
    page.click("a:has-text('Change limit')")
    page.fill("[name=tokens]", "12000")
    page.fill("[name=reason]", "a trial")
    page.click("button:has-text('Change limit')")

    expect(page.get_by_text("The limit of alice@example.org is now 12,000.")).to_be_visible()
