"""A new person's way across the pages: sign up, make a short, read the receipt, see the usage."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone, translation
from django.utils.formats import number_format
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from generation.models import Short
from metering import queries
from metering.models import LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.journeys import walking
from tests.journeys.walking import say

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_CLICKS = 4
PHONE = {"viewport": {"width": 390, "height": 844}}
VISITORS = {
    "desk, English": ("en", {}),
    "phone, Korean": ("ko", PHONE),
    "phone, English, no JavaScript": ("en", {**PHONE, "java_script_enabled": False}),
    "desk, Korean, no JavaScript": ("ko", {"java_script_enabled": False}),
}


@pytest.fixture
def picture(photo: bytes, tmp_path: Path) -> Path:
    """A picture on the person's disk."""
    path = tmp_path / "holiday.jpg"
    path.write_bytes(photo)
    return path


@pytest.mark.parametrize(("language", "options"), VISITORS.values(), ids=VISITORS)
def test_from_sign_up_to_usage(
    new_context: Callable[..., BrowserContext], stand_in: StandIn, picture: Path, language: str,
    options: dict[str, object],
) -> None:  # fmt: skip
    page = new_context(locale=language, **options).new_page()

    with driving.in_background():
        walking.sign_up(page, name="carol", language=language)
        walking.order(page, picture, language=language)
        walking.expect_video(page)

    charged = sum(LedgerEntry.objects.values_list("tokens", flat=True))
    figure = number_format(charged, force_grouping=True)
    receipt = page.get_by_role("region", name=say("Receipt", language))
    expect(receipt.get_by_role("row").last).to_contain_text(figure)
    page.get_by_role("link", name=say("Usage", language), exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Usage", language))
    expect(page.get_by_role("main")).to_contain_text(figure)
    assert Short.objects.get().state == "succeeded"


def test_the_first_video_is_four_clicks_or_fewer_from_the_sign_up(
    page: Page, stand_in: StandIn, picture: Path
) -> None:
    walking.sign_up(page, name="dave")
    clicks: list[str] = []
    page.expose_function("clicked", lambda what: clicks.append(what))
    count = "addEventListener('click', e => e.isTrusted && clicked(e.target.tagName), true)"
    page.add_init_script(count)
    page.evaluate(count)

    with driving.in_background():
        with page.expect_file_chooser() as chooser:
            page.locator("input[type=file]").click()
        chooser.value.set_files(picture)
        page.get_by_role("button", name="Make the video").click()
        walking.expect_video(page)
    page.locator("video").click()

    expect(page.locator("video")).to_have_js_property("paused", False)
    assert clicks == ["INPUT", "BUTTON", "VIDEO"], "more was clicked, or some was missed"
    assert len(clicks) <= MOST_CLICKS


def test_the_keyboard_is_enough(page: Page, stand_in: StandIn, picture: Path) -> None:
    # Without somebody who waits for it all along, a chooser may open before it is caught.
    page.on("filechooser", lambda _chooser: None)
    walking.sign_up_by_keyboard(page, name="erin")

    with driving.in_background():
        walking.tab_to(page, page.locator("input[type=file]"))
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(picture)
        walking.tab_to(page, page.get_by_role("button", name="Make the video"))
        page.keyboard.press("Space")
        walking.expect_video(page)
    walking.tab_to(page, page.get_by_role("link", name="Download the video"))
    walking.tab_to(page, page.get_by_role("link", name="See the receipt"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#receipt$"))


def test_the_first_tab_skips_to_the_content(page: Page) -> None:
    page.goto("/accounts/login/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()


def test_back_leads_to_an_empty_form_and_orders_nothing_twice(
    page: Page, stand_in: StandIn, picture: Path
) -> None:
    walking.sign_up(page, name="frank")
    walking.order(page, picture)

    page.go_back()
    expect(page.get_by_role("button", name="Make the video")).to_be_visible()
    page.reload()
    page.go_forward()

    expect(page).to_have_url(walking.SHORT_PAGE)
    assert Short.objects.count() == 1


def test_two_tabs_order_two_videos_and_both_know_what_is_left(
    context: BrowserContext, alice: User, log_in: Callable[..., None], stand_in: StandIn,
    picture: Path,
) -> None:  # fmt: skip
    log_in(alice)
    first, second = context.new_page(), context.new_page()
    first.goto("/")
    second.goto("/")

    walking.order(first, picture)
    walking.order(second, picture)
    first.goto("/usage")
    second.goto("/usage")

    held = number_format(
        queries.balance(user=alice, at=timezone.now()).held_tokens, force_grouping=True
    )
    expect(first.get_by_role("main")).to_contain_text(held)
    expect(second.get_by_role("main")).to_contain_text(held)
    assert Short.objects.count() == 2


@pytest.mark.parametrize(("motion", "moving"), [("reduce", 0), ("no-preference", 1)])
def test_nothing_moves_for_those_who_want_it_still(
    page: Page,
    alice: User,
    log_in: Callable[..., None],
    stand_in: StandIn,
    motion: str,
    moving: int,
) -> None:
    log_in(alice)
    short = driving.step(driving.begin(alice))
    page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]  # one of two literals

    page.goto(f"/shorts/{short.pk}")

    expect(page.get_by_role("region", name="Progress")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == moving


def test_a_language_is_chosen_in_the_head_of_any_page(
    page: Page, alice: User, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto("/usage")

    page.get_by_role("button", name="한국어").click()

    with translation.override("ko"):
        expect(page.get_by_role("heading", level=1)).to_have_text(translation.gettext("Usage"))
    assert page.url.endswith("/usage")
