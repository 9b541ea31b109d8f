"""Staff look after people: accounts, rights and API keys."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts import closing, keys
from accounts.models import ApiKey, User
from tests.metering.staff_work import allow, ledger_of, limit_page, signed_in

USERS = "/admin/accounts/user/"
KEYS = "/admin/accounts/apikey/"
PASSWORD = "a long enough phrase"


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    """The edit form of a user as it is, with some fields changed."""
    fields = {"email": user.email, "language": "", "time_zone": "", "is_active": "on", **changes}
    return {name: value for name, value in fields.items() if value is not None}


def test_staff_add_a_person_who_gets_a_ledger(desk: Client) -> None:
    form = {"email": "Mina@Example.org", "password1": PASSWORD, "password2": PASSWORD}

    answer = desk.post(f"{USERS}add/", form)

    mina = User.objects.get(email="mina@example.org")
    assert answer.url == f"{USERS}{mina.pk}/change/"
    assert mina.check_password(PASSWORD)
    assert ledger_of(mina).token_limit == 10000


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "ALICE@example.org"}, "already"),
        ({"email": "nobody"}, "Enter a valid email address"),
        ({"email": ""}, "This field is required"),
        ({"email": "x@example.org", "password2": "other"}, "password fields"),
    ],
)
def test_a_person_who_cannot_be_added_is_refused_in_a_sentence(
    desk: Client, alice: User, form: dict[str, str], sentence: str
) -> None:
    answer = desk.post(f"{USERS}add/", {"password1": PASSWORD, "password2": PASSWORD, **form})

    assert answer.status_code == 200
    assert sentence in answer.content.decode()


def test_staff_change_language_and_time_zone(desk: Client, alice: User) -> None:
    form = form_of(alice, language="ko", time_zone="Asia/Seoul")

    answer = desk.post(f"{USERS}{alice.pk}/change/", form)

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.language, alice.time_zone) == ("ko", "Asia/Seoul")


def test_a_time_zone_that_does_not_exist_is_refused(desk: Client, alice: User) -> None:
    answer = desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, time_zone="Mars/Olympus"))

    assert answer.status_code == 200
    alice.refresh_from_db()
    assert alice.time_zone == ""


def test_who_leaves_is_deactivated(desk: Client, alice: User) -> None:
    desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, is_active=None))

    alice.refresh_from_db()
    assert not alice.is_active
    assert ledger_of(alice).user == alice


def test_nobody_is_deleted(desk: Client, alice: User) -> None:
    selected = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}

    answer = desk.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"})
    desk.post(USERS, selected)

    assert answer.status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


def test_an_address_that_was_replaced_opens_nothing_any_more(desk: Client, alice: User) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)

    desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, email="New@example.org"))

    alice.refresh_from_db()
    assert alice.email == "new@example.org"
    assert not EmailAddress.objects.filter(user=alice).exists()


def test_only_superusers_give_rights_away(alice: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "change_user"))

    answer = clerk.post(
        f"{USERS}{alice.pk}/change/", form_of(alice, is_staff="on", is_superuser="on")
    )

    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser) == (False, False)


def test_only_superusers_change_staff(staff: User, bob: User) -> None:
    clerk = signed_in(allow(bob, "change_user"))
    form = {"password1": PASSWORD, "password2": PASSWORD}

    answers = [
        clerk.post(f"{USERS}{staff.pk}/change/", form_of(staff, email="b@example.org")),
        clerk.post(f"{USERS}{staff.pk}/password/", form),
        clerk.post(f"{USERS}{bob.pk}/password/", form),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    staff.refresh_from_db()
    assert staff.email == "staff@example.org"
    assert staff.check_password("correct horse")


def test_a_revoked_key_opens_nothing(desk: Client, alice: User) -> None:
    key, secret = ApiKey.objects.create(user=alice, name="laptop")
    other, _ = ApiKey.objects.create(user=alice, name="server")

    answer = desk.post(f"{KEYS}revoke/{keys.handle_of(key)}/", follow=True)

    assert "The API key “laptop” is revoked." in answer.content.decode()
    assert list(ApiKey.objects.all()) == [other]
    script = APIClient()
    script.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert script.get("/api/usage").status_code == 401


def test_no_page_shows_the_digest_of_a_key(desk: Client, alice: User) -> None:
    key, secret = ApiKey.objects.create(user=alice, name="laptop")

    pages = desk.get(KEYS).content + desk.get(f"{KEYS}revoke/{keys.handle_of(key)}/").content

    assert b"laptop" in pages
    assert key.digest.encode() not in pages
    assert secret.encode() not in pages
    assert ApiKey.objects.count() == 1


def test_keys_are_revoked_only_by_who_may(alice: User, bob: User) -> None:
    key, _ = ApiKey.objects.create(user=alice, name="laptop")
    clerk = signed_in(allow(bob, "view_apikey"))

    answer = clerk.post(f"{KEYS}revoke/{keys.handle_of(key)}/")

    assert answer.status_code == 403
    assert ApiKey.objects.get() == key


@pytest.mark.parametrize("handle", ["x", "1-2", "99999999999999999999-a", "²-a", "-"])
def test_a_key_that_does_not_exist_is_not_found(desk: Client, alice: User, handle: str) -> None:
    ApiKey.objects.create(user=alice, name="laptop")

    assert desk.post(f"{KEYS}revoke/{handle}/").status_code == 404


def test_groups_carry_rights(desk: Client) -> None:
    answer = desk.post("/admin/auth/group/add/", {"name": "clerks"})

    assert answer.status_code == 302
    assert Group.objects.get().name == "clerks"


def test_the_old_address_is_told_when_staff_replace_it(
    desk: Client, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, email="new@example.org"))

    (message,) = mail.outbox
    assert message.to == ["alice@example.org"]
    assert message.subject == "Shorts: Your e-mail address was changed"
    assert "Our staff have changed it: you log in with new@example.org" in str(message.body)


def test_another_change_by_staff_sends_no_mail(
    desk: Client, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, language="ko"))
        desk.post(f"{USERS}{alice.pk}/password/", {"password1": "x", "password2": "y"})

    assert mail.outbox == []


def test_a_password_that_staff_chose_is_told_to_the_person(
    desk: Client, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}

    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"{USERS}{alice.pk}/password/", form)

    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert [(m.to, m.subject) for m in mail.outbox] == [
        (["alice@example.org"], "Shorts: Your password was changed")
    ]


def test_a_form_left_open_gives_a_closed_account_no_name_back(desk: Client, alice: User) -> None:
    form = form_of(alice, first_name="Alice")
    closing.close(user=alice)

    answer = desk.post(f"{USERS}{alice.pk}/change/", form)

    alice.refresh_from_db()
    assert answer.status_code == 403
    assert (alice.email, alice.first_name) == (f"closed-{alice.pk}@closed.invalid", "")
    assert not alice.is_active


def test_the_history_of_a_closed_account_names_no_address_of_it(desk: Client, alice: User) -> None:
    desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, language="ko"))
    desk.post(limit_page(alice), {"tokens": "5", "reason": "x"})
    desk.post(f"{USERS}{alice.pk}/change/", form_of(alice, email="new@example.org"))
    alice.refresh_from_db()

    closing.close(user=alice)

    history = LogEntry.objects.values_list("object_repr", "change_message")
    assert LogEntry.objects.count() == 3
    assert "example.org" not in str(list(history))
