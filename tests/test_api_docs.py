"""/api/docs: the endpoints to read and to try, with nothing from another host."""

from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User

QUOTE = "#operations-shorts-quoteShort"


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
    alice: User, page: Page, log_in: Callable[..., None], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    log_in(alice)

    page.goto("/api/docs")
    page.click(f"{QUOTE} .opblock-summary-control")
    page.click(f"{QUOTE} .try-out__btn")
    page.click(f"{QUOTE} .execute")

    expect(
        page.locator(f"{QUOTE} .live-responses-table tr.response .response-col_status")
    ).to_have_text("200")
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    assert wide == width
