"""The account pages in a real browser, with and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import ApiKey, User
from metering import preferences
from tests.accounts import visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KEYS = "/account/keys"


def make_key(page: Page) -> None:
    page.goto(KEYS)
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("Expires").select_option("1 year")
    page.get_by_role("button", name="Make the key").click()


def test_the_key_is_copied_and_gone_after_a_reload(
    alice: User, page: Page, context: BrowserContext, log_in: Callable[..., None]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(alice)
    make_key(page)
    shown = page.locator("#new-key").inner_text()

    page.get_by_role("button", name="Copy the key").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.reload()

    expect(page.get_by_text("Your new key")).to_have_count(0)
    assert copied == shown
    assert ApiKey.objects.get().name == "laptop"


def test_going_back_does_not_show_the_key_again(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    make_key(page)
    expect(page.get_by_text("Your new key")).to_be_visible()

    page.goto("/account")
    page.go_back()

    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    expect(page.get_by_text("Your new key")).to_have_count(0)


def test_without_a_clipboard_the_key_is_selected(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    make_key(page)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")

    page.get_by_role("button", name="Copy the key").click()

    shown = page.locator("#new-key").inner_text()
    assert page.evaluate("getSelection().toString()") == shown


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_the_key_is_made_and_revoked(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    make_key(page)
    expect(page.locator("#new-key")).to_contain_text("shorts_")
    expect(page.get_by_role("button", name="Copy the key")).to_have_count(0)

    page.get_by_role("link", name="Revoke laptop").click()
    page.get_by_role("button", name="Revoke the key").click()

    expect(page.get_by_text("The API key “laptop” is revoked.")).to_be_visible()
    assert not ApiKey.objects.exists()


@pytest.mark.browser_context_args(timezone_id="Europe/Berlin")
def test_the_time_zone_of_the_device_is_taken_by_one_click(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto("/account/preferences")

    page.get_by_role("button", name="Take the time zone of this device (Europe/Berlin)").click()
    page.get_by_role("button", name="Save my choice").click()

    expect(page.get_by_text("Your choice is saved.")).to_be_visible()
    alice.refresh_from_db()
    assert alice.time_zone == "Europe/Berlin"


def test_on_a_phone_the_first_page_is_the_menu(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    log_in(alice)
    page.goto("/account")

    page.get_by_role("link", name="API keys").click()
    expect(page.get_by_role("link", name="Notices")).to_have_count(0)
    page.get_by_role("navigation", name="Your account").get_by_role("link").click()

    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_language_time_and_notices_are_chosen(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto("/account/preferences")
    page.get_by_label("Time zone").fill("america/new york")
    page.get_by_label("한국어").check()
    page.get_by_role("button", name="Save my choice").click()
    expect(page.get_by_text("선택을 저장했습니다.")).to_be_visible()

    page.goto("/accounts/notices/")
    page.get_by_label("50%").uncheck()
    page.get_by_label("메일로도 받기").uncheck()
    page.get_by_role("button", name="선택 저장").click()

    expect(page.get_by_text("선택을 저장했습니다.")).to_be_visible()
    alice.refresh_from_db()
    assert (alice.language, alice.time_zone) == ("ko", "America/New_York")
    assert (preferences.levels(user=alice), alice.mail_notices) == ([80, 95, 100], False)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_a_new_password_ends_the_other_log_ins(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    elsewhere = visiting.browser(alice)
    log_in(alice)
    page.goto("/accounts/password/change/")

    page.get_by_label("Current password").fill("correct horse")
    page.get_by_label("New password", exact=True).fill("a quiet harbour")
    page.get_by_label("New password (again)").fill("a quiet harbour")
    page.get_by_role("button", name="Save the password").click()

    expect(page.get_by_text("The new password is saved.")).to_be_visible()
    assert not visiting.is_logged_in(elsewhere)


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_javascript_somebody_leaves_for_good(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto("/account/close")

    page.get_by_label("Your password").fill("correct horse")
    page.get_by_role("button", name="Close my account for good").click()

    expect(page.get_by_text("Your account is closed.")).to_be_visible()
    alice.refresh_from_db()
    assert not alice.is_active


def test_a_key_is_made_and_revoked_by_keyboard_alone(
    alice: User, page: Page, log_in: Callable[..., None]
) -> None:
    log_in(alice)
    page.goto(KEYS)
    page.get_by_label("Name").focus()

    page.keyboard.type("laptop")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()
    page.get_by_role("link", name="Revoke laptop").press("Enter")
    page.get_by_role("button", name="Revoke the key").press("Enter")

    expect(page.get_by_text("The API key “laptop” is revoked.")).to_be_visible()
    assert not ApiKey.objects.exists()
