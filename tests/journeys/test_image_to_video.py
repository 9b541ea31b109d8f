"""A person's whole way through a whole stack: web, worker and beat, each a process of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from generation.models import Short
from metering.models import LedgerEntry
from tests.browser import Complaints
from tests.journeys import walking
from tests.processes import Stack

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(stack: Stack, new_context: Callable[..., BrowserContext]) -> Page:
    """A visitor of a whole stack."""
    stack.worker()
    stack.beat()
    return new_context(base_url=stack.web()).new_page()


@pytest.fixture
def picture(photo: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(photo)
    return path


def test_from_sign_up_to_a_video_that_plays(page: Page, picture: Path) -> None:
    walking.sign_up(page, name="carol")
    walking.order(page, picture)
    walking.expect_video(page)

    played = page.evaluate(
        """async () => {
            const video = document.querySelector('video');
            video.muted = true;
            await video.play();
            await new Promise(done => setTimeout(done, 1000));
            return [video.duration, video.currentTime > 0.2, video.videoWidth];
        }"""
    )

    charged = sum(LedgerEntry.objects.values_list("tokens", flat=True))
    assert played == [8, True, 1280]
    assert Short.objects.get().state == "succeeded"
    assert f"{charged:,}" in page.content()


def test_a_text_file_is_refused_with_a_sentence_and_the_words_are_kept(
    new_context: Callable[..., BrowserContext], complaints: Complaints, tmp_path: Path
) -> None:
    complaints.expect("status of 400")
    page = new_context(java_script_enabled=False).new_page()
    walking.sign_up(page, name="erin")
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture at all")

    page.locator("input[type=file]").set_input_files(notes)
    page.get_by_label("What should happen?").fill("keep these words")
    page.get_by_role("button", name="Make the video").click()

    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_label("What should happen?")).to_have_value("keep these words")
    assert not Short.objects.exists()
