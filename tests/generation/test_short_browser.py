"""The page of a short in a real browser: live, offline, in two tabs, and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import BrowserContext, Page, Request, expect

from accounts.models import User
from generation.models import Short, State
from shortsproject.local.gemini import StandIn
from tests.browser import Complaints
from tests.generation import driving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIVE_MS = 15_000
PHONE = {"width": 390, "height": 844}
HEADING = "#heading"
LOST = "No connection; we keep trying. Your video goes on."
# What a page remembers only as long as it is not loaded anew.
MARK = "document.body.dataset.mark = 'same page'"
NEWS_COUNT = """() => {
  window.heard = [];
  const news = document.getElementById("short-news");
  new MutationObserver(() => window.heard.push(news.textContent.trim()))
    .observe(news, {childList: true, characterData: true, subtree: true});
}"""


@pytest.fixture
def short(alice: User, stand_in: StandIn) -> Short:
    """A short of Alice's that has just been ordered."""
    return driving.begin(alice, wish="a slow pan")


@pytest.fixture
def shown(short: Short, alice: User, page: Page, log_in: Callable[..., None]) -> Page:
    """Its page, open in Alice's browser."""
    log_in(alice)
    page.goto(f"/shorts/{short.pk}")
    page.evaluate(MARK)
    return page


def expect_same_page(page: Page) -> None:
    """It was never loaded anew."""
    assert page.evaluate("document.body.dataset.mark") == "same page"


def test_it_goes_from_waiting_to_the_video_without_a_reload(shown: Page) -> None:
    expect(shown.locator(HEADING)).to_have_text("Your video is being made")
    assert shown.title() == "Queued · Shorts"

    with driving.in_background():
        expect(shown).to_have_title("Ready · Shorts", timeout=LIVE_MS)

    expect(shown.locator(HEADING)).to_have_text("Your video is ready")
    expect(shown.get_by_role("link", name="Download the video")).to_be_visible()
    expect(shown.locator("#short-receipt")).to_contain_text("tokens were taken:")
    expect(shown.locator("video")).not_to_have_js_property("videoWidth", 0)
    expect(shown.locator("#short-poll[hx-get]")).to_have_count(0)
    expect_same_page(shown)


def test_nothing_moves_and_the_focus_stays_when_the_video_comes(shown: Page) -> None:
    before = shown.locator(".frame").bounding_box()
    shown.get_by_role("link", name="Delete").focus()

    with driving.in_background():
        expect(shown.locator("video")).to_be_visible(timeout=LIVE_MS)

    assert shown.locator(".frame").bounding_box() == before
    expect(shown.get_by_role("link", name="Delete")).to_be_focused()


def test_where_the_button_with_the_focus_goes_the_heading_takes_it(
    shown: Page, short: Short
) -> None:
    shown.get_by_role("button", name="Cancel this video").focus()

    driving.until(short, State.SUCCEEDED)

    expect(shown.locator("video")).to_be_visible(timeout=LIVE_MS)
    expect(shown.locator(HEADING)).to_be_focused()


def test_only_what_is_new_is_announced(shown: Page, short: Short) -> None:
    shown.evaluate(NEWS_COUNT)
    with shown.expect_response(re.compile("/progress"), timeout=LIVE_MS):
        pass
    with shown.expect_response(re.compile("/progress"), timeout=LIVE_MS):
        pass
    assert shown.evaluate("window.heard") == []

    driving.until(short, State.SUCCEEDED)

    expect(shown).to_have_title("Ready · Shorts", timeout=LIVE_MS)
    assert shown.evaluate("window.heard") == ["Your video is ready."]


def test_what_was_opened_stays_open_while_the_rest_changes(shown: Page, short: Short) -> None:
    driving.until(short, State.RENDERING)
    shown.get_by_text("What Gemini saw and wrote").click(timeout=LIVE_MS)

    driving.until(short, State.SUCCEEDED)

    expect(shown.locator("video")).to_be_visible(timeout=LIVE_MS)
    expect(shown.get_by_role("heading", name="Video prompt")).to_be_visible()


