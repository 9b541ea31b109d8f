"""Adjust: what was used this period is corrected, up or down."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from metering import ledger
from metering.models import DailyUsage, LedgerEntry
from tests import factories
from tests.factories import AT


def adjust(user: User, tokens: int, *, key: str = "once", **more: Any) -> int:
    given = {"actor": None, "reason": "late evidence", "at": AT, **more}
    return ledger.adjust(user=user, tokens=tokens, key=key, **given)


@pytest.mark.parametrize(("tokens", "used"), [(250, 1250), (-250, 750), (-1000, 0)])
def test_a_correction_moves_what_was_used(alice: User, bob: User, tokens: int, used: int) -> None:
    factories.charged(alice, 1000, held=1000)

    entry = LedgerEntry.objects.get(pk=adjust(alice, tokens, actor=bob))

    assert factories.figures(alice) == (used, 0)
    assert (entry.kind, entry.tokens, entry.used_after) == ("adjustment", tokens, used)
    assert (entry.actor, entry.reason) == (bob, "late evidence")


def test_a_key_stands_for_the_tokens_that_it_corrected(alice: User) -> None:
    adjust(alice, 250)

    with pytest.raises(ledger.KeyConflict):
        adjust(alice, 300)

    assert factories.figures(alice) == (250, 0)


def test_a_correction_by_nothing_is_refused(alice: User) -> None:
    with pytest.raises(ledger.Refused, match="zero"):
        adjust(alice, 0)

    assert not LedgerEntry.objects.exists()


def test_used_is_never_below_nothing(alice: User) -> None:
    factories.charged(alice, 1000, held=1000)

    with pytest.raises(ledger.Refused) as refused:
        adjust(alice, -1001)

    assert (refused.value.outcome, refused.value.most_tokens) == ("below_zero", 1000)
    assert factories.figures(alice) == (1000, 0)
    assert LedgerEntry.objects.count() == 1


def test_what_is_held_stays_held(alice: User) -> None:
    factories.hold(alice, 300)

    adjust(alice, 9_900)

    assert factories.figures(alice) == (9_900, 300)
    assert factories.balance(alice).available_tokens == -200


def test_the_daily_figures_follow(alice: User) -> None:
    adjust(alice, 250)

    row = DailyUsage.objects.get(user=alice)
    assert (row.api_type, row.tokens, row.charges) == ("", 250, 0)


def test_twice_with_one_key_is_once_also_a_day_later(alice: User) -> None:
    first = adjust(alice, 250)
    again = adjust(alice, 250, at=AT + timedelta(days=1))

    assert first == again
    assert factories.figures(alice) == (250, 0)


def test_a_correction_belongs_to_the_period_in_which_it_is_made(alice: User) -> None:
    later = AT + timedelta(days=10)
    factories.charged(alice, 1000, held=1000)

    with pytest.raises(ledger.Refused):
        adjust(alice, -1, at=later)

    assert factories.figures(alice) == (1000, 0)
    assert factories.figures(alice, later) == (0, 0)
