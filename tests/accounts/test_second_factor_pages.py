"""/accounts/2fa/: a code of an app besides the password, and recovery codes for a lost phone."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import User
from tests.accounts import visiting
from tests.accounts.test_pages import looks_like_ours
from tests.generation.browsing import text

INDEX = "/accounts/2fa/"
SET_UP = f"{INDEX}totp/activate/"
TURN_OFF = f"{INDEX}totp/deactivate/"
CODES = f"{INDEX}recovery-codes/"


def set_up(client: Client) -> str:
    """Go through the pages that turn it on; the secret of the app."""
    (secret,) = re.findall(r'class="secret">(\w+)<', client.get(SET_UP).content.decode())
    client.post(SET_UP, {"code": visiting.code_of(secret)})
    return str(secret)


def codes(client: Client) -> list[str]:
    return re.findall(r"<code>(\d{8})</code>", client.get(CODES).content.decode())


def test_it_is_set_up_with_a_picture_and_asked_for_at_the_next_log_in(
    proved: Client, alice: User
) -> None:
    page = proved.get(SET_UP).content.decode()
    secret = set_up(proved)

    half = visiting.browser(alice)
    before = visiting.is_logged_in(half)
    half.post(f"{INDEX}authenticate/", {"code": visiting.code_of(secret)})

    assert 'src="data:image/svg+xml;base64,' in page
    assert (before, visiting.is_logged_in(half)) == (False, True)


def test_a_wrong_code_opens_nothing(proved: Client, alice: User) -> None:
    set_up(proved)

    half = visiting.browser(alice)
    answer = half.post(f"{INDEX}authenticate/", {"code": "000000"})

    assert "This code is not right." in text(answer)
    assert not visiting.is_logged_in(half)


def test_a_recovery_code_opens_once(proved: Client, alice: User) -> None:
    set_up(proved)
    first, *rest = codes(proved)

    once, twice = (visiting.browser(alice, code=first) for _ in range(2))

    assert len(rest) == 9
    assert (visiting.is_logged_in(once), visiting.is_logged_in(twice)) == (True, False)
    assert codes(proved) == rest


def test_the_recovery_codes_come_as_a_file(proved: Client) -> None:
    set_up(proved)

    file = proved.get(f"{CODES}download/")

    assert file["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert file.content.decode().split() == codes(proved)


def test_no_browser_keeps_a_copy_of_a_secret(proved: Client) -> None:
    before = proved.get(SET_UP)
    set_up(proved)

    after = proved.get(CODES)

    assert "no-store" in before["Cache-Control"]
    assert "no-store" in after["Cache-Control"]


def test_new_codes_end_the_old_ones(proved: Client, alice: User) -> None:
    set_up(proved)
    old = codes(proved)

    answer = proved.post(f"{CODES}generate/")

    assert answer["Location"] == CODES
    assert not set(codes(proved)) & set(old)
    assert not visiting.is_logged_in(visiting.browser(alice, code=old[0]))


def test_turned_off_the_password_is_enough(proved: Client, alice: User) -> None:
    set_up(proved)

    answer = proved.post(TURN_OFF, follow=True)

    assert "The second factor is off." in text(answer)
    assert not Authenticator.objects.exists()
    assert visiting.is_logged_in(visiting.browser(alice))


def test_an_address_that_is_not_confirmed_comes_first(alice: User) -> None:
    web = visiting.browser(alice)
    web.get("/accounts/email/")
    visiting.prove(web)

    answer = web.get(SET_UP, follow=True)

    assert answer.redirect_chain == [(INDEX, 302)]
    assert "Please confirm your e-mail address first" in text(answer)


@pytest.mark.parametrize("path", [INDEX, CODES, f"{CODES}generate/", TURN_OFF])
def test_the_pages_look_like_ours(proved: Client, path: str) -> None:
    set_up(proved)

    assert looks_like_ours(proved.get(path).content.decode())


@pytest.mark.parametrize("path", [SET_UP, f"{INDEX}reauthenticate/", "/accounts/reauthenticate/"])
def test_the_pages_before_it_look_like_ours(proved: Client, path: str) -> None:
    assert looks_like_ours(proved.get(path, follow=True).content.decode())


@pytest.mark.parametrize("path", [CODES, f"{CODES}generate/", SET_UP, TURN_OFF])
def test_secrets_are_shown_after_the_password_only(alice: User, path: str) -> None:
    client = Client()
    client.force_login(alice)
    visiting.with_app(alice)

    answer = client.get(path, follow=True)

    assert not re.search(r"<code|svg\+xml;base64", answer.content.decode())