def test_a_lost_connection_is_said_and_comes_back_by_itself(
    shown: Page, short: Short, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    context.set_offline(True)
    expect(shown.get_by_text(LOST)).to_be_visible(timeout=LIVE_MS)
    driving.until(short, State.SUCCEEDED)

    context.set_offline(False)

    expect(shown.get_by_text(LOST)).to_be_hidden(timeout=LIVE_MS)
    expect(shown.locator("video")).to_be_visible(timeout=LIVE_MS)
    expect_same_page(shown)


def test_a_server_that_is_away_for_a_moment_is_waited_for(
    shown: Page, complaints: Complaints
) -> None:
    complaints.expect("503|htmx:(responseError|afterRequest)")
    shown.route("**/progress?*", lambda route: route.fulfill(status=503, body="away"))
    expect(shown.get_by_text(LOST)).to_be_visible(timeout=LIVE_MS)

    shown.unroute("**/progress?*")

    expect(shown.get_by_text(LOST)).to_be_hidden(timeout=LIVE_MS)
    expect(shown.locator(HEADING)).to_have_text("Your video is being made")


def test_a_cancel_in_one_tab_is_seen_in_the_other(
    shown: Page, short: Short, context: BrowserContext
) -> None:
    other = context.new_page()
    other.goto(f"/shorts/{short.pk}")

    other.get_by_role("button", name="Cancel this video").click()

    expect(other.locator(HEADING)).to_have_text("There is no video")
    expect(shown.locator(HEADING)).to_have_text("There is no video", timeout=LIVE_MS)
    expect(shown.get_by_role("heading", name="You canceled this video.")).to_be_visible()
    expect(shown.get_by_role("button", name="Cancel this video")).to_have_count(0)
    expect_same_page(shown)


def test_a_short_deleted_in_one_tab_is_gone_in_the_other(
    shown: Page, short: Short, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("404")
    other = context.new_page()
    other.goto(f"/shorts/{short.pk}/delete")

    other.locator("main form button").first.click()

    expect(shown.get_by_role("heading", name="There is nothing here")).to_be_visible(
        timeout=LIVE_MS
    )


def test_a_session_that_ends_leads_to_the_log_in_and_back(shown: Page, short: Short) -> None:
    Session.objects.all().delete()

    shown.wait_for_url(f"**/accounts/login/?next=%2Fshorts%2F{short.pk}", timeout=LIVE_MS)

    expect(shown.get_by_role("button", name="Log in")).to_be_visible()


def test_a_tab_that_nobody_sees_asks_little_and_at_once_when_it_is_seen(
    short: Short, alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    asked: list[Request] = []
    log_in(alice)
    page.add_init_script(
        "Object.defineProperty(document, 'hidden', {get: () => window.unseen !== false})"
    )
    page.on("request", lambda one: asked.append(one) if "/progress" in one.url else None)
    page.goto(f"/shorts/{short.pk}")
    with page.expect_request(re.compile("/progress"), timeout=LIVE_MS):
        pass
    page.wait_for_timeout(4500)
    assert len(asked) == 1

    page.evaluate("window.unseen = false; document.dispatchEvent(new Event('visibilitychange'))")

    page.wait_for_timeout(500)
    assert len(asked) == 2


def test_the_stage_that_runs_has_a_clock_that_runs(shown: Page) -> None:
    clock = shown.locator(".stages .now .clock")
    expect(clock).to_have_text(re.compile(r"^0:0\d$"))
    first = clock.text_content()

    expect(clock).not_to_have_text(first or "", timeout=LIVE_MS)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_the_page_comes_anew_by_itself(
    short: Short, alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto(f"/shorts/{short.pk}")
    expect(page.locator(HEADING)).to_have_text("Your video is being made")

    driving.until(short, State.SUCCEEDED)

    expect(page.locator(HEADING)).to_have_text("Your video is ready", timeout=LIVE_MS)
    expect(page.locator("video")).to_be_visible()
    expect(page.get_by_text(LOST)).to_be_hidden()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_a_button_cancels(
    short: Short, alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto(f"/shorts/{short.pk}")

    page.get_by_role("button", name="Cancel this video").click()

    expect(page.get_by_role("heading", name="You canceled this video.")).to_be_visible()


@pytest.mark.browser_context_args(viewport=PHONE, locale="ko-KR")
def test_on_a_phone_everything_fits(shown: Page, short: Short) -> None:
    with driving.in_background():
        expect(shown.locator("video")).to_be_visible(timeout=LIVE_MS)

    assert shown.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    expect(shown.locator(HEADING)).to_have_text("영상이 완성되었습니다")
    video = shown.locator("video").bounding_box()
    assert video
    assert (video["width"], round(video["width"] / video["height"], 1)) == (358, 1.8)
    row = shown.locator("#short-receipt tbody tr").first
    assert row.evaluate("row => getComputedStyle(row).display") == "block"
