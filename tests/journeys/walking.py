"""What a person does on the pages, by the words that stand on them in their language."""

import re
from pathlib import Path

from django.utils import translation
from playwright.sync_api import Locator, Page, expect

SHORT_PAGE = re.compile(r"/shorts/[0-9a-f-]{36}$")
RENDERED_MS = 60_000
MOST_TABS = 60


def say(text: str, language: str) -> str:
    """A text of the site in a language."""
    with translation.override(language):
        return translation.gettext(text)


def sign_up(page: Page, *, name: str, language: str = "en") -> None:
    """From the landing page to the studio, as somebody new."""
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name=say("Sign up", language)).click()
    page.locator("input[name=email]").fill(f"{name}@example.org")
    page.locator("input[name=password1]").fill("correct horse battery")
    page.locator("input[name=password2]").fill("correct horse battery")
    page.get_by_role("main").get_by_role("button", name=say("Sign up", language)).click()
    expect(page.get_by_role("region", name=say("Your tokens", language))).to_be_visible()


def sign_up_by_keyboard(page: Page, *, name: str) -> None:
    """The same from the sign-up page on, without a mouse."""
    page.goto("/accounts/signup/")
    tab_to(page, page.locator("input[name=email]"))
    page.keyboard.type(f"{name}@example.org")
    for field in ("password1", "password2"):
        tab_to(page, page.locator(f"input[name={field}]"))
        page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Your tokens")).to_be_visible()


def order(page: Page, picture: Path, *, language: str = "en") -> None:
    """From the studio to the page of the short."""
    page.locator("input[type=file]").set_input_files(picture)
    page.get_by_role("button", name=say("Make the video", language)).click()
    expect(page).to_have_url(SHORT_PAGE)


def expect_video(page: Page) -> None:
    """The page of a short comes to show its video by itself."""
    expect(page.locator("video")).to_be_visible(timeout=RENDERED_MS)


def tab_to(page: Page, wanted: Locator) -> None:
    """Go on with the Tab key until this has the focus."""
    for _ in range(MOST_TABS):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
        expect_focus_shown(page)
    raise AssertionError(f"{wanted} is not reached by {MOST_TABS} times Tab")


def expect_focus_shown(page: Page) -> None:
    """What has the focus, or what stands for it, has a ring around it; a player rings its parts."""
    assert page.evaluate(
        """() => {
            const one = document.activeElement;
            const ringed = [one, one.nextElementSibling, one.closest('label, .zone')];
            return ['BODY', 'VIDEO'].includes(one.tagName)
                || ringed.some(part => part && getComputedStyle(part).outlineStyle !== 'none');
        }"""
    ), page.evaluate("document.activeElement.outerHTML")
