"""The database itself refuses to change what has happened, whoever asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from metering.models import ConversionRate, LedgerEntry, RateCard, UsageEvent
from tests import factories

HISTORY = [LedgerEntry, UsageEvent]


@contextmanager
def refused(why: str) -> Iterator[None]:
    with pytest.raises(IntegrityError, match=why), transaction.atomic():
        yield


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def coming_card() -> RateCard:
    card = RateCard.objects.filter(model=factories.VIDEO.model, resolution="720p").get()
    card.pk, card.effective_from = None, timezone.now() + timedelta(days=1)
    card.save()
    return card


@pytest.mark.parametrize("model", HISTORY)
def test_rows_are_added(alice: User, model: type[LedgerEntry | UsageEvent]) -> None:
    factories.charged(alice)
    factories.charged(alice)

    assert model.objects.count() == 2


@pytest.mark.parametrize("model", HISTORY)
def test_a_change_by_queryset_is_refused(
    alice: User, model: type[LedgerEntry | UsageEvent]
) -> None:
    factories.charged(alice)

    with refused("rows are only ever added"):
        model.objects.update(tokens=1)

    assert model.objects.get().tokens == 487


@pytest.mark.parametrize("model", HISTORY)
def test_a_saved_row_is_refused(alice: User, model: type[LedgerEntry | UsageEvent]) -> None:
    factories.charged(alice)
    row = model.objects.get()
    row.tokens = 1

    with refused("rows are only ever added"):
        row.save()
    with refused("rows are only ever added"):
        model.objects.bulk_update([row], ["tokens"])

    assert model.objects.get().tokens == 487


@pytest.mark.parametrize("model", HISTORY)
def test_a_deletion_is_refused(alice: User, model: type[LedgerEntry | UsageEvent]) -> None:
    factories.charged(alice)

    with refused("rows are only ever added"):
        execute(f"DELETE FROM {model._meta.db_table}")

    assert model.objects.count() == 1


def test_entries_are_not_deleted_by_queryset(alice: User) -> None:
    factories.charged(alice)

    with refused("rows are only ever added"):
        LedgerEntry.objects.all().delete()

    assert LedgerEntry.objects.count() == 1


@pytest.mark.parametrize("model", HISTORY)
def test_truncate_is_refused(alice: User, model: type[LedgerEntry | UsageEvent]) -> None:
    factories.charged(alice)
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    with refused("TRUNCATE on .* is refused"):
        execute(f"TRUNCATE {model._meta.db_table} CASCADE")

    assert model.objects.count() == 1


def test_a_person_with_history_is_not_deleted(alice: User) -> None:
    factories.charged(alice)

    with pytest.raises(ProtectedError):
        alice.delete()
    with refused("violates foreign key"):
        execute(f"DELETE FROM accounts_user WHERE id = {alice.pk}; SET CONSTRAINTS ALL IMMEDIATE")

    assert factories.figures(alice) == (487, 0)


def test_a_price_in_force_is_history(db: None) -> None:
    with refused("the price has been in force"):
        RateCard.objects.filter(model=factories.VIDEO.model).update(usd_per_second=Decimal("0.01"))
    with refused("the price has been in force"):
        RateCard.objects.filter(model=factories.VIDEO.model).delete()

    assert factories.quote_for(factories.VIDEO).tokens == 1000


@pytest.mark.parametrize("model", [RateCard, ConversionRate])
def test_prices_are_not_truncated(db: None, model: type[RateCard | ConversionRate]) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    with refused("TRUNCATE on .* is refused"):
        execute(f"TRUNCATE {model._meta.db_table}")

    assert factories.quote_for().tokens == 1500


def test_a_conversion_rate_in_force_is_history(db: None) -> None:
    with refused("the price has been in force"):
        ConversionRate.objects.update(tokens_per_usd=1)
    with refused("the price has been in force"):
        ConversionRate.objects.all().delete()

    assert ConversionRate.objects.get().tokens_per_usd == 833


def test_only_the_end_of_a_price_in_force_may_still_change(db: None) -> None:
    card = RateCard.objects.filter(model=factories.VIDEO.model, resolution="720p")

    card.update(retires_at=factories.AT, enabled=False)

    assert card.get().retires_at == factories.AT
    with refused("the price has been in force"):
        card.update(enabled=True, label="another")


def test_a_price_that_is_still_to_come_may_change_and_go(db: None) -> None:
    card = coming_card()

    RateCard.objects.filter(pk=card.pk).update(usd_per_second=Decimal("0.2"))
    card.refresh_from_db()
    card.delete()

    assert card.usd_per_second == Decimal("0.2")
    assert not RateCard.objects.filter(effective_from__gt=timezone.now(), model=card.model).exists()
