"""Grant: extra tokens that last until the period ends."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from metering import ledger
from metering.models import LedgerEntry
from tests import factories
from tests.factories import AT

NEXT_MONTH = AT + timedelta(days=10)


def grant(user: User, tokens: int, *, key: str = "once", **more: Any) -> int:
    given = {"actor": None, "reason": "sorry for yesterday", "at": AT, **more}
    return ledger.grant(user=user, tokens=tokens, key=key, **given)


def test_a_grant_comes_on_top_of_the_limit(alice: User, bob: User) -> None:
    factories.charged(alice, 1000, held=1000)

    entry = LedgerEntry.objects.get(pk=grant(alice, 500, actor=bob))

    now = factories.balance(alice)
    assert (now.limit_tokens, now.granted_tokens, now.remaining_tokens) == (10_000, 500, 9_500)
    assert (entry.kind, entry.tokens, entry.limit_delta) == ("grant", 0, 500)
    assert (entry.limit_after, entry.used_after) == (10_500, 1000)
    assert (entry.actor, entry.reason) == (bob, "sorry for yesterday")


def test_what_is_granted_can_be_held(alice: User) -> None:
    factories.limit(alice, 1499)
    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(alice)

    grant(alice, 1)

    assert len(factories.hold(alice)) == 2


def test_a_grant_ends_with_its_period(alice: User) -> None:
    grant(alice, 500)

    factories.charged(alice, 1000, held=1000, at=NEXT_MONTH)

    assert factories.balance(alice).granted_tokens == 0
    assert factories.balance(alice, NEXT_MONTH).remaining_tokens == 9_000


def test_twice_with_one_key_is_once_also_a_day_later(alice: User) -> None:
    first = grant(alice, 500)
    again = grant(alice, 500, at=AT + timedelta(days=1))

    assert first == again
    assert factories.balance(alice).granted_tokens == 500
    assert LedgerEntry.objects.count() == 1


def test_grants_add_up(alice: User) -> None:
    grant(alice, 500, key="first")
    grant(alice, 20, key="second")

    assert factories.balance(alice).granted_tokens == 520


def test_an_unlimited_user_stays_unlimited(alice: User) -> None:
    factories.limit(alice, None)

    entry = LedgerEntry.objects.get(pk=grant(alice, 500))

    assert factories.balance(alice).remaining_tokens is None
    assert entry.limit_after is None


def test_a_key_stands_for_the_tokens_that_it_gave(alice: User) -> None:
    grant(alice, 500)

    with pytest.raises(ledger.KeyConflict):
        grant(alice, 700)

    assert factories.balance(alice).granted_tokens == 500


@pytest.mark.parametrize("tokens", [0, -5])
def test_a_grant_gives_something(alice: User, tokens: int) -> None:
    grant(alice, 500, key="first")

    with pytest.raises(ledger.Refused, match="not_positive"):
        grant(alice, tokens, key="second")

    assert factories.balance(alice).granted_tokens == 500


def test_a_key_of_another_user_is_refused(alice: User, bob: User) -> None:
    grant(alice, 500)

    with pytest.raises(ledger.KeyConflict):
        grant(bob, 500)

    assert factories.balance(bob).granted_tokens == 0
