"""Set tokens aside for a whole job, or refuse and leave nothing behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from structlog.testing import capture_logs

from accounts.models import User
from metering import ledger
from metering.models import Hold, LedgerEntry, TokenLedger
from metering.types import Quote
from tests import factories
from tests.factories import AT


def stored(user: User) -> dict[str, Any]:
    return TokenLedger.objects.filter(user=user).values().get()


def test_an_ordinary_short_holds_both_legs(alice: User) -> None:
    analysis, video = factories.hold(alice)

    balance = factories.balance(alice)
    assert (analysis.amount, video.amount) == (500, 1000)
    assert (balance.used_tokens, balance.held_tokens) == (0, 1500)
    assert (balance.remaining_tokens, balance.available_tokens) == (10_000, 8500)
    assert balance.in_flight == 1


def test_a_hold_keeps_its_frozen_price_its_period_and_its_day(alice: User) -> None:
    quote = factories.quote_for()

    _, video = factories.hold(alice, quote=quote)

    kept = factories.row(video)
    assert kept.to_open_hold() == video
    assert video.line == quote.lines[1]
    assert (str(kept.period_start), str(kept.day)) == ("2026-11-01", "2026-11-25")
    assert (kept.state, kept.created_at) == ("open", AT)


def test_what_remains_does_not_subtract_holds(alice: User) -> None:
    factories.hold(alice)

    held = ledger.hold(user=alice, job_id=uuid4(), quote=factories.quote_for(), key="second", at=AT)

    assert held.remaining_tokens == 10_000


def test_an_unlimited_ledger_holds_anything_and_has_no_remainder(alice: User) -> None:
    factories.limit(alice, None)

    held = ledger.hold(
        user=alice, job_id=uuid4(), quote=factories.raw_quote(10**12), key="big", at=AT
    )

    assert held.remaining_tokens is None
    assert factories.figures(alice) == (0, 10**12)


def test_the_last_token_may_be_held(alice: User) -> None:
    factories.limit(alice, 1500)

    factories.hold(alice)

    assert factories.balance(alice).available_tokens == 0


def test_a_grant_may_be_held_too(alice: User) -> None:
    factories.limit(alice, 1000)
    ledger.grant(user=alice, tokens=500, at=AT, **factories.act())

    factories.hold(alice)

    assert factories.balance(alice).available_tokens == 0


@pytest.mark.parametrize("tokens", [0, 1, 1499])
def test_one_token_too_few_writes_nothing(alice: User, tokens: int) -> None:
    factories.limit(alice, tokens)
    before = stored(alice)

    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(alice)

    assert stored(alice) == before
    assert not Hold.objects.exists()


def test_a_refusal_carries_the_five_figures_of_its_instant(alice: User) -> None:
    factories.limit(alice, 3000)
    factories.charged(alice, 487)
    factories.hold(alice)

    with pytest.raises(ledger.TokenLimitExceeded) as refusal:
        factories.hold(alice)

    assert refusal.value.estimated_tokens == 1500
    assert refusal.value.remaining_tokens == 2513
    assert refusal.value.held_tokens == 1500
    assert refusal.value.limit_tokens == 3000
    assert refusal.value.resets_at == datetime(2026, 11, 30, 15, tzinfo=UTC)


def test_all_legs_are_held_or_none(alice: User) -> None:
    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(alice, 500, 9501)

    assert not Hold.objects.exists()
    assert factories.figures(alice) == (0, 0)


def test_what_is_held_cannot_be_held_again(alice: User) -> None:
    factories.hold(alice, 6000)

    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(alice, 4001)

    assert factories.figures(alice) == (0, 6000)


def test_a_suspended_account_is_refused_before_anything_else(alice: User) -> None:
    factories.limit(alice, 0)
    TokenLedger.objects.filter(user=alice).update(suspended=True, max_in_flight=0)

    with pytest.raises(ledger.AccountSuspended):
        factories.hold(alice)

    assert not Hold.objects.exists()


def test_too_few_tokens_are_told_before_too_many_jobs(alice: User) -> None:
    factories.limit(alice, 0, max_in_flight=0)

    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(alice)

    assert not Hold.objects.exists()


def test_a_fourth_job_is_refused_with_both_counts(alice: User) -> None:
    factories.hold(alice, 1)
    factories.hold(alice, 1)
    factories.hold(alice, 1)

    with pytest.raises(ledger.TooManyInFlight) as refusal:
        factories.hold(alice, 1)

    assert (refusal.value.in_flight, refusal.value.max_in_flight) == (3, 3)
    assert factories.figures(alice) == (0, 3)


def test_a_due_hold_still_takes_its_place_in_flight(alice: User) -> None:
    factories.limit(alice, 10_000, max_in_flight=1)
    factories.due(alice)

    with pytest.raises(ledger.TooManyInFlight):
        factories.hold(alice, 1)

    assert factories.balance(alice).in_flight == 1


def test_another_leg_of_a_job_in_flight_takes_no_second_place(alice: User) -> None:
    factories.limit(alice, 10_000, max_in_flight=1)
    job_id = uuid4()
    factories.hold(alice, job_id=job_id, quote=factories.quote_for(factories.ANALYSIS))

    factories.hold(alice, job_id=job_id, quote=factories.quote_for(factories.VIDEO))

    assert factories.balance(alice).in_flight == 1
    assert factories.figures(alice) == (0, 1500)


def test_other_peoples_holds_do_not_count(alice: User, bob: User) -> None:
    factories.limit(alice, 1500, max_in_flight=1)
    factories.hold(bob)

    factories.hold(alice)

    assert (factories.figures(alice), factories.figures(bob)) == ((0, 1500), (0, 1500))


def test_the_same_key_again_is_the_same_hold(alice: User) -> None:
    job_id = uuid4()
    first = factories.hold(alice, job_id=job_id, key="once")

    again = factories.hold(alice, job_id=job_id, key="once")

    assert again == first
    assert factories.figures(alice) == (0, 1500)


def test_a_repeat_keeps_the_first_price(alice: User) -> None:
    job_id, quote = uuid4(), factories.quote_for(factories.VIDEO)
    dearer = Quote(lines=(replace(quote.lines[0], tokens=9000), *factories.raw_quote(7).lines))
    first = factories.hold(alice, job_id=job_id, key="once", quote=quote)

    again = factories.hold(alice, job_id=job_id, key="once", quote=dearer)

    assert again == first
    assert factories.figures(alice) == (0, 1000)


def test_a_repeat_is_answered_whatever_has_happened_since(alice: User) -> None:
    job_id = uuid4()
    first = factories.hold(alice, job_id=job_id, key="once")
    factories.limit(alice, 0)
    TokenLedger.objects.filter(user=alice).update(suspended=True)

    assert factories.hold(alice, job_id=job_id, key="once") == first


def test_a_key_of_another_job_is_refused(alice: User) -> None:
    factories.hold(alice, 5, key="once")

    with pytest.raises(ledger.KeyConflict):
        factories.hold(alice, 7, key="once")

    assert factories.figures(alice) == (0, 5)


def test_a_key_of_another_user_is_refused_even_for_the_same_job(alice: User, bob: User) -> None:
    job_id = uuid4()
    factories.hold(alice, 5, key="once", job_id=job_id)

    with pytest.raises(ledger.KeyConflict):
        factories.hold(bob, 5, key="once", job_id=job_id)

    assert factories.figures(bob) == (0, 0)


def test_the_database_refuses_a_second_live_hold_for_one_leg(alice: User) -> None:
    job_id = uuid4()
    factories.hold(alice, 5, job_id=job_id)

    with pytest.raises(IntegrityError, match="hold_one_live_per_leg"), transaction.atomic():
        factories.hold(alice, 5, job_id=job_id)

    assert factories.figures(alice) == (0, 5)


def test_a_new_period_gives_the_whole_allowance_again(alice: User) -> None:
    factories.charged(alice, 9000)
    december = AT + timedelta(days=10)

    factories.hold(alice, 10_000, at=december)

    assert factories.figures(alice, december) == (0, 10_000)
    assert str(TokenLedger.objects.get(user=alice).period_start) == "2026-12-01"


def test_a_hold_writes_no_entry(alice: User) -> None:
    factories.hold(alice)

    assert not LedgerEntry.objects.exists()
    assert TokenLedger.objects.get(user=alice).seq == 0


@pytest.mark.plants_ledger_errors
def test_without_a_ledger_nothing_may_start(alice: User) -> None:
    factories.plant("DELETE FROM metering_tokenledger WHERE user_id = %s", alice.pk)

    with (
        capture_logs() as lines,
        pytest.raises(ledger.MeteringUnavailable),
        transaction.atomic(),
    ):
        factories.hold(alice)

    assert not Hold.objects.exists()
    assert [line["log_level"] for line in lines] == ["error"]
    assert f"user {alice.pk} has no token ledger" in lines[0]["error"]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_without_a_database_nothing_may_start(alice: User, error: type[Exception]) -> None:
    def away(*arguments: Callable[..., object]) -> None:
        raise error("the database is away")

    quote = factories.quote_for()
    with pytest.raises(ledger.MeteringUnavailable), connection.execute_wrapper(away):
        factories.hold(alice, quote=quote)

    assert not Hold.objects.exists()
