"""Tries to come in, by many processes at the same instant: they count together, not each for
itself, as the web servers of one site do."""

import pytest
from django.test import Client, override_settings

from accounts.models import User
from tests.accounts import visiting
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 12
MOST_TRIES = 5
WRONG = "are not correct"


def guess(email: str) -> bool:
    """Whether the password was looked at. Runs in a process of its own."""
    form = {"login": email, "password": "wrong"}
    return WRONG in Client().post("/accounts/login/", form).content.decode()


def use(user_id: int, code: str) -> bool:
    """Whether the code of an app let somebody in. Runs in a process of its own."""
    with override_settings(ACCOUNT_RATE_LIMITS=False, MFA_TOTP_TOLERANCE=1):
        web = visiting.browser(User.objects.get(pk=user_id), code=code)
        return visiting.is_logged_in(web)


def test_a_password_is_guessed_at_no_more_often_than_once_for_all_processes(alice: User) -> None:
    tried = together.run(guess, [(alice.email,)] * PROCESSES)

    assert 1 <= sum(tried) <= MOST_TRIES


def test_what_one_process_has_counted_the_next_one_knows(alice: User) -> None:
    tried = [together.run(guess, [(alice.email,)])[0] for _ in range(MOST_TRIES + 1)]

    assert tried == [True] * MOST_TRIES + [False]


def test_a_code_lets_in_once_whichever_process_sees_it(alice: User) -> None:
    code = visiting.code_of(visiting.with_app(alice))

    let_in = together.run(use, [(alice.pk, code)] * 4)

    assert sum(let_in) == 1
