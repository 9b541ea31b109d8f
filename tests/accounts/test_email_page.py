"""/accounts/email/: the one address, and a new one in its place once it is confirmed."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts import visiting
from tests.generation.browsing import text

PAGE = "/accounts/email/"


def link_in(message: Any) -> str:
    (link,) = re.findall(r"http://testserver(/accounts/confirm-email/\S+)", message.body)
    return str(link)


def address(user: User) -> tuple[str, list[str]]:
    user.refresh_from_db()
    return user.email, list(EmailAddress.objects.values_list("email", flat=True))


def test_a_new_address_counts_once_its_link_is_opened(proved: Client, alice: User) -> None:
    asked = proved.post(PAGE, {"email": "New@example.org", "action_add": ""}, follow=True)
    between = address(alice)[0]

    done = proved.post(link_in(mail.outbox[-1]), follow=True)

    assert "new@example.org is to be your new address." in text(asked)
    assert between == "alice@example.org"
    assert "new@example.org is confirmed." in text(done)
    assert address(alice) == ("new@example.org", ["new@example.org"])
    assert [message.to for message in mail.outbox] == [["new@example.org"], ["alice@example.org"]]


def test_the_password_is_asked_for_first(alice: User) -> None:
    visiting.confirmed(alice)
    web = visiting.browser(alice)

    answer = web.post(PAGE, {"email": "new@example.org", "action_add": ""})

    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    assert address(alice)[1] == ["alice@example.org"]


def test_the_old_address_can_be_kept(proved: Client, alice: User) -> None:
    proved.post(PAGE, {"email": "new@example.org", "action_add": ""})

    proved.post(PAGE, {"email": "new@example.org", "action_remove": ""})

    assert address(alice) == ("alice@example.org", ["alice@example.org"])


def test_who_has_not_confirmed_sends_the_link_again(alice: User) -> None:
    web = visiting.browser(alice)
    mail.outbox.clear()
    page = web.get(PAGE)

    web.post(PAGE, {"email": "alice@example.org", "action_send": ""})
    web.post(link_in(mail.outbox[-1]))

    assert "alice@example.org not confirmed yet" in text(page)
    assert "alice@example.org confirmed" in text(web.get(PAGE))


def test_the_address_of_somebody_else_is_never_taken_over(
    proved: Client, alice: User, bob: User
) -> None:
    proved.post(PAGE, {"email": "bob@example.org", "action_add": ""})

    answer = proved.post(link_in(mail.outbox[-1]), follow=True)

    assert "could not be confirmed: another account has it already." in text(answer)
    assert address(alice)[0] == "alice@example.org"


def test_an_address_that_somebody_took_meanwhile_is_not_confirmed(
    proved: Client, alice: User, bob: User
) -> None:
    proved.post(PAGE, {"email": "new@example.org", "action_add": ""})
    User.objects.filter(pk=bob.pk).update(email="NEW@example.org")

    answer = proved.post(link_in(mail.outbox[-1]), follow=True)

    assert "could not be confirmed: another account has it already." in text(answer)
    assert address(alice)[0] == "alice@example.org"


def test_a_second_factor_keeps_the_address(proved: Client, alice: User) -> None:
    visiting.with_app(alice)

    answer = proved.post(PAGE, {"email": "new@example.org", "action_add": ""})

    assert "While a second factor is on, the address can't be changed." in text(answer).replace(
        "&#x27;", "'"
    )
    assert address(alice)[1] == ["alice@example.org"]
