"""What staff acts leave in the books is proved too, and the periods and limits of entries."""

from datetime import timedelta

import pytest

from accounts.models import User
from metering import audit, ledger
from tests import factories
from tests.factories import AT
from tests.metering import books

planted = pytest.mark.plants_ledger_errors


@planted
def test_grants_that_do_not_add_up_are_found(alice: User) -> None:
    ledger.grant(user=alice, tokens=100, at=AT, **factories.act())

    factories.plant("UPDATE metering_tokenledger SET granted = 105")

    assert books.found() == {
        "granted": ["granted is 105, grants of the period give 100"],
        "limit_after": ["the last entry says a limit of 10100, the ledger 10105 with grants"],
    }


@planted
@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("tokens = -488", "488 tokens are refunded of entry {charge}, which charges the user 487"),
        ("job_id = NULL", "100 tokens are refunded of entry {charge}, which charges the user 0"),
        ("reverses_id = id", "100 tokens are refunded of entry {refund}, which charges the user 0"),
    ],
)
def test_a_refund_that_does_not_fit_its_charge_is_found(
    alice: User, change: str, detail: str
) -> None:
    charge = factories.charged(alice)
    refund = ledger.refund(entry=charge.id, tokens=100, at=AT, **factories.act())

    factories.plant(f"UPDATE metering_ledgerentry SET {change} WHERE kind = 'refund'")

    assert books.found()["refund"] == [detail.format(charge=charge.id, refund=refund)]


@planted
def test_a_refund_of_somebody_elses_charge_is_found(alice: User, bob: User) -> None:
    charge = factories.charged(alice)
    of_bob = factories.charged(bob)
    ledger.refund(entry=charge.id, tokens=100, at=AT, **factories.act())

    factories.plant(
        "UPDATE metering_ledgerentry SET reverses_id = %s WHERE kind = 'refund'", of_bob.id
    )

    assert books.found() == {
        "refund": [f"100 tokens are refunded of entry {of_bob.id}, which charges the user 0"]
    }


@planted
def test_a_write_off_without_its_entry_is_found(alice: User) -> None:
    hold = factories.due(alice)
    factories.plant(
        "UPDATE metering_hold SET state = 'written_off', closed_at = now() WHERE id = %s", hold.id
    )

    factories.plant("UPDATE metering_tokenledger SET held = 0")

    assert books.found() == {"write-off": [f"hold {hold.id} is written_off with 0 write-offs"]}


@planted
def test_a_write_off_of_a_hold_that_is_still_due_is_found(alice: User) -> None:
    hold = factories.due(alice)
    ledger.write_off(hold=hold, at=AT, **factories.act())

    factories.plant("UPDATE metering_hold SET state = 'due', closed_at = NULL")

    assert books.found()["write-off"] == [f"hold {hold.id} is due with 1 write-offs"]


@planted
@pytest.mark.parametrize("change", ["period_start = '2026-10-01'", "day = day - 1"])
def test_a_charge_of_another_period_or_day_than_its_hold_is_found(alice: User, change: str) -> None:
    entry = factories.entry(factories.charged(alice))

    factories.plant(f"UPDATE metering_ledgerentry SET {change}")

    (detail,) = books.found()["period"]
    assert detail.startswith(f"entry {entry.pk} is of 2026-")
    assert detail.endswith(f"its hold {entry.hold_id} of 2026-11-01, 2026-11-25")


@planted
def test_a_limit_that_nobody_set_is_found(alice: User) -> None:
    factories.charged(alice)

    factories.plant("UPDATE metering_tokenledger SET token_limit = 20000")

    assert books.found() == {
        "limit_after": ["the last entry says a limit of 10000, the ledger 20000 with grants"]
    }


@planted
def test_an_entry_with_another_limit_than_its_neighbours_is_found(alice: User) -> None:
    factories.charged(alice)
    entry = factories.entry(factories.charged(alice))
    ledger.grant(user=alice, tokens=100, at=AT, **factories.act())

    factories.plant("UPDATE metering_ledgerentry SET limit_after = 9 WHERE id = %s", entry.pk)

    said = f"entry {entry.pk} says a limit of 9, before it were 10000, changed by 0"
    assert said in books.found()["limit_after"]


def test_limits_and_grants_of_staff_follow_from_each_other(alice: User) -> None:
    factories.charged(alice)
    ledger.grant(user=alice, tokens=100, at=AT, **factories.act())
    factories.limit(alice, None)
    factories.charged(alice)
    factories.limit(alice, 700)

    ledger.adjust(user=alice, tokens=5, at=AT, **factories.act())

    assert audit.run() == []


def test_a_late_charge_after_the_roll_over_is_no_error(alice: User) -> None:
    ledger.grant(user=alice, tokens=100, at=AT, **factories.act())
    hold = factories.due(alice)
    factories.charged(alice)

    ledger.charge(hold=hold, at=AT + timedelta(days=10))

    assert audit.run() == []


@planted
def test_one_user_is_proved_alone(alice: User, bob: User) -> None:
    factories.short_charged(alice)
    factories.short_charged(bob)
    ledger.grant(user=bob, tokens=5, at=AT, **factories.act())

    factories.plant("UPDATE metering_tokenledger SET used = 0 WHERE user_id = %s", alice.pk)

    assert audit.run(user_id=bob.pk) == []
    assert [finding.user_id for finding in audit.run(user_id=alice.pk)] == [alice.pk]
    assert audit.size(user_id=bob.pk) == audit.Size(users=1, entries=3, holds=2, due_holds=0)
