"""API keys that are made, and used, by many processes at the same instant."""

from datetime import datetime

import pytest

from accounts import keys
from accounts.models import ApiKey, User
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 8
EACH = 5


def make_some(user_id: int, worker: int) -> int:
    """How many of `EACH` keys were made. Runs in a process of its own."""
    user, made = User.objects.get(pk=user_id), 0
    for number in range(EACH):
        try:
            keys.make(user=user, name=f"{worker}-{number}", lifetime=None)
        except keys.TooManyKeys:
            continue
        made += 1
    return made


def make_same(user_id: int) -> int:
    """Whether a key of the one name was made. Runs in a process of its own."""
    try:
        keys.make(user=User.objects.get(pk=user_id), name="laptop", lifetime=None)
    except keys.NameTaken:
        return 0
    return 1


def use_it(secret: str) -> datetime | None:
    """When the key was noted as used after this use. Runs in a process of its own."""
    keys.use(secret=secret)
    noted: datetime | None = ApiKey.objects.get().last_used
    return noted


def test_nobody_gets_more_keys_than_the_limit(alice: User) -> None:
    made = together.run(make_some, [(alice.pk, worker) for worker in range(PROCESSES)])

    assert sum(made) == keys.MOST
    assert ApiKey.objects.count() == keys.MOST


def test_one_name_is_given_once(alice: User) -> None:
    made = together.run(make_same, [(alice.pk,)] * PROCESSES)

    assert sum(made) == 1
    assert ApiKey.objects.count() == 1


def test_uses_at_the_same_instant_are_noted_once(alice: User) -> None:
    secret = keys.make(user=alice, name="laptop", lifetime=None)

    noted = together.run(use_it, [(secret,)] * PROCESSES)

    assert len(set(noted)) == 1
    assert None not in noted
