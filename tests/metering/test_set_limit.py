"""Set a limit: the verb, what staff may do with it, and the command."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.models import User
from metering import ledger, staff
from metering.models import LedgerEntry, TokenLedger
from tests import factories
from tests.factories import AT


def set_limit(user: User, tokens: int | None, *, key: str = "once", **more: Any) -> int:
    return ledger.set_limit(
        user=user, tokens=tokens, actor=None, reason="test", key=key, at=AT, **more
    )


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("set_limit", *arguments, stdout=out)
    return out.getvalue()


def test_a_limit_is_set_and_stands_in_the_ledger(alice: User, bob: User) -> None:
    entry_id = ledger.set_limit(
        user=alice, tokens=50_000, actor=bob, reason="asked for more", key="limit:1", at=AT
    )

    entry = LedgerEntry.objects.get(pk=entry_id)
    assert factories.balance(alice).limit_tokens == 50_000
    assert (entry.kind, entry.tokens, entry.limit_delta) == ("limit", 0, 40_000)
    assert (entry.limit_after, entry.used_after, entry.seq) == (50_000, 0, 1)
    assert (entry.actor, entry.reason, entry.created_at) == (bob, "asked for more", AT)


def test_unlimited_is_an_explicit_choice(alice: User) -> None:
    entry_id = set_limit(alice, None)

    entry = LedgerEntry.objects.get(pk=entry_id)
    assert factories.balance(alice).limit_tokens is None
    assert (entry.limit_after, entry.limit_delta) == (None, None)


def test_a_limit_of_zero_is_nothing(alice: User) -> None:
    set_limit(alice, 0)

    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(alice, 1)


def test_the_same_key_again_is_one_change(alice: User) -> None:
    first = set_limit(alice, 5)

    assert set_limit(alice, 7) == first
    assert factories.balance(alice).limit_tokens == 5


def test_a_key_of_another_user_or_of_another_kind_of_entry_is_refused(
    alice: User, bob: User
) -> None:
    set_limit(alice, 5)
    charge = factories.entry(factories.charged(bob))

    with pytest.raises(ledger.KeyConflict):
        set_limit(bob, 5)
    with pytest.raises(ledger.KeyConflict):
        set_limit(bob, 5, key=charge.key)

    assert factories.balance(bob).limit_tokens == 10_000


def test_what_is_used_and_held_meanwhile_stays(alice: User) -> None:
    factories.charged(alice, 1000)
    factories.hold(alice, 300)

    set_limit(alice, 500)

    balance = factories.balance(alice)
    assert (balance.used_tokens, balance.held_tokens) == (1000, 300)
    assert (balance.remaining_tokens, balance.available_tokens) == (-500, -800)


def test_places_in_flight_stay_unless_they_are_given(alice: User) -> None:
    set_limit(alice, 5, key="first", max_in_flight=7)
    set_limit(alice, 6, key="second")

    assert factories.balance(alice).max_in_flight == 7


def test_a_negative_limit_is_refused(alice: User) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        staff.set_limit(user=alice, tokens=-1, actor=None, reason="test", at=AT)

    assert not LedgerEntry.objects.exists()


def test_the_database_refuses_a_negative_limit_too(alice: User) -> None:
    with (
        pytest.raises(IntegrityError, match="ledger_limit_not_negative"),
        transaction.atomic(),
    ):
        set_limit(alice, -1)

    assert factories.balance(alice).limit_tokens == 10_000


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_staff_give_a_reason(alice: User, reason: str) -> None:
    with pytest.raises(staff.ReasonMissing):
        staff.set_limit(user=alice, tokens=5, actor=None, reason=reason, at=AT)

    assert factories.balance(alice).limit_tokens == 10_000


def test_each_act_of_staff_is_an_entry_of_its_own(alice: User) -> None:
    staff.set_limit(user=alice, tokens=5, actor=alice, reason=" first ", at=AT)
    staff.set_limit(user=alice, tokens=5, actor=alice, reason="x" * 600, at=AT)

    reasons = LedgerEntry.objects.order_by("seq").values_list("reason", flat=True)
    assert list(reasons) == ["first", "x" * 500]


def test_the_command_sets_a_limit(alice: User) -> None:
    out = command("alice@example.org", "1499", "--reason", "test")

    assert out == "alice@example.org: 1499\n"
    assert TokenLedger.objects.get(user=alice).token_limit == 1499
    assert LedgerEntry.objects.get().reason == "test"


def test_the_command_knows_unlimited_and_places_in_flight(alice: User) -> None:
    out = command("ALICE@Example.org", "unlimited", "--max-in-flight", "9", "--reason", "test")

    row = TokenLedger.objects.get(user=alice)
    assert out == "alice@example.org: unlimited\n"
    assert (row.token_limit, row.max_in_flight) == (None, 9)


@pytest.mark.parametrize("tokens", ["", "1.5", "many", "1_000", "٣", "9" * 30])
def test_the_command_refuses_what_is_no_number_of_tokens(alice: User, tokens: str) -> None:
    with pytest.raises(CommandError, match="TOKENS"):
        command("alice@example.org", tokens, "--reason", "test")

    assert not LedgerEntry.objects.exists()


def test_the_command_refuses_a_negative_number(alice: User) -> None:
    with pytest.raises(CommandError):
        command("alice@example.org", "-5", "--reason", "test")

    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("places", ["-1", "1000001"])
def test_the_command_refuses_impossible_places(alice: User, places: str) -> None:
    with pytest.raises(CommandError, match="--max-in-flight"):
        command("alice@example.org", "5", f"--max-in-flight={places}", "--reason", "test")

    assert not LedgerEntry.objects.exists()


def test_the_command_names_an_unknown_address(db: None) -> None:
    with pytest.raises(CommandError, match=r"nobody@example\.org"):
        command("nobody@example.org", "5", "--reason", "test")


def test_the_command_needs_a_reason(alice: User) -> None:
    with pytest.raises(CommandError, match="reason"):
        command("alice@example.org", "5")
    with pytest.raises(CommandError, match="reason"):
        command("alice@example.org", "5", "--reason", " ")

    assert not LedgerEntry.objects.exists()
