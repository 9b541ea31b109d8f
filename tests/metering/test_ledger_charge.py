"""A due hold becomes one entry, and what is left of it is given back by the same call."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from metering import ledger
from metering.models import DailyUsage, LedgerEntry, Notice, RateCard
from metering.types import Usage
from tests import factories
from tests.factories import AT

LAST_MOMENT_OF_FEBRUARY = datetime(2027, 2, 28, 14, 59, 30, tzinfo=UTC)
FIRST_MOMENT_OF_MARCH = datetime(2027, 2, 28, 15, 2, tzinfo=UTC)


def notices(user: User) -> list[tuple[int, int, int]]:
    rows = Notice.objects.filter(user=user).order_by("limit_tokens", "level")
    return list(rows.values_list("limit_tokens", "level", "used_tokens"))


def test_the_reported_tokens_are_charged_and_the_rest_given_back(alice: User) -> None:
    charge = factories.charged(alice, 487, held=500)

    assert (charge.tokens, charge.remaining_tokens, charge.repeated) == (487, 9513, False)
    assert factories.figures(alice) == (487, 0)
    assert factories.balance(alice).in_flight == 0


def test_the_entry_says_what_was_charged_for_what(alice: User) -> None:
    hold = factories.due(alice, 487)

    entry = factories.entry(ledger.charge(hold=hold, at=AT))

    assert (entry.seq, entry.kind, entry.tokens) == (1, "charge", 487)
    assert (entry.used_after, entry.limit_after, entry.limit_delta) == (487, 10_000, None)
    assert (entry.hold_id, entry.job_id, entry.key) == (hold.id, hold.job_id, f"charge:{hold.id}")
    assert (entry.api_type, entry.model) == (hold.line.api_type, hold.line.model)
    assert (str(entry.period_start), str(entry.day)) == ("2026-11-01", "2026-11-25")
    assert (entry.event.tokens, entry.created_at, entry.actor_id) == (487, AT, None)


def test_the_hold_is_closed(alice: User) -> None:
    hold = factories.due(alice)
    ledger.park(hold=hold, at=AT)

    ledger.charge(hold=hold, at=AT + timedelta(minutes=1))

    row = factories.row(hold)
    assert (row.state, row.parked, row.closed_at) == ("captured", False, AT + timedelta(minutes=1))
    assert (row.charge_after, row.charge_error) == (None, "")


def test_an_entry_has_tariff_and_cost_in_dollars(alice: User) -> None:
    job_id = factories.short_charged(alice)

    analysis, video = LedgerEntry.objects.filter(job_id=job_id).order_by("seq")
    assert (analysis.tokens, analysis.usd) == (487, None)
    assert analysis.cost_usd == (310 * Decimal("0.75") + 177 * Decimal("3.75")) / 1_000_000
    assert (video.tokens, video.usd, video.cost_usd) == (1000, Decimal("1.20"), Decimal("0.80"))


def test_more_than_was_held_is_charged_in_full(alice: User) -> None:
    factories.limit(alice, 5000)

    charge = factories.charged(alice, 9000, held=500)

    assert (charge.tokens, charge.remaining_tokens) == (9000, -4000)
    with pytest.raises(ledger.TokenLimitExceeded) as refusal:
        factories.hold(alice, 1)
    assert refusal.value.remaining_tokens == -4000


def test_charging_twice_is_charging_once(alice: User) -> None:
    hold = factories.due(alice)
    first = ledger.charge(hold=hold, at=AT)

    again = ledger.charge(hold=hold, at=AT + timedelta(days=1))

    assert (again.id, again.tokens, again.repeated) == (first.id, 487, True)
    assert factories.figures(alice) == (487, 0)
    assert LedgerEntry.objects.count() == 1


def test_an_open_hold_has_nothing_to_charge(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    with pytest.raises(ledger.NotDue):
        ledger.charge(hold=hold, at=AT)

    assert factories.figures(alice) == (0, 500)
    assert not LedgerEntry.objects.exists()


def test_a_released_hold_has_nothing_to_charge(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.release(hold=hold, reason="test", at=AT)

    with pytest.raises(ledger.NotDue):
        ledger.charge(hold=hold, at=AT)

    assert not LedgerEntry.objects.exists()


def test_a_hold_that_was_written_off_has_nothing_to_charge(alice: User) -> None:
    hold = factories.due(alice)
    ledger.write_off(hold=hold, at=AT, **factories.act())

    with pytest.raises(ledger.NotDue):
        ledger.charge(hold=hold, at=AT)

    assert factories.figures(alice) == (0, 0)


def test_a_price_changed_meanwhile_does_not_change_the_charge(alice: User) -> None:
    (hold,) = factories.hold(alice, quote=factories.quote_for(factories.VIDEO))
    old = RateCard.objects.get(pk=hold.line.rate_card_id)
    old.pk, old.usd_per_second, old.effective_from = None, Decimal(99), AT
    old.save()

    ledger.record_usage(hold=hold, attempt=1, usage=factories.RENDERED, at=AT)
    charge = ledger.charge(hold=hold, at=AT)

    assert (charge.tokens, charge.usd) == (1000, Decimal("1.20"))
    assert factories.quote_for(factories.VIDEO).tokens == 659_736


def test_entries_of_one_user_are_numbered_without_gap(alice: User, bob: User) -> None:
    factories.charged(alice)
    factories.charged(bob)
    factories.limit(alice, 5000)
    factories.charged(alice)

    entries = LedgerEntry.objects.filter(user=alice).order_by("seq")
    assert list(entries.values_list("seq", "kind", "used_after")) == [
        (1, "charge", 487), (2, "limit", 487), (3, "charge", 974),
    ]  # fmt: skip


def test_charges_of_a_day_add_up_in_one_row(alice: User) -> None:
    factories.short_charged(alice)
    factories.short_charged(alice, at=AT + timedelta(hours=3))

    rows = DailyUsage.objects.filter(user=alice).order_by("api_type")
    assert list(rows.values_list("api_type", "charges", "tokens", "usd")) == [
        ("gemini-image-analysis", 2, 974, None),
        ("gemini-veo-video", 2, 2000, Decimal("2.40")),
    ]


def test_a_hold_of_february_is_charged_to_february(alice: User) -> None:
    hold = factories.due(alice, 487, at=LAST_MOMENT_OF_FEBRUARY)

    charge = ledger.charge(hold=hold, at=FIRST_MOMENT_OF_MARCH)

    entry = factories.entry(charge)
    assert (str(entry.period_start), str(entry.day)) == ("2027-02-01", "2027-02-28")
    assert entry.used_after == 487
    assert factories.figures(alice, FIRST_MOMENT_OF_MARCH) == (0, 0)
    assert charge.remaining_tokens == 10_000


def test_a_late_charge_goes_on_with_the_running_sum_of_its_own_period(alice: User) -> None:
    factories.charged(alice, 100, at=LAST_MOMENT_OF_FEBRUARY)
    late = factories.due(alice, 30, at=LAST_MOMENT_OF_FEBRUARY)
    factories.charged(alice, 7, at=FIRST_MOMENT_OF_MARCH)

    entry = factories.entry(ledger.charge(hold=late, at=FIRST_MOMENT_OF_MARCH))

    assert (entry.seq, entry.used_after) == (3, 130)
    assert factories.figures(alice, FIRST_MOMENT_OF_MARCH) == (7, 0)


def test_a_late_charge_leaves_the_holds_of_today_alone(alice: User) -> None:
    late = factories.due(alice, at=LAST_MOMENT_OF_FEBRUARY)
    factories.hold(alice, 200, at=FIRST_MOMENT_OF_MARCH)

    ledger.charge(hold=late, at=FIRST_MOMENT_OF_MARCH)

    assert factories.figures(alice, FIRST_MOMENT_OF_MARCH) == (0, 200)


def test_a_charge_that_crosses_thresholds_leaves_a_notice_of_each(alice: User) -> None:
    factories.limit(alice, 1000)

    factories.charged(alice, 499, held=1)
    assert notices(alice) == []
    factories.charged(alice, 301, held=1)

    assert notices(alice) == [(1000, 50, 800), (1000, 80, 800)]


def test_a_threshold_is_told_once_at_a_limit_and_again_at_another(alice: User) -> None:
    factories.limit(alice, 1000)
    factories.charged(alice, 600, held=1)
    factories.charged(alice, 100, held=1)
    factories.limit(alice, 2000)

    factories.charged(alice, 300, held=1)

    assert notices(alice) == [(1000, 50, 600), (2000, 50, 1000)]


def test_a_threshold_that_stays_passed_is_not_told_again_at_a_raised_limit(alice: User) -> None:
    factories.limit(alice, 1000)
    factories.charged(alice, 700, held=1)
    factories.limit(alice, 1200)

    factories.charged(alice, 1, held=1)

    assert notices(alice) == [(1000, 50, 700)]


def test_the_last_token_crosses_the_hundredth_percent(alice: User) -> None:
    factories.limit(alice, 1000)
    factories.charged(alice, 999, held=1)
    assert 100 not in [level for _, level, _ in notices(alice)]

    factories.charged(alice, 1, held=1)

    assert (1000, 100, 1000) in notices(alice)


def test_an_unlimited_ledger_has_no_thresholds(alice: User) -> None:
    factories.limit(alice, None)

    charge = factories.charged(alice, 10**9)

    assert charge.remaining_tokens is None
    assert factories.entry(charge).limit_after is None
    assert notices(alice) == []


def test_tokens_beyond_32_bits_are_charged_as_they_are(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=2_147_483_653), at=AT)

    charge = ledger.charge(hold=hold, at=AT)

    assert charge.tokens == 2_147_483_653
    assert charge.remaining_tokens == 10_000 - 2_147_483_653
