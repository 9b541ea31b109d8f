"""Suspend: no new holds, and nothing else."""

from typing import Any

import pytest

from accounts.models import User
from metering import ledger
from metering.models import LedgerEntry
from tests import factories
from tests.factories import AT


def suspend(user: User, suspended: bool = True, *, key: str = "once", **more: Any) -> int:
    given = {"actor": None, "reason": "a stolen key", "at": AT, **more}
    return ledger.suspend(user=user, suspended=suspended, key=key, **given)


def test_a_suspended_user_gets_no_new_hold(alice: User, bob: User) -> None:
    entry = LedgerEntry.objects.get(pk=suspend(alice, actor=bob))

    with pytest.raises(ledger.AccountSuspended):
        factories.hold(alice)

    assert factories.figures(alice) == (0, 0)
    assert (entry.kind, entry.tokens, entry.limit_delta) == ("suspension", 0, None)
    assert (entry.actor, entry.reason) == (bob, "a stolen key")


def test_what_is_under_way_is_charged_as_ever(alice: User) -> None:
    one = factories.due(alice, 487)

    suspend(alice)
    charge = ledger.charge(hold=one, at=AT)

    assert charge.tokens == 487
    assert factories.figures(alice) == (487, 0)


def test_a_suspension_is_named_before_the_tokens_that_lack(alice: User) -> None:
    factories.limit(alice, 0)
    suspend(alice)

    with pytest.raises(ledger.AccountSuspended):
        factories.hold(alice)


def test_after_it_is_lifted_holds_are_made_again(alice: User) -> None:
    suspend(alice, key="first")
    suspend(alice, False, key="second")

    assert len(factories.hold(alice)) == 2
    assert LedgerEntry.objects.filter(kind="suspension").count() == 2


def test_the_same_form_sent_again_does_not_suspend_again(alice: User) -> None:
    first = suspend(alice, key="first")
    suspend(alice, False, key="second")

    again = suspend(alice, key="first")

    assert first == again
    assert not factories.balance(alice).suspended


def test_others_go_on(alice: User, bob: User) -> None:
    suspend(alice)

    assert len(factories.hold(bob)) == 2
