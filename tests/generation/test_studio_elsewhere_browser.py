"""The studio in a browser that runs no JavaScript, and on a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from generation.models import Short, State
from shortsproject.local.gemini import StandIn
from tests.accounts.visiting import PASSWORD
from tests.browser import Complaints
from tests.generation import driving
from tests.generation.browsing import limit
from tests.generation.studio_form import SHORT_PAGE, TALL, choose, send, total

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# What each opening of the file chooser asks a phone for.
NOTE_CAPTURE = """document.getElementById("id_image").addEventListener("click", ({ target }) => {
  window.asked = [...(window.asked ?? []), target.getAttribute("capture")];
})"""


@pytest.fixture
def studio(page: Page, alice: User, log_in: Callable[..., None]) -> Page:
    """Alice in her studio."""
    log_in(alice)
    page.goto("/")
    return page


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_the_same_form_begins_a_short(studio: Page, alice: User) -> None:
    limit(alice, 1300)
    studio.reload()
    studio.get_by_role("link", name="Take Veo 3.1 Fast, 6 s, 720p: 1,250 tokens").click()
    choose(studio)
    studio.get_by_label("What should happen?").fill("waves")

    send(studio).click()

    expect(studio).to_have_url(SHORT_PAGE)
    assert [(short.wish, short.seconds) for short in Short.objects.all()] == [("waves", 6)]


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_a_refusal_keeps_words_and_choices(
    studio: Page, alice: User, complaints: Complaints
) -> None:
    complaints.expect("status of 403")
    choose(studio)
    studio.get_by_label("What should happen?").fill("waves")
    studio.get_by_label("Tall 9:16").check()
    limit(alice, 1300)
    send(studio).click()
    expect(studio.get_by_role("alert").filter(has_text="Token limit exceeded")).to_be_visible()
    expect(studio.get_by_text("Only the picture has to be chosen again")).to_be_visible()

    choose(studio)
    studio.get_by_label("6 s", exact=True).check()
    expect(total(studio)).to_contain_text("1,250 tokens")
    send(studio).click()

    expect(studio).to_have_url(SHORT_PAGE)
    (short,) = Short.objects.all()
    assert (short.wish, short.seconds, short.aspect_ratio) == ("waves", 6, "9:16")


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_a_video_is_made_again_at_the_price_that_was_shown(
    studio: Page, alice: User, stand_in: StandIn
) -> None:
    done = driving.until(driving.begin(alice, wish="calm", seconds=8), State.SUCCEEDED)
    studio.goto(f"/shorts/{done.pk}")
    studio.get_by_role("link", name="Make again").click()
    expect(studio.get_by_role("img", name="Your picture")).to_be_visible()
    expect(total(studio)).to_contain_text("1,000 tokens")

    send(studio).click()

    expect(studio).to_have_url(SHORT_PAGE)
    held = "1,000 tokens are held for 8 s of video."
    expect(studio.get_by_role("region", name="Receipt")).to_contain_text(held)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_who_is_logged_out_meanwhile_finds_the_words_again(
    studio: Page, alice: User
) -> None:
    choose(studio)
    studio.get_by_label("What should happen?").fill("파도가 “밀려온다”")
    studio.get_by_label("6 s", exact=True).check(force=True)
    studio.context.clear_cookies(name="sessionid")

    send(studio).click()

    said = "You are logged out, so nothing was started and no tokens were taken."
    expect(studio.get_by_role("status")).to_contain_text(said)
    studio.get_by_label("E-mail address").fill(alice.email)
    studio.get_by_label("Password").fill(PASSWORD)
    studio.get_by_role("button", name="Log in").click()
    expect(studio.get_by_label("What should happen?")).to_have_value("파도가 “밀려온다”")
    expect(studio.get_by_label("6 s", exact=True)).to_be_checked()
    studio.reload()
    expect(studio.get_by_label("What should happen?")).to_have_value("")


@pytest.mark.browser_context_args(**PHONE)
def test_a_phone_can_open_its_camera_at_once_or_choose_from_its_pictures(studio: Page) -> None:
    studio.evaluate(NOTE_CAPTURE)

    with studio.expect_file_chooser() as camera:
        studio.get_by_role("button", name="Take a photo").tap()
    camera.value.set_files(TALL)
    expect(studio.get_by_text("me.jpg")).to_be_visible()
    with studio.expect_file_chooser():
        studio.get_by_label("Picture", exact=True).tap()

    assert studio.evaluate("window.asked") == ["environment", None]


def test_at_a_desk_there_is_no_button_for_a_camera(studio: Page) -> None:
    expect(studio.get_by_text("or drop it here, or paste it")).to_be_visible()
    expect(studio.get_by_text("Take a photo")).to_be_hidden()


@pytest.mark.browser_context_args(**PHONE)
def test_on_a_phone_it_fits_and_works(studio: Page) -> None:
    choose(studio)
    studio.get_by_role("radio", name="Omni 1.1 Flash").tap()
    studio.get_by_role("radio", name="10 s").tap()

    widest = studio.evaluate("document.documentElement.scrollWidth")
    expect(total(studio)).to_have_text(re.compile(r"1,750 tokens\s+enough left for 5 such videos"))
    send(studio).tap()

    expect(studio).to_have_url(SHORT_PAGE)
    assert widest == 390
    assert Short.objects.get().seconds == 10
