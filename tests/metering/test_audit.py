"""Whatever is wrong in the books is found and named, row by row."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import InternalError, connection

from accounts.models import User
from metering import audit, ledger
from metering.audit import Finding
from metering.models import LedgerEntry, TokenLedger
from metering.types import Usage
from tests import factories
from tests.factories import AT
from tests.metering import books

planted = pytest.mark.plants_ledger_errors


def test_books_written_by_the_verbs_are_right(alice: User, bob: User) -> None:
    factories.short_charged(alice)
    factories.hold(alice)
    factories.due(bob)
    factories.limit(bob, None)
    ledger.track_token_usage(
        user=bob, api_type=factories.ANALYSIS.api_type, model=factories.ANALYSIS.model,
        usage=factories.REPORTED, key="once", at=AT,
    )  # fmt: skip

    assert audit.run() == []


@planted
@pytest.mark.parametrize(
    ("change", "invariant", "detail"),
    [
        ("used = used + 1", "used", "used is 1488, entries of the period give 1487"),
        ("held = held + 1", "held", "held is 1501, live holds give 1500"),
        ("seq = seq + 1", "seq", "ledger says 3 entries, there are 2, numbered 1 to 2"),
        ("seq = seq - 1", "seq", "ledger says 1 entries, there are 2, numbered 1 to 2"),
    ],
)
def test_a_counter_that_was_written_by_hand_is_found(
    alice: User, bob: User, change: str, invariant: str, detail: str
) -> None:
    factories.short_charged(alice)
    factories.hold(alice)
    factories.charged(bob)

    factories.plant(f"UPDATE metering_tokenledger SET {change} WHERE user_id = {alice.pk}")

    assert audit.run() == [Finding(invariant=invariant, user_id=alice.pk, detail=detail)]


@planted
def test_a_hold_of_another_amount_is_found(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    factories.plant("UPDATE metering_hold SET amount = 400 WHERE id = %s", hold.id)

    assert books.found() == {"held": ["held is 500, live holds give 400"]}


@planted
def test_a_missing_entry_is_found_by_everything_that_leans_on_it(alice: User) -> None:
    factories.charged(alice, 100)
    first = LedgerEntry.objects.get()
    factories.charged(alice, 7)

    factories.plant("DELETE FROM metering_ledgerentry WHERE id = %s", first.pk)

    assert set(books.found()) == {"used", "seq", "used_after", "charge", "event", "daily"}


@planted
def test_a_renumbered_entry_is_found(alice: User) -> None:
    factories.charged(alice)
    factories.charged(alice)

    factories.plant("UPDATE metering_ledgerentry SET seq = 0 WHERE seq = 1")

    assert books.found() == {"seq": ["ledger says 2 entries, there are 2, numbered 0 to 2"]}


@planted
def test_entries_without_a_ledger_are_found(alice: User) -> None:
    factories.charged(alice)

    factories.plant("DELETE FROM metering_tokenledger WHERE user_id = %s", alice.pk)

    (finding,) = audit.run()
    assert (finding.invariant, finding.user_id) == ("seq", alice.pk)


@planted
def test_a_broken_running_sum_is_found(alice: User) -> None:
    entry = factories.entry(factories.charged(alice, 100))
    factories.charged(alice, 7)

    factories.plant("UPDATE metering_ledgerentry SET used_after = 99 WHERE id = %s", entry.pk)

    assert books.found() == {
        "used_after": [f"entry {entry.pk} says 99 used, the running sum is 100"]
    }


@planted
def test_a_captured_hold_without_its_charge_is_found(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.release(hold=hold, reason="test", at=AT)

    factories.plant("UPDATE metering_hold SET state = 'captured' WHERE id = %s", hold.id)

    assert books.found() == {
        "charge": [f"hold {hold.id} is captured with 0 charges of 0 tokens, its event says nothing"]
    }


@planted
def test_a_charge_of_a_hold_that_is_not_captured_is_found(alice: User) -> None:
    hold = factories.due(alice)
    ledger.charge(hold=hold, at=AT)

    factories.plant("UPDATE metering_hold SET state = 'released' WHERE id = %s", hold.id)

    assert books.found()["charge"] == [
        f"hold {hold.id} is released with 1 charges of 487 tokens, its event says 487"
    ]


@planted
def test_a_due_hold_with_nothing_reported_is_found(alice: User) -> None:
    hold = factories.due(alice)

    factories.plant("DELETE FROM metering_usageevent")

    assert books.found() == {
        "charge": [f"hold {hold.id} is due with 0 charges of 0 tokens, its event says nothing"]
    }


@planted
def test_a_spend_that_was_given_back_is_found(alice: User) -> None:
    hold = factories.due(alice)

    factories.plant(
        "UPDATE metering_hold SET state = 'released', closed_at = now() WHERE id = %s", hold.id
    )
    factories.plant("UPDATE metering_tokenledger SET held = 0")

    assert set(books.found()) == {"charge"}


@planted
@pytest.mark.parametrize("change", ["usd = 9", "cost_usd = 9", "model = 'other'", "job_id = NULL"])
def test_a_charge_that_is_not_what_was_reported_is_found(alice: User, change: str) -> None:
    entry = factories.entry(factories.charged(alice))

    factories.plant(f"UPDATE metering_ledgerentry SET {change}")

    assert books.found()["event"] == [
        f"entry {entry.pk} charges 487 tokens, event {entry.event_id} says 487"
    ]


@planted
def test_a_tracked_use_that_was_not_charged_is_found(alice: User) -> None:
    charge = ledger.track_token_usage(
        user=alice, api_type=factories.ANALYSIS.api_type, model=factories.ANALYSIS.model,
        usage=factories.REPORTED, key="once", at=AT,
    )  # fmt: skip
    event_id = factories.entry(charge).event_id

    factories.plant("DELETE FROM metering_ledgerentry")

    assert books.found()["event"] == [f"entry - charges 0 tokens, event {event_id} says 487"]


@planted
def test_a_second_charge_of_a_leg_is_found_also_without_a_hold(alice: User) -> None:
    factories.short_charged(alice)
    factories.plant(
        "INSERT INTO metering_ledgerentry (user_id, seq, kind, tokens, api_type, model, job_id,"
        " key, period_start, day, used_after, reason, created_at)"
        " SELECT user_id, 3, kind, tokens, api_type, model, job_id, 'again', period_start, day,"
        " used_after, reason, created_at FROM metering_ledgerentry WHERE seq = 2"
    )

    (detail,) = books.found()["charged twice"]
    assert detail.endswith("was charged 2 times for gemini-veo-video")


@planted
def test_a_leg_that_was_charged_twice_is_found(alice: User) -> None:
    job_id = uuid4()
    factories.short_charged(alice, job_id=job_id)

    factories.short_charged(alice, job_id=job_id)

    assert books.found() == {
        "charged twice": [
            f"job {job_id} was charged 2 times for gemini-image-analysis",
            f"job {job_id} was charged 2 times for gemini-veo-video",
        ]
    }


@planted
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE metering_dailyusage SET tokens = tokens + 1",
        "UPDATE metering_dailyusage SET charges = charges + 1",
        "UPDATE metering_dailyusage SET usd = 1",
        "UPDATE metering_dailyusage SET cost_usd = cost_usd + 1",
        "UPDATE metering_dailyusage SET day = day - 1",
        "DELETE FROM metering_dailyusage",
    ],
)
def test_a_day_that_does_not_add_up_is_found(alice: User, change: str) -> None:
    factories.charged(alice)

    factories.plant(change)

    assert set(books.found()) == {"daily"}


@planted
def test_a_day_says_both_figures(alice: User) -> None:
    factories.charged(alice)

    factories.plant("UPDATE metering_dailyusage SET tokens = 5, cost_usd = 1")

    (detail,) = books.found()["daily"]
    assert detail == (
        "2026-11-25 leg-0 gemini-3.8-flash: the roll-up says (1,5,,1.00000000), entries give"
        " (1,487,,0.00182625) (charges, tokens, tariff, cost)"
    )


def test_there_is_one_name_for_each_invariant() -> None:
    assert len(set(audit.INVARIANTS)) == 13
    assert all(invariant.__doc__ for invariant in audit.INVARIANTS)


def test_other_apps_add_their_own_invariants(db: None) -> None:
    def never_content(user_id: int | None) -> Iterator[Finding]:
        yield Finding(invariant="mood", user_id=None, detail="never content")

    assert audit.run(extra=[never_content]) == [
        Finding(invariant="mood", user_id=None, detail="never content")
    ]


def test_its_size_is_told(alice: User, bob: User) -> None:
    factories.short_charged(alice)
    factories.due(alice)
    factories.hold(bob)

    assert audit.size() == audit.Size(users=2, entries=2, holds=5, due_holds=1)


@planted
@pytest.mark.django_db(transaction=True)
def test_everything_is_read_at_one_instant(alice: User) -> None:
    def meanwhile(user_id: int | None) -> Iterator[Finding]:
        with factories.elsewhere() as other, other.cursor() as cursor:
            cursor.execute("UPDATE metering_tokenledger SET used = 5")
        yield from ()

    during = audit.run(extra=[meanwhile, audit.used_follows_from_entries])

    assert during == []
    assert [finding.invariant for finding in audit.run()] == ["used"]


@pytest.mark.django_db(transaction=True)
def test_nothing_can_be_written_meanwhile(alice: User) -> None:
    with audit.snapshot(), pytest.raises(InternalError, match="read-only transaction"):
        TokenLedger.objects.update(used=5)

    assert factories.figures(alice) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_nobody_is_waited_for(alice: User) -> None:
    factories.hold(alice)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")

    with factories.elsewhere() as other, other.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE metering_tokenledger SET used = 5")
        cursor.execute("LOCK metering_hold, metering_ledgerentry IN EXCLUSIVE MODE")
        assert audit.run() == []

    connection.close()


def test_an_event_that_charges_nothing_is_no_error(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(), at=AT, billable=False)

    ledger.release(hold=hold, reason="test", at=AT)

    assert audit.run() == []
