"""The studio's form as a person sees it in a browser."""

import re

from playwright.sync_api import FilePayload, Locator, Page

from tests.pictures import jpeg

SHORT_PAGE = re.compile(r"/shorts/[0-9a-f-]{36}$")
TALL: FilePayload = {
    "name": "me.jpg", "mimeType": "image/jpeg", "buffer": jpeg(width=300, height=480),
}  # fmt: skip


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Picture", exact=True).set_input_files([*files] or [TALL])


def send(page: Page) -> Locator:
    return page.get_by_role("button", name="Make the video")


def total(page: Page) -> Locator:
    """The price of what is chosen."""
    return page.locator(".sum").filter(visible=True)
