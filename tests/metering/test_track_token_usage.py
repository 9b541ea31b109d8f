"""Spending that could not be held before is charged in one call."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from metering import ledger, rates
from metering.models import DailyUsage, LedgerEntry, TokenLedger, UsageEvent
from metering.types import Charge, LegRequest, Usage
from tests import factories
from tests.factories import ANALYSIS, AT, VIDEO


def track(
    user: User, usage: Usage = factories.REPORTED, *, leg: LegRequest = ANALYSIS, key: str = "once"
) -> Charge:
    return ledger.track_token_usage(
        user=user, api_type=leg.api_type, model=leg.model, usage=usage, key=key, at=AT
    )


def test_the_use_is_charged_at_once(alice: User) -> None:
    charge = track(alice)

    entry = factories.entry(charge)
    assert (charge.tokens, charge.remaining_tokens, charge.repeated) == (487, 9513, False)
    assert (entry.kind, entry.tokens, entry.used_after, entry.key) == ("charge", 487, 487, "once")
    assert (entry.hold_id, entry.job_id, entry.api_type) == (None, None, ANALYSIS.api_type)
    assert factories.figures(alice) == (487, 0)


def test_the_event_is_kept_beside_its_entry(alice: User) -> None:
    charge = track(alice)

    event = UsageEvent.objects.get()
    assert factories.entry(charge).event_id == event.pk
    assert (event.prompt_tokens, event.total_tokens, event.basis) == (310, 487, "reported")
    assert (event.key, event.hold_id, event.billable) == ("once", None, True)


def test_it_stands_in_the_daily_row(alice: User) -> None:
    track(alice, key="first")
    track(alice, key="second")

    assert DailyUsage.objects.values_list("api_type", "charges", "tokens").get() == (
        ANALYSIS.api_type, 2, 974,
    )  # fmt: skip


def test_seconds_are_charged_by_the_tariff(alice: User) -> None:
    charge = track(alice, factories.RENDERED, leg=VIDEO)

    entry = factories.entry(charge)
    assert (charge.tokens, charge.usd, entry.cost_usd) == (1000, Decimal("1.20"), Decimal("0.80"))


def test_the_same_key_again_is_one_charge(alice: User) -> None:
    first = track(alice)

    again = track(alice, Usage(total_tokens=9000))

    assert (again.id, again.tokens, again.repeated) == (first.id, 487, True)
    assert factories.figures(alice) == (487, 0)
    assert UsageEvent.objects.count() == 1


def test_the_only_model_of_an_api_type_need_not_be_named(alice: User) -> None:
    charge = ledger.track_token_usage(
        user=alice, api_type=ANALYSIS.api_type, usage=factories.REPORTED, key="once", at=AT
    )

    assert factories.entry(charge).model == ANALYSIS.model


@pytest.mark.parametrize(
    ("api_type", "refusal"), [(VIDEO.api_type, ValueError), ("speech", rates.UnpricedModel)]
)
def test_a_model_is_never_guessed(alice: User, api_type: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        ledger.track_token_usage(
            user=alice, api_type=api_type, usage=factories.RENDERED, key="once", at=AT
        )

    assert not LedgerEntry.objects.exists()


def test_a_key_of_another_api_type_is_refused(alice: User) -> None:
    track(alice)

    with pytest.raises(ledger.KeyConflict):
        track(alice, factories.RENDERED, leg=VIDEO)

    assert factories.figures(alice) == (487, 0)


def test_a_key_of_another_user_is_refused(alice: User, bob: User) -> None:
    track(alice)

    with pytest.raises(ledger.KeyConflict):
        track(bob)

    assert factories.figures(bob) == (0, 0)


def test_a_key_of_another_kind_of_entry_is_refused(alice: User) -> None:
    factories.limit(alice, 5000)
    taken = LedgerEntry.objects.get().key

    with pytest.raises(ledger.KeyConflict):
        track(alice, key=taken)

    assert not UsageEvent.objects.exists()


def test_the_key_of_a_held_charge_is_refused(alice: User) -> None:
    taken = factories.entry(factories.charged(alice)).key

    with pytest.raises(ledger.KeyConflict):
        track(alice, key=taken)

    assert factories.figures(alice) == (487, 0)


def test_what_is_spent_is_charged_over_the_limit_and_to_a_suspended_account(alice: User) -> None:
    factories.limit(alice, 100)
    TokenLedger.objects.filter(user=alice).update(suspended=True)

    charge = track(alice)

    assert charge.remaining_tokens == -387


def test_what_has_no_price_is_refused(alice: User) -> None:
    with pytest.raises(rates.UnpricedModel):
        track(alice, leg=LegRequest(api_type=ANALYSIS.api_type, model="unheard-of"))

    assert not LedgerEntry.objects.exists()


def test_a_length_that_is_missing_is_refused_and_not_sold_for_one_token(alice: User) -> None:
    with pytest.raises(ValueError, match="billed by the second"):
        track(alice, Usage(resolution="720p"), leg=VIDEO)

    assert not LedgerEntry.objects.exists()


def test_it_counts_in_the_period_of_its_instant(alice: User) -> None:
    track(alice)

    assert factories.figures(alice, AT + timedelta(days=6)) == (0, 0)
    assert str(LedgerEntry.objects.get().period_start) == "2026-11-01"
