"""/account/preferences and the language buttons: what is chosen holds, on every device."""

import pytest
from django.test import Client

from accounts.models import User

PAGE = "/account/preferences"


def chosen(user: User) -> tuple[str, str]:
    user.refresh_from_db()
    return user.language, user.time_zone


def test_the_choice_is_kept_and_shown_in_the_chosen_language(web: Client, alice: User) -> None:
    answer = web.post(PAGE, {"language": "ko", "time_zone": "Europe/Berlin"}, follow=True)

    page = answer.content.decode()
    assert chosen(alice) == ("ko", "Europe/Berlin")
    assert "선택을 저장했습니다." in page
    assert 'value="ko"' in page
    assert 'value="Europe/Berlin"' in page


def test_the_other_device_and_the_log_in_page_speak_it_too(web: Client, alice: User) -> None:
    web.post(PAGE, {"language": "ko", "time_zone": ""})
    other = Client()
    other.force_login(alice)

    elsewhere = other.get("/account")
    web.post("/accounts/logout/")
    afterwards = web.get("/accounts/login/")

    assert elsewhere["Content-Language"] == "ko"
    assert afterwards["Content-Language"] == "ko"


def test_as_the_browser_says_forgets_what_was_chosen(web: Client, alice: User) -> None:
    web.post(PAGE, {"language": "ko", "time_zone": ""})

    answer = web.post(PAGE, {"language": "", "time_zone": ""}, follow=True)

    assert chosen(alice) == ("", "")
    assert answer["Content-Language"] == "en"
    assert "Your choice is saved." in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("asia/seoul", "Asia/Seoul"),
        (" America/New York ", "America/New_York"),
        ("utc", "UTC"),
        ("", ""),
    ],
)
def test_a_time_zone_is_taken_in_any_spelling(
    web: Client, alice: User, typed: str, kept: str
) -> None:
    web.post(PAGE, {"language": "", "time_zone": typed})

    assert chosen(alice) == ("", kept)


@pytest.mark.parametrize(
    "form",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "localtime"},
        {"time_zone": "x" * 65},
        {"time_zone": "a\x00b"},
        {"language": "fr"},
    ],
)
def test_what_does_not_exist_changes_nothing(
    web: Client, alice: User, form: dict[str, str]
) -> None:
    answer = web.post(PAGE, form)

    assert answer.status_code == 200
    assert 'class="errorlist"' in answer.content.decode()
    assert chosen(alice) == ("", "")


def test_the_page_says_that_the_period_keeps_its_own_clock(web: Client) -> None:
    page = web.get(PAGE).content.decode()

    assert "begins and ends by the clock of Asia/Seoul, whatever you choose here." in page
    assert '<option value="Europe/Berlin">' in page


def test_the_language_button_holds_here_and_on_the_next_device(web: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="en")

    answer = web.post("/language", {"language": "ko", "next": "/account"}, follow=True)

    assert answer.redirect_chain == [("/account", 302)]
    assert answer["Content-Language"] == "ko"
    assert chosen(alice) == ("ko", "")


@pytest.mark.parametrize("language", ["", "fr", "../en", "x" * 200])
def test_a_language_that_there_is_not_is_not_kept(web: Client, alice: User, language: str) -> None:
    answer = web.post("/language", {"language": language, "next": "/account"})

    assert answer.status_code == 302
    assert chosen(alice) == ("", "")


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_the_language_button_leads_to_no_other_site(web: Client, away: str) -> None:
    answer = web.post("/language", {"language": "ko", "next": away})

    assert answer["Location"] == "/"


def test_a_link_changes_no_language(web: Client, alice: User) -> None:
    assert web.get("/language?language=ko&next=/").status_code == 405
    assert chosen(alice) == ("", "")


def test_a_stranger_logs_in_first(client: Client, db: None) -> None:
    assert client.get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
