"""The studio in a real browser: choosing a picture, sending it, and figures that stay fresh."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, expect

from accounts.models import User
from generation.models import Short, State
from shortsproject.local.gemini import StandIn
from tests.browser import Complaints
from tests.generation import driving
from tests.generation.browsing import limit
from tests.generation.studio_form import SHORT_PAGE, TALL, choose, send, total

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HANDED_OVER = """([name, type, size]) => {
  const all = new DataTransfer();
  all.items.add(new File([new Uint8Array(size)], name, { type }));
  return all;
}"""


@pytest.fixture
def studio(page: Page, alice: User, log_in: Callable[..., None]) -> Page:
    """Alice in her studio."""
    log_in(alice)
    page.goto("/")
    return page


def file(name: str, kind: str, size: int) -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": bytes(size)}


def key(page: Page) -> str:
    return page.locator("[name=idempotency_key]").input_value()


def test_a_chosen_picture_is_shown_and_begins_a_short(studio: Page) -> None:
    choose(studio)
    expect(studio.get_by_role("img", name="Your picture")).to_be_visible()
    expect(studio.get_by_text("me.jpg")).to_be_visible()
    expect(studio.get_by_text(re.compile(r"\d kB · 300 × 480"))).to_be_visible()
    expect(studio.get_by_role("radio", name="As the picture (tall)")).to_be_checked()

    send(studio).click()

    expect(studio).to_have_url(SHORT_PAGE)
    assert Short.objects.get().aspect_ratio == "9:16"


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_picture_can_be_dropped_or_pasted_anywhere(studio: Page, event: str) -> None:
    kind, field = {
        "drop": ("DragEvent", "dataTransfer"), "paste": ("ClipboardEvent", "clipboardData"),
    }[event]  # fmt: skip

    studio.evaluate(
        f"""(data) => document.body.dispatchEvent(new {kind}("{event}", {{
          {field}: ({HANDED_OVER})(data), bubbles: true, cancelable: true }}))""",
        ["screen.png", "image/png", 2048],
    )

    expect(studio.get_by_text("screen.png")).to_be_visible()
    expect(studio.get_by_text("2 kB")).to_be_visible()
    assert studio.evaluate("document.getElementById('id_image').files[0].name") == "screen.png"


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([file("a.pdf", "application/pdf", 9)], "This file is not a picture. Choose a JPEG"),
        ([file("a.jpg", "image/jpeg", 0)], "The file is empty. Choose a picture"),
        ([file("a.jpg", "image/jpeg", 20 * 1024**2 + 1)],
         "The file is too large: 21 MB. Make it smaller than 20 MB."),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_before_it_is_sent_and_the_right_one_stays(
    studio: Page, files: list[FilePayload], sentence: str
) -> None:
    choose(studio)

    choose(studio, *files)

    expect(studio.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    expect(studio.get_by_text("me.jpg")).to_be_visible()
    assert studio.evaluate("document.getElementById('id_image').files[0].name") == "me.jpg"


def test_two_dropped_pictures_are_one_too_many(studio: Page) -> None:
    studio.evaluate(
        f"""(data) => {{
          const all = ({HANDED_OVER})(data);
          all.items.add(new File(["b"], "b.jpg", {{ type: "image/jpeg" }}));
          dispatchEvent(new DragEvent("drop", {{ dataTransfer: all, cancelable: true }}));
        }}""",
        ["a.jpg", "image/jpeg", 10],
    )

    expect(studio.get_by_text("More than one picture was sent. Choose just one.")).to_be_visible()


def test_a_picture_that_the_browser_does_not_know_is_named_all_the_same(studio: Page) -> None:
    choose(studio, file("IMG_0001.HEIC", "image/heic", 3 * 1024**2))

    expect(studio.get_by_text("Your browser can't show this picture.")).to_be_visible()
    expect(studio.get_by_text("IMG_0001.HEIC")).to_be_visible()
    expect(studio.get_by_text("3 MB")).to_be_visible()
    expect(studio.get_by_role("radio", name="As the picture", exact=True)).to_be_checked()


def test_a_removed_picture_is_asked_for_again(studio: Page) -> None:
    choose(studio)
    studio.get_by_role("button", name="Remove the picture").click()

    send(studio).click()

    expect(studio.get_by_text("me.jpg")).to_be_hidden()
    expect(studio.get_by_label("Picture", exact=True)).to_be_focused()
    assert not Short.objects.exists()


def test_the_upload_tells_how_far_it_is_and_can_be_stopped(
    studio: Page, complaints: Complaints
) -> None:
    complaints.expect("htmx:afterRequest|htmx:sendAbort")
    line = studio.context.new_cdp_session(studio)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    choose(studio, {**TALL, "buffer": TALL["buffer"] + bytes(2_000_000)})
    send(studio).click()

    expect(studio.get_by_text(re.compile(r"Uploading, [1-9]\d?%"))).to_be_visible()
    studio.get_by_role("button", name="Stop the upload").click()

    expect(studio.get_by_text("You stopped the upload")).to_be_visible()
    expect(studio.get_by_text("me.jpg")).to_be_visible()
    expect(send(studio)).to_be_focused()
    assert not Short.objects.exists()


@pytest.mark.parametrize("arrived", [False, True])
def test_after_a_lost_connection_the_same_form_begins_one_short(
    studio: Page, complaints: Complaints, arrived: bool
) -> None:
    def lose(route: Route) -> None:
        _ = arrived and route.fetch()
        route.abort()

    complaints.expect("ERR_FAILED|htmx:afterRequest|htmx:sendError")
    studio.route("**/", lose)
    choose(studio)
    studio.get_by_label("What should happen?").fill("waves")
    before = key(studio)
    send(studio).click()
    expect(studio.get_by_role("heading", name="The connection was lost")).to_be_visible()

    studio.unroute("**/")
    assert key(studio) == before
    send(studio).click()

    expect(studio).to_have_url(SHORT_PAGE)
    assert [short.wish for short in Short.objects.all()] == ["waves"]


def test_a_refusal_keeps_picture_words_and_choice(
    studio: Page, alice: User, complaints: Complaints
) -> None:
    complaints.expect("status of 403")
    choose(studio)
    studio.get_by_label("What should happen?").fill("waves")
    before = key(studio)
    limit(alice, 1300)

    send(studio).click()

    expect(studio.get_by_role("alert").filter(has_text="Token limit exceeded")).to_be_visible()
    expect(studio.get_by_text("1,300 of 1,300 remaining")).to_be_visible()
    expect(studio.get_by_text("me.jpg")).to_be_visible()
    expect(studio.get_by_label("What should happen?")).to_have_value("waves")
    assert key(studio) != before
    studio.get_by_role("link", name="Take Veo 3.1 Fast, 6 s, 720p: 1,250 tokens").click()
    send(studio).click()
    expect(studio).to_have_url(SHORT_PAGE)
    assert [(short.wish, short.seconds) for short in Short.objects.all()] == [("waves", 6)]


def test_a_double_click_begins_one_short(studio: Page) -> None:
    choose(studio)

    send(studio).dblclick()

    expect(studio).to_have_url(SHORT_PAGE)
    assert Short.objects.count() == 1


def test_enter_pressed_twice_begins_one_short(studio: Page) -> None:
    choose(studio)
    studio.get_by_label("8 s", exact=True).focus()

    studio.keyboard.press("Enter")
    studio.keyboard.press("Enter")

    expect(studio).to_have_url(SHORT_PAGE)
    assert Short.objects.count() == 1


def test_back_from_the_video_is_a_fresh_form(studio: Page) -> None:
    choose(studio)
    used = key(studio)
    send(studio).click()
    expect(studio).to_have_url(SHORT_PAGE)

    studio.go_back()

    expect(studio.get_by_text("me.jpg")).to_be_hidden()
    expect(studio.get_by_text("Choose a picture")).to_be_visible()
    assert key(studio) != used
    assert Short.objects.count() == 1


def test_two_tabs_begin_two_shorts_and_each_sees_what_the_other_spent(
    studio: Page, context: BrowserContext
) -> None:
    other = context.new_page()
    other.goto("/")
    choose(studio)
    choose(other)

    send(studio).click()
    expect(studio).to_have_url(SHORT_PAGE)
    expect(other.locator("#tokens")).to_contain_text("Left for new videos8,500")
    send(other).click()

    expect(other).to_have_url(SHORT_PAGE)
    assert other.url != studio.url
    assert Short.objects.count() == 2


def test_a_tab_that_is_looked_at_again_shows_the_figures_of_now(studio: Page, alice: User) -> None:
    studio.wait_for_timeout(2100)
    limit(alice, 1400)

    studio.evaluate("dispatchEvent(new Event('focus'))")

    expect(studio.get_by_text("1,400 of 1,400 remaining")).to_be_visible()
    expect(total(studio)).to_contain_text("1,500 tokens more than you have left")
    nearest = studio.get_by_role("link", name="Take Veo 3.1 Fast, 6 s, 720p: 1,250 tokens")
    nearest.click()
    expect(studio.get_by_label("6 s", exact=True)).to_be_checked()
    expect(send(studio)).to_be_focused()


def test_who_is_logged_out_meanwhile_loses_nothing(
    studio: Page, alice: User, log_in: Callable[..., None], complaints: Complaints
) -> None:
    complaints.expect("status of 401")
    choose(studio)
    studio.context.clear_cookies(name="sessionid")
    send(studio).click()
    expect(studio.get_by_text("You are logged out.")).to_be_visible()

    log_in(alice)
    studio.wait_for_timeout(2100)
    studio.evaluate("dispatchEvent(new Event('focus'))")
    expect(studio.get_by_text("You are logged out.")).to_be_hidden()
    send(studio).click()

    expect(studio).to_have_url(SHORT_PAGE)


def test_an_answer_of_somebody_else_is_told_apart_from_a_refusal(
    studio: Page, complaints: Complaints
) -> None:
    complaints.expect("status of 502")
    studio.route("**/", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    choose(studio)

    send(studio).click()

    expect(studio.get_by_role("heading", name="The form could not be used")).to_be_visible()
    expect(studio.get_by_text("Bad gateway")).to_be_hidden()
    expect(studio.get_by_text("me.jpg")).to_be_visible()


def test_made_again_other_words_cost_a_new_look_at_the_picture(
    studio: Page, alice: User, stand_in: StandIn
) -> None:
    done = driving.until(driving.begin(alice, wish="calm", seconds=8), State.SUCCEEDED)
    studio.goto(f"/?again={done.pk}")
    expect(total(studio)).to_contain_text("1,000 tokens")

    studio.get_by_label("What should happen?").fill("wild")
    studio.get_by_label("What should happen?").blur()

    expect(total(studio)).to_contain_text("1,500 tokens")
    send(studio).click()
    expect(studio).not_to_have_url(re.compile("again"))
    assert Short.objects.exclude(pk=done.pk).get().analysis_of_id is None
