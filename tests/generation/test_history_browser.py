"""The history in a real browser: live, without JavaScript, on a phone, and on the way back."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from generation import files, tiles
from generation.models import Short, State, new_id
from shortsproject.local.gemini import StandIn
from tests import factories, pictures
from tests.browser import Complaints
from tests.generation import driving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
# How many small pictures came over the network, not from the browser's own store.
FETCHED = """performance.getEntriesByType("resource")
    .filter(one => one.name.endsWith("/thumbnail") && one.transferSize > 0).length"""
PICTURE = pictures.jpeg(width=640, height=360)
LogIn = Callable[..., None]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages look for news every second."""
    monkeypatch.setattr(tiles, "SOONEST", timedelta(seconds=1))


def made(user: User, number: int = 1, *, state: str = State.SUCCEEDED) -> list[Short]:
    """New shorts, each with a picture, the newest first."""
    shorts = [factories.short(user, state, job_id=new_id()) for _ in range(number)]
    for short in shorts:
        short.picture = files.save_picture(short_id=short.pk, data=PICTURE)
        short.created_at = timezone.now()
        short.save()
    return shorts[::-1]


def tile(page: Page, short: Short) -> Any:
    return page.locator(f"#tile-{short.pk}")


def place_of(page: Page) -> int:
    """How far down the page has been scrolled, in pixels."""
    return round(page.evaluate("scrollY"))


def test_tiles_follow_their_shorts_without_a_reload_and_say_when_one_is_ready(
    alice: User, page: Page, log_in: LogIn, stand_in: StandIn
) -> None:
    log_in(alice)
    one, two = driving.begin(alice, wish="waves"), driving.begin(alice, wish="gulls")
    page.goto("/shorts")
    page.evaluate("window.same = true")
    tile(page, one).get_by_role("link", name="waves").first.focus()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    driving.until(one, State.SUCCEEDED)
    expect(tile(page, one)).to_contain_text("Ready")
    driving.until(two, State.SUCCEEDED)
    expect(page.locator("#news")).to_have_text("gulls: ready.")

    expect(tile(page, two)).to_contain_text("tokens taken")
    expect(tile(page, one).get_by_role("link", name="waves").first).to_be_focused()
    assert page.evaluate("window.same")
    assert [url for url in asked if "/shorts/running" not in url] == []
    expect(page.locator("#running[hx-get]")).to_have_count(0)


def test_after_a_lost_connection_it_goes_on_asking(
    alice: User, page: Page, log_in: LogIn, stand_in: StandIn, complaints: Complaints
) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    log_in(alice)
    short = driving.begin(alice)
    page.goto("/shorts")

    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        driving.until(short, State.SUCCEEDED)
    page.context.set_offline(False)

    expect(tile(page, short)).to_contain_text("Ready")


def test_a_short_that_was_deleted_in_another_tab_leaves_the_list(
    alice: User, page: Page, log_in: LogIn
) -> None:
    log_in(alice)
    gone, stays = made(alice, 2, state=State.RENDERING)
    page.goto("/shorts", wait_until="networkidle")

    Short.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())

    expect(tile(page, gone)).to_have_count(0)
    expect(tile(page, stays)).to_be_visible()


