"""A person's whole way in a real browser: sign up, send a picture, watch, read the receipt."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from generation.models import Short
from metering.models import LedgerEntry
from tests import browser as machine
from tests.processes import Stack

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FLAGS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=machine.chromium(), args=FLAGS)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(stack: Stack) -> str:
    """The address of a whole stack: web, worker and beat."""
    stack.worker()
    stack.beat()
    return stack.web()


def visitor(chromium: Browser, **options: Any) -> tuple[Page, list[str]]:
    """A fresh visitor, and whatever their browser complains of: errors and foreign hosts."""
    page = chromium.new_context(**options).new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: None if "//127.0.0.1:" in asked.url else complaints.append(asked.url),
    )
    return page, complaints


def sign_up(page: Page, site: str, name: str) -> None:
    page.goto(f"{site}/accounts/signup/")
    page.locator("input[name=email]").fill(f"{name}@example.org")
    page.locator("input[name=password1]").fill("correct horse battery")
    page.locator("input[name=password2]").fill("correct horse battery")
    page.locator("main button[type=submit]").click()
    expect(page).to_have_url(f"{site}/")


def send_picture(page: Page, folder: Path, photo: bytes) -> None:
    picture = folder / "holiday.jpg"
    picture.write_bytes(photo)
    page.locator("input[name=image]").set_input_files(picture)
    page.locator("textarea[name=prompt]").fill("a slow pan over the hills")
    page.locator("form[enctype] button").last.click()
    page.wait_for_url("**/shorts/*")


@pytest.mark.parametrize(
    ("width", "javascript", "language"),
    [(1280, True, "en-US"), (390, False, "ko-KR")],
    ids=["desk, English", "phone without JavaScript, Korean"],
)
def test_from_sign_up_to_receipt(
    chromium: Browser, site: str, tmp_path: Path, photo: bytes,
    width: int, javascript: bool, language: str,
) -> None:  # fmt: skip
    page, complaints = visitor(
        chromium,
        viewport={"width": width, "height": 900},
        java_script_enabled=javascript,
        locale=language,
    )
    sign_up(page, site, "carol")

    send_picture(page, tmp_path, photo)
    page.wait_for_selector("video", timeout=90_000)

    charged = sum(LedgerEntry.objects.values_list("tokens", flat=True))
    assert Short.objects.get().state == "succeeded"
    assert f"{charged:,}" in page.content()
    assert complaints == []


def test_the_video_plays(chromium: Browser, site: str, tmp_path: Path, photo: bytes) -> None:
    page, complaints = visitor(chromium)
    sign_up(page, site, "dave")
    send_picture(page, tmp_path, photo)
    page.wait_for_selector("video", timeout=90_000)

    played = page.evaluate(
        """async () => {
            const video = document.querySelector('video');
            video.muted = true;
            await video.play();
            await new Promise(done => setTimeout(done, 1000));
            return [video.duration, video.currentTime > 0.2, video.videoWidth];
        }"""
    )

    assert played == [8, True, 1280]
    assert complaints == []


def test_a_text_file_is_refused_with_a_sentence_and_the_words_are_kept(
    chromium: Browser, site: str, tmp_path: Path
) -> None:
    page, complaints = visitor(chromium)
    sign_up(page, site, "erin")
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture at all")

    page.locator("input[name=image]").set_input_files(notes)
    page.locator("textarea[name=prompt]").fill("keep these words")
    page.locator("form[enctype] button").last.click()

    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.locator("textarea[name=prompt]")).to_have_value("keep these words")
    assert not Short.objects.exists()
    assert [c for c in complaints if "400" not in c] == []
