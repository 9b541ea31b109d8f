"""/api/docs: the endpoints to read and to try, with nothing from another host."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import User
from tests.browser import chromium

QUOTE = "#operations-shorts-quoteShort"


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def policy(path: str) -> list[str]:
    return Client().get(path)["Content-Security-Policy"].split("; ")


def test_the_page_is_for_everybody_and_leads_to_the_description(db: None) -> None:
    response = Client().get("/api/docs")

    assert response.status_code == 200
    assert 'href="/api/schema"' in response.content.decode()


def test_every_page_leads_to_it(db: None) -> None:
    assert 'href="/api/docs"' in Client().get("/accounts/login/").content.decode()


def test_it_speaks_korean(db: None) -> None:
    response = Client().get("/api/docs", headers={"Accept-Language": "ko"})

    assert "프로그램용 명세" in response.content.decode()


def test_only_its_styles_are_let_loose(db: None) -> None:
    looser = {"style-src 'self'": "style-src 'self' 'unsafe-inline'"}

    assert sorted(policy("/api/docs")) == sorted(
        looser.get(part, part) for part in policy("/accounts/login/")
    )
    assert "style-src 'self'" in policy("/accounts/login/")


def test_it_is_only_read(db: None) -> None:
    assert Client().post("/api/docs").status_code == 405


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_price_is_asked_for_in_the_page_of_a_logged_in_user(
    alice: User, live_server: Any, page: Page, width: int
) -> None:
    said: list[str] = []
    page.set_viewport_size({"width": width, "height": 844})
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto(f"{live_server.url}/accounts/login/?next=/api/docs")
    page.fill("[name=login]", "alice@example.org")
    page.fill("[name=password]", "correct horse")
    page.click("main button[type=submit]")

    page.click(f"{QUOTE} .opblock-summary-control")
    page.click(f"{QUOTE} .try-out__btn")
    page.click(f"{QUOTE} .execute")

    expect(
        page.locator(f"{QUOTE} .live-responses-table tr.response .response-col_status")
    ).to_have_text("200")
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    assert [text for text in said if not text.startswith((live_server.url, "data:"))] == []
    assert wide == width