def test_after_the_session_has_ended_the_page_leads_to_the_log_in(
    alice: User, page: Page, context: BrowserContext, log_in: LogIn
) -> None:
    log_in(alice)
    made(alice, state=State.RENDERING)
    page.goto("/shorts")

    context.clear_cookies()

    page.wait_for_url("**/accounts/login/?next=%2Fshorts")


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_one_can_narrow_turn_pages_and_delete(
    alice: User, page: Page, log_in: LogIn
) -> None:
    log_in(alice)
    *_, last = made(alice, 25)
    made(alice, state=State.FAILED)

    page.goto("/shorts")
    page.get_by_role("link", name="Ready", exact=True).click()
    page.get_by_label("From").fill("2026-11-25")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Older").click()
    before = page.url
    tile(page, last).get_by_role("link", name="Delete").click()
    page.get_by_role("link", name="Keep it").click()

    assert page.url == before
    tile(page, last).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status").first).to_have_text("The video is deleted.")
    assert page.url == before
    expect(page.locator(".tile")).to_have_count(24)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_several_are_deleted_together(
    alice: User, page: Page, log_in: LogIn
) -> None:
    log_in(alice)
    one, two, kept = made(alice, 3)
    page.goto("/shorts")

    tile(page, one).get_by_role("checkbox").check()
    tile(page, two).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete chosen videos").click()
    expect(page.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Delete for good").click()

    expect(page.get_by_text("2 videos are deleted.")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(1)
    expect(tile(page, kept)).to_be_visible()


def test_a_deletion_comes_back_to_the_tile_beside(alice: User, page: Page, log_in: LogIn) -> None:
    log_in(alice)
    shorts = made(alice, 20)
    page.goto("/shorts")

    tile(page, shorts[15]).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()

    expect(tile(page, shorts[15])).to_have_count(0)
    expect(tile(page, shorts[16])).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(tile(page, shorts[16]).get_by_role("link").first).to_be_focused()


def test_several_are_chosen_and_deleted_together(alice: User, page: Page, log_in: LogIn) -> None:
    log_in(alice)
    one, two, kept = made(alice, 3)
    page.goto("/shorts?show=ready")
    delete = page.get_by_role("button", name="Delete chosen videos")
    expect(delete).to_be_hidden()

    tile(page, one).get_by_role("checkbox").check()
    tile(page, two).get_by_role("checkbox").check()
    delete.click()
    expect(page.get_by_role("heading", name="Delete 2 videos?")).to_be_visible()
    page.get_by_role("button", name="Delete for good").click()

    expect(page.get_by_text("2 videos are deleted.")).to_be_visible()
    assert page.url.endswith("/shorts?show=ready")
    expect(page.locator(".tile")).to_have_count(1)
    expect(tile(page, kept)).to_be_visible()


def test_choosing_none_puts_the_buttons_away(alice: User, page: Page, log_in: LogIn) -> None:
    log_in(alice)
    (short,) = made(alice)
    page.goto("/shorts")

    tile(page, short).get_by_role("checkbox").check()
    page.get_by_role("button", name="Choose none").click()

    expect(tile(page, short).get_by_role("checkbox")).not_to_be_checked()
    expect(page.get_by_role("button", name="Delete chosen videos")).to_be_hidden()


def test_the_back_button_keeps_the_place(
    alice: User, page: Page, log_in: LogIn, complaints: Complaints
) -> None:
    complaints.expect("404")  # The video that this short has none of.
    log_in(alice)
    shorts = made(alice, 30)
    page.goto("/shorts?show=ready")
    tile(page, shorts[22]).scroll_into_view_if_needed()
    down = place_of(page)

    tile(page, shorts[22]).get_by_role("link").first.click()
    page.wait_for_url(f"**/shorts/{shorts[22].pk}")
    page.go_back()

    expect(tile(page, shorts[22])).to_be_in_viewport()
    assert page.url.endswith("/shorts?show=ready")
    assert abs(place_of(page) - down) < 50


def test_pictures_come_once_and_never_move_the_page(alice: User, page: Page, log_in: LogIn) -> None:
    log_in(alice)
    made(alice, 4)
    page.goto("/shorts", wait_until="domcontentloaded")
    before = page.locator(".tile").last.bounding_box()
    page.wait_for_load_state("networkidle")

    fetched = page.evaluate(FETCHED)
    page.goto("/shorts", wait_until="networkidle")

    assert page.locator(".tile").last.bounding_box() == before
    assert page.locator(".tile img").first.evaluate("image => image.naturalWidth") == 480
    assert (fetched, page.evaluate(FETCHED)) == (4, 0)


def test_on_a_phone_two_tiles_stand_side_by_side_and_nothing_overflows(
    alice: User, page: Page, log_in: LogIn
) -> None:
    log_in(alice)
    one, two, three = made(alice, 3)
    Short.objects.update(wish="W" * 300)
    page.set_viewport_size(PHONE)

    page.goto("/shorts")

    first, second, third = (tile(page, short).bounding_box() for short in (one, two, three))
    assert first["y"] == second["y"] < third["y"]
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_each_link_has_a_name_of_its_own_and_stands_in_reading_order(
    alice: User, page: Page, log_in: LogIn
) -> None:
    log_in(alice)
    short, _other = made(alice, 2)
    Short.objects.filter(pk=short.pk).update(wish="a slow pan")
    page.goto("/shorts")

    opens = tile(page, short).get_by_role("link").first
    opens.focus()

    expect(opens).to_have_accessible_name("a slow pan")
    expect(opens).to_have_accessible_description(re.compile("^Ready No tokens taken .* 8 s"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Delete “a slow pan”")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="Choose “a slow pan”")).to_be_focused()
