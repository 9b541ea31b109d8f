"""A key at the API: until when it opens, and what is noted of its use."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, User

URL = "/api/usage"


def script(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_the_first_use_is_noted(api: Callable[[User], APIClient], alice: User) -> None:
    client = api(alice)
    before = ApiKey.objects.get().last_used

    answer = client.get(URL)

    noted = ApiKey.objects.get().last_used
    assert (answer.status_code, before) == (200, None)
    assert noted is not None
    assert timezone.now() - noted < timedelta(minutes=1)


def test_a_key_that_was_used_just_now_is_only_read_once(
    api: Callable[[User], APIClient], alice: User
) -> None:
    client = api(alice)
    client.get(URL)
    noted = ApiKey.objects.get().last_used

    with CaptureQueriesContext(connection) as seen:
        client.get(URL)

    about = [query["sql"] for query in seen if "accounts_apikey" in query["sql"]]
    assert [sql.split()[0] for sql in about] == ["SELECT"]
    assert ApiKey.objects.get().last_used == noted


def test_a_later_use_is_noted_again(api: Callable[[User], APIClient], alice: User) -> None:
    client = api(alice)
    earlier = timezone.now() - timedelta(seconds=61)
    ApiKey.objects.update(last_used=earlier)

    client.get(URL)

    assert ApiKey.objects.get().last_used > earlier + timedelta(seconds=60)


def test_an_expired_key_opens_nothing_and_stays_in_the_list(alice: User) -> None:
    _, secret = ApiKey.objects.create(user=alice, name="old", expiry=timedelta(seconds=-1))
    ApiKey.objects.create(user=alice, name="older", expiry=timedelta(days=-1))

    answer = script(secret).get(URL)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert ApiKey.objects.count() == 2
    assert not ApiKey.objects.filter(last_used__isnull=False).exists()


def test_the_key_of_somebody_who_left_opens_nothing(
    api: Callable[[User], APIClient], alice: User
) -> None:
    client = api(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert client.get(URL).status_code == 401


@pytest.mark.parametrize("secret", ["x", "shorts_", "shorts_" + "0" * 64, "é", "a b", "\x01"])
def test_what_is_no_key_is_refused(db: None, secret: str) -> None:
    assert script(secret).get(URL).status_code == 401


def test_a_key_with_one_wrong_character_is_refused(alice: User) -> None:
    _, secret = ApiKey.objects.create(user=alice, name="laptop")
    wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")

    assert script(wrong).get(URL).status_code == 401


def test_a_key_made_by_command_is_all_that_is_printed(
    alice: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_api_key", "ALICE@example.org", name="nightly job")

    printed = capsys.readouterr().out
    assert script(printed.removesuffix("\n")).get(URL).status_code == 200
    assert ApiKey.objects.get().name == "nightly job"


def test_a_command_makes_no_key_without_a_name(alice: User) -> None:
    with pytest.raises(CommandError, match="what the key is for"):
        call_command("create_api_key", alice.email, name="  ")

    assert not ApiKey.objects.exists()
