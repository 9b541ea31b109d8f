"""The staff pages in a real browser, under the policy that says what they may load and run."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import User
from tests.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_a_limit_is_changed_without_a_word_from_the_policy(
    staff: User, alice: User, live_server: Any, page: Page
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))

    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=username]", "staff@example.org")
    page.fill("[name=password]", "correct horse")
    page.click("button[type=submit]")
    page.click("a[href='/admin/metering/tokenledger/']")
    page.click("#result_list a:has-text('alice@example.org')")
    page.click("a:has-text('Change limit')")
    page.fill("[name=tokens]", "12000")
    page.fill("[name=reason]", "a trial")
    page.click("button:has-text('Change limit')")

    expect(page.get_by_text("The limit of alice@example.org is now 12,000.")).to_be_visible()
    outside = [text for text in said if text.startswith("http") and live_server.url not in text]
    assert outside == []
    assert [text for text in said if "Content Security Policy" in text] == []
